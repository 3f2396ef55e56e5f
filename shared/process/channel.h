/*
 * channel: whole messages and descriptors between two processes, both ways.
 *
 * A pair of SOCK_SEQPACKET sockets (unix(7)): a message arrives whole or not at all. Descriptors
 * sent stay open at the sender, who closes them when the receiver said that it has them (a receiver
 * can die with messages in its queue, or be out of descriptors: see CHANNEL_CUT). Descriptors
 * received are the receiver's, close-on-exec. Nothing here blocks. The master hands sockets to its
 * workers through channels.
 */
#ifndef SHARED_PROCESS_CHANNEL_H
#define SHARED_PROCESS_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#define CHANNEL_MESSAGE_MAX     4096 /* bytes */
#define CHANNEL_DESCRIPTORS_MAX 64   /* a message; the kernel's own limit is SCM_MAX_FD, 253 */

enum channel_result {
	CHANNEL_OK,
	CHANNEL_FULL,   /* send: the peer's queue, or what may be in flight (ETOOMANYREFS): later */
	CHANNEL_EMPTY,  /* receive: nothing there now */
	CHANNEL_CLOSED, /* the peer is gone; receive: and all it had sent is read */
	CHANNEL_CUT,    /* receive: bytes or descriptors did not fit or could not be installed */
	CHANNEL_FAILED  /* errno says why */
};

struct channel_message {
	size_t length; /* of bytes */
	size_t descriptor_count;
	int descriptors[CHANNEL_DESCRIPTORS_MAX];
	unsigned char bytes[CHANNEL_MESSAGE_MAX];
};

/* Makes the two ends, non-blocking and close-on-exec; false with errno set when it cannot. */
bool channel_open(int ends[2]);

/* Sends LENGTH (1 or more) bytes and COUNT descriptors, which stay ours, as one message. */
enum channel_result channel_send(int end, const void *bytes, size_t length, const int *descriptors,
				 size_t count);

/*
 * Receives one message. With CHANNEL_CUT what did arrive is in MESSAGE, and its descriptors are
 * the caller's to close as ever: the sender has to be told that the rest did not come.
 */
enum channel_result channel_receive(int end, struct channel_message *message);

#endif
