#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/store/store.h"
#include "db/booking/booking.h"
#include "db/open.h"
#include "db/store/chat.h"
#include "db/store/tickets.h"
#include "shared/base/clock.h"
#include "shared/base/usage.h"
#include "tests/support/capture.h"
#ifdef TURNSTILE_WITH_POSTGRES
#include "tests/support/database.h"
#endif
#include "tests/support/folder.h"

#define URL_SIZE      (FOLDER_PATH_SIZE + 16)
#define ARGUMENTS_MAX 8
#define MADE_NS       (1795168800 * NS_PER_SECOND) /* 2026-11-20T10:00:00Z */

static struct folder folder;
static struct capture capture;
static char sqlite_url[URL_SIZE];
static char json_url[URL_SIZE];
static char other_url[URL_SIZE]; /* of JSON too */

static void make_url(char *url, const char *scheme, const char *name)
{
	char path[FOLDER_PATH_SIZE];
	folder_file(&folder, name, path);
	snprintf(url, URL_SIZE, "%s:%s", scheme, path);
}

static void set_up(void)
{
	folder_init(&folder);
	make_url(sqlite_url, "sqlite", "s.db");
	make_url(json_url, "json", "j.json");
	make_url(other_url, "json", "other.json");
}

static void tear_down(void)
{
	free(capture.output);
	free(capture.errors);
	folder_finish(&folder);
}

TestSuite(store_tool, .init = set_up, .fini = tear_down);

static const char *path_of(const char *url)
{
	return strchr(url, ':') + 1;
}

/* The tool */

static int run_store(void *argument)
{
	const char *const *words = argument;
	char *argv[ARGUMENTS_MAX + 1] = { strdup("turnstile store") };
	int argc = 1;
	for (; *words; words++) {
		child_check(argc < ARGUMENTS_MAX);
		argv[argc++] = strdup(*words);
	}
	int status = store_run(NULL, argc, argv);
	for (int i = 0; i < argc; i++) {
		free(argv[i]);
	}
	return status;
}

/* Runs `turnstile store` with these words, and returns its exit status. */
#define store(...) store_with((const char *[]){ __VA_ARGS__, NULL })

static int store_with(const char **words)
{
	free(capture.output);
	free(capture.errors);
	capture_start(&capture, -1, run_store, words);
	capture_wait(&capture);
	return capture.status;
}

static bool is_one_line(const char *text)
{
	const char *end = strchr(text, '\n');
	return end && end[1] == '\0';
}

/* Whether it failed with STATUS, said nothing else than one line, and that has REASON in it. */
static bool failed(int status, int expected, const char *reason)
{
	return status == expected && capture.output_length == 0 && is_one_line(capture.errors) &&
	       strstr(capture.errors, reason);
}

/* A store to look at */

static struct store *open_at(const char *url)
{
	char error[STORE_ERROR_SIZE] = "";
	struct store *opened = store_open(url, error);
	cr_assert(opened, "%s", error);
	return opened;
}

static struct booking_answer ask(struct store *opened, const struct booking_request *request)
{
	const struct booking_context context = { .store = opened, .wall_ns = MADE_NS };
	struct booking_answer answer;
	cr_assert(store_take(opened, NS_PER_SECOND));
	cr_assert_eq(store_begin(opened), STORE_OK);
	booking_carry_out(&context, request, &answer);
	cr_assert_eq(store_commit(opened), STORE_OK);
	store_give(opened);
	return answer;
}

static struct booking_answer book(struct store *opened, enum booking_verb verb, int64_t quantity,
				  const char *key)
{
	struct booking_request request = {
		.verb = verb, .quantity = quantity, .seconds = 3600, .event = "rush"
	};
	snprintf(request.key, sizeof(request.key), "%s", key);
	return ask(opened, &request);
}

static void cancel(struct store *opened, const char *code)
{
	struct booking_request request = { .verb = BOOKING_CANCEL };
	memcpy(request.code, code, CODE_SIZE);
	cr_assert_eq(ask(opened, &request).outcome, BOOKING_DONE);
}

#define SALES 4

static char codes[SALES][CODE_SIZE];

