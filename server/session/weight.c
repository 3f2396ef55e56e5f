#include "server/session/weight.h"

#include "server/config/listener.h"

#define OWN_REPLIES_MOST (64 * 1024) /* bytes that are not read; then no more is asked */

/* Its own replies do not count: they are bounded by not reading from who does not take them. */
bool weight_is_too_far_behind(const struct session *session)
{
	return session->state == SESSION_OPEN &&
	       output_bytes(session->output) - session->own_bytes >
		       session->turn->shared->options->send_queue_bytes;
}

bool weight_ignores_its_replies(const struct session *session)
{
	return session->own_bytes >= OWN_REPLIES_MOST;
}

/* What one receiver costs in memory: a socket that takes no more holds its share in the kernel. */
void weight_update(struct session *session)
{
	struct sessions *sessions = session->turn->sessions;
	size_t weight = 0;

	if (session->state == SESSION_OPEN) {
		weight = output_bytes(session->output) +
			 (session->writing ? LISTENER_UNSENT_BYTES : 0);
	}
	sessions->queued_bytes += weight - session->counted;
	session->counted = weight;
}

void weight_add_own(struct session *session, size_t length)
{
	session->own_bytes += length;
	session->own_behind = output_bytes(session->output);
}

void weight_sent(struct session *session, size_t sent)
{
	session->own_behind -= sent < session->own_behind ? sent : session->own_behind;
	if (session->own_bytes > session->own_behind) {
		session->own_bytes = session->own_behind;
	}
}
