#include "server/session/kernel.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define TRIES 100

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
bool kernel_counts(int socket, struct kernel_counts *counts)
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
			counts->read = after.tcpi_bytes_received - (has_ended(&after) ? 1U : 0U) -
				       (unsigned)unread;
			return true;
		}
		before = after;
	}
	return false;
}
