/*
 * bench_cost: what a server's processes cost: processors' time and memory, of one process and all
 * its descendants together. Read from /proc; processes that come and go in between are counted as
 * far as their parents have reaped them.
 */
#ifndef CLIENT_BENCH_COST_H
#define CLIENT_BENCH_COST_H

#include <stdint.h>
#include <sys/types.h>

/* Nanoseconds of processors' time so far; -1 if ROOT is 0 or there is no such process. */
int64_t bench_cost_cpu_ns(pid_t root);

/* Bytes of memory, what is shared counted in parts (PSS); -1 likewise. */
int64_t bench_cost_memory(pid_t root);

/* Nanoseconds of processors' time of the calling process. */
int64_t bench_cost_own_ns(void);

#endif
