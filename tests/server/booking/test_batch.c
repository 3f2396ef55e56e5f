/*
 * Batches in one process: what they cost. Each call to the kernel that makes something last is
 * counted: these functions stand in front of the C library's, for SQLite, too.
 */
#include "server/booking/batch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "db/open.h"
#include "shared/base/clock.h"
#include "tests/support/child.h"
#include "tests/support/folder.h"

static unsigned syncs;
static bool dies;         /* when it syncs: what it wrote is there, and nobody was told */
static bool folders_fail; /* their syncs do: after a JSON store's file was renamed into place */

static void note_sync(void)
{
	syncs++;
	if (dies) {
		_exit(0);
	}
}

int fdatasync(int descriptor)
{
	note_sync();
	return (int)syscall(SYS_fdatasync, descriptor);
}

int fsync(int descriptor)
{
	struct stat status;

	note_sync();
	if (folders_fail && fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, descriptor);
}

static struct folder folder;
static struct options options = {
	.workers = 2, .max_connections = 8, .history = 10, .send_queue_bytes = 1 << 20
};
static struct shared_state shared;
static struct batcher batcher;

static void start(const char *kind)
{
	char path[FOLDER_PATH_SIZE];
	char why[STORE_ERROR_SIZE];

	folder_init(&folder);
	folder_file(&folder, "store", path);
	snprintf(options.store, sizeof(options.store), "%s:%s", kind, path);
	shared_state_init(&shared, &options);
	store_close(store_open(options.store, why)); /* as the master does */
	batch_init(&batcher, &shared, 0);
	cr_assert(batch_open(&batcher, why), "%s", why);
	shared.store_lock = store_mutex(batcher.store);
}

static void start_sqlite(void)
{
	start("sqlite");
}

static void start_json(void)
{
	start("json");
}

static void finish(void)
{
	batch_close(&batcher);
	folder_finish(&folder);
}

TestSuite(batch_sqlite, .init = start_sqlite, .fini = finish);
TestSuite(batch_json, .init = start_json, .fini = finish);

#define BatchTest(promise)          \
	static void promise(void);  \
	Test(batch_sqlite, promise) \
	{                           \
		promise();          \
	}                           \
	Test(batch_json, promise)   \
	{                           \
		promise();          \
	}                           \
	static void promise(void)

static void submit(uint32_t worker, struct booking_request request)
{
	struct booking_slot *slot = booking_queue_reserve(shared.queue, worker);

	cr_assert_not_null(slot);
	slot->request = request;
	booking_queue_submit(shared.queue, worker);
}

static struct booking_answer take(uint32_t worker)
{
	const struct booking_slot *slot = booking_queue_answer(shared.queue, worker);

	cr_assert_not_null(slot);
	struct booking_answer answer = slot->answer;

	booking_queue_take(shared.queue, worker);
	return answer;
}

static struct booking_answer ask(struct booking_request request)
{
	submit(0, request);
	cr_assert(batch_serve(&batcher), "%s", store_error(batcher.store));
	return take(0);
}

static struct booking_request about(enum booking_verb verb, const char *event, int64_t quantity)
{
	struct booking_request request = { .verb = verb, .quantity = quantity, .seconds = 3600 };

	snprintf(request.event, sizeof(request.event), "%s", event);
	return request;
}

static struct booking_request with_code(enum booking_verb verb, const char *code)
{
	struct booking_request request = { .verb = verb };

	snprintf(request.code, sizeof(request.code), "%s", code);
	return request;
}

/* An event of one ticket, which is sold; its code. */
static const char *sell_out(void)
{
	static struct booking_answer sold;
	struct booking_request request = about(BOOKING_BOOK, "rush", 1);

	cr_assert_eq(ask(about(BOOKING_EVENT_NEW, "rush", 1)).outcome, BOOKING_DONE);
	snprintf(request.key, sizeof(request.key), "a-good-long-key");
	sold = ask(request);
	cr_assert_eq(sold.outcome, BOOKING_DONE);
	return sold.code;
}

#define EXPECT_FREE(request, expected)                              \
	do {                                                        \
		const unsigned before = syncs;                      \
		const uint64_t commits = batcher.commits;           \
		cr_expect_eq(ask(request).outcome, expected);       \
		cr_expect_eq(syncs, before, "it cost a sync");      \
		cr_expect_eq(batcher.commits, commits, "a commit"); \
	} while (0)

