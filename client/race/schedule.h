/*
 * schedule: the steps of a few buyers in one order, as text: "1r 2r 1w 2w". Pure: whether it can be
 * is what the model says; scheduler.h has real processes follow it.
 */
#ifndef CLIENT_RACE_SCHEDULE_H
#define CLIENT_RACE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "client/race/model.h"

#define SCHEDULE_STEPS_MAX    (5 * MODEL_BUYERS_MAX) /* l, r, w, u, x of each */
#define SCHEDULE_PROBLEM_SIZE 192                    /* bytes, a NUL counted in */

struct race_schedule {
	size_t count;
	struct race_step steps[SCHEDULE_STEPS_MAX];
};

/* Reads TEXT; false, and what is wrong with it in PROBLEM (SCHEDULE_PROBLEM_SIZE bytes). */
bool schedule_read(struct race_schedule *schedule, const char *text, char *problem);

/* The highest buyer's number in it, from 1. */
unsigned schedule_buyers(const struct race_schedule *schedule);

/* Whether it begins with going in or has somebody go in: then it is one for a lock. */
bool schedule_takes_lock(const struct race_schedule *schedule);

/*
 * Takes all steps on MODEL. False when one cannot be: PROBLEM says which and why ("step 2, 2l:
 * buyer 1 holds the lock"), and MODEL is as it was before that step.
 */
bool schedule_follow(const struct race_schedule *schedule, struct model *model, char *problem);

/* A step that MODEL has just taken, in words: "  1r   buyer 1 reads 1 left". */
void schedule_print_step(const struct model *model, struct race_step step, FILE *to);

#endif
