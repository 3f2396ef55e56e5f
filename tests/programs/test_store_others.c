/*
 * Somebody else has the store, or takes its files away: who buys is refused in seconds and told
 * why, nothing that was refused is ever found done, who only chats notices nothing, no worker ends,
 * and sales go on by themselves.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/open.h"
#include "db/store/chat.h"
#include "shared/base/clock.h"
#include "tests/programs/buyer.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"

static struct turnstiled server;
static struct talk talk, other;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_store_others, .init = init, .fini = finish, .timeout = 120);

/* So often a line of the log has TEXT in it. */
static unsigned log_count(const char *text)
{
	char path[FOLDER_PATH_SIZE], line[1024];
	unsigned count = 0;

	folder_file(&server.folder, "log", path);
	FILE *file = fopen(path, "re");
	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file)) {
		count += strstr(line, text) != NULL;
	}
	fclose(file);
	return count;
}

static void start(const char *kind, const char *serialize)
{
	turnstiled_start(&server, "--workers", "2", "--rate", "0", "--serialize", serialize,
			 "--store", store_url(&server, kind, "store"), "--op-password-file",
			 password_file(&server), "--event", "rush=5000");
	open_on(&talk, server.lines_port, 1);
	open_on(&other, server.lines_port, 2);
	ask(&talk, "+join #r ", "/join #r");
	ask(&other, "+join #r ", "/join #r");
}

static void expect_chat(void)
{
	talk_say(&talk, "still here");
	talk_expect_event(&other, "*say #r ");
	ask(&other, "+pong", "/ping");
}

/* Kills the worker that serves ASKER, and waits until its successor serves a new one. */
static void replace_worker_of(struct talk *asker)
{
	pid_t pid;
	unsigned worker = serving(asker, &pid);

	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	talk_close(asker);
	open_on(asker, server.lines_port, worker);
	ask(asker, "+join #r ", "/join #r");
}

static size_t note_workers(pid_t pids[WATCH_CHILDREN_MAX])
{
	return watch_children(server.pid, pids);
}

static void expect_same_workers(const pid_t *before, size_t count)
{
	pid_t now[WATCH_CHILDREN_MAX];

	cr_assert_eq(watch_children(server.pid, now), count);
	cr_expect_arr_eq(now, before, count * sizeof(*before), "a worker ended");
}

static bool can_buy(const char *key)
{
	talk_say(&talk, "/book rush key=%s", key);
	const char *line = talk_expect_answer(&talk, "");
	cr_assert(line[0] == '+' || strncmp(line, "-BUSY ", 6) == 0, "'%s'", line);
	return line[0] == '+';
}

/* Another program's transaction, as of a shell that somebody forgot */

static sqlite3 *shell;

static void shell_does(const char *sql)
{
	cr_assert_eq(sqlite3_exec(shell, sql, NULL, NULL, NULL), SQLITE_OK, "%s",
		     sqlite3_errmsg(shell));
}

