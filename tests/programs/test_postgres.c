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

#define TOTAL  300
#define BUYERS 4
#define WISHES 120 /* of each: more than there are, in all */

static struct turnstiled a, b;
static struct database own; /* of a test that stops it */
static struct talk talk, other;
static char url[DATABASE_URL_SIZE];

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
			 text_of("rush=%d", TOTAL), "--op-password-file", password_file(server));
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

/* Whether a booking by that key is answered so. */
static bool is_answered(const char *answer, const char *key)
{
	talk_say(&talk, "/book rush 1 key=%s", key);
	const char *line = talk_line(&talk);

	while (*line != '+' && *line != '-') {
		line = talk_line(&talk);
	}
	return strncmp(line, answer, strlen(answer)) == 0;
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
	for (int signal = SIGINT; signal <= SIGKILL; signal += SIGKILL - SIGINT) {
		const char *key = text_of("refused-and-never-done-%d", signal);

		database_stop(&own, signal);
		cr_expect(eventually(is_answered("-BUSY", key)));
		talk_say(&other, "still here");
		talk_expect_event(&talk, "*say #r ");
		cr_assert(database_start(&own));
		cr_expect(eventually(
			is_answered("+booked", text_of("after-%d-is-over-again", signal))));
	}
	cr_expect(eventually(left_of(&talk, "rush") == TOTAL - 3), "left %ld",
		  left_of(&talk, "rush"));
	expect_sound();
}

/* In a child: the postmaster is the test's own. */
static int start_and_sell(void *argument)
{
	(void)argument;
	start(&a);
	talk_open_greeted(&talk, a.lines_port);
	ask(&talk, "+booked ", "/book rush 1 key=before-it-was-there");
	return turnstiled_stop(&a);
}

Test(programs_postgres, server_that_is_there_before_its_database_waits_for_it)
{
	cr_assert(database_make(&own));
	database_url(&own, "postgres", url);
	struct child starter = child_start(start_and_sell, NULL);
	cr_expect(eventually(log_has(&a, "it is tried again each second")));
	cr_assert(database_start(&own));
	cr_expect_eq(child_join(&starter), 0);
}
