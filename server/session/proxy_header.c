#include "server/session/proxy_header.h"

#include <netinet/in.h>
#include <string.h>

#define SIGNATURE        "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_LENGTH 12
#define FIXED_LENGTH     16 /* version 2: signature, version and command, family, length */
#define WORD             "PROXY "
#define WORD_LENGTH      6

#define IPV4_BODY 12 /* bytes of both addresses and both ports */
#define IPV6_BODY 36

enum { VERSION_2 = 2, COMMAND_LOCAL = 0, COMMAND_PROXY = 1 };
enum {
	FAMILY_IPV4 = 1,
	FAMILY_IPV6 = 2,
	FAMILY_LAST = 3,
	TRANSPORT_STREAM = 1,
	TRANSPORT_LAST = 2
};

/* Version 1 */

/* The words are parted by one space each. */
static struct span take_word(struct span *rest)
{
	const char *space = memchr(rest->text, ' ', rest->length);
	struct span word = { rest->text, space ? (size_t)(space - rest->text) : rest->length };
	size_t taken = word.length + (space ? 1 : 0);

	*rest = (struct span){ rest->text + taken, rest->length - taken };
	return word;
}

static bool is_port(struct span word)
{
	int64_t port;

	return words_number(word, 0, UINT16_MAX, &port);
}

static bool read_address(struct span word, bool ipv6, struct peer_address *peer)
{
	return (memchr(word.text, ':', word.length) != NULL) == ipv6 &&
	       !memchr(word.text, '\0', word.length) && peer_address_read(word, peer);
}

/* "TCP4 SOURCE DESTINATION PORT PORT" or "UNKNOWN" and anything. */
static enum proxy_result read_line(struct proxy_header *header, struct span line)
{
	struct peer_address own;
	struct span rest = line;
	struct span family = take_word(&rest);
	bool ipv6 = span_equals(family, "TCP6");

	if (span_equals(family, "UNKNOWN")) {
		return PROXY_WHOLE;
	}
	if (!ipv6 && !span_equals(family, "TCP4")) {
		return PROXY_BAD;
	}
	header->names_peer = read_address(take_word(&rest), ipv6, &header->peer) &&
			     read_address(take_word(&rest), ipv6, &own) &&
			     is_port(take_word(&rest)) && is_port(take_word(&rest)) &&
			     rest.length == 0;
	return header->names_peer ? PROXY_WHOLE : PROXY_BAD;
}

static enum proxy_result take_line_byte(struct proxy_header *header)
{
	const char *bytes = header->bytes;
	size_t length = header->length;
	const size_t last = length - 1;

	if (last < WORD_LENGTH) {
		return bytes[last] == WORD[last] ? PROXY_MORE : PROXY_BAD;
	}
	if (bytes[length - 1] != '\n') {
		return length < PROXY_LINE_MAX ? PROXY_MORE : PROXY_BAD;
	}
	if (bytes[length - 2] != '\r') {
		return PROXY_BAD;
	}
	return read_line(header, (struct span){ bytes + WORD_LENGTH, length - WORD_LENGTH - 2 });
}

/* Version 2 */

static unsigned byte_at(const struct proxy_header *header, size_t index)
{
	return (unsigned char)header->bytes[index];
}

static void name_peer(struct proxy_header *header, bool ipv6)
{
	struct sockaddr_storage address = { .ss_family = ipv6 ? AF_INET6 : AF_INET };

	if (ipv6) {
		memcpy(&((struct sockaddr_in6 *)&address)->sin6_addr, header->bytes + FIXED_LENGTH,
		       sizeof(struct in6_addr));
	} else {
		memcpy(&((struct sockaddr_in *)&address)->sin_addr, header->bytes + FIXED_LENGTH,
		       sizeof(struct in_addr));
	}
	header->peer = peer_address_of(&address);
	header->names_peer = true;
}

/* How many bytes of addresses we want of the body: none of a family that is not the internet's. */
static size_t wanted_body(const struct proxy_header *header)
{
	unsigned family = byte_at(header, SIGNATURE_LENGTH + 1) >> 4;
	unsigned transport = byte_at(header, SIGNATURE_LENGTH + 1) & 0xf;
	bool proxied = (byte_at(header, SIGNATURE_LENGTH) & 0xf) == COMMAND_PROXY;

	if (!proxied || transport != TRANSPORT_STREAM) {
		return 0;
	}
	return family == FAMILY_IPV4 ? IPV4_BODY : family == FAMILY_IPV6 ? IPV6_BODY : 0;
}

static bool is_known(const struct proxy_header *header)
{
	unsigned version = byte_at(header, SIGNATURE_LENGTH) >> 4;
	unsigned command = byte_at(header, SIGNATURE_LENGTH) & 0xf;
	unsigned family = byte_at(header, SIGNATURE_LENGTH + 1) >> 4;
	unsigned transport = byte_at(header, SIGNATURE_LENGTH + 1) & 0xf;

	return version == VERSION_2 && (command == COMMAND_LOCAL || command == COMMAND_PROXY) &&
	       family <= FAMILY_LAST && transport <= TRANSPORT_LAST;
}

/* The first 16 bytes are there: they say how many follow. */
static enum proxy_result take_fixed(struct proxy_header *header)
{
	size_t body = byte_at(header, FIXED_LENGTH - 2) << 8 | byte_at(header, FIXED_LENGTH - 1);
	size_t wanted = wanted_body(header);

	if (!is_known(header) || body < wanted || body > PROXY_BODY_MAX) {
		return PROXY_BAD;
	}
	header->skip = (uint16_t)(body - wanted);
	return body == 0 ? PROXY_WHOLE : PROXY_MORE;
}

static enum proxy_result take_binary_byte(struct proxy_header *header)
{
	size_t length = header->length;
	const size_t last = length - 1;

	if (last < SIGNATURE_LENGTH) {
		return header->bytes[last] == SIGNATURE[last] ? PROXY_MORE : PROXY_BAD;
	}
	if (length < FIXED_LENGTH) {
		return PROXY_MORE;
	}
	if (length == FIXED_LENGTH) {
		return take_fixed(header);
	}
	if (length < FIXED_LENGTH + wanted_body(header)) {
		return PROXY_MORE;
	}
	name_peer(header, wanted_body(header) == IPV6_BODY);
	return header->skip == 0 ? PROXY_WHOLE : PROXY_MORE;
}

/* What is wanted of the body is there: the rest, of a longer address or TLVs, is passed over. */
static bool only_skips(const struct proxy_header *header)
{
	return header->bytes[0] == SIGNATURE[0] && header->length >= FIXED_LENGTH &&
	       header->length == FIXED_LENGTH + wanted_body(header);
}

static enum proxy_result skip(struct proxy_header *header, size_t length, size_t *used)
{
	size_t skipped = length < header->skip ? length : header->skip;

	header->skip = (uint16_t)(header->skip - skipped);
	*used += skipped;
	return header->skip == 0 ? PROXY_WHOLE : PROXY_MORE;
}

enum proxy_result proxy_header_read(struct proxy_header *header, const char *bytes, size_t length,
				    size_t *used)
{
	enum proxy_result result = PROXY_MORE;

	*used = 0;
	while (result == PROXY_MORE && *used < length) {
		if (only_skips(header)) {
			return skip(header, length - *used, used);
		}
		header->bytes[header->length++] = bytes[(*used)++];
		result = header->bytes[0] == SIGNATURE[0] ? take_binary_byte(header)
							  : take_line_byte(header);
	}
	return result;
}
