/* Holds, codes and keys: each answer as the protocol has it, on both stores; and when holds end. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"

static struct turnstiled server, second;
static struct talk talk, other;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&second);
	turnstiled_finish(&server);
}

TestSuite(programs_holds, .init = init, .fini = finish, .timeout = 60);

/* A test's promise on either kind of store. */
#define TestOnBoth(promise)                    \
	static void promise(const char *kind); \
	Test(programs_holds, promise##_sqlite) \
	{                                      \
		promise("sqlite");             \
	}                                      \
	Test(programs_holds, promise##_json)   \
	{                                      \
		promise("json");               \
	}                                      \
	static void promise(const char *kind)

static void start(const char *kind)
{
	turnstiled_start(&server, "--workers", "2", "--store", store_url(&server, kind, "store"),
			 "--event", "rush=5", "--op-password-file", password_file(&server));
}

static void start_and_open(const char *kind)
{
	start(kind);
	open_on(&talk, server.lines_port, 1);
	become_operator(&talk);
}

/* Each command in each state */

static void check_held(const char *code)
{
	ask(&talk, text_of("+ticket %s rush 2 held$", code), "/ticket %s", code);
	ask(&talk, "-BADARG ", "/admit %s", code);
	ask(&talk, "+audit rush 0 2 3 5 ok$", "/audit rush");
	ask(&talk, "+left rush 3 5$", "/left rush");
}

static void check_booked(const char *code)
{
	ask(&talk, text_of("+booked %s rush 2$", code), "/confirm %s", code);
	ask(&talk, text_of("+booked %s rush 2$", code), "/confirm %s", code);
	ask(&talk, text_of("+ticket %s rush 2 booked$", code), "/ticket %s", code);
	ask(&talk, "+audit rush 2 0 3 5 ok$", "/audit rush");
}

static void check_admitted(const char *code)
{
	ask(&talk, text_of("+admitted %s rush 2$", code), "/admit %s", code);
	ask(&talk, text_of("-USED %s was admitted before, at 20", code), "/admit %s", code);
	ask(&talk, "-USED ", "/confirm %s", code);
	ask(&talk, "-USED ", "/cancel %s", code);
	ask(&talk, text_of("+ticket %s rush 2 admitted$", code), "/ticket %s", code);
	ask(&talk, "+audit rush 2 0 3 5 ok$", "/audit rush");
}

static void check_cancelled(const char *code)
{
	ask(&talk, text_of("+cancelled %s rush 3$", code), "/cancel %s", code);
	ask(&talk, "+left rush 3 5$", "/left rush");
	ask(&talk, "-USED ", "/cancel %s", code);
	ask(&talk, "-USED ", "/confirm %s", code);
	ask(&talk, "-USED ", "/admit %s", code);
	ask(&talk, text_of("+ticket %s rush 3 cancelled$", code), "/ticket %s", code);
}

static bool is_lapsed(const char *code, int quantity)
{
	return strcmp(ask(&talk, "+ticket ", "/ticket %s", code),
		      text_of("+ticket %s rush %d expired", code, quantity)) == 0;
}

static void check_lapsed(const char *code)
{
	cr_assert(eventually(is_lapsed(code, 1)));
	ask(&talk, "-EXPIRED ", "/confirm %s", code);
	ask(&talk, "-EXPIRED ", "/cancel %s", code);
	ask(&talk, "-EXPIRED ", "/admit %s", code);
}

TestOnBoth(each_command_answers_as_the_state_is)
{
	char code[TICKET_CODE_SIZE];

	start_and_open(kind);
	ask_code(&talk, code, "+held ", "/hold rush 2");
	cr_assert_str_eq(talk.line, text_of("+held %s rush 2 120", code));
	check_held(code);
	check_booked(code);
	check_admitted(code);
	ask_code(&talk, code, "+booked ", "/book rush 3");
	check_cancelled(code);
	ask_code(&talk, code, "+held ", "/hold rush ttl=1");
	check_lapsed(code);
	ask(&talk, "+audit rush 2 0 3 5 ok$", "/audit rush");
}

Test(programs_holds, arguments_that_are_wrong_change_nothing)
{
	start_and_open("sqlite");
	ask(&talk, "-BADARG ", "/hold ttl=1 rush");
	ask(&talk, "-BADARG ", "/hold");
	ask(&talk, "-BADARG ", "/hold rush 0");
	ask(&talk, "-BADARG ", "/hold rush ttl=0");
	ask(&talk, "-BADARG ", "/hold rush ttl=3601");
	ask(&talk, "-BADARG ", "/hold rush ttl=");
	ask(&talk, "-BADARG ", "/hold rush 1 2");
	ask(&talk, "-BADARG ", "/hold rush tied=1");
	ask(&talk, "-NOTFOUND ", "/hold none");
	ask(&talk, "-SOLDOUT rush 5$", "/hold rush 6");
	ask(&talk, "-BADARG ", "/audit");
	ask(&talk, "-BADARG ", "/audit Rush");
	ask(&talk, "-NOTFOUND ", "/audit none");
	ask(&talk, "+left rush 5 5$", "/left rush");
	ask(&talk, "+held ", "/hold rush 1 ttl=3600 tied key=a-good-long-key-a");
	talk_open_greeted(&other, server.lines_port);
	ask(&other, "-DENIED ", "/admit 0000-0000-0000-0000");
	ask(&talk, "+event rush closed$", "/event close rush");
	ask(&talk, "-CLOSED ", "/hold rush");
	ask(&talk, "+held ", "/hold rush 1 ttl=3600 tied key=a-good-long-key-a");
}

Test(programs_holds, names_of_options_are_read_without_case_and_keys_with_it)
{
	char code[TICKET_CODE_SIZE], another[TICKET_CODE_SIZE];

	start_and_open("sqlite");
	ask_code(&talk, code, "+held ", "/hold rush TTL=3600 TIED KEY=a-good-long-key-a");
	ask(&talk, text_of("+held %s rush 1 3", code), "/hold rush ttl=100 key=a-good-long-key-a");
	ask_code(&talk, another, "+held ", "/hold rush tTl=100 key=a-good-long-key-A");
	cr_expect_str_neq(code, another, "it is another key");
	ask_code(&talk, code, "+booked ", "/book rush Key=a-good-long-key-b");
	ask(&talk, text_of("+booked %s rush 1$", code), "/book rush key=a-good-long-key-b");
}

/* Repeats by key */

TestOnBoth(a_repeat_by_key_gets_the_state_as_it_is_now)
{
	char code[TICKET_CODE_SIZE];

	start_and_open(kind);
	talk_open_greeted(&other, server.lines_port);
	ask_code(&talk, code, "+held ", "/hold rush 2 ttl=100 key=a-good-long-key-h");
	ask(&other, text_of("+held %s rush 2 ", code), "/hold rush 2 key=a-good-long-key-h");
	ask(&other, "-BADARG ", "/hold rush 1 key=a-good-long-key-h");
	ask(&other, "-BADARG ", "/book rush 2 key=a-good-long-key-h");
	ask(&talk, "+booked ", "/confirm %s", code);
	ask(&other, text_of("+booked %s rush 2$", code), "/hold rush 2 key=a-good-long-key-h");
	ask(&talk, "+admitted ", "/admit %s", code);
	ask(&other, text_of("+booked %s rush 2$", code), "/hold rush 2 key=a-good-long-key-h");
	ask_code(&talk, code, "+held ", "/hold rush key=a-good-long-key-H");
	ask(&talk, "+cancelled ", "/cancel %s", code);
	ask(&other, "-USED ", "/hold rush key=a-good-long-key-H");
	ask_code(&talk, code, "+held ", "/hold rush key=a-good-long-key-short ttl=1");
	cr_assert(eventually(is_lapsed(code, 1)));
	ask(&other, "-EXPIRED ", "/hold rush key=a-good-long-key-short ttl=1");
	ask(&talk, "-SOLDOUT rush 3$", "/hold rush 4 key=a-good-long-key-later");
	ask(&talk, "+event rush 6$", "/event grow rush 1");
	ask_code(&talk, code, "+held ", "/hold rush 4 key=a-good-long-key-later");
	turnstiled_kill(&server);

	start(kind);
	talk_open_greeted(&other, server.lines_port);
	ask(&other, text_of("+held %s rush 4 ", code), "/hold rush 4 key=a-good-long-key-later");
	ask(&other, "+booked ", "/hold rush 2 key=a-good-long-key-h");
	ask(&other, "-USED ", "/hold rush key=a-good-long-key-H");
	ask(&other, "-EXPIRED ", "/hold rush key=a-good-long-key-short");
	ask(&other, "+audit rush 2 4 0 6 ok$", "/audit rush");
}

/* Reading codes */

static void without_case_and_hyphens(const char *code, char *plain)
{
	for (; *code != '\0'; code++) {
		if (*code != '-') {
			*plain++ = (char)tolower(*code);
		}
	}
	*plain = '\0';
}

Test(programs_holds, codes_are_read_without_case_and_hyphens)
{
	static const char *const malformed[] = { "",
						 "7",
						 "7K3M-Q2XW-9FTA-0BH",
						 "7K3M-Q2XW-9FTA-0BHJ0",
						 "7K3M-Q2XW-9FTA-0BH*",
						 "7K3M Q2XW 9FTA 0BHJ",
						 "7K3M-Q2XW-9FTA-0BHU" };
	static const char *const commands[] = { "confirm", "cancel", "ticket", "admit" };
	char code[TICKET_CODE_SIZE], plain[TICKET_CODE_SIZE];

	start_and_open("sqlite");
	ask_code(&talk, code, "+held ", "/hold rush");
	without_case_and_hyphens(code, plain);
	ask(&talk, text_of("+ticket %s rush 1 held$", code), "/ticket %s", plain);
	ask(&talk, text_of("+booked %s rush 1$", code), "/confirm %s", plain);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		for (size_t j = 0; j < sizeof(malformed) / sizeof(malformed[0]); j++) {
			ask(&talk, "-BADARG ", "/%s %s", commands[i], malformed[j]);
		}
		ask(&talk, "-NOTFOUND ", "/%s 7K3M-Q2XW-9FTA-0BHJ", commands[i]);
	}
	ask(&talk, text_of("+admitted %s rush 1$", code), "/admit %s", plain);
}

/* The end of a hold's time */

TestOnBoth(a_hold_lapses_by_itself_and_the_room_hears_it)
{
	start_and_open(kind);
	ask(&talk, "+join #rush ", "/join #rush");
	const int64_t start_ns = clock_monotonic_ns();
	ask(&talk, "+held ", "/hold rush 2 ttl=1");
	while (strcmp(talk_expect_event(&talk, "*sale rush "), "*sale rush 5 5") != 0) {
		;
	}
	const int64_t took_ns = clock_monotonic_ns() - start_ns;
	cr_expect_geq(took_ns, NS_PER_SECOND);
	ask(&talk, "+audit rush 0 0 5 5 ok$", "/audit rush");
}

TestOnBoth(a_hold_lapses_also_when_the_server_was_down)
{
	char code[TICKET_CODE_SIZE];

	start_and_open(kind);
	ask_code(&talk, code, "+held ", "/hold rush 2 ttl=1");
	const int64_t over_ns = clock_deadline(NS_PER_SECOND);
	talk_close(&talk);
	cr_assert_eq(turnstiled_stop(&server), 0);
	while (clock_monotonic_ns() < over_ns) {
		clock_sleep(NS_PER_MS);
	}

	start_and_open(kind);
	ask(&talk, "-EXPIRED ", "/confirm %s", code);
	cr_expect(eventually(left_of(&talk, "rush") == 5));
}

TestOnBoth(a_hold_lapses_also_when_everything_was_killed)
{
	char code[TICKET_CODE_SIZE];

	start_and_open(kind);
	ask_code(&talk, code, "+held ", "/hold rush 2 ttl=2");
	turnstiled_kill(&server);

	start_and_open(kind);
	cr_expect(eventually(left_of(&talk, "rush") == 5));
	ask(&talk, text_of("+ticket %s rush 2 expired$", code), "/ticket %s", code);
	cr_expect(adds_up(&talk, "rush"));
}

Test(programs_holds, a_hold_of_a_killed_clerk_lapses_too)
{
	pid_t children[WATCH_CHILDREN_MAX];

	start_and_open("sqlite");
	ask(&talk, "+held ", "/hold rush 2 ttl=2");
	size_t count = watch_children(server.pid, children);
	for (size_t i = 0; i < count; i++) {
		watch_signal(server.pid, children[i], SIGKILL);
	}
	talk_open_greeted(&other, server.lines_port);
	cr_expect(eventually(left_of(&other, "rush") == 5));
	cr_expect(adds_up(&other, "rush"));
}

/* Tied holds */

static void tie(const char *kind)
{
	turnstiled_start(&server, "--workers", "2", "--adopt", "off", "--store",
			 store_url(&server, kind, "store"), "--event", "rush=5");
	open_on(&talk, server.lines_port, 1);
	open_on(&other, server.lines_port, 2);
	ask(&other, "+held ", "/hold rush 2 tied");
	ask(&other, "+held ", "/hold rush ttl=3600");
	ask(&talk, "+left rush 2 5$", "/left rush");
}

TestOnBoth(a_tied_hold_goes_with_its_connection)
{
	tie(kind);
	talk_close(&other);
	cr_expect(eventually(left_of(&talk, "rush") == 4));
	ask(&talk, "+audit rush 0 1 4 5 ok$", "/audit rush");
}

TestOnBoth(a_tied_hold_goes_with_its_worker)
{
	pid_t pid;

	tie(kind);
	serving(&other, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGKILL));
	cr_expect(eventually(left_of(&talk, "rush") == 4));
	ask(&talk, "+audit rush 0 1 4 5 ok$", "/audit rush");
}

