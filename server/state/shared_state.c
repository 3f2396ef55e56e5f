#include "server/state/shared_state.h"

#include "shared/base/clock.h"

void commons_init(struct commons *commons, const struct options *options)
{
	unsigned workers = options->workers;
	size_t length = sizeof(struct scoreboard) + sizeof(struct desk) + sizeof(struct board) +
			directory_size(workers, options->max_connections) +
			gate_size(options->max_connections) + rooms_size(options->history) +
			inboxes_size(workers) + 4 * CACHE_LINE;
	struct memory *memory = &commons->memory;

	commons->options = options;
	memory_init(memory, "turnstile", length);
	commons->scoreboard = memory_take(memory, sizeof(struct scoreboard), CACHE_LINE);
	commons->desk = memory_take(memory, sizeof(struct desk), CACHE_LINE);
	commons->board = memory_take(memory, sizeof(struct board), CACHE_LINE);
	commons->directory = directory_create(
		memory, workers, options->max_connections,
		gate_create(memory, options->max_connections, options->max_per_address));
	commons->rooms = rooms_create(memory, workers, options->history);
	commons->inboxes = inboxes_create(memory, workers);
	scoreboard_init(commons->scoreboard, workers, clock_wall_ns());
	desk_init(commons->desk, workers);
	commons->desk->each_own = options->serialize == SERIALIZE_NONE;
	commons->desk->one_clerk = options->serialize == SERIALIZE_JOIN;
}
