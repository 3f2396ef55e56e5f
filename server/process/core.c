#include "server/process/core.h"

#include "server/booking/boxoffice.h"
#include "server/chat/chat.h"
#include "server/chat/elsewhere.h"
#include "server/chat/fan_out.h"
#include "server/chat/post.h"
#include "server/process/fronts.h"
#include "server/session/adopt.h"
#include "server/session/relief.h"
#include "server/session/session.h"
#include "shared/base/clock.h"

#define RETRY_NS NS_PER_MS /* when a lock was taken */

void core_init(struct core *core, struct shared_state *shared, uint32_t worker)
{
	turn_init(&core->turn, shared, worker);
	core->sales = (struct sales){ .again_ns = 0 };
	sessions_create(&core->turn);
	chat_create(&core->turn);
	boxoffice_create(&core->turn);
}

void core_finish(struct core *core)
{
	boxoffice_destroy(&core->turn);
	chat_destroy(&core->turn);
	sessions_destroy(&core->turn);
	turn_finish(&core->turn);
}

/* A session ended: what it had is given back. */
static bool give_back(struct session *session)
{
	return boxoffice_release(session) && chat_leave_all(session);
}

void core_turn(struct core *core)
{
	struct turn *turn = &core->turn;

	boxoffice_turn(turn);
	sessions_retry_waiting(turn);
	turn_call_clerks(turn);
	sales_make_rooms(&core->sales, turn);
	chat_turn(turn);
	if (sales_are_due(&core->sales, turn)) {
		sales_announce(&core->sales, turn);
		chat_turn(turn);
	}
	turn_wake_others(turn);
	sessions_flush(turn, give_back);
	relief_turn(turn);
	turn_wake_others(turn); /* who hears that somebody is gone */
}

bool core_has_news(const struct core *core)
{
	return core->turn.sessions->pressing || chat_has_news(&core->turn) ||
	       boxoffice_has_news(&core->turn);
}

bool core_is_idle(const struct core *core)
{
	const struct turn *turn = &core->turn;

	return turn->sessions->count == 0 && !posts_wait(turn) && boxoffice_is_idle(turn);
}

int64_t core_due_ns(struct core *core)
{
	struct turn *turn = &core->turn;
	int64_t due_ns;

	if (turn->sessions->waiting || turn->sessions->ended || posts_wait(turn)) {
		return turn_now_ns(turn) + RETRY_NS;
	}
	due_ns = fan_out_next_ns(turn);
	if (core->sales.again_ns != 0 && core->sales.again_ns < due_ns) {
		due_ns = core->sales.again_ns;
	}
	int64_t elsewhere_ns = elsewhere_due_ns(turn);
	int64_t overdue_ns = boxoffice_due_ns(turn);

	due_ns = elsewhere_ns < due_ns ? elsewhere_ns : due_ns;

	return overdue_ns < due_ns ? overdue_ns : due_ns;
}

void core_tick(struct core *core)
{
	sessions_tick(&core->turn);
	boxoffice_tick(&core->turn);
	sales_announce(&core->sales, &core->turn);
}

void core_keep(struct core *core, const int *sockets)
{
	struct directory *directory = core->turn.shared->directory;

	directory_lock(directory);
	directory_take_back(directory, core->turn.worker);
	directory_limit_addresses(directory, core->turn.shared->options->max_per_address);
	directory_unlock(directory);
	adopt_keep(&core->turn, sockets);
}

static const struct front *front_of_kind(uint8_t kind)
{
	return front_of(kind);
}

static void sweep(struct core *core)
{
	chat_sweep(&core->turn);
	turn_wake_others(&core->turn);
}

uint32_t core_adopt(struct core *core, const int *sockets)
{
	struct turn *turn = &core->turn;
	uint32_t count = adopt_sessions(turn, sockets, front_of_kind);
	bool asked = boxoffice_was_asked(turn);
	uint32_t index = 0;

	for (struct session *session; (session = sessions_next(turn, &index));) {
		boxoffice_adopt(session);
	}
	chat_adopt(turn);
	boxoffice_resume(turn);
	hand_end(turn->hand);
	boxoffice_ask_again(turn);
	adopt_resume(turn, asked);
	boxoffice_sweep(turn);
	sweep(core);
	adopt_start(turn);
	return count;
}

bool core_yield(struct core *core)
{
	bool settled = chat_yield(&core->turn) && !core->turn.sessions->ended;

	sessions_flush(&core->turn, give_back);
	return settled && !core->turn.sessions->ended;
}

/* Of a connection whose worker was killed it may not be known yet (kernel.h). */
static bool knows_what_was_sent(const struct turn *turn)
{
	uint32_t index = 0;

	for (const struct session *session; (session = sessions_next(turn, &index));) {
		if (session->sent_unknown) {
			return false;
		}
	}
	return true;
}

/* Answers that came last are given, and no input is in hand: all of it is done with. */
void core_leave(struct core *core)
{
	core_turn(core);
	chat_leave(&core->turn);
	sessions_flush(&core->turn, give_back);
	turn_wake_others(&core->turn);
	atomic_store(&core->turn.hand->session, 0);
	atomic_store(&core->turn.hand->left, knows_what_was_sent(&core->turn));
	trail_finish(&core->turn.sessions->trail);
}

void core_sweep(struct core *core)
{
	sessions_forget(&core->turn);
	sweep(core);
}
