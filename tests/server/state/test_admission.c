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
static struct admission *admission;

static void make_gate(uint32_t most)
{
	memory_init(&memory, "test", admission_size(CONNECTIONS));
	admission = admission_create(&memory, CONNECTIONS, most);
}

static void init(void)
{
	make_gate(MOST);
}

static void finish(void)
{
	memory_finish(&memory);
}

TestSuite(admission, .init = init, .fini = finish);

static struct peer_address address(unsigned number)
{
	struct peer_address peer = { { 0x20, 0x01, 0x0d, 0xb8 } };

	memcpy(peer.bytes + 4, &number, sizeof(number));
	return peer;
}

/* Counting */

Test(admission, lets_so_many_of_an_address_in_and_no_more)
{
	for (int i = 0; i < MOST; i++) {
		cr_expect(admission_enter(admission, address(1)));
	}
	cr_expect(!admission_enter(admission, address(1)));
	cr_expect(admission_enter(admission, address(2)), "another one is not concerned");
	admission_leave(admission, address(1));
	cr_expect(admission_enter(admission, address(1)));
	cr_expect(!admission_enter(admission, address(1)));
}

Test(admission, without_a_limit_lets_everybody_in)
{
	memory_finish(&memory);
	make_gate(0);
	for (int i = 0; i < 10 * CONNECTIONS; i++) {
		cr_expect(admission_enter(admission, address(1)));
	}
	admission_leave(admission, address(1));
	admission_leave(admission, address(2));
}

Test(admission, that_was_cleared_counts_anew)
{
	for (int i = 0; i < MOST; i++) {
		admission_enter(admission, address(1));
	}
	admission_clear(admission);
	cr_expect(admission_enter(admission, address(1)));
}

Test(admission, who_leaves_without_having_come_changes_nothing)
{
	cr_expect(admission_enter(admission, address(1)));
	admission_leave(admission, address(2));
	cr_expect(admission_enter(admission, address(1)));
	cr_expect(admission_enter(admission, address(1)));
	cr_expect(!admission_enter(admission, address(1)));
}

/*
 * Comings and goings of many addresses, up to as many connections as there may be, against plain
 * counts: entries move when others go, and none may be lost or found twice.
 */
Test(admission, counts_as_many_addresses_as_there_are_connections)
{
	enum { ADDRESSES = 200, ROUNDS = 200000 };
	unsigned counts[ADDRESSES] = { 0 }, all = 0, seed = 1;

	for (int i = 0; i < ROUNDS; i++) {
		unsigned number = (unsigned)rand_r(&seed) % ADDRESSES;
		if (rand_r(&seed) % 2 == 0 && all < CONNECTIONS) {
			bool in = admission_enter(admission, address(number));
			cr_assert_eq(in, counts[number] < MOST, "round %d", i);
			counts[number] += in;
			all += in;
		} else if (counts[number] > 0) {
			admission_leave(admission, address(number));
			counts[number]--;
			all--;
		}
	}
}

/* Bans */

static int64_t banned_s(unsigned number, int64_t after_s)
{
	return admission_banned(admission, address(number), NOW_NS + after_s * NS_PER_SECOND) /
	       NS_PER_SECOND;
}

static bool ban(unsigned number, int64_t seconds)
{
	const struct peer_network network = { address(number), 64 };

	return admission_ban(admission, network, NOW_NS + seconds * NS_PER_SECOND, NOW_NS);
}

Test(admission, a_ban_holds_until_its_end_and_for_its_address)
{
	cr_expect_eq(banned_s(1, 0), 0);
	cr_expect(ban(1, 10));
	cr_expect_eq(banned_s(1, 0), 10);
	cr_expect_eq(banned_s(1, 9), 1);
	cr_expect_eq(banned_s(1, 10), 0);
	cr_expect_eq(banned_s(2, 0), 0);
}

Test(admission, a_ban_can_be_made_longer_shorter_and_be_lifted)
{
	cr_expect(ban(1, 10));
	cr_expect(ban(1, 100));
	cr_expect_eq(banned_s(1, 0), 100);
	cr_expect(ban(1, 5));
	cr_expect_eq(banned_s(1, 0), 5);
	cr_expect(ban(1, 0));
	cr_expect_eq(banned_s(1, 0), 0);
	cr_expect_eq(admission->ban_count, 1);
}

static void fill_with_bans(int64_t seconds)
{
	for (unsigned i = 0; i < ADMISSION_BANS_MAX; i++) {
		cr_assert(ban(i, seconds));
	}
}

