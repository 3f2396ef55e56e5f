/*
 * Two servers on one NATS: their rooms are one, in one order, whatever is killed or cut off.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/programs/nodes.h"
#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"
#ifdef TURNSTILE_WITH_TLS
#include "tests/support/certificate.h"
#endif

#define LINES    300 /* of each machine, while something is killed */
#define OUTBOX   1024
#define TEXT_MAX 64

static struct talk ann, bob;

TestSuite(programs_bus, .init = nodes_init, .fini = nodes_finish, .timeout = 120);

static void start_both(void)
{
	nats_start(&nats);
	nodes_start(&a, "a");
	nodes_start(&b, "b");
	nodes_enter(&ann, &a, "ann", "#tea");
	nodes_enter(&bob, &b, "bob", "#tea");
}

/* From now on whoever is started does so. */
static void sign_in_by(const char *line)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&nats.folder, "credentials", path);
	FILE *file = fopen(path, "we");

	cr_assert(file && fprintf(file, "%s\n", line) > 0 && fclose(file) == 0);
	cr_assert_eq(chmod(path, 0600), 0);
	setenv("NATS_CREDS", path, 1);
}

static bool starts(const char *line, const char *start)
{
	return strncmp(line, start, strlen(start)) == 0;
}

/* The next event that is said: a cut may last long enough for a notice, and people come and go. */
static const char *hear(struct talk *talk)
{
	const char *line;

	do {
		line = talk_expect_event(talk, "*");
	} while (starts(line, "*notice ") || starts(line, "*join ") || starts(line, "*part "));
	return line;
}

static void expect_notice(struct talk *talk, const char *start)
{
	const char *line;

	do {
		line = talk_expect_event(talk, "*");
	} while (starts(line, "*join ") || starts(line, "*part "));
	cr_assert(starts(line, start), "%s", line);
}

static void expect_said(struct talk *talk, const char *said)
{
	cr_assert_str_eq(hear(talk), said);
}

static bool is_connected(struct talk *talk)
{
	return stat_of(talk, "turnstile_bus_connected") == 1;
}

Test(programs_bus, a_room_is_one_on_both_machines)
{
	start_both();
	talk_say(&ann, "good morning");
	expect_said(&bob, "*say #tea ann@a good morning");
	talk_say(&bob, "good evening");
	expect_said(&ann, "*say #tea bob@b good evening");
	ask(&bob, "+topic #tea green$", "/topic #TEA green");
	expect_said(&ann, "*topic #tea bob@b green");
	ask(&ann, "+topic #tea green$", "/topic #tea");
}

/* Who speaks hears nothing of it, others on the same machine hear the nick as it is. */
Test(programs_bus, on_ones_own_machine_a_nick_is_as_ever)
{
	static struct talk eve;

	start_both();
	nodes_enter(&eve, &a, "eve", "#tea");
	talk_say(&ann, "one");
	expect_said(&eve, "*say #tea ann one");
	expect_said(&bob, "*say #tea ann@a one");
	talk_say(&bob, "two");
	expect_said(&ann, "*say #tea bob@b two");
}

Test(programs_bus, a_machine_that_comes_later_has_the_history_and_the_topic)
{
	nats_start(&nats);
	nodes_start(&a, "a");
	nodes_enter(&ann, &a, "ann", "#tea");
	ask(&ann, "+say #tea$", "/say one");
	ask(&ann, "+topic #tea green$", "/topic #tea green");
	ask(&ann, "+say #tea$", "/say two");
	cr_assert(eventually(stat_of(&ann, "turnstile_bus_waiting") == 0));
	nodes_start(&b, "b");
	nodes_enter(&bob, &b, "bob", "#tea");
	ask(&bob, "+topic #tea green$", "/topic #tea");
	talk_say(&bob, "/history");
	cr_assert(strstr(talk_line(&bob), " ann@a one"));
	cr_assert(strstr(talk_line(&bob), " ann@a two"));
	talk_expect(&bob, "+history 2");
}

