/*
 * pipe: two ends, whole messages both ways, with time-outs. Python's Pipe.
 *
 * It is a channel (channel.h) without descriptors, for those who want to wait. Each end is a
 * descriptor, close-on-exec, and belongs to who opened it. After a fork both processes have both
 * ends: each closes the one that it does not use, or it will never see that the other is gone.
 */
#ifndef SHARED_PROCESS_PIPE_H
#define SHARED_PROCESS_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/process/channel.h"
#include "shared/sync/futex.h"

#define PIPE_MESSAGE_MAX CHANNEL_MESSAGE_MAX /* bytes */

enum pipe_result {
	PIPE_DONE,
	PIPE_TIMED_OUT,
	PIPE_CLOSED, /* the other end is; receive: and all it had sent was received */
	PIPE_CUT,    /* receive: the message was longer than the buffer; the rest of it is gone */
	PIPE_FAILED  /* errno says why */
};

/* Makes the two ends; false with errno set when it cannot. */
bool pipe_open(int ends[2]);

/* Sends a message of 1 to PIPE_MESSAGE_MAX bytes, waiting TIMEOUT_NS at most for room. */
enum pipe_result pipe_send(int end, const void *bytes, size_t length, int64_t timeout_ns);

/* Receives a message into BUFFER (SIZE bytes), waiting TIMEOUT_NS at most for one. */
enum pipe_result pipe_receive(int end, void *buffer, size_t size, size_t *length,
			      int64_t timeout_ns);

/* Whether pipe_receive would not have to wait (also when the other end is closed). */
bool pipe_poll(int end, int64_t timeout_ns);

void pipe_close(int end);

#endif
