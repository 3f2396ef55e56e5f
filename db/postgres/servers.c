#include "db/postgres/servers.h"

#define SPREAD UINT64_C(0x9e3779b97f4a7c15) /* so that sums of numbers differ */

/* Takes the rows of leases. */
static bool take_servers(struct postgres_store *store)
{
	PGresult *rows = link_take(&store->link);
	int count = rows ? PQntuples(rows) : 0;
	bool good = rows;
	store->server_count = 0;
	for (int row = 0; row < count && store->server_count < POSTGRES_SERVERS_MAX; row++) {
		store->servers[store->server_count++] = (uint32_t)link_number(rows, row, 0);
	}
	store->servers_fresh = good;
	PQclear(rows);
	return good;
}

static bool take_changes(struct postgres_store *store)
{
	PGresult *row = link_take(&store->link);
	bool good = row;
	if (good) {
		store->changes_seen = link_number(row, 0, 0);
		store->looked = true;
	}
	PQclear(row);
	return good;
}

static bool skip(struct postgres_store *store)
{
	PGresult *result = link_take(&store->link);
	PQclear(result);
	return result;
}

static bool post_renewal(struct postgres_store *store, uint32_t server)
{
	parameters_begin(&store->parameters);
	parameters_put_number(&store->parameters, server);
	return postgres_post(store, POSTGRES_LEASE_RENEW) &&
	       link_post(&store->link, POSTGRES_LEASE_FORGET, NULL);
}

static bool post_look(struct postgres_store *store)
{
	return link_post(&store->link, POSTGRES_LEASES, NULL) &&
	       link_post(&store->link, POSTGRES_CHANGES, NULL);
}

static bool take_look(struct postgres_store *store)
{
	return take_servers(store) && take_changes(store);
}

enum store_result postgres_renew(struct store *base, uint32_t server)
{
	struct postgres_store *store = postgres_of(base);
	store->server = server;
	bool good = post_renewal(store, server) && post_look(store) && link_send(&store->link) &&
		    skip(store) && skip(store) && take_look(store);
	good = link_end(&store->link) && good;
	return good ? STORE_OK : postgres_fail(store);
}

bool postgres_first_look(struct postgres_store *store)
{
	bool good = post_look(store) && link_send(&store->link) && take_look(store);
	good = link_end(&store->link) && good;
	store->changes = store->changes_seen;
	store->looked = false;
	return good;
}

bool postgres_serve(struct store *base, uint32_t server)
{
	const struct postgres_store *store = postgres_of(base);
	bool alone = postgres_renew(base, server) == STORE_OK;
	for (size_t i = 0; i < store->server_count; i++) {
		alone = alone && store->servers[i] == server;
	}
	return alone;
}

/* Within a transaction one that came meanwhile must be known: it may have ties already. */
static bool look_at_servers(struct postgres_store *store)
{
	bool good = link_post(&store->link, POSTGRES_LEASES, NULL) && link_send(&store->link) &&
		    take_servers(store);
	return link_end(&store->link) && good;
}

/* As of this transaction. As if it did where that cannot be told. */
bool postgres_is_served_by(struct store *base, uint32_t server)
{
	struct postgres_store *store = postgres_of(base);
	bool fresh = store->servers_fresh && base->within;
	if (!fresh && !look_at_servers(store)) {
		(void)postgres_fail(store);
		return true;
	}
	bool found = server == store->server;
	for (size_t i = 0; i < store->server_count; i++) {
		found = found || store->servers[i] == server;
	}
	return found;
}

uint64_t postgres_servers(struct store *base)
{
	const struct postgres_store *store = postgres_of(base);
	uint64_t sum = 0;
	for (size_t i = 0; i < store->server_count; i++) {
		sum += (uint64_t)(store->servers[i] + 1) * SPREAD;
	}
	return sum;
}

bool postgres_changed_elsewhere(struct store *base)
{
	struct postgres_store *store = postgres_of(base);
	if (!store->looked) {
		bool good = link_post(&store->link, POSTGRES_CHANGES, NULL) &&
			    link_send(&store->link) && take_changes(store);
		if (!link_end(&store->link) || !good) {
			return true;
		}
	}
	bool changed = store->changes_seen != store->changes;
	store->changes = store->changes_seen;
	store->looked = false;
	return changed;
}
