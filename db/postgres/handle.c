#include "db/postgres/handle.h"

#include <string.h>

/* SQLSTATEs that say that somebody else was there first, or is too slow. */
static const char *const of_others[] = {
	"40001", /* serialization failure */
	"40P01", /* deadlock detected */
	"55P03", /* lock not available */
	"57014", /* query canceled */
	"23505", /* unique violation: another machine had the key, the name or the number */
	"22012", /* division by zero: not the rows that there were (queries.h) */
};

struct postgres_store *postgres_of(struct store *base)
{
	return (struct postgres_store *)base;
}

static bool is_of_others(const char *state)
{
	for (size_t i = 0; i < sizeof(of_others) / sizeof(*of_others); i++) {
		if (strcmp(of_others[i], state) == 0) {
			return true;
		}
	}
	return false;
}

bool postgres_is_hindered(const struct postgres_store *store)
{
	return !store->link.lost && is_of_others(store->link.state);
}

enum store_result postgres_fail(struct postgres_store *store)
{
	const struct postgres_link *link = &store->link;
	store->base.hindrance = STORE_AWAY;
	if (postgres_is_hindered(store)) {
		return store_fail(&store->base, "%s: another machine is at work on it (%s)",
				  link->place, link->state);
	}
	return store_fail(&store->base, "%s", link->error);
}

bool postgres_post(struct postgres_store *store, enum postgres_query query)
{
	return link_post(&store->link, query, &store->parameters);
}

PGresult *postgres_ask(struct postgres_store *store, enum postgres_query query)
{
	PGresult *result = postgres_post(store, query) ? link_ask(&store->link) : NULL;
	if (!result) {
		(void)postgres_fail(store);
	}
	return result;
}

void postgres_read_event(const PGresult *result, int row, struct store_event *event)
{
	*event = (struct store_event){ .number = link_number(result, row, 0),
				       .total = link_number(result, row, 3),
				       .sold = link_number(result, row, 4),
				       .held = link_number(result, row, 5),
				       .open = link_number(result, row, 6) != 0 };
	link_text(result, row, 1, event->name, sizeof(event->name));
	link_text(result, row, 2, event->title, sizeof(event->title));
}

void postgres_read_ticket(const PGresult *result, int row, struct store_ticket *ticket)
{
	*ticket = (struct store_ticket){ .number = link_number(result, row, 0),
					 .event = link_number(result, row, 1),
					 .quantity = link_number(result, row, 2),
					 .state = (enum ticket_state)link_number(result, row, 3),
					 .kind = (enum ticket_kind)link_number(result, row, 4),
					 .made_ns = link_number(result, row, 5),
					 .expires_ns = link_number(result, row, 6),
					 .tied = (uint64_t)link_number(result, row, 7),
					 .salt = link_number(result, row, 9),
					 .admitted_ns = link_number(result, row, 10) };
	link_text(result, row, 8, ticket->key, sizeof(ticket->key));
}

/* Changes */

static void add_new(struct parameters *parameters, const struct store_ticket *ticket)
{
	parameters_add_number(parameters, 0, ticket->number);
	parameters_add_number(parameters, 1, ticket->event);
	parameters_add_number(parameters, 2, ticket->quantity);
	parameters_add_number(parameters, 3, ticket->state);
	parameters_add_number(parameters, 4, ticket->kind);
	parameters_add_number(parameters, 5, ticket->made_ns);
	parameters_add_number(parameters, 6, ticket->expires_ns);
	parameters_add_number(parameters, 7, (int64_t)ticket->tied);
	parameters_add_text(parameters, 8, ticket->key);
	parameters_add_number(parameters, 9, ticket->salt);
	parameters_add_number(parameters, 10, ticket->admitted_ns);
}

static void add_changed(struct parameters *parameters, const struct work_entry *entry)
{
	parameters_add_number(parameters, 0, entry->ticket.number);
	parameters_add_number(parameters, 1, entry->ticket.state);
	parameters_add_number(parameters, 2, entry->ticket.expires_ns);
	parameters_add_number(parameters, 3, entry->ticket.quantity);
	parameters_add_number(parameters, 4, entry->was);
	parameters_add_number(parameters, 5, entry->was_quantity);
	parameters_add_number(parameters, 6, entry->ticket.admitted_ns);
}

#define NEW_COLUMNS     11
#define CHANGED_COLUMNS 7
#define EVENT_COLUMNS   6

/* Posts QUERY with its arrays, unless they have no rows. */
static bool post_rows(struct postgres_store *store, enum postgres_query query)
{
	parameters_end_arrays(&store->parameters);
	return store->parameters.of[0].rows == 0 || postgres_post(store, query);
}

static bool post_new(struct postgres_store *store)
{
	parameters_begin_arrays(&store->parameters, NEW_COLUMNS);
	for (int32_t i = 0; i < store->work.count; i++) {
		if (store->work.entries[i].added) {
			add_new(&store->parameters, &store->work.entries[i].ticket);
		}
	}
	return post_rows(store, POSTGRES_TICKETS_ADD);
}

static bool post_changed(struct postgres_store *store)
{
	parameters_begin_arrays(&store->parameters, CHANGED_COLUMNS);
	for (int32_t i = 0; i < store->work.count; i++) {
		if (store->work.entries[i].changed) {
			add_changed(&store->parameters, &store->work.entries[i]);
		}
	}
	return post_rows(store, POSTGRES_TICKETS_CHANGE);
}

static void add_event(void *context, const struct store_event *event)
{
	struct parameters *parameters = context;
	parameters_add_number(parameters, 0, event->number);
	parameters_add_text(parameters, 1, event->title);
	parameters_add_number(parameters, 2, event->total);
	parameters_add_number(parameters, 3, event->sold);
	parameters_add_number(parameters, 4, event->held);
	parameters_add_number(parameters, 5, event->open);
}

static bool post_events(struct postgres_store *store)
{
	parameters_begin_arrays(&store->parameters, EVENT_COLUMNS);
	event_cache_changed(&store->written, add_event, &store->parameters);
	event_cache_empty(&store->written);
	return post_rows(store, POSTGRES_EVENTS_WRITE);
}

static bool post_counter(struct postgres_store *store)
{
	if (store->counter == store->counted) {
		return true;
	}
	store->counted = store->counter;
	parameters_begin(&store->parameters);
	parameters_put_number(&store->parameters, store->counter);
	return postgres_post(store, POSTGRES_COUNTER_WRITE);
}

bool postgres_post_changes(struct postgres_store *store)
{
	bool good = store->work.unwritten == 0 || (post_new(store) && post_changed(store));
	if (good) {
		work_written(&store->work);
	}
	return good && post_events(store) && post_counter(store);
}

bool postgres_write_changes(struct postgres_store *store)
{
	if (postgres_post_changes(store) &&
	    (store->link.posted == 0 || link_settle(&store->link))) {
		return true;
	}
	(void)postgres_fail(store);
	return false;
}
