/*
 * report: the verdicts as a table for people and as one JSON object for programs.
 */
#ifndef CLIENT_RACE_REPORT_H
#define CLIENT_RACE_REPORT_H

#include <stdio.h>

#include "client/race/heat.h"

void race_report_print(const struct race *race, FILE *to);
void race_report_print_json(const struct race *race, FILE *to);

#endif
