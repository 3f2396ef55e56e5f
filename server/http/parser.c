#include "server/http/parser.h"

#include <http_parser.h>
#include <stdint.h>
#include <string.h>

static const char *const field_names[FIELDS] = {
	[FIELD_ACCEPT_ENCODING] = "accept-encoding",
	[FIELD_AUTHORIZATION] = "authorization",
	[FIELD_CONTENT_LENGTH] = "content-length",
	[FIELD_CONTENT_TYPE] = "content-type",
	[FIELD_COOKIE] = "cookie",
	[FIELD_EXPECT] = "expect",
	[FIELD_HOST] = "host",
	[FIELD_IDEMPOTENCY_KEY] = "idempotency-key",
	[FIELD_IF_NONE_MATCH] = "if-none-match",
	[FIELD_ORIGIN] = "origin",
	[FIELD_TRANSFER_ENCODING] = "transfer-encoding",
	[FIELD_UPGRADE] = "upgrade",
	[FIELD_WEBSOCKET_KEY] = "sec-websocket-key",
	[FIELD_WEBSOCKET_PROTOCOL] = "sec-websocket-protocol",
	[FIELD_WEBSOCKET_VERSION] = "sec-websocket-version",
};

struct reading {
	struct request *request;
	struct span target;
	enum field field; /* whose value comes next; FIELDS: one that means nothing here */
	bool doubled;
};

static int on_target(http_parser *parser, const char *text, size_t length)
{
	struct reading *reading = parser->data;

	reading->target = (struct span){ text, length };
	return 0;
}

static int on_field(http_parser *parser, const char *text, size_t length)
{
	struct reading *reading = parser->data;
	const struct span name = { text, length };

	for (reading->field = 0; reading->field < FIELDS; reading->field++) {
		if (span_equals_ignoring_case(name, field_names[reading->field])) {
			break;
		}
	}
	return 0;
}

/* Without the blanks around it. */
static struct span trimmed(struct span value)
{
	while (value.length > 0 && (*value.text == ' ' || *value.text == '\t')) {
		value = (struct span){ value.text + 1, value.length - 1 };
	}
	while (value.length > 0 &&
	       (value.text[value.length - 1] == ' ' || value.text[value.length - 1] == '\t')) {
		value.length--;
	}
	return value;
}

/* What only says what the peer would like: of two of them the last counts. */
static bool is_wish(enum field field)
{
	return field == FIELD_ACCEPT_ENCODING || field == FIELD_IF_NONE_MATCH;
}

static int on_value(http_parser *parser, const char *text, size_t length)
{
	struct reading *reading = parser->data;

	if (reading->field < FIELDS) {
		struct span *value = &reading->request->fields[reading->field];

		reading->doubled |= value->text && !is_wish(reading->field);
		*value = trimmed((struct span){ text, length });
	}
	return 0;
}

/* The body is taken by its length, not by the parser. */
static int on_head(http_parser *parser)
{
	struct reading *reading = parser->data;

	reading->request->ends = !http_should_keep_alive(parser);
	reading->request->upgrades = parser->upgrade;
	return 1;
}

static enum method method_of(unsigned method)
{
	switch (method) {
	case HTTP_GET: return METHOD_GET;
	case HTTP_HEAD: return METHOD_HEAD;
	case HTTP_POST: return METHOD_POST;
	case HTTP_PATCH: return METHOD_PATCH;
	case HTTP_DELETE: return METHOD_DELETE;
	default: return METHOD_OTHER;
	}
}

static struct span part_of(struct span target, const struct http_parser_url *url,
			   enum http_parser_url_fields part)
{
	return (struct span){ target.text + url->field_data[part].off, url->field_data[part].len };
}

/* "host" or "host:port", the brackets of an IPv6 address with it. */
static struct span authority_of(struct span target, const struct http_parser_url *url)
{
	struct span host = part_of(target, url, UF_HOST);
	const char *end = host.text + host.length;

