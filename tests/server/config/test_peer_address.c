#include "server/config/peer_address.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static struct peer_address read_origin(const char *text)
{
	struct peer_address peer;

	cr_assert(peer_address_read(span_of(text), &peer), "'%s'", text);
	return peer;
}

static void check_text(const char *given, const char *expected)
{
	char text[PEER_ADDRESS_TEXT_SIZE];

	peer_address_write(read_origin(given), text);
	cr_expect_str_eq(text, expected);
}

Test(peer, is_written_as_people_write_it)
{
	check_text("192.0.2.7", "192.0.2.7");
	check_text("0.0.0.0", "0.0.0.0");
	check_text("255.255.255.255", "255.255.255.255");
	check_text("2001:db8::7", "2001:db8::7");
	check_text("2001:DB8:0:0:0:0:0:7", "2001:db8::7");
	check_text("::1", "::1");
	check_text("::ffff:192.0.2.7", "192.0.2.7");
	check_text("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

Test(peer, that_is_no_address_is_refused)
{
	static const char *const wrong[] = {
		"",           "bob",          "192.0.2", "192.0.2.256",   "192.0.2.7 ",
		" 192.0.2.7", "192.0.2.7/24", "::g",     "1:2:3:4:5:6:7", ":::",
		"[::1]",      "127.0.0.1:80"
	};
	char longest[200];
	struct peer_address peer;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_expect(!peer_address_read(span_of(wrong[i]), &peer), "'%s'", wrong[i]);
	}
	cr_expect(!peer_address_read((struct span){ "192.0.2.7\0x", 11 }, &peer));
	memset(longest, '1', sizeof(longest));
	for (size_t length = 30; length <= sizeof(longest); length++) {
		cr_expect(!peer_address_read((struct span){ longest, length }, &peer));
	}
}

static struct peer_address of_address(int family, const char *text)
{
	struct sockaddr_storage address = { .ss_family = (sa_family_t)family };
	struct sockaddr_in *ipv4 = (void *)&address;
	struct sockaddr_in6 *ipv6 = (void *)&address;

	cr_assert_eq(
		inet_pton(family, text,
			  family == AF_INET ? (void *)&ipv4->sin_addr : (void *)&ipv6->sin6_addr),
		1);
	return peer_address_of(&address);
}

Test(peer, of_a_connection_is_the_one_that_an_operator_types)
{
	cr_expect(peer_address_equal(of_address(AF_INET, "192.0.2.7"), read_origin("192.0.2.7")));
	cr_expect(peer_address_equal(of_address(AF_INET6, "2001:db8::7"),
				     read_origin("2001:db8::7")));
	cr_expect(peer_address_equal(of_address(AF_INET6, "::ffff:192.0.2.7"),
				     read_origin("192.0.2.7")),
		  "one address, whichever kind of listener it came through");
	cr_expect(!peer_address_equal(read_origin("192.0.2.7"), read_origin("192.0.2.8")));
	cr_expect(!peer_address_equal(read_origin("::192.0.2.7"), read_origin("192.0.2.7")));
}

Test(peer, that_is_not_known_is_all_zero)
{
	const struct sockaddr_storage address = { .ss_family = AF_UNIX };
	const struct peer_address none = { { 0 } };

	cr_expect(peer_address_equal(peer_address_of(&address), none));
}

static void check_network(const char *given, const char *expected)
{
	struct peer_network network;
	char text[PEER_ADDRESS_TEXT_SIZE];

	cr_assert(peer_network_read(span_of(given), &network), "'%s'", given);
	peer_network_write(network, text);
	cr_expect_str_eq(text, expected);
}

Test(peer, network_is_written_as_people_write_it)
{
	check_network("192.0.2.7", "192.0.2.7");
	check_network("192.0.2.7/32", "192.0.2.7");
	check_network("192.0.2.7/24", "192.0.2.0/24");
	check_network("192.0.2.255/25", "192.0.2.128/25");
	check_network("192.0.2.7/0", "0.0.0.0/0");
	check_network("2001:db8::7", "2001:db8::/64");
	check_network("2001:db8::7/128", "2001:db8::7/128");
	check_network("2001:db8:ffff::/33", "2001:db8:8000::/33");
	check_network("::ffff:192.0.2.7", "192.0.2.7");
	check_network("::/0", "::/0");
}

Test(peer, that_is_no_network_is_refused)
{
	static const char *const wrong[] = { "",
					     "/",
					     "/24",
					     "192.0.2.0/",
					     "192.0.2.0/33",
					     "192.0.2.0/-1",
					     "2001:db8::/129",
					     "192.0.2.0/24/1",
					     "192.0.2.0/x" };
	struct peer_network network;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_expect(!peer_network_read(span_of(wrong[i]), &network), "'%s'", wrong[i]);
	}
}

Test(peer, network_has_what_begins_with_its_bits_and_nothing_else)
{
	struct peer_network network;

	cr_assert(peer_network_read(span_of("192.0.2.128/25"), &network));
	cr_expect(peer_network_has(network, read_origin("192.0.2.128")));
	cr_expect(peer_network_has(network, read_origin("192.0.2.255")));
	cr_expect(!peer_network_has(network, read_origin("192.0.2.127")));
	cr_expect(!peer_network_has(network, read_origin("192.0.3.128")));
	cr_expect(!peer_network_has(network, read_origin("2001:db8::1")));
}
