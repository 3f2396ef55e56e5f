/*
 * pool_task: what a worker of a pool carries out: a function, and the bytes that go to it and come
 * back.
 */
#ifndef SHARED_PROCESS_POOL_TASK_H
#define SHARED_PROCESS_POOL_TASK_H

#include <stdbool.h>
#include <stddef.h>

#define POOL_ARGUMENT_MAX 4000 /* bytes */
#define POOL_RESULT_MAX   4000 /* bytes */

/*
 * What a worker calls. RESULT has SIZE bytes, all zero, and all of them are sent back. False: the
 * task failed, and says so by POOL_FAILED.
 */
typedef bool (*pool_function)(const void *argument, size_t length, void *result, size_t size);

struct pool_task {
	pool_function run;
	const void *argument;
	size_t argument_size; /* to POOL_ARGUMENT_MAX */
	size_t result_size;   /* to POOL_RESULT_MAX */
};

#endif
