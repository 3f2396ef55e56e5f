#include "tests/db/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

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
	if (planned == FAULT_KILL && steps == planned_step)
		raise(SIGKILL);
	if (planned == FAULT_ERROR && steps == planned_step)
		return EIO;
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
	if (problem != 0)
		errno = problem;
	return problem == 0;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t offset)
{
	return may_go_on() ? syscall(SYS_pwrite64, descriptor, bytes, length, offset) : -1;
}

int fdatasync(int descriptor)
{
	return may_go_on() ? (int)syscall(SYS_fdatasync, descriptor) : -1;
}

int fsync(int descriptor)
{
	return may_go_on() ? (int)syscall(SYS_fsync, descriptor) : -1;
}

int rename(const char *from, const char *to)
{
	return may_go_on() ? (int)syscall(SYS_rename, from, to) : -1;
}

int posix_fallocate(int descriptor, off_t offset, off_t length)
{
	if (!may_go_on())
		return errno;
	return syscall(SYS_fallocate, descriptor, 0, offset, length) == 0 ? 0 : errno;
}
