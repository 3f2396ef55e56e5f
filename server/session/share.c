#include "server/session/share.h"

#include "server/session/weight.h"
#include "shared/base/clock.h"

#define RATE_BURST       2         /* seconds' worth of what --rate allows, at once */
#define SHARE_COST       512       /* what one may ask for in a turn: cheap lines */
#define SHARE_COST_LEAST 32        /* however many there are */
#define SHARE_NS         NS_PER_MS /* likewise in time */
#define SHARE_LOOK       16        /* cost, after which the clock is looked at */

/* A token bucket that is kept as a time (GCRA): how far that is beyond what it may be. */
int64_t session_rate_wait_ns(struct session *session)
{
	const int64_t rate = session->turn->shared->options->rate;

	if (rate == 0 || session->operator_role) {
		return 0;
	}
	int64_t ahead_ns = session->tokens_ns - turn_now_ns(session->turn);
	int64_t wait_ns = ahead_ns - (RATE_BURST * rate - 1) * (NS_PER_SECOND / rate);

	return wait_ns > 0 ? wait_ns : 0;
}

bool session_within_rate(struct session *session, unsigned cost)
{
	const int64_t rate = session->turn->shared->options->rate;

	if (session_rate_wait_ns(session) > 0) {
		return false;
	}
	if (rate > 0 && !session->operator_role) {
		int64_t now = turn_now_ns(session->turn);
		int64_t start = session->tokens_ns > now ? session->tokens_ns : now;

		session->tokens_ns = start + (int64_t)cost * (NS_PER_SECOND / rate);
	}
	return true;
}

/* The more there are who wait for their next turn, the less each gets in one. */
void session_begin_share(struct session *session)
{
	struct sessions *sessions = session->turn->sessions;
	uint32_t others = sessions->waiting_count + 1;
	uint32_t cost = SHARE_COST / others;

	sessions->share_left = cost > SHARE_COST_LEAST ? cost : SHARE_COST_LEAST;
	sessions->share_end_ns = 0; /* the clock is not looked at for a few cheap lines */
}

void session_charge(struct session *session, unsigned cost)
{
	struct sessions *sessions = session->turn->sessions;
	uint32_t left =
		sessions->share_left - (cost < sessions->share_left ? cost : sessions->share_left);

	if (left / SHARE_LOOK != sessions->share_left / SHARE_LOOK) {
		int64_t now_ns = clock_monotonic_ns();

		if (sessions->share_end_ns == 0) {
			sessions->share_end_ns = now_ns + SHARE_NS / (sessions->waiting_count + 1);
		} else if (now_ns >= sessions->share_end_ns) {
			left = 0;
		}
	}
	sessions->share_left = left;
}

/* What a predecessor had done, or begun, of its input is passed over in one go. */
static bool catches_up(const struct sessions *sessions)
{
	return sessions->resumes &&
	       (sessions->requests < sessions->resume_done || sessions->resume_begun);
}

bool session_may_go_on(const struct session *session)
{
	const struct sessions *sessions = session->turn->sessions;

	if (catches_up(sessions)) {
		return true;
	}
	return sessions->share_left > 0 && !weight_ignores_its_replies(session) &&
	       !seat_is_ended(session->seat);
}

void session_put_off(struct session *session)
{
	session->keeping = true;
	if (!weight_ignores_its_replies(session)) {
		session->turn->sessions->pressing = true;
		session_retry_later(session);
	}
}
