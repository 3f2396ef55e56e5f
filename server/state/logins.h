/*
 * logins: the cookies of operators who signed in over HTTP, in shared memory, so that each worker
 * knows them.
 *
 * Guarded by the directory's lock. There are few: a new one takes the place of one that is over, or
 * else of the one that ends first.
 */
#ifndef SERVER_STATE_LOGINS_H
#define SERVER_STATE_LOGINS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/memory.h"

#define LOGINS_MAX         64
#define LOGIN_SECONDS      (12 * 3600)
#define LOGIN_SECRET_BYTES 16

struct login_secret {
	unsigned char bytes[LOGIN_SECRET_BYTES];
};

struct login {
	struct login_secret secret;
	int64_t until_ns; /* monotonic; 0: the entry is free. Written last */
};

struct logins {
	struct login entries[LOGINS_MAX];
};

struct logins *logins_create(struct memory *memory);

/* A new one, random, good for LOGIN_SECONDS from the monotonic NOW_NS on. */
struct login_secret logins_add(struct logins *logins, int64_t now_ns);

/* Takes as long for a wrong one as for a right one. */
bool logins_know(const struct logins *logins, const struct login_secret *secret, int64_t now_ns);
void logins_forget(struct logins *logins, const struct login_secret *secret);

#endif
