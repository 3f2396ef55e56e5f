/* The API over HTTP: what docs/api.md and GET /api promise, over sockets. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/capture.h"
#include "tests/support/child.h"
#include "tests/support/http.h"

#define JSON       "Content-Type: application/json\r\n"
#define KEY        "Idempotency-Key: 0123456789abcdef\r\n"
#define BEARER     "Authorization: Bearer open sesame\r\n"
#define EVENTS     "/api/v1/events"
#define RUSH       EVENTS "/rush"
#define BOOKINGS   RUSH "/bookings"
#define FIELD_SIZE 256

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

TestSuite(programs_api, .init = init, .fini = finish, .timeout = 120);

static void start(const char *workers)
{
	turnstiled_start(&server, "--workers", workers, "--event", "rush=5:The \"noon\" rush",
			 "--op-password-file", password_file(&server));
	talk_open(&talk, server.http_port);
}

static unsigned post(const char *path, const char *fields, const char *body)
{
	return http_ask(&talk, &answer, "POST", path, fields, body);
}

/* The status, and what the body says; '$' stands for the ticket's code. */
#define expect(asked, status, text) expect_at(HERE, asked, status, text)
static void expect_at(struct place place, unsigned asked, unsigned status, const char *text)
{
	cr_expect_eq(asked, status, "%s:%d: %u, and not %u: %s", place.file, place.line, asked,
		     status, answer.body);
	cr_expect_not_null(strstr(answer.body, text), "%s:%d: '%s' is not in '%s'", place.file,
			   place.line, text, answer.body);
}

/* "/api/v1/tickets/CODE/verb" with the code of the last answer. */
static const char *ticket_path(const char *verb)
{
	const char *code = strstr(answer.body, "\"code\":\"");

	cr_assert_not_null(code, "there is no code in '%s'", answer.body);
	return text_of("/api/v1/tickets/%.19s%s", code + 8, verb);
}

Test(programs_api, what_is_booked_here_lines_see_and_the_reverse)
{
	start("2");
	talk_open_greeted(&lines, server.lines_port);
	expect(http_get(&talk, &answer, EVENTS), 200,
	       "{\"events\":[\n{\"name\":\"rush\",\"title\":\"The \\\"noon\\\" rush\",\"total\":5,"
	       "\"left\":5,\"open\":true}\n]}");
	talk_ask(&lines, "/join #rush", "+join #rush");
	expect(post(BOOKINGS, JSON, "{\"quantity\":2}"), 201,
	       "\",\"event\":\"rush\",\"quantity\":2,\"state\":\"booked\"}");
	talk_expect_event(&lines, "*sale rush 3 5");
	ask(&lines, "+booked ", "/book rush");
	expect(http_get(&talk, &answer, RUSH), 200, "\"left\":2,");
	expect(post(BOOKINGS, "", NULL), 201, "\"quantity\":1,");
	expect(post(BOOKINGS, JSON, "{\"quantity\":2}"), 409,
	       "{\"error\":\"soldout\",\"message\":\"rush 1\",\"left\":1}");
	expect(http_get(&talk, &answer, RUSH "/audit"), 200,
	       "{\"event\":\"rush\",\"sold\":4,\"held\":0,\"free\":1,\"total\":5,"
	       "\"admitted\":0,\"ok\":true}");
}

Test(programs_api, with_a_key_asking_again_is_safe)
{
	char first[FIELD_SIZE];

	start("1");
	expect(post(BOOKINGS, JSON KEY, "{\"quantity\":2}"), 201, "\"quantity\":2,");
	snprintf(first, sizeof(first), "%.255s", answer.body);
	expect(post(BOOKINGS, JSON KEY, "{\"quantity\":2}"), 200, first);
	expect(post(BOOKINGS, JSON KEY, "{\"quantity\":1}"), 422, "\"error\":\"badarg\"");
	expect(post(RUSH "/holds", JSON KEY, "{\"quantity\":2}"), 422, "\"error\":\"badarg\"");
	expect(post(BOOKINGS, "Idempotency-Key: short\r\n", NULL), 400, "16 to 64 of");
	expect(post(BOOKINGS, JSON KEY, "{\"quantity\":2}"), 200, first);
	expect(post(ticket_path("/cancel"), "", NULL), 200, "\"state\":\"cancelled\"");
	expect(post(BOOKINGS, JSON KEY, "{\"quantity\":2}"), 409, "\"error\":\"used\"");
}

