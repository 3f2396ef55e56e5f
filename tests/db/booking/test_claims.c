#include "db/booking/claims.h"

#include <criterion/criterion.h>
#include <string.h>

#include "shared/base/memory.h"
#include "tests/support/child.h"

static struct memory memory;
static struct claims *claims;
static const bool *gone; /* by ticket: those that do not stand any more; or NULL: none */

static void init(void)
{
	memory_init(&memory, "test", sizeof(*claims) + CACHE_LINE);
	claims = memory_take(&memory, sizeof(*claims), CACHE_LINE);
	claims_init(claims);
	gone = NULL;
}

static void finish(void)
{
	memory_finish(&memory);
}

TestSuite(claims, .init = init, .fini = finish, .timeout = 60);

static struct booking_owner owner(uint32_t number)
{
	struct booking_owner owner = { .bytes = { 1 } };

	memcpy(owner.bytes + 12, &number, sizeof(number));
	return owner;
}

static bool add(uint32_t whose, int64_t ticket, int64_t quantity)
{
	const struct claim claim = { .owner = owner(whose),
				     .quantity = quantity,
				     .ticket = ticket };

	return claims_add(claims, &claim);
}

static bool stands(const void *context, const struct claim *claim)
{
	(void)context;
	return !gone || !gone[claim->ticket];
}

static void drop(uint32_t whose)
{
	claims_drop(claims, owner(whose), stands, NULL);
}

static int64_t sum(uint32_t whose)
{
	return claims_sum(claims, owner(whose));
}

Test(claims, adds_up_what_each_has)
{
	add(1, 1, 3);
	add(2, 2, 5);
	add(1, 3, 4);
	cr_expect_eq(sum(1), 7);
	cr_expect_eq(sum(2), 5);
	cr_expect_eq(sum(3), 0);
}

Test(claims, drops_what_does_not_stand_any_more)
{
	static const bool first[] = { [1] = true, [2] = true, [3] = false };

	add(1, 1, 3);
	add(2, 2, 5);
	add(1, 3, 4);
	gone = first;
	drop(1);
	cr_expect_eq(sum(1), 4);
	cr_expect_eq(sum(2), 5, "it is looked at when its owner asks");
	claims_commit(claims);
	cr_expect_eq(claims->count, 2);
}

Test(claims, a_batch_that_failed_dropped_nothing)
{
	static const bool all[] = { true, true, true };

	add(1, 1, 3);
	add(1, 2, 4);
	gone = all;
	drop(1);
	cr_expect_eq(sum(1), 0);
	claims_roll_back(claims);
	cr_expect_eq(sum(1), 7);
	drop(1);
	claims_commit(claims);
	claims_roll_back(claims); /* there is no batch */
	cr_expect_eq(sum(1), 0);
}

Test(claims, is_full_at_its_most_and_has_room_again)
{
	static const bool all[] = { true, true };

	for (uint32_t i = 0; i < CLAIMS_MAX; i++) {
		cr_assert(claims_have_room(claims));
		cr_assert(add(i, 1, 1));
	}
	cr_expect(!claims_have_room(claims));
	cr_expect(!add(1, 1, 1));
	claims_tidy(claims, stands, NULL);
	cr_expect(!claims_have_room(claims), "all stand");
	gone = all;
	claims_tidy(claims, stands, NULL);
	cr_expect_eq(claims->count, CLAIMS_MAX - CLAIMS_LOOKS);
	cr_expect(add(1, 1, 1));
}

Test(claims, nothing_is_looked_through_while_there_is_room)
{
	static const bool all[] = { true, true };

	add(1, 1, 1);
	gone = all;
	claims_tidy(claims, stands, NULL);
	cr_expect_eq(claims->count, 1);
}

/* A holder killed at any step: after a repair each entry is in a bucket or free, and once. */

#define OWNERS 4

static void prepare(void)
{
	memset(claims, 0, sizeof(*claims));
	claims_init(claims);
	gone = NULL;
	for (int64_t ticket = 1; ticket <= 6; ticket++) {
		add((uint32_t)ticket % OWNERS, ticket, ticket);
	}
}

static int change(void *argument)
{
	static const bool some[] = { [1] = true, [2] = true, [5] = true, [9] = false };

	(void)argument;
	gone = some;
	drop(1);
	claims_commit(claims);
	add(3, 7, 7);
	drop(2);
	add(1, 8, 8);
	claims_roll_back(claims);
	drop(2);
	add(2, 9, 9);
	claims_commit(claims);
	return 0;
}

static uint32_t length_of(uint32_t place)
{
	uint32_t length = 0;

	for (; place != 0; place = claims->claims[place - 1].next) {
		cr_assert_lt(length++, CLAIMS_MAX, "no end");
	}
	return length;
}

static void look(const struct child *dead)
{
	uint32_t used = 0;

	(void)dead;
	claims_repair(claims);
	claims_roll_back(claims);
	for (uint32_t i = 0; i < CLAIMS_BUCKETS; i++) {
		used += length_of(claims->buckets[i]);
	}
	cr_assert_eq(used, claims->count);
	cr_assert_eq(used + length_of(claims->free), claims->never_used);
	cr_assert_geq(sum(3), 3, "a claim that stands is lost");
	cr_assert_geq(sum(0), 4, "a claim that stands is lost");
	cr_assert_geq(sum(2), 6, "a claim that stands is lost");
	cr_assert(add(3, 10, 1));
}

Test(claims, killed_at_any_step_its_holder_leaves_what_can_be_repaired)
{
	prepare();
	change(NULL);
	child_kill_everywhere(change, prepare, look);
}
