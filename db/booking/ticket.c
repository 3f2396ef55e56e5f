#include "db/booking/ticket.h"

#include <string.h>

#include "db/booking/lapse.h"
#include "db/booking/limit.h"
#include "db/booking/offer.h"
#include "db/booking/stock.h"
#include "db/store/tickets.h"
#include "shared/base/clock.h"

const char *ticket_state_name(enum ticket_state state)
{
	switch (state) {
	case TICKET_BOOKED: return "booked";
	case TICKET_HELD: return "held";
	case TICKET_CANCELLED: return "cancelled";
	case TICKET_EXPIRED: return "expired";
	case TICKET_ADMITTED: return "admitted";
	}
	return "unknown";
}

static int64_t seconds_left(const struct booking_context *context,
			    const struct store_ticket *ticket)
{
	int64_t left_ns = ticket->expires_ns - context->wall_ns;

	return left_ns > 0 ? (left_ns + NS_PER_SECOND - 1) / NS_PER_SECOND : 0;
}

void booking_ticket_describe(struct booking_work *work, const struct store_ticket *ticket)
{
	struct booking_answer *answer = work->answer;

	code_make(store_code_key(work->context->store), ticket->number, ticket->salt, answer->code);
	answer->state = ticket->state;
	answer->quantity = ticket->quantity;
	answer->admitted_ns = ticket->admitted_ns;
	if (ticket->state == TICKET_HELD) {
		answer->seconds = seconds_left(work->context, ticket);
	}
}

static bool is_same_request(const struct booking_work *work)
{
	return work->ticket.event == work->event->number &&
	       work->ticket.quantity == work->request->quantity && work->ticket.kind == work->kind;
}

/* The answer to a request that was carried out before: the same code, with its state as it is. */
static enum booking_outcome repeat(struct booking_work *work)
{
	if (!is_same_request(work)) {
		return BOOKING_KEY_TAKEN;
	}
	if (!booking_lapse_if_due(work->context, work->event, &work->ticket)) {
		return BOOKING_FAILED;
	}
	booking_ticket_describe(work, &work->ticket);
	work->answer->repeated = true;
	if (work->ticket.state == TICKET_CANCELLED) {
		return BOOKING_USED;
	}
	return work->ticket.state == TICKET_EXPIRED ? BOOKING_EXPIRED : BOOKING_DONE;
}

/* Its client has heard elsewhere, with the same key, that nothing was sold: so nothing is. */
static bool was_overtaken(const struct booking_work *work)
{
	const struct booking_context *context = work->context;

	return work->request->key[0] != '\0' && context->overtaken &&
	       context->overtaken(context->context);
}

/* Why it cannot be sold; BOOKING_DONE if it can. */
static enum booking_outcome may_sell(const struct booking_work *work)
{
	if (booking_wants_too_many(work)) {
		return BOOKING_TOO_MANY;
	}
	if (!work->event->open) {
		return BOOKING_CLOSED;
	}
	if (booking_stock_free(work->event) < work->request->quantity) {
		return BOOKING_SOLD_OUT;
	}
	if (!store_has_room(work->context->store)) {
		return BOOKING_NO_ROOM;
	}
	if (was_overtaken(work)) {
		return BOOKING_BUSY;
	}
	return work->kind == TICKET_BY_HOLD ? booking_limit_ask(work, work->request->quantity)
					    : BOOKING_DONE;
}

static enum booking_outcome sell(struct booking_work *work)
{
	const struct booking_request *request = work->request;
	struct store_ticket ticket = { .quantity = request->quantity, .kind = work->kind };
	enum booking_outcome outcome = may_sell(work);

	if (outcome != BOOKING_DONE) {
		return outcome;
	}
	ticket.state = work->kind == TICKET_BY_HOLD ? TICKET_HELD : TICKET_BOOKED;
	if (ticket.state == TICKET_HELD) {
		ticket.expires_ns = work->context->wall_ns + request->seconds * NS_PER_SECOND;
		ticket.tied = request->tied ? request->client.session : 0;
	}
	memcpy(ticket.key, request->key, sizeof(ticket.key));
	if (!booking_stock_add(work->context, work->event, &ticket)) {
		return BOOKING_FAILED;
	}
	if (ticket.state == TICKET_HELD) {
		booking_limit_note_hold(work->context, request->client.owner, &ticket);
	}
	booking_offer_note_newcomer(work->context, work->event);
	booking_ticket_describe(work, &ticket);
	return BOOKING_DONE;
}

/*
 * A repeat comes first: it is answered also when the event is closed or sold out by now, or would
 * sell fewer to one request.
 */
enum booking_outcome booking_ticket_book(struct booking_work *work)
{
	if (work->request->quantity < 1) {
		return BOOKING_LIMIT;
	}
	if (work->request->key[0] == '\0') {
		return sell(work);
	}
	switch (store_ticket_by_key(work->context->store, work->request->key, &work->ticket)) {
	case STORE_OK: return repeat(work);
	case STORE_NONE: return sell(work);
	case STORE_FAILED: break;
	}
	return BOOKING_FAILED;
}

/* What is done with a code */

enum booking_outcome booking_ticket_confirm(struct booking_work *work)
{
	switch (work->ticket.state) {
	case TICKET_HELD:
		if (!booking_stock_change(work->context, work->event, &work->ticket,
					  TICKET_BOOKED)) {
			return BOOKING_FAILED;
		}
		return BOOKING_DONE;
	case TICKET_BOOKED: return BOOKING_DONE;
	case TICKET_EXPIRED: return BOOKING_EXPIRED;
	case TICKET_CANCELLED:
	case TICKET_ADMITTED: break;
	}
	return BOOKING_USED;
}

enum booking_outcome booking_ticket_cancel(struct booking_work *work)
{
	switch (work->ticket.state) {
	case TICKET_HELD:
	case TICKET_BOOKED:
		if (!booking_offer_what_comes_back(work->context, work->event, &work->ticket,
						   TICKET_CANCELLED)) {
			return BOOKING_FAILED;
		}
		return BOOKING_DONE;
	case TICKET_EXPIRED: return BOOKING_EXPIRED;
	case TICKET_CANCELLED:
	case TICKET_ADMITTED: break;
	}
	return BOOKING_USED;
}

enum booking_outcome booking_ticket_admit(struct booking_work *work)
{
	switch (work->ticket.state) {
	case TICKET_BOOKED:
		if (!booking_stock_change(work->context, work->event, &work->ticket,
					  TICKET_ADMITTED)) {
			return BOOKING_FAILED;
		}
		return BOOKING_DONE;
	case TICKET_HELD: return BOOKING_NOT_BOOKED;
	case TICKET_EXPIRED: return BOOKING_EXPIRED;
	case TICKET_CANCELLED:
	case TICKET_ADMITTED: break;
	}
	return BOOKING_USED;
}

enum booking_outcome booking_ticket_show(struct booking_work *work)
{
	(void)work; /* it is described in any case */
	return BOOKING_DONE;
}
