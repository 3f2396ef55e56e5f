/*
 * worker: a worker in one process, without a clerk or a store, for targets that are given what a
 * client sends. Made once, by worker_start; a session a client. What must never be aborts.
 */
#ifndef TESTS_FUZZ_WORKER_H
#define TESTS_FUZZ_WORKER_H

#include <stddef.h>
#include <stdint.h>

#include "server/session/front.h"

#define WORKER_OUTPUT_SIZE (1 << 20) /* bytes: the most that is ever queued for a client */

/* Makes it at the first call: its clients are FRONT's. */
void worker_start(const struct front *front);

/* A client's end of a new session. */
int worker_open(void);

/* One turn; in the clerk's place bookings are answered: there is no such event or ticket. */
void worker_turn(void);

/* How much is sent at a time, as the first byte says: of few pieces, since each takes a turn. */
size_t worker_piece(uint8_t said, size_t unit, size_t size);

/* Sends all of it so, with a turn and a LOOK at what came after each piece. */
void worker_send(int client, const uint8_t *data, size_t size, size_t piece,
		 void (*look)(int client));

/* The client is gone: within some turns no more than LEFT sessions are there. */
void worker_end(int client, uint32_t left);

#endif
