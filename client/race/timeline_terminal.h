/*
 * timeline_terminal: a race as bars, for a terminal or, plain, for a file.
 */
#ifndef CLIENT_RACE_TIMELINE_TERMINAL_H
#define CLIENT_RACE_TIMELINE_TERMINAL_H

#include <stdio.h>

#include "client/race/heat.h"
#include "client/terminal/style.h"

void timeline_print(const struct race *race, const struct terminal_style *style, FILE *to);

#endif
