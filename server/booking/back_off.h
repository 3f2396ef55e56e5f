/*
 * back_off: the store fails: how long to wait before the next try, and what the log says of it.
 *
 * Who serves the queue has one. A store that failed once is tried again almost at once; one that
 * goes on failing (a full disk) now and then. The log says once that it fails and once that it
 * works again, not with each try. Begins as zeroed memory. Knows no clock and no store.
 *
 * And a store that is fine, but that somebody else has, or whose database is away: that is not a
 * failure, and it is said once for all who serve, who have the note of it in common.
 */
#ifndef SERVER_BOOKING_BACK_OFF_H
#define SERVER_BOOKING_BACK_OFF_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/clock.h"

#define BACK_OFF_PAUSE_LEAST_NS (10 * NS_PER_MS)
#define BACK_OFF_PAUSE_MOST_NS  NS_PER_SECOND
#define BACK_OFF_HINDERED_NS    (100 * NS_PER_MS) /* between two tries, when somebody else has it */

struct back_off {
	int64_t pause_ns;  /* the last one; 0: all is well */
	unsigned failures; /* since all was well */
	bool said;         /* the log says so */
};

/*
 * The store failed, and WHY (NULL: that was said already): returns how long to wait before the next
 * try, in nanoseconds.
 */
int64_t back_off_note(struct back_off *back_off, const char *why);

/* The store took something: whatever was is over. */
void back_off_end(struct back_off *back_off);

/* Somebody else has the store, and WHY says who; later: it is to be had again. */
void back_off_note_hindered(_Atomic bool *hindered, const char *why);
void back_off_end_hindered(_Atomic bool *hindered);

#endif