Test(programs_bus, a_machine_that_was_stopped_finds_what_was_said_meanwhile)
{
	start_both();
	talk_say(&ann, "one");
	expect_said(&bob, "*say #tea ann@a one");
	talk_close(&bob);
	cr_assert_eq(turnstiled_stop(&b), 0);
	talk_say(&ann, "two");
	cr_assert(eventually(stat_of(&ann, "turnstile_bus_waiting") == 0));
	nodes_start(&b, "b");
	nodes_enter(&bob, &b, "bob", "#tea");
	talk_say(&bob, "/history");
	cr_assert(strstr(talk_line(&bob), " ann@a one"));
	cr_assert(strstr(talk_line(&bob), " ann@a two"));
	talk_expect(&bob, "+history 2");
}

/* What is said last is said, though the server stops. */
Test(programs_bus, what_was_said_before_a_stop_is_heard_elsewhere)
{
	start_both();
	for (int i = 0; i < LINES; i++) {
		talk_say(&ann, "line %d", i);
	}
	ask(&ann, "+pong", "/ping");
	cr_assert_eq(turnstiled_stop(&a), 0);
	for (int i = 0; i < LINES; i++) {
		expect_said(&bob, text_of("*say #tea ann@a line %d", i));
	}
}

/* Cuts */

Test(programs_bus, without_the_bus_all_else_goes_on_and_people_are_told_once_a_cut)
{
	nats_start(&nats);
	nodes_start(&a, "a");
	nodes_enter(&ann, &a, "ann", "#tea");
	cr_assert(eventually(stat_of(&ann, "turnstile_bus_waiting") == 0));
	nats_stop(&nats, SIGKILL);
	expect_notice(&ann, "*notice the other machines cannot be reached");
	ask(&ann, "+say #tea$", "/say waits");
	ask(&ann, "+pong", "/ping");
	cr_assert(eventually(stat_of(&ann, "turnstile_bus_waiting") == 1));
	nats_start(&nats);
	expect_notice(&ann, "*notice the other machines are reached again");
	cr_assert(eventually(stat_of(&ann, "turnstile_bus_waiting") == 0));
	cr_assert_eq(stat_of(&ann, "turnstile_bus_cuts_total"), 1);
}

Test(programs_bus, what_is_said_during_a_cut_is_heard_afterwards_once_and_in_order)
{
	start_both();
	nats_stop(&nats, SIGKILL);
	for (int i = 0; i < LINES; i++) {
		talk_say(&ann, "line %d", i);
	}
	ask(&ann, "+pong", "/ping");
	nats_start(&nats);
	for (int i = 0; i < LINES; i++) {
		expect_said(&bob, text_of("*say #tea ann@a line %d", i));
	}
	talk_say(&ann, "and on");
	expect_said(&bob, "*say #tea ann@a and on");
}

Test(programs_bus, beyond_what_may_wait_it_is_busy)
{
	nats_start(&nats);
	nodes_start(&a, "a");
	nodes_enter(&ann, &a, "ann", "#tea");
	cr_assert(eventually(stat_of(&ann, "turnstile_bus_waiting") == 0));
	nats_stop(&nats, SIGKILL);
	cr_assert(eventually(!is_connected(&ann)));
	for (int i = 0; i < OUTBOX; i++) {
		ask(&ann, "+say #tea$", "/say %d", i);
	}
	ask(&ann, "-BUSY ", "/say one too many");
	ask(&ann, "-BUSY ", "/topic #tea one too many");
	nats_start(&nats);
	cr_assert(eventually(stat_of(&ann, "turnstile_bus_waiting") == 0));
	ask(&ann, "+say #tea$", "/say again");
}

Test(programs_bus, a_server_starts_without_the_bus_and_is_joined_when_that_is_there)
{
	nodes_start(&a, "a");
	nodes_start(&b, "b");
	nodes_enter(&ann, &a, "ann", "#tea");
	nodes_enter(&bob, &b, "bob", "#tea");
	talk_say(&ann, "early");
	nats_start(&nats);
	expect_said(&bob, "*say #tea ann@a early");
	talk_say(&bob, "late");
	expect_said(&ann, "*say #tea bob@b late");
	cr_assert(eventually(log_has(&a, "the bus is away")));
}

