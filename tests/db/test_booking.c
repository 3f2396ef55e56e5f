#include "db/booking.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/db/scratch.h"

static struct store *store;

static void set_up(void)
{
	scratch_make();
	store = open_store();
	make_event(store, "rush", 10);
	make_event(store, "other", 10);
}

static void tear_down(void)
{
	store_close(store);
	scratch_remove();
}

TestSuite(booking, .init = set_up, .fini = tear_down);

static struct booking_answer book(int64_t quantity, const char *key)
{
	return ask_alone(store, BOOKING_BOOK, "rush", quantity, key);
}

static enum booking_outcome grow(int64_t more)
{
	return ask_alone(store, BOOKING_EVENT_GROW, "rush", more, "").outcome;
}

/* Sets the ticket with CODE to a state that no verb leads to yet. */
static void set_state(const char *code, enum ticket_state state)
{
	struct store_ticket ticket;
	int64_t number;
	begin(store);
	cr_assert(code_read(store_code_key(store), span_of(code), &number));
	cr_assert_eq(store_ticket_get(store, number, &ticket), STORE_OK);
	ticket.state = state;
	cr_assert_eq(store_ticket_change(store, &ticket), STORE_OK);
	commit(store);
}

Test(booking, gives_a_code_and_says_what_is_left)
{
	struct booking_answer first = book(3, "");
	struct booking_answer second = book(1, "");
	cr_assert_eq(first.outcome, BOOKING_DONE);
	cr_assert_eq(first.quantity, 3);
	cr_assert_eq(first.left, 7);
	cr_assert_eq(first.total, 10);
	cr_assert(code_is_well_formed(span_of(first.code)));
	cr_assert_eq(second.left, 6);
	cr_assert_str_neq(first.code, second.code);
	cr_assert(adds_up(store, "rush"));
}

Test(booking, code_leads_to_the_ticket)
{
	struct store_ticket ticket;
	int64_t number;
	book(1, "");
	struct booking_answer answer = book(3, "");
	cr_assert(code_read(store_code_key(store), span_of(answer.code), &number));
	begin(store);
	cr_assert_eq(store_ticket_get(store, number, &ticket), STORE_OK);
	abandon(store);
	cr_assert_eq(ticket.quantity, 3);
	cr_assert_eq(ticket.state, TICKET_BOOKED);
}

Test(booking, sells_the_last_one_and_no_more)
{
	cr_assert_eq(book(9, "").outcome, BOOKING_DONE);
	struct booking_answer refused = book(2, "");
	cr_assert_eq(refused.outcome, BOOKING_SOLD_OUT);
	cr_assert_eq(refused.left, 1);
	cr_assert_str_empty(refused.code);
	cr_assert_eq(book(1, "").left, 0);
	cr_assert_eq(book(1, "").outcome, BOOKING_SOLD_OUT);
	cr_assert(adds_up(store, "rush"));
}

Test(booking, of_no_event_is_not_found)
{
	cr_assert_eq(ask_alone(store, BOOKING_BOOK, "none", 1, "").outcome, BOOKING_NOT_FOUND);
	cr_assert_eq(ask_alone(store, BOOKING_EVENT_OPEN, "none", 0, "").outcome,
		     BOOKING_NOT_FOUND);
	cr_assert_eq(ask_alone(store, BOOKING_EVENT_CLOSE, "none", 0, "").outcome,
		     BOOKING_NOT_FOUND);
	cr_assert_eq(ask_alone(store, BOOKING_EVENT_GROW, "none", 1, "").outcome,
		     BOOKING_NOT_FOUND);
}

Test(booking, of_less_than_one_is_refused)
{
	cr_assert_eq(book(0, "").outcome, BOOKING_LIMIT);
	cr_assert_eq(book(-5, "").outcome, BOOKING_LIMIT);
	cr_assert_eq(book(INT64_MAX, "").outcome, BOOKING_SOLD_OUT);
	cr_assert_eq(book(1, "").left, 9);
}

