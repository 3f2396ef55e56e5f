/*
 * The rules of selling over again, as plainly as they can be said, to hold the real ones against:
 * random requests of many clients, and every answer compared; also where two machines share the
 * store, and each batch is one's or the other's.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "db/booking/booking.h"
#include "db/booking/lapse.h"
#include "db/booking/waiters.h"
#include "db/open.h"
#include "db/store/invariants.h"
#include "shared/base/clock.h"
#include "tests/db/scratch.h"

#define EVENTS       3
#define KEYS         60
#define SESSIONS     8
#define REQUESTS     8000
#define REQUESTS_MAX (REQUESTS + 64) /* the last batch may go on a little */
#define OFFERS_MAX   256
#define QUANTITY_MAX 7 /* of a request */
#define MACHINES     2 /* sessions take turns on them */
#define WAITERS_MAX  (EVENTS * (SESSIONS + MACHINES))
#define START_NS     (1800000000 * NS_PER_SECOND)

struct plain_event {
	bool exists;
	bool open;
	int64_t total;
};

struct plain_ticket {
	int event;
	int64_t quantity;
	enum ticket_state state;
	enum ticket_kind kind;
	int64_t expires_ns;
	uint64_t tied;
	uint64_t holder; /* the session that holds it, tied or not */
	char code[CODE_SIZE];
};

struct plain_waiter {
	int event;
	int64_t quantity;
	uint64_t session;
	uint64_t order;
	int passed;
	size_t gathered; /* the place of the ticket that holds what is gathered for it, and 1; or 0
			  */
};

struct plain_offer {
	size_t ticket;
	uint64_t session;
	uint64_t order; /* that the waiter had */
};

struct plain {
	struct plain_event events[EVENTS];
	struct plain_ticket tickets[REQUESTS_MAX];
	size_t ticket_count;
	int keys[KEYS]; /* the ticket's place and 1, or 0 */
	struct plain_waiter waiters[WAITERS_MAX];
	size_t waiter_count;
	uint64_t last_order;
	struct plain_offer untold[WAITERS_MAX]; /* to who is on the other machine */
	size_t untold_count;
};

/* One request, in the plain words. */
struct wish {
	enum booking_verb verb;
	int event;
	int64_t quantity;
	int key;    /* -1: none */
	int ticket; /* -1: a code that nobody has */
	int64_t seconds;
	bool tied;
	uint64_t session;
};

struct machine {
	struct store *store;
	struct waitlist *waitlist;
	struct claims *claims;
};

static struct machine machines[MACHINES];
static size_t machine_count = 1;
static size_t machine; /* that is at work: the next three are its */
static struct store *store;
static struct waitlist *waitlist;
static struct claims *claims;
static struct store_needs needs;
static int64_t now_ns;

static struct plain plain;
static struct plain before; /* the batch */
static struct plain_offer plain_offers[OFFERS_MAX];
static size_t plain_offer_count;
static struct booking_offer offers[OFFERS_MAX];
static size_t offer_count;
static int outcomes[BOOKING_FAILED + 1]; /* how often each was seen */
static size_t offers_seen;
static bool scarce;           /* events hardly grow, and so many wait */
static int64_t held_max = 12; /* of an address, which every second session shares */
static size_t waiters_in_failures;
static size_t gatherings;           /* that were begun, */
static size_t gatherings_completed; /* became an offer, */
static size_t gatherings_over;      /* and took too long */
static size_t offers_from_elsewhere;
static size_t offers_over;

/* Each has a lock of its own, so that only the store is between them. */
static struct store *open_as(size_t number)
{
	char folder[32];
	snprintf(folder, sizeof(folder), "machine-%zu", number);
	(void)mkdir(scratch_path(folder), 0700);
	store_lock_in(scratch_path(folder));
	return open_store();
}

static void use_machine(size_t number)
{
	machine = number;
	store = machines[number].store;
	waitlist = machines[number].waitlist;
	claims = machines[number].claims;
}

static void make_machine(size_t number)
{
	struct machine *made = &machines[number];
	made->store = open_as(number);
	made->waitlist = calloc(1, sizeof(*made->waitlist));
	waitlist_init(made->waitlist);
	made->claims = calloc(1, sizeof(*made->claims));
	claims_init(made->claims);
}

