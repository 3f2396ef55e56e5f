#include "db/booking/stock.h"

#include "db/store/tickets.h"

bool booking_is_over(const struct booking_context *context, const struct store_ticket *ticket)
{
	return ticket->state == TICKET_HELD && ticket->expires_ns <= context->wall_ns;
}

int64_t booking_stock_free(const struct store_event *event)
{
	return event->total - event->sold - event->held;
}

static int64_t *counter_of(struct store_event *event, enum ticket_state state)
{
	switch (state) {
	case TICKET_BOOKED:
	case TICKET_ADMITTED: return &event->sold;
	case TICKET_HELD: return &event->held;
	case TICKET_CANCELLED:
	case TICKET_EXPIRED: break;
	}
	return NULL;
}

bool booking_stock_change(const struct booking_context *context, struct store_event *event,
			  struct store_ticket *ticket, enum ticket_state state)
{
	int64_t *from = counter_of(event, ticket->state);
	int64_t *to = counter_of(event, state);

	ticket->state = state;
	ticket->expires_ns = 0;
	ticket->admitted_ns = state == TICKET_ADMITTED ? context->wall_ns : 0;
	if (store_ticket_change(context->store, ticket) != STORE_OK) {
		return false;
	}
	if (from != to) {
		store_event_change(context->store, event);
		*(from ? from : &(int64_t){ 0 }) -= ticket->quantity;
		*(to ? to : &(int64_t){ 0 }) += ticket->quantity;
	}
	return true;
}

bool booking_stock_enlarge(const struct booking_context *context, struct store_event *event,
			   struct store_ticket *ticket, int64_t more, int64_t expires_ns)
{
	ticket->quantity += more;
	ticket->expires_ns = expires_ns;
	if (store_ticket_change(context->store, ticket) != STORE_OK) {
		return false;
	}
	event->held += more;
	store_event_change(context->store, event);
	return true;
}

bool booking_stock_add(const struct booking_context *context, struct store_event *event,
		       struct store_ticket *ticket)
{
	ticket->event = event->number;
	ticket->made_ns = context->wall_ns;
	ticket->salt = store_ticket_salt(context->store);
	if (store_ticket_add(context->store, ticket) != STORE_OK) {
		return false;
	}
	*counter_of(event, ticket->state) += ticket->quantity;
	store_event_change(context->store, event);
	return true;
}