BatchTest(a_question_costs_no_commit_and_no_sync)
{
	const char *code = sell_out();
	struct booking_request repeat = about(BOOKING_BOOK, "rush", 1);

	snprintf(repeat.key, sizeof(repeat.key), "a-good-long-key");
	EXPECT_FREE(with_code(BOOKING_TICKET, code), BOOKING_DONE);
	EXPECT_FREE(repeat, BOOKING_DONE);
	EXPECT_FREE(with_code(BOOKING_CONFIRM, code), BOOKING_DONE);
	EXPECT_FREE(about(BOOKING_EVENT_OPEN, "rush", 0), BOOKING_DONE);
}

BatchTest(a_refusal_costs_no_commit_and_no_sync)
{
	const char *code = sell_out();

	EXPECT_FREE(about(BOOKING_BOOK, "rush", 1), BOOKING_SOLD_OUT);
	EXPECT_FREE(about(BOOKING_HOLD, "rush", 1), BOOKING_SOLD_OUT);
	EXPECT_FREE(about(BOOKING_BOOK, "nothing", 1), BOOKING_NOT_FOUND);
	EXPECT_FREE(with_code(BOOKING_TICKET, "0000-0000-0000-0000"), BOOKING_NOT_FOUND);
	EXPECT_FREE(about(BOOKING_EVENT_NEW, "rush", 1), BOOKING_EXISTS);
	cr_assert_eq(ask(with_code(BOOKING_CANCEL, code)).outcome, BOOKING_DONE);
	EXPECT_FREE(with_code(BOOKING_CANCEL, code), BOOKING_USED);
}

BatchTest(the_end_of_a_connection_that_held_nothing_costs_no_commit_and_no_sync)
{
	struct booking_request release = { .verb = BOOKING_RELEASE, .client = { .session = 7 } };

	sell_out();
	EXPECT_FREE(release, BOOKING_DONE);
}

/* What a question sees has to last: also what it changes itself, by coming upon it. */
BatchTest(a_question_that_comes_upon_a_hold_whose_time_is_over_is_answered_when_that_is_synced)
{
	struct booking_request hold = about(BOOKING_HOLD, "rush", 1);

	cr_assert_eq(ask(about(BOOKING_EVENT_NEW, "rush", 1)).outcome, BOOKING_DONE);
	hold.seconds = 1;
	const struct booking_answer held = ask(hold);

	cr_assert_eq(held.outcome, BOOKING_DONE);
	clock_sleep(hold.seconds * NS_PER_SECOND);
	const unsigned before = syncs;

	cr_expect_eq(ask(with_code(BOOKING_TICKET, held.code)).state, TICKET_EXPIRED);
	cr_expect_gt(syncs, before);
}

/* Whatever was told to who asked stays true. */
BatchTest(a_request_that_was_taken_back_is_never_carried_out)
{
	cr_assert_eq(ask(about(BOOKING_EVENT_NEW, "rush", 2)).outcome, BOOKING_DONE);
	struct booking_slot *first = booking_queue_reserve(shared.queue, 0);

	submit(0, about(BOOKING_BOOK, "rush", 2));
	submit(0, about(BOOKING_BOOK, "rush", 1));
	cr_assert(booking_slot_withdraw(first));
	cr_assert(batch_serve(&batcher));
	cr_expect_eq(first->claim, BOOKING_WITHDRAWN);
	(void)take(0);
	cr_expect_eq(take(0).left, 1, "both were carried out");
}

/* One that writes is enough for all: they are answered together. */
BatchTest(a_question_behind_a_sale_in_one_batch_is_answered_when_that_is_synced)
{
	cr_assert_eq(ask(about(BOOKING_EVENT_NEW, "rush", 2)).outcome, BOOKING_DONE);
	const unsigned before = syncs;

	submit(1, about(BOOKING_BOOK, "rush", 2));
	submit(0, about(BOOKING_BOOK, "rush", 1));
	cr_assert(batch_serve(&batcher));
	cr_expect_gt(syncs, before);
	cr_expect_eq(take(1).outcome, BOOKING_DONE);
	cr_expect_eq(take(0).outcome, BOOKING_SOLD_OUT);
}

/* Admitting changes no counter of the event's. */
BatchTest(what_changes_a_ticket_alone_is_committed)
{
	const char *code = sell_out();
	const unsigned before = syncs;

	cr_expect_eq(ask(with_code(BOOKING_ADMIT, code)).outcome, BOOKING_DONE);
	cr_expect_gt(syncs, before);
	cr_expect_eq(ask(with_code(BOOKING_TICKET, code)).state, TICKET_ADMITTED);
}

