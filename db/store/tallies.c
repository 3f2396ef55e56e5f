#include "db/store/tallies.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_LEAST 64 /* events */

bool tallies_add_event(struct tallies *tallies, const struct store_event *event)
{
	if (tallies->count == tallies->room) {
		size_t room = tallies->room ? tallies->room * 2 : ROOM_LEAST;
		struct tally *more = reallocarray(tallies->of, room, sizeof(*more));
		if (!more) {
			return false;
		}
		tallies->of = more;
		tallies->room = room;
	}
	tallies->of[tallies->count++] = (struct tally){ .event = *event };
	return true;
}

static int by_number(const void *key, const void *tally)
{
	int64_t wanted = *(const int64_t *)key;
	int64_t number = ((const struct tally *)tally)->event.number;
	return (wanted > number) - (wanted < number);
}

static struct tally *find_number(const struct tallies *tallies, int64_t event)
{
	if (tallies->count == 0) {
		return NULL;
	}
	return bsearch(&event, tallies->of, tallies->count, sizeof(*tallies->of), by_number);
}

bool tallies_is_quantity(int64_t quantity)
{
	return quantity >= 1 && quantity <= STORE_TOTAL_MAX;
}

void tally_add(struct tally *tally, const struct store_ticket *ticket)
{
	bool is_sold = ticket->state == TICKET_BOOKED || ticket->state == TICKET_ADMITTED;
	if (tallies_is_quantity(ticket->quantity)) {
		tally->sold += is_sold ? ticket->quantity : 0;
		tally->held += ticket->state == TICKET_HELD ? ticket->quantity : 0;
		tally->admitted += ticket->state == TICKET_ADMITTED ? ticket->quantity : 0;
	}
}

bool tallies_add_ticket(struct tallies *tallies, const struct store_ticket *ticket)
{
	struct tally *tally = find_number(tallies, ticket->event);
	if (tally) {
		tally_add(tally, ticket);
	}
	return tally != NULL;
}

const struct tally *tallies_find(const struct tallies *tallies, const char *name)
{
	for (size_t i = 0; i < tallies->count; i++) {
		if (strcmp(tallies->of[i].event.name, name) == 0) {
			return &tallies->of[i];
		}
	}
	return NULL;
}

void tallies_finish(struct tallies *tallies)
{
	free(tallies->of);
	*tallies = (struct tallies){ .count = 0 };
}
