#include "db/store/invariants.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/store/code.h"
#include "db/store/tallies.h"
#include "shared/base/siphash.h"

#define ROOM_LEAST 256

/* A ticket's key, hashed: two that are the same are found side by side once these are sorted. */
struct mark {
	uint64_t hash;
	int64_t number;
};

struct inquiry {
	const struct invariants_look *look;
	struct tallies tallies;
	struct mark *marks;
	size_t mark_count;
	size_t mark_room;
	int64_t last; /* number of a ticket */
	struct siphash_key secret;
	bool breached;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static void report(struct inquiry *inquiry,
							 const char *format, ...)
{
	char text[INVARIANTS_BREACH_SIZE];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	inquiry->breached = true;
	inquiry->look->breach(inquiry->look->context, text);
}

/* ENTRIES of SIZE bytes with room for one more than COUNT; it has failed when there is none. */
static void *grown(struct inquiry *inquiry, void *entries, size_t size, size_t count, size_t *room)
{
	if (count < *room) {
		return entries;
	}
	size_t wanted = *room ? *room * 2 : ROOM_LEAST;
	void *more = reallocarray(entries, wanted, size);
	if (!more) {
		inquiry->failed = true;
		return entries;
	}
	*room = wanted;
	return more;
}

static void note_event(void *context, const struct store_event *event)
{
	struct inquiry *inquiry = context;
	inquiry->failed |= !tallies_add_event(&inquiry->tallies, event);
}

static void add_up(struct inquiry *inquiry, const struct store_ticket *ticket)
{
	if (!tallies_add_ticket(&inquiry->tallies, ticket)) {
		report(inquiry, "ticket %" PRId64 " is of an event that is not there: %" PRId64,
		       ticket->number, ticket->event);
	}
}

static void look_at_words(struct inquiry *inquiry, const struct store_ticket *ticket)
{
	int state = (int)ticket->state;
	int kind = (int)ticket->kind;
	if (state < TICKET_BOOKED || state > TICKET_ADMITTED) {
		report(inquiry, "ticket %" PRId64 " has an unknown state: %d", ticket->number,
		       state);
	}
	if (kind < TICKET_BY_BOOK || kind > TICKET_BY_OFFER) {
		report(inquiry, "ticket %" PRId64 " has an unknown kind: %d", ticket->number, kind);
	}
}

static void look_at_numbers(struct inquiry *inquiry, const struct store_ticket *ticket)
{
	if (ticket->number != inquiry->last + 1) {
		report(inquiry, "ticket %" PRId64 " follows ticket %" PRId64, ticket->number,
		       inquiry->last);
	}
	inquiry->last = ticket->number;
	if (!tallies_is_quantity(ticket->quantity)) {
		report(inquiry, "ticket %" PRId64 " has the quantity %" PRId64, ticket->number,
		       ticket->quantity);
	}
	if (ticket->salt < 0 || ticket->salt > CODE_SALT_MAX) {
		report(inquiry, "ticket %" PRId64 " has the salt %" PRId64, ticket->number,
		       ticket->salt);
	}
	if (ticket->state == TICKET_HELD && ticket->expires_ns <= 0) {
		report(inquiry, "ticket %" PRId64 " is held and has no end", ticket->number);
	}
	if (ticket->state != TICKET_HELD && ticket->expires_ns != 0) {
		report(inquiry, "ticket %" PRId64 " is not held and has an end", ticket->number);
	}
	if (ticket->state != TICKET_ADMITTED && ticket->admitted_ns != 0) {
		report(inquiry, "ticket %" PRId64 " was not admitted and says when",
		       ticket->number);
	}
}

static void mark_key(struct inquiry *inquiry, const struct store_ticket *ticket)
{
	if (ticket->key[0] == '\0') {
		return;
	}
	if (!name_is_key(span_of(ticket->key))) {
		report(inquiry, "ticket %" PRId64 " has a key that is none", ticket->number);
	}
	inquiry->marks = grown(inquiry, inquiry->marks, sizeof(*inquiry->marks),
			       inquiry->mark_count, &inquiry->mark_room);
	if (inquiry->failed) {
		return;
	}
	uint64_t hash = siphash(&inquiry->secret, ticket->key, strlen(ticket->key));
	inquiry->marks[inquiry->mark_count++] = (struct mark){ hash, ticket->number };
}

static void look_at_ticket(void *context, const struct store_ticket *ticket)
{
	struct inquiry *inquiry = context;
	look_at_words(inquiry, ticket);
	look_at_numbers(inquiry, ticket);
	add_up(inquiry, ticket);
	mark_key(inquiry, ticket);
}

static int by_hash(const void *left, const void *right)
{
	const struct mark *one = left;
	const struct mark *other = right;
	if (one->hash != other->hash) {
		return one->hash < other->hash ? -1 : 1;
	}
	return (one->number > other->number) - (one->number < other->number);
}

/* Two keys of 64 bits that are the same by chance have not been seen yet, but who knows. */
static void compare_keys(struct inquiry *inquiry, struct store *store, int64_t first,
			 int64_t second)
{
	struct store_ticket one;
	struct store_ticket other;
	if (store_ticket_get(store, first, &one) != STORE_OK ||
	    store_ticket_get(store, second, &other) != STORE_OK) {
		inquiry->failed = true;
	} else if (strcmp(one.key, other.key) == 0) {
		report(inquiry, "tickets %" PRId64 " and %" PRId64 " have the same key \"%s\"",
		       first, second, one.key);
	}
}

static void look_at_keys(struct inquiry *inquiry, struct store *store)
{
	const struct mark *marks = inquiry->marks;
	if (inquiry->mark_count > 0) {
		qsort(inquiry->marks, inquiry->mark_count, sizeof(*marks), by_hash);
	}
	for (size_t i = 1; i < inquiry->mark_count; i++) {
		if (marks[i].hash == marks[i - 1].hash) {
			compare_keys(inquiry, store, marks[i - 1].number, marks[i].number);
		}
	}
}

static void look_at_counters(struct inquiry *inquiry, const struct tally *tally)
{
	const struct store_event *event = &tally->event;
	if (event->sold != tally->sold) {
		report(inquiry, "event %s says that %" PRId64 " are sold, its tickets %" PRId64,
		       event->name, event->sold, tally->sold);
	}
	if (event->held != tally->held) {
		report(inquiry, "event %s says that %" PRId64 " are held, its tickets %" PRId64,
		       event->name, event->held, tally->held);
	}
	if (tally->sold + tally->held > event->total) {
		report(inquiry,
		       "event %s is oversold: %" PRId64 " sold and %" PRId64 " held of %" PRId64,
		       event->name, tally->sold, tally->held, event->total);
	}
	if (!name_is_event(span_of(event->name))) {
		report(inquiry, "event %" PRId64 " has a name that is none", event->number);
	}
}

static void look_at_events(struct inquiry *inquiry)
{
	for (size_t i = 0; i < inquiry->tallies.count; i++) {
		const struct tally *tally = &inquiry->tallies.of[i];
		look_at_counters(inquiry, tally);
		inquiry->look->event(inquiry->look->context, &tally->event);
	}
}

static bool gather(struct inquiry *inquiry, struct store *store)
{
	return store_event_each(store, note_event, inquiry) == STORE_OK &&
	       store_ticket_each(store, look_at_ticket, inquiry) == STORE_OK && !inquiry->failed;
}

enum store_result invariants_look(struct store *store, const struct invariants_look *look)
{
	struct inquiry inquiry = { .look = look };
	siphash_key_make(&inquiry.secret);
	inquiry.failed = !gather(&inquiry, store);
	if (!inquiry.failed) {
		look_at_keys(&inquiry, store);
		look_at_events(&inquiry);
	}
	tallies_finish(&inquiry.tallies);
	free(inquiry.marks);
	if (inquiry.failed) {
		return STORE_FAILED;
	}
	return inquiry.breached ? STORE_NONE : STORE_OK;
}
