#include "db/postgres/queries.h"

#include <stdio.h>

#define BATCH_SERVERS "64"  /* kept in the table of batches */
#define LEASE         "10s" /* that a server's connections keep what they hold, when it is silent */
#define LEASE_FORGET  "1h"  /* when nobody needs it for a log any more */
#define LAPSES_AHEAD  "512" /* holds whose events are locked beforehand, since they are over */

#define EVENT_COLUMNS "number, name, title, total, sold, held, open::int"
#define TICKET_COLUMNS \
	"number, event, quantity, state, kind, made, expires, tied, key, salt, admitted"
#define NANOSECONDS " * 1000000000)::bigint"

/* What a statement that changes the rows CHANGED must find to be N: or else it fails. */
#define MUST_BE(n) " SELECT 1 / (count(*) = " n ")::int FROM changed"

/* The numbers in `state` are records.h's: spelled out where an index is chosen by them. */
static const char *const texts[POSTGRES_QUERIES] = {
	[POSTGRES_BEGIN] = "BEGIN ISOLATION LEVEL READ COMMITTED",
	[POSTGRES_BEGIN_SNAPSHOT] = "BEGIN ISOLATION LEVEL REPEATABLE READ",
	[POSTGRES_COMMIT] = "COMMIT",
	[POSTGRES_ROLLBACK] = "ROLLBACK",
	[POSTGRES_CLOCK] = "SELECT (extract(epoch FROM clock_timestamp())" NANOSECONDS,
	/*
	 * An array, not IN: a row that had to be waited for is held against the condition once
	 * more, by itself, and of IN's several selects all but one are empty then.
	 */
	[POSTGRES_EVENTS_LOCK] =
		"SELECT " EVENT_COLUMNS " FROM events WHERE number = ANY (ARRAY("
		" SELECT number FROM events WHERE name = ANY ($1::text[])"
		" UNION ALL SELECT event FROM tickets WHERE number = ANY ($2::bigint[])"
		" UNION ALL SELECT event FROM tickets WHERE state = 2 AND tied > 0"
		" AND tied = ANY ($3::bigint[])"
		" UNION ALL SELECT unnest($4::bigint[])"
		" UNION ALL SELECT event FROM tickets WHERE $5::int <> 0 AND state = 2"
		" AND tied > 0 AND tied >> 32 NOT IN (SELECT server FROM leases"
		" WHERE until > now())"
		" UNION ALL (SELECT event FROM tickets WHERE state = 2"
		" AND expires <= (extract(epoch FROM now())" NANOSECONDS
		" ORDER BY expires LIMIT " LAPSES_AHEAD ")))"
		" ORDER BY number FOR NO KEY UPDATE",
	[POSTGRES_EVENT_BY_NAME] =
		"SELECT " EVENT_COLUMNS " FROM events WHERE name = $1::text FOR NO KEY UPDATE",
	[POSTGRES_EVENT_BY_NUMBER] =
		"SELECT " EVENT_COLUMNS " FROM events WHERE number = $1::bigint FOR NO KEY UPDATE",
	[POSTGRES_EVENT_ALL] = "SELECT " EVENT_COLUMNS " FROM events ORDER BY number",
	[POSTGRES_EVENT_ADD] = "INSERT INTO events (number, name, title, total, sold, held, open)"
			       " SELECT coalesce(max(number), 0) + 1, $1::text, $2::text,"
			       " $3::bigint, $4::bigint, $5::bigint, $6::int <> 0"
			       " FROM events HAVING coalesce(bool_and(name <> $1::text), true)"
			       " RETURNING number",
	[POSTGRES_EVENTS_WRITE] =
		"WITH changed AS (UPDATE events e SET title = n.title, total = n.total,"
		" sold = n.sold, held = n.held, open = n.open <> 0"
		" FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[],"
		" $5::bigint[], $6::int[]) AS n (number, title, total, sold, held, open)"
		" WHERE e.number = n.number RETURNING 1)" MUST_BE("cardinality($1)"),
	[POSTGRES_EVENT_COUNT] =
		"SELECT coalesce(sum(quantity) FILTER (WHERE state IN (1, 5)), 0)::bigint,"
		" coalesce(sum(quantity) FILTER (WHERE state = 2), 0)::bigint,"
		" coalesce(sum(quantity) FILTER (WHERE state = 5), 0)::bigint"
		" FROM tickets WHERE event = $1::bigint",
	[POSTGRES_EVENT_TALLIES] = "SELECT event, quantity, state FROM tickets",
	[POSTGRES_COUNTER_LOCK] = "SELECT last_ticket, waiters_last, waiters_floor FROM store"
				  " FOR NO KEY UPDATE",
	[POSTGRES_COUNTER_WRITE] = "UPDATE store SET last_ticket = $1::bigint",
	[POSTGRES_TICKETS_FETCH] =
		"SELECT " TICKET_COLUMNS " FROM tickets WHERE number = ANY ($1::bigint[])"
		" UNION SELECT " TICKET_COLUMNS " FROM tickets WHERE key = ANY ($2::text[])"
		" UNION SELECT " TICKET_COLUMNS " FROM tickets WHERE state = 2 AND tied > 0"
		" AND tied = ANY ($3::bigint[])",
	[POSTGRES_TICKETS_HELD] = "SELECT " TICKET_COLUMNS " FROM tickets WHERE state = 2"
				  " ORDER BY expires, number LIMIT " POSTGRES_HOLDS_AHEAD_TEXT,
	[POSTGRES_TICKETS_ADD] =
		"INSERT INTO tickets (" TICKET_COLUMNS ")"
		" SELECT number, event, quantity, state, kind, made, expires, tied,"
		" nullif(key, ''), salt, admitted FROM unnest($1::bigint[], $2::bigint[], "
		"$3::bigint[],"
		" $4::int[], $5::int[], $6::bigint[], $7::bigint[], $8::bigint[], $9::text[],"
		" $10::bigint[], $11::bigint[]) AS n (" TICKET_COLUMNS ")",
	[POSTGRES_TICKETS_CHANGE] =
		"WITH changed AS (UPDATE tickets t SET state = n.state, expires = n.expires,"
		" quantity = n.quantity, admitted = n.admitted"
		" FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[], $5::int[],"
		" $6::bigint[], $7::bigint[]) AS n (number, state, expires, quantity, was, "
		"was_quantity, admitted)"
		" WHERE t.number = n.number AND t.state = n.was AND t.quantity = n.was_quantity"
		" RETURNING 1)" MUST_BE("cardinality($1)"),
	[POSTGRES_TICKET_TIED] = "SELECT " TICKET_COLUMNS " FROM tickets WHERE state = 2"
				 " AND tied > 0 AND tied BETWEEN $1::bigint AND $2::bigint"
				 " ORDER BY tied, number LIMIT 1",
	[POSTGRES_TICKET_ALL] = "SELECT " TICKET_COLUMNS " FROM tickets ORDER BY number",
	[POSTGRES_CODE_KEY_SET] = "WITH changed AS (UPDATE store SET code_key_1 = $1::bigint,"
				  " code_key_2 = $2::bigint WHERE last_ticket = 0 RETURNING 1)"
				  " SELECT count(*) FROM changed",
	/* Planned for small tables: selects within, since a join would read all tickets, and the
	 * changes first, since their order would lead through all who wait. */
	[POSTGRES_WAITERS_FETCH] =
		"SELECT number, event, quantity, session, worker, seat, passed, ticket, waits::int,"
		" coalesce((SELECT salt FROM tickets t WHERE NOT waits AND t.number = ticket), 0),"
		" coalesce((SELECT CASE state WHEN 2 THEN expires ELSE 0 END FROM tickets t"
		" WHERE NOT waits AND t.number = ticket), 0),"
		" (SELECT name FROM events e WHERE e.number = event)"
		" FROM (SELECT * FROM waiters WHERE version > $1::bigint OFFSET 0) AS changed"
		" ORDER BY number",
	[POSTGRES_WAITERS_WRITE] =
		"INSERT INTO waiters (number, event, quantity, session, worker, seat, passed,"
		" ticket, waits, version)"
		" SELECT n.*, $10::bigint FROM (SELECT number, event, quantity, session, worker,"
		" seat, passed, ticket, waits <> 0 FROM unnest($1::bigint[], $2::bigint[],"
		" $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],"
		" $8::bigint[], $9::int[]) AS u (number, event, quantity, session, worker, seat,"
		" passed, ticket, waits)) AS n ON CONFLICT (number) DO UPDATE SET"
		" passed = excluded.passed, ticket = excluded.ticket, waits = excluded.waits,"
		" version = excluded.version",
	[POSTGRES_WAITERS_COUNT] = "UPDATE store SET waiters_last = $1::bigint,"
				   " waiters_floor = $2::bigint",
	[POSTGRES_WAITERS_TIDY] = "DELETE FROM waiters WHERE NOT waits AND version <= $1::bigint",
	[POSTGRES_BATCH_LOCK] =
		"SELECT epoch FROM batches WHERE server = $1::bigint FOR NO KEY UPDATE",
	[POSTGRES_BATCH_LAST] = "SELECT batch FROM batches WHERE server = $1::bigint",
	[POSTGRES_BATCH_SETTLE] = "UPDATE batches SET epoch = epoch + 1 WHERE server = $1::bigint"
				  " RETURNING batch",
	[POSTGRES_BATCH_MARK] =
		"WITH changed AS (INSERT INTO batches AS b (server, batch, epoch, changes, used)"
		" VALUES ($1::bigint, $2::bigint, 0, 1, nextval('uses'))"
		" ON CONFLICT (server) DO UPDATE SET batch = excluded.batch,"
		" changes = b.changes + 1, used = excluded.used"
		" WHERE $3::bigint IN (b.epoch, -1) RETURNING 1)" MUST_BE("1"),
	[POSTGRES_BATCH_FORGET] = "DELETE FROM batches WHERE server IN (SELECT server FROM batches"
				  " WHERE server <> 0 AND server NOT IN (SELECT server FROM batches"
				  " WHERE server <> 0 ORDER BY used DESC LIMIT " BATCH_SERVERS ")"
				  " FOR UPDATE SKIP LOCKED)",
	[POSTGRES_CHANGE_NOTE] = "INSERT INTO batches AS b (server, batch, epoch, changes, used)"
				 " VALUES (0, 0, 0, 1, 0) ON CONFLICT (server)"
				 " DO UPDATE SET changes = b.changes + 1",
	[POSTGRES_CHANGES] = "SELECT coalesce(sum(changes), 0)::bigint FROM batches",
	[POSTGRES_NOTIFY] = "SELECT pg_notify('" POSTGRES_CHANNEL "', $1::bigint::text)",
	[POSTGRES_LEASE_RENEW] =
		"INSERT INTO leases (server, until) VALUES ($1::bigint, now() + interval '" LEASE
		"') ON CONFLICT (server) DO UPDATE SET until = excluded.until",
	[POSTGRES_LEASE_FORGET] =
		"DELETE FROM leases WHERE until < now() - interval '" LEASE_FORGET "'",
	[POSTGRES_LEASES] = "SELECT server FROM leases WHERE until > now() ORDER BY server",
	[POSTGRES_ROOM_PUT] =
		"INSERT INTO rooms (node, place, name, topic)"
		" VALUES ($1::text, $2::bigint, $3::text, $4::text) ON CONFLICT (node, place)"
		" DO UPDATE SET name = excluded.name, topic = excluded.topic",
	[POSTGRES_ROOM_FORGET] = "DELETE FROM messages WHERE node = $1::text AND room = $2::bigint",
	[POSTGRES_ROOM_ALL] = "SELECT place, name, topic FROM rooms WHERE node = $1::text"
			      " ORDER BY place",
	[POSTGRES_MESSAGE_ADD] =
		"INSERT INTO messages (node, room, number, made, text) VALUES ($1::text,"
		" $2::bigint, $3::bigint, $4::bigint, $5::text)"
		" ON CONFLICT (node, room, number) DO UPDATE SET made = excluded.made,"
		" text = excluded.text",
	[POSTGRES_MESSAGES_TRIM] =
		"DELETE FROM messages WHERE node = $1::text AND room = $2::bigint AND number <="
		" (SELECT number FROM messages WHERE node = $1::text AND room = $2::bigint"
		" ORDER BY number DESC LIMIT 1 OFFSET $3::bigint)",
	[POSTGRES_MESSAGE_ALL] = "SELECT room, number, made, text FROM messages"
				 " WHERE node = $1::text ORDER BY room, number",
	[POSTGRES_BAN_PUT] = "INSERT INTO bans (address, until) VALUES ($1::text, $2::bigint)"
			     " ON CONFLICT (address) DO UPDATE SET until = excluded.until",
	[POSTGRES_BANS_OVER] = "DELETE FROM bans WHERE until <= $1::bigint",
	[POSTGRES_BAN_ALL] = "SELECT address, until FROM bans",
};

const char *postgres_query_text(enum postgres_query query)
{
	return texts[query];
}

#define NAME_SIZE sizeof("turnstile-2147483647")

const char *postgres_query_name(enum postgres_query query)
{
	static _Thread_local char name[NAME_SIZE];
	snprintf(name, sizeof(name), "turnstile-%d", (int)query);
	return name;
}
