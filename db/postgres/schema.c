#include "db/postgres/schema.h"

#include <stdio.h>
#include <string.h>

#define STATE_NO_RIGHT "42501"
#define LOCK_NUMBER    "7311145874" /* of the advisory lock for making: any number of ours */
#define SQL_SIZE       512

/*
 * Step N takes version N to version N + 1. What was released is not changed any more: a new version
 * is a new step at the end.
 *
 * No foreign keys: an event is never deleted, and looking it up again for each ticket was a third
 * of a booking's cost. `turnstile store check` says when one is missing.
 */
static const char *const steps[] = {
	"CREATE SCHEMA turnstile;"
	"CREATE TABLE turnstile.store ("
	"  one         boolean PRIMARY KEY DEFAULT true CHECK (one)," /* a single row */
	"  version     integer NOT NULL,"
	"  identity    bigint NOT NULL,"
	"  code_key_1  bigint NOT NULL," /* the two words of the key of its codes */
	"  code_key_2  bigint NOT NULL,"
	"  last_ticket bigint NOT NULL DEFAULT 0" /* who adds tickets locks the row */
	");"

	"CREATE TABLE turnstile.events ("
	"  number bigint PRIMARY KEY,"
	"  name   text NOT NULL UNIQUE,"
	"  title  text NOT NULL,"
	"  total  bigint NOT NULL," /* tickets, as in the next two */
	"  sold   bigint NOT NULL,"
	"  held   bigint NOT NULL,"
	"  open   boolean NOT NULL,"
	"  CHECK (sold >= 0 AND held >= 0 AND sold + held <= total)"
	") WITH (fillfactor = 50);"

	"CREATE TABLE turnstile.tickets ("
	"  number   bigint PRIMARY KEY,"
	"  event    bigint NOT NULL,"
	"  quantity bigint NOT NULL,"
	"  state    smallint NOT NULL," /* the numbers are records.h's, as of the next */
	"  kind     smallint NOT NULL,"
	"  made     bigint NOT NULL," /* nanoseconds since 1970, as the next */
	"  expires  bigint NOT NULL,"
	"  tied     bigint NOT NULL,"
	"  key      text COLLATE \"C\" UNIQUE,"
	"  salt     bigint NOT NULL,"
	"  admitted bigint NOT NULL" /* nanoseconds since 1970; 0: it was not, or nobody knows */
	");"
	"CREATE INDEX holds ON turnstile.tickets (expires, number) WHERE state = 2;"
	"CREATE INDEX ties ON turnstile.tickets (tied, number) WHERE state = 2 AND tied > 0;"

	"CREATE SEQUENCE turnstile.uses;"
	"CREATE TABLE turnstile.batches ("
	"  server  bigint PRIMARY KEY," /* 0: tools, and whoever else has no batches */
	"  batch   bigint NOT NULL,"    /* committed last */
	"  epoch   bigint NOT NULL,"    /* since it was last asked what became of a batch */
	"  changes bigint NOT NULL,"    /* transactions that changed something */
	"  used    bigint NOT NULL"     /* the higher, the later */
	") WITH (fillfactor = 50);"

	"CREATE TABLE turnstile.leases ("
	"  server bigint PRIMARY KEY,"
	"  until  timestamptz NOT NULL" /* what is tied to its connections ends then */
	") WITH (fillfactor = 50);"

	"CREATE TABLE turnstile.rooms ("
	"  node  text NOT NULL," /* whose chat it is */
	"  place bigint NOT NULL,"
	"  name  text NOT NULL,"
	"  topic text NOT NULL,"
	"  PRIMARY KEY (node, place)"
	");"
	"CREATE TABLE turnstile.messages ("
	"  node   text NOT NULL,"
	"  room   bigint NOT NULL," /* its place */
	"  number bigint NOT NULL,"
	"  made   bigint NOT NULL," /* nanoseconds since 1970 */
	"  text   text NOT NULL,"
	"  PRIMARY KEY (node, room, number)"
	");"
	"CREATE TABLE turnstile.bans ("
	"  address text PRIMARY KEY,"
	"  until   bigint NOT NULL" /* nanoseconds since 1970 */
	");",

	"ALTER TABLE turnstile.store"
	"  ADD waiters_last bigint NOT NULL DEFAULT 0,"  /* the count of changes of the row */
	"  ADD waiters_floor bigint NOT NULL DEFAULT 0;" /* who left before is forgotten */
	"CREATE TABLE turnstile.waiters ("
	"  number   bigint PRIMARY KEY," /* their order */
	"  event    bigint NOT NULL,"
	"  quantity bigint NOT NULL,"
	"  session  bigint NOT NULL," /* the upper half is the server's number */
	"  worker   bigint NOT NULL," /* of that server, as is the seat */
	"  seat     bigint NOT NULL,"
	"  passed   bigint NOT NULL,"
	"  ticket   bigint NOT NULL,"  /* what is gathered for it, or what it was offered; or 0 */
	"  waits    boolean NOT NULL," /* or it left */
	"  version  bigint NOT NULL"   /* the count at its last change */
	") WITH (fillfactor = 50);"
	"CREATE INDEX waiters_version ON turnstile.waiters (version);",
};

