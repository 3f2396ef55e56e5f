#include "db/booking/booking.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/booking/lapse.h"
#include "db/booking/offer.h"
#include "db/store/invariants.h"
#include "shared/base/clock.h"
#include "tests/db/scratch.h"
#include "tests/support/child.h"

#define OFFERS_MAX 64
#define START_NS   (1800000000 * NS_PER_SECOND) /* any time will do */

static struct store *store;
static struct waitlist *waitlist;
static struct claims *claims;
static int64_t now_ns;
static struct booking_offer offers[OFFERS_MAX]; /* since they were last forgotten */
static size_t offer_count;
static bool offers_blocked; /* there is no place for one now */
static struct booking_limits limits;

static void set_up(void)
{
	scratch_make();
	store = open_store();
	make_event(store, "rush", 10);
	make_event(store, "other", 10);
	waitlist = calloc(1, sizeof(*waitlist));
	waitlist_init(waitlist);
	claims = calloc(1, sizeof(*claims));
	claims_init(claims);
	now_ns = START_NS;
	offer_count = 0;
	offers_blocked = false;
	limits = (struct booking_limits){ .quantity = 0 };
}

static void tear_down(void)
{
	store_close(store);
	free(waitlist);
	free(claims);
	scratch_remove();
}

StoreTestSuite(booking, set_up, tear_down);

static struct booking_offer *place_for_offer(void *context, uint32_t worker)
{
	(void)context;
	(void)worker;
	if (offers_blocked || offer_count == OFFERS_MAX) {
		return NULL;
	}
	return &offers[offer_count++];
}

static struct booking_context context(void)
{
	return (struct booking_context){ .store = store,
					 .waitlist = waitlist,
					 .claims = claims,
					 .wall_ns = now_ns,
					 .limits = limits,
					 .offer = place_for_offer };
}

/* Carries it out within a transaction; or in one of its own. */
static struct booking_answer carry_within(const struct booking_request *request)
{
	const struct booking_context now = context();
	struct booking_answer answer;
	booking_carry_out(&now, request, &answer);
	return answer;
}

static void finish_batch(void)
{
	commit(store);
	waitlist_commit(waitlist);
	claims_commit(claims);
}

static void fail_batch(void)
{
	abandon(store);
	waitlist_roll_back(waitlist);
	claims_roll_back(claims);
}

static struct booking_answer carry(const struct booking_request *request)
{
	begin(store);
	struct booking_answer answer = carry_within(request);
	finish_batch();
	return answer;
}

static struct booking_request request_for(enum booking_verb verb, const char *event,
					  int64_t quantity, const char *key)
{
	struct booking_request request = { .verb = verb, .quantity = quantity };
	snprintf(request.event, sizeof(request.event), "%s", event);
	snprintf(request.key, sizeof(request.key), "%s", key);
	return request;
}

static struct booking_answer ask_within(enum booking_verb verb, const char *event, int64_t quantity,
					const char *key)
{
	const struct booking_request request = request_for(verb, event, quantity, key);
	return carry_within(&request);
}

static struct booking_answer ask_verb(enum booking_verb verb, const char *event, int64_t quantity,
				      const char *key)
{
	const struct booking_request request = request_for(verb, event, quantity, key);
	return carry(&request);
}

static struct booking_answer book(int64_t quantity, const char *key)
{
	return ask_verb(BOOKING_BOOK, "rush", quantity, key);
}

static enum booking_outcome grow(int64_t more)
{
	return ask_verb(BOOKING_EVENT_GROW, "rush", more, "").outcome;
}

static struct booking_answer hold(int64_t quantity, int64_t seconds, const char *key)
{
	struct booking_request request = request_for(BOOKING_HOLD, "rush", quantity, key);
	request.seconds = seconds;
	return carry(&request);
}

static struct booking_answer hold_tied(uint64_t session, int64_t quantity)
{
	struct booking_request request = request_for(BOOKING_HOLD, "rush", quantity, "");
	request.seconds = 60;
	request.tied = true;
	request.client.session = session;
	return carry(&request);
}

/* Confirms, cancels, shows or admits. */
static struct booking_answer with_code(enum booking_verb verb, const char *code)
{
	struct booking_request request = request_for(verb, "", 0, "");
	snprintf(request.code, sizeof(request.code), "%s", code);
	return carry(&request);
}

static enum booking_outcome outcome_with_code(enum booking_verb verb, const char *code)
{
	return with_code(verb, code).outcome;
}

static enum ticket_state state_of(const char *code)
{
	return with_code(BOOKING_TICKET, code).state;
}

static struct booking_answer wait_for(uint64_t session, int64_t quantity)
{
	struct booking_request request = request_for(BOOKING_WAIT, "rush", quantity, "");
	request.client.session = session;
	return carry(&request);
}

static void release(uint64_t session)
{
	struct booking_request request = request_for(BOOKING_RELEASE, "", 0, "");
	request.client.session = session;
	cr_assert_eq(carry(&request).outcome, BOOKING_DONE);
}

/* Lets time pass, and holds lapse. Returns when the next one does. */
static int64_t pass(int64_t seconds)
{
	int64_t next_ns = 0;
	now_ns += seconds * NS_PER_SECOND;
	const struct booking_context now = context();
	begin(store);
	cr_assert(booking_lapse(&now, 1000, &next_ns));
	finish_batch();
	return next_ns;
}

static int64_t left(void)
{
	return ask_verb(BOOKING_AUDIT, "rush", 0, "").left;
}

/* Whether the last offer is to that session, of so many; it is forgotten. */
static bool was_offered(uint64_t session, int64_t quantity)
{
	if (offer_count == 0) {
		return false;
	}
	const struct booking_offer *offer = &offers[--offer_count];
	return offer->client.session == session && offer->quantity == quantity;
}

/* Selling */

StoreTest(booking, gives_a_code_and_says_what_is_left)
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

StoreTest(booking, code_leads_to_the_ticket)
{
	struct store_ticket ticket;
	int64_t number;
	int64_t salt;
	book(1, "");
	struct booking_answer answer = book(3, "");
	cr_assert(code_read(store_code_key(store), span_of(answer.code), &number, &salt));
	begin(store);
	cr_assert_eq(store_ticket_get(store, number, &ticket), STORE_OK);
	abandon(store);
	cr_assert_eq(ticket.quantity, 3);
	cr_assert_eq(ticket.state, TICKET_BOOKED);
}

StoreTest(booking, sells_the_last_one_and_no_more)
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