/* Nor the connection: who asks again on it is told the same. */
Test(programs_api, a_killed_worker_costs_no_keyed_booking)
{
	pid_t pid[WATCH_CHILDREN_MAX];
	char first[FIELD_SIZE];

	start("1");
	expect(post(BOOKINGS, JSON KEY, "{}"), 201, "\"quantity\":1,");
	snprintf(first, sizeof(first), "%.255s", answer.body);
	cr_assert_eq(watch_children(server.pid, pid), 1);
	cr_assert(watch_signal(server.pid, pid[0], SIGKILL));
	expect(post(BOOKINGS, JSON KEY, "{}"), 200, first);
}

Test(programs_api, what_is_held_can_be_booked_or_given_back_and_lapses)
{
	start("1");
	expect(post(RUSH "/holds", JSON, "{\"quantity\":2,\"ttl\":600}"), 201,
	       "\"quantity\":2,\"state\":\"held\",\"seconds\":600}");
	expect(http_get(&talk, &answer, ticket_path("")), 200, "\"state\":\"held\",\"seconds\":");
	expect(post(ticket_path("/confirm"), "", NULL), 200, "\"state\":\"booked\"}");
	expect(post(ticket_path("/confirm"), "", NULL), 200, "\"state\":\"booked\"}");
	const char *cancel = ticket_path("/cancel");

	expect(post(cancel, "", NULL), 200, "\"state\":\"cancelled\"}");
	expect(post(cancel, "", NULL), 409, "\"error\":\"used\"");
	expect(post(RUSH "/holds", JSON, "{\"ttl\":1}"), 201, "\"seconds\":1}");
	const char *confirm = ticket_path("/confirm");

	cr_assert(eventually(http_get(&talk, &answer, RUSH) == 200 &&
			     strstr(answer.body, "\"left\":5,")));
	expect(post(confirm, "", NULL), 410, "\"error\":\"expired\"");
	expect(http_get(&talk, &answer, "/api/v1/tickets/0000-0000-0000-0000"), 404,
	       "\"error\":\"notfound\"");
	expect(http_get(&talk, &answer, "/api/v1/tickets/x"), 404, "\"error\":\"notfound\"");
	expect(http_get(&talk, &answer, EVENTS "/late"), 404, "\"error\":\"notfound\"");
	expect(post(EVENTS "/late/bookings", "", NULL), 404, "\"error\":\"notfound\"");
}

Test(programs_api, a_body_that_says_anything_else_is_refused)
{
	static const struct {
		const char *fields, *body;
		unsigned status;
	} refused[] = {
		{ "", "{\"quantity\":2}", 415 },
		{ "Content-Type: text/plain\r\n", "{\"quantity\":2}", 415 },
		{ "Content-Type: application/jsonx\r\n", "{}", 415 },
		{ JSON, "", 201 },
		{ "Content-Type: Application/JSON; charset=utf-8\r\n", "{}", 201 },
		{ JSON, "{\"quantity\":2", 400 },
		{ JSON, "{\"quantity\":2}}", 400 },
		{ JSON, "[2]", 400 },
		{ JSON, "{\"quantity\":\"2\"}", 400 },
		{ JSON, "{\"quantity\":2.0}", 400 },
		{ JSON, "{\"quantity\":0}", 400 },
		{ JSON, "{\"quantity\":-1}", 400 },
		{ JSON, "{\"quantity\":1000000001}", 400 },
		{ JSON, "{\"quantity\":99999999999999999999}", 400 },
		{ JSON, "{\"quantity\":1,\"quantity\":2}", 400 },
		{ JSON, "{\"quanity\":2}", 400 },
		{ JSON, "{\"ttl\":2}", 400 },
		{ JSON, "{\"quantity\":\"\xFF\"}", 400 },
		{ JSON, "{\"quantity\":11}", 422 },
	};

	start("1");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		cr_expect_eq(post(BOOKINGS, refused[i].fields, refused[i].body), refused[i].status,
			     "%u for '%s': %s", answer.status, refused[i].body, answer.body);
	}
	expect(http_get(&talk, &answer, RUSH), 200, "\"left\":3,");
}

