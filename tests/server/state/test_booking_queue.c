#include "server/state/booking_queue.h"

#include <criterion/criterion.h>
#include <string.h>

static struct memory memory;
static struct booking_queue *queue;

static void init(void)
{
	memory_init(&memory, "test", sizeof(struct booking_queue) + CACHE_LINE);
	queue = memory_take(&memory, sizeof(*queue), CACHE_LINE);
	booking_queue_init(queue, 2);
}

TestSuite(queue, .init = init);

static void submit(uint32_t worker, uint64_t session)
{
	struct booking_slot *slot = booking_queue_reserve(queue, worker);

	cr_assert_not_null(slot);
	slot->session = session;
	booking_queue_submit(queue, worker);
}

/* As a clerk does for one more request. */
static void answer(uint32_t worker)
{
	queue->rings[worker].answered++;
}

Test(queue, answers_are_taken_in_the_order_of_the_requests)
{
	for (uint64_t session = 1; session <= 3; session++) {
		submit(0, session);
	}
	cr_expect(booking_queue_has_work(queue));
	cr_expect(booking_queue_has_work_of(queue, 0));
	cr_expect(!booking_queue_has_work_of(queue, 1));
	cr_expect_null(booking_queue_answer(queue, 0), "nothing is answered yet");
	for (uint64_t session = 1; session <= 3; session++) {
		answer(0);
		cr_assert(booking_queue_has_answer(queue, 0));
		cr_expect_eq(booking_queue_answer(queue, 0)->session, session);
		booking_queue_take(queue, 0);
		cr_expect_null(booking_queue_answer(queue, 0));
	}
	cr_expect(!booking_queue_has_work(queue));
}

Test(queue, a_request_is_not_on_it_before_it_is_submitted)
{
	struct booking_slot *slot = booking_queue_reserve(queue, 1);

	slot->session = 7;
	cr_expect(!booking_queue_has_work(queue));
	cr_expect_eq(booking_queue_reserve(queue, 1), slot, "who died before is not noticed");
}

Test(queue, one_that_is_full_takes_more_when_an_answer_was_taken)
{
	for (uint64_t i = 0; i < BOOKING_QUEUE_SLOTS; i++) {
		submit(0, i);
	}
	cr_expect_null(booking_queue_reserve(queue, 0));
	cr_expect_not_null(booking_queue_reserve(queue, 1), "each worker has its own");
	answer(0);
	cr_expect_null(booking_queue_reserve(queue, 0), "an answer that nobody took is kept");
	booking_queue_take(queue, 0);
	submit(0, BOOKING_QUEUE_SLOTS);
	cr_expect_null(booking_queue_reserve(queue, 0));
}

Test(queue, keeps_sessions_to_release_for_each_worker)
{
	for (uint64_t session = 1; session <= BOOKING_QUEUE_UNRELEASED; session++) {
		cr_assert(booking_queue_keep_unreleased(queue, 1, session));
	}
	cr_expect_not(booking_queue_keep_unreleased(queue, 1, 1), "there is no room for more");
	cr_expect_eq(booking_queue_unreleased(queue, 0), 0);
	for (uint64_t session = BOOKING_QUEUE_UNRELEASED; session > 0; session--) {
		cr_assert_eq(booking_queue_unreleased(queue, 1), session);
		booking_queue_forget_unreleased(queue, 1);
	}
	cr_expect_eq(booking_queue_unreleased(queue, 1), 0);
}

Test(queue, the_dead_are_not_at_work_any_more)
{
	queue->serving = 2;
	booking_queue_bury(queue, 0);
	cr_expect_eq(queue->serving, 2, "it was another one's clerk");
	booking_queue_bury(queue, 1);
	cr_expect_eq(queue->serving, 0);
}
