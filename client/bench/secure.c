#include "client/bench/secure.h"

#include "shared/base/log.h"

int bench_secure(const struct server_address *server, int descriptor, struct tls_link **link)
{
	char problem[TLS_LINK_PROBLEM_SIZE];

	*link = NULL;
	if (!server->tls) {
		return descriptor;
	}
	*link = tls_link_open(descriptor, server->host, server->ca, problem);
	if (!*link) {
		die("%s", problem);
	}
	return tls_link_descriptor(*link);
}
