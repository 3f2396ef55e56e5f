#include "db/postgres/open.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db/postgres/target.h"
#include "db/store/kind.h"

#define VERSION_LEAST 130000 /* 13.0, as libpq counts */

/*
 * A node that was cut off in the middle of a transaction keeps its rows locked until the database
 * gives it up; and who waits for a row is refused before its buyers have waited for two seconds.
 * A statement is planned once, for tables as large as they will be.
 */
#define SETTINGS                                                                        \
	"SELECT pg_backend_pid(), set_config('search_path', 'turnstile', false),"       \
	" set_config('lock_timeout', '1200ms', false),"                                 \
	" set_config('idle_in_transaction_session_timeout', '3s', false),"              \
	" set_config('tcp_user_timeout', '3s', false),"                                 \
	" set_config('tcp_keepalives_idle', '2', false),"                               \
	" set_config('tcp_keepalives_interval', '1', false),"                           \
	" set_config('tcp_keepalives_count', '2', false),"                              \
	" set_config('plan_cache_mode', 'force_generic_plan', false),"                  \
	" set_config('enable_seqscan', 'off', false), set_config('jit', 'off', false)," \
	" set_config('client_min_messages', 'warning', false),"                         \
	" set_config('synchronous_commit',"                                             \
	" CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'"              \
	" ELSE current_setting('synchronous_commit') END, false)"

static bool refuse(struct postgres_link *link, const char *why)
{
	(void)snprintf(link->error, sizeof(link->error), "%s: %s", link->place, why);
	return false;
}

static bool check_version(struct postgres_link *link)
{
	return PQserverVersion(link->connection) >= VERSION_LEAST ||
	       refuse(link, "is too old: it should be PostgreSQL 13 or later");
}

/* A pooler gives out a process number of its own: what is set, prepared and listened to is lost. */
static bool set_up(struct postgres_link *link)
{
	PGresult *row = link_query(link, SETTINGS);
	if (!row) {
		return false;
	}
	bool direct = link_number(row, 0, 0) == PQbackendPID(link->connection);
	PQclear(row);
	return direct || refuse(link, "a pooler such as PgBouncer is in between: name the "
				      "database itself");
}

static void ignore_notice(void *context, const PGresult *notice)
{
	(void)context;
	(void)notice;
}

bool postgres_connect(struct postgres_link *link, const char *url, bool make,
		      struct postgres_about *about)
{
	bool good = link_open(link, url) && check_version(link);
	if (good) {
		PQsetNoticeReceiver(link->connection, ignore_notice, NULL);
	}
	good = good && set_up(link) && postgres_schema_open(link, make, about) &&
	       link_run(link, "LISTEN " POSTGRES_CHANNEL) && link_prepare(link);
	if (!good) {
		link_close(link);
	}
	return good;
}

bool postgres_is_there(const char *url)
{
	struct postgres_link link;
	bool there = link_open(&link, url) && postgres_schema_find(&link) == STORE_OK;
	link_close(&link);
	return there;
}

/* By the URL, which is known also while the database is away. */
bool postgres_locate(const char *url, const char *folder, char *path, char *error)
{
	static const struct siphash_key no_secret;
	int length = snprintf(path, PATH_MAX, "%s/turnstile-%u-%016" PRIx64, folder,
			      (unsigned)geteuid(), siphash(&no_secret, url, strlen(url)));
	return length < PATH_MAX || store_refuse(error, "%s: the name is too long", folder);
}