/* The one that knew what was said is gone, another one is in its place. */
Test(programs_bus, when_the_stream_is_lost_chat_goes_on_with_what_is_new)
{
	start_both();
	talk_say(&ann, "one");
	expect_said(&bob, "*say #tea ann@a one");
	nats_stop(&nats, SIGKILL);
	nats_forget(&nats);
	nats_start(&nats);
	talk_say(&ann, "two");
	expect_said(&bob, "*say #tea ann@a two");
	talk_say(&bob, "three");
	expect_said(&ann, "*say #tea bob@b three");
	cr_assert(eventually(log_has(&a, "its stream is another one now")));
}

/* Kills */

/* A machine's lines, told to the other while SHAKE is called now and then; all is one order. */
static void talk_while(void (*shake)(int step))
{
	static struct talk listener_a, listener_b;
	static char heard_a[2 * LINES][TEXT_MAX];
	char line[TEXT_MAX];

	start_both();
	nodes_enter(&listener_a, &a, "la", "#tea");
	nodes_enter(&listener_b, &b, "lb", "#tea");
	for (int i = 0; i < LINES; i++) {
		ask(&ann, "+say #tea$", "/say a %d", i);
		ask(&bob, "+say #tea$", "/say b %d", i);
		shake(i);
	}
	int next[2] = { 0, 0 };
	for (int i = 0; i < 2 * LINES; i++) {
		const char *said = hear(&listener_a);
		char whose;
		int number;

		(void)snprintf(heard_a[i], TEXT_MAX, "%s", strchr(said + 10, ' '));
		cr_assert_eq(sscanf(heard_a[i], " %c %d", &whose, &number), 2);
		cr_assert_eq(number, next[whose == 'b']++, "%s", said);
	}
	for (int i = 0; i < 2 * LINES; i++) {
		const char *said = hear(&listener_b);

		(void)snprintf(line, sizeof(line), "%s", strchr(said + 10, ' '));
		cr_assert_str_eq(line, heard_a[i]);
	}
}

static void kill_bus_processes(int step)
{
	static struct talk watcher;

	if (step == 0) {
		talk_open_greeted(&watcher, a.lines_port);
		become_operator(&watcher);
	}
	if (step % 40 == 39) {
		(void)watch_signal(a.pid, nodes_bus_of(&watcher), SIGKILL);
	}
}

Test(programs_bus, killed_bus_processes_leave_one_order_on_both)
{
	talk_while(kill_bus_processes);
}

static void kill_nats(int step)
{
	if (step % 100 == 99) {
		nats_stop(&nats, SIGKILL);
		nats_start(&nats);
	}
}

Test(programs_bus, a_killed_nats_leaves_one_order_on_both)
{
	talk_while(kill_nats);
}

static void kill_workers(int step)
{
	static unsigned seed = 7;

	if (step % 60 == 59) {
		(void)watch_signal_any(b.pid, &seed, SIGKILL);
	}
}

Test(programs_bus, killed_workers_leave_one_order_on_both)
{
	talk_while(kill_workers);
}

Test(programs_bus, an_upgrade_and_a_reload_go_on_where_the_bus_was)
{
	start_both();
	talk_say(&ann, "one");
	expect_said(&bob, "*say #tea ann@a one");
	nats_stop(&nats, SIGKILL);
	ask(&bob, "+say #tea$", "/say waits");
	turnstiled_upgrade(&b);
	ask(&ann, "+say #tea$", "/say waits too");
	nats_start(&nats);
	expect_said(&ann, "*say #tea bob@b waits");
	expect_said(&bob, "*say #tea ann@a waits too");
	kill(b.pid, SIGHUP);
	cr_assert(eventually(log_has(&b, "reloaded")));
	talk_say(&ann, "two");
	expect_said(&bob, "*say #tea ann@a two");
	talk_say(&bob, "/history");
	cr_assert(strstr(talk_line(&bob), " ann@a one"));
}

/* What else there may be in the place of a stream of ours */