Test(booking, repeated_with_its_key_is_sold_once)
{
	struct booking_answer first = book(2, "key");
	struct booking_answer again = book(2, "key");
	cr_assert_eq(again.outcome, BOOKING_DONE);
	cr_assert_str_eq(again.code, first.code);
	cr_assert_eq(again.left, 8);
	cr_assert_str_neq(book(2, "KEY").code, first.code, "case counts");
	cr_assert(adds_up(store, "rush"));
}

Test(booking, repeated_in_one_transaction_is_sold_once)
{
	begin(store);
	struct booking_answer first = ask(store, BOOKING_BOOK, "rush", 2, "key");
	struct booking_answer again = ask(store, BOOKING_BOOK, "rush", 2, "key");
	commit(store);
	cr_assert_eq(again.outcome, BOOKING_DONE);
	cr_assert_str_eq(again.code, first.code);
	cr_assert_eq(book(1, "").left, 7);
}

Test(booking, key_of_another_request_is_refused)
{
	struct booking_answer first = book(2, "key");
	cr_assert_eq(book(3, "key").outcome, BOOKING_KEY_TAKEN);
	cr_assert_eq(ask_alone(store, BOOKING_BOOK, "other", 2, "key").outcome, BOOKING_KEY_TAKEN);
	cr_assert_str_eq(book(2, "key").code, first.code);
}

Test(booking, key_of_a_hold_is_refused)
{
	struct store_ticket hold = { .event = 1, .quantity = 1, .state = TICKET_HELD };
	hold.kind = TICKET_BY_HOLD;
	memcpy(hold.key, "key", 4);
	begin(store);
	cr_assert_eq(store_ticket_add(store, &hold), STORE_OK);
	commit(store);
	cr_assert_eq(book(1, "key").outcome, BOOKING_KEY_TAKEN);
}

Test(booking, repeats_go_on_when_sold_out_or_closed)
{
	struct booking_answer first = book(10, "key");
	cr_assert_str_eq(book(10, "key").code, first.code);
	cr_assert_eq(ask_alone(store, BOOKING_EVENT_CLOSE, "rush", 0, "").outcome, BOOKING_DONE);
	cr_assert_str_eq(book(10, "key").code, first.code);
	cr_assert_eq(book(10, "key2").outcome, BOOKING_CLOSED, "closed comes before sold out");
}

Test(booking, repeat_says_what_became_of_the_ticket)
{
	struct booking_answer first = book(1, "key");
	set_state(first.code, TICKET_ADMITTED);
	cr_assert_eq(book(1, "key").outcome, BOOKING_DONE);
	cr_assert_str_eq(book(1, "key").code, first.code);
	set_state(first.code, TICKET_CANCELLED);
	cr_assert_eq(book(1, "key").outcome, BOOKING_USED);
	set_state(first.code, TICKET_EXPIRED);
	cr_assert_eq(book(1, "key").outcome, BOOKING_EXPIRED);
}

Test(booking, key_that_was_refused_may_succeed_later)
{
	cr_assert_eq(book(11, "key").outcome, BOOKING_SOLD_OUT);
	cr_assert_eq(book(10, "key").outcome, BOOKING_DONE);
}

Test(booking, that_was_rolled_back_was_never_there)
{
	begin(store);
	cr_assert_eq(ask(store, BOOKING_BOOK, "rush", 10, "lost").outcome, BOOKING_DONE);
	abandon(store);
	struct booking_answer other = book(9, "won");
	cr_assert_eq(other.outcome, BOOKING_DONE);
	struct booking_answer again = book(1, "lost");
	cr_assert_eq(again.outcome, BOOKING_DONE);
	cr_assert_str_neq(again.code, other.code);
	cr_assert_str_eq(book(9, "won").code, other.code);
	cr_assert(adds_up(store, "rush"));
}