/* As the archive does it. */
static void save_all(void)
{
	static struct ban bans[ADMISSION_BANS_MAX];

	admission_note_saved(admission, bans, admission_copy_bans(admission, bans));
}

Test(admission, a_ban_that_was_changed_while_it_was_stored_is_stored_again)
{
	static struct ban bans[ADMISSION_BANS_MAX];

	ban(1, 10);
	ban(2, 10);
	uint32_t count = admission_copy_bans(admission, bans);
	ban(2, 20);
	ban(3, 10);
	admission_note_saved(admission, bans, count);
	cr_expect_not(admission->bans[0].unsaved);
	cr_expect(admission->bans[1].unsaved, "its end is another");
	cr_expect(admission->bans[2].unsaved, "it was not in the copy");
	cr_expect_eq(admission->bans_unsaved, 2);
	save_all();
	cr_expect_eq(admission->bans_unsaved, 0);
}

Test(admission, that_is_full_of_bans_says_so_and_can_still_change_them)
{
	fill_with_bans(10);
	cr_expect(!ban(ADMISSION_BANS_MAX, 10));
	cr_expect(ban(7, 20));
	cr_expect_eq(banned_s(7, 0), 20);
	cr_expect_eq(banned_s(ADMISSION_BANS_MAX - 1, 0), 10);
}

Test(admission, bans_that_are_over_and_saved_make_room_for_others)
{
	fill_with_bans(10);
	cr_expect(ban(7, 0));
	cr_expect(!ban(ADMISSION_BANS_MAX, 10), "the store is still to be told that it is lifted");
	save_all();
	cr_expect(ban(ADMISSION_BANS_MAX, 10));
	cr_expect_eq(banned_s(ADMISSION_BANS_MAX, 0), 10);
	cr_expect_eq(banned_s(7, 0), 0);
	cr_expect(!ban(ADMISSION_BANS_MAX + 1, 10));
}

static struct peer_address peer(const char *text)
{
	struct peer_address read;

	cr_assert(peer_address_read(span_of(text), &read));
	return read;
}

Test(admission, counts_all_of_a_host_that_has_a_whole_64_as_one)
{
	cr_expect(admission_enter(admission, peer("2001:db8::1")));
	cr_expect(admission_enter(admission, peer("2001:db8::2")));
	cr_expect(admission_enter(admission, peer("2001:db8::ffff:0:0:3")));
	cr_expect(!admission_enter(admission, peer("2001:db8::4")));
	cr_expect(admission_enter(admission, peer("2001:db8:0:1::1")), "the next /64");
	admission_leave(admission, peer("2001:db8::9"));
	cr_expect(admission_enter(admission, peer("2001:db8::4")));
}

Test(admission, of_two_bans_that_concern_an_address_the_longer_one_holds)
{
	struct peer_network narrow, wide;

	cr_assert(peer_network_read(span_of("192.0.2.7"), &narrow));
	cr_assert(peer_network_read(span_of("192.0.2.0/24"), &wide));
	cr_expect(admission_ban(admission, narrow, NOW_NS + 10, NOW_NS));
	cr_expect(admission_ban(admission, wide, NOW_NS + 100, NOW_NS));
	cr_expect_eq(admission_banned(admission, peer("192.0.2.7"), NOW_NS), 100);
	cr_expect(admission_ban(admission, wide, NOW_NS, NOW_NS));
	cr_expect_eq(admission_banned(admission, peer("192.0.2.7"), NOW_NS), 10);
	cr_expect_eq(admission_banned(admission, peer("192.0.2.8"), NOW_NS), 0);
}

/* Passwords */

static int64_t penalty_s(const char *from, int64_t after_s)
{
	return admission_penalty(admission, peer(from), NOW_NS + after_s * NS_PER_SECOND) /
	       NS_PER_SECOND;
}

static void guess_wrong(const char *from, int count, int64_t after_s)
{
	for (int i = 0; i < count; i++) {
		admission_wrong_password(admission, peer(from), NOW_NS + after_s * NS_PER_SECOND);
	}
}