static void set_up(void)
{
	scratch_make();
	make_machine(0);
	use_machine(0);
	now_ns = START_NS;
}

static void tear_down(void)
{
	for (size_t i = 0; i < machine_count; i++) {
		store_close(machines[i].store);
		free(machines[i].waitlist);
		free(machines[i].claims);
	}
	scratch_remove();
}

StoreTestSuite(rules, set_up, tear_down);

/* The plain ones */

static int64_t sum(int event, bool sold, bool held)
{
	int64_t total = 0;
	for (size_t i = 0; i < plain.ticket_count; i++) {
		const struct plain_ticket *ticket = &plain.tickets[i];
		bool is_sold = ticket->state == TICKET_BOOKED || ticket->state == TICKET_ADMITTED;
		bool is_held = ticket->state == TICKET_HELD;
		if (ticket->event == event && ((sold && is_sold) || (held && is_held))) {
			total += ticket->quantity;
		}
	}
	return total;
}

static int64_t stock(int event)
{
	return plain.events[event].total - sum(event, true, true);
}

/* What the sessions of the address of SESSION hold and wait for. */
static int64_t claimed(uint64_t session)
{
	int64_t sum = 0;
	for (size_t i = 0; i < plain.ticket_count; i++) {
		const struct plain_ticket *ticket = &plain.tickets[i];
		bool counts = ticket->state == TICKET_HELD && ticket->holder != 0;
		sum += counts && ticket->holder % 2 == session % 2 ? ticket->quantity : 0;
	}
	for (size_t i = 0; i < plain.waiter_count; i++) {
		const struct plain_waiter *waiter = &plain.waiters[i];
		sum += waiter->session % 2 == session % 2 ? waiter->quantity : 0;
	}
	return sum;
}

static void remove_waiter(size_t place)
{
	plain.waiter_count--;
	memmove(&plain.waiters[place], &plain.waiters[place + 1],
		(plain.waiter_count - place) * sizeof(*plain.waiters));
}

static size_t add_ticket(const struct plain_ticket *ticket)
{
	cr_assert(plain.ticket_count < REQUESTS_MAX);
	plain.tickets[plain.ticket_count] = *ticket;
	return plain.ticket_count++;
}

/* Those who wait for EVENT, in front of PLACE, are passed over. */
static void pass_over(int event, size_t place)
{
	for (size_t i = 0; i < place; i++) {
		plain.waiters[i].passed += plain.waiters[i].event == event;
	}
}

/* The place of the group that is gathered for, of the first that is due, or past the end. */
static size_t find_group(int event)
{
	size_t due = plain.waiter_count;
	for (size_t i = 0; i < plain.waiter_count; i++) {
		const struct plain_waiter *waiter = &plain.waiters[i];
		if (waiter->event == event && waiter->gathered > 0) {
			return i;
		}
		if (waiter->event == event && waiter->passed >= WAITLIST_PASSES_MAX &&
		    due == plain.waiter_count) {
			due = i;
		}
	}
	return due;
}

static int64_t gathered_for(size_t place)
{
	size_t gathered = plain.waiters[place].gathered;
	return gathered > 0 ? plain.tickets[gathered - 1].quantity : 0;
}

/* What was gathered is free; the group may be passed over again. */
static void end_gathering(size_t place)
{
	plain.tickets[plain.waiters[place].gathered - 1].state = TICKET_EXPIRED;
	plain.waiters[place].gathered = 0;
	plain.waiters[place].passed = 0;
}

static void end_old_gathering(int event)
{
	size_t place = find_group(event);
	if (place < plain.waiter_count && plain.waiters[place].gathered > 0 &&
	    plain.tickets[plain.waiters[place].gathered - 1].expires_ns <= now_ns) {
		end_gathering(place);
		gatherings_over++;
	}
}

