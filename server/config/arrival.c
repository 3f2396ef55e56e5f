#include "server/config/arrival.h"

#include <netinet/in.h>

struct endpoint endpoint_of(int socket)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(address);
	struct endpoint endpoint = { .port = 0 };

	if (getsockname(socket, (struct sockaddr *)&address, &length) != 0) {
		return endpoint;
	}
	endpoint.address = peer_address_of(&address);
	if (address.ss_family == AF_INET) {
		endpoint.port = ntohs(((const struct sockaddr_in *)&address)->sin_port);
	} else if (address.ss_family == AF_INET6) {
		endpoint.port = ntohs(((const struct sockaddr_in6 *)&address)->sin6_port);
	}
	return endpoint;
}