TestOnBoth(a_tied_hold_goes_with_its_server)
{
	tie(kind);
	turnstiled_kill(&server);

	start(kind);
	talk_open_greeted(&talk, server.lines_port);
	ask(&talk, "+left rush 4 5$", "/left rush");
	ask(&talk, "+audit rush 0 1 4 5 ok$", "/audit rush");
}

Test(programs_holds, a_confirmed_hold_is_tied_to_nobody)
{
	char code[TICKET_CODE_SIZE];

	start_and_open("sqlite");
	talk_open_greeted(&other, server.lines_port);
	ask_code(&other, code, "+held ", "/hold rush 2 tied");
	ask(&other, "+booked ", "/confirm %s", code);
	ask(&other, "+held ", "/hold rush 1 tied");
	talk_close(&other);
	cr_expect(eventually(left_of(&talk, "rush") == 3));
	ask(&talk, text_of("+ticket %s rush 2 booked$", code), "/ticket %s", code);
}

/* While another server on the same store lives, its tied holds stay. */
Test(programs_holds, a_tied_hold_stays_when_another_server_comes_and_goes)
{
	tie("sqlite");
	turnstiled_init(&second, TURNSTILED);
	turnstiled_start(&second, "--workers", "1", "--store",
			 store_url(&server, "sqlite", "store"));
	ask(&talk, "+left rush 2 5$", "/left rush");
	turnstiled_kill(&second);
	turnstiled_start(&second, "--workers", "1", "--store",
			 store_url(&server, "sqlite", "store"));
	ask(&talk, "+audit rush 0 3 2 5 ok$", "/audit rush");
	talk_close(&other);
	cr_expect(eventually(left_of(&talk, "rush") == 4));
	talk_open_greeted(&other, second.lines_port);
	cr_expect(eventually(left_of(&other, "rush") == 4));
}

Test(programs_holds, a_tied_hold_goes_with_its_server_while_others_serve_the_store)
{
	start_and_open("sqlite");
	ask(&talk, "+held ", "/hold rush tied ttl=3600");
	turnstiled_init(&second, TURNSTILED);
	turnstiled_start(&second, "--workers", "1", "--store",
			 store_url(&server, "sqlite", "store"));
	talk_open_greeted(&other, second.lines_port);
	ask(&other, "+held ", "/hold rush 2 tied ttl=3600");
	ask(&other, "+held ", "/hold rush ttl=3600");
	cr_expect(eventually(left_of(&talk, "rush") == 1));
	turnstiled_kill(&second);
	cr_expect(eventually(left_of(&talk, "rush") == 3));
	ask(&talk, "+audit rush 0 2 3 5 ok$", "/audit rush");
}
