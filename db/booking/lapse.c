#include "db/booking/lapse.h"

#include "db/booking/offer.h"
#include "db/booking/stock.h"
#include "db/booking/waiters.h"
#include "db/store/tickets.h"

bool booking_lapse_if_due(const struct booking_context *context, struct store_event *event,
			  struct store_ticket *ticket)
{
	return !booking_is_over(context, ticket) ||
	       booking_offer_what_comes_back(context, event, ticket, TICKET_EXPIRED);
}

static bool lapse(const struct booking_context *context, struct store_ticket *ticket)
{
	struct store_event *event;

	return store_event_get(context->store, ticket->event, &event) == STORE_OK &&
	       booking_offer_what_comes_back(context, event, ticket, TICKET_EXPIRED);
}

static bool lapse_tied(const struct booking_context *context, uint64_t least, uint64_t most)
{
	struct store_ticket ticket;
	enum store_result result;

	while ((result = store_ticket_tied(context->store, least, most, &ticket)) == STORE_OK) {
		if (!lapse(context, &ticket)) {
			return false;
		}
	}
	return result == STORE_NONE;
}

/* The sessions of one server, of whose ties there are some. */
static uint64_t first_of(uint32_t server)
{
	return (uint64_t)server << 32;
}

static uint64_t last_of(uint32_t server)
{
	return first_of(server) | UINT32_MAX;
}

/* Of servers that are there, what is tied is passed by: to its left and its right there are
 * others'. */
static bool lapse_gone(const struct booking_context *context, uint64_t least, uint64_t most)
{
	struct store_ticket ticket;
	enum store_result result = STORE_NONE;

	while (least <= most &&
	       (result = store_ticket_tied(context->store, least, most, &ticket)) == STORE_OK) {
		uint32_t server = booking_server_of(ticket.tied);

		if (!store_is_served_by(context->store, server)) {
			if (!lapse_tied(context, first_of(server), last_of(server))) {
				return false;
			}
		} else if (first_of(server) > least &&
			   !lapse_gone(context, least, first_of(server) - 1)) {
			return false;
		} else {
			least = last_of(server) + 1;
			result = STORE_NONE;
		}
	}
	return result == STORE_NONE;
}

/* They leave the list first: what they held is not offered to the dead. */
bool booking_lapse_gone(const struct booking_context *context)
{
	return booking_waiters_leave_gone(context) && lapse_gone(context, 1, INT64_MAX);
}

bool booking_lapse_tied(const struct booking_context *context, uint64_t session)
{
	return lapse_tied(context, session, session);
}

bool booking_release_all(const struct booking_context *context)
{
	return lapse_tied(context, 1, INT64_MAX);
}

bool booking_lapse(const struct booking_context *context, unsigned most, int64_t *next_ns)
{
	struct store_ticket ticket;
	enum store_result result;

	while ((result = store_ticket_next_expiry(context->store, &ticket)) == STORE_OK) {
		*next_ns = ticket.expires_ns;
		if (most-- == 0 || !booking_is_over(context, &ticket)) {
			return true;
		}
		if (!lapse(context, &ticket)) {
			return false;
		}
	}
	*next_ns = INT64_MAX;
	return result == STORE_NONE;
}