/* As anybody who may publish there: NATS's own protocol is lines, too. */
static void publish(const char *subject, const char *bytes)
{
	static struct talk stranger;

	talk_open(&stranger, nats.port);
	talk_say(&stranger, "CONNECT {\"verbose\":false}\r");
	talk_say(&stranger, "PUB %s %zu\r", subject, strlen(bytes));
	talk_say(&stranger, "%s\r", bytes);
	talk_say(&stranger, "PING\r");
	while (strncmp(talk_line(&stranger), "PONG", 4) != 0) {
		/* what it is */
	}
	talk_close(&stranger);
}

Test(programs_bus, what_strangers_put_into_the_stream_is_left_out)
{
	start_both();
	publish("turnstile.say.tea", "hello");
	publish("turnstile.say.tea", "");
	publish("turnstile.", "a bad subject");
	publish("turnstile.anything", "{}");
	talk_say(&ann, "one");
	expect_said(&bob, "*say #tea ann@a one");
	cr_assert(eventually(stat_of(&bob, "turnstile_bus_left_out_total") == 3));
	cr_assert(eventually(log_has(&b, "none that is understood here")));
}

Test(programs_bus, a_stream_that_does_not_fit_is_said_in_one_line_and_waited_for)
{
	nats_start(&nats);
	publish("$JS.API.STREAM.CREATE.turnstile",
		"{\"name\":\"turnstile\",\"subjects\":[\"other\"],\"retention\":\"limits\","
		"\"storage\":\"file\",\"max_consumers\":-1,\"max_msgs\":-1,\"max_bytes\":-1,"
		"\"num_replicas\":1}");
	nodes_start(&a, "a");
	nodes_enter(&ann, &a, "ann", "#tea");
	ask(&ann, "+say #tea$", "/say waits");
	cr_assert(eventually(log_has(&a, "is not for the subjects turnstile.>")));
	cr_assert(!is_connected(&ann));
	publish("$JS.API.STREAM.DELETE.turnstile", "");
	cr_assert(eventually(stat_of(&ann, "turnstile_bus_waiting") == 0));
	cr_assert(is_connected(&ann));
}

/* Whoever made it has it refuse what is beyond its bound. */
Test(programs_bus, a_stream_that_takes_no_more_is_as_good_as_away)
{
	nats_start(&nats);
	publish("$JS.API.STREAM.CREATE.turnstile",
		"{\"name\":\"turnstile\",\"subjects\":[\"turnstile.>\"],\"retention\":\"limits\","
		"\"storage\":\"file\",\"max_consumers\":-1,\"max_msgs\":3,\"max_bytes\":-1,"
		"\"discard\":\"new\",\"num_replicas\":1}");
	nodes_start(&a, "a");
	nodes_enter(&ann, &a, "ann", "#tea");
	for (int i = 0; i < 3; i++) {
		ask(&ann, "+say #tea$", "/say %d", i);
	}
	expect_notice(&ann, "*notice the other machines cannot be reached");
	cr_assert(eventually(log_has(&a, "it takes nothing that is said")));
	cr_assert(eventually(stat_of(&ann, "turnstile_bus_waiting") == 1));
	publish("$JS.API.STREAM.PURGE.turnstile", "");
	expect_notice(&ann, "*notice the other machines are reached again");
	cr_assert(eventually(stat_of(&ann, "turnstile_bus_waiting") == 0));
}

Test(programs_bus, who_may_not_publish_is_told_so_in_the_log)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&nats.folder, "nats.conf", path);
	FILE *file = fopen(path, "we");

	cr_assert(file &&
		  fputs("authorization { users = [ { user: u, password: p, permissions: { publish: "
			"[\"$JS.API.>\"], subscribe: [\"_INBOX.>\"] } } ] }\n",
			file) >= 0 &&
		  fclose(file) == 0);
	nats.arguments[0] = "-c";
	nats.arguments[1] = path;
	nats_start(&nats);
	sign_in_by("u:p");
	nodes_start(&a, "a");
	nodes_enter(&ann, &a, "ann", "#tea");
	ask(&ann, "+say #tea$", "/say one");
	expect_notice(&ann, "*notice the other machines cannot be reached");
	cr_assert(eventually(log_has(&a, "Permissions Violation for Publish")));
}