StoreTest(booking, of_no_event_is_not_found)
{
	cr_assert_eq(ask_verb(BOOKING_BOOK, "none", 1, "").outcome, BOOKING_NOT_FOUND);
	cr_assert_eq(ask_verb(BOOKING_EVENT_OPEN, "none", 0, "").outcome, BOOKING_NOT_FOUND);
	cr_assert_eq(ask_verb(BOOKING_EVENT_CLOSE, "none", 0, "").outcome, BOOKING_NOT_FOUND);
	cr_assert_eq(ask_verb(BOOKING_EVENT_GROW, "none", 1, "").outcome, BOOKING_NOT_FOUND);
}

StoreTest(booking, of_less_than_one_is_refused)
{
	cr_assert_eq(book(0, "").outcome, BOOKING_LIMIT);
	cr_assert_eq(book(-5, "").outcome, BOOKING_LIMIT);
	cr_assert_eq(book(INT64_MAX, "").outcome, BOOKING_SOLD_OUT);
	cr_assert_eq(book(1, "").left, 9);
}

StoreTest(booking, repeated_with_its_key_is_sold_once)
{
	struct booking_answer first = book(2, "key");
	struct booking_answer again = book(2, "key");
	cr_assert_eq(again.outcome, BOOKING_DONE);
	cr_assert_str_eq(again.code, first.code);
	cr_assert_eq(again.left, 8);
	cr_assert_str_neq(book(2, "KEY").code, first.code, "case counts");
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, repeated_in_one_transaction_is_sold_once)
{
	begin(store);
	struct booking_answer first = ask_within(BOOKING_BOOK, "rush", 2, "key");
	struct booking_answer again = ask_within(BOOKING_BOOK, "rush", 2, "key");
	commit(store);
	cr_assert_eq(again.outcome, BOOKING_DONE);
	cr_assert_str_eq(again.code, first.code);
	cr_assert_eq(book(1, "").left, 7);
}

StoreTest(booking, key_of_another_request_is_refused)
{
	struct booking_answer first = book(2, "key");
	cr_assert_eq(book(3, "key").outcome, BOOKING_KEY_TAKEN);
	cr_assert_eq(ask_verb(BOOKING_BOOK, "other", 2, "key").outcome, BOOKING_KEY_TAKEN);
	cr_assert_str_eq(book(2, "key").code, first.code);
}

StoreTest(booking, repeats_go_on_when_sold_out_or_closed)
{
	struct booking_answer first = book(10, "key");
	cr_assert_str_eq(book(10, "key").code, first.code);
	cr_assert_eq(ask_verb(BOOKING_EVENT_CLOSE, "rush", 0, "").outcome, BOOKING_DONE);
	cr_assert_str_eq(book(10, "key").code, first.code);
	cr_assert_eq(book(10, "key2").outcome, BOOKING_CLOSED, "closed comes before sold out");
}

StoreTest(booking, key_that_was_refused_may_succeed_later)
{
	cr_assert_eq(book(11, "key").outcome, BOOKING_SOLD_OUT);
	cr_assert_eq(book(10, "key").outcome, BOOKING_DONE);
}

StoreTest(booking, that_was_rolled_back_was_never_there)
{
	begin(store);
	cr_assert_eq(ask_within(BOOKING_BOOK, "rush", 10, "lost").outcome, BOOKING_DONE);
	abandon(store);
	struct booking_answer other = book(9, "won");
	cr_assert_eq(other.outcome, BOOKING_DONE);
	struct booking_answer again = book(1, "lost");
	cr_assert_eq(again.outcome, BOOKING_DONE);
	cr_assert_str_neq(again.code, other.code);
	cr_assert_str_eq(book(9, "won").code, other.code);
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, closed_event_does_not_sell_until_opened)
{
	ask_verb(BOOKING_EVENT_CLOSE, "rush", 0, "");
	cr_assert_eq(book(1, "").outcome, BOOKING_CLOSED);
	cr_assert_eq(ask_verb(BOOKING_EVENT_CLOSE, "rush", 0, "").outcome, BOOKING_DONE);
	ask_verb(BOOKING_EVENT_OPEN, "rush", 0, "");
	cr_assert_eq(book(1, "").outcome, BOOKING_DONE);
}

StoreTest(booking, event_is_new_once)
{
	cr_assert_eq(ask_verb(BOOKING_EVENT_NEW, "rush", 5, "").outcome, BOOKING_EXISTS);
	struct booking_answer answer = ask_verb(BOOKING_EVENT_NEW, "third", 5, "");
	cr_assert_eq(answer.outcome, BOOKING_DONE);
	cr_assert_eq(answer.left, 5);
	cr_assert_eq(answer.total, 5);
	cr_assert_eq(ask_verb(BOOKING_BOOK, "third", 5, "").outcome, BOOKING_DONE);
}

StoreTest(booking, event_total_has_bounds)
{
	const int64_t bad[] = { -1, STORE_TOTAL_MAX + 1, INT64_MAX, INT64_MIN };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_assert_eq(ask_verb(BOOKING_EVENT_NEW, "big", bad[i], "").outcome, BOOKING_LIMIT);
	}
	cr_assert_eq(ask_verb(BOOKING_EVENT_NEW, "big", STORE_TOTAL_MAX, "").outcome, BOOKING_DONE);
	cr_assert_eq(ask_verb(BOOKING_EVENT_GROW, "big", 1, "").outcome, BOOKING_LIMIT);
	cr_assert_eq(ask_verb(BOOKING_BOOK, "big", STORE_TOTAL_MAX, "").outcome, BOOKING_DONE);
	cr_assert(adds_up(store, "big"));
}

StoreTest(booking, event_grows_and_closes_in_one_or_not_at_all)
{
	struct booking_request request = request_for(BOOKING_EVENT_GROW, "rush", INT64_MAX, "");

	request.sale = BOOKING_SALE_CLOSED;
	cr_assert_eq(carry(&request).outcome, BOOKING_LIMIT);
	cr_assert_eq(book(1, "").outcome, BOOKING_DONE);
	request.quantity = 1;
	cr_assert_eq(carry(&request).outcome, BOOKING_DONE);
	cr_assert_eq(book(1, "").outcome, BOOKING_CLOSED);
	request.sale = BOOKING_SALE_OPEN;
	cr_assert_eq(carry(&request).outcome, BOOKING_DONE);
	cr_assert_eq(book(1, "").outcome, BOOKING_DONE);
}

