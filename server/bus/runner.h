/*
 * runner: takes what people here ask of people on other machines there, and what others ask to the
 * workers here, and answers back: errands (state/errands.h), over the bus.
 *
 * An errand is sent once, to its machine alone, and given to a worker once. One that was held up on
 * its way for so long that who asked has given up is thrown away: each machine knows from the
 * others' signs of life how their clocks differ from its own.
 */
#ifndef SERVER_BUS_RUNNER_H
#define SERVER_BUS_RUNNER_H

#include "server/bus/beacon.h"
#include "server/state/shared_state.h"

#define RUNNER_SUBJECT_SIZE 64 /* bytes, a NUL counted in */

struct runner;

/* Dies when memory is gone. */
struct runner *runner_create(struct shared_state *shared, beacon_send send, void *context);
void runner_destroy(struct runner *runner);

/* The subject of what is for the machine NODE alone. */
void runner_subject(const char *node, char subject[RUNNER_SUBJECT_SIZE]);

/* Takes a message of that subject; adds a bit to WAKES for each worker that has news. */
void runner_take(struct runner *runner, struct span bytes, int64_t now_ns, uint64_t *wakes);

/* Often: sends what is to be sent. */
void runner_turn(struct runner *runner, int64_t now_ns, uint64_t *wakes);

#endif
