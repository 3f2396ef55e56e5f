#include "shared/process/signal_flag.h"

#include "shared/base/log.h"

static signal_flag flag;

static void set(int number)
{
	(void)number;
	flag = 1;
}

const signal_flag *signal_flag_catch(int number)
{
	const struct sigaction action = { .sa_handler = set };

	if (sigaction(number, &action, NULL) != 0) {
		bug("signal %d cannot be caught: %m", number);
	}
	return &flag;
}