Test(programs_api, operators_sell_and_let_in_by_their_password)
{
	start("1");
	expect(post(EVENTS, JSON, "{\"name\":\"late\",\"total\":7}"), 401, "\"error\":\"denied\"");
	http_field(&answer, "WWW-Authenticate", answer.body, FIELD_SIZE);
	cr_expect_str_eq(answer.body, "Bearer");
	expect(post(EVENTS, JSON "Authorization: Bearer wrong\r\n", "{}"), 403,
	       "\"error\":\"denied\"");
	expect(post(EVENTS, JSON "Authorization: Basic b3Blbg==\r\n", "{}"), 401,
	       "\"error\":\"denied\"");
	expect(post(EVENTS, JSON BEARER,
		    "{\"name\":\"late\",\"total\":7,\"title\":\"<b>L\xC3\xA4te\\u0007\"}"),
	       201, "{\"name\":\"late\",\"title\":\"<b>L\xC3\xA4te\xEF\xBF\xBD\",\"total\":7,");
	expect(post(EVENTS, JSON BEARER, "{\"name\":\"late\",\"total\":7}"), 409,
	       "\"error\":\"exists\"");
	expect(post(EVENTS, JSON BEARER, "{\"name\":\"Late\",\"total\":7}"), 400, "a-z, 0-9");
	expect(post(EVENTS, JSON BEARER, "{\"name\":\"later\"}"), 400, "total is missing");
	expect(post(EVENTS, JSON BEARER, "{\"name\":\"later\",\"total\":1,\"title\":2}"), 400,
	       "title");
	expect(post(BOOKINGS, "", NULL), 201, "\"state\":\"booked\"");
	const char *admit = ticket_path("/admit");
	const char *ticket = ticket_path("");

	expect(post(admit, "", NULL), 401, "\"error\":\"denied\"");
	expect(post(admit, BEARER, NULL), 200, "\"state\":\"admitted\",\"admitted\":\"20");
	char when[32] = "";

	cr_assert_eq(sscanf(strstr(answer.body, "\"admitted\":"), "\"admitted\":%31[^}]", when), 1);
	expect(post(admit, BEARER, NULL), 409, "\"error\":\"used\"");
	cr_expect_not_null(strstr(answer.body, " was admitted before, at 20"));
	expect(http_get(&talk, &answer, ticket), 200, when);
	expect(http_get(&talk, &answer, RUSH "/audit"), 200, "\"admitted\":1,");
}

Test(programs_api, who_is_in_is_counted_by_children_too)
{
	turnstiled_start(&server, "--workers", "1", "--event", "rush=5", "--serialize", "join",
			 "--op-password-file", password_file(&server));
	talk_open(&talk, server.http_port);
	expect(post(BOOKINGS, JSON, "{\"quantity\":2}"), 201, "\"state\":\"booked\"");
	expect(post(ticket_path("/admit"), BEARER, NULL), 200, "\"state\":\"admitted\"");
	expect(http_get(&talk, &answer, RUSH "/audit"), 200, "\"sold\":2,\"held\":0,");
	expect(answer.status, 200, "\"admitted\":2,\"ok\":true");
}

static unsigned patch(const char *body)
{
	return http_ask(&talk, &answer, "PATCH", RUSH, JSON BEARER, body);
}

Test(programs_api, an_event_is_grown_and_closed_in_one_and_growing_comes_first)
{
	start("1");
	expect(patch("{\"grow\":2,\"open\":false}"), 200, "\"total\":7,\"left\":7,\"open\":false");
	expect(post(BOOKINGS, "", NULL), 409, "\"error\":\"closed\"");
	expect(patch("{\"grow\":-8,\"open\":true}"), 422, "\"error\":\"limit\"");
	expect(http_get(&talk, &answer, RUSH), 200, "\"total\":7,\"left\":7,\"open\":false");
	expect(patch("{\"open\":true}"), 200, "\"open\":true");
	expect(patch("{\"grow\":-7}"), 200, "\"total\":0,\"left\":0,\"open\":true");
	expect(patch("{}"), 400, "open or grow is missing");
	expect(patch("{\"open\":1}"), 400, "true or false");
	expect(http_ask(&talk, &answer, "PATCH", RUSH, JSON, "{\"open\":true}"), 401, "denied");
	expect(http_ask(&talk, &answer, "PATCH", EVENTS "/late", JSON BEARER, "{\"open\":true}"),
	       404, "notfound");
}

