#include "client/terminal/output.h"

#include <stdio.h>

#include "shared/base/log.h"

/* What failed at an earlier flush is gone from the buffer: a last flush alone would not see it. */
void output_flush_or_die(void)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		die("cannot write to stdout");
	}
}
