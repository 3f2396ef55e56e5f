#include "server/session/kernel.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "shared/base/clock.h"

#define TRIES       100
#define PLAIN_TRIES 50 /* of as many milliseconds: the tls process is at it, or dead */

/* The states in which the peer's end (FIN) was received: it counts as a byte. */
enum { STATE_CLOSE_WAIT = 8, STATE_LAST_ACK = 9, STATE_CLOSING = 11 };

static bool ask(int socket, struct tcp_info *info)
{
	socklen_t length = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return getsockopt(socket, IPPROTO_TCP, TCP_INFO, info, &length) == 0;
}

static bool has_ended(const struct tcp_info *info)
{
	return info->tcpi_state == STATE_CLOSE_WAIT || info->tcpi_state == STATE_LAST_ACK ||
	       info->tcpi_state == STATE_CLOSING;
}

/* Bytes come and are acknowledged between the calls: until nothing changed meanwhile. */
static bool tcp_counts(int socket, struct kernel_counts *counts)
{
	struct tcp_info before;
	struct tcp_info after;
	int unsent;
	int unread;

	if (!ask(socket, &before)) {
		return false;
	}
	for (int i = 0; i < TRIES; i++) {
		if (ioctl(socket, SIOCOUTQ, &unsent) != 0 ||
		    ioctl(socket, FIONREAD, &unread) != 0 || !ask(socket, &after)) {
			return false;
		}
		if (before.tcpi_bytes_acked == after.tcpi_bytes_acked &&
		    before.tcpi_bytes_received == after.tcpi_bytes_received &&
		    before.tcpi_state == after.tcpi_state) {
			counts->sent = after.tcpi_bytes_acked + (unsigned)unsent;
			counts->sent_known = true;
			counts->read = after.tcpi_bytes_received - (has_ended(&after) ? 1U : 0U) -
				       (unsigned)unread;
			return true;
		}
		before = after;
	}
	return false;
}

/* What is queued at the other end is told in memory, not in bytes: but whether it is nothing. */
static bool plain_counts(const struct plain_ends *ends, uint64_t number, int socket,
			 struct kernel_counts *counts)
{
	const struct plain_end *end;
	uint32_t version;

	for (int i = 0; i < PLAIN_TRIES && (end = plain_ends_find(ends, number)); i++) {
		int unsent;
		int unread;

		if (plain_end_is_still(end, &version)) {
			if (ioctl(socket, SIOCOUTQ, &unsent) != 0 ||
			    ioctl(socket, FIONREAD, &unread) != 0) {
				return false;
			}
			counts->sent = end->count.taken;
			counts->sent_known = unsent == 0;
			counts->read = end->count.given - (unsigned)unread;
			if (plain_end_was_still(end, number, version)) {
				return true;
			}
		} else {
			clock_sleep(NS_PER_MS);
		}
	}
	return false;
}

bool kernel_counts(const struct session *session, struct kernel_counts *counts)
{
	const struct stream *stream = session->stream;

	return stream->plain == 0 ? tcp_counts(session->socket, counts)
				  : plain_counts(&session->turn->shared->plain_ends, stream->plain,
						 session->socket, counts);
}
