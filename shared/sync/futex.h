/*
 * futex: sleeping on a word in shared memory until somebody changes it (futex(2)).
 *
 * The one who changes the word wakes the sleepers with a second call, and can be killed between the
 * two. So what waits in shared memory takes naps of FUTEX_NAP_NS and looks again after each: a
 * wake-up that never came costs that much time and nothing else.
 *
 * Time-outs, here and in what is built on it: nanoseconds; 0 does not wait, FUTEX_FOREVER (or
 * anything negative) waits as long as it takes.
 */
#ifndef SHARED_SYNC_FUTEX_H
#define SHARED_SYNC_FUTEX_H

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>

#include "shared/base/clock.h"

#define FUTEX_FOREVER  (-1)
#define FUTEX_NAP_NS   (50 * NS_PER_MS)
#define FUTEX_EVERYONE INT_MAX

/* The monotonic time at which a time-out is over; INT64_MAX when it never is. */
int64_t futex_deadline(int64_t timeout_ns);

/* How long to sleep now on the way to DEADLINE_NS: a nap, or what is left; 0 when that is over. */
int64_t futex_nap_ns(int64_t deadline_ns);

/*
 * Sleeps while WORD is EXPECTED, MOST_NS (0 or more) at most. Says nothing of why it returned: the
 * caller looks again. For who can bear to be woken that late when the one who wakes is killed.
 */
void futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t most_ns);

/* Likewise, one nap at most and not beyond DEADLINE_NS. */
void futex_nap(_Atomic uint32_t *word, uint32_t expected, int64_t deadline_ns);

/* Wakes up to COUNT of those who sleep on WORD, in whichever process they are. */
void futex_wake(_Atomic uint32_t *word, int count);

#endif
