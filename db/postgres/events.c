#include "db/postgres/events.h"

#include <string.h>

#define LOCK_COLUMNS 4 /* names, tickets' numbers, ties, events' numbers */

bool postgres_events_post(struct postgres_store *store)
{
	const struct store_needs *needs = store->needs;
	parameters_begin_arrays(&store->parameters, LOCK_COLUMNS);
	for (size_t i = 0; i < needs->event_count; i++) {
		if (i == 0 || strcmp(needs->events[i], needs->events[i - 1]) != 0) {
			parameters_add_text(&store->parameters, 0, needs->events[i]);
		}
	}
	for (size_t i = 0; i < needs->ticket_count; i++) {
		parameters_add_number(&store->parameters, 1, needs->tickets[i]);
	}
	for (size_t i = 0; i < needs->tie_count; i++) {
		parameters_add_number(&store->parameters, 2, (int64_t)needs->ties[i]);
	}
	for (size_t i = 0; i < needs->number_count; i++) {
		parameters_add_number(&store->parameters, 3, needs->numbers[i]);
	}
	parameters_end_arrays(&store->parameters);
	parameters_put_number(&store->parameters, needs->gone);
	return postgres_post(store, POSTGRES_EVENTS_LOCK);
}

bool postgres_events_take(struct postgres_store *store)
{
	PGresult *rows = link_take(&store->link);
	struct store_event event;
	bool good = rows;
	for (int row = 0; good && row < PQntuples(rows); row++) {
		postgres_read_event(rows, row, &event);
		good = event_cache_add(&store->events, &event);
	}
	PQclear(rows);
	return good;
}

/* The one row, if there is one, of what was asked. */
static enum store_result take_one(struct postgres_store *store, enum postgres_query query,
				  struct store_event *event)
{
	PGresult *row = postgres_ask(store, query);
	if (!row) {
		return STORE_FAILED;
	}
	enum store_result result = PQntuples(row) > 0 ? STORE_OK : STORE_NONE;
	if (result == STORE_OK) {
		postgres_read_event(row, 0, event);
	}
	PQclear(row);
	return result;
}

static bool is_foreseen(const struct postgres_store *store, const char *name)
{
	for (size_t i = 0; store->foreseen && i < store->needs->event_count; i++) {
		if (strcmp(store->needs->events[i], name) == 0) {
			return true;
		}
	}
	return false;
}

enum store_result postgres_event_by_name(struct store *base, const char *name,
					 struct store_event *event)
{
	struct postgres_store *store = postgres_of(base);
	const struct store_event *known = event_cache_by_name(&store->events, name);
	if (known) {
		*event = *known;
		return STORE_OK;
	}
	if (is_foreseen(store, name)) {
		return STORE_NONE;
	}
	parameters_begin(&store->parameters);
	parameters_put_text(&store->parameters, name, strlen(name));
	return take_one(store, POSTGRES_EVENT_BY_NAME, event);
}

enum store_result postgres_event_by_number(struct store *base, int64_t number,
					   struct store_event *event)
{
	struct postgres_store *store = postgres_of(base);
	const struct store_event *known = event_cache_by_number(&store->events, number);
	if (known) {
		*event = *known;
		return STORE_OK;
	}
	parameters_begin(&store->parameters);
	parameters_put_number(&store->parameters, number);
	return take_one(store, POSTGRES_EVENT_BY_NUMBER, event);
}

/* Events are made one at a time, as tickets are, so that each finds what the others made. */
static bool lock_counter(struct postgres_store *store)
{
	parameters_begin(&store->parameters);
	PGresult *row = postgres_ask(store, POSTGRES_COUNTER_LOCK);
	PQclear(row);
	return row;
}

/* At once, since its number is asked for. */
enum store_result postgres_event_add(struct store *base, struct store_event *event)
{
	struct postgres_store *store = postgres_of(base);
	struct parameters *parameters = &store->parameters;
	if (!lock_counter(store)) {
		return STORE_FAILED;
	}
	parameters_begin(parameters);
	parameters_put_text(parameters, event->name, strlen(event->name));
	parameters_put_text(parameters, event->title, strlen(event->title));
	parameters_put_number(parameters, event->total);
	parameters_put_number(parameters, event->sold);
	parameters_put_number(parameters, event->held);
	parameters_put_number(parameters, event->open);
	PGresult *row = postgres_ask(store, POSTGRES_EVENT_ADD);
	if (!row) {
		return STORE_FAILED;
	}
	const bool made = PQntuples(row) > 0;
	if (made) {
		event->number = link_number(row, 0, 0);
	}
	PQclear(row);
	return made ? STORE_OK : STORE_NONE;
}

/* Kept for the end; what was kept of it before is out of date. */
enum store_result postgres_event_write(struct store *base, const struct store_event *event)
{
	struct postgres_store *store = postgres_of(base);
	struct store_event *kept = event_cache_by_number(&store->written, event->number);
	if (kept) {
		*kept = *event;
	} else {
		kept = event_cache_add(&store->written, event);
	}
	if (!kept) {
		return store_fail(base, "%s: out of memory", base->path);
	}
	event_cache_change(kept);
	return STORE_OK;
}

struct seeing {
	store_see_event *see;
	void *context;
};

static void see_row(void *context, const PGresult *row)
{
	const struct seeing *seeing = context;
	struct store_event event;
	postgres_read_event(row, 0, &event);
	seeing->see(seeing->context, &event);
}

enum store_result postgres_event_each(struct store *base, store_see_event *see, void *context)
{
	struct postgres_store *store = postgres_of(base);
	struct seeing seeing = { see, context };
	bool good = postgres_write_changes(store) &&
		    link_post(&store->link, POSTGRES_EVENT_ALL, NULL) &&
		    link_each(&store->link, see_row, &seeing);
	return good ? STORE_OK : postgres_fail(store);
}

enum store_result postgres_event_count(struct store *base, struct tally *tally)
{
	struct postgres_store *store = postgres_of(base);
	if (!postgres_write_changes(store)) {
		return STORE_FAILED;
	}
	parameters_begin(&store->parameters);
	parameters_put_number(&store->parameters, tally->event.number);
	store->link.patience_ns = LINK_LONG_PATIENCE_NS;
	PGresult *row = postgres_ask(store, POSTGRES_EVENT_COUNT);
	store->link.patience_ns = LINK_PATIENCE_NS;
	if (!row) {
		return STORE_FAILED;
	}
	tally->sold = link_number(row, 0, 0);
	tally->held = link_number(row, 0, 1);
	tally->admitted = link_number(row, 0, 2);
	PQclear(row);
	return STORE_OK;
}