/* Of what came back, what the group needs is held for it. */
static void gather(int event, int64_t quantity)
{
	end_old_gathering(event);
	size_t place = find_group(event);
	if (place == plain.waiter_count) {
		return;
	}
	struct plain_waiter *group = &plain.waiters[place];
	int64_t needed = group->quantity - gathered_for(place);
	struct plain_ticket ticket = { .event = event,
				       .quantity = quantity < needed ? quantity : needed,
				       .state = TICKET_HELD,
				       .kind = TICKET_BY_OFFER,
				       .expires_ns =
					       now_ns + BOOKING_GATHERING_SECONDS * NS_PER_SECOND,
				       .tied = group->session };
	if (group->gathered > 0) {
		plain.tickets[group->gathered - 1].quantity += ticket.quantity;
	} else {
		group->gathered = add_ticket(&ticket) + 1;
		gatherings++;
	}
}

/* The hold that is offered to a waiter: what was gathered, and more; or a new one. */
static size_t hold_for(const struct plain_waiter *waiter)
{
	struct plain_ticket ticket = { .event = waiter->event,
				       .quantity = waiter->quantity,
				       .state = TICKET_HELD,
				       .kind = TICKET_BY_OFFER,
				       .expires_ns = now_ns + BOOKING_HOLD_SECONDS * NS_PER_SECOND,
				       .tied = waiter->session,
				       .holder = waiter->session };
	if (waiter->gathered == 0) {
		return add_ticket(&ticket);
	}
	gatherings_completed++;
	plain.tickets[waiter->gathered - 1] = ticket;
	return waiter->gathered - 1;
}

static void offer_to(size_t place)
{
	struct plain_waiter waiter = plain.waiters[place];
	remove_waiter(place);
	pass_over(waiter.event, place);
	cr_assert(plain_offer_count < OFFERS_MAX);
	plain_offers[plain_offer_count++] =
		(struct plain_offer){ hold_for(&waiter), waiter.session, waiter.order };
}

static void serve(int event)
{
	size_t place = 0;
	if (!plain.events[event].open) {
		return;
	}
	end_old_gathering(event);
	while (place < plain.waiter_count) {
		const struct plain_waiter *waiter = &plain.waiters[place];
		if (waiter->event == event &&
		    waiter->quantity <= stock(event) + gathered_for(place)) {
			offer_to(place);
		} else {
			place++;
		}
	}
}

/* The place of the group that TICKET holds what is gathered for, or past the end. */
static size_t gathered_by(const struct plain_ticket *ticket)
{
	size_t place = 0;
	while (place < plain.waiter_count &&
	       plain.waiters[place].gathered != (size_t)(ticket - plain.tickets) + 1) {
		place++;
	}
	return place;
}

static void end_ticket(struct plain_ticket *ticket, enum ticket_state state)
{
	size_t group = gathered_by(ticket);
	ticket->state = state;
	if (!plain.events[ticket->event].open) {
		return;
	}
	if (group < plain.waiter_count) {
		end_gathering(group);
		gatherings_over++;
	} else {
		gather(ticket->event, ticket->quantity);
	}
	serve(ticket->event);
}

/* Takes a waiter off the list. */
static void leave(size_t place)
{
	if (plain.waiters[place].gathered > 0) {
		plain.tickets[plain.waiters[place].gathered - 1].state = TICKET_EXPIRED;
	}
	remove_waiter(place);
}

/* The hold that ends first, of those whose time is over. */
static struct plain_ticket *first_over(void)
{
	struct plain_ticket *first = NULL;
	for (size_t i = 0; i < plain.ticket_count; i++) {
		struct plain_ticket *ticket = &plain.tickets[i];
		if (ticket->state == TICKET_HELD && ticket->expires_ns <= now_ns &&
		    (!first || ticket->expires_ns < first->expires_ns)) {
			first = ticket;
		}
	}
	return first;
}

static void lapse_plainly(void)
{
	struct plain_ticket *ticket;
	while ((ticket = first_over())) {
		end_ticket(ticket, TICKET_EXPIRED);
	}
}

static enum booking_outcome repeat_plainly(const struct wish *wish, int *ticket)
{
	const struct plain_ticket *there = &plain.tickets[plain.keys[wish->key] - 1];
	enum ticket_kind kind = wish->verb == BOOKING_HOLD ? TICKET_BY_HOLD : TICKET_BY_BOOK;
	if (there->event != wish->event || there->quantity != wish->quantity ||
	    there->kind != kind) {
		return BOOKING_KEY_TAKEN;
	}
	*ticket = plain.keys[wish->key] - 1;
	if (there->state == TICKET_CANCELLED) {
		return BOOKING_USED;
	}
	return there->state == TICKET_EXPIRED ? BOOKING_EXPIRED : BOOKING_DONE;
}

