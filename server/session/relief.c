#include "server/session/relief.h"

#include "server/session/session.h"

#define RELIEVED_A_TURN 16 /* receivers cut off in one turn */

/* Of this worker's receivers the one that is furthest behind; NULL if none is. */
static struct session *furthest_behind(const struct turn *turn)
{
	struct session *furthest = NULL;
	uint32_t index = 0;

	for (struct session *each; (each = sessions_next(turn, &index));) {
		if (each->counted > (furthest ? furthest->counted : 0)) {
			furthest = each;
		}
	}
	return furthest;
}

/*
 * Each worker says how far its furthest is; one that has a further one is woken, and cuts that off.
 */
void relief_turn(struct turn *turn)
{
	struct scoreboard *scoreboard = turn->shared->scoreboard;
	const size_t most = turn->shared->options->send_queue_total_bytes;

	for (int i = 0; i < RELIEVED_A_TURN; i++) {
		atomic_store(&turn->score->queued_bytes, turn->sessions->queued_bytes);
		if (most == 0 || scoreboard_queued_bytes(scoreboard) <= most) {
			return;
		}
		struct session *furthest = furthest_behind(turn);

		atomic_store(&turn->score->furthest_bytes, furthest ? furthest->counted : 0);
		uint32_t worker = scoreboard_furthest_behind(scoreboard);

		if (worker != turn->worker) {
			turn_wake(turn, worker);
			return;
		}
		if (!furthest) {
			return;
		}
		session_cut_off(furthest);
	}
	turn->sessions->pressing = true;
}
