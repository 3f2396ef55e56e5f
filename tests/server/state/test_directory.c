#include "server/state/directory.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/log.h"
#include "tests/support/child.h"

#define SEATS 512

static struct memory memory;
static struct directory *directory;

static void init(void)
{
	log_start("test", LOG_ERROR, LOG_TEXT); /* each repair is worth a warning */
	memory_init(&memory, "test", directory_size(2, SEATS) + admission_size(SEATS));
	directory = directory_create(&memory, 2, SEATS, admission_create(&memory, SEATS, 0));
}

TestSuite(directory, .init = init, .timeout = 60);

static struct address seat_at(uint32_t worker, uint32_t seat)
{
	return (struct address){ worker, seat, 1 + worker * SEATS + seat };
}

static void lock(void)
{
	cr_assert(eventually(directory_try(directory)));
}

static bool claim(struct address where, const char *name)
{
	lock();
	bool ours = directory_claim(directory, where, span_of(name));
	directory_unlock(directory);
	return ours;
}

static void release(struct address where)
{
	lock();
	directory_release(directory, where);
	directory_unlock(directory);
}

/* Who has the nick: the session's number, or 0. */
static uint64_t holder(const char *name)
{
	struct address where = { 0 };

	lock();
	bool found = directory_find(directory, span_of(name), &where);
	directory_unlock(directory);
	return found ? where.session : 0;
}

Test(directory, a_nick_belongs_to_one_seat_whatever_its_case)
{
	cr_expect(claim(seat_at(0, 0), "\xC3\x84nn"));
	cr_expect(!claim(seat_at(1, 0), "\xC3\xA4NN"));
	cr_expect(claim(seat_at(0, 0), "\xC3\xA4nn"), "its own again");
	cr_expect_eq(holder("\xC3\x84NN"), 1);
	cr_expect(claim(seat_at(0, 0), "other"));
	cr_expect(claim(seat_at(1, 0), "\xC3\x84nn"));
	release(seat_at(1, 0));
	cr_expect_eq(holder("\xC3\x84nn"), 0);
	cr_expect_eq(holder("OTHER"), 1);
}

Test(directory, many_nicks_come_and_go_and_each_is_found)
{
	char name[32];

	for (int round = 0; round < 4; round++) {
		for (uint32_t i = 0; i < 2 * SEATS; i++) {
			snprintf(name, sizeof(name), "n%u-%d", i, round);
			cr_assert(claim(seat_at(i / SEATS, i % SEATS), name));
		}
		for (uint32_t i = 0; i < 2 * SEATS; i += 3) {
			release(seat_at(i / SEATS, i % SEATS));
		}
		for (uint32_t i = 0; i < 2 * SEATS; i++) {
			snprintf(name, sizeof(name), "N%u-%d", i, round);
			cr_assert_eq(holder(name), i % 3 == 0 ? 0 : i + 1);
		}
	}
}

Test(directory, a_first_nick_is_one_that_nobody_has)
{
	cr_expect(claim(seat_at(0, 0), "guest-1"));
	cr_expect(claim(seat_at(0, 1), "GUEST-2"));
	lock();
	directory_claim_guest(directory, seat_at(1, 0));
	directory_unlock(directory);
	cr_expect_eq(holder("guest-3"), seat_at(1, 0).session);
}

Test(directory, a_seat_is_read_whole_or_not_at_all)
{
	struct seat copy;
	struct seat *seat = directory_seat(directory, 0, 0);

	cr_expect(!seat_read(seat, &copy), "it is free");
	claim(seat_at(0, 0), "ann");
	cr_expect(seat_read(seat, &copy));
	cr_expect_str_eq(copy.nick, "ann");
	seqlock_write_begin(&seat->version);
	cr_expect(!seat_read(seat, &copy), "it is being written");
	seqlock_write_end(&seat->version);
	cr_expect(seat_read(seat, &copy));
}

static int die_with_the_lock(void *unused)
{
	(void)unused;
	child_check(directory_try(directory));
	return 0;
}

Test(directory, a_repair_keeps_the_nick_of_a_seat_that_its_owner_is_just_changing)
{
	claim(seat_at(0, 0), "ann");
	claim(seat_at(1, 0), "bob");
	/* As who changes rooms, without the lock. */
	seqlock_write_begin(&directory_seat(directory, 0, 0)->version);
	cr_assert_eq(child_run(die_with_the_lock, NULL), 0);
	cr_expect_eq(holder("bob"), seat_at(1, 0).session);
	cr_expect_eq(holder("ann"), seat_at(0, 0).session);
	cr_expect(!claim(seat_at(1, 1), "ann"));
	seqlock_write_end(&directory_seat(directory, 0, 0)->version);
}

/* A worker killed anywhere while it gives one of its seats another nick */

static int change_nick(void *unused)
{
	(void)unused;
	child_check(directory_try(directory));
	child_check(directory_claim(directory, seat_at(0, 0), span_of("new")));
	directory_unlock(directory);
	return 0;
}

static void give_old_nick(void)
{
	claim(seat_at(0, 0), "old");
	claim(seat_at(1, 0), "bob");
}

/* What a successor does at its start. */
static void sweep(void)
{
	uint32_t orphan = 0;

	lock();
	for (; directory_next_orphan(directory, 0, &orphan); orphan++) {
		directory_release(directory, (struct address){ 0, orphan, 0 });
	}
	directory_unlock(directory);
}

static void see_that_all_is_free(const struct child *dead)
{
	(void)dead;
	cr_assert_eq(holder("bob"), seat_at(1, 0).session);
	sweep();
	cr_assert_eq(holder("old"), 0);
	cr_assert_eq(holder("new"), 0);
	cr_assert(claim(seat_at(1, 1), "new"));
	release(seat_at(1, 1));
}

Test(directory, killed_at_any_step_a_worker_leaves_no_nick_behind)
{
	give_old_nick();
	change_nick(NULL);
	sweep();
	child_kill_everywhere(change_nick, give_old_nick, see_that_all_is_free);
}

Test(directory, who_has_no_nick_stays_counted_and_takes_nobodys_when_the_table_is_made_again)
{
	directory->admission->most = 1;
	cr_assert(claim(seat_at(0, 1), "old"));
	release(seat_at(0, 1));
	lock();
	cr_assert(admission_enter(directory->admission, (struct peer_address){ { 1 } }));
	directory_seat(directory, 0, 1)->peer = (struct peer_address){ { 1 } };
	directory_claim_nameless(directory, seat_at(0, 1));
	directory_unlock(directory);
	cr_expect_eq(holder("old"), 0);
	cr_assert_eq(child_run(die_with_the_lock, NULL), 0);
	cr_expect_eq(holder("old"), 0);
	lock();
	cr_expect(!admission_enter(directory->admission, (struct peer_address){ { 1 } }));
	directory_release(directory, seat_at(0, 1));
	cr_expect(admission_enter(directory->admission, (struct peer_address){ { 1 } }));
	directory_unlock(directory);
}