/* Of 100 five are booked and three held; two were cancelled. */
static void make_store(const char *url)
{
	struct store *opened = open_at(url);
	struct booking_request request = { .verb = BOOKING_EVENT_NEW,
					   .quantity = 100,
					   .event = "rush",
					   .title = "The \"Rush\", 5\xe2\x82\xac" };
	cr_assert_eq(ask(opened, &request).outcome, BOOKING_DONE);
	struct booking_answer answers[SALES] = { book(opened, BOOKING_BOOK, 4, "first.key"),
						 book(opened, BOOKING_HOLD, 3, "held"),
						 book(opened, BOOKING_BOOK, 2, ""),
						 book(opened, BOOKING_BOOK, 1, "") };
	for (int i = 0; i < SALES; i++) {
		memcpy(codes[i], answers[i].code, CODE_SIZE);
	}
	cancel(opened, codes[2]);
	store_close(opened);
}

/* check */

static void expect_check(const char *url)
{
	make_store(url);
	cr_assert_eq(store("check", url), 0);
	cr_assert_str_eq(capture.output, "rush: 5 sold, 3 held, 92 free of 100, open\n");
	cr_assert_str_empty(capture.errors);
}

Test(store_tool, check_says_a_line_for_each_event)
{
	expect_check(sqlite_url);
	expect_check(json_url);
}

/* The counter says more than the tickets: what a program that is not ours may have done. */
static void make_breach(const char *url)
{
	struct store_event *event;
	make_store(url);
	struct store *opened = open_at(url);
	cr_assert(store_take(opened, 0));
	cr_assert_eq(store_begin(opened), STORE_OK);
	cr_assert_eq(store_event_find(opened, "rush", &event), STORE_OK);
	event->sold = 50;
	store_event_change(opened, event);
	cr_assert_eq(store_commit(opened), STORE_OK);
	store_give(opened);
	store_close(opened);
}

static void expect_breach(const char *url)
{
	make_breach(url);
	cr_assert_eq(store("check", url), 1);
	cr_assert(
		strstr(capture.output, "wrong: event rush says that 50 are sold, its tickets 5\n"));
	cr_assert(failed(store("convert", url, other_url), 1, "is not sound"));
	cr_assert_neq(access(path_of(other_url), F_OK), 0);
}

Test(store_tool, check_says_a_line_for_what_is_wrong)
{
	expect_breach(sqlite_url);
	expect_breach(json_url);
}

Test(store_tool, check_looks_also_while_the_store_is_in_use)
{
	make_store(json_url);
	struct store *opened = open_at(json_url);
	book(opened, BOOKING_BOOK, 1, "");
	cr_assert_eq(store("check", json_url), 0);
	cr_assert_str_eq(capture.output, "rush: 6 sold, 3 held, 91 free of 100, open\n");
	book(opened, BOOKING_BOOK, 1, "");
	store_close(opened);
	cr_assert_eq(store("check", json_url), 0);
	cr_assert_str_eq(capture.output, "rush: 7 sold, 3 held, 90 free of 100, open\n");
}

Test(store_tool, store_that_is_not_there_is_not_made)
{
	cr_assert(failed(store("check", sqlite_url), 1, "there is no store"));
	cr_assert(failed(store("export", json_url, "--format", "csv"), 1, "there is no store"));
	cr_assert(failed(store("convert", sqlite_url, json_url), 1, "there is no store"));
	cr_assert_neq(access(path_of(sqlite_url), F_OK), 0);
	cr_assert_neq(access(path_of(json_url), F_OK), 0);
}

Test(store_tool, damaged_file_is_one_clear_line)
{
	FILE *file = fopen(path_of(json_url), "we");
	cr_assert(file && fputs("{\"count\": -3}", file) >= 0 && fclose(file) == 0);
	cr_assert(failed(store("check", json_url), 1, "j.json: \"count\" is -3"));
}

/* export */

static void expect_csv(const char *url)
{
	char expected[1024];
	make_store(url);
	snprintf(expected, sizeof(expected),
		 "code,event,quantity,state,made,expires,key,admitted\r\n"
		 "%s,rush,4,booked,2026-11-20T10:00:00Z,,first.key,\r\n"
		 "%s,rush,3,held,2026-11-20T10:00:00Z,2026-11-20T11:00:00Z,held,\r\n"
		 "%s,rush,2,cancelled,2026-11-20T10:00:00Z,,,\r\n"
		 "%s,rush,1,booked,2026-11-20T10:00:00Z,,,\r\n",
		 codes[0], codes[1], codes[2], codes[3]);
	cr_assert_eq(store("export", url, "--format", "csv"), 0);
	cr_assert_str_eq(capture.output, expected);
}

Test(store_tool, export_writes_csv)
{
	expect_csv(sqlite_url);
	expect_csv(json_url);
}

