#include "server/booking/opening.h"

#include <stdio.h>
#include <string.h>

#include "db/booking/booking.h"
#include "db/booking/lapse.h"
#include "server/booking/board.h"
#include "server/chat/archive.h"
#include "shared/base/clock.h"

static bool refuse(const struct store *store, char *why)
{
	(void)snprintf(why, STORE_ERROR_SIZE, "%s", store_error(store));
	return false;
}

static bool make_event(const struct booking_context *rules, const struct event_option *option)
{
	struct booking_request request = { .verb = BOOKING_EVENT_NEW, .quantity = option->total };
	struct booking_answer answer;

	memcpy(request.event, option->name, sizeof(request.event));
	memcpy(request.title, option->title, sizeof(request.title));
	booking_carry_out(rules, &request, &answer);
	return answer.outcome == BOOKING_DONE || answer.outcome == BOOKING_EXISTS;
}

static bool make_events(const struct booking_context *rules, const struct options *options)
{
	bool good = true;

	for (size_t i = 0; i < options->event_count && good; i++) {
		good = make_event(rules, &options->events[i]);
	}
	return good;
}

/* What is tied to connections is of servers that are gone, if nobody else serves the store. */
static bool take_service(const struct booking_context *rules, const struct shared_state *shared)
{
	const uint32_t server = booking_server_of(shared->directory->next_session);

	return !store_serve(rules->store, server) || booking_release_all(rules);
}

static bool change(const struct shared_state *shared, struct store *store, bool serves, char *why)
{
	static const struct store_needs unknown;

	store_foresee(store, &unknown); /* others may sell meanwhile */
	if (store_begin(store) != STORE_OK) {
		return refuse(store, why);
	}
	const struct booking_context rules = { .store = store,
					       .wall_ns =
						       store_wall_ns(store, clock_deadlines_ns()) };
	bool good = make_events(&rules, shared->options) &&
		    (!serves || take_service(&rules, shared)) && store_commit(store) == STORE_OK;

	if (!good) {
		store_rollback(store);
	}
	return good || refuse(store, why);
}

bool opening_make_events(const struct shared_state *shared, struct store *store, char *why)
{
	return change(shared, store, false, why);
}

/* Rooms come before the events', which then are found to be there. */
bool opening_do(struct shared_state *shared, struct store *store, char *why)
{
	return change(shared, store, true, why) &&
	       ((archive_restore(shared, store) && board_fill(store, shared->board)) ||
		refuse(store, why));
}
