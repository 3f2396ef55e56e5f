#include "db/booking.h"

#include <string.h>

#include "shared/clock.h"
#include "shared/log.h"

/* One request being carried out. */
struct work {
	const struct booking_desk *desk;
	const struct booking_request *request;
	struct booking_answer *answer;
	struct store_event *event;  /* NULL for the verbs that need none */
	struct store_ticket ticket; /* of the verbs that need one */
	enum ticket_kind kind;
};

enum need { NEEDS_NOTHING, NEEDS_EVENT, NEEDS_TICKET };

/* What a verb does, and what it needs before it can. */
struct rule {
	enum booking_outcome (*run)(struct work *work);
	enum need need;
	enum ticket_kind kind; /* of the ticket that it makes, if it makes one */
};

static int64_t free_of(const struct store_event *event)
{
	return event->total - event->sold - event->held;
}

int64_t booking_left(const struct booking_desk *desk, const struct store_event *event)
{
	bool gathers = desk->waitlist && waitlist_gathers(desk->waitlist, event->number);

	return gathers ? 0 : free_of(event);
}

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

/* Tickets */

static int64_t seconds_left(const struct booking_desk *desk, const struct store_ticket *ticket)
{
	int64_t left_ns = ticket->expires_ns - desk->wall_ns;

	return left_ns > 0 ? (left_ns + NS_PER_SECOND - 1) / NS_PER_SECOND : 0;
}