Test(store_tool, export_writes_json)
{
	char expected[1024];
	make_store(json_url);
	snprintf(
		expected, sizeof(expected),
		"[\n"
		"  {\"code\": \"%s\", \"event\": \"rush\", \"quantity\": 4, \"state\": \"booked\", "
		"\"made\": \"2026-11-20T10:00:00Z\", \"expires\": null, \"key\": \"first.key\", "
		"\"admitted\": null},\n"
		"  {\"code\": \"%s\", \"event\": \"rush\", \"quantity\": 3, \"state\": \"held\", "
		"\"made\": \"2026-11-20T10:00:00Z\", \"expires\": \"2026-11-20T11:00:00Z\", "
		"\"key\": \"held\", \"admitted\": null},\n",
		codes[0], codes[1]);
	cr_assert_eq(store("export", json_url, "--format=json"), 0);
	cr_assert_eq(strncmp(capture.output, expected, strlen(expected)), 0, "%s", capture.output);
	cr_assert_str_eq(capture.output + capture.output_length - 4, "}\n]\n");
}

/* convert */

static void expect_same_sales(const char *url)
{
	struct store *opened = open_at(url);
	cr_assert_str_eq(book(opened, BOOKING_BOOK, 4, "first.key").code, codes[0]);
	struct booking_answer held = book(opened, BOOKING_HOLD, 3, "held");
	cr_assert_str_eq(held.code, codes[1]);
	cr_assert_eq(held.state, TICKET_HELD);
	cr_assert_eq(held.seconds, 3600);
	store_close(opened);
	cr_assert_eq(store("check", url), 0);
	cr_assert_str_eq(capture.output, "rush: 5 sold, 3 held, 92 free of 100, open\n");
}

Test(store_tool, convert_carries_all_there_and_back)
{
	make_store(sqlite_url);
	cr_assert_eq(store("export", sqlite_url, "--format", "csv"), 0);
	char *before = strdup(capture.output);
	cr_assert_eq(store("convert", sqlite_url, json_url), 0);
	cr_assert(strstr(capture.output, "4 bookings"));
	expect_same_sales(json_url);
	unlink(path_of(sqlite_url));
	cr_assert_eq(store("convert", json_url, sqlite_url), 0);
	expect_same_sales(sqlite_url);
	cr_assert_eq(store("export", sqlite_url, "--format", "csv"), 0);
	cr_assert_str_eq(capture.output, before);
	free(before);
}

#ifdef TURNSTILE_WITH_POSTGRES
TestSuite(store_tool_postgres, .init = set_up, .fini = tear_down);

Test(store_tool_postgres, convert_carries_all_there_and_back)
{
	char url[DATABASE_URL_SIZE];
	char name[32];
	if (!database_shared()) {
		cr_skip_test("no PostgreSQL is installed");
	}
	snprintf(name, sizeof(name), "store_tool_%d", (int)getpid());
	cr_assert(database_create(database_shared(), name));
	database_url(database_shared(), name, url);
	cr_assert(failed(store("check", url), 1, "never was"));
	make_store(sqlite_url);
	cr_assert_eq(store("export", sqlite_url, "--format", "csv"), 0);
	char *before = strdup(capture.output);
	cr_assert_eq(store("convert", sqlite_url, url), 0);
	cr_assert(strstr(capture.output, "4 bookings"));
	expect_same_sales(url);
	cr_assert(failed(store("convert", sqlite_url, url), 1, "is there already"));
	unlink(path_of(sqlite_url));
	cr_assert_eq(store("convert", url, sqlite_url), 0);
	expect_same_sales(sqlite_url);
	cr_assert_eq(store("export", sqlite_url, "--format", "csv"), 0);
	cr_assert_str_eq(capture.output, before);
	free(before);
	database_drop(database_shared(), name);
}
#endif

Test(store_tool, convert_carries_the_title)
{
	char title[STORE_TITLE_SIZE];
	struct store_event *event;
	make_store(sqlite_url);
	cr_assert_eq(store("convert", sqlite_url, json_url), 0);
	struct store *opened = open_at(json_url);
	cr_assert(store_take(opened, 0));
	cr_assert_eq(store_begin(opened), STORE_OK);
	cr_assert_eq(store_event_find(opened, "rush", &event), STORE_OK);
	memcpy(title, event->title, sizeof(title));
	store_rollback(opened);
	store_give(opened);
	store_close(opened);
	cr_assert_str_eq(title, "The \"Rush\", 5\xe2\x82\xac");
}

