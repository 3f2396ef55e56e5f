#include "server/state/admission.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"

#define CONNECTIONS 64
#define MOST        3
#define NOW_NS      (1800000000 * NS_PER_SECOND) /* any time will do */

static struct memory memory;
static struct gate *gate;

static void make_gate(uint32_t most)
{
	memory_init(&memory, "test", gate_size(CONNECTIONS));
	gate = gate_create(&memory, CONNECTIONS, most);
}

static void init(void)
{
	make_gate(MOST);
}

static void finish(void)
{
	memory_finish(&memory);
}

TestSuite(gate, .init = init, .fini = finish);

static struct origin address(unsigned number)
{
	struct origin origin = { { 0x20, 0x01, 0x0d, 0xb8 } };

	memcpy(origin.bytes + 12, &number, sizeof(number));
	return origin;
}

/* Counting */

Test(gate, lets_so_many_of_an_address_in_and_no_more)
{
	for (int i = 0; i < MOST; i++) {
		cr_expect(gate_enter(gate, address(1)));
	}
	cr_expect(!gate_enter(gate, address(1)));
	cr_expect(gate_enter(gate, address(2)), "another one is not concerned");
	gate_leave(gate, address(1));
	cr_expect(gate_enter(gate, address(1)));
	cr_expect(!gate_enter(gate, address(1)));
}

Test(gate, without_a_limit_lets_everybody_in)
{
	memory_finish(&memory);
	make_gate(0);
	for (int i = 0; i < 10 * CONNECTIONS; i++) {
		cr_expect(gate_enter(gate, address(1)));
	}
	gate_leave(gate, address(1));
	gate_leave(gate, address(2));
}

Test(gate, that_was_cleared_counts_anew)
{
	for (int i = 0; i < MOST; i++) {
		gate_enter(gate, address(1));
	}
	gate_clear(gate);
	cr_expect(gate_enter(gate, address(1)));
}

Test(gate, who_leaves_without_having_come_changes_nothing)
{
	cr_expect(gate_enter(gate, address(1)));
	gate_leave(gate, address(2));
	cr_expect(gate_enter(gate, address(1)));
	cr_expect(gate_enter(gate, address(1)));
	cr_expect(!gate_enter(gate, address(1)));
}

/*
 * Comings and goings of many addresses, up to as many connections as there may be, against plain
 * counts: entries move when others go, and none may be lost or found twice.
 */
Test(gate, counts_as_many_addresses_as_there_are_connections)
{
	enum { ADDRESSES = 200, ROUNDS = 200000 };
	unsigned counts[ADDRESSES] = { 0 }, all = 0, seed = 1;

	for (int i = 0; i < ROUNDS; i++) {
		unsigned number = (unsigned)rand_r(&seed) % ADDRESSES;
		if (rand_r(&seed) % 2 == 0 && all < CONNECTIONS) {
			bool in = gate_enter(gate, address(number));
			cr_assert_eq(in, counts[number] < MOST, "round %d", i);
			counts[number] += in;
			all += in;
		} else if (counts[number] > 0) {
			gate_leave(gate, address(number));
			counts[number]--;
			all--;
		}
	}
}

/* Bans */

static int64_t banned_s(unsigned number, int64_t after_s)
{
	return gate_banned(gate, address(number), NOW_NS + after_s * NS_PER_SECOND) / NS_PER_SECOND;
}

static bool ban(unsigned number, int64_t seconds)
{
	return gate_ban(gate, address(number), NOW_NS + seconds * NS_PER_SECOND, NOW_NS);
}

Test(gate, a_ban_holds_until_its_end_and_for_its_address)
{
	cr_expect_eq(banned_s(1, 0), 0);
	cr_expect(ban(1, 10));
	cr_expect_eq(banned_s(1, 0), 10);
	cr_expect_eq(banned_s(1, 9), 1);
	cr_expect_eq(banned_s(1, 10), 0);
	cr_expect_eq(banned_s(2, 0), 0);
}

Test(gate, a_ban_can_be_made_longer_shorter_and_be_lifted)
{
	cr_expect(ban(1, 10));
	cr_expect(ban(1, 100));
	cr_expect_eq(banned_s(1, 0), 100);
	cr_expect(ban(1, 5));
	cr_expect_eq(banned_s(1, 0), 5);
	cr_expect(ban(1, 0));
	cr_expect_eq(banned_s(1, 0), 0);
	cr_expect_eq(gate->ban_count, 1);
}

static void fill_with_bans(int64_t seconds)
{
	for (unsigned i = 0; i < GATE_BANS_MAX; i++) {
		cr_assert(ban(i, seconds));
	}
}

/* As the keeper does it. */
static void save_all(void)
{
	for (uint32_t i = 0; i < gate->ban_count; i++) {
		gate->bans[i].unsaved = false;
	}
	gate->bans_unsaved = 0;
}

Test(gate, that_is_full_of_bans_says_so_and_can_still_change_them)
{
	fill_with_bans(10);
	cr_expect(!ban(GATE_BANS_MAX, 10));
	cr_expect(ban(7, 20));
	cr_expect_eq(banned_s(7, 0), 20);
	cr_expect_eq(banned_s(GATE_BANS_MAX - 1, 0), 10);
}

Test(gate, bans_that_are_over_and_saved_make_room_for_others)
{
	fill_with_bans(10);
	cr_expect(ban(7, 0));
	cr_expect(!ban(GATE_BANS_MAX, 10), "the store is still to be told that it is lifted");
	save_all();
	cr_expect(ban(GATE_BANS_MAX, 10));
	cr_expect_eq(banned_s(GATE_BANS_MAX, 0), 10);
	cr_expect_eq(banned_s(7, 0), 0);
	cr_expect(!ban(GATE_BANS_MAX + 1, 10));
}
