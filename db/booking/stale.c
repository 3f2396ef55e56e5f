#include "db/booking/stale.h"

#include "db/store/tickets.h"
#include "shared/base/clock.h"

#define LOCK_WAIT_NS (10 * NS_PER_SECOND) /* it is held for milliseconds */

bool booking_stale_begin(struct store *store)
{
	if (!store_take(store, LOCK_WAIT_NS)) {
		return false;
	}
	if (store_begin(store) == STORE_OK) {
		return true;
	}
	store_give(store);
	return false;
}

bool booking_stale_end(struct store *store, bool keep)
{
	bool good = !keep || store_commit(store) == STORE_OK;

	store_rollback(store);
	good = store_tend(store) == STORE_OK && good;
	store_give(store);
	return good;
}

bool booking_stale_read(struct store *store, const char *name, struct store_event *seen)
{
	struct store_event *event;

	if (!booking_stale_begin(store)) {
		return false;
	}
	bool found = store_event_find(store, name, &event) == STORE_OK;

	if (found) {
		*seen = *event;
	}
	return booking_stale_end(store, false) && found;
}

void booking_stale_carry_out(const struct booking_context *context, const struct store_event *seen,
			     const struct booking_request *request, struct booking_answer *answer)
{
	struct store_event *event;

	if (seen && store_event_find(context->store, seen->name, &event) == STORE_OK) {
		event->sold = seen->sold;
	}
	booking_carry_out(context, request, answer);
}