/* Sets TICKET to the place of the one that it is about. */
static enum booking_outcome sell_plainly(const struct wish *wish, int *ticket)
{
	bool holds = wish->verb == BOOKING_HOLD;
	struct plain_ticket sold = { .event = wish->event,
				     .quantity = wish->quantity,
				     .state = holds ? TICKET_HELD : TICKET_BOOKED,
				     .kind = holds ? TICKET_BY_HOLD : TICKET_BY_BOOK };
	if (wish->key >= 0 && plain.keys[wish->key] > 0) {
		return repeat_plainly(wish, ticket);
	}
	if (wish->quantity > QUANTITY_MAX) {
		return BOOKING_TOO_MANY;
	}
	if (!plain.events[wish->event].open) {
		return BOOKING_CLOSED;
	}
	if (stock(wish->event) < wish->quantity) {
		return BOOKING_SOLD_OUT;
	}
	if (holds && claimed(wish->session) + wish->quantity > held_max) {
		return BOOKING_HAS_ENOUGH;
	}
	if (holds) {
		sold.holder = wish->session;
		sold.expires_ns = now_ns + wish->seconds * NS_PER_SECOND;
		sold.tied = wish->tied ? wish->session : 0;
	}
	*ticket = (int)add_ticket(&sold);
	if (wish->key >= 0) {
		plain.keys[wish->key] = *ticket + 1;
	}
	pass_over(wish->event, plain.waiter_count);
	return BOOKING_DONE;
}

static enum booking_outcome use_plainly(const struct wish *wish, struct plain_ticket *ticket)
{
	if (wish->verb == BOOKING_TICKET) {
		return BOOKING_DONE;
	}
	if (ticket->state == TICKET_EXPIRED) {
		return BOOKING_EXPIRED;
	}
	if (ticket->state == TICKET_CANCELLED || ticket->state == TICKET_ADMITTED) {
		return BOOKING_USED;
	}
	if (wish->verb == BOOKING_CANCEL) {
		end_ticket(ticket, TICKET_CANCELLED);
		return BOOKING_DONE;
	}
	if (wish->verb == BOOKING_ADMIT && ticket->state == TICKET_HELD) {
		return BOOKING_NOT_BOOKED;
	}
	ticket->state = wish->verb == BOOKING_ADMIT ? TICKET_ADMITTED : TICKET_BOOKED;
	return BOOKING_DONE;
}

/* The place of that session's waiter, or past the end. */
static size_t find_waiter(uint64_t session, int event)
{
	size_t place = 0;
	while (place < plain.waiter_count &&
	       (plain.waiters[place].session != session || plain.waiters[place].event != event)) {
		place++;
	}
	return place;
}

static void queue_up(int event, int64_t quantity, uint64_t session)
{
	plain.waiters[plain.waiter_count++] = (struct plain_waiter){ .event = event,
								     .quantity = quantity,
								     .session = session,
								     .order = ++plain.last_order };
}

/* What it was told: how many of the event are before it, and one. */
static uint32_t plain_position;

static void note_position(const struct wish *wish)
{
	plain_position = 1;
	for (size_t i = 0; i < find_waiter(wish->session, wish->event); i++) {
		plain_position += plain.waiters[i].event == wish->event;
	}
}

static enum booking_outcome wait_plainly(const struct wish *wish)
{
	size_t place = find_waiter(wish->session, wish->event);
	if (wish->quantity > QUANTITY_MAX) {
		return BOOKING_TOO_MANY;
	}
	if (!plain.events[wish->event].open) {
		return BOOKING_CLOSED;
	}
	if (wish->quantity > plain.events[wish->event].total) {
		return BOOKING_LIMIT;
	}
	bool waits = place < plain.waiter_count;
	if (!waits || plain.waiters[place].quantity != wish->quantity) {
		int64_t has = claimed(wish->session) - (waits ? plain.waiters[place].quantity : 0);
		if (has + wish->quantity > held_max) {
			return BOOKING_HAS_ENOUGH;
		}
		if (waits) {
			leave(place);
		}
		queue_up(wish->event, wish->quantity, wish->session);
	}
	note_position(wish);
	serve(wish->event);
	return BOOKING_DONE;
}

