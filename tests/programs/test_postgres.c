/*
 * Two servers on one database: each ticket is sold once, whichever sells it, and each hears what
 * the other sold. And a database that goes: who buys is refused, nothing that was refused is found
 * done, who only chats notices nothing, and sales go on by themselves.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db/open.h"
#include "db/store/invariants.h"
#include "db/store/kind.h"
#include "tests/programs/buyer.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"
#include "tests/support/database.h"
#include "tests/support/http.h"

#define TOTAL  300
#define BUYERS 4
#define WISHES 120 /* of each: more than there are, in all */

static struct turnstiled a, b;
static struct database own; /* of a test that stops it */
static struct talk talk, other;
static char url[DATABASE_URL_SIZE];
static int total = TOTAL; /* of rush */

static void init(void)
{
	char name[32];

	if (!database_shared()) {
		cr_skip_test("no PostgreSQL is installed");
	}
	snprintf(name, sizeof(name), "programs_%d", (int)getpid());
	cr_assert(database_create(database_shared(), name));
	database_url(database_shared(), name, url);
	turnstiled_init(&a, TURNSTILED);
	turnstiled_init(&b, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&a);
	turnstiled_finish(&b);
	if (own.folder[0] != '\0') {
		database_remove(&own);
	}
}

TestSuite(programs_postgres, .init = init, .fini = finish, .timeout = 240);

static void start(struct turnstiled *server)
{
	turnstiled_start(server, "--workers", "2", "--rate", "0", "--store", url, "--event",
			 text_of("rush=%d", total), "--op-password-file", password_file(server));
}

static void ignore_event(void *context, const struct store_event *event)
{
	(void)context;
	(void)event;
}

static void fail_breach(void *context, const char *text)
{
	(void)context;
	cr_expect_fail("%s", text);
}

static void expect_sound(void)
{
	const struct invariants_look look = { ignore_event, fail_breach, NULL };
	char error[STORE_ERROR_SIZE];

	store_lock_in(a.folder.path);
	struct store *store = store_open(url, error);

	cr_assert_not_null(store, "%s", error);
	cr_assert(store_take(store, STORE_PATIENCE_NS));
	cr_assert_eq(store_begin(store), STORE_OK);
	cr_expect_eq(invariants_look(store, &look), STORE_OK);
	store_rollback(store);
	store_give(store);
	store_close(store);
}

/* Half of the buyers on each server, with the same keys on both. */
Test(programs_postgres, two_servers_sell_each_ticket_once_and_each_key_once)
{
	static struct buyer buyers[BUYERS];
	unsigned answers = 0;

	start(&a);
	start(&b);
	for (unsigned i = 0; i < BUYERS; i++) {
		uint16_t port = i % 2 == 0 ? a.lines_port : b.lines_port;
		const char *prefix = i < 2    ? "shared-by-two-"
				     : i == 2 ? "of-a-alone-----"
					      : "of-b-alone-----";

		buyer_open(&buyers[i], port, 0, "rush", prefix);
		buyer_ask(&buyers[i], WISHES);
	}
	cr_assert(eventually(buyers_heard(buyers, BUYERS)));
	for (unsigned i = 0; i < BUYERS; i++) {
		answers += buyers[i].booked;
		cr_expect_eq(buyers[i].booked + buyers[i].sold_out, WISHES);
	}
	for (unsigned i = 0; i < WISHES; i++) {
		answers -= buyers[0].codes[i][0] != '\0' && buyers[1].codes[i][0] != '\0';
		cr_expect(buyers[0].codes[i][0] == '\0' || buyers[1].codes[i][0] == '\0' ||
			  strcmp(buyers[0].codes[i], buyers[1].codes[i]) == 0);
	}
	cr_expect_eq(answers, TOTAL);
	talk_open_greeted(&talk, b.lines_port);
	cr_expect(buyer_has_tickets(&buyers[0], &talk));
	become_operator(&talk);
	cr_expect(adds_up(&talk, "rush"));
	expect_sound();
}

Test(programs_postgres, what_one_server_sells_the_others_room_is_told)
{
	char code[TICKET_CODE_SIZE];

	start(&a);
	start(&b);
	talk_open_greeted(&talk, a.lines_port);
	talk_open_greeted(&other, b.lines_port);
	ask(&talk, "+join #rush ", "/join #rush");
	ask_code(&other, code, "+booked ", "/book rush 7");
	talk_expect_event(&talk, text_of("*sale rush %d %d", TOTAL - 7, TOTAL));
	ask(&talk, "+cancelled ", "/cancel %s", code);
	cr_expect(eventually(left_of(&other, "rush") == TOTAL));
}