static void open_shell(void)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&server.folder, "store", path);
	cr_assert_eq(sqlite3_open_v2(path, &shell, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	sqlite3_busy_timeout(shell, 10000);
}

static void write_in_a_shell(const char *serialize)
{
	pid_t workers[WATCH_CHILDREN_MAX];

	start("sqlite", serialize);
	ask(&talk, "+booked ", "/book rush key=a-good-long-key-first");
	open_shell();
	size_t count = note_workers(workers);
	shell_does("BEGIN IMMEDIATE");
	ask(&talk, "-BUSY ", "/book rush key=a-good-long-key-again");
	ask(&other, "-BUSY ", "/hold rush key=a-good-long-key-other");
	become_operator(&talk);
	ask(&talk, "+ban 10.0.0.0/8 100$", "/ban 10.0.0.0/8 100"); /* kept by the archive */
	expect_chat();
	clock_sleep(3 * NS_PER_SECOND); /* what tries by itself has tried */
	expect_chat();
	expect_same_workers(workers, count);
	shell_does("ROLLBACK");
	cr_assert(eventually(can_buy("a-good-long-key-again")), "sales do not go on");
	cr_expect_eq(left_of(&talk, "rush"), 4998);
	cr_expect(adds_up(&talk, "rush"));
	cr_expect(eventually(log_has(&server, "bookings go on")));
	cr_expect_eq(log_count("another program is writing"), 1);
	cr_expect_eq(log_count("bookings go on"), 1);
	cr_expect_eq(log_count("the store failed"), 0);
	sqlite3_close(shell);
}

Test(programs_store_others, bookings_are_refused_while_another_program_writes)
{
	write_in_a_shell("lock");
}

Test(programs_store_others, bookings_are_refused_while_another_program_writes_none)
{
	write_in_a_shell("none");
}

Test(programs_store_others, bookings_are_refused_while_another_program_writes_join)
{
	write_in_a_shell("join");
}

Test(programs_store_others, workers_start_while_another_program_writes)
{
	start("sqlite", "lock");
	open_shell();
	shell_does("BEGIN IMMEDIATE");
	replace_worker_of(&talk);
	replace_worker_of(&other);
	ask(&talk, "-BUSY ", "/book rush key=a-good-long-key-again");
	expect_chat();
	shell_does("ROLLBACK");
	cr_assert(eventually(can_buy("a-good-long-key-again")), "sales do not go on");
	cr_expect_eq(left_of(&talk, "rush"), 4999);
	sqlite3_close(shell);
}

/* The end of it is noticed, too, when nobody asks. */
Test(programs_store_others, that_another_program_is_done_is_logged_without_a_booking)
{
	start("sqlite", "lock");
	open_shell();
	shell_does("BEGIN IMMEDIATE");
	ask(&talk, "-BUSY ", "/book rush");
	shell_does("ROLLBACK");
	cr_expect(eventually(log_has(&server, "bookings go on")));
	sqlite3_close(shell);
}

/* A reader that never ends */

static struct store *tool;

static void open_tool(const char *kind)
{
	char error[STORE_ERROR_SIZE];

	tool = store_open(store_url(&server, kind, "store"), error);
	cr_assert_not_null(tool, "%s", error);
}

#define LINE_BYTES 4000 /* a page of the log, nearly */
#define LINES      200  /* in a transaction: not a MiB */

static bool write_much(void)
{
	static char text[LINE_BYTES];

	memset(text, 'x', sizeof(text));
	cr_assert(store_take(tool, 10 * NS_PER_SECOND));
	bool begun = store_begin(tool) == STORE_OK;
	for (uint64_t i = 1; begun && i <= LINES; i++) {
		const struct store_message line = { 9, i, 1, text, sizeof(text) };

		cr_assert_eq(store_message_add(tool, &line), STORE_OK);
	}
	cr_assert(!begun || store_commit(tool) == STORE_OK);
	cr_assert_eq(begun ? store_tend(tool) : STORE_OK, STORE_OK);
	store_give(tool);
	return begun;
}

static off_t log_bytes(void)
{
	char path[FOLDER_PATH_SIZE];
	struct stat status;

	folder_file(&server.folder, "store-wal", path);
	cr_assert_eq(stat(path, &status), 0);
	return status.st_size;
}

Test(programs_store_others, the_log_stays_below_64_mib_behind_a_reader_that_never_ends)
{
	start("sqlite", "lock");
	ask(&talk, "+booked ", "/book rush key=a-good-long-key-first");
	open_shell();
	shell_does("BEGIN; SELECT count(*) FROM tickets");
	open_tool("sqlite");
	while (write_much()) {
		cr_assert_lt(log_bytes(), 64 << 20);
	}
	cr_expect_eq(store_hindrance(tool), STORE_READ, "%s", store_error(tool));
	cr_expect_gt(log_bytes(), 50 << 20);
	/* Each clerk learns of the log's size by a commit of its own. */
	for (int i = 0, refused = 0; refused < 5; i++) {
		refused = can_buy(text_of("a-good-long-key-number-%d", i)) ? 0 : refused + 1;
		cr_assert_lt(i, 100);
	}
	cr_expect(strstr(talk.line, "-BUSY another program reads the store"), "%s", talk.line);
	expect_chat();
	cr_assert_lt(log_bytes(), 64 << 20);
	shell_does("COMMIT");
	cr_assert(eventually(can_buy("a-good-long-key-again")), "sales do not go on");
	cr_expect(eventually(log_bytes() <= 16 << 20));
	cr_expect_eq(log_count("no bookings for now: another program reads"), 1);
	cr_expect(adds_up(&talk, "rush"));
	sqlite3_close(shell);
	store_close(tool);
}

/* Somebody who holds the store's lock for long: a conversion, a tool that was stopped */

static void hold_lock(const char *kind)
{
	open_tool(kind);
	cr_assert(store_take(tool, CHILD_PATIENCE_NS));
}

static void hold_for_long(const char *kind, const char *serialize)
{
	pid_t workers[WATCH_CHILDREN_MAX];

	start(kind, serialize);
	ask(&talk, "+booked ", "/book rush key=a-good-long-key-first");
	size_t count = note_workers(workers);
	hold_lock(kind);
	ask(&talk, text_of("-BUSY the store is held by test_programs (pid %d)", (int)getpid()),
	    "/book rush key=a-good-long-key-taken-back");
	ask(&other, "-BUSY the store is held by", "/hold rush");
	expect_chat();
	expect_same_workers(workers, count);
	store_give(tool);
	cr_assert(eventually(can_buy("a-good-long-key-again")), "sales do not go on");
	cr_expect_eq(left_of(&talk, "rush"), 4998, "what was refused is done all the same");
	cr_expect(adds_up(&talk, "rush"));
	cr_expect(eventually(log_has(&server, "bookings go on")));
	cr_expect_eq(log_count("no bookings for now"), 1);
	cr_expect_eq(log_count(text_of("is held by test_programs (pid %d)", (int)getpid())), 1);
	cr_expect_eq(log_count("bookings go on"), 1);
	cr_expect_eq(log_count("hangs"), 0);
	store_close(tool);
}

Test(programs_store_others, a_tool_that_holds_the_lock_is_named_to_who_buys_sqlite)
{
	hold_for_long("sqlite", "lock");
}

Test(programs_store_others, a_tool_that_holds_the_lock_is_named_to_who_buys_json)
{
	hold_for_long("json", "lock");
}

Test(programs_store_others, a_tool_that_holds_the_lock_is_named_to_who_buys_none)
{
	hold_for_long("sqlite", "none");
}

Test(programs_store_others, a_tool_that_holds_the_lock_is_named_to_who_buys_join)
{
	hold_for_long("sqlite", "join");
}

/* Six seconds: a heart that is silent for five would have been noticed. */
Test(programs_store_others, workers_start_and_live_while_a_tool_holds_the_lock)
{
	pid_t workers[WATCH_CHILDREN_MAX];

	start("sqlite", "lock");
	hold_lock("sqlite");
	replace_worker_of(&talk);
	replace_worker_of(&other);
	size_t count = note_workers(workers);
	ask(&talk, "-BUSY the store is held by", "/book rush key=a-good-long-key-taken-back");
	clock_sleep(6 * NS_PER_SECOND);
	expect_chat();
	expect_same_workers(workers, count);
	store_give(tool);
	cr_assert(eventually(can_buy("a-good-long-key-again")), "sales do not go on");
	cr_expect_eq(left_of(&talk, "rush"), 4999);
	cr_expect_eq(log_count("hangs"), 0);
	store_close(tool);
}

/* More than a queue has places: all are answered, and nothing of it is done. */
Test(programs_store_others, a_queue_full_of_what_was_taken_back_keeps_nobody_waiting)
{
	static struct buyer buyer;

	start("sqlite", "lock");
	buyer_open(&buyer, server.lines_port, 1, "rush", "k");
	hold_lock("sqlite");
	buyer_ask(&buyer, 1500);
	cr_assert(eventually(buyer_heard(&buyer)), "%u of 1500 are answered", buyer.answered);
	cr_expect_eq(buyer.booked, 0);
	expect_chat();
	store_give(tool);
	cr_assert(eventually(can_buy("a-good-long-key-again")), "sales do not go on");
	cr_expect_eq(left_of(&talk, "rush"), 4999);
	cr_expect(adds_up(&talk, "rush"));
	store_close(tool);
}

/* Also when the queue has no place for it: a hold that is tied ends with its connection. */
Test(programs_store_others, who_leaves_while_the_queue_is_full_gives_back_what_it_held)
{
	static struct buyer buyer;
	static struct talk tied;

	start("sqlite", "lock");
	open_on(&tied, server.lines_port, 1);
	ask(&tied, "+nick ada", "/nick ada");
	ask(&tied, "+held ", "/hold rush 5 tied ttl=3600");
	buyer_open(&buyer, server.lines_port, 1, "rush", "k");
	hold_lock("sqlite");
	buyer_ask(&buyer, 1500);
	cr_assert(eventually(buyer_heard(&buyer)));
	talk_close(&tied);
	open_on(&tied, server.lines_port, 2);
	ask(&tied, "+nick ada", "/nick ada"); /* it is free at once */
	store_give(tool);
	cr_expect(eventually(left_of(&talk, "rush") == 5000), "the hold stays");
	store_close(tool);
}

Test(programs_store_others, a_server_stops_while_a_tool_holds_the_lock)
{
	start("sqlite", "lock");
	hold_lock("sqlite");
	ask(&talk, "-BUSY ", "/book rush");
	cr_expect_eq(turnstiled_stop(&server), 0);
	cr_expect_eq(log_count("hangs"), 0);
	store_give(tool);
	store_close(tool);
}

/* Files that somebody deletes */

static void delete_file(const char *name)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&server.folder, name, path);
	(void)unlink(path);
}