static enum booking_outcome release_plainly(const struct wish *wish)
{
	for (size_t place = 0; place < plain.waiter_count;) {
		int event = plain.waiters[place].event;
		if (plain.waiters[place].session != wish->session) {
			place++;
			continue;
		}
		leave(place);
		serve(event);
		place = 0;
	}
	for (size_t i = 0; i < plain.ticket_count; i++) {
		if (plain.tickets[i].state == TICKET_HELD &&
		    plain.tickets[i].tied == wish->session) {
			end_ticket(&plain.tickets[i], TICKET_EXPIRED);
		}
	}
	return BOOKING_DONE;
}

static enum booking_outcome grow_plainly(const struct wish *wish)
{
	if (wish->quantity < -stock(wish->event)) {
		return BOOKING_LIMIT;
	}
	plain.events[wish->event].total += wish->quantity;
	serve(wish->event);
	return BOOKING_DONE;
}

static enum booking_outcome new_plainly(const struct wish *wish)
{
	struct plain_event *event = &plain.events[wish->event];
	if (event->exists) {
		return BOOKING_EXISTS;
	}
	*event = (struct plain_event){ true, true, wish->quantity };
	return BOOKING_DONE;
}

static enum booking_outcome set_open_plainly(const struct wish *wish)
{
	struct plain_event *event = &plain.events[wish->event];
	bool opens = wish->verb == BOOKING_EVENT_OPEN && !event->open;
	event->open = wish->verb == BOOKING_EVENT_OPEN;
	if (opens) {
		serve(wish->event);
	}
	return BOOKING_DONE;
}

static enum booking_outcome use_event_plainly(const struct wish *wish, int *ticket)
{
	if (!plain.events[wish->event].exists) {
		return BOOKING_NOT_FOUND;
	}
	switch (wish->verb) {
	case BOOKING_BOOK:
	case BOOKING_HOLD: return sell_plainly(wish, ticket);
	case BOOKING_WAIT: return wait_plainly(wish);
	case BOOKING_EVENT_GROW: return grow_plainly(wish);
	case BOOKING_EVENT_OPEN:
	case BOOKING_EVENT_CLOSE: return set_open_plainly(wish);
	default: return BOOKING_DONE; /* the audit */
	}
}

/* Sets TICKET to the place of the ticket that the answer is about, -1 if there is none. */
static enum booking_outcome carry_out_plainly(const struct wish *wish, int *ticket)
{
	*ticket = -1;
	switch (wish->verb) {
	case BOOKING_EVENT_NEW: return new_plainly(wish);
	case BOOKING_RELEASE: return release_plainly(wish);
	case BOOKING_CONFIRM:
	case BOOKING_CANCEL:
	case BOOKING_TICKET:
	case BOOKING_ADMIT:
		*ticket = wish->ticket;
		return *ticket < 0 ? BOOKING_NOT_FOUND : use_plainly(wish, &plain.tickets[*ticket]);
	default: return use_event_plainly(wish, ticket);
	}
}

/* Both */

static struct booking_offer *place_for_offer(void *context, uint32_t worker)
{
	(void)context;
	(void)worker;
	cr_assert(offer_count < OFFERS_MAX);
	return &offers[offer_count++];
}

static struct booking_context context(void)
{
	return (struct booking_context){ .store = store,
					 .waitlist = waitlist,
					 .claims = claims,
					 .server = (uint32_t)machine,
					 .wall_ns = now_ns,
					 .limits = { .quantity = QUANTITY_MAX, .held = held_max },
					 .offer = place_for_offer };
}

static int any(int below)
{
	return (int)(random() % below);
}

