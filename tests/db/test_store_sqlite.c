#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db/store.h"
#include "shared/log.h"
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
			snprintf(text, sizeof text, "a-key-that-is-about-as-long-as-it-may-be-%d",
				 key++);
			cr_assert_eq(ask(store, BOOKING_BOOK, "rush", 1, text).outcome,
				     BOOKING_DONE);
		}
		commit(store);
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
	while (file_size(scratch_path("s-wal")) < mib * MIB)
		book_many(store, 10);
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
	if (sqlite3_exec(writer, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return 1;
	write_file(scratch_path("writes"), "", 0);
	clock_sleep(200 * NS_PER_MS);
	sqlite3_exec(writer, "ROLLBACK", NULL, NULL, NULL);
	_exit(0);
}

Test(store_on_sqlite, waits_for_a_file_lock_that_is_given_back_late)
{
	char path[512];
	snprintf(path, sizeof path, "%s", scratch_path("s"));
	struct store *store = open_store();
	struct child writer = child_start(write_for_a_while, path);
	cr_assert(eventually(access(scratch_path("writes"), F_OK) == 0));
	make_event(store, "rush", 10);
	cr_assert_eq(child_join(&writer), 0);
	store_close(store);
}
