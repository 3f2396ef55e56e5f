/* What Prometheus scrapes: the form of each line, and that it says the same as /stats. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/child.h"
#include "tests/support/http.h"

static struct turnstiled server;
static struct talk talk, lines;
static struct http_answer answer;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_metrics, .init = init, .fini = finish, .timeout = 60);

static void scrape(void)
{
	cr_assert_eq(http_get(&talk, &answer, "/metrics"), 200);
}

/* The value of a sample, named as it stands there, labels counted in; NAN where there is none. */
static double sample(const char *name)
{
	const size_t length = strlen(name);

	for (const char *line = answer.body; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) == 0 && line[length] == ' ') {
			return strtod(line + length, NULL);
		}
	}
	return -1;
}

static void start(void)
{
	turnstiled_start(&server, "--workers", "2", "--event", "rush=500", "--event", "late=80");
	talk_open(&talk, server.http_port);
	talk_open_greeted(&lines, server.lines_port);
	/* Who came is counted at the end of the turn, when the greeting is on its way. */
	cr_assert(eventually(stat_of(&lines, "turnstile_connections") == 2));
}

static size_t name_length(const char *text)
{
	size_t length = 0;

	while (isalnum((unsigned char)text[length]) || text[length] == '_') {
		length++;
	}
	return length;
}

/* "name" or "name{label="value",…}", a space, a number; its type was said before. */
static void check_sample(char *line, const char *type_name)
{
	size_t length = name_length(line);
	char *end;

	cr_expect(strncmp(line, type_name, strlen(type_name)) == 0, "'%s' belongs to no '%s'", line,
		  type_name);
	if (line[length] == '{') {
		length += strcspn(line + length, "}") + 1;
	}
	cr_assert_eq(line[length], ' ', "'%s'", line);
	(void)strtod(line + length + 1, &end);
	cr_expect(end > line + length + 1 && *end == '\0', "'%s'", line);
}

Test(programs_metrics, each_line_has_the_form_of_version_0_0_4)
{
	char type_name[128] = "", help_name[128] = "", type[128];

	start();
	scrape();
	http_field(&answer, "Content-Type", type, sizeof(type));
	cr_expect_str_eq(type, "text/plain; version=0.0.4; charset=utf-8");
	for (char *line = strtok(answer.body, "\n"); line; line = strtok(NULL, "\n")) {
		if (sscanf(line, "# HELP %127s ", help_name) == 1) {
			continue;
		}
		if (sscanf(line, "# TYPE %127s %127s", type_name, type) == 2) {
			cr_expect_str_eq(type_name, help_name);
			cr_expect(strcmp(type, "counter") == 0 || strcmp(type, "gauge") == 0 ||
				  strcmp(type, "histogram") == 0);
			continue;
		}
		check_sample(line, type_name);
	}
}

/* Another a moment later, whatever the test does. */
static bool is_of_the_moment(const char *name)
{
	static const char *const names[] = { "turnstile_uptime_seconds", "turnstile_commands_total",
					     "turnstile_queued_bytes" };
	const char *lock = "turnstile_lock_"; /* clerks look after the store by themselves */

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			return true;
		}
	}
	return strncmp(name, lock, strlen(lock)) == 0;
}

Test(programs_metrics, it_says_what_stats_says)
{
	char name[64], value[64], info[128];
	size_t count = 0;

	start();
	ask(&lines, "+booked ", "/book rush 3");
	scrape();
	talk_say(&lines, "/stats");
	while (sscanf(talk_line(&lines), "=%63s %63s", name, value) == 2) {
		if (strcmp(name, "turnstile_serialize") == 0) {
			snprintf(info, sizeof(info), "serialize=\"%s\"} 1\n", value);
			cr_expect_not_null(strstr(answer.body, info));
		} else if (!is_of_the_moment(name)) {
			cr_expect_eq(sample(name), strtod(value, NULL), "%s %s", name, value);
		}
		count++;
	}
	cr_expect_geq(count, 16);
}

Test(programs_metrics, bookings_are_counted_by_how_long_they_took)
{
	double before = -1;
	char name[128];

	start();
	for (int i = 0; i < 10; i++) {
		ask(&lines, "+booked ", "/book rush");
	}
	scrape();
	cr_expect_eq(sample("turnstile_booking_seconds_count"), 10);
	cr_expect_gt(sample("turnstile_booking_seconds_sum"), 0);
	cr_expect_geq(sample("turnstile_lock_wait_seconds_count"), 1);
	for (int power = 16; power <= 34; power++) {
		snprintf(name, sizeof(name), "turnstile_booking_seconds_bucket{le=\"%.9f\"}",
			 (double)(INT64_C(1) << power) / 1e9);
		cr_expect_geq(sample(name), before, "%s", name);
		before = sample(name);
	}
	cr_expect_eq(sample("turnstile_booking_seconds_bucket{le=\"+Inf\"}"), 10);
	cr_expect_eq(sample("turnstile_event_tickets{event=\"rush\"}"), 500);
	cr_expect_eq(sample("turnstile_event_tickets_left{event=\"rush\"}"), 490);
	cr_expect_eq(sample("turnstile_event_tickets_left{event=\"late\"}"), 80);
	cr_expect_eq(sample("turnstile_worker_deaths_total{worker=\"2\"}"), 0);
}

