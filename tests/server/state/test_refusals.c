#include "server/state/refusals.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define ANN  1 /* sessions */
#define BOB  2
#define ZOE  3
#define MANY (REFUSALS_SETS * REFUSALS_KEYS * 4)

static struct refusals refusals;

static void init(void)
{
	memset(&refusals, 0, sizeof(refusals));
	refusals_init(&refusals);
}

TestSuite(refusals, .init = init);

Test(refusals, overtake_what_another_session_asked_before)
{
	refusals_note(&refusals, "key", BOB, 100);
	cr_expect(refusals_overtook(&refusals, "key", ANN, 99));
	cr_expect(!refusals_overtook(&refusals, "key", ANN, 100));
	cr_expect(!refusals_overtook(&refusals, "another", ANN, 99));
}

Test(refusals, are_of_no_account_to_the_session_that_was_refused)
{
	refusals_note(&refusals, "key", BOB, 100);
	cr_expect(!refusals_overtook(&refusals, "key", BOB, 0));
	refusals_note(&refusals, "key", ANN, 200);
	cr_expect(!refusals_overtook(&refusals, "key", ANN, 100));
	cr_expect(refusals_overtook(&refusals, "key", ANN, 99), "Bob was refused, too");
	refusals_note(&refusals, "key", ANN, 300);
	cr_expect(!refusals_overtook(&refusals, "key", ANN, 100));
	cr_expect(refusals_overtook(&refusals, "key", ANN, 99));
	cr_expect(refusals_overtook(&refusals, "key", BOB, 299));
	cr_expect(refusals_overtook(&refusals, "key", ZOE, 299));
}

static void note_many(int64_t first_ns)
{
	char key[32];

	for (int i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		refusals_note(&refusals, key, BOB, first_ns + i);
	}
}

Test(refusals, that_were_forgotten_count_for_every_key)
{
	char key[32];

	note_many(1);
	for (int i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		cr_assert(refusals_overtook(&refusals, key, ANN, i), "%s is lost", key);
	}
	cr_expect(!refusals_overtook(&refusals, "key-0", ANN, MANY));
}

Test(refusals, that_were_forgotten_and_noted_again_are_not_lost)
{
	refusals_note(&refusals, "key", BOB, 10);
	note_many(11);
	refusals_note(&refusals, "key", ANN, MANY + 20);
	cr_expect(refusals_overtook(&refusals, "key", ANN, 9), "Bob was refused");
	cr_expect(!refusals_overtook(&refusals, "key", ANN, MANY + 20));
}