Test(programs_bus, a_nats_without_jetstream_is_said)
{
	nats.without_jetstream = true;
	nats_start(&nats);
	nodes_start(&a, "a");
	cr_assert(eventually(log_has(&a, "it has no JetStream")));
}

Test(programs_bus, who_wants_more_history_gets_it)
{
	nats_start(&nats);
	turnstiled_start(&a, "--node", "a", "--bus", nats_url(&nats), "--history", "2");
	nodes_enter(&ann, &a, "ann", "#tea");
	ask(&ann, "+say #tea$", "/say one");
	cr_assert(eventually(stat_of(&ann, "turnstile_bus_waiting") == 0));
	nodes_start(&b, "b");
	for (int i = 0; i < 9; i++) {
		ask(&ann, "+say #tea$", "/say more %d", i);
	}
	cr_assert(eventually(stat_of(&ann, "turnstile_bus_waiting") == 0));
	cr_assert_eq(turnstiled_stop(&b), 0);
	nodes_start(&b, "b");
	nodes_enter(&bob, &b, "bob", "#tea");
	ask(&bob, "+history 10$", "/history");
}

Test(programs_bus, a_name_that_is_taken_is_said_and_the_second_joins_when_the_first_is_gone)
{
	nats_start(&nats);
	nodes_start(&a, "a");
	nodes_enter(&ann, &a, "ann", "#tea");
	ask(&ann, "+say #tea$", "/say before");
	cr_assert(eventually(stat_of(&ann, "turnstile_bus_waiting") == 0));
	nodes_start(&b, "a");
	nodes_enter(&bob, &b, "bob", "#tea");
	cr_assert(eventually(log_has(&b, "another server there calls itself a, too")));
	cr_assert_not(is_connected(&bob));
	cr_assert(is_connected(&ann));
	cr_assert_eq(turnstiled_stop(&a), 0);
	cr_assert(eventually(is_connected(&bob)));
}

/* Options */

Test(programs_bus, it_signs_in_by_a_file)
{
	nats.arguments[0] = "--user";
	nats.arguments[1] = "turnstile";
	nats.arguments[2] = "--pass";
	nats.arguments[3] = "a word";
	nats_start(&nats);
	sign_in_by("turnstile:a word");
	nodes_start(&a, "a");
	unsetenv("NATS_CREDS");
	nodes_start(&b, "b");
	nodes_enter(&ann, &a, "ann", "#tea");
	nodes_enter(&bob, &b, "bob", "#tea");
	cr_assert(is_connected(&ann));
	cr_assert(!is_connected(&bob));
	cr_assert(eventually(log_has(&b, "Authorization")));
	cr_assert(!log_has(&a, "a word"));
}

Test(programs_bus, without_a_bus_there_is_no_such_process)
{
	turnstiled_start(&a, "--op-password-file", password_file(&a));
	nodes_enter(&ann, &a, "ann", "#tea");
	become_operator(&ann);
	cr_assert_eq(nodes_bus_of(&ann), 0);
}

#ifdef TURNSTILE_WITH_TLS
Test(programs_bus, over_tls_it_speaks_to_the_one_whose_certificate_is_good)
{
	static struct certificate certificate;

	certificate_make(&certificate, &nats.folder, "localhost", 2);
	nats.arguments[0] = "--tls";
	nats.arguments[1] = "--tlscert";
	nats.arguments[2] = certificate.certificate;
	nats.arguments[3] = "--tlskey";
	nats.arguments[4] = certificate.key;
	nats_start(&nats);
	setenv("NATS_CA", certificate.certificate, 1);
	turnstiled_start(&a, "--node", "a", "--bus", text_of("tls://localhost:%u", nats.port));
	unsetenv("NATS_CA");
	turnstiled_start(&b, "--node", "b", "--bus", text_of("tls://localhost:%u", nats.port));
	nodes_enter(&ann, &a, "ann", "#tea");
	nodes_enter(&bob, &b, "bob", "#tea");
	cr_assert(eventually(is_connected(&ann)));
	cr_assert(eventually(log_has(&b, "self-signed certificate")));
	cr_assert(!is_connected(&bob));
}
#endif
