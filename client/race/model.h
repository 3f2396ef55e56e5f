/*
 * model: a few purchases, step by step, as they can come under a strategy; and which step cannot
 * come, and why. Pure: no process, no store.
 *
 * The same is written once more for the page (web/race/model.js); tests hold the two equal. What
 * real processes do is compared with it (schedule.h).
 *
 *   none, join, atomic   r reads what is left, w sells on what was read
 *   lock, semaphore      l goes in, r, w, u goes out
 *   all                  x is killed; what it held is free again, what it did not write never was
 *
 * Who read that nothing is left sells nothing by its w. With join a buyer is started when the one
 * before has ended; with atomic r begins a transaction of the store's, and w ends it.
 */
#ifndef CLIENT_RACE_MODEL_H
#define CLIENT_RACE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "client/race/heat.h"

#define MODEL_BUYERS_MAX  9
#define MODEL_REASON_SIZE 96 /* bytes, a NUL counted in */

/* How far a buyer is. */
enum model_place {
	MODEL_OUTSIDE,
	MODEL_INSIDE,  /* lock, semaphore: it holds what lets it in */
	MODEL_READ,    /* it knows what was left */
	MODEL_WRITTEN, /* lock, semaphore: and is still in */
	MODEL_DONE,
	MODEL_KILLED
};

struct model_buyer {
	enum model_place place;
	int64_t read; /* what was left, from MODEL_READ on */
	bool bought;
};

struct model {
	enum race_strategy strategy;
	unsigned buyers;
	int64_t tickets;
	int64_t left; /* as the store has it */
	int64_t sold; /* tickets in hands */
	struct model_buyer buyer[MODEL_BUYERS_MAX];
};

/* A step: the letter is one of l, r, w, u, x. */
struct race_step {
	unsigned buyer; /* from 0 */
	char letter;
};

struct model model_start(enum race_strategy strategy, unsigned buyers, int64_t tickets);

/* Takes STEP, or says in REASON (MODEL_REASON_SIZE bytes) why it cannot be: "buyer 1 holds the
 * lock"; then nothing has changed. */
bool model_take(struct model *model, struct race_step step, char *reason);

/* The letter of BUYER's next step, blocked or not; '\0' when it has none. */
char model_next(const struct model *model, unsigned buyer);

/* Whether BUYER is done or was killed; whether all are. */
bool model_ended(const struct model *model, unsigned buyer);
bool model_all_ended(const struct model *model);

/* Whether more tickets are in hands than there are. */
bool model_oversold(const struct model *model);

#endif
