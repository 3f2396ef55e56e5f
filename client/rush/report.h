/*
 * report: what came of a rush, as a table for people or as one JSON object for programs.
 */
#ifndef CLIENT_RUSH_REPORT_H
#define CLIENT_RUSH_REPORT_H

#include <stdio.h>

#include "client/rush/crowd.h"

void rush_report_print(const struct rush_figures *figures, const struct rush_tally *tally,
		       const struct rush_plan *plan, FILE *to);
void rush_report_print_json(const struct rush_figures *figures, const struct rush_tally *tally,
			    const struct rush_plan *plan, FILE *to);

#endif
