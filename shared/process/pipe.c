#include "shared/process/pipe.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/log.h"

/* POLLOUT and a full channel at once: the kernel was short of buffers. */
#define SHORT_OF_BUFFERS_NS NS_PER_MS

bool pipe_open(int ends[2])
{
	return channel_open(ends);
}

/* Until END is ready for EVENTS, or a signal comes; false when DEADLINE_NS is over. */
static bool wait_until_ready(int end, short events, int64_t deadline_ns)
{
	struct pollfd ready = { .fd = end, .events = events };
	struct timespec left;

	if (deadline_ns != INT64_MAX) {
		int64_t left_ns = deadline_ns - clock_monotonic_ns();
		if (left_ns <= 0) {
			return false;
		}
		left = clock_timespec(left_ns);
	}
	if (ppoll(&ready, 1, deadline_ns == INT64_MAX ? NULL : &left, NULL) < 0 && errno != EINTR) {
		bug("ppoll: %m");
	}
	return true;
}

enum pipe_result pipe_send(int end, const void *bytes, size_t length, int64_t timeout_ns)
{
	int64_t deadline_ns = futex_deadline(timeout_ns);
	enum channel_result result = channel_send(end, bytes, length, NULL, 0);

	while (result == CHANNEL_FULL) {
		bool short_of_buffers = errno != EAGAIN;
		if (!wait_until_ready(end, POLLOUT, deadline_ns)) {
			return PIPE_TIMED_OUT;
		}
		if (short_of_buffers) {
			clock_sleep(SHORT_OF_BUFFERS_NS);
		}
		result = channel_send(end, bytes, length, NULL, 0);
	}
	switch (result) {
	case CHANNEL_OK: return PIPE_DONE;
	case CHANNEL_CLOSED: return PIPE_CLOSED;
	default: return PIPE_FAILED;
	}
}

/* Nobody sends descriptors here; should one come, it is not kept. */
static void close_descriptors(const struct channel_message *message)
{
	for (size_t i = 0; i < message->descriptor_count; i++) {
		close(message->descriptors[i]);
	}
}

static enum pipe_result unpack(const struct channel_message *message, bool cut, void *buffer,
			       size_t size, size_t *length)
{
	close_descriptors(message);
	*length = message->length < size ? message->length : size;
	memcpy(buffer, message->bytes, *length);
	return cut || message->length > size ? PIPE_CUT : PIPE_DONE;
}

enum pipe_result pipe_receive(int end, void *buffer, size_t size, size_t *length,
			      int64_t timeout_ns)
{
	int64_t deadline_ns = futex_deadline(timeout_ns);
	struct channel_message message;
	enum channel_result result = channel_receive(end, &message);

	while (result == CHANNEL_EMPTY) {
		if (!wait_until_ready(end, POLLIN, deadline_ns)) {
			return PIPE_TIMED_OUT;
		}
		result = channel_receive(end, &message);
	}
	switch (result) {
	case CHANNEL_OK:
	case CHANNEL_CUT: return unpack(&message, result == CHANNEL_CUT, buffer, size, length);
	case CHANNEL_CLOSED: return PIPE_CLOSED;
	default: return PIPE_FAILED;
	}
}

static bool is_ready(int end)
{
	struct pollfd ready = { .fd = end, .events = POLLIN };

	return poll(&ready, 1, 0) > 0;
}

bool pipe_poll(int end, int64_t timeout_ns)
{
	int64_t deadline_ns = futex_deadline(timeout_ns);

	while (!is_ready(end)) {
		if (!wait_until_ready(end, POLLIN, deadline_ns)) {
			return false;
		}
	}
	return true;
}

void pipe_close(int end)
{
	close(end);
}
