#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/programs/watch.h"
#include "tests/support/capture.h"
#include "tests/support/server.h"
#include "tests/support/talk.h"

#define ARGUMENTS_MAX 16

static struct turnstiled server;
static struct turnstiled second; /* of a test that needs one */
static struct capture capture;
static struct talk talk;

static void start_server(void)
{
	turnstiled_init(&server, TURNSTILED);
	turnstiled_start(&server, "--adopt", "off", "--workers", "2", "--event", "small=50",
			 "--event", "big=1000000");
	talk_open_greeted(&talk, server.lines_port);
}

static void finish_server(void)
{
	if (capture.child.pid > 0) {
		child_kill(&capture.child);
	}
	turnstiled_finish(&second);
	turnstiled_finish(&server);
}

TestSuite(programs_rush, .init = start_server, .fini = finish_server, .timeout = 60);

static int run_client(void *argument)
{
	char *const *argv = argument;

	execv(argv[0], argv);
	return 127;
}

static void start_client_with(const char *const *first, const char *const *arguments)
{
	char *argv[ARGUMENTS_MAX] = { NULL };
	size_t count = 0;

	for (; *first; first++) {
		argv[count++] = strdup(*first);
	}
	for (; *arguments && count < ARGUMENTS_MAX - 1; arguments++) {
		argv[count++] = strdup(*arguments);
	}
	capture_start(&capture, -1, run_client, argv);
	for (size_t i = 0; i < count; i++) {
		free(argv[i]);
	}
}

static void start_rush_with(const char *const *arguments)
{
	char port[16];

	snprintf(port, sizeof(port), "%u", server.lines_port);
	start_client_with((const char *const[]){ TURNSTILE, "rush", "--port", port, NULL },
			  arguments);
}
#define start_rush(...) start_rush_with((const char *const[]){ __VA_ARGS__, NULL })

static int64_t figure(const json_t *whole, const char *name)
{
	const json_t *value = json_object_get(whole, name);

	cr_assert(json_is_integer(value), "no %s in: %s", name, capture.output);
	return json_integer_value(value);
}

/* Waits for its end and reads what it said as JSON. */
static json_t *finish_rush(void)
{
	capture_wait(&capture);
	json_t *whole = json_loads(capture.output, 0, NULL);
	cr_assert_not_null(whole, "%d: %s%s", capture.status, capture.output, capture.errors);
	return whole;
}

Test(programs_rush, the_last_ticket_is_sold_once)
{
	start_rush("small", "--buyers", "200", "--json");
	json_t *whole = finish_rush();

	cr_expect_eq(capture.status, 0);
	cr_expect_str_eq(capture.errors, "");
	cr_expect_eq(figure(whole, "sold"), 50);
	cr_expect_eq(figure(whole, "refused"), 150);
	cr_expect_eq(figure(whole, "errors"), 0);
	cr_expect_eq(figure(whole, "double_sales"), 0);
	cr_expect_eq(figure(whole, "left"), 0);
	cr_expect(json_is_true(json_object_get(whole, "audit")));
	json_decref(whole);
	capture_free(&capture);
	talk_ask(&talk, "/audit small", "+audit small 50 0 0 50 ok");
}

Test(programs_rush, more_buyers_than_connections_stand_in_line)
{
	start_rush("big", "--buyers", "500", "--connections", "7", "--each", "3", "--json");
	json_t *whole = finish_rush();

	cr_expect_eq(capture.status, 0);
	cr_expect_eq(figure(whole, "sold"), 500);
	cr_expect_eq(figure(whole, "connections"), 7);
	cr_expect_eq(figure(whole, "left"), 1000000 - 1500);
	json_decref(whole);
	capture_free(&capture);
}

/* How many tickets of the big event are sold: by the server's word. */
static int64_t sold(void)
{
	int64_t left = 0;

	talk_say(&talk, "/left big");
	sscanf(talk_line(&talk), "+left big %" SCNd64, &left);
	return 1000000 - left;
}

/* Some worker's pid that does not serve us. */
static pid_t another_worker(void)
{
	pid_t ours, children[WATCH_CHILDREN_MAX];

	serving(&talk, &ours);
	cr_assert_geq(watch_children(server.pid, children), 2);
	return children[children[0] == ours];
}

Test(programs_rush, a_worker_killed_on_the_way_costs_nobody_a_ticket)
{
	start_rush("big", "--buyers", "10000", "--connections", "60", "--json");
	cr_assert(eventually(sold() > 500));
	kill(another_worker(), SIGKILL);
	json_t *whole = finish_rush();

	cr_expect_eq(capture.status, 0, "%s%s", capture.output, capture.errors);
	cr_expect_gt(figure(whole, "retries"), 0, "it came too late to matter");
	cr_expect_eq(figure(whole, "sold"), 10000);
	cr_expect_eq(figure(whole, "double_sales"), 0);
	cr_expect_eq(figure(whole, "errors"), 0);
	/* Who asked twice was sold once. */
	cr_expect_eq(figure(whole, "left"), 1000000 - 10000);
	json_decref(whole);
	capture_free(&capture);
}