static void describe(struct work *work, const struct store_ticket *ticket)
{
	struct booking_answer *answer = work->answer;

	code_make(store_code_key(work->desk->store), ticket->number, answer->code);
	answer->state = ticket->state;
	answer->quantity = ticket->quantity;
	if (ticket->state == TICKET_HELD) {
		answer->seconds = seconds_left(work->desk, ticket);
	}
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

/* Takes a ticket to another state, and its event's counters with it. */
static bool change_state(const struct booking_desk *desk, struct store_event *event,
			 struct store_ticket *ticket, enum ticket_state state)
{
	int64_t *from = counter_of(event, ticket->state);
	int64_t *to = counter_of(event, state);

	ticket->state = state;
	ticket->expires_ns = 0;
	if (store_ticket_change(desk->store, ticket) != STORE_OK) {
		return false;
	}
	if (from != to) {
		store_event_change(desk->store, event);
		*(from ? from : &(int64_t){ 0 }) -= ticket->quantity;
		*(to ? to : &(int64_t){ 0 }) += ticket->quantity;
	}
	return true;
}

static bool add_ticket(const struct booking_desk *desk, struct store_event *event,
		       struct store_ticket *ticket)
{
	ticket->event = event->number;
	ticket->made_ns = desk->wall_ns;
	if (store_ticket_add(desk->store, ticket) != STORE_OK) {
		return false;
	}
	*counter_of(event, ticket->state) += ticket->quantity;
	store_event_change(desk->store, event);
	return true;
}

/* Who waits */

/* Holds what the waiter wants and writes an offer of it to OFFER. */
static bool make_offer(const struct booking_desk *desk, struct store_event *event,
		       struct waiter *waiter, struct booking_offer *offer)
{
	struct store_ticket ticket = { .quantity = waiter->quantity,
				       .state = TICKET_HELD,
				       .kind = TICKET_BY_OFFER,
				       .expires_ns =
					       desk->wall_ns + BOOKING_HOLD_SECONDS * NS_PER_SECOND,
				       .tied = waiter->client.session };

	if (!add_ticket(desk, event, &ticket)) {
		return false;
	}
	offer->client = waiter->client;
	offer->quantity = waiter->quantity;
	offer->seconds = BOOKING_HOLD_SECONDS;
	memcpy(offer->event, event->name, sizeof(offer->event));
	code_make(store_code_key(desk->store), ticket.number, offer->code);
	atomic_store(&waiter->state, WAITER_OFFERED);
	desk->waitlist->batch = true;
	desk->waitlist->changed = true;
	return true;
}

/* Everyone before LAST (all, if it is NULL) was passed over once. */
static void note_passed(struct waitlist *list, int64_t event, const struct waiter *last)
{
	for (struct waiter *waiter = waitlist_first(list, event); waiter && waiter != last;
	     waiter = waitlist_next(list, waiter)) {
		waitlist_pass_over(list, waiter);
	}
}

/* Offers what is free to those who wait, in order; see waitlist.h for groups. */
static bool serve_waiters(const struct booking_desk *desk, struct store_event *event)
{
	struct waitlist *list = desk->waitlist;
	struct waiter *waiter;

	if (!list || list->count == 0 || !event->open) {
		return true;
	}
	waiter = waitlist_first(list, event->number);
	while (waiter && free_of(event) > 0) {
		struct waiter *next = waitlist_next(list, waiter);

		if (waiter->quantity <= free_of(event)) {
			struct booking_offer *offer =
				desk->offer(desk->context, waiter->client.worker);

			if (!offer) {
				return true; /* too many are under way: with the next change */
			}
			if (!make_offer(desk, event, waiter, offer)) {
				return false;
			}
			note_passed(list, event->number, next);
		} else if (waiter->passed >= WAITLIST_PASSES_MAX) {
			return true; /* what is free is gathered for this one */
		}
		waiter = next;
	}
	return true;
}

/* A newcomer took tickets that those who wait could not use. */
static void note_newcomer(const struct booking_desk *desk, const struct store_event *event)
{
	if (desk->waitlist && desk->waitlist->count > 0) {
		note_passed(desk->waitlist, event->number, NULL);
	}
}

/* Takes a ticket off the stock that is sold or held, and gives it to those who wait. */
static bool give_back(const struct booking_desk *desk, struct store_event *event,
		      struct store_ticket *ticket, enum ticket_state state)
{
	return change_state(desk, event, ticket, state) && serve_waiters(desk, event);
}

static bool is_over(const struct booking_desk *desk, const struct store_ticket *ticket)
{
	return ticket->state == TICKET_HELD && ticket->expires_ns <= desk->wall_ns;
}

/* Booking and holding */

static bool is_same_request(const struct work *work)
{
	return work->ticket.event == work->event->number &&
	       work->ticket.quantity == work->request->quantity && work->ticket.kind == work->kind;
}

/* The answer to a request that was carried out before: the same code, with its state as it is. */
static enum booking_outcome repeat(struct work *work)
{
	if (!is_same_request(work)) {
		return BOOKING_KEY_TAKEN;
	}
	if (is_over(work->desk, &work->ticket) &&
	    !give_back(work->desk, work->event, &work->ticket, TICKET_EXPIRED)) {
		return BOOKING_FAILED;
	}
	describe(work, &work->ticket);
	work->answer->repeated = true;
	if (work->ticket.state == TICKET_CANCELLED) {
		return BOOKING_USED;
	}
	return work->ticket.state == TICKET_EXPIRED ? BOOKING_EXPIRED : BOOKING_DONE;
}

static enum booking_outcome sell(struct work *work)
{
	const struct booking_request *request = work->request;
	struct store_ticket ticket = { .quantity = request->quantity, .kind = work->kind };

	if (!work->event->open) {
		return BOOKING_CLOSED;
	}
	if (booking_left(work->desk, work->event) < request->quantity) {
		return BOOKING_SOLD_OUT;
	}
	ticket.state = work->kind == TICKET_BY_HOLD ? TICKET_HELD : TICKET_BOOKED;
	if (ticket.state == TICKET_HELD) {
		ticket.expires_ns = work->desk->wall_ns + request->seconds * NS_PER_SECOND;
		ticket.tied = request->tied ? request->client.session : 0;
	}
	memcpy(ticket.key, request->key, sizeof(ticket.key));
	if (!add_ticket(work->desk, work->event, &ticket)) {
		return BOOKING_FAILED;
	}
	note_newcomer(work->desk, work->event);
	describe(work, &ticket);
	return BOOKING_DONE;
}

/* A repeat comes first: it is answered also when the event is closed or sold out by now. */
static enum booking_outcome book(struct work *work)
{
	if (work->request->quantity < 1) {
		return BOOKING_LIMIT;
	}
	if (work->request->key[0] == '\0') {
		return sell(work);
	}
	switch (store_ticket_by_key(work->desk->store, work->request->key, &work->ticket)) {
	case STORE_OK: return repeat(work);
	case STORE_NONE: return sell(work);
	case STORE_FAILED: break;
	}
	return BOOKING_FAILED;
}

/* What is done with a code */

static enum booking_outcome confirm(struct work *work)
{
	switch (work->ticket.state) {
	case TICKET_HELD:
		if (!change_state(work->desk, work->event, &work->ticket, TICKET_BOOKED)) {
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

static enum booking_outcome cancel(struct work *work)
{
	switch (work->ticket.state) {
	case TICKET_HELD:
	case TICKET_BOOKED:
		if (!give_back(work->desk, work->event, &work->ticket, TICKET_CANCELLED)) {
			return BOOKING_FAILED;
		}
		return BOOKING_DONE;
	case TICKET_EXPIRED: return BOOKING_EXPIRED;
	case TICKET_CANCELLED:
	case TICKET_ADMITTED: break;
	}
	return BOOKING_USED;
}

static enum booking_outcome admit(struct work *work)
{
	switch (work->ticket.state) {
	case TICKET_BOOKED:
		if (!change_state(work->desk, work->event, &work->ticket, TICKET_ADMITTED)) {
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

static enum booking_outcome show(struct work *work)
{
	(void)work; /* it is described in any case */
	return BOOKING_DONE;
}

/* Waiting */

static enum booking_outcome wait_for(struct work *work)
{
	const struct booking_request *request = work->request;
	struct waitlist *list = work->desk->waitlist;
	struct waiter wanted = { .event = work->event->number,
				 .quantity = request->quantity,
				 .client = request->client };
	struct waiter *waiter;

	if (!work->event->open) {
		return BOOKING_CLOSED;
	}
	if (request->quantity < 1 || request->quantity > work->event->total || !list) {
		return BOOKING_LIMIT;
	}
	waiter = waitlist_find(list, request->client.session, work->event->number);
	if (waiter && waiter->quantity != request->quantity) {
		waitlist_remove(list, waiter); /* who wants another number queues anew */
		waiter = NULL;
	}
	if (!waiter) {
		memcpy(wanted.event_name, work->event->name, sizeof(wanted.event_name));
		waiter = waitlist_add(list, &wanted);
	}
	if (!waiter) {
		return BOOKING_FULL;
	}
	work->answer->position = waitlist_position(list, waiter);
	waiter->told = work->answer->position;
	return serve_waiters(work->desk, work->event) ? BOOKING_DONE : BOOKING_FAILED;
}

/* Who leaves the list makes room for the next; what was gathered for it is free again. */
static bool leave_list(const struct booking_desk *desk, uint64_t session)
{
	struct store_event *event;
	int64_t number;

	while (desk->waitlist && waitlist_take(desk->waitlist, session, &number)) {
		if (store_event_get(desk->store, number, &event) != STORE_OK) {
			return false;
		}
		store_event_change(desk->store, event);
		if (!serve_waiters(desk, event)) {
			return false;
		}
	}
	return true;
}

/* Lapses the holds that are tied to a connection from LEAST to MOST. */
static bool lapse_tied(const struct booking_desk *desk, uint64_t least, uint64_t most)
{
	struct store_ticket ticket;
	struct store_event *event;
	enum store_result result;

	while ((result = store_ticket_tied(desk->store, least, most, &ticket)) == STORE_OK) {
		if (store_event_get(desk->store, ticket.event, &event) != STORE_OK ||
		    !give_back(desk, event, &ticket, TICKET_EXPIRED)) {
			return false;
		}
	}
	return result == STORE_NONE;
}

static enum booking_outcome release(struct work *work)
{
	uint64_t session = work->request->client.session;
	bool good = leave_list(work->desk, session) && lapse_tied(work->desk, session, session);

	return good ? BOOKING_DONE : BOOKING_FAILED;
}

bool booking_release_all(const struct booking_desk *desk)
{
	return lapse_tied(desk, 1, INT64_MAX);
}

bool booking_lapse(const struct booking_desk *desk, unsigned most, int64_t *next_ns)
{
	struct store_ticket ticket;
	struct store_event *event;
	enum store_result result;

	while ((result = store_ticket_next_expiry(desk->store, &ticket)) == STORE_OK) {
		*next_ns = ticket.expires_ns;
		if (most-- == 0 || !is_over(desk, &ticket)) {
			return true;
		}
		if (store_event_get(desk->store, ticket.event, &event) != STORE_OK ||
		    !give_back(desk, event, &ticket, TICKET_EXPIRED)) {
			return false;
		}
	}
	*next_ns = INT64_MAX;
	return result == STORE_NONE;
}

bool booking_offer_all(const struct booking_desk *desk)
{
	struct store_event *event;
	int64_t number = 0;

	while (desk->waitlist && (number = waitlist_event_after(desk->waitlist, number)) > 0) {
		if (store_event_get(desk->store, number, &event) != STORE_OK ||
		    !serve_waiters(desk, event)) {
			return false;
		}
	}
	return true;
}

/* Events */

static enum booking_outcome add_event(struct work *work)
{
	const struct booking_request *request = work->request;
	struct store_event event = { .total = request->quantity, .open = true };

	if (request->quantity < 0 || request->quantity > STORE_TOTAL_MAX) {
		return BOOKING_LIMIT;
	}
	memcpy(event.name, request->event, sizeof(event.name));
	memcpy(event.title, request->title, sizeof(event.title));
	if (store_event_add(work->desk->store, &event) != STORE_OK) {
		return BOOKING_FAILED;
	}
	work->answer->total = event.total;
	work->answer->left = event.total;
	return BOOKING_DONE;
}

static enum booking_outcome new_event(struct work *work)
{
	switch (store_event_find(work->desk->store, work->request->event, &work->event)) {
	case STORE_OK: return BOOKING_EXISTS;
	case STORE_NONE: return add_event(work);
	case STORE_FAILED: break;
	}
	return BOOKING_FAILED;
}

/* What is so already is not written again, and nobody is told. */
static enum booking_outcome set_open(struct work *work, bool open)
{
	if (work->event->open == open) {
		return BOOKING_DONE;
	}
	work->event->open = open;
	store_event_change(work->desk->store, work->event);
	return serve_waiters(work->desk, work->event) ? BOOKING_DONE : BOOKING_FAILED;
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

	if (more > STORE_TOTAL_MAX - event->total || more < -free_of(event)) {
		return BOOKING_LIMIT;
	}
	event->total += more;
	store_event_change(work->desk->store, event);
	return serve_waiters(work->desk, event) ? BOOKING_DONE : BOOKING_FAILED;
}

static enum booking_outcome audit(struct work *work)
{
	const struct store_event *event = work->event;
	struct booking_answer *answer = work->answer;

	if (store_event_count(work->desk->store, event->number, &answer->sold, &answer->held) !=
	    STORE_OK) {
		return BOOKING_FAILED;
	}
	bool adds_up = answer->sold == event->sold && answer->held == event->held &&
		       answer->sold + answer->held <= event->total;

	return adds_up ? BOOKING_DONE : BOOKING_MISMATCH;
}

/* The way to the rule */

static const struct rule rules[] = {
	[BOOKING_BOOK] = { book, NEEDS_EVENT, TICKET_BY_BOOK },
	[BOOKING_HOLD] = { book, NEEDS_EVENT, TICKET_BY_HOLD },
	[BOOKING_CONFIRM] = { .run = confirm, .need = NEEDS_TICKET },
	[BOOKING_CANCEL] = { .run = cancel, .need = NEEDS_TICKET },
	[BOOKING_TICKET] = { .run = show, .need = NEEDS_TICKET },
	[BOOKING_ADMIT] = { .run = admit, .need = NEEDS_TICKET },
	[BOOKING_WAIT] = { .run = wait_for, .need = NEEDS_EVENT },
	[BOOKING_AUDIT] = { .run = audit, .need = NEEDS_EVENT },
	[BOOKING_EVENT_NEW] = { .run = new_event },
	[BOOKING_EVENT_OPEN] = { .run = open_event, .need = NEEDS_EVENT },
	[BOOKING_EVENT_CLOSE] = { .run = close_event, .need = NEEDS_EVENT },
	[BOOKING_EVENT_GROW] = { .run = grow_event, .need = NEEDS_EVENT },
	[BOOKING_RELEASE] = { .run = release },
};

static enum booking_outcome outcome_of(enum store_result result)
{
	switch (result) {
	case STORE_OK: return BOOKING_DONE;
	case STORE_NONE: return BOOKING_NOT_FOUND;
	case STORE_FAILED: break;
	}
	return BOOKING_FAILED;
}

/* The ticket that the request's code stands for, and its event; one whose time is over lapses. */
static enum booking_outcome find_ticket(struct work *work)
{
	struct store *store = work->desk->store;
	enum booking_outcome outcome;
	int64_t number;

	if (!code_read(store_code_key(store), span_of(work->request->code), &number)) {
		return BOOKING_NOT_FOUND;
	}
	outcome = outcome_of(store_ticket_get(store, number, &work->ticket));
	if (outcome != BOOKING_DONE) {
		return outcome;
	}
	if (store_event_get(store, work->ticket.event, &work->event) != STORE_OK) {
		return BOOKING_FAILED;
	}
	if (is_over(work->desk, &work->ticket) &&
	    !give_back(work->desk, work->event, &work->ticket, TICKET_EXPIRED)) {
		return BOOKING_FAILED;
	}
	return BOOKING_DONE;
}

static enum booking_outcome run(struct work *work, const struct rule *rule)
{
	enum booking_outcome outcome = BOOKING_DONE;

	if (rule->need == NEEDS_EVENT) {
		outcome = outcome_of(
			store_event_find(work->desk->store, work->request->event, &work->event));
	} else if (rule->need == NEEDS_TICKET) {
		outcome = find_ticket(work);
	}
	if (outcome == BOOKING_DONE) {
		outcome = rule->run(work);
	}
	if (rule->need == NEEDS_TICKET && work->event) {
		describe(work, &work->ticket);
	}
	return outcome;
}

static void describe_event(const struct work *work)
{
	const struct store_event *event = work->event;
	struct booking_answer *answer = work->answer;

	memcpy(answer->event, event->name, sizeof(answer->event));
	answer->left = booking_left(work->desk, event);
	answer->total = event->total;
	if (work->request->verb != BOOKING_AUDIT) {
		answer->sold = event->sold;
		answer->held = event->held;
	}
}

void booking_carry_out(const struct booking_desk *desk, const struct booking_request *request,
		       struct booking_answer *answer)
{
	if ((size_t)request->verb >= sizeof(rules) / sizeof(*rules)) {
		bug("no booking verb has the number %d", (int)request->verb);
	}
	const struct rule *rule = &rules[request->verb];
	struct work work = {
		.desk = desk, .request = request, .answer = answer, .kind = rule->kind
	};

	memset(answer, 0, sizeof(*answer));
	answer->quantity = request->quantity;
	answer->outcome = run(&work, rule);
	if (work.event) {
		describe_event(&work);
	}
}
