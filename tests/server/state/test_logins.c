/* Operators' cookies: who has one, for how long, and how many there may be. */
#include "server/state/logins.h"

#include <criterion/criterion.h>

#include "shared/base/clock.h"

#define NOW  (1000 * NS_PER_SECOND)
#define LIFE (LOGIN_SECONDS * NS_PER_SECOND)

static struct memory memory;
static struct logins *logins;

static void init(void)
{
	memory_init(&memory, "logins", sizeof(struct logins) + CACHE_LINE);
	logins = logins_create(&memory);
}

TestSuite(logins, .init = init);

Test(logins, one_is_known_until_its_time_is_over)
{
	const struct login_secret secret = logins_add(logins, NOW);

	cr_expect(logins_know(logins, &secret, NOW));
	cr_expect(logins_know(logins, &secret, NOW + LIFE - 1));
	cr_expect_not(logins_know(logins, &secret, NOW + LIFE));
}

Test(logins, no_other_is_known)
{
	struct login_secret secret = { { 0 } };

	cr_expect_not(logins_know(logins, &secret, NOW), "an entry that is free is nobody's");
	secret = logins_add(logins, NOW);
	secret.bytes[LOGIN_SECRET_BYTES - 1] ^= 1;
	cr_expect_not(logins_know(logins, &secret, NOW));
}

Test(logins, one_that_is_forgotten_is_not_known_and_others_are)
{
	const struct login_secret first = logins_add(logins, NOW);
	const struct login_secret second = logins_add(logins, NOW);

	logins_forget(logins, &first);
	cr_expect_not(logins_know(logins, &first, NOW));
	cr_expect(logins_know(logins, &second, NOW));
}

Test(logins, when_there_are_too_many_the_one_that_ends_first_goes)
{
	struct login_secret secrets[LOGINS_MAX + 1];

	for (int i = 0; i <= LOGINS_MAX; i++) {
		secrets[i] = logins_add(logins, NOW + i);
	}
	cr_expect_not(logins_know(logins, &secrets[0], NOW + LOGINS_MAX));
	for (int i = 1; i <= LOGINS_MAX; i++) {
		cr_expect(logins_know(logins, &secrets[i], NOW + LOGINS_MAX));
	}
}
