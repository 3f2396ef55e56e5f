#include "db/sqlite/tickets.h"
#include "db/store/code.h"

#include <errno.h>
#include <string.h>

static void read_key(sqlite3_stmt *statement, int column, char *key)
{
	const unsigned char *value = sqlite3_column_text(statement, column);
	size_t length = value ? (size_t)sqlite3_column_bytes(statement, column) : 0;
	if (length >= NAME_KEY_SIZE) {
		length = NAME_KEY_SIZE - 1;
	}
	if (length > 0) {
		memcpy(key, value, length);
	}
	key[length] = '\0';
}

/* The columns in the order in which the queries name them. */
static void read_ticket(sqlite3_stmt *statement, struct store_ticket *ticket)
{
	ticket->number = sqlite3_column_int64(statement, 0);
	ticket->event = sqlite3_column_int64(statement, 1);
	ticket->quantity = sqlite3_column_int64(statement, 2);
	ticket->state = (enum ticket_state)sqlite3_column_int(statement, 3);
	ticket->kind = (enum ticket_kind)sqlite3_column_int(statement, 4);
	ticket->made_ns = sqlite3_column_int64(statement, 5);
	ticket->expires_ns = sqlite3_column_int64(statement, 6);
	ticket->tied = (uint64_t)sqlite3_column_int64(statement, 7);
	read_key(statement, 8, ticket->key);
	ticket->salt = sqlite3_column_int64(statement, 9);
	ticket->admitted_ns = sqlite3_column_int64(statement, 10);
}

static void bind_ticket(sqlite3_stmt *statement, const struct store_ticket *ticket)
{
	sqlite3_bind_int64(statement, 1, ticket->number);
	sqlite3_bind_int64(statement, 2, ticket->event);
	sqlite3_bind_int64(statement, 3, ticket->quantity);
	sqlite3_bind_int64(statement, 4, ticket->state);
	sqlite3_bind_int64(statement, 5, ticket->kind);
	sqlite3_bind_int64(statement, 6, ticket->made_ns);
	sqlite3_bind_int64(statement, 7, ticket->expires_ns);
	sqlite3_bind_int64(statement, 8, (int64_t)ticket->tied);
	if (ticket->key[0] != '\0') {
		sqlite3_bind_text(statement, 9, ticket->key, -1, SQLITE_STATIC);
	} else {
		sqlite3_bind_null(statement, 9);
	}
	sqlite3_bind_int64(statement, 10, ticket->salt);
	sqlite3_bind_int64(statement, 11, ticket->admitted_ns);
}

static enum store_result fail_keys(struct sqlite_store *store)
{
	return store_fail(&store->base, "%s-keys: %s", store->base.path, strerror(errno));
}

enum store_result sqlite_ticket_add(struct store *base, struct store_ticket *ticket)
{
	struct sqlite_store *store = sqlite_store_of(base);
	if (store->last.number >= CODE_NUMBER_MAX) {
		return store_fail(base, "%s: has no number left for a ticket", base->path);
	}
	ticket->number = store->last.number + 1;
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_TICKET_ADD);
	bind_ticket(statement, ticket);
	if (sqlite_run(store, statement) != STORE_OK) {
		return STORE_FAILED;
	}
	if (ticket->key[0] != '\0' && !keyindex_add(store->keys, ticket->key, ticket->number)) {
		return fail_keys(store);
	}
	store->last = (struct keyindex_reach){ ticket->number, ticket->made_ns };
	return STORE_OK;
}

/* Runs a query for one ticket. */
static enum store_result fetch(struct sqlite_store *store, sqlite3_stmt *statement,
			       struct store_ticket *ticket)
{
	enum store_result result = sqlite_row(store, statement);
	if (result != STORE_OK) {
		return result;
	}
	read_ticket(statement, ticket);
	sqlite3_reset(statement);
	return STORE_OK;
}

enum store_result sqlite_ticket_get(struct store *base, int64_t number, struct store_ticket *ticket)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_TICKET_GET);
	sqlite3_bind_int64(statement, 1, number);
	return fetch(store, statement, ticket);
}

enum store_result sqlite_ticket_by_key(struct store *base, const char *key,
				       struct store_ticket *ticket)
{
	struct sqlite_store *store = sqlite_store_of(base);
	uint64_t position = 0;
	int64_t number;
	while (keyindex_next(store->keys, key, &position, &number)) {
		enum store_result result = sqlite_ticket_get(base, number, ticket);
		if (result == STORE_FAILED) {
			return result;
		}
		if (result == STORE_OK && strcmp(ticket->key, key) == 0) {
			return STORE_OK;
		}
	}
	return STORE_NONE;
}

