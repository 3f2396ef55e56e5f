#include "db/store.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/log.h"
#include "tests/db/scratch.h"
#include "tests/support/child.h"

#define MIB (size_t)(1 << 20)

TestSuite(store, .init = scratch_make, .fini = scratch_remove);

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

Test(store, url_needs_a_known_kind_and_a_file)
{
	char error[STORE_ERROR_SIZE] = "";
	cr_assert(store_url_is_good("sqlite:turnstile.db", error));
	cr_assert_not(store_url_is_good("sqlite:", error));
	cr_assert(strstr(error, "sqlite:FILE"));
	cr_assert_not(store_url_is_good("turnstile.db", error));
	cr_assert_not(store_url_is_good("sql:turnstile.db", error));
	cr_assert_not(store_url_is_good("", error));
}

Test(store, that_is_no_database_is_refused)
{
	write_file(scratch_path("text"),
		   "This is some text, longer than a database's head. Really: "
		   "it has more than a hundred bytes, all of them letters.",
		   110);
	cr_assert(is_refused("text", "not a database"));
}

Test(store, of_another_program_is_refused_and_left_as_it_was)
{
	run_sql("foreign", "CREATE TABLE things (a)");
	cr_assert(is_refused("foreign", "another program's"));
	run_sql("foreign", "SELECT a FROM things");
	run_sql("marked", "PRAGMA application_id = 7");
	cr_assert(is_refused("marked", "another program's"));
	cr_assert_eq(file_size(scratch_path("foreign-wal")), 0);
}

Test(store, of_a_newer_version_is_refused)
{
	store_close(open_store());
	run_sql("s", "PRAGMA user_version = 99");
	cr_assert(is_refused("s", "newer version"));
}

Test(store, in_a_folder_that_is_not_there_is_refused)
{
	cr_assert(is_refused("nowhere/s", "No such file"));
	cr_assert_eq(symlink("/nowhere/at/all", scratch_path("link")), 0);
	cr_assert(is_refused("link", "No such file"));
}

static int open_as_nobody(void *argument)
{
	(void)argument;
	if (geteuid() == 0 && setuid(65534) < 0)
		return 2;
	return is_refused("s", "Permission denied") ? 0 : 1;
}

Test(store, in_a_folder_that_cannot_be_written_is_refused)
{
	cr_assert_eq(chmod(scratch_path(""), 0555), 0);
	cr_assert_eq(child_run(open_as_nobody, NULL), 0);
}

Test(store, new_is_its_owners_alone)
{
	struct stat status;
	const char *const names[] = { "s", "s-wal", "s-shm", "s-lock", "s-keys" };
	struct store *store = open_store();
	make_event(store, "rush", 10);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		cr_assert_eq(stat(scratch_path(names[i]), &status), 0, "%s", names[i]);
		cr_assert_eq(status.st_mode & 077, 0, "%s", names[i]);
	}
	store_close(store);
}

Test(store, keeps_its_code_key)
{
	struct store *store = open_store();
	struct siphash_key key = *store_code_key(store);
	cr_assert(key.words[0] != 0 && key.words[1] != 0);
	store_close(store);
	store = open_store();
	cr_assert_eq(memcmp(&key, store_code_key(store), sizeof key), 0);
	store_close(store);
}

Test(store, reached_by_another_name_has_the_same_lock)
{
	char error[STORE_ERROR_SIZE] = "";
	struct store *store = open_store();
	cr_assert_eq(symlink(scratch_path("s"), scratch_path("link")), 0);
	struct store *other = store_open(scratch_url("./link"), error);
	cr_assert(other != NULL, "%s", error);
	cr_assert_eq(store_mutex(other), store_mutex(store));
	cr_assert_neq(access(scratch_path("link-lock"), F_OK), 0);
	store_close(other);
	store_close(store);
}

Test(store, event_is_one_thing_within_a_transaction)
{
	struct store_event *by_name;
	struct store_event *by_number;
	struct store_event *none;
	struct store *store = open_store();
	make_event(store, "rush", 10);
	begin(store);
	cr_assert_eq(store_event_find(store, "rush", &by_name), STORE_OK);
	cr_assert_eq(store_event_get(store, by_name->number, &by_number), STORE_OK);
	cr_assert_eq(by_name, by_number);
	cr_assert_eq(store_event_find(store, "other", &none), STORE_NONE);
	cr_assert_eq(store_event_get(store, 99, &none), STORE_NONE);
	commit(store);
	store_close(store);
}