StoreTest(booking, event_grows_and_shrinks_down_to_what_is_sold)
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

/* Holds */

StoreTest(booking, hold_takes_from_what_is_left_and_says_its_seconds)
{
	struct booking_answer held = hold(3, 60, "");
	cr_assert_eq(held.outcome, BOOKING_DONE);
	cr_assert_eq(held.left, 7);
	cr_assert_eq(held.seconds, 60);
	cr_assert_eq(held.state, TICKET_HELD);
	cr_assert_eq(book(8, "").outcome, BOOKING_SOLD_OUT);
	cr_assert_eq(hold(8, 60, "").outcome, BOOKING_SOLD_OUT);
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, hold_lapses_on_time_and_not_before)
{
	struct booking_answer held = hold(3, 60, "");
	cr_assert_eq(pass(59), START_NS + 60 * NS_PER_SECOND);
	cr_assert_eq(state_of(held.code), TICKET_HELD);
	cr_assert_eq(with_code(BOOKING_TICKET, held.code).seconds, 1);
	cr_assert_eq(left(), 7);
	cr_assert_eq(pass(1), INT64_MAX);
	cr_assert_eq(left(), 10);
	cr_assert_eq(state_of(held.code), TICKET_EXPIRED);
}

StoreTest(booking, hold_that_is_over_is_lapsed_by_who_meets_it)
{
	struct booking_answer confirmed = hold(1, 60, "");
	struct booking_answer cancelled = hold(1, 60, "");
	struct booking_answer shown = hold(1, 60, "");
	struct booking_answer admitted = hold(1, 60, "");
	hold(1, 60, "key");
	now_ns += 60 * NS_PER_SECOND; /* and nobody looks */
	cr_assert_eq(outcome_with_code(BOOKING_CONFIRM, confirmed.code), BOOKING_EXPIRED);
	cr_assert_eq(outcome_with_code(BOOKING_CANCEL, cancelled.code), BOOKING_EXPIRED);
	cr_assert_eq(state_of(shown.code), TICKET_EXPIRED);
	cr_assert_eq(outcome_with_code(BOOKING_ADMIT, admitted.code), BOOKING_EXPIRED);
	cr_assert_eq(hold(1, 60, "key").outcome, BOOKING_EXPIRED);
	cr_assert_eq(left(), 10);
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, holds_lapse_a_few_at_a_time_where_that_is_asked)
{
	int64_t next_ns;
	for (int i = 0; i < 3; i++) {
		hold(1, 10 + i, "");
	}
	now_ns += 60 * NS_PER_SECOND;
	const struct booking_context now = context();
	begin(store);
	cr_assert(booking_lapse(&now, 2, &next_ns));
	cr_assert_eq(next_ns, START_NS + 12 * NS_PER_SECOND);
	finish_batch();
	cr_assert_eq(left(), 9);
}

StoreTest(booking, hold_outlives_the_store_being_closed)
{
	struct booking_answer held = hold(3, 60, "");
	store_close(store);
	store = open_store();
	cr_assert_eq(left(), 7);
	cr_assert_eq(outcome_with_code(BOOKING_CONFIRM, held.code), BOOKING_DONE);
	held = hold(3, 60, "");
	store_close(store);
	store = open_store();
	pass(60);
	cr_assert_eq(state_of(held.code), TICKET_EXPIRED);
}

StoreTest(booking, confirmed_hold_stays)
{
	struct booking_answer held = hold(3, 60, "");
	struct booking_answer booked = with_code(BOOKING_CONFIRM, held.code);
	cr_assert_eq(booked.outcome, BOOKING_DONE);
	cr_assert_eq(booked.quantity, 3);
	cr_assert_str_eq(booked.code, held.code);
	cr_assert_str_eq(booked.event, "rush");
	cr_assert_eq(pass(100), INT64_MAX);
	cr_assert_eq(state_of(held.code), TICKET_BOOKED);
	cr_assert_eq(outcome_with_code(BOOKING_CONFIRM, held.code), BOOKING_DONE, "again");
	cr_assert_eq(left(), 7);
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, confirming_goes_on_when_the_event_is_closed)
{
	struct booking_answer held = hold(3, 60, "");
	ask_verb(BOOKING_EVENT_CLOSE, "rush", 0, "");
	cr_assert_eq(hold(1, 60, "").outcome, BOOKING_CLOSED);
	cr_assert_eq(wait_for(1, 1).outcome, BOOKING_CLOSED);
	cr_assert_eq(outcome_with_code(BOOKING_CONFIRM, held.code), BOOKING_DONE);
	cr_assert_eq(outcome_with_code(BOOKING_ADMIT, held.code), BOOKING_DONE);
}

/* Codes */

StoreTest(booking, code_that_was_never_given_is_not_found)
{
	const enum booking_verb verbs[] = { BOOKING_CONFIRM, BOOKING_CANCEL, BOOKING_TICKET,
					    BOOKING_ADMIT };
	char unknown[CODE_SIZE];
	code_make(store_code_key(store), 99, 0, unknown);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		cr_assert_eq(outcome_with_code(verbs[i], unknown), BOOKING_NOT_FOUND);
		cr_assert_eq(outcome_with_code(verbs[i], "0000-0000-0000-0000"), BOOKING_NOT_FOUND);
	}
}

/* Who knows every other code knows the number of the next, and still not its salt. */
StoreTest(booking, code_with_another_salt_is_nobodys)
{
	struct booking_answer booked = book(1, "");
	char guess[CODE_SIZE];
	int64_t number;
	int64_t salt;
	cr_assert(code_read(store_code_key(store), span_of(booked.code), &number, &salt));
	code_make(store_code_key(store), number, salt ^ 1, guess);
	cr_assert_eq(outcome_with_code(BOOKING_CANCEL, guess), BOOKING_NOT_FOUND);
	cr_assert_eq(outcome_with_code(BOOKING_CANCEL, booked.code), BOOKING_DONE);
}