enum store_result sqlite_ticket_change(struct store *base, const struct store_ticket *ticket)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_TICKET_CHANGE);
	sqlite3_bind_int64(statement, 1, ticket->number);
	sqlite3_bind_int64(statement, 2, ticket->state);
	sqlite3_bind_int64(statement, 3, ticket->expires_ns);
	sqlite3_bind_int64(statement, 4, ticket->quantity);
	sqlite3_bind_int64(statement, 5, ticket->admitted_ns);
	if (sqlite_run(store, statement) != STORE_OK) {
		return STORE_FAILED;
	}
	return sqlite3_changes(store->database) > 0 ? STORE_OK : STORE_NONE;
}

enum store_result sqlite_ticket_next_expiry(struct store *base, struct store_ticket *ticket)
{
	struct sqlite_store *store = sqlite_store_of(base);
	return fetch(store, sqlite_statement(store, QUERY_TICKET_NEXT_EXPIRY), ticket);
}

enum store_result sqlite_ticket_tied(struct store *base, uint64_t least, uint64_t most,
				     struct store_ticket *ticket)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_TICKET_TIED);
	sqlite3_bind_int64(statement, 1, (int64_t)least);
	sqlite3_bind_int64(statement, 2, (int64_t)most);
	return fetch(store, statement, ticket);
}

enum store_result sqlite_ticket_each(struct store *base, store_see_ticket *see, void *context)
{
	struct sqlite_store *store = sqlite_store_of(base);
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_TICKET_ALL);
	struct store_ticket ticket;
	enum store_result result;
	while ((result = sqlite_row(store, statement)) == STORE_OK) {
		read_ticket(statement, &ticket);
		see(context, &ticket);
	}
	return result == STORE_NONE ? STORE_OK : result;
}

/* The ticket with the highest number; zeroes when there is none. */
static enum store_result find_last(struct sqlite_store *store, struct keyindex_reach *last)
{
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_TICKET_LAST);
	*last = (struct keyindex_reach){ 0, 0 };
	enum store_result result = sqlite_row(store, statement);
	if (result != STORE_OK) {
		return result == STORE_NONE ? STORE_OK : result;
	}
	last->number = sqlite3_column_int64(statement, 0);
	last->made_ns = sqlite3_column_int64(statement, 1);
	sqlite3_reset(statement);
	return STORE_OK;
}

/* Whether the ticket that the index ends with is this store's: STORE_NONE if it is not. */
static enum store_result confirm_reach(struct sqlite_store *store, struct keyindex_reach reach)
{
	struct store_ticket ticket;
	if (reach.number == 0) {
		return STORE_OK;
	}
	if (reach.number > store->last.number) {
		return STORE_NONE;
	}
	enum store_result result = sqlite_ticket_get(&store->base, reach.number, &ticket);
	if (result == STORE_OK && ticket.made_ns != reach.made_ns) {
		return STORE_NONE;
	}
	return result;
}

/* Adds the keys of all tickets above NUMBER to the index. */
static enum store_result add_keys_above(struct sqlite_store *store, int64_t number)
{
	char key[NAME_KEY_SIZE];
	sqlite3_stmt *statement = sqlite_statement(store, QUERY_TICKETS_WITH_KEY);
	sqlite3_bind_int64(statement, 1, number);
	enum store_result result;
	while ((result = sqlite_row(store, statement)) == STORE_OK) {
		read_key(statement, 1, key);
		if (keyindex_add(store->keys, key, sqlite3_column_int64(statement, 0))) {
			continue;
		}
		result = fail_keys(store);
		sqlite3_reset(statement);
		return result;
	}
	return result == STORE_NONE ? STORE_OK : result;
}

/* Another process sold, or the file was exchanged for a backup: the index has to follow. */
static enum store_result catch_up(struct sqlite_store *store, struct keyindex_reach reach)
{
	enum store_result result = confirm_reach(store, reach);
	if (result == STORE_FAILED) {
		return result;
	}
	if (result == STORE_NONE) {
		if (!keyindex_clear(store->keys)) {
			return fail_keys(store);
		}
		reach.number = 0;
	}
	if (add_keys_above(store, reach.number) != STORE_OK) {
		return STORE_FAILED;
	}
	keyindex_set_covered(store->keys, store->last);
	return STORE_OK;
}

enum store_result sqlite_tickets_begin(struct sqlite_store *store)
{
	if (find_last(store, &store->last) != STORE_OK) {
		return STORE_FAILED;
	}
	struct keyindex_reach reach = keyindex_covered(store->keys);
	if (reach.number == store->last.number && reach.made_ns == store->last.made_ns) {
		return STORE_OK;
	}
	return catch_up(store, reach);
}
