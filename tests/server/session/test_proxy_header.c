#include "server/session/proxy_header.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define OF(text)  (text), sizeof(text) - 1

#define IPV4_PEER  "\xc0\0\x02\x07"
#define IPV4_OWN   "\x7f\0\0\x01"
#define IPV4_PORTS "\x80\0\x1b\x58"
#define IPV6_PEER  "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
#define IPV6_OWN   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"

TestSuite(proxy_header);

/* Reads TEXT in pieces of SIZE bytes; what is left over is what follows the header. */
static enum proxy_result read_in(struct proxy_header *header, const char *text, size_t length,
				 size_t size, size_t *used)
{
	enum proxy_result result = PROXY_MORE;

	*header = (struct proxy_header){ .length = 0 };
	*used = 0;
	while (result == PROXY_MORE && *used < length) {
		size_t piece = length - *used < size ? length - *used : size;
		size_t taken;

		result = proxy_header_read(header, text + *used, piece, &taken);
		cr_assert(taken == piece || result != PROXY_MORE);
		*used += taken;
	}
	return result;
}

/* However it is cut: whole after LENGTH bytes, and PEER ("": the connection's own) is who it is. */
static void expect_peer(const char *header, size_t length, const char *peer)
{
	char text[8192], name[PEER_ADDRESS_TEXT_SIZE] = "";
	struct proxy_header read;
	size_t used;

	memcpy(text, header, length);
	memcpy(text + length, "/ping\n", 6);
	for (size_t size = 1; size <= length + 6; size++) {
		cr_assert_eq(read_in(&read, text, length + 6, size, &used), PROXY_WHOLE,
			     "in pieces of %zu", size);
		cr_assert_eq(used, length, "in pieces of %zu: %zu", size, used);
		cr_assert_eq(read.names_peer, *peer != '\0');
		if (read.names_peer) {
			peer_address_write(read.peer, name);
		}
		cr_assert_str_eq(name, peer);
	}
}

/* It is refused, however it is cut, at byte BAD_AT or before it. */
static void expect_bad(const char *header, size_t length, size_t bad_at)
{
	struct proxy_header read;
	size_t used;

	for (size_t size = 1; size <= length; size++) {
		cr_expect_eq(read_in(&read, header, length, size, &used), PROXY_BAD,
			     "in pieces of %zu: %.*s", size, (int)length, header);
		cr_expect_leq(used, bad_at);
	}
}