Test(booking, closed_event_does_not_sell_until_opened)
{
	ask_alone(store, BOOKING_EVENT_CLOSE, "rush", 0, "");
	cr_assert_eq(book(1, "").outcome, BOOKING_CLOSED);
	cr_assert_eq(ask_alone(store, BOOKING_EVENT_CLOSE, "rush", 0, "").outcome, BOOKING_DONE);
	ask_alone(store, BOOKING_EVENT_OPEN, "rush", 0, "");
	cr_assert_eq(book(1, "").outcome, BOOKING_DONE);
}

Test(booking, event_is_new_once)
{
	cr_assert_eq(ask_alone(store, BOOKING_EVENT_NEW, "rush", 5, "").outcome, BOOKING_EXISTS);
	struct booking_answer answer = ask_alone(store, BOOKING_EVENT_NEW, "third", 5, "");
	cr_assert_eq(answer.outcome, BOOKING_DONE);
	cr_assert_eq(answer.left, 5);
	cr_assert_eq(answer.total, 5);
	cr_assert_eq(ask_alone(store, BOOKING_BOOK, "third", 5, "").outcome, BOOKING_DONE);
}

Test(booking, event_total_has_bounds)
{
	const int64_t bad[] = { -1, STORE_TOTAL_MAX + 1, INT64_MAX, INT64_MIN };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_eq(ask_alone(store, BOOKING_EVENT_NEW, "big", bad[i], "").outcome,
			     BOOKING_LIMIT);
	cr_assert_eq(ask_alone(store, BOOKING_EVENT_NEW, "big", STORE_TOTAL_MAX, "").outcome,
		     BOOKING_DONE);
	cr_assert_eq(ask_alone(store, BOOKING_EVENT_GROW, "big", 1, "").outcome, BOOKING_LIMIT);
	cr_assert_eq(ask_alone(store, BOOKING_BOOK, "big", STORE_TOTAL_MAX, "").outcome,
		     BOOKING_DONE);
	cr_assert(adds_up(store, "big"));
}

Test(booking, event_grows_and_shrinks_down_to_what_is_sold)
{
	book(4, "");
	cr_assert_eq(grow(-7), BOOKING_LIMIT);
	cr_assert_eq(grow(INT64_MIN), BOOKING_LIMIT);
	cr_assert_eq(grow(INT64_MAX), BOOKING_LIMIT);
	cr_assert_eq(grow(-6), BOOKING_DONE);
	cr_assert_eq(book(1, "").outcome, BOOKING_SOLD_OUT);
	cr_assert_eq(grow(STORE_TOTAL_MAX - 4), BOOKING_DONE);
	cr_assert_eq(grow(1), BOOKING_LIMIT);
	cr_assert_eq(book(1, "").total, STORE_TOTAL_MAX);
}

/*
 * The same rules over again, as plainly as they can be said, to hold the real ones against.
 */
#define EVENTS   3
#define KEYS     40
#define REQUESTS 6000

struct plain_event {
	bool exists;
	bool open;
	int64_t total;
	int64_t sold;
};

struct plain_key {
	int event;
	int64_t quantity; /* 0: not used */
	char code[CODE_SIZE];
};

struct plain {
	struct plain_event events[EVENTS];
	struct plain_key keys[KEYS];
};

struct plain_request {
	enum booking_verb verb;
	int event;
	int key; /* -1: none */
	int64_t quantity;
};

static enum booking_outcome plain_book(struct plain_event *event, struct plain_key *key,
				       const struct plain_request *request, const char *code)
{
	if (key && key->quantity != 0 &&
	    (key->event != request->event || key->quantity != request->quantity))
		return BOOKING_KEY_TAKEN;
	if (key && key->quantity != 0)
		return strcmp(code, key->code) == 0 ? BOOKING_DONE : BOOKING_FAILED;
	if (!event->open)
		return BOOKING_CLOSED;
	if (event->total - event->sold < request->quantity)
		return BOOKING_SOLD_OUT;
	event->sold += request->quantity;
	if (key) {
		key->event = request->event;
		key->quantity = request->quantity;
		memcpy(key->code, code, CODE_SIZE);
	}
	return BOOKING_DONE;
}