Test(store, event_is_kept_with_all_it_has)
{
	struct store_event *event;
	struct store_event added = { .name = "rush",
				     .title = "A \"title\", 5\xe2\x82\xac",
				     .total = 7 };
	struct store *store = open_store();
	begin(store);
	cr_assert_eq(store_event_add(store, &added), STORE_OK);
	cr_assert(added.number > 0);
	commit(store);
	store_close(store);
	store = open_store();
	begin(store);
	cr_assert_eq(store_event_find(store, "rush", &event), STORE_OK);
	cr_assert_eq(event->number, added.number);
	cr_assert_str_eq(event->title, added.title);
	cr_assert_eq(event->total, 7);
	cr_assert_not(event->open);
	abandon(store);
	store_close(store);
}

Test(store, change_of_an_event_is_there_after_commit_alone)
{
	struct store_event *event;
	struct store *store = open_store();
	make_event(store, "rush", 10);
	for (int64_t committed = 0; committed <= 1; committed++) {
		begin(store);
		cr_assert_eq(store_event_find(store, "rush", &event), STORE_OK);
		cr_assert_eq(event->held, 0);
		event->held = 5;
		store_event_change(store, event);
		if (committed)
			commit(store);
		else
			abandon(store);
	}
	begin(store);
	cr_assert_eq(store_event_find(store, "rush", &event), STORE_OK);
	cr_assert_eq(event->held, 5);
	abandon(store);
	store_close(store);
}

struct seen {
	char names[128];
	int64_t sold;
};

static void note_event(void *context, const struct store_event *event)
{
	struct seen *seen = context;
	size_t used = strlen(seen->names);
	snprintf(seen->names + used, sizeof seen->names - used, "%s ", event->name);
	seen->sold += event->sold;
}

Test(store, events_are_listed_in_order_and_as_they_are_now)
{
	struct seen seen = { .sold = 0 };
	struct store *store = open_store();
	make_event(store, "zebra", 10);
	make_event(store, "ant", 10);
	begin(store);
	ask(store, BOOKING_BOOK, "ant", 4, "");
	cr_assert_eq(store_event_each(store, note_event, &seen), STORE_OK);
	ask(store, BOOKING_BOOK, "ant", 1, "");
	commit(store);
	cr_assert_str_eq(seen.names, "zebra ant ");
	cr_assert_eq(seen.sold, 4);
	cr_assert(adds_up(store, "ant"));
	store_close(store);
}

Test(store, says_which_events_the_last_transaction_changed)
{
	int64_t numbers[2] = { 0, 0 };
	struct store *store = open_store();
	make_event(store, "one", 10);
	cr_assert_eq(store_events_changed(store, numbers, 2), 1);
	cr_assert_eq(numbers[0], 1);
	make_event(store, "two", 10);
	begin(store);
	ask(store, BOOKING_BOOK, "one", 1, "");
	ask(store, BOOKING_BOOK, "two", 1, "");
	ask(store, BOOKING_BOOK, "two", 1, "");
	commit(store);
	cr_assert_eq(store_events_changed(store, numbers, 1), 2, "how many, not how many fit");
	cr_assert_eq(store_events_changed(store, numbers, 2), 2);
	cr_assert_eq(numbers[0] + numbers[1], 3);
	begin(store);
	ask(store, BOOKING_BOOK, "one", 1, "");
	abandon(store);
	cr_assert_eq(store_events_changed(store, numbers, 2), 0);
	store_close(store);
}

static struct store_ticket hold_until(int64_t expires_ns, const char *key)
{
	struct store_ticket ticket = { .event = 1,
				       .quantity = 2,
				       .state = TICKET_HELD,
				       .kind = TICKET_BY_HOLD,
				       .made_ns = 5,
				       .expires_ns = expires_ns,
				       .tied = UINT64_MAX };
	snprintf(ticket.key, sizeof ticket.key, "%s", key);
	return ticket;
}

Test(store, ticket_is_kept_with_all_it_has)
{
	char key[NAME_KEY_SIZE];
	memset(key, 'k', sizeof key - 1);
	key[sizeof key - 1] = '\0';
	struct store_ticket added = hold_until(1234567890123456789, key);
	struct store_ticket ticket;
	struct store *store = open_store();
	begin(store);
	cr_assert_eq(store_ticket_add(store, &added), STORE_OK);
	cr_assert_eq(added.number, 1);
	commit(store);
	begin(store);
	cr_assert_eq(store_ticket_get(store, 1, &ticket), STORE_OK);
	cr_assert_eq(ticket.event, 1);
	cr_assert_eq(ticket.quantity, 2);
	cr_assert_eq(ticket.state, TICKET_HELD);
	cr_assert_eq(ticket.kind, TICKET_BY_HOLD);
	cr_assert_eq(ticket.made_ns, 5);
	cr_assert_eq(ticket.expires_ns, added.expires_ns);
	cr_assert_eq(ticket.tied, UINT64_MAX);
	cr_assert_str_eq(ticket.key, key);
	cr_assert_eq(store_ticket_get(store, 2, &ticket), STORE_NONE);
	cr_assert_eq(store_ticket_get(store, 0, &ticket), STORE_NONE);
	abandon(store);
	store_close(store);
}

