/* What a whole head says, and which heads are refused with which status. */
#include "server/http/parser.h"

#include <criterion/criterion.h>
#include <string.h>

static struct request request;

static unsigned read_head(const char *head)
{
	return parser_read(head, strlen(head), &request);
}

static void expect_span(struct span span, const char *text)
{
	cr_expect(span_equals(span, text), "'%.*s' is not '%s'", (int)span.length, span.text, text);
}

Test(parser, method_path_and_fields_are_told)
{
	cr_assert_eq(read_head("POST /api/v1/events/rush/bookings?x=1 HTTP/1.1\r\n"
			       "hOST:  localhost:7080 \t\r\n"
			       "Content-Length: 14\r\n"
			       "Content-Type: application/json\r\n"
			       "X-Other: y\r\n"
			       "Origin:\r\n\r\n"),
		     0);
	cr_expect_eq(request.method, METHOD_POST);
	expect_span(request.path, "/api/v1/events/rush/bookings");
	expect_span(request.fields[FIELD_HOST], "localhost:7080");
	expect_span(request.fields[FIELD_CONTENT_TYPE], "application/json");
	cr_expect(request_has(&request, FIELD_ORIGIN));
	expect_span(request.fields[FIELD_ORIGIN], "");
	cr_expect_not(request_has(&request, FIELD_COOKIE));
	cr_expect_eq(request.body_length, 14);
	cr_expect_null(request.authority.text);
	cr_expect_not(request.ends);
}

Test(parser, the_absolute_form_says_the_host_once_more)
{
	cr_assert_eq(read_head("GET http://a.example:81/x HTTP/1.1\r\nHost: a.example:81\r\n\r\n"),
		     0);
	expect_span(request.authority, "a.example:81");
	expect_span(request.path, "/x");
	cr_assert_eq(read_head("GET http://[::1]:80 HTTP/1.1\r\nHost: [::1]\r\n\r\n"), 0);
	expect_span(request.authority, "[::1]:80");
	expect_span(request.path, "/");
	cr_assert_eq(read_head("GET http://[::1]/ HTTP/1.1\r\nHost: [::1]\r\n\r\n"), 0);
	expect_span(request.authority, "[::1]");
}

Test(parser, a_connection_lasts_unless_one_of_both_says_otherwise)
{
	cr_assert_eq(read_head("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
	cr_expect_not(request.ends);
	cr_assert_eq(read_head("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), 0);
	cr_expect(request.ends);
	cr_assert_eq(read_head("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"), 0);
	cr_expect(request.ends && request.is_1_0);
}

Test(parser, what_is_not_for_us_is_refused_with_its_status)
{
	static const struct {
		const char *head;
		unsigned status;
	} refused[] = {
		{ "GET / HTTP/1.1\r\n\r\n", 400 }, /* no Host */
		{ "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nOrigin: b\r\nORIGIN: b\r\n\r\n", 400 },
		{ "GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
		{ "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
		{ "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
		{ "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
		{ "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
		{ "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
		{ "GET / HTTP/1.1x\r\nHost: a\r\n\r\n", 400 },
		{ "GET / HTCPCP/1.0\r\nHost: a\r\n\r\n", 400 },
		{ "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501 },
		{ "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501 },
		{ "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505 },
		{ "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505 },
		{ "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505 },
		/* A body has one length, which is a number, and no other form. */
		{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 501 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", 501 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n"
		  "Content-Length: 1\r\n\r\n",
		  400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n",
		  400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		  400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\ncontent-length: 2\r\n\r\n",
		  400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -0\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 2\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\n",
		  400 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16385\r\n\r\n", 413 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n",
		  413 },
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		cr_expect_eq(read_head(refused[i].head), refused[i].status, "%u for '%s'",
			     read_head(refused[i].head), refused[i].head);
	}
	cr_expect_eq(read_head("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16384\r\n\r\n"), 0);
}

Test(parser, an_origin_is_a_scheme_and_a_host_and_nothing_more)
{
	struct span host;
	bool secure;

	cr_expect(parser_split_origin(span_of("https://a.example"), &host, &secure) && secure);
	expect_span(host, "a.example");
	cr_expect(parser_split_origin(span_of("http://[::1]:7080"), &host, &secure) && !secure);
	expect_span(host, "[::1]:7080");
	cr_expect_not(parser_split_origin(span_of("null"), &host, &secure));
	cr_expect_not(parser_split_origin(span_of(""), &host, &secure));
	cr_expect_not(parser_split_origin(span_of("http://a/"), &host, &secure));
	cr_expect_not(parser_split_origin(span_of("http://a/x"), &host, &secure));
	cr_expect_not(parser_split_origin(span_of("ftp://a"), &host, &secure));
	cr_expect_not(parser_split_origin(span_of("/a"), &host, &secure));
}
