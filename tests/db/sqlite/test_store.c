#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db/open.h"
#include "db/sqlite/schema.h"
#include "db/store/invariants.h"
#include "shared/base/log.h"
#include "tests/db/scratch.h"
#include "tests/support/child.h"

#define MIB (size_t)(1 << 20)

TestSuite(store_on_sqlite, .init = scratch_make, .fini = scratch_remove);

/* Whether the store NAME is refused, with a line that names NAME and says REASON. */
static bool is_refused(const char *name, const char *reason)
{
	char error[STORE_ERROR_SIZE] = "";
	struct store *store = store_open(scratch_url(name), error);
	store_close(store);
	return !store && strstr(error, name) && strstr(error, reason) && !strchr(error, '\n');
}

/* Carries out SQL on the file NAME, as another program would. */
static void run_sql(const char *name, const char *sql)
{
	sqlite3 *database;
	cr_assert_eq(sqlite3_open(scratch_path(name), &database), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK, "%s",
		     sqlite3_errmsg(database));
	sqlite3_close(database);
}

Test(store_on_sqlite, that_is_no_database_is_refused)
{
	write_file(scratch_path("text"),
		   "This is some text, longer than a database's head. Really: "
		   "it has more than a hundred bytes, all of them letters.",
		   110);
	cr_assert(is_refused("text", "not a database"));
}

Test(store_on_sqlite, of_another_program_is_refused_and_left_as_it_was)
{
	run_sql("foreign", "CREATE TABLE things (a)");
	cr_assert(is_refused("foreign", "another program's"));
	run_sql("foreign", "SELECT a FROM things");
	run_sql("marked", "PRAGMA application_id = 7");
	cr_assert(is_refused("marked", "another program's"));
	cr_assert_eq(file_size(scratch_path("foreign-wal")), 0);
}

Test(store_on_sqlite, of_a_newer_version_is_refused)
{
	store_close(open_store());
	run_sql("s", "PRAGMA user_version = 99");
	cr_assert(is_refused("s", "newer version"));
}

static void book_many(struct store *store, int batches)
{
	static int key;
	char text[NAME_KEY_SIZE];
	for (int batch = 0; batch < batches; batch++) {
		begin(store);
		for (int i = 0; i < 512; i++) {
			snprintf(text, sizeof(text), "a-key-that-is-about-as-long-as-it-may-be-%d",
				 key++);
			cr_assert_eq(ask(store, BOOKING_BOOK, "rush", 1, text).outcome,
				     BOOKING_DONE);
		}
		commit(store);
	}
}

/* The file "s" as the program of schema VERSION made it, with a hold of 2 of 10 that is tied. */
static void make_old(int64_t version)
{
	char marks[128];
	snprintf(marks, sizeof(marks),
		 "PRAGMA application_id = 0x7475726e; PRAGMA user_version = %lld",
		 (long long)version);
	for (int64_t step = 0; step < version; step++) {
		run_sql("s", sqlite_schema_step(step));
	}
	run_sql("s", marks);
	run_sql("s", "INSERT INTO meta VALUES ('code_key', x'000102030405060708090a0b0c0d0e0f');"
		     "INSERT INTO events VALUES (1, 'rush', '', 10, 0, 2, 1);"
		     "INSERT INTO tickets (number, event, quantity, state, kind, made, expires,"
		     " tied, key) VALUES (1, 1, 2, 2, 2, 5, 9000000000000000000, 77, 'k')");
}

static int64_t version_of(const char *name)
{
	sqlite3 *database;
	sqlite3_stmt *statement;
	cr_assert_eq(sqlite3_open(scratch_path(name), &database), SQLITE_OK);
	cr_assert_eq(sqlite3_prepare_v2(database, "PRAGMA user_version", -1, &statement, NULL),
		     SQLITE_OK);
	cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
	int64_t version = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(database);
	return version;
}

