/* The form of a request's head: what is one, and what is none, wherever it is cut. */
#include "server/http/head.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define HEAD_SIZE (HEAD_BYTES_MOST + 64)

static char many[HEAD_SIZE];

/* All at once, or byte by byte; LENGTH is then that of the head. */
static enum head_result read_cut(const char *bytes, size_t size, size_t piece, size_t *length)
{
	struct head head = { .length = 0 };
	enum head_result result = HEAD_OPEN;

	for (size_t at = 0; at < size && result == HEAD_OPEN; at += piece) {
		result = head_read(&head, bytes + at, size - at < piece ? size - at : piece);
	}
	*length = head.length;
	return result;
}

static void expect(const char *bytes, enum head_result result)
{
	const size_t size = strlen(bytes);
	size_t whole, cut;

	cr_expect_eq(read_cut(bytes, size, size, &whole), result, "'%s'", bytes);
	for (size_t piece = 1; piece < size; piece++) {
		cr_expect_eq(read_cut(bytes, size, piece, &cut), result, "'%s', cut after %zu",
			     bytes, piece);
		cr_expect_eq(cut, whole);
	}
}

Test(head, ends_with_the_empty_line_and_leaves_what_comes_after_it)
{
	static const char bytes[] = "GET / HTTP/1.1\r\nHost: a\r\nX:\t\xC3\xA4 \r\nY:\r\n\r\n";
	char more[128];
	size_t length;

	expect(bytes, HEAD_WHOLE);
	expect("GET /a?b=%20 HTTP/1.0\r\n\r\n", HEAD_WHOLE);
	(void)snprintf(more, sizeof(more), "%s\r\n\n", bytes);
	cr_expect_eq(read_cut(more, strlen(more), strlen(more), &length), HEAD_WHOLE);
	cr_expect_eq(length, sizeof(bytes) - 1);
}

Test(head, is_open_as_long_as_any_byte_of_it_is_missing)
{
	static const char bytes[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	size_t length;

	for (size_t size = 0; size < sizeof(bytes) - 1; size++) {
		cr_expect_eq(read_cut(bytes, size, size + 1, &length), HEAD_OPEN);
	}
}

Test(head, what_others_might_read_otherwise_is_none)
{
	static const char *const malformed[] = {
		"\r\nGET / HTTP/1.1\r\n",           /* an empty line first */
		" GET / HTTP/1.1\r\n",              /* a space first */
		"GET  / HTTP/1.1\r\n",              /* two spaces */
		"GET / HTTP/1.1 \r\n",              /* one at the end */
		"GET /\r\n",                        /* no version */
		"GET\t/ HTTP/1.1\r\n",              /* a TAB */
		"GET /\xC3\xA4 HTTP/1.1\r\n",       /* beyond ASCII */
		"GET / HTTP/1.1\n",                 /* a bare LF */
		"GET / HTTP/1.1\r\r\n",             /* a bare CR */
		"GET / HTTP/1.1\rHost: a\r\n",      /* likewise */
		"GET / HTTP/1.1\r\nHost: a\n",      /* a bare LF behind a field */
		"GET / HTTP/1.1\r\nA: b\rC: d\r\n", /* a bare CR in one */
		"GET / HTTP/1.1\r\nA: b\r\n c\r\n", /* folded */
		"GET / HTTP/1.1\r\nA: b\r\n\tc\r\n",
		"GET / HTTP/1.1\r\nA : b\r\n", /* a space before the colon */
		"GET / HTTP/1.1\r\nA\r\n",     /* no colon */
		"GET / HTTP/1.1\r\n: b\r\n",   /* no name */
		"GET / HTTP/1.1\r\nA(: b\r\n", /* no token */
		"GET / HTTP/1.1\r\n\xC3\xA4: b\r\n",
		"GET / HTTP/1.1\r\nA: \x01\r\n", /* a control character */
		"GET / HTTP/1.1\r\nA: \x7F\r\n",
		"GET / HTTP/1.1\r\nA: b\r\n\n", /* the empty line ends with LF alone */
		"GET / HTTP/1.1\r\nA: b\r\n\rx",
	};

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		expect(malformed[i], HEAD_MALFORMED);
	}
	const char nul[] = "GET / HTTP/1.1\r\nA: \0\r\n";
	size_t length;

	cr_expect_eq(read_cut(nul, sizeof(nul) - 1, 1, &length), HEAD_MALFORMED);
}

Test(head, has_as_many_fields_as_it_may_and_not_one_more)
{
	for (unsigned fields = HEAD_FIELDS_MOST; fields <= HEAD_FIELDS_MOST + 1; fields++) {
		int length = sprintf(many, "GET / HTTP/1.1\r\n");
		size_t read;

		for (unsigned i = 0; i < fields; i++) {
			length += sprintf(many + length, "A: b\r\n");
		}
		length += sprintf(many + length, "\r\n");
		cr_expect_eq(read_cut(many, (size_t)length, 7, &read),
			     fields == HEAD_FIELDS_MOST ? HEAD_WHOLE : HEAD_TOO_LARGE);
	}
}

Test(head, is_as_long_as_it_may_be_and_not_a_byte_longer)
{
	for (size_t size = HEAD_BYTES_MOST; size <= HEAD_BYTES_MOST + 1; size++) {
		size_t length = (size_t)sprintf(many, "GET / HTTP/1.1\r\nA: ");

		memset(many + length, 'b', size - 4 - length);
		memcpy(many + size - 4, "\r\n\r\n", 4);
		cr_expect_eq(read_cut(many, size, size, &length),
			     size == HEAD_BYTES_MOST ? HEAD_WHOLE : HEAD_TOO_LARGE);
	}
}
