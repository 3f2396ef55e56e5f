/*
 * A wall clock that is wrong by TURNSTILE_SKEW seconds, in front of the C library's: loaded into
 * turnstiled (LD_PRELOAD) by tests/prove/nodes.py. Time that only passes is not changed. Who waits
 * until a time of that clock waits by the kernel's, so that is put right again.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_US    1000
#define WALL_SECONDS 1000000000 /* a clock that says more is no clock since the start */

static time_t skew_seconds;

__attribute__((constructor)) static void begin(void)
{
	const char *seconds = getenv("TURNSTILE_SKEW");
	skew_seconds = seconds ? strtol(seconds, NULL, 10) : 0;
}

static int read_clock(clockid_t clock, struct timespec *now)
{
	int status = (int)syscall(SYS_clock_gettime, clock, now);
	if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
		now->tv_sec += skew_seconds;
	}
	return status;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	return read_clock(clock, now);
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
			   const struct timespec *restrict until)
{
	static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
	struct timespec right = *until;
	if (!real) {
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
	}
	if (right.tv_sec > WALL_SECONDS) {
		right.tv_sec -= skew_seconds;
	}
	return real(condition, mutex, &right);
}

time_t time(time_t *where)
{
	struct timespec now = { 0 };
	(void)read_clock(CLOCK_REALTIME, &now);
	if (where) {
		*where = now.tv_sec;
	}
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict where, void *restrict zone)
{
	struct timespec now = { 0 };
	(void)zone;
	int status = read_clock(CLOCK_REALTIME, &now);
	where->tv_sec = now.tv_sec;
	where->tv_usec = now.tv_nsec / NS_PER_US;
	return status;
}
