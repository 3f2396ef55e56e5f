/* The pages over HTTP, as a browser without JavaScript sees them; with it: tests/browser. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/http.h"
#include "tests/support/server.h"

#define FIELD_SIZE 512
#define PATH_SIZE  256
#define CODE_SIZE  20

static struct turnstiled server;
static struct talk talk;
static struct http_answer answer;
static char field[FIELD_SIZE];

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
	turnstiled_start(&server, "--workers", "1", "--event", "rush=500:The <noon> \"rush\"",
			 "--event", "gala=3");
	talk_open(&talk, server.http_port);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_pages, .init = init, .fini = finish, .timeout = 120);

static const char *field_of(const char *name)
{
	http_field(&answer, name, field, sizeof(field));
	return field;
}

#define expect_in_page(text) \
	cr_expect_not_null(strstr(answer.body, text), "'%s' is not in %s", text, answer.body)

Test(programs_pages, the_box_office_reads_without_javascript_and_text_is_no_markup)
{
	cr_expect_eq(http_get(&talk, &answer, "/"), 200);
	cr_expect_str_eq(field_of("Content-Type"), "text/html; charset=utf-8");
	expect_in_page("The &lt;noon&gt; &quot;rush&quot;");
	expect_in_page("href=\"/e/gala\"");
	expect_in_page(">500<");
	cr_expect_null(strstr(answer.body, "<noon>"));
	cr_expect_eq(http_get(&talk, &answer, "/e/gala"), 200);
	expect_in_page("<title>gala");
}

/* The path of the asset of that kind which the page names. */
static void asset_path(const char *ending, char path[PATH_SIZE])
{
	const char *at = answer.body;

	while ((at = strstr(at, "\"/assets/"))) {
		size_t length = strcspn(++at, "\"");

		if (length < PATH_SIZE &&
		    memcmp(at + length - strlen(ending), ending, strlen(ending)) == 0) {
			memcpy(path, at, length);
			path[length] = '\0';
			return;
		}
	}
	cr_assert_fail("no asset *%s", ending);
}

Test(programs_pages, an_asset_is_good_for_a_year_and_packed_for_who_takes_it)
{
	char path[PATH_SIZE];

	(void)http_get(&talk, &answer, "/");
	asset_path(".css", path);
	cr_expect_eq(http_get(&talk, &answer, path), 200);
	const size_t plain = answer.length;

	cr_expect_not_null(strstr(field_of("Cache-Control"), "max-age=31536000"));
	cr_expect_not_null(strstr(field_of("Cache-Control"), "immutable"));
	cr_expect_str_eq(field_of("Content-Encoding"), "");
	(void)http_ask(&talk, &answer, "GET", path, "Accept-Encoding: br, gzip\r\n", NULL);
	cr_expect_str_eq(field_of("Content-Encoding"), "gzip");
	cr_expect_lt(answer.length, plain);
	cr_expect_eq(memcmp(answer.body, "\x1F\x8B", 2), 0);
	(void)http_ask(&talk, &answer, "GET", path, "Accept-Encoding: gzip;q=0, br\r\n", NULL);
	cr_expect_str_eq(field_of("Content-Encoding"), "");
	cr_expect_eq(http_ask(&talk, &answer, "HEAD", path, "", NULL), 200);
	cr_expect_eq(http_get(&talk, &answer, "/assets/style.css"), 404);
}

Test(programs_pages, a_page_is_asked_for_again_and_comes_again_once_it_changed)
{
	char known[FIELD_SIZE];

	(void)http_get(&talk, &answer, "/");
	cr_expect_str_eq(field_of("Cache-Control"), "no-cache");
	cr_assert_lt((size_t)snprintf(known, sizeof(known), "If-None-Match: %.400s\r\n",
				      field_of("ETag")),
		     sizeof(known));
	cr_expect_eq(http_ask(&talk, &answer, "HEAD", "/", known, NULL), 304);
	cr_expect_eq(http_ask(&talk, &answer, "POST", "/api/v1/events/rush/bookings", "", NULL),
		     201);
	cr_expect_eq(http_ask(&talk, &answer, "GET", "/", known, NULL), 200);
	expect_in_page(">499<");
}