static bool exists(const char *name)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&server.folder, name, path);
	return access(path, F_OK) == 0;
}

static void sell_before_it_is_gone(const char *kind)
{
	start(kind, "lock");
	ask(&talk, "+booked ", "/book rush key=a-good-long-key-first");
	ask(&other, "+booked ", "/book rush key=a-good-long-key-second");
}

static void expect_no_sales(void)
{
	ask(&talk, "-INTERNAL ", "/book rush key=a-good-long-key-again");
	ask(&other, "-INTERNAL ", "/book rush key=a-good-long-key-other");
	expect_chat();
}

static void expect_no_new_store(void)
{
	expect_no_sales();
	replace_worker_of(&talk);
	expect_no_sales();
	replace_worker_of(&other);
	expect_no_sales();
	cr_expect_not(exists("store"), "a new and empty one would sell all again");
}

Test(programs_store_others, nothing_is_sold_from_a_store_that_was_deleted_sqlite)
{
	sell_before_it_is_gone("sqlite");
	delete_file("store");
	delete_file("store-wal");
	delete_file("store-shm");
	expect_no_new_store();
	cr_expect(eventually(log_has(&server, "store is gone")));
}

Test(programs_store_others, nothing_is_sold_from_a_store_that_was_deleted_json)
{
	sell_before_it_is_gone("json");
	delete_file("store");
	expect_no_new_store();
	cr_expect(eventually(log_has(&server, "store: No such file")));
}

