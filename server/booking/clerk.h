/*
 * clerk: the thread of a worker that may block: it carries out what lies on the queue.
 *
 * With --serialize lock, whoever's clerk gets the store's lock serves all workers, in batches. With
 * none, each serves its own worker and holds no lock between reading what is left and writing it
 * back (unlocked.h). With join the joiner serves, and workers have no clerk.
 *
 * When the store fails, or cannot be opened, who asked is told, and the clerk pauses before it
 * tries again (back_off.h): its worker and who only chats there go on meanwhile.
 */
#ifndef SERVER_BOOKING_CLERK_H
#define SERVER_BOOKING_CLERK_H

#include <stdbool.h>
#include <stdint.h>

#include "server/state/shared_state.h"

struct clerk;

/* Starts the thread, which opens the store. Dies when it cannot be started. */
struct clerk *clerk_start(struct shared_state *shared, uint32_t worker);

/* Ends the thread, after the batch under way, closes the store and frees the clerk. */
void clerk_stop(struct clerk *clerk);

/*
 * This process is about to leave what it has to another: waits, PATIENCE_NS at most, until all is
 * answered that its worker asked for and no batch of the thread's is under way. From then on it
 * begins none. One that takes longer is settled by who comes next, as after any death; unless
 * nobody is to come before it is settled: then it has BATCH_NS for it. False: it is not settled.
 */
bool clerk_yield(struct clerk *clerk, int64_t patience_ns, int64_t batch_ns);

#endif
