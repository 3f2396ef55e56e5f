#include "db/postgres/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/postgres/chat.h"
#include "db/postgres/count.h"
#include "db/postgres/events.h"
#include "db/postgres/handle.h"
#include "db/postgres/open.h"
#include "db/postgres/servers.h"
#include "db/postgres/target.h"
#include "db/postgres/tickets.h"
#include "db/postgres/waiters.h"

#define TRIES_AGAIN 3 /* to open one that seems to be back */

/* Transactions */

static void forget(struct postgres_store *store)
{
	work_empty(&store->work);
	event_cache_empty(&store->events);
	event_cache_empty(&store->written);
	store->counter = POSTGRES_COUNTER_UNKNOWN;
	store->counted = POSTGRES_COUNTER_UNKNOWN;
	store->epoch = POSTGRES_EPOCH_UNKNOWN;
	store->foreseen = false;
	store->holds_fetched = false;
	store->marked = false;
	store->committing = false;
	store->servers_fresh = false;
	postgres_waiters_forget(store);
}

static void foresee(struct store *base, const struct store_needs *needs)
{
	struct postgres_store *store = postgres_of(base);
	store->needs = needs;
	store->link.own = needs->server;
}

/* Also after a statement that failed: the link is as good as before. */
static void rollback(struct store *base)
{
	struct postgres_store *store = postgres_of(base);
	forget(store);
	store->needs = NULL;
	if (link_post(&store->link, POSTGRES_ROLLBACK, NULL)) {
		(void)link_settle(&store->link);
	}
}

/* Who has no batches has nobody that asks for them. */
static bool post_batch_lock(struct postgres_store *store)
{
	if (store->needs->server == 0) {
		return true;
	}
	parameters_begin(&store->parameters);
	parameters_put_number(&store->parameters, store->needs->server);
	return postgres_post(store, POSTGRES_BATCH_LOCK);
}

static bool take_batch_lock(struct postgres_store *store)
{
	if (store->needs->server == 0) {
		return true;
	}
	PGresult *row = link_take(&store->link);
	bool good = row;
	if (good && PQntuples(row) > 0) {
		store->epoch = link_number(row, 0, 0);
	}
	PQclear(row);
	return good;
}

static bool take_clock(struct postgres_store *store)
{
	PGresult *row = link_take(&store->link);
	bool good = row;
	if (good) {
		store->wall_ns = link_number(row, 0, 0);
	}
	PQclear(row);
	return good;
}

static bool take_nothing(struct postgres_store *store)
{
	PGresult *result = link_take(&store->link);
	PQclear(result);
	return result;
}

static bool counts(const struct postgres_store *store)
{
	return store->needs->adds || store->needs->waiters;
}

static bool post_needs(struct postgres_store *store)
{
	return post_batch_lock(store) && postgres_events_post(store) &&
	       (!counts(store) || postgres_counter_post(store)) && postgres_tickets_post(store) &&
	       (!store->needs->waiters || postgres_waiters_post(store));
}

static bool take_needs(struct postgres_store *store)
{
	return take_batch_lock(store) && postgres_events_take(store) &&
	       (!counts(store) || postgres_counter_take(store)) && postgres_tickets_take(store) &&
	       (!store->needs->waiters || postgres_waiters_take(store));
}

/*
 * Each statement sees what was committed when it began: so what is fetched is fetched after the
 * locks are had. Who adds tickets, or has to do with who waits, locks the counter, after the
 * events, as all do.
 */
static bool begin_foreseen(struct postgres_store *store)
{
	struct postgres_link *link = &store->link;
	bool posted = link_post(link, POSTGRES_BEGIN, NULL) && post_needs(store) &&
		      link_post(link, POSTGRES_CLOCK, NULL);
	bool good = posted && link_send(link) && take_nothing(store) && take_needs(store) &&
		    take_clock(store);
	good = link_end(link) && good;
	store->foreseen = good;
	return good;
}

