/*
 * A worker is killed at each step of the code that changes one of its seats: its successor finds
 * the seat as it was before the change or after it, and nobody else's touched.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "server/state/directory.h"
#include "shared/base/log.h"
#include "tests/support/child.h"

#define SEATS 8

static struct memory memory;
static struct directory *directory;

/* The seat that changes, and a neighbour that was changed before. */
static const struct address own = { 0, 3, 103 };
static const struct address own_nameless = { 0, 3, 203 };
static const struct address neighbour = { 0, 5, 105 };

static struct seat *own_seat(void)
{
	return directory_seat(directory, own.worker, own.seat);
}

/* The changes, one after the other */

static void claim(void)
{
	child_check(directory_claim(directory, own, span_of("ann")));
}

static void rename_it(void)
{
	child_check(directory_claim(directory, own, span_of("Anna")));
}

static void rename_case(void)
{
	child_check(directory_claim(directory, own, span_of("anna")));
}

static void enter_first(void)
{
	seat_add_room(own_seat(), 7);
}

static void enter_second(void)
{
	seat_add_room(own_seat(), 8);
}

static void turn_to_first(void)
{
	seat_make_current(own_seat(), 1);
}

static void leave_first(void)
{
	seat_remove_room(own_seat(), 7);
}

static void release(void)
{
	directory_release(directory, own);
}

static void claim_nameless(void)
{
	directory_claim_nameless(directory, own_nameless);
}

static void release_nameless(void)
{
	directory_release(directory, own_nameless);
}

static void (*const changes[])(void) = { claim,           enter_first, enter_second,
					 turn_to_first,   rename_it,   rename_case,
					 leave_first,     release,     claim_nameless,
					 release_nameless };

#define CHANGES (sizeof(changes) / sizeof(changes[0]))

/* What the seat is before the first, and after each. */
static struct seat truth[CHANGES + 1];

/* How far the child came, in memory that it shares with the test. */
static struct {
	_Atomic size_t begun;
	_Atomic size_t done;
} * way;

static void prepare(void)
{
	memset(memory.start, 0, memory.used);
	memory.used = 0;
	way = memory_take(&memory, sizeof(*way), CACHE_LINE);
	directory = directory_create(&memory, 2, SEATS, admission_create(&memory, SEATS, 0));
	cr_assert(directory_try(directory));
	cr_assert(directory_claim(directory, neighbour, span_of("kim")));
	seat_add_room(directory_seat(directory, 0, neighbour.seat), 9);
	directory_unlock(directory);
}

static int change(void *unused)
{
	(void)unused;
	child_check(directory_try(directory));
	for (size_t i = 0; i < CHANGES; i++) {
		way->begun = i + 1;
		changes[i]();
		way->done = i + 1;
	}
	directory_unlock(directory);
	return 0;
}

static void init(void)
{
	log_start("test", LOG_ERROR, LOG_TEXT); /* each repair is worth a warning */
	memory_init(&memory, "test",
		    sizeof(*way) + directory_size(2, SEATS) + admission_size(SEATS) +
			    4 * CACHE_LINE);
	prepare();
	for (size_t i = 0; i < CHANGES; i++) {
		truth[i] = *own_seat();
		changes[i]();
	}
	truth[CHANGES] = *own_seat();
}

TestSuite(seat, .init = init, .timeout = 120);

static bool is_like(const struct seat *seat, const struct seat *wanted)
{
	return seat->session == wanted->session && strcmp(seat->nick, wanted->nick) == 0 &&
	       seat->room_count == wanted->room_count &&
	       memcmp(seat->rooms, wanted->rooms, seat->room_count * sizeof(*seat->rooms)) == 0 &&
	       seat->version % 2 == 0;
}

static uint64_t holder(const char *name)
{
	struct address where = { 0 };

	return *name && directory_find(directory, span_of(name), &where) ? where.session : 0;
}

static void see_before_or_after(const struct child *dead)
{
	const size_t begun = way->begun;
	const size_t done = way->done;
	const struct seat *seat = own_seat();

	(void)dead;
	cr_assert(eventually(directory_try(directory)));
	directory_take_back(directory, own.worker);
	cr_assert(is_like(seat, &truth[done]) || is_like(seat, &truth[begun]),
		  "change %zu of %zu: session %llu, nick '%s', %u rooms", begun, done,
		  (unsigned long long)seat->session, seat->nick, seat->room_count);
	cr_assert_eq(holder(seat->nick), *seat->nick ? seat->session : 0);
	if (strcmp(seat->nick, "ann") != 0) {
		cr_assert_eq(holder("ann"), 0);
	}
	cr_assert_eq(holder("kim"), neighbour.session);
	cr_assert_eq(directory_seat(directory, 0, neighbour.seat)->rooms[0], 9);
	directory_unlock(directory);
}

Test(seat, killed_at_any_step_of_a_change_it_is_as_before_or_as_after)
{
	child_kill_everywhere(change, prepare, see_before_or_after);
}