/* Signs in on one worker; the cookie, as a request has it, goes to FIELDS. */
static void sign_in(char fields[FIELD_SIZE])
{
	char cookie[FIELD_SIZE];

	expect(post("/api/v1/op", JSON, "{\"password\":\"open sesame\"}"), 200,
	       "{\"operator\":true}");
	http_field(&answer, "Set-Cookie", cookie, sizeof(cookie));
	cr_expect_not_null(strstr(cookie, "; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"));
	snprintf(fields, FIELD_SIZE, JSON "Cookie: a=b; %.*s; c=d\r\n", (int)strcspn(cookie, ";"),
		 cookie);
}

Test(programs_api, a_cookie_is_good_on_every_worker_until_it_is_given_back)
{
	static struct talk others[8];
	char cookie[FIELD_SIZE];

	start("3");
	sign_in(cookie);
	for (int i = 0; i < 8; i++) {
		talk_open(&others[i], server.http_port);
		expect(http_ask(&others[i], &answer, "PATCH", RUSH, cookie, "{\"grow\":1}"), 200,
		       "\"left\":");
	}
	expect(http_ask(&talk, &answer, "DELETE", "/api/v1/op", cookie, NULL), 200,
	       "{\"operator\":false}");
	http_field(&answer, "Set-Cookie", cookie + 200, 50);
	cr_expect_eq(strncmp(cookie + 200, "turnstile_op=; Path=/; Max-Age=0;", 33), 0);
	for (int i = 0; i < 8; i++) {
		expect(http_ask(&others[i], &answer, "PATCH", RUSH, cookie, "{\"grow\":1}"), 401,
		       "denied");
	}
	cr_expect(eventually(log_has(&server, "127.0.0.1 is an operator now")));
	cr_expect(eventually(log_has(&server, "127.0.0.1 grew event rush by 1")));
}

Test(programs_api, over_https_the_cookie_says_so)
{
	char cookie[FIELD_SIZE];

	turnstiled_start(&server, "--public-url", "https://tickets.example", "--op-password-file",
			 password_file(&server));
	talk_open(&talk, server.http_port);
	sign_in(cookie);
	cr_expect_null(strstr(answer.head, "; Secure"));
	const char *request = "POST /api/v1/op HTTP/1.1\r\nHost: tickets.example\r\n" JSON
			      "Content-Length: 26\r\n\r\n{\"password\":\"open sesame\"}";

	talk_write(&talk, request, strlen(request));
	cr_expect_eq(http_receive(&talk, &answer, true), 200);
	cr_expect_not_null(strstr(answer.head, "; SameSite=Strict; Secure\n"));
}

Test(programs_api, guessing_the_password_has_the_penalty_of_op)
{
	start("2");
	for (int i = 0; i < 5; i++) {
		expect(post("/api/v1/op", JSON, "{\"password\":\"guess\"}"), 403, "wrong password");
	}
	expect(post("/api/v1/op", JSON, "{\"password\":\"open sesame\"}"), 429,
	       "\"error\":\"rate\"");
	expect(post(EVENTS, JSON BEARER, "{}"), 429, "\"error\":\"rate\"");
	talk_open_greeted(&lines, server.lines_port);
	ask(&lines, "-RATE ", "/op open sesame");
}

Test(programs_api, a_banned_address_is_refused_before_it_asks)
{
	static struct talk banned;

	start("1");
	talk_open_greeted(&lines, server.lines_port);
	become_operator(&lines);
	ask(&lines, "+ban 127.0.0.1 600", "/ban 127.0.0.1 600");
	talk_expect_end(&talk);
	talk_open(&banned, server.http_port);
	cr_expect_eq(http_receive(&banned, &answer, true), 403);
	cr_expect_not_null(strstr(answer.body, "your address is banned"));
	talk_expect_end(&banned);
	talk_close(&lines);
}

