/*
 * faults: makes the kernel fail, or the process die, at a counted step.
 *
 * The functions that SQLite, the index of keys and the JSON store write with, and libpq speaks to
 * its database with, are defined in the
 * test program, in front of the C library's: each call is a step. A test may count further steps of
 * its own.
 */
#ifndef TESTS_DB_FAULTS_H
#define TESTS_DB_FAULTS_H

#include <stdbool.h>

enum fault {
	FAULT_NONE,
	FAULT_KILL,  /* SIGKILL to this process before the step is done */
	FAULT_ERROR, /* the step, that one alone, fails with EIO */
	FAULT_DEAD,  /* from this step on everything fails with EIO */
	FAULT_FULL   /* from this step on writing fails with ENOSPC, until the next call */
};

/* The STEP-th step from now on (1 is the next) is the one; the count starts afresh. */
void fault_at(enum fault fault, int step);

/* How many steps there were since the last fault_at. */
int fault_steps(void);

/* A step of the test's own: only FAULT_KILL means anything there. */
void fault_step(void);

#endif
