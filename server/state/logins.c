#include "server/state/logins.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"

struct logins *logins_create(struct memory *memory)
{
	return memory_take(memory, sizeof(struct logins), CACHE_LINE);
}

static bool are_equal(const struct login_secret *a, const struct login_secret *b)
{
	unsigned difference = 0;

	for (size_t i = 0; i < LOGIN_SECRET_BYTES; i++) {
		difference |= a->bytes[i] ^ b->bytes[i];
	}
	return difference == 0;
}

/* One that is free or over has an end that lies before that of all others. */
static struct login *first_to_end(struct logins *logins)
{
	struct login *first = &logins->entries[0];

	for (size_t i = 1; i < LOGINS_MAX; i++) {
		if (logins->entries[i].until_ns < first->until_ns) {
			first = &logins->entries[i];
		}
	}
	return first;
}

struct login_secret logins_add(struct logins *logins, int64_t now_ns)
{
	struct login *login = first_to_end(logins);

	login->until_ns = 0;
	if (getrandom(&login->secret, sizeof(login->secret), 0) != sizeof(login->secret)) {
		die("there is nothing random: %s", strerror(errno));
	}
	login->until_ns = now_ns + LOGIN_SECONDS * NS_PER_SECOND;
	return login->secret;
}

bool logins_know(const struct logins *logins, const struct login_secret *secret, int64_t now_ns)
{
	bool known = false;

	for (size_t i = 0; i < LOGINS_MAX; i++) {
		const struct login *login = &logins->entries[i];

		known |= are_equal(&login->secret, secret) & (login->until_ns > now_ns);
	}
	return known;
}

void logins_forget(struct logins *logins, const struct login_secret *secret)
{
	for (size_t i = 0; i < LOGINS_MAX; i++) {
		if (are_equal(&logins->entries[i].secret, secret)) {
			logins->entries[i].until_ns = 0;
		}
	}
}
