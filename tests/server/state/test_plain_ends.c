/* Plain ends: their numbers, whose they are, and what is known of them. */
#include "server/state/plain_ends.h"

#include <criterion/criterion.h>
#include <sys/mman.h>
#include <unistd.h>

#define PLACES 3
#define US     1001 /* pids of tls processes */
#define THEM   1002

static struct plain_ends ends;

static void init(void)
{
	plain_ends_create(&ends, PLACES);
	cr_assert(plain_ends_enter(&ends, US));
}

static void finish(void)
{
	plain_ends_finish(&ends);
}

TestSuite(plain_ends, .init = init, .fini = finish);

Test(plain_ends, there_are_so_many_and_no_more)
{
	uint64_t numbers[PLACES];

	for (int i = 0; i < PLACES; i++) {
		numbers[i] = plain_ends_take(&ends);
		cr_expect_neq(numbers[i], 0);
		cr_expect_not_null(plain_ends_find(&ends, numbers[i]));
	}
	cr_expect_eq(plain_ends_take(&ends), 0);
	plain_ends_give(&ends, numbers[1]);
	cr_expect_neq(plain_ends_take(&ends), 0);
	cr_expect_eq(plain_ends_take(&ends), 0);
	cr_expect_null(plain_ends_count(&ends, 0));
}

Test(plain_ends, a_number_is_never_anothers)
{
	uint64_t before = 0;

	for (int i = 0; i < 10 * PLACES; i++) {
		uint64_t number = plain_ends_take(&ends);

		cr_expect_not_null(plain_ends_find(&ends, number));
		cr_expect_null(plain_ends_find(&ends, before));
		plain_ends_give(&ends, number);
		cr_expect_null(plain_ends_find(&ends, number));
		cr_expect_gt(number, before);
		before = number;
	}
}

/* As another binary's processes have it, which were not forked from ours. */
static void join(struct plain_ends *joined)
{
	plain_ends_create(joined, 1);
	cr_assert(plain_ends_join(joined, dup(ends.file)));
	cr_assert(plain_ends_enter(joined, THEM));
}

Test(plain_ends, another_binary_knows_of_those_that_there_are_and_has_its_own)
{
	struct plain_ends theirs;
	uint64_t number = plain_ends_take(&ends);

	join(&theirs);
	cr_expect_eq(plain_ends_users(&ends), 2);
	atomic_store(&plain_ends_count(&ends, number)->given, 7);
	cr_expect_eq(plain_ends_find(&theirs, number)->count.given, 7);
	uint64_t second = plain_ends_take(&theirs);

	cr_expect_neq(second % PLACES, number % PLACES, "one place is not two ends'");
	cr_expect_neq(plain_ends_take(&ends), 0);
	cr_expect_eq(plain_ends_take(&theirs), 0);
	plain_ends_finish(&theirs);
}

Test(plain_ends, when_a_process_ends_its_own_are_over)
{
	struct plain_ends theirs;
	uint64_t number = plain_ends_take(&ends);

	join(&theirs);
	uint64_t other = plain_ends_take(&theirs);

	plain_ends_forget(&theirs, US);
	cr_expect_null(plain_ends_find(&theirs, number));
	cr_expect_not_null(plain_ends_find(&theirs, other));
	cr_expect_null(plain_ends_user(&theirs, US));
	cr_expect_eq(plain_ends_users(&theirs), 1);
	cr_expect_neq(plain_ends_take(&theirs), number);
	plain_ends_finish(&theirs);
}

Test(plain_ends, what_a_process_says_of_itself_is_known_to_all)
{
	plain_ends_beat(&ends, 77, 5);
	cr_expect_eq(plain_ends_user(&ends, US)->heartbeat_ns, 77);
	cr_expect_eq(plain_ends_user(&ends, US)->connections, 5);
	for (int i = 1; i < PLAIN_ENDS_USERS; i++) {
		cr_expect(plain_ends_enter(&ends, THEM + i));
	}
	cr_expect_not(plain_ends_enter(&ends, THEM), "one too many");
}

Test(plain_ends, those_of_another_form_are_not_taken)
{
	struct plain_ends joined;

	plain_ends_create(&joined, PLACES);
	ends.table->form++;
	cr_expect_not(plain_ends_join(&joined, dup(ends.file)));
	cr_expect_not(plain_ends_join(&joined, memfd_create("empty", MFD_CLOEXEC)));
	cr_expect_eq(joined.table->form, PLAIN_ENDS_FORM);
	plain_ends_finish(&joined);
}

Test(plain_ends, what_is_compared_with_a_count_is_good_if_that_stood_still)
{
	uint64_t number = plain_ends_take(&ends);
	struct relay_count *count = plain_ends_count(&ends, number);
	const struct plain_end *end = plain_ends_find(&ends, number);
	uint32_t version;

	cr_expect(plain_end_is_still(end, &version));
	cr_expect(plain_end_was_still(end, number, version));
	atomic_fetch_add(&count->version, 1);
	cr_expect_not(plain_end_was_still(end, number, version));
	cr_expect_not(plain_end_is_still(end, &version));
	atomic_fetch_add(&count->version, 1);
	cr_expect(plain_end_is_still(end, &version));
	plain_ends_give(&ends, number);
	cr_expect_not(plain_end_was_still(end, number, version));
}