	if (url->field_set & (1 << UF_PORT)) {
		struct span port = part_of(target, url, UF_PORT);

		end = port.text + port.length;
	} else if (host.text > target.text && host.text[-1] == '[') {
		end++;
	}
	if (host.text > target.text && host.text[-1] == '[') {
		host.text--;
	}
	return (struct span){ host.text, (size_t)(end - host.text) };
}

static bool split(struct span target, struct http_parser_url *url)
{
	http_parser_url_init(url);
	return target.length <= UINT16_MAX &&
	       http_parser_parse_url(target.text, target.length, 0, url) == 0 &&
	       !(url->field_set & (1 << UF_FRAGMENT | 1 << UF_USERINFO));
}

static bool is_http(struct span target, const struct http_parser_url *url, bool *secure)
{
	struct span scheme = part_of(target, url, UF_SCHEMA);

	*secure = span_equals_ignoring_case(scheme, "https");
	return *secure || span_equals_ignoring_case(scheme, "http");
}

bool parser_split_origin(struct span origin, struct span *host, bool *secure)
{
	struct http_parser_url url;

	if (!split(origin, &url) || !(url.field_set & (1 << UF_HOST)) ||
	    !is_http(origin, &url, secure)) {
		return false;
	}
	*host = authority_of(origin, &url);
	return host->text + host->length == origin.text + origin.length;
}

/* "/path?query", or with "http://host" before it. */
static bool read_target(struct span target, struct request *request)
{
	struct http_parser_url url;
	bool secure;

	if (!split(target, &url)) {
		return false;
	}
	if (url.field_set & (1 << UF_HOST)) {
		if (!is_http(target, &url, &secure)) {
			return false;
		}
		request->authority = authority_of(target, &url);
	}
	request->path =
		url.field_set & (1 << UF_PATH) ? part_of(target, &url, UF_PATH) : span_of("/");
	return *request->path.text == '/';
}

/* 0 when its body is one that we take. */
static unsigned judge_body(struct request *request)
{
	const struct span length = request->fields[FIELD_CONTENT_LENGTH];
	int64_t number;

	if (request_has(request, FIELD_TRANSFER_ENCODING)) {
		return length.text ? 400 : 501;
	}
	if (!length.text) {
		return 0;
	}
	if (!words_number(length, 0, INT64_MAX, &number) || *length.text == '-') {
		return 400;
	}
	request->body_length = (size_t)number;
	return number > REQUEST_BODY_MOST ? 413 : 0;
}

static unsigned judge_version(const http_parser *parser)
{
	return parser->http_major == 1 && parser->http_minor <= 1 ? 0 : 505;
}

/* What the parser took; `ok` whether it took all. */
static unsigned judge(const http_parser *parser, const struct reading *reading, bool ok)
{
	struct request *request = reading->request;
	unsigned body = judge_body(request);

	if (HTTP_PARSER_ERRNO(parser) == HPE_INVALID_METHOD) {
		return 501;
	}
	if (reading->doubled || body == 400 || (!ok && body != 501)) {
		return 400;
	}
	if (judge_version(parser) != 0) {
		return judge_version(parser);
	}
	if (!request_has(request, FIELD_HOST) || !read_target(reading->target, request)) {
		return 400;
	}
	return body;
}

unsigned parser_read(const char *head, size_t length, struct request *request)
{
	static const http_parser_settings settings = { .on_url = on_target,
						       .on_header_field = on_field,
						       .on_header_value = on_value,
						       .on_headers_complete = on_head };
	struct reading reading = { .request = request };
	http_parser parser;

	memset(request, 0, sizeof(*request));
	http_parser_init(&parser, HTTP_REQUEST);
	parser.data = &reading;
	size_t taken = http_parser_execute(&parser, &settings, head, length);
	bool ok = HTTP_PARSER_ERRNO(&parser) == HPE_OK && taken == length;

	request->method = method_of(parser.method);
	request->is_1_0 = parser.http_minor == 0;
	request->ends |= request->is_1_0;
	return judge(&parser, &reading, ok);
}