Test(programs_api, no_password_key_or_code_stands_in_the_log)
{
	char code[FIELD_SIZE];

	turnstiled_start(&server, "--log-level", "debug", "--event", "rush=5", "--op-password-file",
			 password_file(&server));
	talk_open(&talk, server.http_port);
	expect(post(BOOKINGS, KEY, NULL), 201, "\"code\"");
	snprintf(code, sizeof(code), "%s", ticket_path("/admit") + strlen("/api/v1/tickets/"));
	code[19] = '\0';
	expect(post(ticket_path("/admit"), BEARER, NULL), 200, "admitted");
	expect(post(EVENTS, JSON "Authorization: Bearer 0wrong0\r\n", "{}"), 403, "denied");
	cr_expect_eq(turnstiled_stop(&server), 0);
	cr_expect_not(log_has(&server, code));
	cr_expect_not(log_has(&server, "0123456789abcdef"));
	cr_expect_not(log_has(&server, "open sesame"));
	cr_expect_not(log_has(&server, "0wrong0"));
}

/* The document */

/* What "$ref": "#/components/KIND/NAME" stands for. */
static json_t *follow(json_t *document, json_t *node)
{
	const char *path = json_string_value(json_object_get(node, "$ref"));
	char name[FIELD_SIZE];

	if (!path) {
		return node;
	}
	for (node = document; *path; path += strcspn(path, "/")) {
		path += strspn(path, "#/");
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(path, "/"), path);
		node = json_object_get(node, name);
	}
	return node;
}

/* Whether VALUE is what SCHEMA says, as far as our schemas go. */
static bool conforms(json_t *document, json_t *schema, json_t *value);

static bool object_conforms(json_t *document, json_t *schema, json_t *value)
{
	json_t *properties = json_object_get(schema, "properties");
	const char *name;
	json_t *member, *required;
	size_t i;

	json_array_foreach(json_object_get(schema, "required"), i, required)
	{
		if (!json_object_get(value, json_string_value(required))) {
			return false;
		}
	}
	json_object_foreach(value, name, member)
	{
		json_t *property = json_object_get(properties, name);

		if (property ? !conforms(document, property, member) : properties != NULL) {
			return false;
		}
	}
	return true;
}

