/*
 * refusals: the keyed requests that were refused last: for those that were asked before, and come
 * to be carried out only now.
 *
 * A request may lie unread in the socket of a worker that was stopped, while its client asks again
 * elsewhere and hears that all is sold. If tickets have come back by then, the first request must
 * not be sold any more. So whoever is about to sell by a key asks here. What is said is never too
 * little: of keys that were forgotten for lack of room only the time is known, and counts for all.
 *
 * Written by the holder of the store's lock. Who dies amid a change leaves what makes some refusal
 * seem newer than it was; one that was not noted yet was told to nobody. Zeroed memory and
 * refusals_init make an empty one. Times are monotonic.
 */
#ifndef SERVER_STATE_REFUSALS_H
#define SERVER_STATE_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/siphash.h"

#define REFUSALS_SETS 8192 /* a power of two */
#define REFUSALS_KEYS 4    /* of a set */

struct refusal {
	uint64_t key;     /* its hash; 0: free */
	uint64_t session; /* that was refused last */
	int64_t last_ns;  /* when */
	int64_t other_ns; /* when another session was refused last; 0: none was */
};

struct refusal_set {
	int64_t forgotten_ns; /* the newest of those that there was no room for */
	struct refusal of[REFUSALS_KEYS];
};

struct refusals {
	struct siphash_key secret;
	int64_t newest_ns; /* of all of them */
	struct refusal_set sets[REFUSALS_SETS];
};

void refusals_init(struct refusals *refusals);

/* SESSION asked with KEY, and is told at NOW_NS or later that nothing was done. */
void refusals_note(struct refusals *refusals, const char *key, uint64_t session, int64_t now_ns);

/*
 * Whether another session may have been refused with KEY after SINCE_NS. What SESSION itself was
 * told does not matter: its requests are carried out in order.
 */
bool refusals_overtook(const struct refusals *refusals, const char *key, uint64_t session,
		       int64_t since_ns);

#endif