#define SCHEMA_VERSION ((int)(sizeof(steps) / sizeof(*steps)))

const char *postgres_schema_step(int version)
{
	return version < SCHEMA_VERSION ? steps[version] : NULL;
}

static bool refuse(struct postgres_link *link, const char *why)
{
	(void)snprintf(link->error, sizeof(link->error), "%s: %s", link->place, why);
	return false;
}

enum store_result postgres_schema_find(struct postgres_link *link)
{
	PGresult *found = link_query(link, "SELECT to_regclass('turnstile.store') IS NOT NULL");
	bool there = found && *PQgetvalue(found, 0, 0) == 't';
	bool asked = found;
	PQclear(found);
	return !asked ? STORE_FAILED : there ? STORE_OK : STORE_NONE;
}

static bool read_about(struct postgres_link *link, int *version, struct postgres_about *about)
{
	PGresult *row = link_query(link, "SELECT version, identity, code_key_1, code_key_2 "
					 "FROM turnstile.store");
	bool good = row && PQntuples(row) == 1;
	if (good) {
		*version = (int)link_number(row, 0, 0);
		about->identity = (uint64_t)link_number(row, 0, 1);
		about->code_key.words[0] = (uint64_t)link_number(row, 0, 2);
		about->code_key.words[1] = (uint64_t)link_number(row, 0, 3);
	} else if (row) {
		refuse(link, "its schema turnstile is not what this program made");
	}
	PQclear(row);
	return good;
}

/* The row of a schema that was made just now. */
static bool write_about(struct postgres_link *link)
{
	struct siphash_key key;
	struct siphash_key identity;
	char sql[SQL_SIZE];
	siphash_key_make(&key);
	siphash_key_make(&identity);
	snprintf(sql, sizeof(sql),
		 "INSERT INTO turnstile.store (version, identity, code_key_1, code_key_2) "
		 "VALUES (0, %lld, %lld, %lld)",
		 (long long)(identity.words[0] | 1), (long long)key.words[0],
		 (long long)key.words[1]);
	return link_run(link, sql);
}

static bool take_steps(struct postgres_link *link, int version)
{
	char end[SQL_SIZE];
	for (int step = version; step < SCHEMA_VERSION; step++) {
		if (!link_run(link, steps[step]) || (step == 0 && !write_about(link))) {
			return false;
		}
	}
	snprintf(end, sizeof(end), "UPDATE turnstile.store SET version = %d", SCHEMA_VERSION);
	return link_run(link, end);
}

/* The first makes it; who waited meanwhile finds it made. */
static bool update(struct postgres_link *link, bool make, struct postgres_about *about)
{
	int version = 0;
	enum store_result found = postgres_schema_find(link);
	if (found == STORE_FAILED || (found == STORE_OK && !read_about(link, &version, about))) {
		return false;
	}
	if (found == STORE_NONE && !make) {
		return refuse(link, "its schema turnstile is gone, or never was: if it was, stop "
				    "the server, and put the store back");
	}
	if (version > SCHEMA_VERSION) {
		return refuse(link, "was written by a newer version of this program");
	}
	return version == SCHEMA_VERSION ||
	       (take_steps(link, version) && read_about(link, &version, about));
}

static void explain_rights(struct postgres_link *link)
{
	if (strcmp(link->state, STATE_NO_RIGHT) == 0) {
		size_t used = strlen(link->error);
		(void)snprintf(link->error + used, sizeof(link->error) - used,
			       ": the role needs the rights that docs/cluster.md lists");
	}
}

bool postgres_schema_open(struct postgres_link *link, bool make, struct postgres_about *about)
{
	bool good = link_run(link, "BEGIN; SELECT pg_advisory_xact_lock(" LOCK_NUMBER ")") &&
		    update(link, make, about) && link_run(link, "COMMIT");
	if (!good) {
		explain_rights(link);
	}
	return good;
}