/* Groups want nearly all that there is, and stay; smaller ones pass them over one by one. */
static void make_scarce(struct wish *wish)
{
	int64_t total = plain.events[wish->event].total;
	switch (wish->verb) {
	case BOOKING_WAIT:
		wish->quantity = total > 3 ? total - any((int)total / 2) : wish->quantity;
		break;
	case BOOKING_BOOK:
	case BOOKING_HOLD: wish->quantity = 1; break;
	case BOOKING_RELEASE: wish->verb = any(8) > 0 ? BOOKING_CANCEL : wish->verb; break;
	case BOOKING_EVENT_GROW: wish->quantity = total > 9 ? -1 : any(3) - (total > 5); break;
	default: break;
	}
}

static struct wish any_wish(void)
{
	static const enum booking_verb verbs[] = {
		BOOKING_BOOK,        BOOKING_BOOK,       BOOKING_BOOK,       BOOKING_HOLD,
		BOOKING_HOLD,        BOOKING_HOLD,       BOOKING_CONFIRM,    BOOKING_CONFIRM,
		BOOKING_CANCEL,      BOOKING_CANCEL,     BOOKING_TICKET,     BOOKING_ADMIT,
		BOOKING_WAIT,        BOOKING_WAIT,       BOOKING_AUDIT,      BOOKING_RELEASE,
		BOOKING_EVENT_GROW,  BOOKING_EVENT_GROW, BOOKING_EVENT_OPEN, BOOKING_EVENT_OPEN,
		BOOKING_EVENT_CLOSE, BOOKING_EVENT_NEW,
	};
	struct wish wish = { .verb = verbs[any(sizeof(verbs) / sizeof(*verbs))],
			     .event = any(EVENTS),
			     .quantity = 1 + any(3),
			     .key = any(3) ? any(KEYS) : -1,
			     .ticket = -1,
			     .seconds = 1 + any(30),
			     .tied = any(2),
			     .session = 1 + (uint64_t)any(SESSIONS) };
	/* Mostly one of the last: the older ones are used up. */
	if (plain.ticket_count > 0 && any(20) > 0) {
		wish.ticket = (int)plain.ticket_count - 1 -
			      any((int)plain.ticket_count > 30 ? 30 : (int)plain.ticket_count);
	}
	if (wish.ticket >= 0 && plain.tickets[wish.ticket].code[0] == '\0') {
		wish.ticket = -1; /* it holds what is gathered: nobody knows its code */
	}
	if (wish.verb == BOOKING_EVENT_GROW) {
		wish.quantity = any(9) - 3;
	}
	if (any(12) == 0) {
		wish.quantity += 4;
	}
	if (any(60) == 0) {
		wish.quantity += QUANTITY_MAX;
	}
	if (scarce) {
		make_scarce(&wish);
	}
	return wish;
}

/* Which machine it is connected to, and the number that it has there. */
static size_t machine_of(uint64_t session)
{
	return session % machine_count;
}

static uint64_t number_of(uint64_t session)
{
	return (uint64_t)machine_of(session) << 32 | session;
}

static struct booking_owner owner_of(uint64_t session)
{
	return (struct booking_owner){ .bytes = { (unsigned char)(1 + session % 2) } };
}

static struct booking_request request_of(const struct wish *wish)
{
	struct booking_request request = { .verb = wish->verb,
					   .quantity = wish->quantity,
					   .seconds = wish->seconds,
					   .tied = wish->tied,
					   .client = { .session = number_of(wish->session),
						       .owner = owner_of(wish->session) } };
	snprintf(request.event, sizeof(request.event), "event-%d", wish->event);
	if (wish->key >= 0) {
		snprintf(request.key, sizeof(request.key), "key-%d", wish->key);
	}
	if (wish->ticket >= 0) {
		memcpy(request.code, plain.tickets[wish->ticket].code, CODE_SIZE);
	} else {
		code_make(store_code_key(store), CODE_NUMBER_MAX, 0, request.code);
	}
	return request;
}

static void compare_offer(const struct booking_offer *offer, const struct plain_offer *plain_offer)
{
	struct plain_ticket *ticket = &plain.tickets[plain_offer->ticket];
	cr_assert_eq(offer->client.session, number_of(plain_offer->session));
	cr_assert_eq(offer->quantity, ticket->quantity);
	memcpy(ticket->code, offer->code, CODE_SIZE);
}

/*
 * What was offered, in the same order; the codes are noted. The other machine's people hear of it
 * later.
 */