Test(programs_store_others, nothing_is_sold_into_a_log_that_was_deleted)
{
	sell_before_it_is_gone("sqlite");
	delete_file("store-wal");
	expect_no_sales();
	cr_expect(eventually(log_has(&server, "store-wal is gone")));
}

/* Then a new process would have an index of its own, and the two would not see each other. */
Test(programs_store_others, no_two_processes_sell_by_two_indexes_of_one_log)
{
	sell_before_it_is_gone("sqlite");
	delete_file("store-shm");
	ask(&talk, "-INTERNAL ", "/book rush key=a-good-long-key-again");
	cr_expect(eventually(log_has(&server, "store-shm is gone")));
	turnstiled_kill(&server);
	turnstiled_start(&server, "--workers", "2", "--store",
			 store_url(&server, "sqlite", "store"));
	talk_open_greeted(&talk, server.lines_port);
	ask(&talk, "+booked ", "/book rush key=a-good-long-key-again");
	cr_expect_eq(left_of(&talk, "rush"), 4997);
	cr_expect(adds_up(&talk, "rush"));
}

/* A cleaner of old files takes the lock file: there is one lock still, or none is let in. */
Test(programs_store_others, a_lock_file_that_is_cleaned_away_leaves_one_lock)
{
	char error[STORE_ERROR_SIZE];

	sell_before_it_is_gone("sqlite");
	delete_file("store-lock");
	replace_worker_of(&talk);
	ask(&talk, "+booked ", "/book rush key=a-good-long-key-third");
	ask(&other, "+booked ", "/book rush key=a-good-long-key-fourth");
	cr_expect_null(store_open(store_url(&server, "sqlite", "store"), error));
	cr_expect(strstr(error, "was taken away while others use the store"), "%s", error);
	cr_expect_not(exists("store-lock"), "a second lock was made");
	ask(&talk, "+booked ", "/book rush key=a-good-long-key-fifth");
	cr_expect_eq(turnstiled_stop(&server), 0);
	tool = store_open(store_url(&server, "sqlite", "store"), error);
	cr_expect_not_null(tool, "%s", error);
	store_close(tool);
}