/* The commit failed, and so does whoever opens the store to see what became of it. */
Test(batch_json, the_board_agrees_with_who_asks_again_after_a_commit_of_which_nobody_knows)
{
	struct booking_request request = about(BOOKING_BOOK, "rush", 2);
	struct stock_board_event event;
	char why[STORE_ERROR_SIZE];
	uint32_t index;

	snprintf(request.key, sizeof(request.key), "a-good-long-key");
	cr_assert_eq(ask(about(BOOKING_EVENT_NEW, "rush", 5)).outcome, BOOKING_DONE);
	folders_fail = true;
	submit(0, request);
	cr_assert(!batch_serve(&batcher));
	cr_assert(!batch_open(&batcher, why));
	batch_give_up(&batcher);
	cr_assert_eq(take(0).outcome, BOOKING_UNCLEAR);
	folders_fail = false;
	cr_assert(batch_open(&batcher, why), "%s", why);
	cr_assert_eq(ask(request).outcome, BOOKING_DONE);
	cr_assert(stock_board_find(shared.board, "rush", &index, &event));
	cr_expect_eq(event.left, 3);
}

/* Another clerk looks next, while the store cannot be read: it is to be looked at once more. */
Test(batch_json, the_board_agrees_also_when_the_next_who_looks_cannot_read_the_store)
{
	struct booking_request request = about(BOOKING_BOOK, "rush", 2);
	struct stock_board_event event;
	struct batcher other;
	char why[STORE_ERROR_SIZE];
	uint32_t index;

	snprintf(request.key, sizeof(request.key), "a-good-long-key");
	cr_assert_eq(ask(about(BOOKING_EVENT_NEW, "rush", 5)).outcome, BOOKING_DONE);
	batch_init(&other, &shared, 1);
	cr_assert(batch_open(&other, why), "%s", why);
	folders_fail = true;
	submit(0, request);
	cr_assert(!batch_serve(&batcher));
	batch_give_up(&batcher);
	cr_assert_eq(take(0).outcome, BOOKING_UNCLEAR);
	submit(1, request);
	cr_assert(!batch_serve(&other));
	(void)take(1);
	folders_fail = false;
	cr_assert(batch_open(&batcher, why), "%s", why);
	cr_assert_eq(ask(request).outcome, BOOKING_DONE);
	cr_assert(stock_board_find(shared.board, "rush", &index, &event));
	cr_expect_eq(event.left, 3);
	batch_close(&other);
}

/* Deaths, each a process's own */

static int keep_open(void *unused)
{
	char why[STORE_ERROR_SIZE];

	(void)unused;
	child_check(store_open_made(options.store, CHILD_PATIENCE_NS, why));
	atomic_store(&shared.scoreboard->scores[0].state, WORKER_SERVING); /* is there */
	(void)pause();
	return 1;
}

static bool open_batcher(void)
{
	char why[STORE_ERROR_SIZE];

	batch_init(&batcher, &shared, 0);
	bool opened = batch_open(&batcher, why);

	shared.store_lock = opened ? store_mutex(batcher.store) : NULL;
	return opened;
}

static int die_amid_a_commit(void *unused)
{
	(void)unused;
	child_check(open_batcher());
	child_check(ask(about(BOOKING_BOOK, "rush", 1)).left == 9); /* the log is begun */
	submit(0, about(BOOKING_BOOK, "rush", 1));
	dies = true;
	(void)batch_serve(&batcher);
	return 1;
}

/* Dies when it knows what became of its predecessor's batch, and has not begun its own. */
static int settle_and_die(void *unused)
{
	(void)unused;
	child_check(open_batcher());
	batcher.stopping = true;
	child_check(batch_serve(&batcher));
	return 0;
}

Test(batch_sqlite, a_batch_that_was_not_there_does_not_come_back_from_the_log)
{
	cr_assert_eq(ask(about(BOOKING_EVENT_NEW, "rush", 10)).outcome, BOOKING_DONE);
	batch_close(&batcher);
	struct child keeper = child_start(keep_open, NULL);

	cr_assert(eventually(shared.scoreboard->scores[0].state == WORKER_SERVING));
	cr_assert_eq(child_run(die_amid_a_commit, NULL), 0);
	cr_assert_eq(child_run(settle_and_die, NULL), 0);
	child_kill(&keeper);
	cr_assert(open_batcher()); /* the log is read anew */
	cr_assert(batch_serve(&batcher));
	struct booking_answer answer = take(0);

	cr_expect_eq(answer.outcome, BOOKING_DONE);
	cr_expect_eq(answer.left, 8, "it was carried out twice");
}