/* On the same store. */
static void start_second(void)
{
	char url[sizeof(server.folder.path) + 32];

	snprintf(url, sizeof(url), "sqlite:%s/turnstile.db", server.folder.path);
	turnstiled_init(&second, TURNSTILED);
	turnstiled_start(&second, "--workers", "1", "--store", url);
}

static void start_rush_on_both(const char *const *arguments)
{
	char hosts[2][32];

	snprintf(hosts[0], sizeof(hosts[0]), "127.0.0.1:%u", server.lines_port);
	snprintf(hosts[1], sizeof(hosts[1]), "127.0.0.1:%u", second.lines_port);
	start_client_with((const char *const[]){ TURNSTILE, "rush", "--host", hosts[0], "--host",
						 hosts[1], NULL },
			  arguments);
}

static int64_t server_figure(const json_t *whole, size_t number, const char *name)
{
	return figure(json_array_get(json_object_get(whole, "servers"), number), name);
}

Test(programs_rush, buyers_are_spread_over_several_servers_of_one_store)
{
	start_second();
	start_rush_on_both((const char *const[]){ "big", "--buyers", "500", "--json", NULL });
	json_t *whole = finish_rush();

	cr_expect_eq(capture.status, 0);
	cr_expect_eq(figure(whole, "sold"), 500);
	cr_expect_eq(figure(whole, "left"), 1000000 - 500);
	cr_expect_eq(server_figure(whole, 0, "sold"), 250);
	cr_expect_eq(server_figure(whole, 1, "sold"), 250);
	json_decref(whole);
	capture_free(&capture);
}

Test(programs_rush, who_loses_a_server_asks_the_next_and_is_sold_once)
{
	start_second();
	start_rush_on_both((const char *const[]){ "big", "--buyers", "10000", "--connections", "60",
						  "--json", NULL });
	cr_assert(eventually(sold() > 500));
	turnstiled_kill(&second);
	json_t *whole = finish_rush();

	cr_expect_eq(capture.status, 0, "%s%s", capture.output, capture.errors);
	cr_expect_eq(figure(whole, "sold"), 10000);
	cr_expect_eq(figure(whole, "double_sales"), 0);
	cr_expect_gt(server_figure(whole, 0, "sold"), server_figure(whole, 1, "sold"));
	cr_expect_eq(figure(whole, "left"), 1000000 - 10000);
	json_decref(whole);
	capture_free(&capture);
}

Test(programs_rush, ctrl_c_ends_it_with_what_is_known)
{
	start_rush("big", "--buyers", "10000", "--connections", "2", "--json");
	cr_assert(eventually(sold() > 100));
	kill(capture.child.pid, SIGINT);
	json_t *whole = finish_rush();

	cr_expect_eq(capture.status, 130);
	cr_expect_gt(figure(whole, "sold"), 0);
	cr_expect_gt(figure(whole, "unknown"), 0);
	cr_expect_eq(figure(whole, "sold") + figure(whole, "unknown"), 10000);
	cr_expect_eq(figure(whole, "double_sales"), 0);
	json_decref(whole);
	capture_free(&capture);
}

Test(programs_rush, an_event_that_is_not_there_is_said)
{
	start_rush("nope", "--buyers", "3");
	capture_wait(&capture);
	cr_expect_eq(capture.status, 1);
	cr_expect_not_null(strstr(capture.errors, "nope: the server says: -NOTFOUND"));
	capture_free(&capture);
}

Test(programs_rush, who_wants_too_many_is_an_error)
{
	talk_close(&talk);
	turnstiled_stop(&server);
	turnstiled_start(&server, "--max-quantity", "2", "--event", "big=1000000");
	start_rush("big", "--buyers", "5", "--each", "3");
	capture_wait(&capture);
	cr_expect_eq(capture.status, 1);
	cr_expect_not_null(strstr(capture.output, "errors                 5  -LIMIT"), "%s",
			   capture.output);
	capture_free(&capture);
}

Test(programs_rush, a_server_without_a_lock_is_found_out)
{
	turnstiled_finish(&server);
	turnstiled_init(&server, TURNSTILED); /* it wants a new store */
	turnstiled_start(&server, "--workers", "2", "--serialize", "none", "--event", "few=10");
	start_rush("few", "--buyers", "200", "--json");
	json_t *whole = finish_rush();

	cr_expect_eq(capture.status, 1);
	cr_expect_gt(figure(whole, "sold"), 10);
	cr_expect_eq(figure(whole, "oversold"), figure(whole, "sold") - 10);
	cr_expect(json_is_false(json_object_get(whole, "audit")));
	json_decref(whole);
	capture_free(&capture);
}
