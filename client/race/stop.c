#include "client/race/stop.h"

#include <stddef.h>

void race_stop_before(struct race_stop *stop, char letter)
{
	if (!stop) {
		return;
	}
	stop->before = letter;
	latch_set(&stop->arrived);
	latch_wait(&stop->go, FUTEX_FOREVER);
	latch_clear(&stop->go);
}

void race_stop_let_go(struct race_stop *stop)
{
	latch_clear(&stop->arrived);
	latch_set(&stop->go);
}
