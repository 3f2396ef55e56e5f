/*
 * number: reads the number that an option is given.
 */
#ifndef CLIENT_OPTIONS_NUMBER_H
#define CLIENT_OPTIONS_NUMBER_H

#include <stdint.h>

/* TEXT as a number from LEAST to MOST; anything else ends the program (shared/base/usage.h). */
int64_t option_number(const char *option, const char *text, int64_t least, int64_t most);

#endif