static enum booking_outcome plain_new(struct plain_event *event, int64_t total)
{
	if (event->exists)
		return BOOKING_EXISTS;
	*event = (struct plain_event){ true, true, total, 0 };
	return BOOKING_DONE;
}

static enum booking_outcome plain_grow(struct plain_event *event, int64_t more)
{
	if (event->total + more < event->sold || event->total + more > STORE_TOTAL_MAX)
		return BOOKING_LIMIT;
	event->total += more;
	return BOOKING_DONE;
}

static enum booking_outcome plain_carry_out(struct plain *plain,
					    const struct plain_request *request, const char *code)
{
	struct plain_event *event = &plain->events[request->event];
	struct plain_key *key = request->key >= 0 ? &plain->keys[request->key] : NULL;
	if (request->verb == BOOKING_EVENT_NEW)
		return plain_new(event, request->quantity);
	if (!event->exists)
		return BOOKING_NOT_FOUND;
	if (request->verb == BOOKING_BOOK)
		return plain_book(event, key, request, code);
	if (request->verb == BOOKING_EVENT_GROW)
		return plain_grow(event, request->quantity);
	event->open = request->verb == BOOKING_EVENT_OPEN;
	return BOOKING_DONE;
}

static int any(int below)
{
	return (int)(random() % below);
}

static struct plain_request any_request(void)
{
	static const enum booking_verb verbs[] = { BOOKING_BOOK,       BOOKING_BOOK,
						   BOOKING_BOOK,       BOOKING_BOOK,
						   BOOKING_BOOK,       BOOKING_EVENT_OPEN,
						   BOOKING_EVENT_OPEN, BOOKING_EVENT_CLOSE,
						   BOOKING_EVENT_GROW, BOOKING_EVENT_NEW };
	struct plain_request request = { .verb = verbs[any(10)],
					 .event = any(EVENTS),
					 .key = any(2) ? any(KEYS) : -1,
					 .quantity = 1 + any(3) };
	if (request.verb == BOOKING_EVENT_GROW)
		request.quantity = any(21) - 10;
	return request;
}

static void carry_out_both(struct plain *plain)
{
	char event[NAME_EVENT_SIZE];
	char key[NAME_KEY_SIZE] = "";
	struct plain_request request = any_request();
	snprintf(event, sizeof event, "event-%d", request.event);
	if (request.key >= 0)
		snprintf(key, sizeof key, "key-%d", request.key);
	struct booking_answer answer = ask(store, request.verb, event, request.quantity, key);
	enum booking_outcome outcome = plain_carry_out(plain, &request, answer.code);
	const struct plain_event *now = &plain->events[request.event];
	cr_assert_eq(answer.outcome, outcome, "verb %d: %d, not %d", request.verb, answer.outcome,
		     outcome);
	cr_assert_eq(answer.total, now->total);
	cr_assert_eq(answer.left, now->total - now->sold);
}

Test(booking, keeps_the_rules_whatever_comes)
{
	struct plain plain = { 0 };
	srandom(20261120);
	for (int done = 0; done < REQUESTS;) {
		struct plain before = plain;
		begin(store);
		for (int size = 1 + any(40); size > 0; size--, done++)
			carry_out_both(&plain);
		if (any(4) == 0) {
			plain = before;
			abandon(store);
		} else {
			commit(store);
		}
		if (any(20) == 0) {
			store_close(store);
			store = open_store();
		}
	}
	for (int event = 0; event < EVENTS; event++) {
		char name[NAME_EVENT_SIZE];
		snprintf(name, sizeof name, "event-%d", event);
		cr_assert(adds_up(store, name));
	}
}