static void book(char code[CODE_SIZE])
{
	(void)http_ask(&talk, &answer, "POST", "/api/v1/events/rush/bookings", "", NULL);
	const char *at = strstr(answer.body, "\"code\":\"");

	cr_assert_not_null(at, "%s", answer.body);
	memcpy(code, at + 8, CODE_SIZE - 1);
	code[CODE_SIZE - 1] = '\0';
}

Test(programs_pages, a_ticket_is_for_who_has_its_code_alone)
{
	char code[CODE_SIZE], path[PATH_SIZE];

	book(code);
	(void)snprintf(path, sizeof(path), "/t/%s", code);
	cr_expect_eq(http_get(&talk, &answer, path), 200);
	cr_expect_str_eq(field_of("Cache-Control"), "no-store");
	cr_expect_str_eq(field_of("Referrer-Policy"), "no-referrer");
	cr_expect_str_eq(field_of("X-Robots-Tag"), "noindex");
	expect_in_page(code);
	expect_in_page("The &lt;noon&gt;");
	expect_in_page("booked");
	(void)snprintf(path, sizeof(path), "/t/%s.svg", code);
	cr_expect_eq(http_get(&talk, &answer, path), 200);
	cr_expect_str_eq(field_of("Content-Type"), "image/svg+xml");
	cr_expect_str_eq(field_of("Cache-Control"), "no-store");
	cr_expect_eq(http_ask(&talk, &answer, "POST", path, "", NULL), 405);
	cr_expect_str_eq(field_of("Allow"), "GET, HEAD");
}

Test(programs_pages, after_a_ticket_the_api_answers_in_json_again)
{
	char code[CODE_SIZE], path[PATH_SIZE];

	book(code);
	(void)snprintf(path, sizeof(path), "/t/%s", code);
	cr_expect_eq(http_get(&talk, &answer, path), 200);
	(void)snprintf(path, sizeof(path), "/api/v1/tickets/%s", code);
	cr_expect_eq(http_get(&talk, &answer, path), 200);
	cr_expect_str_eq(field_of("Content-Type"), "application/json");
	(void)snprintf(path, sizeof(path), "/t/%s", code);
	cr_expect_eq(http_ask(&talk, &answer, "HEAD", path, "", NULL), 200);
	cr_expect_eq(http_get(&talk, &answer, "/healthz"), 200);
}

Test(programs_pages, what_is_not_there_is_a_page_for_people_and_json_for_programs)
{
	static const char *const paths[] = { "/nothing", "/e/nothing", "/e/NO", "/t/no",
					     "/t/0000-0000-0000-0000" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		cr_expect_eq(http_get(&talk, &answer, paths[i]), 404, "%s", paths[i]);
		cr_expect_str_eq(field_of("Content-Type"), "text/html; charset=utf-8");
	}
	cr_expect_eq(http_get(&talk, &answer, "/t/no.svg"), 404);
	cr_expect_eq(http_get(&talk, &answer, "/api/v1/nothing"), 404);
	cr_expect_str_eq(field_of("Content-Type"), "application/json");
}

Test(programs_pages, a_page_may_only_use_what_is_from_here)
{
	static const char *const paths[] = { "/", "/e/rush", "/door", "/op", "/nothing" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		(void)http_get(&talk, &answer, paths[i]);
		const char *policy = field_of("Content-Security-Policy");

		cr_expect_not_null(strstr(policy, "default-src 'none'; script-src 'self'; "));
		cr_expect_null(strstr(policy, "unsafe"));
		cr_expect_null(strstr(policy, "http"));
		cr_expect_null(strstr(answer.body, "<style"));
		cr_expect_null(strstr(answer.body, " style="));
		cr_expect_null(strstr(answer.body, "//"), "%s", paths[i]);
	}
}
