#include "server/state/shared_state.h"

#include "shared/base/clock.h"

void shared_state_init(struct shared_state *shared, const struct options *options)
{
	unsigned workers = options->workers;
	size_t length = sizeof(struct scoreboard) + sizeof(struct booking_queue) +
			sizeof(struct stock_board) +
			directory_size(workers, options->max_connections) +
			admission_size(options->max_connections) + rooms_size(options->history) +
			inboxes_size(workers) + sizeof(struct logins) +
			streams_size(workers, options->max_connections) + 5 * CACHE_LINE;
	struct memory *memory = &shared->memory;

	shared->options = options;
	memory_init(memory, "turnstile", length);
	shared->scoreboard = memory_take(memory, sizeof(struct scoreboard), CACHE_LINE);
	shared->queue = memory_take(memory, sizeof(struct booking_queue), CACHE_LINE);
	shared->board = memory_take(memory, sizeof(struct stock_board), CACHE_LINE);
	shared->directory = directory_create(
		memory, workers, options->max_connections,
		admission_create(memory, options->max_connections, options->max_per_address));
	shared->rooms = rooms_create(memory, workers, options->history);
	shared->logins = logins_create(memory);
	shared->inboxes = inboxes_create(memory, workers);
	shared->streams = streams_create(memory, options);
	scoreboard_init(shared->scoreboard, workers, clock_wall_ns());
	booking_queue_init(shared->queue, workers);
	shared->queue->each_own = options->serialize == SERIALIZE_NONE;
	shared->queue->one_clerk = options->serialize == SERIALIZE_JOIN;
}
