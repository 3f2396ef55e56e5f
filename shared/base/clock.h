/*
 * clock: the two clocks of the program.
 *
 * Durations, time-outs and heartbeats are taken from the monotonic clock, which never jumps. Only
 * what a person or another boot has to understand (the end of a hold, the time of a message) is
 * wall time. Both are int64_t nanoseconds. Code that thinks gets the time as an argument and does
 * not call this.
 */
#ifndef SHARED_BASE_CLOCK_H
#define SHARED_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_US     INT64_C(1000)
#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_SECOND INT64_C(1000000000)

/* "2026-11-20T10:00:00Z" and its NUL (RFC 3339, whole seconds, UTC). */
#define CLOCK_TEXT_SIZE 21

/* Nanoseconds since some point before the boot; never goes back (CLOCK_MONOTONIC). */
int64_t clock_monotonic_ns(void);

/* Nanoseconds since 1970-01-01 UTC; jumps when somebody sets the clock. */
int64_t clock_wall_ns(void);

/*
 * The same for deadlines that are kept as dates (a hold's end, a ban's): the wall time at the start
 * plus the real time since (CLOCK_BOOTTIME), so that setting the clock neither shortens nor
 * lengthens them. The start is once, before the first fork; without it, it is the wall time.
 */
void clock_start_deadlines(void);
int64_t clock_deadlines_ns(void);

/* By how much it was ahead of the boot's clock then; who takes over goes on with the same. */
int64_t clock_deadlines_ahead_ns(void);
void clock_go_on_with_deadlines(int64_t ahead_ns);

/* Writes the wall time WALL_NS into TEXT, which has CLOCK_TEXT_SIZE bytes. */
void clock_format(int64_t wall_ns, char *text);

/* Writes a duration for people, "1 second" or "90 seconds", a part of one as a whole one. */
#define CLOCK_SECONDS_SIZE 32 /* bytes, a NUL counted in */
void clock_seconds(int64_t ns, char *text);

/* A duration or a time of either clock as the kernel takes it; NS is not negative. */
struct timespec clock_timespec(int64_t ns);

/* The monotonic time TIMEOUT_NS from now; one too large to count never comes (INT64_MAX). */
int64_t clock_deadline(int64_t timeout_ns);

/* Sleeps for DURATION_NS, and on through signals. */
void clock_sleep(int64_t duration_ns);

#endif
