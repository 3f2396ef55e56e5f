#include "client/bench/secure.h"

#include "shared/base/log.h"

int bench_secure(const struct bench_plan *plan, int descriptor, struct tls_link **link)
{
	char problem[TLS_LINK_PROBLEM_SIZE];

	*link = NULL;
	if (!plan->where->tls) {
		return descriptor;
	}
	*link = tls_link_open(descriptor, plan->where->host, plan->where->ca, problem);
	if (!*link) {
		die("%s", problem);
	}
	return tls_link_descriptor(*link);
}