static void expect_brought_up(void)
{
	const unsigned char key[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	struct store_ticket ticket;
	struct store *store = open_store();
	cr_assert_eq(memcmp(store_code_key(store), key, sizeof(key)), 0);
	begin(store);
	cr_assert_eq(store_ticket_tied(store, 77, 77, &ticket), STORE_OK);
	cr_assert_eq(store_ticket_by_key(store, "k", &ticket), STORE_OK);
	cr_assert_eq(ticket.quantity, 2);
	cr_assert_eq(ticket.salt, 0, "old tickets keep their codes");
	abandon(store);
	cr_assert(adds_up(store, "rush"));
	cr_assert_eq(ask_alone(store, BOOKING_BOOK, "rush", 8, "").outcome, BOOKING_DONE);
	store_close(store);
}

Test(store_on_sqlite, of_each_earlier_version_is_brought_up)
{
	int64_t newest = 0;
	while (sqlite_schema_step(newest)) {
		newest++;
	}
	for (int64_t version = 1; version <= newest; version++) {
		unlink(scratch_path("s"));
		unlink(scratch_path("s-keys"));
		make_old(version);
		expect_brought_up();
		cr_assert_eq(version_of("s"), newest);
	}
}

/* What each of these did to a store without a fault is found. */
static const struct {
	const char *damage;
	const char *breach;
} damages[] = {
	{ "UPDATE events SET sold = 4 WHERE name = 'rush'",
	  "event rush says that 4 are sold, its tickets 5" },
	{ "UPDATE events SET held = 0 WHERE name = 'rush'",
	  "event rush says that 0 are held, its tickets 2" },
	{ "UPDATE tickets SET quantity = 60 WHERE number = 1", "event rush is oversold" },
	{ "UPDATE tickets SET quantity = 0 WHERE number = 2", "ticket 2 has the quantity 0" },
	{ "UPDATE tickets SET state = 9 WHERE number = 2", "ticket 2 has an unknown state: 9" },
	{ "UPDATE tickets SET kind = 0 WHERE number = 2", "ticket 2 has an unknown kind: 0" },
	{ "UPDATE tickets SET event = 7 WHERE number = 2",
	  "ticket 2 is of an event that is not there: 7" },
	{ "UPDATE tickets SET expires = 0 WHERE number = 3", "ticket 3 is held and has no end" },
	{ "UPDATE tickets SET expires = 5 WHERE number = 1",
	  "ticket 1 is not held and has an end" },
	{ "UPDATE tickets SET admitted = 5 WHERE number = 1",
	  "ticket 1 was not admitted and says when" },
	{ "UPDATE tickets SET key = 'one' WHERE number = 2",
	  "tickets 1 and 2 have the same key \"one\"" },
	{ "UPDATE tickets SET key = 'a b' WHERE number = 2", "ticket 2 has a key that is none" },
	{ "DELETE FROM tickets WHERE number = 2", "ticket 3 follows ticket 1" },
	{ "UPDATE events SET name = 'The Rush'", "event 1 has a name that is none" },
};

static void ignore_event(void *context, const struct store_event *event)
{
	(void)context;
	(void)event;
}

static void gather_breach(void *context, const char *text)
{
	char *breaches = context;
	size_t used = strlen(breaches);
	snprintf(breaches + used, 1024 - used, "%s\n", text);
}

static enum store_result look(char *breaches)
{
	const struct invariants_look look = { ignore_event, gather_breach, breaches };
	struct store *store = open_store();
	*breaches = '\0';
	begin(store);
	enum store_result result = invariants_look(store, &look);
	abandon(store);
	store_close(store);
	return result;
}

static void make_sound_store(void)
{
	struct store *store = open_store();
	make_event(store, "rush", 10);
	ask_alone(store, BOOKING_BOOK, "rush", 3, "one");
	ask_alone(store, BOOKING_BOOK, "rush", 2, "two");
	struct store_ticket hold = { .event = 1, .quantity = 2, .state = TICKET_HELD };
	struct store_event *event;
	hold.kind = TICKET_BY_HOLD;
	hold.expires_ns = INT64_MAX;
	begin(store);
	cr_assert_eq(store_ticket_add(store, &hold), STORE_OK);
	cr_assert_eq(store_event_get(store, 1, &event), STORE_OK);
	store_event_change(store, event);
	event->held = 2;
	commit(store);
	store_close(store);
}

Test(store_on_sqlite, whatever_is_wrong_in_it_is_found)
{
	char breaches[1024];
	make_sound_store();
	cr_assert_eq(look(breaches), STORE_OK, "%s", breaches);
	copy_file(scratch_path("s"), scratch_path("sound"));
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		copy_file(scratch_path("sound"), scratch_path("s"));
		run_sql("s", damages[i].damage);
		cr_assert_eq(look(breaches), STORE_NONE, "%s", damages[i].damage);
		cr_assert(strstr(breaches, damages[i].breach), "%s: %s", damages[i].damage,
			  breaches);
	}
}

Test(store_on_sqlite, log_stays_short)
{
	struct store *store = open_store();
	make_event(store, "rush", STORE_TOTAL_MAX);
	size_t longest = 0;
	for (int i = 0; i < 30; i++) {
		book_many(store, 10);
		size_t size = file_size(scratch_path("s-wal"));
		longest = size > longest ? size : longest;
	}
	cr_assert_lt(longest, 6 * MIB);
	cr_assert_gt(file_size(scratch_path("s")), 6 * MIB, "or there was nothing to see");
	store_close(store);
}

/* Another program's transaction, which reads and does not end. */
static sqlite3 *start_reader(void)
{
	sqlite3 *reader;
	cr_assert_eq(sqlite3_open(scratch_path("s"), &reader), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(reader, "BEGIN; SELECT * FROM events", NULL, NULL, NULL),
		     SQLITE_OK);
	return reader;
}

/* Sells until the log has so many MiB, since a reader keeps it, and on when that has ended. */
static void outlive_reader(struct store *store, size_t mib)
{
	sqlite3 *reader = start_reader();
	while (file_size(scratch_path("s-wal")) < mib * MIB) {
		book_many(store, 10);
	}
	sqlite3_close(reader);
	book_many(store, 100);
	cr_assert_lt(file_size(scratch_path("s-wal")), 10 * MIB);
}

Test(store_on_sqlite, log_is_cut_when_a_long_reader_has_ended)
{
	struct store *store = open_store();
	make_event(store, "rush", STORE_TOTAL_MAX);
	log_start("test", LOG_ERROR, LOG_TEXT); /* it warns of the reader */
	outlive_reader(store, 20);
	outlive_reader(store, 40);
	cr_assert(adds_up(store, "rush"));
	store_close(store);
}

/* As a dead holder's file lock that the kernel has not given back yet. */
static int write_for_a_while(void *argument)
{
	sqlite3 *writer;
	sqlite3_open(argument, &writer);
	if (sqlite3_exec(writer, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) {
		return 1;
	}
	write_file(scratch_path("writes"), "", 0);
	clock_sleep(200 * NS_PER_MS);
	sqlite3_exec(writer, "ROLLBACK", NULL, NULL, NULL);
	_exit(0);
}

Test(store_on_sqlite, waits_for_a_file_lock_that_is_given_back_late)
{
	char path[512];
	snprintf(path, sizeof(path), "%s", scratch_path("s"));
	struct store *store = open_store();
	struct child writer = child_start(write_for_a_while, path);
	cr_assert(eventually(access(scratch_path("writes"), F_OK) == 0));
	make_event(store, "rush", 10);
	cr_assert_eq(child_join(&writer), 0);
	store_close(store);
}
