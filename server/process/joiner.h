/*
 * joiner: --serialize join: one child process a booking, joined before the next is started.
 *
 * The joiner is a process without threads, started by the master beside the workers. It takes the
 * requests from the queue in a fixed order, one of each worker in turn, and forks a child for each,
 * which opens the store, searches, buys, commits and ends. So all bookings run whole, one after the
 * other, in the order that the joiner chose: join in place of a lock.
 */
#ifndef SERVER_PROCESS_JOINER_H
#define SERVER_PROCESS_JOINER_H

/* The joiner's whole life, in its own process: returns its exit status. START is a worker_start. */
int joiner_run(void *start);

#endif