StoreTest(booking, cancelling_gives_the_stock_back_once)
{
	struct booking_answer booked = book(3, "");
	struct booking_answer held = hold(2, 60, "");
	cr_assert_eq(with_code(BOOKING_CANCEL, booked.code).left, 8);
	cr_assert_eq(with_code(BOOKING_CANCEL, held.code).left, 10);
	cr_assert_eq(outcome_with_code(BOOKING_CANCEL, booked.code), BOOKING_USED);
	cr_assert_eq(outcome_with_code(BOOKING_CANCEL, held.code), BOOKING_USED);
	cr_assert_eq(outcome_with_code(BOOKING_CONFIRM, held.code), BOOKING_USED);
	cr_assert_eq(outcome_with_code(BOOKING_ADMIT, booked.code), BOOKING_USED);
	cr_assert_eq(state_of(booked.code), TICKET_CANCELLED);
	cr_assert_eq(left(), 10);
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, ticket_is_admitted_once)
{
	struct booking_answer booked = book(3, "");
	struct booking_answer held = hold(2, 60, "");
	cr_assert_eq(outcome_with_code(BOOKING_ADMIT, held.code), BOOKING_NOT_BOOKED);
	const struct booking_answer admitted = with_code(BOOKING_ADMIT, booked.code);

	cr_assert_eq(admitted.outcome, BOOKING_DONE);
	cr_assert_eq(admitted.admitted_ns, now_ns);
	now_ns += 60 * NS_PER_SECOND;
	const struct booking_answer again = with_code(BOOKING_ADMIT, booked.code);

	cr_assert_eq(again.outcome, BOOKING_USED);
	cr_assert_eq(again.admitted_ns, admitted.admitted_ns, "when it was, and not now");
	cr_assert_eq(outcome_with_code(BOOKING_CANCEL, booked.code), BOOKING_USED);
	cr_assert_eq(outcome_with_code(BOOKING_CONFIRM, booked.code), BOOKING_USED);
	cr_assert_eq(state_of(booked.code), TICKET_ADMITTED);
	cr_assert_eq(left(), 5, "what was admitted is sold");
	cr_assert(adds_up(store, "rush"));
}

/* Keys */

StoreTest(booking, key_is_of_one_kind_of_request)
{
	struct booking_answer held = hold(1, 60, "held");
	struct booking_answer booked = book(1, "booked");
	cr_assert_eq(book(1, "held").outcome, BOOKING_KEY_TAKEN);
	cr_assert_eq(hold(1, 60, "booked").outcome, BOOKING_KEY_TAKEN);
	cr_assert_eq(hold(2, 60, "held").outcome, BOOKING_KEY_TAKEN);
	cr_assert_str_eq(hold(1, 60, "held").code, held.code);
	cr_assert_str_eq(book(1, "booked").code, booked.code);
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, repeated_hold_says_the_seconds_that_are_left)
{
	struct booking_answer held = hold(1, 60, "key");
	now_ns += 20 * NS_PER_SECOND + 1;
	struct booking_answer again = hold(1, 3000, "key");
	cr_assert_eq(again.outcome, BOOKING_DONE);
	cr_assert(again.repeated);
	cr_assert_eq(again.seconds, 40, "rounded up");
	cr_assert_str_eq(again.code, held.code);
	cr_assert_eq(again.left, 9);
}

StoreTest(booking, repeated_hold_says_what_became_of_it)
{
	struct booking_answer held = hold(1, 60, "key");
	outcome_with_code(BOOKING_CONFIRM, held.code);
	cr_assert_eq(hold(1, 60, "key").outcome, BOOKING_DONE);
	cr_assert_eq(hold(1, 60, "key").state, TICKET_BOOKED);
	outcome_with_code(BOOKING_ADMIT, held.code);
	cr_assert_eq(hold(1, 60, "key").outcome, BOOKING_DONE);
	cr_assert_eq(hold(1, 60, "key").state, TICKET_ADMITTED);
	held = hold(1, 60, "other");
	outcome_with_code(BOOKING_CANCEL, held.code);
	cr_assert_eq(hold(1, 60, "other").outcome, BOOKING_USED);
	hold(1, 60, "third");
	pass(60);
	cr_assert_eq(hold(1, 60, "third").outcome, BOOKING_EXPIRED);
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, repeated_booking_says_what_became_of_it)
{
	struct booking_answer booked = book(1, "key");
	outcome_with_code(BOOKING_ADMIT, booked.code);
	cr_assert_eq(book(1, "key").outcome, BOOKING_DONE);
	cr_assert_str_eq(book(1, "key").code, booked.code);
	booked = book(1, "other");
	outcome_with_code(BOOKING_CANCEL, booked.code);
	cr_assert_eq(book(1, "other").outcome, BOOKING_USED);
}

/* Ties */

StoreTest(booking, tied_hold_goes_with_its_connection)
{
	struct booking_answer first = hold_tied(7, 2);
	struct booking_answer second = hold_tied(7, 1);
	struct booking_answer other = hold_tied(8, 1);
	struct booking_answer untied = hold(1, 60, "");
	release(7);
	cr_assert_eq(state_of(first.code), TICKET_EXPIRED);
	cr_assert_eq(state_of(second.code), TICKET_EXPIRED);
	cr_assert_eq(state_of(other.code), TICKET_HELD);
	cr_assert_eq(state_of(untied.code), TICKET_HELD);
	cr_assert_eq(left(), 8);
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, tied_hold_that_was_confirmed_stays)
{
	struct booking_answer held = hold_tied(7, 2);
	outcome_with_code(BOOKING_CONFIRM, held.code);
	release(7);
	cr_assert_eq(state_of(held.code), TICKET_BOOKED);
}

StoreTest(booking, server_that_is_alone_lapses_what_others_left_tied)
{
	struct booking_answer tied = hold_tied(7, 2);
	struct booking_answer untied = hold(1, 60, "");
	store_close(store);
	store = open_store();
	const struct booking_context now = context();
	begin(store);
	cr_assert(booking_release_all(&now));
	finish_batch();
	cr_assert_eq(state_of(tied.code), TICKET_EXPIRED);
	cr_assert_eq(state_of(untied.code), TICKET_HELD);
}

/* Limits */

StoreTest(booking, sells_holds_and_lets_wait_for_no_more_than_one_request_may_have)
{
	limits.quantity = 3;
	cr_assert_eq(book(3, "").outcome, BOOKING_DONE);
	cr_assert_eq(book(4, "").outcome, BOOKING_TOO_MANY);
	cr_assert_eq(book(4, "").limit, 3);
	cr_assert_eq(hold(4, 60, "").outcome, BOOKING_TOO_MANY);
	cr_assert_eq(wait_for(1, 4).outcome, BOOKING_TOO_MANY);
	cr_assert_eq(waitlist->count, 0);
	cr_assert_eq(left(), 7);
}

