/*
 * timeline: what all pictures of a race share: a row a buyer, all heats on one scale of time.
 */
#ifndef CLIENT_RACE_TIMELINE_H
#define CLIENT_RACE_TIMELINE_H

#include <stdint.h>

#include "client/race/heat.h"

#define TIMELINE_TEXT_SIZE 128

/* How far apart marks on the scale stand, MOST of them at most. */
int64_t timeline_step_ns(int64_t longest_ns, unsigned most);

/* "10 sold of 5: 5 too many". */
void timeline_verdict(const struct race_heat *heat, char *text);

/* "5 -> 4": it read 5 left and wrote 4; or "sold out"; or why neither. */
void timeline_outcome(const struct race_buyer *buyer, const char *arrow, char *text);

#endif
