#include "server/state/shared_state.h"

#include "shared/base/clock.h"

static size_t length_for(uint32_t seats, bool with_bus)
{
	const unsigned workers = OPTIONS_WORKERS_MAX;

	return sizeof(struct scoreboard) + sizeof(struct booking_queue) +
	       sizeof(struct stock_board) + directory_size(workers, seats) + admission_size(seats) +
	       rooms_size(OPTIONS_HISTORY_MAX) + inboxes_size(workers) + sizeof(struct logins) +
	       streams_size(workers, seats) + workers * sizeof(struct told) +
	       (with_bus ? bus_size() + presence_size() + errands_size() : 0) + 6 * CACHE_LINE;
}

void shared_state_init(struct shared_state *shared, const struct options *options)
{
	struct memory *memory = &shared->memory;
	const unsigned workers = OPTIONS_WORKERS_MAX;

	shared->options = options;
	shared->workers = 0;
	shared->seats = options->seats > options->max_connections ? options->seats
								  : options->max_connections;
	memory_init(memory, "turnstile", length_for(shared->seats, options->bus_server_count > 0));
	shared->scoreboard = memory_take(memory, sizeof(struct scoreboard), CACHE_LINE);
	shared->queue = memory_take(memory, sizeof(struct booking_queue), CACHE_LINE);
	shared->board = memory_take(memory, sizeof(struct stock_board), CACHE_LINE);
	shared->directory =
		directory_create(memory, workers, shared->seats,
				 admission_create(memory, shared->seats, options->max_per_address));
	shared->rooms = rooms_create(memory, workers, OPTIONS_HISTORY_MAX);
	shared->logins = logins_create(memory);
	shared->inboxes = inboxes_create(memory, workers);
	shared->streams = streams_create(memory, workers, shared->seats, options);
	shared->told = memory_take(memory, workers * sizeof(struct told), CACHE_LINE);
	plain_ends_create(&shared->plain_ends, shared->seats);
	shared->bus = options->bus_server_count > 0 ? bus_create(memory) : NULL;
	shared->errands = shared->bus ? errands_create(memory) : NULL;
	shared->presence = shared->bus ? presence_create(memory) : NULL;
	scoreboard_init(shared->scoreboard, clock_wall_ns());
	booking_queue_init(shared->queue, options->workers);
	shared->queue->each_own = options->serialize == SERIALIZE_NONE;
	shared->queue->one_clerk = options->serialize == SERIALIZE_JOIN;
	shared_state_fit(shared);
}

void shared_state_finish(struct shared_state *shared)
{
	scoreboard_finish(shared->scoreboard);
	streams_finish(shared->streams);
	plain_ends_finish(&shared->plain_ends);
	memory_finish(&shared->memory);
}

void shared_state_fit(struct shared_state *shared)
{
	const struct options *options = shared->options;
	const unsigned workers =
		options->workers > shared->workers ? options->workers : shared->workers;

	inboxes_use(shared->inboxes, workers);
	streams_use(shared->streams, workers);
	rooms_use(shared->rooms, workers, options->history);
	shared->queue->workers = workers;
	shared->scoreboard->workers = workers;
	shared->scoreboard->wanted = options->workers;
	shared->workers = workers;
}

void shared_state_use(struct shared_state *shared, unsigned workers)
{
	shared->workers = workers > shared->workers ? workers : shared->workers;
	shared_state_fit(shared);
}
