#include "tests/db/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "tests/db/replay.h"

static enum fault planned;
static int planned_step;
static int steps;

void fault_at(enum fault fault, int step)
{
	planned = fault;
	planned_step = step;
	steps = 0;
}

int fault_steps(void)
{
	return steps;
}

/* Counts a step: 0, or the errno it fails with. */
static int problem_now(void)
{
	steps++;
	if (planned == FAULT_KILL && steps == planned_step) {
		raise(SIGKILL);
	}
	if (planned == FAULT_ERROR && steps == planned_step) {
		return EIO;
	}
	if (planned == FAULT_DEAD && steps >= planned_step) {
		return EIO;
	}
	return planned == FAULT_FULL && steps >= planned_step ? ENOSPC : 0;
}

void fault_step(void)
{
	problem_now();
}

/* False, with errno set, when the step fails. */
static bool may_go_on(void)
{
	int problem = problem_now();
	if (problem != 0) {
		errno = problem;
	}
	return problem == 0;
}

static ssize_t write_at(int descriptor, const void *bytes, size_t length, off64_t offset)
{
	if (!may_go_on()) {
		return -1;
	}
	ssize_t count = syscall(SYS_pwrite64, descriptor, bytes, length, offset);
	if (count > 0) {
		replay_note_write(descriptor, bytes, (size_t)count, offset);
	}
	return count;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t offset)
{
	return write_at(descriptor, bytes, length, offset);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t offset)
{
	return write_at(descriptor, bytes, length, offset);
}

static int truncate_to(int descriptor, off64_t length)
{
	int result = may_go_on() ? (int)syscall(SYS_ftruncate, descriptor, length) : -1;
	if (result == 0) {
		replay_note_truncate(descriptor, length);
	}
	return result;
}

int ftruncate64(int descriptor, off64_t length)
{
	return truncate_to(descriptor, length);
}

int ftruncate(int descriptor, off_t length)
{
	return truncate_to(descriptor, length);
}

static int sync_with(long call, int descriptor)
{
	int result = may_go_on() ? (int)syscall(call, descriptor) : -1;
	if (result == 0) {
		replay_note_sync(descriptor);
	}
	return result;
}

int fdatasync(int descriptor)
{
	return sync_with(SYS_fdatasync, descriptor);
}

int fsync(int descriptor)
{
	return sync_with(SYS_fsync, descriptor);
}

int rename(const char *from, const char *to)
{
	int result = may_go_on() ? (int)syscall(SYS_rename, from, to) : -1;
	if (result == 0) {
		replay_note_rename(from, to);
	}
	return result;
}

int posix_fallocate(int descriptor, off_t offset, off_t length)
{
	if (!may_go_on()) {
		return errno;
	}
	return syscall(SYS_fallocate, descriptor, 0, offset, length) == 0 ? 0 : errno;
}

/*
 * To and from a database. A connection that nothing can be sent over has ended: if it were only
 * silent then, who waits for an answer would wait as long as it may.
 */
ssize_t send(int descriptor, const void *bytes, size_t length, int flags)
{
	if (may_go_on()) {
		return syscall(SYS_sendto, descriptor, bytes, length, flags, NULL, 0);
	}
	int problem = errno;
	shutdown(descriptor, SHUT_RDWR);
	errno = problem;
	return -1;
}

ssize_t recv(int descriptor, void *bytes, size_t length, int flags)
{
	return may_go_on() ? syscall(SYS_recvfrom, descriptor, bytes, length, flags, NULL, NULL)
			   : -1;
}

/* No step: what removes a file that is not needed any more does not care whether it could. */
int unlink(const char *path)
{
	int result = (int)syscall(SYS_unlink, path);
	if (result == 0) {
		replay_note_remove(path);
	}
	return result;
}