StoreTest(booking, repeat_by_key_is_answered_whatever_one_may_have_by_now)
{
	struct booking_answer first = book(5, "k");
	limits.quantity = 3;
	struct booking_answer again = book(5, "k");
	cr_assert_eq(again.outcome, BOOKING_DONE);
	cr_assert_str_eq(again.code, first.code);
}

/* What one address holds or waits for. Here a session's number is its address, too. */

#define HELD_MAX 6

static struct booking_client client_at(uint64_t session, unsigned char address)
{
	return (struct booking_client){ .session = session, .owner = { .bytes = { address } } };
}

static struct booking_request hold_request(unsigned char address, int64_t quantity)
{
	struct booking_request request = request_for(BOOKING_HOLD, "rush", quantity, "");
	request.seconds = 60;
	request.client = client_at(1, address);
	limits.held = HELD_MAX;
	return request;
}

static struct booking_answer hold_from(unsigned char address, int64_t quantity)
{
	const struct booking_request request = hold_request(address, quantity);
	return carry(&request);
}

static struct booking_answer wait_from(unsigned char address, uint64_t session, int64_t quantity)
{
	struct booking_request request = request_for(BOOKING_WAIT, "rush", quantity, "");
	request.client = client_at(session, address);
	limits.held = HELD_MAX;
	return carry(&request);
}

/* Whether it may hold so many, and not one more; it holds none of them afterwards. */
static bool may_hold(unsigned char address, int64_t quantity)
{
	struct booking_answer refused = hold_from(address, quantity + 1);
	if (refused.outcome != BOOKING_HAS_ENOUGH || refused.limit != HELD_MAX ||
	    refused.has != HELD_MAX - quantity) {
		return false;
	}
	return quantity == 0 ||
	       with_code(BOOKING_CANCEL, hold_from(address, quantity).code).outcome == BOOKING_DONE;
}

StoreTest(booking, address_holds_so_many_and_no_more)
{
	struct booking_answer first = hold_from(1, 4);
	cr_assert_eq(first.outcome, BOOKING_DONE);
	cr_assert(may_hold(1, 2));
	cr_assert_eq(hold_from(1, 2).outcome, BOOKING_DONE);
	cr_assert(may_hold(1, 0));
	cr_assert_eq(hold_from(2, 4).outcome, BOOKING_DONE, "another address has its own");
	cr_assert_eq(left(), 0);
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, address_may_hold_again_what_it_holds_no_more)
{
	grow(10);
	struct booking_answer booked = hold_from(1, 3);
	struct booking_answer cancelled = hold_from(1, 2);
	cr_assert_eq(hold_from(1, 1).outcome, BOOKING_DONE);
	cr_assert(may_hold(1, 0));
	outcome_with_code(BOOKING_CONFIRM, booked.code);
	cr_assert(may_hold(1, 3), "what is booked does not count");
	outcome_with_code(BOOKING_CANCEL, cancelled.code);
	cr_assert(may_hold(1, 5));
	now_ns += 60 * NS_PER_SECOND;
	cr_assert(may_hold(1, 6), "also before what is over has lapsed");
	pass(1);
	cr_assert(may_hold(1, 6));
}

StoreTest(booking, connections_of_an_address_share_what_it_may)
{
	book(10, "");
	cr_assert_eq(wait_from(1, 1, 4).outcome, BOOKING_DONE);
	cr_assert_eq(wait_from(1, 2, 3).outcome, BOOKING_HAS_ENOUGH);
	cr_assert_eq(wait_from(1, 2, 2).outcome, BOOKING_DONE);
	cr_assert_eq(wait_from(2, 3, 3).outcome, BOOKING_DONE);
	grow(4);
	cr_assert(was_offered(1, 4));
	grow(10);
	cr_assert_eq(offer_count, 2);
	cr_assert(may_hold(1, 0), "an offer counts as the waiting did");
	release(1);
	cr_assert(may_hold(1, 4));
	release(2);
	cr_assert(may_hold(1, 6));
}

StoreTest(booking, who_waits_for_more_than_one_may_have_is_refused)
{
	book(10, "");
	cr_assert_eq(wait_from(1, 1, HELD_MAX + 1).outcome, BOOKING_HAS_ENOUGH);
	cr_assert_eq(waitlist->count, 0);
	cr_assert_eq(wait_from(1, 1, HELD_MAX).outcome, BOOKING_DONE);
	cr_assert_eq(wait_from(1, 1, HELD_MAX).outcome, BOOKING_DONE, "it has the place");
	cr_assert_eq(wait_from(1, 1, HELD_MAX - 1).outcome, BOOKING_DONE, "which it changes");
	cr_assert_eq(wait_from(1, 1, HELD_MAX + 1).outcome, BOOKING_HAS_ENOUGH);
	cr_assert_eq(wait_from(1, 1, HELD_MAX).outcome, BOOKING_DONE, "or keeps");
	cr_assert_eq(waitlist->count, 1);
}

StoreTest(booking, repeat_of_a_hold_is_answered_whatever_one_holds_by_now)
{
	struct booking_request request = hold_request(1, HELD_MAX);
	memcpy(request.key, "k", sizeof("k"));
	cr_assert_eq(carry(&request).outcome, BOOKING_DONE);
	cr_assert_eq(carry(&request).outcome, BOOKING_DONE);
	cr_assert(may_hold(1, 0));
}

StoreTest(booking, in_a_batch_that_failed_nobody_held_or_gave_back)
{
	struct booking_request request = hold_request(1, 2);
	struct booking_answer mine = hold_from(1, 5);
	struct booking_request back = request_for(BOOKING_CANCEL, "", 0, "");
	memcpy(back.code, mine.code, CODE_SIZE);
	begin(store);
	cr_assert_eq(carry_within(&request).outcome, BOOKING_HAS_ENOUGH);
	cr_assert_eq(carry_within(&back).outcome, BOOKING_DONE);
	cr_assert_eq(carry_within(&request).outcome, BOOKING_DONE);
	fail_batch();
	cr_assert(may_hold(1, 1), "the five are held, the two are not");
}

StoreTest(booking, gathered_tickets_do_not_count_beside_the_place_in_the_row)
{
	struct booking_answer booked[3];
	for (int i = 0; i < 3; i++) {
		booked[i] = book(1, "");
	}
	book(7, "");
	wait_from(1, 100, 4);
	for (uint64_t session = 1; session <= WAITLIST_PASSES_MAX; session++) {
		wait_for(session, 1);
		grow(1);
	}
	for (int i = 0; i < 3; i++) {
		outcome_with_code(BOOKING_CANCEL, booked[i].code);
		cr_assert_eq(hold_from(1, 3).outcome, BOOKING_SOLD_OUT);
	}
	cr_assert_eq(left(), 0);
	grow(1);
	cr_assert(was_offered(100, 4));
	grow(10);
	cr_assert(may_hold(1, 2));
}