Test(proxy_header, a_line_says_who_it_is)
{
	expect_peer(OF("PROXY TCP4 192.0.2.7 127.0.0.1 32768 7000\r\n"), "192.0.2.7");
	expect_peer(OF("PROXY TCP6 2001:db8::7 ::1 32768 7000\r\n"), "2001:db8::7");
	expect_peer(OF("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

Test(proxy_header, a_line_of_who_is_not_known_leaves_the_connections_own)
{
	expect_peer(OF("PROXY UNKNOWN\r\n"), "");
	expect_peer(OF("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
		    "");
}

Test(proxy_header, a_binary_one_says_who_it_is)
{
	expect_peer(OF(SIGNATURE "\x21\x11\0\x0c" IPV4_PEER IPV4_OWN IPV4_PORTS), "192.0.2.7");
	expect_peer(OF(SIGNATURE "\x21\x21\0\x24" IPV6_PEER IPV6_OWN IPV4_PORTS), "2001:db8::7");
}

Test(proxy_header, what_a_binary_one_says_beyond_is_passed_over)
{
	char large[16 + PROXY_BODY_MAX] = SIGNATURE "\x21\x11\x10\0" IPV4_PEER;

	expect_peer(OF(SIGNATURE "\x21\x11\0\x13" IPV4_PEER IPV4_OWN IPV4_PORTS "\x04\0\x04TLVs"),
		    "192.0.2.7");
	expect_peer(large, sizeof(large), "192.0.2.7");
}

Test(proxy_header, a_binary_one_of_no_internet_address_leaves_the_connections_own)
{
	char local[16 + 216] = SIGNATURE "\x21\x31\0\xd8/run/socket";

	expect_peer(OF(SIGNATURE "\x20\0\0\0"), "");
	expect_peer(OF(SIGNATURE "\x20\x11\0\x0c" IPV4_PEER IPV4_OWN IPV4_PORTS), "");
	expect_peer(OF(SIGNATURE "\x21\0\0\x03\x04\0\0"), "");
	expect_peer(OF(SIGNATURE "\x21\x12\0\x0c" IPV4_PEER IPV4_OWN IPV4_PORTS), "");
	expect_peer(local, sizeof(local), "");
}

Test(proxy_header, what_is_none_is_refused_at_the_first_byte_that_says_so)
{
	expect_bad(OF("/ping\n"), 1);
	expect_bad(OF("GET / HTTP/1.1\r\n"), 1);
	expect_bad(OF("PROXX TCP4 "), 5);
	expect_bad(OF("PROXYTCP4 "), 6);
	expect_bad(OF("\r\n\r\n\0\r\nQUIX\n"), 11);
	expect_bad(OF("\n"), 1);
}

Test(proxy_header, a_line_that_is_not_to_the_letter_is_refused)
{
	static const char *const lines[] = {
		"PROXY \r\n",
		"PROXY TCP5 192.0.2.7 127.0.0.1 1 2\r\n",
		"PROXY tcp4 192.0.2.7 127.0.0.1 1 2\r\n",
		"PROXY TCP4 192.0.2.7 127.0.0.1 1\r\n",
		"PROXY TCP4 192.0.2.7 127.0.0.1 1 2 3\r\n",
		"PROXY TCP4  192.0.2.7 127.0.0.1 1 2\r\n",
		"PROXY TCP4 192.0.2.7 127.0.0.1 1 65536\r\n",
		"PROXY TCP4 192.0.2.7 127.0.0.1 -1 2\r\n",
		"PROXY TCP4 192.0.2.256 127.0.0.1 1 2\r\n",
		"PROXY TCP4 192.0.2.7 localhost 1 2\r\n",
		"PROXY TCP4 2001:db8::7 ::1 1 2\r\n",
		"PROXY TCP6 192.0.2.7 127.0.0.1 1 2\r\n",
		"PROXY TCP4 192.0.2.7 127.0.0.1 1 2\n",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		expect_bad(lines[i], strlen(lines[i]), strlen(lines[i]));
	}
	expect_bad(OF("PROXY TCP4 192.0.2.7\0 127.0.0.1 1 2\r\n"), 38);
}

Test(proxy_header, a_line_ends_within_107_bytes)
{
	char line[PROXY_LINE_MAX + 1];

	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	memcpy(line + PROXY_LINE_MAX - 2, "\r\n", 2);
	expect_peer(line, PROXY_LINE_MAX, "");
	memcpy(line + PROXY_LINE_MAX - 2, "x\r\n", 3);
	expect_bad(line, sizeof(line), PROXY_LINE_MAX);
}

Test(proxy_header, a_binary_one_is_bounded_and_of_this_version)
{
	expect_bad(OF(SIGNATURE "\x11\x11\0\x0c"), 16);
	expect_bad(OF(SIGNATURE "\x31\x11\0\x0c"), 16);
	expect_bad(OF(SIGNATURE "\x22\x11\0\x0c"), 16);
	expect_bad(OF(SIGNATURE "\x21\x41\0\x0c"), 16);
	expect_bad(OF(SIGNATURE "\x21\x13\0\x0c"), 16);
	expect_bad(OF(SIGNATURE "\x21\x11\0\x0b"), 16);
	expect_bad(OF(SIGNATURE "\x21\x21\0\x23"), 16);
	expect_bad(OF(SIGNATURE "\x21\x11\x10\x01"), 16);
	expect_bad(OF(SIGNATURE "\x20\0\xff\xff"), 16);
}
