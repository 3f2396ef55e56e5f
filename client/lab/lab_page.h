/*
 * lab_page: an experiment as one page for a browser (client/page/page.h): it plays the timeline
 * back, and says which facts held.
 */
#ifndef CLIENT_LAB_LAB_PAGE_H
#define CLIENT_LAB_LAB_PAGE_H

#include <stdio.h>

#include "client/lab/report.h"

/* After the run; SUMMARY says what it is about. What cannot be written shows in ferror. */
void lab_page_write(const struct lab *lab, const char *summary, FILE *to);

#endif
