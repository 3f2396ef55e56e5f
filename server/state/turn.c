#include "server/state/turn.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"

#define READS_ARE_ALL 24 /* libevent asks the kernel for 32 sockets at once, or more */

void turn_init(struct turn *turn, struct shared_state *shared, uint32_t worker)
{
	memset(turn, 0, sizeof(*turn));
	turn->shared = shared;
	turn->worker = worker;
	turn->score = &shared->scoreboard->scores[worker];
	turn->hand = &shared->streams->hands[worker];
	turn->arena =
		arena_create(streams_arena(shared->streams, worker), shared->streams->arena_bytes);
}

void turn_finish(struct turn *turn)
{
	arena_destroy(turn->arena);
}

/*
 * `last_ns` was read before the loop asked last. When that told of very many sockets, there may be
 * more that it did not tell of.
 */
void turn_forget_time(struct turn *turn)
{
	if (turn->reads < READS_ARE_ALL) {
		turn->unread_since_ns = turn->last_ns;
	}
	if (turn->now_ns != 0) {
		turn->last_ns = turn->now_ns;
	}
	turn->reads = 0;
	turn->now_ns = turn->wall_ns = 0;
}

int64_t turn_now_ns(struct turn *turn)
{
	if (turn->now_ns == 0) {
		turn->now_ns = clock_monotonic_ns();
	}
	return turn->now_ns;
}

int64_t turn_wall_ns(struct turn *turn)
{
	if (turn->wall_ns == 0) {
		turn->wall_ns = clock_wall_ns();
	}
	return turn->wall_ns;
}

void turn_wake(struct turn *turn, uint32_t other)
{
	if (other != turn->worker) {
		turn->to_wake |= UINT64_C(1) << other;
	}
}

void turn_wake_room(struct turn *turn, uint16_t room)
{
	const struct room *shared = &turn->shared->rooms->rooms[room];

	for (uint32_t i = 0; i < turn->shared->workers; i++) {
		if (atomic_load_explicit(&shared->members[i], memory_order_relaxed) > 0) {
			turn_wake(turn, i);
		}
	}
}

void turn_wake_others(struct turn *turn)
{
	while (turn->to_wake != 0) {
		unsigned other = (unsigned)__builtin_ctzll(turn->to_wake);

		turn->to_wake &= turn->to_wake - 1;
		(void)waker_wake(&turn->shared->scoreboard->scores[other].waker);
	}
	if (turn->wakes_bus) {
		turn->wakes_bus = false;
		(void)waker_wake(&turn->shared->scoreboard->scores[SCOREBOARD_BUS].waker);
	}
}

void turn_call_clerks(struct turn *turn)
{
	if (turn->calls_clerks) {
		turn->calls_clerks = false;
		booking_queue_call(turn->shared->queue, turn->worker);
	}
}
