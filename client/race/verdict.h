/*
 * verdict: what follows from the moments that a heat's buyers noted. Needs no process and no store.
 */
#ifndef CLIENT_RACE_VERDICT_H
#define CLIENT_RACE_VERDICT_H

#include "client/race/heat.h"

/* Fills in the heat's verdict, but for sold and counter. */
void race_judge(struct race_heat *heat);

#endif