/* Who does not say what it needs looks around: all that it sees is of one moment. */
static bool begin_unforeseen(struct postgres_store *store)
{
	struct postgres_link *link = &store->link;
	bool good = link_post(link, POSTGRES_BEGIN_SNAPSHOT, NULL) &&
		    link_post(link, POSTGRES_CLOCK, NULL) && link_send(link) &&
		    take_nothing(store) && take_clock(store);
	return link_end(link) && good;
}

static enum store_result begin(struct store *base)
{
	struct postgres_store *store = postgres_of(base);
	forget(store);
	if (store->needs ? begin_foreseen(store) : begin_unforeseen(store)) {
		return STORE_OK;
	}
	(void)postgres_fail(store);
	const bool hindered = postgres_is_hindered(store);
	rollback(base);
	if (hindered && !store->link.lost) { /* nothing was begun: the handle is as before */
		base->hindrance = STORE_WRITTEN;
		store->link.error[0] = '\0';
		store->link.state[0] = '\0';
	}
	return STORE_FAILED;
}

/* Whoever has the store elsewhere is told, and can count what it missed. */
static bool post_notes(struct postgres_store *store)
{
	parameters_begin(&store->parameters);
	parameters_put_number(&store->parameters, store->needs ? store->needs->server : 0);
	return (store->marked || link_post(&store->link, POSTGRES_CHANGE_NOTE, NULL)) &&
	       postgres_post(store, POSTGRES_NOTIFY);
}

/*
 * When COMMIT was sent, and the link broke before its result came, it may have been carried out, or
 * may be yet: who asks for the batch afterwards waits for its lock, and then it is one or the
 * other.
 */
static enum store_result commit(struct store *base)
{
	struct postgres_store *store = postgres_of(base);
	const bool changed = base->changed;
	bool posted = postgres_post_changes(store) && (!changed || post_notes(store)) &&
		      link_post(&store->link, POSTGRES_COMMIT, NULL);
	store->committing = posted;
	bool good = posted && link_settle(&store->link);
	if (good) {
		store->changes += changed;
		store->needs = NULL;
		return STORE_OK;
	}
	base->unclear = store->committing && store->link.lost && changed;
	(void)postgres_fail(store);
	rollback(base);
	return STORE_FAILED;
}

static int64_t wall_ns(const struct store *base)
{
	return ((const struct postgres_store *)base)->wall_ns;
}

/* Batches */

static enum store_result batch_last(struct store *base, int64_t server, int64_t *batch)
{
	struct postgres_store *store = postgres_of(base);
	parameters_begin(&store->parameters);
	parameters_put_number(&store->parameters, server);
	PGresult *row =
		postgres_ask(store, base->within ? POSTGRES_BATCH_LAST : POSTGRES_BATCH_SETTLE);
	if (!row) {
		return STORE_FAILED;
	}
	*batch = PQntuples(row) > 0 ? link_number(row, 0, 0) : 0;
	PQclear(row);
	return STORE_OK;
}

static enum store_result batch_mark(struct store *base, int64_t server, int64_t batch)
{
	struct postgres_store *store = postgres_of(base);
	bool foreseen = store->needs && store->needs->server == server;
	parameters_begin(&store->parameters);
	parameters_put_number(&store->parameters, server);
	parameters_put_number(&store->parameters, batch);
	parameters_put_number(&store->parameters, foreseen ? store->epoch : POSTGRES_EPOCH_UNKNOWN);
	bool good = postgres_post(store, POSTGRES_BATCH_MARK) &&
		    (store->marked_last == server ||
		     link_post(&store->link, POSTGRES_BATCH_FORGET, NULL));
	store->marked = true;
	store->marked_last = server;
	return good ? STORE_OK : postgres_fail(store);
}

/* In one statement: a key that a ticket's code was made from is never replaced. */
static enum store_result set_code_key(struct store *base, const struct siphash_key *key)
{
	struct postgres_store *store = postgres_of(base);
	parameters_begin(&store->parameters);
	parameters_put_number(&store->parameters, (int64_t)key->words[0]);
	parameters_put_number(&store->parameters, (int64_t)key->words[1]);
	PGresult *row = postgres_ask(store, POSTGRES_CODE_KEY_SET);
	if (!row) {
		return STORE_FAILED;
	}
	bool set = link_number(row, 0, 0) == 1;
	PQclear(row);
	if (!set) {
		return store_fail(base, "%s: has tickets already", base->path);
	}
	base->code_key = *key;
	return STORE_OK;
}