Test(admission, the_fifth_wrong_password_brings_a_penalty_and_each_further_one_doubles_it)
{
	static const int64_t penalties_s[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300 };
	int64_t after_s = 0;

	guess_wrong("192.0.2.7", GUESSES_FREE - 1, 0);
	cr_expect_eq(penalty_s("192.0.2.7", 0), 0);
	for (size_t i = 0; i < sizeof(penalties_s) / sizeof(penalties_s[0]); i++) {
		guess_wrong("192.0.2.7", 1, after_s);
		cr_expect_eq(penalty_s("192.0.2.7", after_s), penalties_s[i]);
		cr_expect_eq(penalty_s("192.0.2.7", after_s), penalties_s[i], "asked twice");
		after_s += penalties_s[i];
		cr_expect_eq(penalty_s("192.0.2.7", after_s), 0);
	}
	guess_wrong("192.0.2.7", 100, after_s);
	cr_expect_eq(penalty_s("192.0.2.7", after_s), 300);
	cr_expect_eq(penalty_s("192.0.2.8", 0), 0, "another one is not concerned");
}

Test(admission, a_right_password_ends_the_count)
{
	guess_wrong("192.0.2.7", GUESSES_FREE, 0);
	admission_right_password(admission, peer("192.0.2.7"));
	admission_right_password(admission, peer("192.0.2.9"));
	cr_expect_eq(penalty_s("192.0.2.7", 0), 0);
	guess_wrong("192.0.2.7", GUESSES_FREE - 1, 0);
	cr_expect_eq(penalty_s("192.0.2.7", 0), 0);
	guess_wrong("192.0.2.7", 1, 0);
	cr_expect_eq(penalty_s("192.0.2.7", 0), 1);
}

Test(admission, wrong_passwords_count_together_for_all_of_a_64)
{
	guess_wrong("2001:db8::1", GUESSES_FREE - 1, 0);
	guess_wrong("2001:db8::2", 1, 0);
	cr_expect_eq(penalty_s("2001:db8::3", 0), 1);
	cr_expect_eq(penalty_s("2001:db8:0:1::3", 0), 0, "the next /64");
	admission_right_password(admission, peer("2001:db8::4"));
	cr_expect_eq(penalty_s("2001:db8::3", 0), 0);
}

static const char *guesser(int number)
{
	static char text[PEER_ADDRESS_TEXT_SIZE];

	(void)snprintf(text, sizeof(text), "10.0.%d.%d", number / 256, number % 256);
	return text;
}

Test(admission, with_as_many_guessers_as_it_can_note_forgets_whose_penalty_ended_first)
{
	for (int i = 0; i < ADMISSION_GUESSES_MAX; i++) {
		guess_wrong(guesser(i), i == 7 ? GUESSES_FREE : GUESSES_FREE + 5, i == 7 ? 1 : 0);
	}
	guess_wrong("192.0.2.7", GUESSES_FREE, 20); /* instead of 7, whose penalty was over at 2 */
	cr_expect_eq(penalty_s("192.0.2.7", 20), 1);
	cr_expect_eq(penalty_s(guesser(0), 20), 12);
	cr_expect_eq(penalty_s(guesser(ADMISSION_GUESSES_MAX - 1), 20), 12);
	guess_wrong(guesser(7), GUESSES_FREE - 1, 40); /* a new count; in the place of 192.0.2.7 */
	cr_expect_eq(penalty_s(guesser(7), 40), 0);
	guess_wrong("192.0.2.7", GUESSES_FREE - 1, 50);
	cr_expect_eq(penalty_s("192.0.2.7", 50), 0);
	cr_expect_eq(admission->guesses_count, ADMISSION_GUESSES_MAX);
}

Test(admission, a_place_that_a_right_password_freed_is_used_first)
{
	for (int i = 0; i < ADMISSION_GUESSES_MAX; i++) {
		guess_wrong(guesser(i), GUESSES_FREE, 0);
	}
	admission_right_password(admission, peer(guesser(9)));
	guess_wrong("192.0.2.7", GUESSES_FREE, 0);
	cr_expect_eq(penalty_s("192.0.2.7", 0), 1);
	cr_expect_eq(penalty_s(guesser(0), 0), 1);
	cr_expect_eq(penalty_s(guesser(8), 0), 1);
	cr_expect_eq(penalty_s(guesser(9), 0), 0);
}

/* Mutes */

static bool mute(const char *from, int64_t seconds)
{
	return admission_mute(admission, peer(from), NOW_NS + seconds * NS_PER_SECOND, NOW_NS);
}

