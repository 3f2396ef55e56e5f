#include "server/state/booking_queue.h"

#include <criterion/criterion.h>
#include <string.h>

static struct memory memory;
static struct desk *desk;

static void init(void)
{
	memory_init(&memory, "test", sizeof(struct desk) + CACHE_LINE);
	desk = memory_take(&memory, sizeof(*desk), CACHE_LINE);
	desk_init(desk, 2);
}

TestSuite(desk, .init = init);

static void submit(uint32_t worker, uint64_t session)
{
	struct desk_slot *slot = desk_reserve(desk, worker);

	cr_assert_not_null(slot);
	slot->session = session;
	desk_submit(desk, worker);
}

/* As a clerk does for one more request. */
static void answer(uint32_t worker)
{
	desk->rings[worker].answered++;
}

Test(desk, answers_are_taken_in_the_order_of_the_requests)
{
	for (uint64_t session = 1; session <= 3; session++) {
		submit(0, session);
	}
	cr_expect(desk_has_work(desk));
	cr_expect(desk_has_work_of(desk, 0));
	cr_expect(!desk_has_work_of(desk, 1));
	cr_expect_null(desk_answer(desk, 0), "nothing is answered yet");
	for (uint64_t session = 1; session <= 3; session++) {
		answer(0);
		cr_assert(desk_has_answer(desk, 0));
		cr_expect_eq(desk_answer(desk, 0)->session, session);
		desk_take(desk, 0);
		cr_expect_null(desk_answer(desk, 0));
	}
	cr_expect(!desk_has_work(desk));
}

Test(desk, a_request_is_not_on_it_before_it_is_submitted)
{
	struct desk_slot *slot = desk_reserve(desk, 1);

	slot->session = 7;
	cr_expect(!desk_has_work(desk));
	cr_expect_eq(desk_reserve(desk, 1), slot, "who died before is not noticed");
}

Test(desk, one_that_is_full_takes_more_when_an_answer_was_taken)
{
	for (uint64_t i = 0; i < DESK_SLOTS; i++) {
		submit(0, i);
	}
	cr_expect_null(desk_reserve(desk, 0));
	cr_expect_not_null(desk_reserve(desk, 1), "each worker has its own");
	answer(0);
	cr_expect_null(desk_reserve(desk, 0), "an answer that nobody took is kept");
	desk_take(desk, 0);
	submit(0, DESK_SLOTS);
	cr_expect_null(desk_reserve(desk, 0));
}

Test(desk, keeps_sessions_to_release_for_each_worker)
{
	for (uint64_t session = 1; session <= DESK_UNRELEASED; session++) {
		cr_assert(desk_keep_unreleased(desk, 1, session));
	}
	cr_expect_not(desk_keep_unreleased(desk, 1, 1), "there is no room for more");
	cr_expect_eq(desk_unreleased(desk, 0), 0);
	for (uint64_t session = DESK_UNRELEASED; session > 0; session--) {
		cr_assert_eq(desk_unreleased(desk, 1), session);
		desk_forget_unreleased(desk, 1);
	}
	cr_expect_eq(desk_unreleased(desk, 1), 0);
}

Test(desk, the_dead_are_not_at_work_any_more)
{
	desk->serving = 2;
	desk_bury(desk, 0);
	cr_expect_eq(desk->serving, 2, "it was another one's clerk");
	desk_bury(desk, 1);
	cr_expect_eq(desk->serving, 0);
}
