/*
 * trouble: the store fails: how long to wait before the next try, and what the log says of it.
 *
 * Who serves the desk has one. A store that failed once is tried again almost at once; one that
 * goes on failing (a full disk) now and then. The log says it when trouble begins and when it ends,
 * not with each try. Zeroed memory is no trouble. Knows no clock and no store.
 */
#ifndef SERVER_BOOKING_BACK_OFF_H
#define SERVER_BOOKING_BACK_OFF_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/clock.h"

#define TROUBLE_PAUSE_LEAST_NS (10 * NS_PER_MS)
#define TROUBLE_PAUSE_MOST_NS  NS_PER_SECOND

struct trouble {
	int64_t pause_ns;  /* the last one; 0: all is well */
	unsigned failures; /* since all was well */
};

/*
 * The store failed, and WHY (NULL: that was said already): returns how long to wait before the next
 * try, in nanoseconds.
 */
int64_t trouble_note(struct trouble *trouble, const char *why);

/* The store took something: whatever was is over. */
void trouble_end(struct trouble *trouble);

bool trouble_is_on(const struct trouble *trouble);

#endif
