/*
 * children: processes that an experiment starts and waits for: one, or many that do the same.
 *
 * All end with the program, whatever ends it. Waiting is bounded: who does not end in time is
 * killed, and that counts as a fact that did not hold.
 */
#ifndef CLIENT_LAB_CHILDREN_H
#define CLIENT_LAB_CHILDREN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "client/lab/report.h"
#include "shared/process/process.h"

#define LAB_CHILDREN_MAX 32

/* What member NUMBER (from 0 on) of a children does. */
typedef void (*lab_work)(struct lab *lab, void *shared, unsigned number);

/* A zeroed one is empty. */
struct lab_children {
	struct process *members[LAB_CHILDREN_MAX];
	unsigned count;
};

/* Starts COUNT more members, numbered from 0 on. */
void lab_children_start(struct lab *lab, struct lab_children *children, unsigned count,
			lab_work work, void *shared);

/* Waits for the end of all. */
void lab_children_join(struct lab *lab, struct lab_children *children);

/* Both, one after the other. */
void lab_children_run(struct lab *lab, unsigned count, lab_work work, void *shared);

/* As process_start, of a daemon that ends with us; dies when it cannot. */
struct process *lab_start(const char *name, int (*run)(void *argument), void *argument);

/* Waits for its end and destroys it; returns its exit status. */
int lab_finish(struct lab *lab, struct process *process);

/*
 * What /proc/PID/status says of FIELD ("State", "PPid"), in VALUE (LAB_STATUS_SIZE bytes); false
 * when there is no such process.
 */
#define LAB_STATUS_SIZE 64
bool lab_status(pid_t pid, const char *field, char *value);

/* Raises MOST, which all children share, to VALUE. */
void lab_raise(_Atomic unsigned *most, unsigned value);

/* Whether TRUE_YET(CONTEXT) comes true, with patience. */
bool lab_eventually(bool (*true_yet)(void *context), void *context);

#endif
