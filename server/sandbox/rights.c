#include "server/sandbox/rights.h"

static const unsigned rights_of[SANDBOX_ROLES] = {
	[SANDBOX_MASTER] = RIGHT_STORE | RIGHT_THREADS | RIGHT_PROCESSES | RIGHT_ACCEPT |
			   RIGHT_MANAGER | RIGHT_ROOT,
	[SANDBOX_WORKER] = RIGHT_STORE | RIGHT_THREADS | RIGHT_ACCEPT,
	[SANDBOX_TELLER] = RIGHT_THREADS | RIGHT_ACCEPT,
	[SANDBOX_TLS] = RIGHT_ACCEPT | RIGHT_PAIRS,
	[SANDBOX_JOINER] = RIGHT_STORE | RIGHT_THREADS | RIGHT_PROCESSES,
};

unsigned sandbox_rights(enum sandbox_role role)
{
	return rights_of[role];
}
