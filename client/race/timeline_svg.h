/*
 * timeline_svg: a race as one self-contained SVG, as large as a slide (16:9, or higher for many
 * rows), for light and dark. What cannot be written shows in ferror.
 */
#ifndef CLIENT_RACE_TIMELINE_SVG_H
#define CLIENT_RACE_TIMELINE_SVG_H

#include <stdio.h>

#include "client/race/heat.h"

void timeline_write_svg(const struct race *race, FILE *to);

#endif
