/*
 * The auditor in one process: a loop that asks, its thread, and a store that sells meanwhile.
 */
#include "server/booking/auditor.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/open.h"
#include "server/booking/batch.h"
#include "tests/support/child.h"
#include "tests/support/folder.h"

#define ASKERS 10
#define TRIES  10 /* of a count */

static struct folder folder;
static char path[FOLDER_PATH_SIZE];
static struct options options = {
	.workers = 1, .max_connections = 8, .history = 10, .send_queue_bytes = 1 << 20
};
static struct shared_state shared;
static struct batcher batcher;
static struct auditor *auditor;

static void carry_out(enum booking_verb verb, int64_t quantity)
{
	struct booking_slot *slot = booking_queue_reserve(shared.queue, 0);

	slot->request =
		(struct booking_request){ .verb = verb, .quantity = quantity, .seconds = 3600 };
	snprintf(slot->request.event, sizeof(slot->request.event), "rush");
	booking_queue_submit(shared.queue, 0);
	cr_assert(batch_serve(&batcher));
	cr_assert_eq(booking_queue_answer(shared.queue, 0)->answer.outcome, BOOKING_DONE);
	booking_queue_take(shared.queue, 0);
}

static void start(void)
{
	char why[STORE_ERROR_SIZE];

	folder_init(&folder);
	folder_file(&folder, "store", path);
	snprintf(options.store, sizeof(options.store), "sqlite:%s", path);
	shared_state_init(&shared, &options);
	store_close(store_open(options.store, why)); /* as the master does */
	batch_init(&batcher, &shared, 0);
	cr_assert(batch_open(&batcher, why), "%s", why);
	auditor = auditor_create(&shared, 0);
	carry_out(BOOKING_EVENT_NEW, 10);
	carry_out(BOOKING_BOOK, 2);
}

static void finish(void)
{
	auditor_destroy(auditor);
	batch_close(&batcher);
	folder_finish(&folder);
}

TestSuite(auditor, .init = start, .fini = finish);

static void ask(uint64_t session, const char *event)
{
	struct audit question = { .session = session, .request = { .verb = BOOKING_AUDIT } };

	snprintf(question.request.event, sizeof(question.request.event), "%s", event);
	cr_assert(auditor_ask(auditor, &question));
}

/* The one answer that there is. */
static struct booking_answer answer(void)
{
	cr_assert(eventually(auditor_has_answers(auditor)));
	struct audit *audit = auditor_take_answers(auditor);
	struct booking_answer answer = audit->answer;

	cr_assert_null(audit->next);
	free(audit);
	return answer;
}

Test(auditor, tells_what_the_tickets_add_up_to)
{
	ask(1, "rush");
	struct booking_answer figures = answer();

	cr_expect_eq(figures.outcome, BOOKING_DONE);
	cr_expect_str_eq(figures.event, "rush");
	cr_expect_eq(figures.sold, 2);
	cr_expect_eq(figures.held, 0);
	cr_expect_eq(figures.total, 10);
	carry_out(BOOKING_HOLD, 3);
	ask(1, "rush");
	cr_expect_eq(answer().held, 3);
	ask(1, "nothing");
	cr_expect_eq(answer().outcome, BOOKING_NOT_FOUND);
}

Test(auditor, says_the_figures_of_a_store_that_does_not_add_up)
{
	sqlite3 *database;

	cr_assert_eq(sqlite3_open(path, &database), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(database, "UPDATE events SET sold = 3", NULL, NULL, NULL),
		     SQLITE_OK);
	sqlite3_close(database);
	ask(1, "rush");
	struct booking_answer figures = answer();

	cr_expect_eq(figures.outcome, BOOKING_MISMATCH);
	cr_expect_eq(figures.sold, 2);
	cr_expect_eq(figures.left, 7);
}

static unsigned answers(void)
{
	unsigned count = 0;

	for (struct audit *audit = auditor_take_answers(auditor); audit; count++) {
		struct audit *next = audit->next;

		cr_expect_eq(audit->answer.sold, 2);
		free(audit);
		audit = next;
	}
	return count;
}

Test(auditor, answers_all_who_asked_while_others_counted_by_one_count_of_its_own)
{
	struct mutex *counting = &shared.queue->counting;
	unsigned got = 0;

	cr_assert_eq(mutex_lock(counting, NULL), MUTEX_TAKEN);
	for (uint64_t session = 1; session <= ASKERS; session++) {
		ask(session, "rush");
	}
	cr_expect(!auditor_has_answers(auditor), "two count at a time");
	const uint64_t before = counting->taken;

	mutex_unlock(counting);
	cr_assert(eventually((got += answers()) == ASKERS));
	cr_expect_eq(counting->taken, before + 1);
}

/* As batch_give_up leaves it: what the store has is not on the board yet. */
Test(auditor, counts_what_came_of_a_failed_commit_only_when_the_board_shows_it)
{
	const struct mutex *lock = store_mutex(batcher.store);
	const uint64_t before = lock->taken;

	shared.queue->unseen = true;
	ask(1, "rush");
	cr_assert(eventually(lock->taken > before + TRIES || auditor_has_answers(auditor)));
	cr_expect(!auditor_has_answers(auditor), "it was counted before");
	carry_out(BOOKING_BOOK, 1); /* its clerk looks */
	cr_expect_eq(answer().sold, 3);
}

Test(auditor, ends_also_when_there_are_questions_that_nobody_answered)
{
	cr_assert_eq(mutex_lock(&shared.queue->counting, NULL), MUTEX_TAKEN);
	ask(1, "rush");
	auditor_destroy(auditor);
	mutex_unlock(&shared.queue->counting);
	auditor = auditor_create(&shared, 0);
}
