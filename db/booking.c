#include "db/booking.h"

#include <string.h>

#include "shared/log.h"

/* One request being carried out. `event` is NULL for the verb that makes one. */
struct work {
	struct store *store;
	const struct booking_request *request;
	struct booking_answer *answer;
	struct store_event *event;
	int64_t wall_ns;
	enum ticket_kind kind;
};

/* What a verb does, and what it needs before it can. */
struct rule {
	enum booking_outcome (*run)(struct work *work);
	enum ticket_kind kind; /* of the ticket that it makes, if it makes one */
	bool needs_event;
};

static int64_t left_of(const struct store_event *event)
{
	return event->total - event->sold - event->held;
}

static void make_code(struct work *work, int64_t number)
{
	code_make(store_code_key(work->store), number, work->answer->code);
}

static bool is_same_request(const struct work *work, const struct store_ticket *ticket)
{
	return ticket->event == work->event->number &&
	       ticket->quantity == work->request->quantity && ticket->kind == work->kind;
}

/* The answer to a request that was carried out before: the same code, with its state as it is. */
static enum booking_outcome repeat(struct work *work, const struct store_ticket *ticket)
{
	if (!is_same_request(work, ticket))
		return BOOKING_KEY_TAKEN;
	if (ticket->state == TICKET_CANCELLED)
		return BOOKING_USED;
	if (ticket->state == TICKET_EXPIRED)
		return BOOKING_EXPIRED;
	make_code(work, ticket->number);
	return BOOKING_DONE;
}

static struct store_ticket new_ticket(const struct work *work, enum ticket_state state)
{
	struct store_ticket ticket = { .event = work->event->number,
				       .quantity = work->request->quantity,
				       .state = state,
				       .kind = work->kind,
				       .made_ns = work->wall_ns };
	memcpy(ticket.key, work->request->key, sizeof ticket.key);
	return ticket;
}

static enum booking_outcome sell(struct work *work)
{
	struct store_event *event = work->event;
	if (!event->open)
		return BOOKING_CLOSED;
	if (left_of(event) < work->request->quantity)
		return BOOKING_SOLD_OUT;
	struct store_ticket ticket = new_ticket(work, TICKET_BOOKED);
	if (store_ticket_add(work->store, &ticket) != STORE_OK)
		return BOOKING_FAILED;
	event->sold += ticket.quantity;
	store_event_change(work->store, event);
	make_code(work, ticket.number);
	return BOOKING_DONE;
}

/* A repeat comes first: it is answered also when the event is closed or sold out by now. */
static enum booking_outcome book(struct work *work)
{
	struct store_ticket ticket;
	if (work->request->quantity < 1)
		return BOOKING_LIMIT;
	if (work->request->key[0] == '\0')
		return sell(work);
	switch (store_ticket_by_key(work->store, work->request->key, &ticket)) {
	case STORE_OK: return repeat(work, &ticket);
	case STORE_NONE: return sell(work);
	case STORE_FAILED: break;
	}
	return BOOKING_FAILED;
}

static enum booking_outcome add_event(struct work *work)
{
	const struct booking_request *request = work->request;
	struct store_event event = { .total = request->quantity, .open = true };
	if (request->quantity < 0 || request->quantity > STORE_TOTAL_MAX)
		return BOOKING_LIMIT;
	memcpy(event.name, request->event, sizeof event.name);
	memcpy(event.title, request->title, sizeof event.title);
	if (store_event_add(work->store, &event) != STORE_OK)
		return BOOKING_FAILED;
	work->answer->total = event.total;
	work->answer->left = event.total;
	return BOOKING_DONE;
}

static enum booking_outcome new_event(struct work *work)
{
	switch (store_event_find(work->store, work->request->event, &work->event)) {
	case STORE_OK: return BOOKING_EXISTS;
	case STORE_NONE: return add_event(work);
	case STORE_FAILED: break;
	}
	return BOOKING_FAILED;
}

/* What is so already is not written again, and nobody is told. */
static enum booking_outcome set_open(struct work *work, bool open)
{
	if (work->event->open == open)
		return BOOKING_DONE;
	work->event->open = open;
	store_event_change(work->store, work->event);
	return BOOKING_DONE;
}

static enum booking_outcome open_event(struct work *work)
{
	return set_open(work, true);
}

static enum booking_outcome close_event(struct work *work)
{
	return set_open(work, false);
}

static enum booking_outcome grow_event(struct work *work)
{
	struct store_event *event = work->event;
	int64_t more = work->request->quantity;
	if (more > STORE_TOTAL_MAX - event->total || more < -left_of(event))
		return BOOKING_LIMIT;
	event->total += more;
	store_event_change(work->store, event);
	return BOOKING_DONE;
}

static const struct rule rules[] = {
	[BOOKING_BOOK] = { book, TICKET_BY_BOOK, true },
	[BOOKING_EVENT_NEW] = { .run = new_event },
	[BOOKING_EVENT_OPEN] = { .run = open_event, .needs_event = true },
	[BOOKING_EVENT_CLOSE] = { .run = close_event, .needs_event = true },
	[BOOKING_EVENT_GROW] = { .run = grow_event, .needs_event = true },
};

static enum booking_outcome run(struct work *work, const struct rule *rule)
{
	if (!rule->needs_event)
		return rule->run(work);
	switch (store_event_find(work->store, work->request->event, &work->event)) {
	case STORE_OK: return rule->run(work);
	case STORE_NONE: return BOOKING_NOT_FOUND;
	case STORE_FAILED: break;
	}
	return BOOKING_FAILED;
}

void booking_carry_out(struct store *store, const struct booking_request *request, int64_t wall_ns,
		       struct booking_answer *answer)
{
	if ((size_t)request->verb >= sizeof rules / sizeof *rules)
		bug("no booking verb has the number %d", (int)request->verb);
	const struct rule *rule = &rules[request->verb];
	struct work work = { .store = store,
			     .request = request,
			     .answer = answer,
			     .wall_ns = wall_ns,
			     .kind = rule->kind };
	*answer = (struct booking_answer){ .quantity = request->quantity };
	answer->outcome = run(&work, rule);
	if (work.event) {
		answer->left = left_of(work.event);
		answer->total = work.event->total;
	}
}
