#include "db/booking/lapse.h"

#include "db/booking/offer.h"

bool booking_lapse_is_due(const struct booking_desk *desk, const struct store_ticket *ticket)
{
	return ticket->state == TICKET_HELD && ticket->expires_ns <= desk->wall_ns;
}

bool booking_lapse_tied(const struct booking_desk *desk, uint64_t least, uint64_t most)
{
	struct store_ticket ticket;
	struct store_event *event;
	enum store_result result;

	while ((result = store_ticket_tied(desk->store, least, most, &ticket)) == STORE_OK) {
		if (store_event_get(desk->store, ticket.event, &event) != STORE_OK ||
		    !booking_offer_what_comes_back(desk, event, &ticket, TICKET_EXPIRED)) {
			return false;
		}
	}
	return result == STORE_NONE;
}

bool booking_release_all(const struct booking_desk *desk)
{
	return booking_lapse_tied(desk, 1, INT64_MAX);
}

bool booking_lapse(const struct booking_desk *desk, unsigned most, int64_t *next_ns)
{
	struct store_ticket ticket;
	struct store_event *event;
	enum store_result result;

	while ((result = store_ticket_next_expiry(desk->store, &ticket)) == STORE_OK) {
		*next_ns = ticket.expires_ns;
		if (most-- == 0 || !booking_lapse_is_due(desk, &ticket)) {
			return true;
		}
		if (store_event_get(desk->store, ticket.event, &event) != STORE_OK ||
		    !booking_offer_what_comes_back(desk, event, &ticket, TICKET_EXPIRED)) {
			return false;
		}
	}
	*next_ns = INT64_MAX;
	return result == STORE_NONE;
}
