/*
 * kernel: how much of a connection's streams the kernel has taken and given.
 *
 * Of a TCP socket (tcp(7)) both are exact whatever the process was doing when it ended: bytes
 * acknowledged by the peer plus bytes queued are what was ever sent; bytes received less those not
 * read are what was ever read. Of a plain end (state/plain_ends.h) the tls process counts at the
 * other end: what it gave less what is not read was read here; what was sent is known once it has
 * taken all of it.
 */
#ifndef SERVER_SESSION_KERNEL_H
#define SERVER_SESSION_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "server/session/sessions.h"

struct kernel_counts {
	uint64_t sent;   /* bytes that the socket took from us, ever */
	bool sent_known; /* not while a plain end has some that the tls process did not take */
	uint64_t read;   /* bytes that it gave us */
};

/*
 * Of a session's socket. False if it is neither, or over; an end of our own must not be sent yet.
 */
bool kernel_counts(const struct session *session, struct kernel_counts *counts);

#endif
