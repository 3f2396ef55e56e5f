/*
 * boxoffice_release: what the end of a session gives back: its tied holds, its place among those
 * who wait. It must not be lost, whatever fails or dies: a full queue, the store, this worker.
 */
#ifndef SERVER_BOOKING_RELEASE_H
#define SERVER_BOOKING_RELEASE_H

#include <stdbool.h>

struct session;
struct worker;

/*
 * A session ends: what is tied to it, and its place among those who wait, is given back. False if
 * the queue is full: try again next turn, and keep the seat until then.
 */
bool boxoffice_release(struct session *session);

/* At a worker's start, with its clerk at work: the same for the sessions of its predecessor. */
void boxoffice_sweep(struct worker *worker);

/*
 * A second passed: gives back once more what could not be given back since the store failed, also
 * what a predecessor could not.
 */
void boxoffice_tick(struct worker *worker);

#endif