StoreTest(booking, where_nothing_is_known_of_an_address_nothing_is_counted)
{
	cr_assert_eq(hold_from(0, 7).outcome, BOOKING_DONE);
	cr_assert_eq(claims->count, 0);
}

/* Waiting */

StoreTest(booking, waiter_is_offered_at_once_what_is_free)
{
	struct booking_answer answer = wait_for(1, 3);
	cr_assert_eq(answer.outcome, BOOKING_DONE);
	cr_assert_eq(offer_count, 1);
	cr_assert_eq(offers[0].seconds, BOOKING_HOLD_SECONDS);
	cr_assert_str_eq(offers[0].event, "rush");
	cr_assert_eq(state_of(offers[0].code), TICKET_HELD);
	cr_assert(was_offered(1, 3));
	cr_assert_eq(left(), 7);
	cr_assert_eq(waitlist->count, 0);
}

StoreTest(booking, waiters_are_served_in_order)
{
	struct booking_answer booked = book(10, "");
	for (uint64_t session = 1; session <= 3; session++) {
		cr_assert_eq(wait_for(session, 1).position, session);
	}
	cr_assert_eq(offer_count, 0);
	cr_assert_eq(wait_for(2, 1).position, 2, "asking again keeps the place");
	grow(1);
	cr_assert(was_offered(1, 1));
	grow(1);
	cr_assert(was_offered(2, 1));
	cr_assert_eq(wait_for(3, 1).position, 1);
	outcome_with_code(BOOKING_CANCEL, booked.code);
	cr_assert(was_offered(3, 1));
	cr_assert_eq(left(), 9);
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, offer_that_is_not_taken_goes_to_the_next)
{
	book(10, "");
	wait_for(1, 1);
	wait_for(2, 1);
	wait_for(3, 1);
	grow(1);
	cr_assert(was_offered(1, 1));
	pass(BOOKING_HOLD_SECONDS);
	cr_assert(was_offered(2, 1), "it lapsed");
	release(2);
	cr_assert(was_offered(3, 1), "its connection ended");
	outcome_with_code(BOOKING_CONFIRM, offers[0].code);
	pass(BOOKING_HOLD_SECONDS);
	cr_assert_eq(state_of(offers[0].code), TICKET_BOOKED);
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, who_disconnects_waits_no_more)
{
	book(10, "");
	wait_for(1, 1);
	wait_for(2, 1);
	release(1);
	cr_assert_eq(wait_for(2, 1).position, 1);
	grow(1);
	cr_assert(was_offered(2, 1));
}

StoreTest(booking, waiter_for_another_number_queues_anew)
{
	book(10, "");
	wait_for(1, 1);
	wait_for(2, 1);
	cr_assert_eq(wait_for(1, 2).position, 2);
	cr_assert_eq(waitlist->count, 2);
}

StoreTest(booking, waiting_for_what_can_never_be_is_refused)
{
	cr_assert_eq(wait_for(1, 0).outcome, BOOKING_LIMIT);
	cr_assert_eq(wait_for(1, 11).outcome, BOOKING_LIMIT);
	cr_assert_eq(ask_verb(BOOKING_WAIT, "none", 1, "").outcome, BOOKING_NOT_FOUND);
	cr_assert_eq(waitlist->count, 0);
}

StoreTest(booking, waiters_are_served_when_the_event_opens)
{
	book(10, "");
	wait_for(1, 1);
	ask_verb(BOOKING_EVENT_CLOSE, "rush", 0, "");
	grow(1);
	cr_assert_eq(offer_count, 0);
	ask_verb(BOOKING_EVENT_OPEN, "rush", 0, "");
	cr_assert(was_offered(1, 1));
}

StoreTest(booking, waiters_of_every_event_are_offered_what_came_back_elsewhere)
{
	book(10, "");
	wait_for(1, 1);
	wait_for(2, 1);
	begin(store);
	struct store_event *event;
	cr_assert_eq(store_event_find(store, "rush", &event), STORE_OK);
	store_event_change(store, event);
	event->total += 1;
	const struct booking_context now = context();
	cr_assert(booking_offer_all(&now));
	finish_batch();
	cr_assert_eq(offer_count, 1);
	cr_assert(was_offered(1, 1));
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, waiter_without_a_place_for_the_offer_gets_it_later)
{
	book(10, "");
	wait_for(1, 1);
	offers_blocked = true;
	grow(1);
	cr_assert_eq(offer_count, 0);
	cr_assert_eq(left(), 1);
	offers_blocked = false;
	grow(1);
	cr_assert(was_offered(1, 1));
}

StoreTest(booking, offer_of_a_batch_that_failed_was_never_made)
{
	book(10, "");
	wait_for(1, 1);
	begin(store);
	ask_within(BOOKING_EVENT_GROW, "rush", 1, "");
	cr_assert_eq(offer_count, 1);
	fail_batch();
	offer_count = 0;
	grow(1);
	cr_assert(was_offered(1, 1));
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, in_a_batch_that_failed_nobody_left_the_list)
{
	book(10, "");
	wait_for(1, 1);
	wait_for(2, 1);
	begin(store);
	const struct booking_request another = {
		.verb = BOOKING_WAIT, .quantity = 2, .client = { .session = 1 }, .event = "rush"
	};
	const struct booking_context now = context();
	struct booking_answer answer;
	booking_carry_out(&now, &another, &answer);
	cr_assert_eq(answer.position, 2, "who wants another number queues anew");
	fail_batch();
	grow(1);
	cr_assert(was_offered(1, 1), "and keeps the place when that failed");
}

/* Groups */

#define GROUP 100 /* the session of one that waits for 4 */
#define SMALL 50  /* and of one that waits for 1, behind it */

static char codes[10][CODE_SIZE];

/* All ten are sold, one by one. */
static void sell_singly(void)
{
	for (int i = 0; i < 10; i++) {
		memcpy(codes[i], book(1, "").code, CODE_SIZE);
	}
}

static void cancel(int number)
{
	cr_assert_eq(outcome_with_code(BOOKING_CANCEL, codes[number]), BOOKING_DONE);
}