static bool conforms(json_t *document, json_t *schema, json_t *value)
{
	schema = follow(document, schema);
	const char *type = json_string_value(json_object_get(schema, "type"));
	json_t *item;
	size_t i;

	if (strcmp(type, "array") == 0) {
		json_array_foreach(value, i, item)
		{
			if (!conforms(document, json_object_get(schema, "items"), item)) {
				return false;
			}
		}
		return json_is_array(value);
	}
	if (strcmp(type, "object") == 0) {
		return json_is_object(value) && object_conforms(document, schema, value);
	}
	return (strcmp(type, "string") == 0 && json_is_string(value)) ||
	       (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
	       (strcmp(type, "boolean") == 0 && json_is_boolean(value));
}

/* The last answer is one that the document has for this operation. */
static void expect_documented(json_t *document, const char *path, const char *method)
{
	json_t *operation =
		json_object_get(json_object_get(json_object_get(document, "paths"), path), method);
	json_t *response = follow(document, json_object_get(json_object_get(operation, "responses"),
							    text_of("%u", answer.status)));
	json_t *json = json_object_get(json_object_get(response, "content"), "application/json");

	cr_assert_not_null(response, "%s %s answers %u", method, path, answer.status);
	if (!json) {
		return;
	}
	json_t *value = json_loads(answer.body, JSON_DECODE_ANY, NULL);

	cr_expect(conforms(document, json_object_get(json, "schema"), value), "%s %s: %s", method,
		  path, answer.body);
	json_decref(value);
}

/* A path with its braces filled. */
static const char *fill(const char *path, const char *code)
{
	const char *brace = strchr(path, '{');

	return brace ? text_of("%.*s%s%s", (int)(brace - path), path,
			       brace[1] == 'e' ? "rush" : code, strchr(path, '}') + 1)
		     : path;
}

/* Each operation is asked for as its example has it, and in ways that it refuses. */
static void try_operation(json_t *document, const char *path, const char *method, json_t *operation,
			  const char *code)
{
	static const char *const fields[] = { "", JSON, JSON BEARER, JSON BEARER KEY };
	json_t *content = json_object_get(json_object_get(operation, "requestBody"), "content");
	json_t *example = json_object_get(json_object_get(content, "application/json"), "example");
	char *body = example ? json_dumps(example, 0) : NULL;
	char upper[16];

	snprintf(upper, sizeof(upper), "%s", method);
	for (char *letter = upper; *letter; letter++) {
		*letter = (char)toupper((unsigned char)*letter);
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		(void)http_ask(&talk, &answer, upper, fill(path, code), fields[i], body);
		expect_documented(document, path, method);
		(void)http_ask(&talk, &answer, upper, fill(path, code), fields[i], "{\"x\":");
		expect_documented(document, path, method);
	}
	free(body);
}

Test(programs_api, every_answer_is_one_that_the_document_has)
{
	const char *path, *method;
	char code[FIELD_SIZE];
	json_t *item, *operation;

	start("1");
	expect(post(RUSH "/holds", "", NULL), 201, "held");
	snprintf(code, sizeof(code), "%s", ticket_path("") + strlen("/api/v1/tickets/"));
	cr_assert_eq(http_get(&talk, &answer, "/api"), 200);
	json_t *document = json_loads(answer.body, JSON_REJECT_DUPLICATES, NULL);

	cr_assert_not_null(document);
	json_object_foreach(json_object_get(document, "paths"), path, item)
	{
		json_object_foreach(item, method, operation)
		{
			if (strcmp(method, "parameters") != 0) {
				try_operation(document, path, method, operation, code);
			}
		}
	}
	json_decref(document);
}

/* The page */

static int run_shell(void *argument)
{
	execl("/bin/sh", "sh", "-c", argument, (char *)NULL);
	return 127;
}

/* In place of each code the same letters: it is another in each store. */
static void blank(char *text, const char *before, size_t length)
{
	for (char *at = text; (at = strstr(at, before)); at += strlen(before)) {
		memset(at + strlen(before), 'X', length);
	}
}

/* What is another each time. */
static void blank_codes_and_times(char *text)
{
	blank(text, "\"code\":\"", sizeof("7K3M-Q2XW-9FTA-0BHJ") - 1);
	blank(text, "\"admitted\":\"", sizeof("2026-11-20T20:14:05Z") - 1);
}

/* Runs COMMAND as the page has it, and compares what it says with EXPECTED. */
static void run_example(const char *command, char *expected, char code[TICKET_CODE_SIZE])
{
	struct capture capture;
	char script[2048];

	snprintf(script, sizeof(script),
		 "cd %s && turnstile=http://localhost:%u password='open sesame' code=%s && %s",
		 server.folder.path, server.http_port, code, command);
	capture_start(&capture, -1, run_shell, script);
	capture_wait(&capture);
	const char *found = strstr(capture.output, "\"code\":\"");

	if (found) {
		snprintf(code, TICKET_CODE_SIZE, "%.19s", found + 8);
	}
	blank_codes_and_times(capture.output);
	blank_codes_and_times(expected);
	cr_expect_str_eq(capture.output, expected, "%s said '%s%s'", command, capture.output,
			 capture.errors);
	capture_free(&capture);
}

Test(programs_api, the_examples_of_the_page_are_what_the_server_says)
{
	FILE *page = fopen(SOURCE_FOLDER "/docs/api.md", "re");
	char line[1024], command[1024] = "", expected[4096] = "", code[TICKET_CODE_SIZE] = "";
	size_t examples = 0;

	cr_assert_not_null(page);
	turnstiled_start(&server, "--event", "rush=500:The noon rush", "--op-password-file",
			 password_file(&server));
	while (fgets(line, sizeof(line), page)) {
		bool is_example = strncmp(line, "    ", 4) == 0;

		if (*command && (!is_example || strncmp(line, "    $ ", 6) == 0)) {
			run_example(command, expected, code);
			*command = *expected = '\0';
			examples++;
		}
		if (strncmp(line, "    $ ", 6) == 0) {
			snprintf(command, sizeof(command), "%.*s", (int)strcspn(line + 6, "\n"),
				 line + 6);
		} else if (is_example && *command) {
			strncat(expected, line + 4, sizeof(expected) - strlen(expected) - 1);
		}
	}
	if (*command) {
		run_example(command, expected, code);
		examples++;
	}
	fclose(page);
	cr_expect_geq(examples, 15);
}