static bool heard(struct store *base)
{
	return link_listen(&postgres_of(base)->link);
}

/* Opening */

static void close_store(struct store *base)
{
	struct postgres_store *store = postgres_of(base);
	postgres_waiters_forget(store);
	link_close(&store->link);
	parameters_finish(&store->parameters);
	work_finish(&store->work);
	event_cache_finish(&store->events);
	event_cache_finish(&store->written);
	free(store);
}

/* Who goes on with a store must not find another one in its place. */
static bool is_the_same(const struct postgres_store *store, const char *url, bool make,
			uint64_t identity, char *error)
{
	if (make || target_identity(url) == 0) {
		target_set_identity(url, identity);
	}
	return target_identity(url) == identity ||
	       store_refuse(error,
			    "%s: is another store than before: stop the server, and put the store "
			    "back",
			    store->link.place);
}

static struct store *try_to_open(const char *url, bool make, bool *lost, char *error)
{
	struct postgres_store *store = calloc(1, sizeof(*store));
	struct postgres_about about;
	*lost = false;
	if (!store) {
		store_refuse(error, "%s: out of memory", url);
		return NULL;
	}
	bool good = postgres_connect(&store->link, url, make, &about) && postgres_first_look(store);
	if (!good) {
		store_refuse(error, "%s", store->link.error);
	}
	if (good && is_the_same(store, url, make, about.identity, error)) {
		store->base.code_key = about.code_key;
		snprintf(store->base.path, sizeof(store->base.path), "%s", store->link.place);
		return &store->base;
	}
	*lost = !good && store->link.lost;
	close_store(&store->base);
	return NULL;
}

/*
 * Who makes a store takes a failure for final unless the database is away: one that was away and
 * has come back since is tried once more, also one that comes and goes.
 */
static struct store *open_store(const char *url, bool make, char *error)
{
	bool lost;
	struct store *store = try_to_open(url, make, &lost, error);
	for (int i = 0; make && !store && lost && i < TRIES_AGAIN && !target_is_away(url); i++) {
		store = try_to_open(url, make, &lost, error);
	}
	return store;
}

const struct store_kind store_postgres = {
	.scheme = "postgresql",
	.is_good = target_is_good,
	.is_there = postgres_is_there,
	.locate = postgres_locate,
	.open = open_store,
	.close = close_store,
	.foresee = foresee,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.wall_ns = wall_ns,
	.heard = heard,
	.serve = postgres_serve,
	.renew = postgres_renew,
	.is_served_by = postgres_is_served_by,
	.servers = postgres_servers,
	.changed_elsewhere = postgres_changed_elsewhere,
	.set_code_key = set_code_key,
	.event_by_name = postgres_event_by_name,
	.event_by_number = postgres_event_by_number,
	.event_add = postgres_event_add,
	.event_write = postgres_event_write,
	.event_each = postgres_event_each,
	.event_count = postgres_event_count,
	.ticket_add = postgres_ticket_add,
	.ticket_get = postgres_ticket_get,
	.ticket_by_key = postgres_ticket_by_key,
	.ticket_change = postgres_ticket_change,
	.ticket_next_expiry = postgres_ticket_next_expiry,
	.ticket_tied = postgres_ticket_tied,
	.ticket_each = postgres_ticket_each,
	.room_put = postgres_room_put,
	.message_add = postgres_message_add,
	.messages_trim = postgres_messages_trim,
	.ban_put = postgres_ban_put,
	.room_each = postgres_room_each,
	.message_each = postgres_message_each,
	.ban_each = postgres_ban_each,
	.waiters_read = postgres_waiters_read,
	.waiters_write = postgres_waiters_write,
	.count = postgres_count,
	.batch_last = batch_last,
	.batch_mark = batch_mark,
};
