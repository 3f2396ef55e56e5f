#include "db/postgres/tickets.h"

#include "db/store/code.h"

#define FETCH_COLUMNS 3 /* numbers, keys, ties */

static enum store_result no_memory(struct postgres_store *store)
{
	return store_fail(&store->base, "%s: out of memory", store->base.path);
}

/* Fetching */

static void begin_fetch(struct postgres_store *store)
{
	parameters_begin_arrays(&store->parameters, FETCH_COLUMNS);
}

static bool post_fetch(struct postgres_store *store)
{
	parameters_end_arrays(&store->parameters);
	return postgres_post(store, POSTGRES_TICKETS_FETCH);
}

static bool keep_rows(struct postgres_store *store, const PGresult *rows)
{
	struct store_ticket ticket;
	bool good = true;
	for (int row = 0; row < PQntuples(rows); row++) {
		postgres_read_ticket(rows, row, &ticket);
		good = good && work_fetched(&store->work, &ticket);
	}
	return good;
}

/* Takes a result, whose rows are tickets. */
static bool take_rows(struct postgres_store *store, int *count)
{
	PGresult *rows = link_take(&store->link);
	bool good = rows && keep_rows(store, rows);
	*count = rows ? PQntuples(rows) : 0;
	PQclear(rows);
	return good;
}

static bool has_tickets(const struct store_needs *needs)
{
	return needs->ticket_count + needs->key_count + needs->tie_count > 0;
}

bool postgres_tickets_post(struct postgres_store *store)
{
	const struct store_needs *needs = store->needs;
	bool good = true;
	if (has_tickets(needs)) {
		begin_fetch(store);
		for (size_t i = 0; i < needs->ticket_count; i++) {
			parameters_add_number(&store->parameters, 0, needs->tickets[i]);
		}
		for (size_t i = 0; i < needs->key_count; i++) {
			parameters_add_text(&store->parameters, 1, needs->keys[i]);
		}
		for (size_t i = 0; i < needs->tie_count; i++) {
			parameters_add_number(&store->parameters, 2, (int64_t)needs->ties[i]);
		}
		good = post_fetch(store);
	}
	return good && link_post(&store->link, POSTGRES_TICKETS_HELD, NULL);
}

/* What was asked for and did not come is not there. */
static bool note_absent(struct postgres_store *store)
{
	const struct store_needs *needs = store->needs;
	bool good = true;
	for (size_t i = 0; i < needs->ticket_count && good; i++) {
		good = work_absent_number(&store->work, needs->tickets[i]);
	}
	for (size_t i = 0; i < needs->key_count && good; i++) {
		good = work_absent_key(&store->work, needs->keys[i]);
	}
	return good;
}

/* The rows of the holds that end first: the last of them says how far they reach. */
static bool take_holds(struct postgres_store *store)
{
	PGresult *rows = link_take(&store->link);
	bool good = rows && keep_rows(store, rows);
	int count = rows ? PQntuples(rows) : 0;
	store->holds_fetched = good;
	store->holds_complete = count < POSTGRES_HOLDS_AHEAD;
	store->holds_until = count > 0 ? link_number(rows, count - 1, 6) : 0;
	PQclear(rows);
	return good;
}

bool postgres_tickets_take(struct postgres_store *store)
{
	int count;
	if (has_tickets(store->needs) && (!take_rows(store, &count) || !note_absent(store))) {
		return false;
	}
	return take_holds(store);
}

/* Numbers */

bool postgres_counter_post(struct postgres_store *store)
{
	return link_post(&store->link, POSTGRES_COUNTER_LOCK, NULL);
}

bool postgres_counter_take(struct postgres_store *store)
{
	PGresult *row = link_take(&store->link);
	bool good = row && PQntuples(row) == 1;
	if (good) {
		store->counter = link_number(row, 0, 0);
		store->counted = store->counter;
		store->waiters_last = link_number(row, 0, 1);
		store->waiters_floor = link_number(row, 0, 2);
	}
	PQclear(row);
	return good;
}

/* The counter stays locked until the end: so numbers have no gaps, whoever fails. */
static bool has_counter(struct postgres_store *store)
{
	if (store->counter != POSTGRES_COUNTER_UNKNOWN) {
		return true;
	}
	bool good = postgres_counter_post(store) && link_send(&store->link) &&
		    postgres_counter_take(store);
	good = link_end(&store->link) && good;
	if (!good) {
		(void)postgres_fail(store);
	}
	return good;
}

enum store_result postgres_ticket_add(struct store *base, struct store_ticket *ticket)
{
	struct postgres_store *store = postgres_of(base);
	if (!has_counter(store)) {
		return STORE_FAILED;
	}
	if (store->counter >= CODE_NUMBER_MAX) {
		return store_fail(base, "%s: has no number left for a ticket", base->path);
	}
	if (store->work.unwritten >= POSTGRES_UNWRITTEN_MAX) {
		if (!postgres_write_changes(store)) {
			return STORE_FAILED;
		}
		work_empty(&store->work);
		store->foreseen = false;
		store->holds_fetched = false;
	}
	ticket->number = ++store->counter;
	return work_add(&store->work, ticket) ? STORE_OK : no_memory(store);
}

/* Questions */

static enum store_result answer(const struct work_entry *entry, struct store_ticket *ticket)
{
	if (!entry || !entry->there) {
		return STORE_NONE;
	}
	*ticket = entry->ticket;
	return STORE_OK;
}

