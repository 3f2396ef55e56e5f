#include "db/postgres/waiters.h"

#include "db/store/waiters.h"

#define COLUMNS       10
#define MARKS_KEPT    8192 /* changes that marks of who left are kept for */
#define TIDY_EACH     1024 /* changes between two tidyings */
#define TICKET_COLUMN 7

static bool post_fetch(struct postgres_store *store, uint64_t since)
{
	parameters_begin(&store->parameters);
	parameters_put_number(&store->parameters, (int64_t)since);
	return postgres_post(store, POSTGRES_WAITERS_FETCH);
}

bool postgres_waiters_post(struct postgres_store *store)
{
	return post_fetch(store, store->needs->waiters_seen);
}

bool postgres_waiters_take(struct postgres_store *store)
{
	store->waiters = link_take(&store->link);
	return store->waiters;
}

void postgres_waiters_forget(struct postgres_store *store)
{
	PQclear(store->waiters);
	store->waiters = NULL;
}

/* Marks may be gone that it has not seen; or the database is an older one, put back. */
static bool has_missed(const struct postgres_store *store)
{
	const int64_t seen = (int64_t)store->needs->waiters_seen;
	return seen < store->waiters_floor || seen > store->waiters_last;
}

static bool fetch_all(struct postgres_store *store)
{
	postgres_waiters_forget(store);
	store->waiters = post_fetch(store, 0) ? link_ask(&store->link) : NULL;
	return store->waiters;
}

static void see_row(const PGresult *rows, int row, store_see_waiter *see, void *context)
{
	struct store_waiter waiter = { .order = (uint64_t)link_number(rows, row, 0),
				       .event = link_number(rows, row, 1),
				       .quantity = link_number(rows, row, 2),
				       .session = (uint64_t)link_number(rows, row, 3),
				       .worker = (uint32_t)link_number(rows, row, 4),
				       .seat = (uint32_t)link_number(rows, row, 5),
				       .passed = (uint32_t)link_number(rows, row, 6),
				       .ticket = link_number(rows, row, TICKET_COLUMN),
				       .waits = link_number(rows, row, 8) != 0,
				       .salt = link_number(rows, row, 9),
				       .until_ns = link_number(rows, row, 10) };
	link_text(rows, row, 11, waiter.event_name, sizeof(waiter.event_name));
	see(context, &waiter);
}

enum store_result postgres_waiters_read(struct store *base, store_see_waiter *see, void *context,
					struct store_waiters_state *state)
{
	struct postgres_store *store = postgres_of(base);
	if (!store->waiters) {
		return store_fail(base, "%s: who waits was not foreseen", base->path);
	}
	const bool missed = has_missed(store);
	if (missed && !fetch_all(store)) {
		return postgres_fail(store);
	}
	for (int row = 0; row < PQntuples(store->waiters); row++) {
		see_row(store->waiters, row, see, context);
	}
	*state = (struct store_waiters_state){ (uint64_t)store->waiters_last,
					       missed || store->needs->waiters_seen == 0 };
	postgres_waiters_forget(store);
	return STORE_OK;
}

static void add(struct parameters *parameters, const struct store_waiter *waiter)
{
	parameters_add_number(parameters, 0, (int64_t)waiter->order);
	parameters_add_number(parameters, 1, waiter->event);
	parameters_add_number(parameters, 2, waiter->quantity);
	parameters_add_number(parameters, 3, (int64_t)waiter->session);
	parameters_add_number(parameters, 4, waiter->worker);
	parameters_add_number(parameters, 5, waiter->seat);
	parameters_add_number(parameters, 6, waiter->passed);
	parameters_add_number(parameters, TICKET_COLUMN, waiter->ticket);
	parameters_add_number(parameters, 8, waiter->waits);
}

static bool post_rows(struct postgres_store *store, const struct store_waiter *waiters,
		      size_t count, uint64_t version)
{
	struct parameters *parameters = &store->parameters;
	parameters_begin_arrays(parameters, COLUMNS - 1);
	for (size_t i = 0; i < count; i++) {
		add(parameters, &waiters[i]);
	}
	parameters_end_arrays(parameters);
	parameters_put_number(parameters, (int64_t)version);
	return postgres_post(store, POSTGRES_WAITERS_WRITE);
}

/*
 * Now and then the marks go that hardly anybody needs. After a leap of the count nobody else knows
 * what is in the row.
 */
static bool post_count(struct postgres_store *store, int64_t version)
{
	const bool leaps = version - store->waiters_last >= STORE_WAITERS_LEAP;
	const bool tidies = version / TIDY_EACH != store->waiters_last / TIDY_EACH &&
			    version - MARKS_KEPT > store->waiters_floor;
	bool good = true;
	store->waiters_last = version;
	if (leaps || tidies) {
		store->waiters_floor = leaps ? version - 1 : version - MARKS_KEPT;
		parameters_begin(&store->parameters);
		parameters_put_number(&store->parameters, store->waiters_floor);
		good = postgres_post(store, POSTGRES_WAITERS_TIDY);
	}
	parameters_begin(&store->parameters);
	parameters_put_number(&store->parameters, version);
	parameters_put_number(&store->parameters, store->waiters_floor);
	return good && postgres_post(store, POSTGRES_WAITERS_COUNT);
}

enum store_result postgres_waiters_write(struct store *base, const struct store_waiter *waiters,
					 size_t count, uint64_t version)
{
	struct postgres_store *store = postgres_of(base);
	bool good =
		post_rows(store, waiters, count, version) && post_count(store, (int64_t)version);
	return good ? STORE_OK : postgres_fail(store);
}
