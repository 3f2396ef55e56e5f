#include "server/chat/cut.h"

/* `notices` of a bus is odd while it is away. */
static bool is_away(uint64_t notices)
{
	return notices % 2 != 0;
}

static void tell_all(struct turn *turn, const char *text)
{
	uint32_t index = 0;

	for (struct session *session; (session = sessions_next(turn, &index));) {
		if (session->let_in && session->state == SESSION_OPEN) {
			session_notice(session, "%s", text);
		}
	}
}

bool cut_has_news(const struct turn *turn)
{
	const struct bus *bus = turn->shared->bus;

	return bus && bus->outboxes[turn->worker].told != bus->notices;
}

/* Noted first: who is killed over it has told some, and the next does not begin anew. */
void cut_turn(struct turn *turn)
{
	struct bus *bus = turn->shared->bus;

	if (!cut_has_news(turn)) {
		return;
	}
	const uint64_t notices = bus->notices;
	const uint64_t told = atomic_exchange(&bus->outboxes[turn->worker].told, notices);

	if (is_away(notices) == is_away(told)) {
		return; /* it was away, or back, for a moment only */
	}
	tell_all(turn, is_away(notices)
			       ? "the other machines cannot be reached; what is said in rooms waits"
			       : "the other machines are reached again");
}