Test(store, hold_that_ends_first_comes_first)
{
	const int64_t ends[] = { 300, 100, 200 };
	struct store_ticket ticket;
	struct store *store = open_store();
	begin(store);
	cr_assert_eq(store_ticket_next_expiry(store, &ticket), STORE_NONE);
	for (size_t i = 0; i < 3; i++) {
		ticket = hold_until(ends[i], "");
		cr_assert_eq(store_ticket_add(store, &ticket), STORE_OK);
	}
	for (int64_t end = 100; end <= 300; end += 100) {
		cr_assert_eq(store_ticket_next_expiry(store, &ticket), STORE_OK);
		cr_assert_eq(ticket.expires_ns, end);
		ticket.state = TICKET_EXPIRED;
		cr_assert_eq(store_ticket_change(store, &ticket), STORE_OK);
	}
	cr_assert_eq(store_ticket_next_expiry(store, &ticket), STORE_NONE);
	ticket.number = 99;
	cr_assert_eq(store_ticket_change(store, &ticket), STORE_NONE);
	commit(store);
	store_close(store);
}

Test(store, counts_sold_and_held_from_the_tickets)
{
	int64_t sold = -1;
	int64_t held = -1;
	struct store_ticket ticket;
	struct store *store = open_store();
	begin(store);
	for (int state = TICKET_BOOKED; state <= TICKET_ADMITTED; state++) {
		ticket = hold_until(1, "");
		ticket.state = (enum ticket_state)state;
		ticket.quantity = 1 << state;
		cr_assert_eq(store_ticket_add(store, &ticket), STORE_OK);
	}
	cr_assert_eq(store_event_count(store, 1, &sold, &held), STORE_OK);
	cr_assert_eq(sold, (1 << TICKET_BOOKED) + (1 << TICKET_ADMITTED));
	cr_assert_eq(held, 1 << TICKET_HELD);
	cr_assert_eq(store_event_count(store, 2, &sold, &held), STORE_OK);
	cr_assert_eq(sold + held, 0);
	commit(store);
	store_close(store);
}

Test(store, remembers_the_last_batch_of_a_server)
{
	int64_t batch = -1;
	struct store *store = open_store();
	begin(store);
	cr_assert_eq(store_batch_last(store, -5, &batch), STORE_OK);
	cr_assert_eq(batch, 0);
	cr_assert_eq(store_batch_mark(store, -5, 1), STORE_OK);
	abandon(store);
	begin(store);
	cr_assert_eq(store_batch_last(store, -5, &batch), STORE_OK);
	cr_assert_eq(batch, 0, "it was rolled back");
	cr_assert_eq(store_batch_mark(store, -5, 1), STORE_OK);
	cr_assert_eq(store_batch_mark(store, -5, 2), STORE_OK);
	cr_assert_eq(store_batch_mark(store, 6, 9), STORE_OK);
	commit(store);
	cr_assert(store_take(store, 0));
	cr_assert_eq(store_batch_last(store, -5, &batch), STORE_OK);
	cr_assert_eq(batch, 2);
	store_give(store);
	store_close(store);
}

Test(store, forgets_the_batches_of_those_longest_gone)
{
	int64_t batch;
	struct store *store = open_store();
	begin(store);
	for (int64_t server = 1; server <= 200; server++) {
		cr_assert_eq(store_batch_mark(store, server, server), STORE_OK);
		cr_assert_eq(store_batch_mark(store, 1, 1000 + server), STORE_OK);
	}
	cr_assert_eq(store_batch_last(store, 1, &batch), STORE_OK);
	cr_assert_eq(batch, 1200, "one that goes on working stays");
	cr_assert_eq(store_batch_last(store, 200 - 62, &batch), STORE_OK);
	cr_assert_eq(batch, 200 - 62);
	cr_assert_eq(store_batch_last(store, 200 - 63, &batch), STORE_OK);
	cr_assert_eq(batch, 0, "64 are kept");
	commit(store);
	store_close(store);
}

static bool changed_elsewhere(struct store *store)
{
	cr_assert(store_take(store, 0));
	bool changed = store_changed_elsewhere(store);
	store_give(store);
	return changed;
}

Test(store, notices_what_another_handle_wrote)
{
	struct store *store = open_store();
	struct store *other = open_store();
	make_event(store, "rush", 10);
	cr_assert_not(changed_elsewhere(store), "its own changes are not meant");
	make_event(other, "other", 10);
	cr_assert(changed_elsewhere(store));
	cr_assert_not(changed_elsewhere(store));
	store_close(other);
	store_close(store);
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

Test(store, log_stays_short)
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

Test(store, log_is_cut_when_a_long_reader_has_ended)
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

Test(store, waits_for_a_file_lock_that_is_given_back_late)
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