/* Sends what is posted last, and keeps the tickets that come. */
static enum store_result fetch_posted(struct postgres_store *store, bool posted)
{
	PGresult *rows = posted ? link_ask(&store->link) : NULL;
	bool good = rows && keep_rows(store, rows);
	bool came = rows;
	PQclear(rows);
	if (!came) {
		return postgres_fail(store);
	}
	return good ? STORE_OK : no_memory(store);
}

enum store_result postgres_ticket_get(struct store *base, int64_t number,
				      struct store_ticket *ticket)
{
	struct postgres_store *store = postgres_of(base);
	const struct work_entry *known = work_by_number(&store->work, number);
	if (known) {
		return answer(known, ticket);
	}
	begin_fetch(store);
	parameters_add_number(&store->parameters, 0, number);
	if (fetch_posted(store, post_fetch(store)) != STORE_OK) {
		return STORE_FAILED;
	}
	known = work_absent_number(&store->work, number);
	return known ? answer(known, ticket) : no_memory(store);
}

enum store_result postgres_ticket_by_key(struct store *base, const char *key,
					 struct store_ticket *ticket)
{
	struct postgres_store *store = postgres_of(base);
	const struct work_entry *known = work_by_key(&store->work, key);
	if (known) {
		return answer(known, ticket);
	}
	begin_fetch(store);
	parameters_add_text(&store->parameters, 1, key);
	if (fetch_posted(store, post_fetch(store)) != STORE_OK) {
		return STORE_FAILED;
	}
	known = work_absent_key(&store->work, key);
	return known ? answer(known, ticket) : no_memory(store);
}

enum store_result postgres_ticket_change(struct store *base, const struct store_ticket *ticket)
{
	struct postgres_store *store = postgres_of(base);
	struct store_ticket there;
	enum store_result result = postgres_ticket_get(base, ticket->number, &there);
	if (result == STORE_OK) {
		work_change(&store->work, work_by_number(&store->work, ticket->number), ticket);
	}
	return result;
}

/* Whether what is known here says which hold ends first. */
static bool reaches(const struct postgres_store *store, const struct work_entry *first)
{
	return store->holds_fetched &&
	       (store->holds_complete || (first && first->ticket.expires_ns <= store->holds_until));
}

static enum store_result fetch_holds(struct postgres_store *store)
{
	if (!postgres_write_changes(store)) {
		return STORE_FAILED;
	}
	bool good = link_post(&store->link, POSTGRES_TICKETS_HELD, NULL) &&
		    link_send(&store->link) && take_holds(store);
	good = link_end(&store->link) && good;
	return good ? STORE_OK : postgres_fail(store);
}

enum store_result postgres_ticket_next_expiry(struct store *base, struct store_ticket *ticket)
{
	struct postgres_store *store = postgres_of(base);
	const struct work_entry *first = work_next_expiry(&store->work);
	if (!reaches(store, first)) {
		if (fetch_holds(store) != STORE_OK) {
			return STORE_FAILED;
		}
		first = work_next_expiry(&store->work);
	}
	return answer(first, ticket);
}

static bool is_foreseen_tie(const struct postgres_store *store, uint64_t tie)
{
	for (size_t i = 0; store->foreseen && i < store->needs->tie_count; i++) {
		if (store->needs->ties[i] == tie) {
			return true;
		}
	}
	return false;
}

enum store_result postgres_ticket_tied(struct store *base, uint64_t least, uint64_t most,
				       struct store_ticket *ticket)
{
	struct postgres_store *store = postgres_of(base);
	if (least == most && is_foreseen_tie(store, least)) {
		return answer(work_tied(&store->work, least, most), ticket);
	}
	if (!postgres_write_changes(store)) {
		return STORE_FAILED;
	}
	parameters_begin(&store->parameters);
	parameters_put_number(&store->parameters, (int64_t)least);
	parameters_put_number(&store->parameters, (int64_t)most);
	PGresult *row = postgres_ask(store, POSTGRES_TICKET_TIED);
	if (!row) {
		return STORE_FAILED;
	}
	bool good = keep_rows(store, row);
	enum store_result result = PQntuples(row) > 0 ? STORE_OK : STORE_NONE;
	if (result == STORE_OK) {
		postgres_read_ticket(row, 0, ticket);
	}
	PQclear(row);
	return good ? result : no_memory(store);
}

struct seeing {
	store_see_ticket *see;
	void *context;
};

static void see_row(void *context, const PGresult *row)
{
	const struct seeing *seeing = context;
	struct store_ticket ticket;
	postgres_read_ticket(row, 0, &ticket);
	seeing->see(seeing->context, &ticket);
}

enum store_result postgres_ticket_each(struct store *base, store_see_ticket *see, void *context)
{
	struct postgres_store *store = postgres_of(base);
	struct seeing seeing = { see, context };
	if (!postgres_write_changes(store)) {
		return STORE_FAILED;
	}
	store->link.patience_ns = LINK_LONG_PATIENCE_NS;
	bool good = link_post(&store->link, POSTGRES_TICKET_ALL, NULL) &&
		    link_each(&store->link, see_row, &seeing);
	store->link.patience_ns = LINK_PATIENCE_NS;
	return good ? STORE_OK : postgres_fail(store);
}