/* Smaller ones get what comes by growing, ten times. */
static void pass_over(void)
{
	for (uint64_t session = 1; session <= WAITLIST_PASSES_MAX; session++) {
		wait_for(session, 1);
		grow(1);
		cr_assert(was_offered(session, 1), "pass %d", (int)session);
		outcome_with_code(BOOKING_CONFIRM, offers[0].code);
	}
}

/* A group of 4 that was passed over, and a small one that waits behind it. */
static void pass_over_a_group(void)
{
	sell_singly();
	wait_for(GROUP, 4);
	pass_over();
	wait_for(SMALL, 1);
}

static int64_t held(void)
{
	return ask_verb(BOOKING_AUDIT, "rush", 0, "").held;
}

StoreTest(booking, group_is_passed_over_ten_times_and_then_gathered_for)
{
	pass_over_a_group();
	for (int gathered = 1; gathered <= 3; gathered++) {
		cancel(gathered);
		cr_assert_eq(offer_count, 0);
		cr_assert_eq(left(), 0, "it does not count as left");
		cr_assert_eq(held(), gathered);
		cr_assert_eq(book(1, "").outcome, BOOKING_SOLD_OUT);
		cr_assert_eq(hold(1, 60, "").outcome, BOOKING_SOLD_OUT);
		cr_assert(adds_up(store, "rush"));
	}
	cancel(4);
	cr_assert(was_offered(GROUP, 4));
	cr_assert_eq(state_of(offers[0].code), TICKET_HELD);
	cancel(5);
	cr_assert(was_offered(SMALL, 1), "and then the others");
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, offer_of_what_was_gathered_has_its_whole_time)
{
	pass_over_a_group();
	cancel(1);
	pass(BOOKING_GATHERING_SECONDS - 1);
	grow(3);
	cr_assert(was_offered(GROUP, 4));
	pass(BOOKING_HOLD_SECONDS - 1);
	cr_assert_eq(state_of(offers[0].code), TICKET_HELD);
	cr_assert_eq(outcome_with_code(BOOKING_CONFIRM, offers[0].code), BOOKING_DONE);
}

StoreTest(booking, group_needs_no_more_than_it_lacks)
{
	pass_over_a_group();
	grow(3);
	cr_assert(was_offered(SMALL, 1));
	struct booking_answer booked = book(2, "");
	cancel(1);
	cr_assert_eq(left(), 0);
	outcome_with_code(BOOKING_CANCEL, booked.code);
	cancel(2);
	cr_assert(was_offered(GROUP, 4));
	cancel(3);
	cr_assert_eq(left(), 1, "what comes back then is left");
	booked = book(1, "");
	cr_assert_eq(booked.outcome, BOOKING_DONE);
}

StoreTest(booking, what_comes_back_beyond_a_groups_need_is_left)
{
	struct booking_answer many = book(7, "");
	book(3, "");
	wait_for(GROUP, 4);
	pass_over();
	outcome_with_code(BOOKING_CANCEL, many.code);
	cr_assert(was_offered(GROUP, 4));
	cr_assert_eq(left(), 3);
}

StoreTest(booking, what_grows_or_was_free_is_kept_from_nobody)
{
	pass_over_a_group();
	grow(1);
	cr_assert(was_offered(SMALL, 1));
	grow(2);
	cr_assert_eq(left(), 2);
	cancel(1);
	cr_assert_eq(left(), 2, "what was free stays it");
	cr_assert_eq(hold(1, 60, "").outcome, BOOKING_DONE);
	cr_assert_eq(book(1, "").outcome, BOOKING_DONE);
	wait_for(7, 1);
	grow(1);
	cr_assert(was_offered(7, 1), "who waits behind a group gets it, too");
	cr_assert_eq(held(), 4);
	grow(3);
	cr_assert(was_offered(GROUP, 4), "or the group, when it is enough");
}

StoreTest(booking, gathering_ends_in_time_and_the_group_is_passed_over_again)
{
	pass_over_a_group();
	cancel(1);
	cancel(2);
	pass(BOOKING_GATHERING_SECONDS - 1);
	cr_assert_eq(left(), 0);
	pass(1);
	cr_assert(was_offered(SMALL, 1));
	cr_assert_eq(left(), 1);
	cancel(3);
	cr_assert_eq(left(), 2, "it is not its turn");
	for (int passed = 1; passed < WAITLIST_PASSES_MAX; passed += 2) {
		cancel(4);
		cr_assert_eq(left(), 3, "it was passed over %d times", passed);
		cr_assert_eq(book(2, "").outcome, BOOKING_DONE);
		memcpy(codes[4], book(1, "").code, CODE_SIZE);
		grow(2);
	}
	cancel(4);
	cr_assert_eq(left(), 2, "it is its turn again");
}

StoreTest(booking, gathering_that_is_over_is_over_before_it_lapses)
{
	pass_over_a_group();
	cancel(1);
	cancel(2);
	now_ns += BOOKING_GATHERING_SECONDS * NS_PER_SECOND;
	cancel(3);
	cr_assert(was_offered(SMALL, 1));
	cr_assert_eq(left(), 2);
	cr_assert_eq(held(), 1);
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, one_group_after_the_other_is_gathered_for)
{
	sell_singly();
	wait_for(GROUP, 4);
	wait_for(GROUP + 1, 3);
	pass_over();
	cancel(1);
	cancel(2);
	cancel(3);
	cr_assert_eq(held(), 3);
	cr_assert_eq(offer_count, 0, "it is gathered for the first");
	pass(BOOKING_GATHERING_SECONDS);
	cr_assert(was_offered(GROUP + 1, 3));
	cancel(4);
	cr_assert_eq(left(), 1, "nobody else was passed over");
}

StoreTest(booking, groups_turn_comes_when_another_ones_is_over)
{
	sell_singly();
	wait_for(GROUP, 4);
	wait_for(GROUP + 1, 3);
	pass_over();
	cancel(1);
	pass(BOOKING_GATHERING_SECONDS);
	cr_assert_eq(left(), 1, "what was gathered is kept from all for no longer");
	cancel(2);
	cr_assert_eq(left(), 1, "what comes back now is the other group's");
	cr_assert_eq(held(), 1);
	cancel(3);
	cr_assert(was_offered(GROUP + 1, 3), "which takes what is free, too");
}

