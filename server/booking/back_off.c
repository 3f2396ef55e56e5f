#include "server/booking/back_off.h"

#include <stdatomic.h>

#include "shared/base/log.h"

static bool is_on(const struct back_off *back_off)
{
	return back_off->pause_ns > 0;
}

int64_t back_off_note(struct back_off *back_off, const char *why)
{
	if (why && !is_on(back_off)) {
		log_error("the store failed: %s", why);
		back_off->said = true;
	}
	back_off->failures++;
	back_off->pause_ns =
		back_off->pause_ns > 0 ? back_off->pause_ns * 2 : BACK_OFF_PAUSE_LEAST_NS;
	if (back_off->pause_ns > BACK_OFF_PAUSE_MOST_NS) {
		back_off->pause_ns = BACK_OFF_PAUSE_MOST_NS;
	}
	return back_off->pause_ns;
}

void back_off_end(struct back_off *back_off)
{
	if (back_off->said) {
		log_info("the store works again: it failed %u times", back_off->failures);
	}
	*back_off = (struct back_off){ .failures = 0 };
}

void back_off_note_hindered(_Atomic bool *hindered, const char *why)
{
	if (!atomic_exchange(hindered, true)) {
		log_warning("no bookings for now: %s", why);
	}
}

void back_off_end_hindered(_Atomic bool *hindered)
{
	if (atomic_load_explicit(hindered, memory_order_relaxed) &&
	    atomic_exchange(hindered, false)) {
		log_info("bookings go on: the store is to be had again");
	}
}
