#include "server/http/response.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"

#define CODE_SIZE 24 /* bytes of a code in lower case, a NUL counted in */

/* What every answer has. */
#define SAFETY                                \
	"X-Content-Type-Options: nosniff\r\n" \
	"Referrer-Policy: no-referrer\r\n"    \
	"Cross-Origin-Opener-Policy: same-origin\r\n"

static const struct {
	unsigned status;
	const char *reason;
} statuses[] = {
	{ 101, "Switching Protocols" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 422, "Unprocessable Content" },
	{ 426, "Upgrade Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

static const unsigned problem_statuses[] = {
	[PROBLEM_BADCMD] = 400,   [PROBLEM_BADARG] = 400,      [PROBLEM_TOOLONG] = 413,
	[PROBLEM_NOTFOUND] = 404, [PROBLEM_NICKINUSE] = 409,   [PROBLEM_NOROOM] = 404,
	[PROBLEM_SOLDOUT] = 409,  [PROBLEM_CLOSED] = 409,      [PROBLEM_EXPIRED] = 410,
	[PROBLEM_USED] = 409,     [PROBLEM_LIMIT] = 422,       [PROBLEM_EXISTS] = 409,
	[PROBLEM_DENIED] = 403,   [PROBLEM_RATE] = 429,        [PROBLEM_BUSY] = 503,
	[PROBLEM_INTERNAL] = 500, [PROBLEM_INTERRUPTED] = 503,
};

static const char *reason_of(unsigned status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (statuses[i].status == status) {
			return statuses[i].reason;
		}
	}
	bug("no such status: %u", status);
}

void response_init(struct response *response)
{
	response->status = 200;
	response->wait_ns = 0;
	response->type = "text/plain; charset=utf-8";
	response->policy = RESPONSE_POLICY;
	response->caching = RESPONSE_CACHING;
	response->fields[0] = '\0';
	reply_init(&response->body, NULL, NULL);
}

void response_finish(struct response *response)
{
	reply_finish(&response->body);
}

void response_field(struct response *response, const char *format, ...)
{
	size_t length = strlen(response->fields);
	size_t room = sizeof(response->fields) - length;
	va_list arguments;

	va_start(arguments, format);
	int added = vsnprintf(response->fields + length, room, format, arguments);
	va_end(arguments);
	if (added < 0 || (size_t)added + sizeof("\r\n") > room) {
		bug("the fields of an answer are longer than %zu bytes", sizeof(response->fields));
	}
	memcpy(response->fields + length + (size_t)added, "\r\n", sizeof("\r\n"));
}

static int add_to_body(const char *bytes, size_t length, void *body)
{
	reply_bytes(body, bytes, length);
	return 0;
}

void response_json(struct response *response, unsigned status, json_t *value)
{
	reply_clear(&response->body);
	if (!value || json_dump_callback(value, add_to_body, &response->body, JSON_COMPACT) != 0) {
		die("out of memory");
	}
	json_decref(value);
	reply_bytes(&response->body, "\n", 1);
	response->status = status;
	response->type = RESPONSE_JSON;
}

json_t *response_text(const char *text)
{
	json_t *value = json_string(text);

	return value ? value : json_string("\xEF\xBF\xBD");
}

/* Rounded up; a second where nothing is known. */
static int64_t whole_seconds(int64_t wait_ns)
{
	return wait_ns > 0 ? (wait_ns + NS_PER_SECOND - 1) / NS_PER_SECOND : 1;
}

void response_refuse(struct response *response, unsigned status, const char *code,
		     const char *message)
{
	response_json(response, status,
		      json_pack("{s:s, s:o}", "error", code, "message", response_text(message)));
	if (status == 429 || status == 503) {
		response_field(response, "Retry-After: %" PRId64, whole_seconds(response->wait_ns));
	}
}

unsigned response_status(enum problem_code code)
{
	return problem_statuses[code];
}

void response_problem(struct response *response, const struct problem *problem)
{
	char code[CODE_SIZE];
	size_t length = 0;

	for (const char *name = problem_code_name(problem->code); *name; name++) {
		code[length++] = (char)tolower((unsigned char)*name);
	}
	code[length] = '\0';
	response->wait_ns = problem->wait_ns;
	response_refuse(response, problem_statuses[problem->code], code, problem->text);
	if (problem->code == PROBLEM_SOLDOUT) {
		response_json(response, response->status,
			      json_pack("{s:s, s:o, s:I}", "error", code, "message",
					response_text(problem->text), "left",
					(json_int_t)problem->left));
	}
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7). No process of the server sets a locale. */
static void add_date(struct reply *reply, int64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / NS_PER_SECOND);
	char text[64];
	struct tm date;

	if (gmtime_r(&seconds, &date)) {
		reply_bytes(
			reply, text,
			strftime(text, sizeof(text), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &date));
	}
}

void response_write(const struct response *response, struct response_manner manner, int64_t wall_ns,
		    struct reply *reply)
{
	reply_line(reply, "HTTP/1.1 %u %s\r", response->status, reason_of(response->status));
	add_date(reply, wall_ns);
	if (response->status != 101 && response->status != 304) {
		reply_line(reply, "Content-Type: %s\r", response->type);
		reply_line(reply, "Content-Length: %zu\r", response->body.length);
	}
	reply_bytes(reply, SAFETY, sizeof(SAFETY) - 1);
	reply_line(reply, "Content-Security-Policy: %s\r", response->policy);
	reply_line(reply, "Cache-Control: %s\r", response->caching);
	reply_bytes(reply, response->fields, strlen(response->fields));
	if (manner.last) {
		reply_bytes(reply, "Connection: close\r\n", 19);
	}
	reply_bytes(reply, "\r\n", 2);
	if (!manner.without_body && response->body.length > 0) {
		reply_bytes(reply, response->body.text, response->body.length);
	}
}
