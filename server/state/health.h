/*
 * health: whether bookings can be taken, as far as the memory that the processes share shows it.
 */
#ifndef SERVER_STATE_HEALTH_H
#define SERVER_STATE_HEALTH_H

#include <stdbool.h>

#include "server/state/shared_state.h"

#define HEALTH_TEXT_SIZE 128 /* bytes of why not, a NUL counted in */

/* False and WHY, in one line, when they cannot at NOW_NS (monotonic). */
bool health_is_good(const struct shared_state *shared, int64_t now_ns, char *why);

#endif