Test(admission, a_mute_is_for_all_of_a_64_until_it_ends_or_is_lifted)
{
	cr_expect_eq(admission_muted_until(admission, peer("2001:db8::1")), 0);
	cr_expect(mute("2001:db8::1", 10));
	cr_expect_eq(admission_muted_until(admission, peer("2001:db8::2")),
		     NOW_NS + 10 * NS_PER_SECOND);
	cr_expect_eq(admission_muted_until(admission, peer("2001:db8:0:1::1")), 0);
	cr_expect(mute("2001:db8::3", 0));
	cr_expect_leq(admission_muted_until(admission, peer("2001:db8::1")), NOW_NS);
}

Test(admission, who_looked_at_the_mutes_is_told_to_look_again_at_each_change)
{
	uint32_t made = admission->mutes_made;

	cr_expect(mute("192.0.2.1", 10));
	cr_expect_neq(admission->mutes_made, made);
	made = admission->mutes_made;
	cr_expect(mute("192.0.2.1", 0));
	cr_expect_neq(admission->mutes_made, made);
}

Test(admission, so_many_addresses_are_muted_and_no_more_until_one_is_over)
{
	for (unsigned i = 0; i < ADMISSION_MUTES_MAX; i++) {
		cr_expect(admission_mute(admission, address(i), NOW_NS + i + 1, NOW_NS));
	}
	cr_expect_not(mute("192.0.2.1", 10));
	cr_expect(admission_mute(admission, address(7), NOW_NS + 100, NOW_NS), "is one of them");
	cr_expect(admission_mute(admission, peer("192.0.2.1"), NOW_NS + 100, NOW_NS + 1));
	cr_expect_eq(admission_muted_until(admission, peer("192.0.2.1")), NOW_NS + 100);
	cr_expect_eq(admission_muted_until(admission, address(0)), 0);
	cr_expect_eq(admission_muted_until(admission, address(7)), NOW_NS + 100);
}

/* What the store has of bans, where several machines share it */

static struct ban stored_ban(const char *network, int64_t seconds)
{
	struct ban ban = { .until_ns = NOW_NS + seconds * NS_PER_SECOND };

	cr_assert(peer_network_read(span_of(network), &ban.network));
	return ban;
}

static int64_t banned_from(const char *from)
{
	return admission_banned(admission, peer(from), NOW_NS) / NS_PER_SECOND;
}

static bool ban_here(const char *network, int64_t seconds)
{
	const struct ban ban = stored_ban(network, seconds);

	return admission_ban(admission, ban.network, ban.until_ns, NOW_NS);
}

Test(admission, what_others_banned_holds_here_and_is_not_stored_again)
{
	const struct ban bans[] = { stored_ban("192.0.2.7", 100), stored_ban("2001:db8::/64", 50),
				    stored_ban("192.0.2.8", -1) };
	uint32_t made = admission->bans_made;

	admission_learn_bans(admission, bans, 3, NOW_NS);
	cr_expect_eq(banned_from("192.0.2.7"), 100);
	cr_expect_eq(banned_from("2001:db8::1"), 50);
	cr_expect_eq(banned_from("192.0.2.8"), 0);
	cr_expect_eq(admission->bans_unsaved, 0);
	cr_expect_eq(admission->bans_made, made + 2, "who is connected from there is let go");
	admission_learn_bans(admission, bans, 3, NOW_NS);
	cr_expect_eq(admission->bans_made, made + 2, "it is nothing new");
}

Test(admission, what_others_lifted_or_prolonged_is_so_here)
{
	struct ban bans[] = { stored_ban("192.0.2.7", 100), stored_ban("192.0.2.8", 100) };

	cr_expect(ban_here("192.0.2.7", 50) && ban_here("192.0.2.9", 50));
	save_all();
	admission_learn_bans(admission, bans, 2, NOW_NS);
	cr_expect_eq(banned_from("192.0.2.7"), 100);
	cr_expect_eq(banned_from("192.0.2.8"), 100);
	cr_expect_eq(banned_from("192.0.2.9"), 0);
}

Test(admission, what_is_not_stored_yet_is_newer_than_what_is)
{
	const struct ban bans[] = { stored_ban("192.0.2.7", 100) };

	cr_expect(ban_here("192.0.2.7", 0) && ban_here("192.0.2.9", 50));
	admission_learn_bans(admission, bans, 1, NOW_NS);
	cr_expect_eq(banned_from("192.0.2.7"), 0);
	cr_expect_eq(banned_from("192.0.2.9"), 50);
	cr_expect_eq(admission->bans_unsaved, 2);
}
