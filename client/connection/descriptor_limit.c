#include "client/connection/descriptor_limit.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "shared/base/log.h"

#define BESIDE           32 /* descriptors that are no connections */
#define A_TLS_CONNECTION 3  /* descriptors: it is a socket, and a pair before it */

void descriptor_limit_raise(unsigned count, const struct server_address *server)
{
	struct rlimit limit;
	const rlim_t wanted = (rlim_t)count * (server->tls ? A_TLS_CONNECTION : 1) + BESIDE;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		die("cannot read the limit of descriptors: %s", strerror(errno));
	}
	if (limit.rlim_cur >= wanted) {
		return;
	}
	limit.rlim_cur = wanted;
	if (limit.rlim_max < wanted) {
		limit.rlim_max = wanted;
	}
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
		die("%u connections need as many descriptors (ulimit -n): %s", count,
		    strerror(errno));
	}
}
