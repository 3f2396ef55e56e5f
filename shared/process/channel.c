#include "shared/process/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "shared/base/log.h"

#define CONTROL_SIZE CMSG_SPACE(sizeof(int) * CHANNEL_DESCRIPTORS_MAX)

/* Room for the descriptors of a message, aligned as the kernel wants it. */
union control {
	struct cmsghdr header;
	unsigned char bytes[CONTROL_SIZE];
};

bool channel_open(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0;
}

static void put_descriptors(struct msghdr *message, union control *control, const int *descriptors,
			    size_t count)
{
	size_t bytes = sizeof(int) * count;

	memset(control, 0, sizeof(*control));
	message->msg_control = control->bytes;
	message->msg_controllen = CMSG_SPACE(bytes);
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(header), descriptors, bytes);
}

static enum channel_result send_failed(void)
{
	switch (errno) {
	case EAGAIN:
	case ENOBUFS:
	case ETOOMANYREFS: return CHANNEL_FULL;
	case EPIPE:
	case ECONNRESET: return CHANNEL_CLOSED;
	default: return CHANNEL_FAILED;
	}
}

enum channel_result channel_send(int end, const void *bytes, size_t length, const int *descriptors,
				 size_t count)
{
	struct iovec part = { .iov_len = length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union control control;
	ssize_t sent;

	if (length == 0 || length > CHANNEL_MESSAGE_MAX || count > CHANNEL_DESCRIPTORS_MAX) {
		bug("a message of %zu bytes and %zu descriptors", length, count);
	}
	/* sendmsg(2) only reads, but its iovec is also recvmsg's and has no const. */
	memcpy(&part.iov_base, &bytes, sizeof(bytes));
	if (count > 0) {
		put_descriptors(&message, &control, descriptors, count);
	}
	do {
		sent = sendmsg(end, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? send_failed() : CHANNEL_OK;
}

static void get_descriptors(struct msghdr *header, struct channel_message *message)
{
	message->descriptor_count = 0;
	for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
			continue;
		}
		size_t bytes = part->cmsg_len - CMSG_LEN(0);
		memcpy(message->descriptors, CMSG_DATA(part), bytes);
		message->descriptor_count = bytes / sizeof(int);
	}
}

/*
 * ECONNRESET says that the peer went with messages of ours unread. It is reported once and before
 * what the peer itself had sent, so the next call goes on with that.
 */
static ssize_t receive(int end, struct msghdr *header)
{
	struct msghdr fresh = *header;
	ssize_t received;

	do {
		*header = fresh;
		received = recvmsg(end, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (received < 0 && (errno == EINTR || errno == ECONNRESET));
	return received;
}

enum channel_result channel_receive(int end, struct channel_message *message)
{
	struct iovec part = { .iov_base = message->bytes, .iov_len = sizeof(message->bytes) };
	union control control;
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t received = receive(end, &header);

	if (received < 0) {
		return errno == EAGAIN ? CHANNEL_EMPTY : CHANNEL_FAILED;
	}
	if (received == 0) {
		return CHANNEL_CLOSED;
	}
	message->length = (size_t)received;
	get_descriptors(&header, message);
	return (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ? CHANNEL_CUT : CHANNEL_OK;
}
