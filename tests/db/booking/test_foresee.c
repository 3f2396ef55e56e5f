/*
 * What is told to a store beforehand is what it is asked for then.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "db/booking/booking.h"
#include "db/store/kind.h"
#include "db/store/tickets.h"
#include "shared/base/clock.h"
#include "tests/db/scratch.h"

static struct store *store;
static const struct store_kind *kind; /* the true one */
static struct store_kind watched;
static struct store_needs needs;
static unsigned asked;      /* questions to the store */
static unsigned unforeseen; /* of them: not told beforehand */

static enum store_result watch_event(struct store *base, const char *name,
				     struct store_event *event)
{
	bool told = false;
	for (size_t i = 0; i < needs.event_count; i++) {
		told |= strcmp(needs.events[i], name) == 0;
	}
	asked++;
	unforeseen += !told;
	return kind->event_by_name(base, name, event);
}

static enum store_result watch_key(struct store *base, const char *key, struct store_ticket *ticket)
{
	bool told = false;
	for (size_t i = 0; i < needs.key_count; i++) {
		told |= strcmp(needs.keys[i], key) == 0;
	}
	asked++;
	unforeseen += !told;
	return kind->ticket_by_key(base, key, ticket);
}

static enum store_result watch_ticket(struct store *base, int64_t number,
				      struct store_ticket *ticket)
{
	bool told = false;
	for (size_t i = 0; i < needs.ticket_count; i++) {
		told |= needs.tickets[i] == number;
	}
	asked++;
	unforeseen += !told;
	return kind->ticket_get(base, number, ticket);
}

static enum store_result watch_tied(struct store *base, uint64_t least, uint64_t most,
				    struct store_ticket *ticket)
{
	bool told = false;
	for (size_t i = 0; i < needs.tie_count; i++) {
		told |= needs.ties[i] == least && least == most;
	}
	asked++;
	unforeseen += !told;
	return kind->ticket_tied(base, least, most, ticket);
}

static enum store_result watch_add(struct store *base, struct store_ticket *ticket)
{
	unforeseen += !needs.adds;
	return kind->ticket_add(base, ticket);
}

static void set_up(void)
{
	scratch_make();
	store = open_store();
	make_event(store, "rush", 100);
	kind = store->kind;
	watched = *kind;
	watched.event_by_name = watch_event;
	watched.ticket_by_key = watch_key;
	watched.ticket_get = watch_ticket;
	watched.ticket_tied = watch_tied;
	watched.ticket_add = watch_add;
	store->kind = &watched;
}

static void tear_down(void)
{
	store_close(store);
	scratch_remove();
}

StoreTestSuite(foresee, set_up, tear_down);

static struct booking_answer carry_out(const struct booking_request *request)
{
	const struct booking_context context = { .store = store, .wall_ns = NS_PER_SECOND };
	struct booking_answer answer;
	needs = (struct store_needs){ .server = 1 };
	asked = 0;
	booking_foresee(&context, request, &needs);
	begin(store);
	booking_carry_out(&context, request, &answer);
	commit(store);
	return answer;
}

StoreTest(foresee, all_that_a_request_asks_the_store_for)
{
	struct booking_request request = {
		.verb = BOOKING_HOLD, .quantity = 1, .seconds = 60, .event = "rush", .key = "k"
	};
	struct booking_answer held = carry_out(&request);
	cr_assert_eq(held.outcome, BOOKING_DONE);
	cr_assert_eq(asked, 2, "the event and the key");
	for (enum booking_verb verb = BOOKING_CONFIRM; verb <= BOOKING_ADMIT; verb++) {
		request = (struct booking_request){ .verb = verb };
		snprintf(request.code, sizeof(request.code), "%s", held.code);
		(void)carry_out(&request);
		cr_assert_eq(asked, 1, "the ticket");
		cr_assert_not(needs.adds);
	}
	for (enum booking_verb verb = BOOKING_EVENT_NEW; verb <= BOOKING_EVENT_GROW; verb++) {
		request = (struct booking_request){ .verb = verb, .event = "other" };
		cr_assert_eq(carry_out(&request).outcome, BOOKING_DONE);
		cr_assert_eq(asked, 1, "the event");
	}
	request = (struct booking_request){ .verb = BOOKING_RELEASE, .client.session = 7 };
	cr_assert_eq(carry_out(&request).outcome, BOOKING_DONE);
	cr_assert_eq(asked, 1, "what is tied");
	cr_assert_eq(unforeseen, 0);
}

StoreTest(foresee, nothing_of_a_code_that_is_none)
{
	struct booking_request request = { .verb = BOOKING_TICKET, .code = "none" };
	cr_assert_eq(carry_out(&request).outcome, BOOKING_NOT_FOUND);
	cr_assert_eq(needs.ticket_count, 0);
	cr_assert_eq(asked, 0);
}
