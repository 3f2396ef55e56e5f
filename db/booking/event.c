#include "db/booking/event.h"

#include <string.h>

#include "db/booking/offer.h"
#include "db/booking/stock.h"
#include "db/store/tickets.h"

static enum booking_outcome add_event(struct booking_work *work)
{
	const struct booking_request *request = work->request;
	struct store_event event = { .total = request->quantity, .open = true };

	if (request->quantity < 0 || request->quantity > STORE_TOTAL_MAX) {
		return BOOKING_LIMIT;
	}
	memcpy(event.name, request->event, sizeof(event.name));
	memcpy(event.title, request->title, sizeof(event.title));
	switch (store_event_add(work->context->store, &event)) {
	case STORE_OK: break;
	case STORE_NONE: return BOOKING_EXISTS;
	case STORE_FAILED: return BOOKING_FAILED;
	}
	work->answer->total = event.total;
	work->answer->left = event.total;
	return BOOKING_DONE;
}

enum booking_outcome booking_event_new(struct booking_work *work)
{
	switch (store_event_find(work->context->store, work->request->event, &work->event)) {
	case STORE_OK: return BOOKING_EXISTS;
	case STORE_NONE: return add_event(work);
	case STORE_FAILED: break;
	}
	return BOOKING_FAILED;
}

/* What is so already is not written again, and nobody is told. */
static enum booking_outcome set_open(struct booking_work *work, bool open)
{
	if (work->event->open == open) {
		return BOOKING_DONE;
	}
	work->event->open = open;
	store_event_change(work->context->store, work->event);
	return booking_offer_what_is_free(work->context, work->event) ? BOOKING_DONE
								      : BOOKING_FAILED;
}

enum booking_outcome booking_event_open(struct booking_work *work)
{
	return set_open(work, true);
}

enum booking_outcome booking_event_close(struct booking_work *work)
{
	return set_open(work, false);
}

enum booking_outcome booking_event_grow(struct booking_work *work)
{
	struct store_event *event = work->event;
	int64_t more = work->request->quantity;

	if (more > STORE_TOTAL_MAX - event->total || more < -booking_stock_free(event)) {
		return BOOKING_LIMIT;
	}
	event->total += more;
	if (work->request->sale != BOOKING_SALE_AS_IT_WAS) {
		event->open = work->request->sale == BOOKING_SALE_OPEN;
	}
	store_event_change(work->context->store, event);
	return booking_offer_what_is_free(work->context, event) ? BOOKING_DONE : BOOKING_FAILED;
}

static enum booking_outcome judge(const struct store_event *event,
				  const struct booking_answer *answer)
{
	bool adds_up = answer->sold == event->sold && answer->held == event->held &&
		       answer->sold + answer->held <= event->total;

	return adds_up ? BOOKING_DONE : BOOKING_MISMATCH;
}

enum booking_outcome booking_event_audit(struct booking_work *work)
{
	struct tally tally = { .event = *work->event };

	if (store_event_count(work->context->store, &tally) != STORE_OK) {
		return BOOKING_FAILED;
	}
	booking_event_audit_of(&tally, work->answer);
	return work->answer->outcome;
}

void booking_event_audit_of(const struct tally *tally, struct booking_answer *answer)
{
	const struct store_event *event = &tally->event;

	memcpy(answer->event, event->name, sizeof(answer->event));
	answer->sold = tally->sold;
	answer->held = tally->held;
	answer->admitted = tally->admitted;
	answer->total = event->total;
	answer->left = booking_stock_free(event);
	answer->outcome = judge(event, answer);
}