#define FOR_EVER (INT64_MAX - 1) /* until when an address is banned */

static void make_chat(const char *url)
{
	const struct store_room room = { .place = 7, .name = "#lobby", .topic = "Today" };
	const struct store_ban ban = { .address = "10.0.0.1", .until_ns = FOR_EVER };
	struct store_message message = { .room = 7, .wall_ns = MADE_NS, .text = "ann \"hi\"" };
	message.length = strlen(message.text);
	struct store *opened = open_at(url);
	cr_assert(store_take(opened, 0));
	cr_assert_eq(store_begin(opened), STORE_OK);
	cr_assert_eq(store_room_put(opened, &room, true), STORE_OK);
	for (message.number = 3; message.number <= 5; message.number++) {
		cr_assert_eq(store_message_add(opened, &message), STORE_OK);
	}
	cr_assert_eq(store_ban_put(opened, &ban, MADE_NS), STORE_OK);
	cr_assert_eq(store_commit(opened), STORE_OK);
	store_give(opened);
	store_close(opened);
}

static void print_room(void *context, const struct store_room *room)
{
	fprintf(context, "%u %s %s\n", room->place, room->name, room->topic);
}

static void print_message(void *context, const struct store_message *message)
{
	cr_assert_eq(message->wall_ns, MADE_NS);
	fprintf(context, "%u.%u %.*s\n", message->room, (unsigned)message->number,
		(int)message->length, message->text);
}

static void print_ban(void *context, const struct store_ban *ban)
{
	cr_assert_eq(ban->until_ns, FOR_EVER);
	fprintf(context, "%s\n", ban->address);
}

static void expect_chat(const char *url)
{
	char text[1024] = "";
	FILE *stream = fmemopen(text, sizeof(text), "w");
	struct store *opened = open_at(url);
	cr_assert(store_take(opened, 0) && stream);
	cr_assert_eq(store_room_each(opened, print_room, stream), STORE_OK);
	cr_assert_eq(store_message_each(opened, print_message, stream), STORE_OK);
	cr_assert_eq(store_ban_each(opened, print_ban, stream), STORE_OK);
	store_give(opened);
	store_close(opened);
	fclose(stream);
	cr_assert_str_eq(text, "7 #lobby Today\n7.3 ann \"hi\"\n7.4 ann \"hi\"\n"
			       "7.5 ann \"hi\"\n10.0.0.1\n");
}

Test(store_tool, convert_carries_chat_there_and_back)
{
	make_store(sqlite_url);
	make_chat(sqlite_url);
	cr_assert_eq(store("convert", sqlite_url, json_url), 0);
	cr_assert(strstr(capture.output, "4 bookings and 3 messages"));
	expect_chat(json_url);
	unlink(path_of(sqlite_url));
	cr_assert_eq(store("convert", json_url, sqlite_url), 0);
	expect_chat(sqlite_url);
}

Test(store_tool, convert_overwrites_nothing)
{
	make_store(sqlite_url);
	make_store(json_url);
	cr_assert(failed(store("convert", sqlite_url, json_url), 1, "is there already"));
	cr_assert(failed(store("convert", sqlite_url, sqlite_url), 1, "is there already"));
	cr_assert_eq(store("check", json_url), 0);
}

/* Usage */

Test(store_tool, wrong_usage_is_one_line_and_status_2)
{
	static const struct {
		const char *words[5];
		const char *reason;
	} cases[] = {
		{ { NULL }, "check, export or convert" },
		{ { "chek" }, "no such task: chek" },
		{ { "check" }, "store check URL" },
		{ { "check", "json:a", "json:b" }, "store check URL" },
		{ { "check", "a.db" }, "it should be sqlite:FILE" },
		{ { "check", "json:" }, "names no file" },
		{ { "convert", "json:a" }, "store convert FROM TO" },
		{ { "convert", "json:a", "json:b", "json:c" }, "too many arguments: json:c" },
		{ { "export", "json:a" }, "which format" },
		{ { "export", "json:a", "--format", "xml" }, "csv or json" },
		{ { "check", "json:a", "--format", "csv" }, "for export alone" },
		{ { "check", "--colour", "json:a" }, "--colour" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *words[6] = { NULL };
		memcpy(words, cases[i].words, sizeof(cases[i].words));
		cr_expect(failed(store_with(words), USAGE_STATUS, cases[i].reason), "%zu: %d %s", i,
			  capture.status, capture.errors);
	}
}