/* Clerks look after the store by themselves, and may wait for one another just then. */
static bool nobody_waits_for_the_lock(void)
{
	scrape();
	return sample("turnstile_lock_waiting") == 0;
}

Test(programs_metrics, each_worker_is_told_apart_and_how_long_it_had_the_lock)
{
	double held = 0, connections = 0;

	start();
	for (int i = 0; i < 10; i++) {
		ask(&lines, "+booked ", "/book rush");
	}
	scrape();
	for (int worker = 1; worker <= 2; worker++) {
		held += sample(
			text_of("turnstile_worker_lock_held_seconds_total{worker=\"%d\"}", worker));
		connections +=
			sample(text_of("turnstile_worker_connections{worker=\"%d\"}", worker));
		cr_expect_eq(sample(text_of("turnstile_worker_up{worker=\"%d\"}", worker)), 1);
	}
	unsigned worker = serving(&lines, NULL);

	cr_expect_gt(held, 0);
	cr_expect_eq(connections, 2);
	cr_expect_eq(sample(text_of("turnstile_worker_booked_total{worker=\"%u\"}", worker)), 10);
	cr_expect_geq(sample("turnstile_lock_held_seconds_count"), 1);
	cr_expect_eq(sample("turnstile_event_open{event=\"rush\"}"), 1);
	cr_expect_eq(sample("turnstile_healthy"), 1);
	cr_expect(eventually(nobody_waits_for_the_lock()));
}

/* What others make of the names */

#define FILE_MOST (1 << 20) /* bytes */

static char file_text[FILE_MOST];

static const char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");

	cr_assert_not_null(file, "%s", path);
	file_text[fread(file_text, 1, sizeof(file_text) - 1, file)] = '\0';
	cr_assert_eq(fclose(file), 0);
	return file_text;
}

/* Whether the last answer has a sample of that name, with labels or without. */
static bool has_sample(const char *name, size_t length)
{
	for (const char *line = answer.body; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) == 0 &&
		    (line[length] == ' ' || line[length] == '{')) {
			return true;
		}
	}
	return false;
}

/* Looks each name of ours in TEXT up; returns how many there are. */
static unsigned check_names(const char *text)
{
	unsigned count = 0;

	while ((text = strstr(text, "turnstile_"))) {
		size_t length = name_length(text);

		cr_expect(has_sample(text, length), "there is no %.*s", (int)length, text);
		text += length;
		count++;
	}
	return count;
}

Test(programs_metrics, the_dashboard_is_one_and_asks_for_what_there_is)
{
	json_error_t error;
	json_t *board =
		json_load_file(SOURCE_FOLDER "/packaging/grafana/turnstile.json", 0, &error);
	size_t at, i;
	json_t *panel, *target;

	start();
	scrape();
	cr_assert_not_null(board, "line %d: %s", error.line, error.text);
	cr_expect_gt(json_integer_value(json_object_get(board, "schemaVersion")), 0);
	json_array_foreach(json_object_get(board, "panels"), at, panel)
	{
		const char *title = json_string_value(json_object_get(panel, "title"));
		const char *type = json_string_value(json_object_get(panel, "type"));

		cr_expect_eq(json_integer_value(json_object_get(panel, "id")), (json_int_t)at + 1);
		cr_expect(strcmp(type, "row") == 0 ||
			  json_array_size(json_object_get(panel, "targets")) > 0);
		json_array_foreach(json_object_get(panel, "targets"), i, target)
		{
			const char *asked = json_string_value(json_object_get(target, "expr"));

			cr_expect_geq(check_names(asked), 1, "%s: %s", title, asked);
		}
	}
	cr_expect_geq(json_array_size(json_object_get(board, "panels")), 20);
	json_decref(board);
}

Test(programs_metrics, the_alerts_of_the_page_ask_for_what_there_is)
{
	const char *page = read_file(SOURCE_FOLDER "/docs/operations.md");
	char rule[1024];
	unsigned alerts = 0;

	start();
	scrape();
	for (const char *alert = page; (alert = strstr(alert, "- alert: ")); alert++) {
		const char *asked = strstr(alert, "expr: ");
		const char *end = strstr(alert, "annotations: ");

		cr_assert(asked && end);
		snprintf(rule, sizeof(rule), "%.*s", (int)(end - asked), asked);
		cr_expect_geq(check_names(rule), 1);
		alerts++;
	}
	cr_expect_eq(alerts, 6);
}
