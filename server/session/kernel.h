/*
 * kernel: how much of a connection's streams the kernel has taken and given (tcp(7)).
 *
 * Both are exact whatever the process was doing when it ended: bytes acknowledged by the peer plus
 * bytes queued are what was ever sent; bytes received less those not read are what was ever read.
 */
#ifndef SERVER_SESSION_KERNEL_H
#define SERVER_SESSION_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

struct kernel_counts {
	uint64_t sent; /* bytes that the socket took from us, ever */
	uint64_t read; /* bytes that it gave us */
};

/* False if it is no connected TCP socket; an end of our own must not be sent yet. */
bool kernel_counts(int socket, struct kernel_counts *counts);

#endif