static void compare_offers(void)
{
	size_t next = 0;
	for (size_t i = 0; i < plain_offer_count; i++) {
		if (machine_of(plain_offers[i].session) != machine) {
			plain.untold[plain.untold_count++] = plain_offers[i];
			continue;
		}
		cr_assert_lt(next, offer_count);
		compare_offer(&offers[next++], &plain_offers[i]);
	}
	cr_assert_eq(offer_count, next);
	offers_seen += offer_count;
	offer_count = 0;
	plain_offer_count = 0;
}

static int by_order(const void *left, const void *right)
{
	const struct plain_offer *a = left;
	const struct plain_offer *b = right;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* Who was offered something that is over by now, before it was told, waits again, at the end. */
static void tell_plainly(const struct plain_offer *offer)
{
	const struct plain_ticket *ticket = &plain.tickets[offer->ticket];
	if (ticket->state == TICKET_HELD && ticket->expires_ns > now_ns) {
		plain_offers[plain_offer_count++] = *offer;
		offers_from_elsewhere++;
	} else {
		queue_up(ticket->event, ticket->quantity, offer->session);
		offers_over++;
	}
}

/* At a batch's begin this machine hears what the other one offered. */
static void tell_ours(void)
{
	size_t left = 0;
	qsort(plain.untold, plain.untold_count, sizeof(*plain.untold), by_order);
	for (size_t i = 0; i < plain.untold_count; i++) {
		if (machine_of(plain.untold[i].session) == machine) {
			tell_plainly(&plain.untold[i]);
		} else {
			plain.untold[left++] = plain.untold[i];
		}
	}
	plain.untold_count = left;
	compare_offers();
}

static void compare_ticket(const struct booking_answer *answer, struct plain_ticket *ticket)
{
	int64_t left_ns = ticket->expires_ns - now_ns;
	bool held = ticket->state == TICKET_HELD;
	if (ticket->code[0] == '\0') {
		memcpy(ticket->code, answer->code, CODE_SIZE);
	}
	cr_assert_str_eq(answer->code, ticket->code);
	cr_assert_eq(answer->state, ticket->state);
	cr_assert_eq(answer->quantity, ticket->quantity);
	cr_assert_eq(answer->seconds, held ? (left_ns + NS_PER_SECOND - 1) / NS_PER_SECOND : 0);
}

static void compare_event(const struct booking_answer *answer, int event)
{
	cr_assert_eq(answer->left, stock(event));
	cr_assert_eq(answer->total, plain.events[event].total);
}

static void compare_answer(const struct wish *wish, const struct booking_answer *answer,
			   enum booking_outcome outcome, int ticket)
{
	cr_assert_eq(answer->outcome, outcome, "verb %d: %d, not %d", wish->verb, answer->outcome,
		     outcome);
	outcomes[outcome]++;
	compare_offers();
	if (ticket >= 0) {
		compare_ticket(answer, &plain.tickets[ticket]);
	}
	if (wish->verb == BOOKING_RELEASE || outcome == BOOKING_NOT_FOUND) {
		return;
	}
	if (wish->verb == BOOKING_WAIT && outcome == BOOKING_DONE) {
		cr_assert_eq(answer->position, plain_position);
	}
	compare_event(answer, ticket >= 0 ? plain.tickets[ticket].event : wish->event);
	if (wish->verb == BOOKING_AUDIT) {
		cr_assert_eq(answer->sold, sum(wish->event, true, false));
		cr_assert_eq(answer->held, sum(wish->event, false, true));
	}
}

/* Time passes, never by the same again: no two holds end at once. */
static void let_time_pass(void)
{
	int64_t next_ns;
	now_ns += any(3000) * NS_PER_MS + 1;
	const struct booking_context now = context();
	cr_assert(booking_lapse(&now, 10000, &next_ns));
	lapse_plainly();
	compare_offers();
}

static void carry_out_both(const struct wish *wish)
{
	const struct booking_request request = request_of(wish);
	struct booking_answer answer;
	int ticket;
	let_time_pass();
	const struct booking_context now = context();
	booking_carry_out(&now, &request, &answer);
	enum booking_outcome outcome = carry_out_plainly(wish, &ticket);
	compare_answer(wish, &answer, outcome, ticket);
}

/* As whoever serves does it. */
static void begin_batch(void)
{
	const struct booking_context now = context();
	needs = (struct store_needs){ .server = 0 };
	booking_waiters_foresee(&now, true, &needs);
	cr_assert(store_take(store, 5 * NS_PER_SECOND));
	store_foresee(store, &needs);
	cr_assert_eq(store_begin(store), STORE_OK);
	cr_assert(booking_waiters_read(&now));
	tell_ours();
}

static void run_batch(const struct wish *wishes, int count)
{
	bool fails = any(4) == 0;
	if (fails) {
		before = plain;
	}
	begin_batch();
	for (int i = 0; i < count; i++) {
		carry_out_both(&wishes[i]);
	}
	compare_offers();
	const struct booking_context now = context();
	cr_assert(booking_waiters_write(&now));
	if (fails) {
		waiters_in_failures += before.waiter_count;
		plain = before;
		abandon(store);
		waitlist_roll_back(waitlist);
		claims_roll_back(claims);
	} else {
		commit(store);
		waitlist_commit(waitlist);
		claims_commit(claims);
	}
}

static void ignore_event(void *context, const struct store_event *event)
{
	(void)context;
	(void)event;
}

static void fail_breach(void *context, const char *text)
{
	(void)context;
	cr_assert_fail("%s", text);
}

static void look_at_invariants(void)
{
	const struct invariants_look look = { ignore_event, fail_breach, NULL };
	begin(store);
	cr_assert_eq(invariants_look(store, &look), STORE_OK);
	abandon(store);
}

static void carry_out_many(void)
{
	struct wish wishes[40];
	srandom(20261120);
	for (int done = 0; done < REQUESTS;) {
		int count = 1 + any((int)(sizeof(wishes) / sizeof(*wishes)));
		use_machine(machine_count > 1 ? (size_t)any((int)machine_count) : 0);
		for (int i = 0; i < count; i++) {
			wishes[i] = any_wish();
			wishes[i].session += machine_of(wishes[i].session) != machine;
		}
		run_batch(wishes, count);
		done += count;
		if (any(20) > 0) {
			continue;
		}
		store_close(store);
		machines[machine].store = open_as(machine);
		use_machine(machine);
		look_at_invariants();
	}
	look_at_invariants();
}

StoreTest(rules, hold_whatever_comes_from_whomever)
{
	carry_out_many();
	for (int outcome = 0; outcome < BOOKING_FULL; outcome++) {
		cr_assert_gt(outcomes[outcome], 2, "outcome %d was not seen", outcome);
	}
	cr_assert_gt(offers_seen, REQUESTS / 40, "too few waited to see anything");
}

StoreTest(rules, hold_where_many_wait_and_batches_fail)
{
	scarce = true;
	held_max = 60;
	carry_out_many();
	cr_assert_gt(waiters_in_failures, REQUESTS / 40, "too few waited when a batch failed: %zu",
		     waiters_in_failures);
	cr_assert_gt(gatherings, 20, "too little was gathered: %zu", gatherings);
	cr_assert_gt(gatherings_completed, 1, "too few groups got what was gathered: %zu",
		     gatherings_completed);
	cr_assert_gt(gatherings_over, 10, "too few gatherings took too long: %zu", gatherings_over);
}

#ifdef TURNSTILE_WITH_POSTGRES
Test(rules_postgres, hold_where_two_machines_have_one_row_of_people)
{
	make_machine(machine_count++);
	carry_out_many();
	cr_assert_gt(offers_seen, REQUESTS / 40, "too few waited to see anything");
}

Test(rules_postgres, hold_where_many_wait_on_two_machines)
{
	scarce = true;
	held_max = 60;
	make_machine(machine_count++);
	carry_out_many();
	cr_assert_gt(offers_from_elsewhere, REQUESTS / 1000, "too few got any from elsewhere: %zu",
		     offers_from_elsewhere);
	cr_assert_gt(offers_over, 0, "no offer was over before it was told");
	cr_assert_gt(gatherings, 10, "too little was gathered: %zu", gatherings);
}
#endif
