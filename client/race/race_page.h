/*
 * race_page: a race as one page for a browser (client/page/page.h): it plays the heats back, and on
 * it a person is the scheduler.
 */
#ifndef CLIENT_RACE_RACE_PAGE_H
#define CLIENT_RACE_RACE_PAGE_H

#include <stdio.h>

#include "client/race/heat.h"

/* What cannot be written shows in ferror. */
void race_page_write(const struct race *race, FILE *to);

#endif