/* By the database's clock, whichever server it was held on. */
Test(programs_postgres, hold_lapses_also_when_its_server_is_gone)
{
	start(&a);
	start(&b);
	talk_open_greeted(&talk, a.lines_port);
	talk_open_greeted(&other, b.lines_port);
	ask(&talk, "+held ", "/hold rush 5 ttl=2");
	cr_expect(eventually(left_of(&other, "rush") == TOTAL - 5));
	turnstiled_kill(&a);
	cr_expect(eventually(left_of(&other, "rush") == TOTAL));
	expect_sound();
}

/* Who waits: one row of people for both servers. */

#define FEW 6 /* that one may buy at once */

static void start_both(void)
{
	total = FEW;
	start(&a);
	start(&b);
}

static void sell_all(struct talk *seller, char code[TICKET_CODE_SIZE])
{
	ask_code(seller, code, "+booked ", "/book rush %d", FEW);
}

/* The next *offer, past what positions are told before; its code goes to CODE. */
static void take_offer(struct talk *waiter, char code[TICKET_CODE_SIZE])
{
	const char *line = talk_line(waiter);

	while (strncmp(line, "*waiting ", strlen("*waiting ")) == 0 || *line == '+') {
		line = talk_line(waiter);
	}
	cr_assert(strncmp(line, "*offer ", strlen("*offer ")) == 0, "%s", line);
	code_in(line, code);
}

Test(programs_postgres, who_waits_on_two_servers_is_one_row_and_served_in_order)
{
	static struct talk last;
	char code[TICKET_CODE_SIZE];
	char offers[3][TICKET_CODE_SIZE];

	start_both();
	talk_open_greeted(&talk, a.lines_port);
	talk_open_greeted(&other, b.lines_port);
	talk_open_greeted(&last, a.lines_port);
	sell_all(&talk, code);
	ask(&talk, "+waiting rush 2 1$", "/wait rush 2");
	ask(&other, "+waiting rush 2 2$", "/wait rush 2");
	ask(&last, "+waiting rush 2 3$", "/wait rush 2");
	talk_close(&talk);
	talk_expect_event(&other, "*waiting rush 2 1");
	talk_expect_event(&last, "*waiting rush 2 2");
	talk_open_greeted(&talk, a.lines_port);
	ask(&talk, "+cancelled ", "/cancel %s", code);
	take_offer(&other, offers[0]);
	take_offer(&last, offers[1]);
	ask(&other, text_of("+booked %s rush 2$", offers[0]), "/confirm %s", offers[0]);
	ask(&last, text_of("+booked %s rush 2$", offers[1]), "/confirm %s", offers[1]);
	cr_expect(eventually(left_of(&other, "rush") == FEW - 4));
	expect_sound();
}

static bool is_first(void)
{
	talk_say(&other, "/wait rush 5");
	return strcmp(talk_expect_answer(&other, "+waiting rush 5 "), "+waiting rush 5 1") == 0;
}

Test(programs_postgres, who_waits_on_a_server_that_dies_makes_room_for_the_next_on_the_other)
{
	static struct talk seller;
	char code[TICKET_CODE_SIZE];
	char offer[TICKET_CODE_SIZE];

	start_both();
	talk_open_greeted(&talk, a.lines_port);
	talk_open_greeted(&other, b.lines_port);
	talk_open_greeted(&seller, b.lines_port);
	sell_all(&seller, code);
	ask(&talk, "+waiting rush 5 1$", "/wait rush 5");
	ask(&other, "+waiting rush 5 2$", "/wait rush 5");
	turnstiled_kill(&a);
	cr_expect(eventually(is_first()) || eventually(is_first())); /* a's lease is ten seconds */
	ask(&seller, "+cancelled ", "/cancel %s", code);
	take_offer(&other, offer);
	ask(&other, text_of("+booked %s rush 5$", offer), "/confirm %s", offer);
	cr_expect(eventually(left_of(&other, "rush") == FEW - 5));
	expect_sound();
}