/* Where somebody has another lock all the same, nothing is sold by ours. */
Test(programs_store_others, nothing_is_sold_by_a_lock_that_was_replaced)
{
	char path[FOLDER_PATH_SIZE];

	sell_before_it_is_gone("sqlite");
	delete_file("store-lock");
	folder_file(&server.folder, "store-lock", path);
	fclose(fopen(path, "we"));
	expect_no_sales();
	cr_expect(eventually(log_has(&server, "store-lock is another file now")));
}

/* Two containers: the same store, but other numbers for the same processes. */
static int serve_in_a_container(void *argument)
{
	const char *url = argument;

	(void)execlp("unshare", "unshare", "--pid", "--fork", "--kill-child", TURNSTILED,
		     "--listen", "lines:127.0.0.1:0", "--store", url, NULL);
	return CHILD_FAILED;
}

Test(programs_store_others, a_second_container_on_a_store_is_refused_in_one_line)
{
	char output[2048], url[FOLDER_PATH_SIZE];

	if (geteuid() != 0) {
		cr_skip_test("nobody but root can make a pid namespace here");
	}
	sell_before_it_is_gone("sqlite");
	snprintf(url, sizeof(url), "%s", store_url(&server, "sqlite", "store"));
	cr_expect_eq(
		child_run_caught(serve_in_a_container, url, STDERR_FILENO, output, sizeof(output)),
		1);
	cr_expect(strstr(output, "is in use in another container (pid namespace"), "%s", output);
	ask(&talk, "+booked ", "/book rush key=a-good-long-key-third");
}

/* The index of keys is only ever a hint: each process goes on with what it has. */
Test(programs_store_others, a_deleted_index_of_keys_lets_no_key_sell_twice)
{
	char first[TICKET_CODE_SIZE], second[TICKET_CODE_SIZE];

	start("sqlite", "lock");
	ask_code(&talk, first, "+booked ", "/book rush key=a-good-long-key-first");
	delete_file("store-keys");
	replace_worker_of(&talk);
	ask_code(&talk, second, "+booked ", "/book rush key=a-good-long-key-second");
	ask(&talk, text_of("+booked %s", first), "/book rush key=a-good-long-key-first");
	ask(&other, text_of("+booked %s", second), "/book rush key=a-good-long-key-second");
	cr_expect_eq(left_of(&talk, "rush"), 4998);
}
