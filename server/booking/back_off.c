#include "server/booking/back_off.h"

#include "shared/base/log.h"

int64_t trouble_note(struct trouble *trouble, const char *why)
{
	if (why && !trouble_is_on(trouble)) {
		log_error("the store failed: %s", why);
	}
	trouble->failures++;
	trouble->pause_ns = trouble->pause_ns > 0 ? trouble->pause_ns * 2 : TROUBLE_PAUSE_LEAST_NS;
	if (trouble->pause_ns > TROUBLE_PAUSE_MOST_NS) {
		trouble->pause_ns = TROUBLE_PAUSE_MOST_NS;
	}
	return trouble->pause_ns;
}

void trouble_end(struct trouble *trouble)
{
	if (trouble_is_on(trouble)) {
		log_info("the store works again: it failed %u times", trouble->failures);
		*trouble = (struct trouble){ .failures = 0 };
	}
}

bool trouble_is_on(const struct trouble *trouble)
{
	return trouble->pause_ns > 0;
}