Test(programs_postgres, place_in_the_row_outlasts_workers_and_the_program)
{
	char code[TICKET_CODE_SIZE];
	char offer[TICKET_CODE_SIZE];
	pid_t pid;

	start_both();
	talk_open_greeted(&talk, b.lines_port);
	talk_open_greeted(&other, a.lines_port);
	sell_all(&talk, code);
	ask(&other, "+waiting rush 1 1$", "/wait rush");
	ask(&talk, "+waiting rush 1 2$", "/wait rush");
	serving(&other, &pid);
	cr_assert(watch_signal(a.pid, pid, SIGKILL));
	ask(&other, "+waiting rush 1 1$", "/wait rush");
	turnstiled_upgrade(&a);
	ask(&other, "+waiting rush 1 1$", "/wait rush");
	ask(&talk, "+waiting rush 1 2$", "/wait rush");
	ask(&talk, "+cancelled ", "/cancel %s", code);
	take_offer(&other, offer);
	ask(&other, text_of("+booked %s rush 1$", offer), "/confirm %s", offer);
	expect_sound();
}

Test(programs_postgres, password_in_the_url_is_refused)
{
	char error[STORE_ERROR_SIZE];

	cr_expect_not(store_url_is_good("postgresql://me:secret@host/tickets", error));
	cr_expect_not_null(strstr(error, "PGPASSFILE"));
	cr_expect_null(strstr(error, "secret"));
	cr_expect_not(store_url_is_good("postgresql://host/tickets?password=secret", error));
	cr_expect_not(store_url_is_good("postgresql://host/tickets?no=such", error));
	cr_expect(store_url_is_good("postgresql://me@host/tickets?sslmode=verify-full", error));
}

/* What a booking by that key is answered. */
static const char *answer_to(const char *key)
{
	talk_say(&talk, "/book rush 1 key=%s", key);
	const char *line = talk_line(&talk);

	while (*line != '+' && *line != '-') {
		line = talk_line(&talk);
	}
	return line;
}

static bool is_answered(const char *answer, const char *key)
{
	return strncmp(answer_to(key), answer, strlen(answer)) == 0;
}

/* A database that was killed may live a moment longer, and sell by that key. */
static bool is_refused(const char *key, unsigned *sold)
{
	static char sold_by[NAME_KEY_SIZE];
	const char *answer = answer_to(key);

	if (*answer == '+' && strcmp(sold_by, key) != 0) {
		snprintf(sold_by, sizeof(sold_by), "%s", key);
		++*sold;
	}
	return strncmp(answer, "-BUSY", strlen("-BUSY")) == 0;
}

/* From the address that is banned. */
static bool is_let_in(void)
{
	struct talk guest;

	talk_open_from(&guest, b.lines_port ? b.lines_port : a.lines_port, "127.0.0.9");
	bool in = strncmp(talk_line(&guest), "+turnstile", strlen("+turnstile")) == 0;

	talk_close(&guest);
	return in;
}

Test(programs_postgres, while_the_database_is_gone_buyers_are_refused_and_chat_goes_on)
{
	cr_assert(database_make(&own) && database_start(&own));
	database_url(&own, "postgres", url);
	start(&a);
	talk_open_greeted(&talk, a.lines_port);
	talk_open_greeted(&other, a.lines_port);
	ask(&talk, "+join #r ", "/join #r");
	ask(&other, "+join #r ", "/join #r");
	ask(&talk, "+booked ", "/book rush 1 key=before-it-was-gone");
	unsigned sold = 1;
	for (int signal = SIGINT; signal <= SIGKILL; signal += SIGKILL - SIGINT) {
		const char *key = text_of("refused-and-never-done-%d", signal);

		database_stop(&own, signal);
		cr_expect(eventually(is_refused(key, &sold)));
		talk_say(&other, "still here");
		talk_expect_event(&talk, "*say #r ");
		cr_assert(database_start(&own));
		cr_expect(eventually(
			is_answered("+booked", text_of("after-%d-is-over-again", signal))));
		sold++;
	}
	cr_expect(eventually(left_of(&talk, "rush") == TOTAL - (long)sold), "left %ld",
		  left_of(&talk, "rush"));
	expect_sound();
}

