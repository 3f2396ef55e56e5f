#include "server/config/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

static struct origin of_ipv4(const struct in_addr *address)
{
	struct origin origin;

	memcpy(origin.bytes, mapped, sizeof(mapped));
	memcpy(origin.bytes + sizeof(mapped), address, sizeof(*address));
	return origin;
}

struct origin origin_of(const struct sockaddr_storage *address)
{
	struct origin origin = { { 0 } };

	if (address->ss_family == AF_INET) {
		return of_ipv4(&((const struct sockaddr_in *)address)->sin_addr);
	}
	if (address->ss_family == AF_INET6) {
		memcpy(origin.bytes, &((const struct sockaddr_in6 *)address)->sin6_addr,
		       sizeof(origin.bytes));
	}
	return origin;
}

bool origin_equal(struct origin a, struct origin b)
{
	return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

bool origin_read(struct span text, struct origin *origin)
{
	char copy[ORIGIN_TEXT_SIZE];
	struct in_addr ipv4;

	if (text.length >= sizeof(copy)) {
		return false;
	}
	memcpy(copy, text.text, text.length);
	copy[text.length] = '\0';
	if (inet_pton(AF_INET, copy, &ipv4) == 1) {
		*origin = of_ipv4(&ipv4);
		return true;
	}
	return inet_pton(AF_INET6, copy, origin->bytes) == 1;
}

void origin_write(struct origin origin, char *text)
{
	bool is_ipv4 = memcmp(origin.bytes, mapped, sizeof(mapped)) == 0;

	if (!inet_ntop(is_ipv4 ? AF_INET : AF_INET6, origin.bytes + (is_ipv4 ? sizeof(mapped) : 0),
		       text, ORIGIN_TEXT_SIZE)) {
		text[0] = '\0';
	}
}
