#include "shared/base/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum sink {
	SINK_PLAIN,  /* a file, or a descriptor of our own that does not wait */
	SINK_SOCKET, /* the journal's: each call says that it does not wait */
	SINK_ASKED   /* it is asked before each line */
};

static enum sink sink = SINK_PLAIN;
static atomic_bool is_torn; /* of the last line only a part was taken */

static bool open_anew(void)
{
	int own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	bool replaced = own >= 0 && dup2(own, STDERR_FILENO) >= 0;

	if (own >= 0) {
		close(own);
	}
	return replaced;
}

void log_sink_never_block(void)
{
	struct stat status;

	if (fstat(STDERR_FILENO, &status) != 0) {
		return;
	}
	if (S_ISSOCK(status.st_mode)) {
		sink = SINK_SOCKET;
	} else if ((S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) && !open_anew()) {
		sink = SINK_ASKED;
	}
}

static bool takes_a_line(void)
{
	struct pollfd stream = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&stream, 1, 0) == 1 && (stream.revents & POLLOUT) != 0;
}

static ssize_t write_once(const char *bytes, size_t length)
{
	if (sink == SINK_SOCKET) {
		return send(STDERR_FILENO, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	if (sink == SINK_ASKED && !takes_a_line()) {
		errno = EAGAIN;
		return -1;
	}
	return write(STDERR_FILENO, bytes, length);
}

static ssize_t write_uninterrupted(const char *bytes, size_t length)
{
	ssize_t written;

	do {
		written = write_once(bytes, length);
	} while (written < 0 && errno == EINTR);
	return written;
}

/* Once only, whole: a line cut in two could mix with another process's. */
bool log_sink_write(const char *line, size_t length)
{
	if (is_torn && write_uninterrupted("\n", 1) != 1) {
		return false;
	}
	ssize_t written = write_uninterrupted(line, length);

	is_torn = written > 0 && (size_t)written < length;
	return written == (ssize_t)length;
}