/* A ban is all machines', and so is its end. */
Test(programs_postgres, who_is_banned_on_one_server_is_let_go_by_the_other)
{
	start(&a);
	start(&b);
	talk_open_greeted(&talk, a.lines_port);
	talk_open_from(&other, b.lines_port, "127.0.0.9");
	talk_expect_start(&other, "+turnstile 1 ");
	become_operator(&talk);
	ask(&talk, "+ban 127.0.0.9 100$", "/ban 127.0.0.9 100");
	talk_expect_event(&other, "*notice an operator banned your address");
	talk_expect_end(&other);
	talk_open_from(&other, b.lines_port, "127.0.0.9");
	talk_expect_start(&other, "-DENIED ");
	ask(&talk, "+ban 127.0.0.9 0$", "/ban 127.0.0.9 0");
	cr_expect(eventually(is_let_in()));
}

/* A server that is there before its database */

static void start_without_database(void)
{
	cr_assert(database_make(&own));
	database_url(&own, "postgres", url);
	turnstiled_start(&a, "--workers", "2", "--store", url, "--event", text_of("rush=%d", TOTAL),
			 "--op-password-file", password_file(&a));
}

static int health(void)
{
	static struct http_answer answer;
	struct talk asker;

	talk_open(&asker, a.http_port);
	int status = (int)http_get(&asker, &answer, "/healthz");

	talk_close(&asker);
	return status;
}

Test(programs_postgres, server_without_its_database_serves_all_but_bookings_until_it_is_there)
{
	start_without_database();
	talk_open_greeted(&talk, a.lines_port);
	talk_open_greeted(&other, a.lines_port);
	ask(&talk, "+join #r ", "/join #r");
	ask(&other, "+join #r ", "/join #r");
	ask(&talk, "-BUSY ", "/book rush 1 key=refused-while-it-was-away");
	ask(&talk, "-BUSY ", "/left rush");
	ask(&talk, "-BUSY ", "/wait rush");
	talk_say(&other, "hello");
	talk_expect_event(&talk, "*say #r ");
	cr_expect_eq(health(), 503);
	cr_assert(database_start(&own));
	cr_expect(eventually(is_answered("+booked", "asked-until-it-is-there")));
	cr_expect(eventually(left_of(&talk, "rush") == TOTAL - 1), "nothing was sold before");
	cr_expect(eventually(health() == 200));
	cr_expect_eq(times_in_log(&a, "no bookings"), 1);
	expect_sound();
}

/* Said by a server that was there before, and left nothing open. */
static void leave_history(void)
{
	start_without_database();
	cr_assert(database_start(&own));
	talk_open_greeted(&talk, a.lines_port);
	cr_assert(eventually(is_answered("+booked", "the-first-of-all-bookings")));
	ask(&talk, "+join #old ", "/join #old");
	talk_say(&talk, "long ago");
	become_operator(&talk);
	ask(&talk, "+ban 127.0.0.9 100$", "/ban 127.0.0.9 100");
	cr_expect_eq(turnstiled_stop(&a), 0);
	database_stop(&own, SIGINT);
}

Test(programs_postgres, what_was_kept_is_there_again_when_the_database_is)
{
	leave_history();
	turnstiled_start(&a, "--workers", "2", "--store", url, "--event",
			 text_of("rush=%d", TOTAL));
	talk_open_greeted(&talk, a.lines_port);
	ask(&talk, "+join #new ", "/join #new");
	cr_assert(database_start(&own));
	cr_assert(eventually(is_answered("+booked", "the-second-of-all-bookings")));
	ask(&talk, "+join #old ", "/join #old");
	talk_say(&talk, "/history #old");
	cr_expect_not_null(strstr(talk_line(&talk), "long ago"));
	cr_expect(eventually(!is_let_in()), "a ban holds again");
}

Test(programs_postgres,
     what_is_wrong_with_a_database_is_said_once_and_bookings_begin_when_it_is_mended)
{
	leave_history();
	cr_assert(database_start(&own));
	cr_assert(database_run(url, "UPDATE turnstile.store SET version = version + 1000"));
	database_stop(&own, SIGINT);
	turnstiled_start(&a, "--workers", "2", "--store", url);
	talk_open_greeted(&talk, a.lines_port);
	cr_assert(database_start(&own));
	cr_expect(eventually(log_has(&a, "newer version")));
	ask(&talk, "-BUSY ", "/book rush 1 key=while-it-is-no-good");
	cr_expect_eq(times_in_log(&a, "no bookings until this is mended"), 1);
	cr_assert(database_run(url, "UPDATE turnstile.store SET version = version - 1000"));
	cr_expect(eventually(is_answered("+booked", "when-it-is-mended-again")));
}