StoreTest(booking, group_that_leaves_sets_free_what_was_gathered)
{
	pass_over_a_group();
	cancel(1);
	cancel(2);
	release(GROUP);
	cr_assert(was_offered(SMALL, 1));
	cr_assert_eq(left(), 1);
	cr_assert_eq(book(1, "").outcome, BOOKING_DONE);
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, group_that_wants_another_number_sets_free_what_was_gathered)
{
	pass_over_a_group();
	cancel(1);
	cancel(2);
	cr_assert_eq(wait_for(GROUP, 3).outcome, BOOKING_DONE);
	cr_assert(was_offered(SMALL, 1));
	cr_assert_eq(left(), 1);
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, what_was_gathered_is_free_at_the_next_start)
{
	pass_over_a_group();
	cancel(1);
	waitlist_init(memset(waitlist, 0, sizeof(*waitlist)));
	const struct booking_context now = context();
	begin(store);
	cr_assert(booking_release_all(&now));
	finish_batch();
	cr_assert_eq(left(), 1);
}

StoreTest(booking, gathering_may_lapse_by_another_servers_hand)
{
	int64_t next_ns;
	pass_over_a_group();
	cancel(1);
	now_ns += BOOKING_GATHERING_SECONDS * NS_PER_SECOND;
	const struct booking_context theirs = { .store = store, .wall_ns = now_ns };
	begin(store);
	cr_assert(booking_lapse(&theirs, 1, &next_ns));
	commit(store);
	cr_assert_eq(left(), 1);
	cancel(2);
	cr_assert(was_offered(SMALL, 1));
	cr_assert_eq(left(), 1);
	cr_assert(adds_up(store, "rush"));
}

StoreTest(booking, newcomers_pass_a_group_over_as_waiters_do)
{
	sell_singly();
	cancel(0);
	cancel(1);
	wait_for(GROUP, 4);
	for (int sale = 0; sale < WAITLIST_PASSES_MAX; sale++) {
		cr_assert_eq(book(1, "").outcome, BOOKING_DONE);
		grow(1);
	}
	cancel(2);
	cr_assert_eq(left(), 2);
	cr_assert_eq(held(), 1);
	cancel(3);
	cr_assert(was_offered(GROUP, 4));
}

StoreTest(booking, in_a_batch_that_failed_nobody_was_passed_over)
{
	sell_singly();
	cancel(0);
	wait_for(GROUP, 4);
	for (int i = 0; i < 2 * WAITLIST_PASSES_MAX; i++) {
		begin(store);
		cr_assert_eq(ask_within(BOOKING_BOOK, "rush", 1, "").outcome, BOOKING_DONE);
		fail_batch();
	}
	cancel(1);
	cr_assert_eq(left(), 2, "it is gathered for a group that nobody passed over");
}

StoreTest(booking, in_a_batch_that_failed_nothing_was_gathered)
{
	struct booking_request request = request_for(BOOKING_CANCEL, "", 0, "");
	pass_over_a_group();
	memcpy(request.code, codes[1], CODE_SIZE);
	begin(store);
	cr_assert_eq(carry_within(&request).outcome, BOOKING_DONE);
	fail_batch();
	cr_assert_eq(held(), 0);
	for (int i = 1; i <= 4; i++) {
		cancel(i);
	}
	cr_assert(was_offered(GROUP, 4));
	cr_assert(adds_up(store, "rush"));
}

/* Waits for all, so that there is never enough, and holds and cancels the rest again and again. */
StoreTest(booking, nobody_keeps_from_others_what_they_do_not_hold)
{
	book(1, "");
	wait_for(GROUP, 10);
	for (int i = 0; i < 5 * WAITLIST_PASSES_MAX; i++) {
		struct booking_answer mine = hold(4, 60, "");
		cr_assert_eq(mine.outcome, BOOKING_DONE);
		cr_assert_eq(outcome_with_code(BOOKING_CANCEL, mine.code), BOOKING_DONE);
		cr_assert_geq(left(), 9 - 4, "of others' stock, only %d are left", (int)left());
		pass(BOOKING_GATHERING_SECONDS);
		cr_assert_eq(left(), 9);
	}
}

/* Servers that are gone */

static int serve_until_killed(void *argument)
{
	struct store *theirs = open_store();
	cr_assert(store_take(theirs, NS_PER_SECOND));
	(void)store_serve(theirs, *(const uint32_t *)argument);
	store_give(theirs);
	for (;;) {
		clock_sleep(NS_PER_SECOND);
	}
}

static uint64_t session_of(uint32_t server, uint32_t number)
{
	return (uint64_t)server << 32 | number;
}

StoreTest(booking, what_is_tied_to_a_server_that_is_gone_comes_back)
{
	static uint32_t there[] = { 3, 5 };
	struct child servers[2];
	for (int i = 0; i < 2; i++) {
		servers[i] = child_start(serve_until_killed, &there[i]);
		cr_assert(eventually(store_is_served_by(store, there[i])));
	}
	for (uint32_t server = 1; server <= 6; server++) {
		hold_tied(session_of(server, 1), 1);
	}
	cr_assert_eq(hold(1, 60, "").outcome, BOOKING_DONE);
	const struct booking_context now = context();
	begin(store);
	cr_assert(booking_lapse_gone(&now));
	finish_batch();
	cr_assert_eq(held(), 3, "those of servers that are there, and what is not tied");
	child_kill(&servers[0]);
	if (scratch_is_database()) { /* as if ten seconds had passed */
		scratch_run("UPDATE turnstile.leases SET until = now() WHERE server = 3");
	}
	begin(store);
	cr_assert(booking_lapse_gone(&now));
	finish_batch();
	cr_assert_eq(held(), 2);
	child_kill(&servers[1]);
	cr_assert(adds_up(store, "rush"));
}

/* Audit */

StoreTest(booking, audit_counts_the_tickets_themselves)
{
	struct store_event *event;
	book(3, "");
	hold(2, 60, "");
	outcome_with_code(BOOKING_CANCEL, book(1, "").code);
	struct booking_answer answer = ask_verb(BOOKING_AUDIT, "rush", 0, "");
	cr_assert_eq(answer.outcome, BOOKING_DONE);
	cr_assert_eq(answer.sold, 3);
	cr_assert_eq(answer.held, 2);
	cr_assert_eq(answer.left, 5);
	begin(store);
	cr_assert_eq(store_event_find(store, "rush", &event), STORE_OK);
	event->sold--;
	store_event_change(store, event);
	commit(store);
	answer = ask_verb(BOOKING_AUDIT, "rush", 0, "");
	cr_assert_eq(answer.outcome, BOOKING_MISMATCH);
	cr_assert_eq(answer.sold, 3);
}
