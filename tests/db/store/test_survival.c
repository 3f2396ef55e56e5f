/*
 * What becomes of the sales when processes die, disks fail and files are changed under us.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "db/open.h"
#include "db/store/batches.h"
#include "shared/base/log.h"
#include "tests/db/faults.h"
#include "tests/db/scratch.h"
#include "tests/support/child.h"

#define SERVER    42
#define BATCHES   3
#define BATCH     INT64_C(4) /* tickets */
#define ALL       (BATCHES * BATCH)
#define PROCESSES 4
#define STOCK     150

/* What a child reports, in memory that outlives it. */
struct sales {
	enum fault fault;
	int step;             /* at which it strikes */
	int64_t acknowledged; /* batches */
	bool unclear;         /* what the failed commit wrote may be in the store */
	bool dies;            /* killed once the disk has failed */
	bool trusted;         /* a handle that had failed was used on */
	char codes[ALL][CODE_SIZE];
};

static struct sales *sales;

static void set_up(void)
{
	scratch_make();
	log_start("test", LOG_ERROR, LOG_TEXT); /* closing warns of what fails then */
	sales = mmap(NULL, sizeof(*sales), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	cr_assert(sales != MAP_FAILED);
}

static void tear_down(void)
{
	munmap(sales, sizeof(*sales));
	scratch_remove();
}

StoreTestSuite(survival, set_up, tear_down);

static void key_of(int64_t ticket, char *key)
{
	snprintf(key, NAME_KEY_SIZE, "key-%lld", (long long)ticket);
}

static struct booking_answer book(struct store *store, int64_t ticket)
{
	char key[NAME_KEY_SIZE];
	key_of(ticket, key);
	return ask(store, BOOKING_BOOK, "rush", 1, key);
}

static struct booking_answer book_alone(struct store *store, int64_t ticket)
{
	char key[NAME_KEY_SIZE];
	key_of(ticket, key);
	return ask_alone(store, BOOKING_BOOK, "rush", 1, key);
}

static void remove_store(void)
{
	static const char *const names[] = {
		"s", "s-wal", "s-shm", "s-keys", "s-keys-new", "s-new"
	};
	if (scratch_is_database()) {
		scratch_empty();
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		unlink(scratch_path(names[i]));
	}
}

/* A store with an event; closed, so that a child can have it. */
static void make_store(int64_t total)
{
	remove_store();
	struct store *store = open_store();
	make_event(store, "rush", total);
	store_close(store);
}

/* In the child, a batch as a clerk carries it out; each line is a step at which to die. */
static bool sell_batch(struct store *store, int64_t batch)
{
	char codes[BATCH][CODE_SIZE];
	if (store_begin(store) != STORE_OK) {
		return false;
	}
	for (int64_t i = 0; i < BATCH; i++) {
		fault_step();
		struct booking_answer answer = book(store, batch * BATCH + i);
		memcpy(codes[i], answer.code, CODE_SIZE);
		if (answer.outcome != BOOKING_DONE) {
			return false;
		}
	}
	fault_step();
	if (store_batch_mark(store, SERVER, batch + 1) != STORE_OK) {
		return false;
	}
	fault_step();
	if (store_commit(store) != STORE_OK) {
		return false;
	}
	fault_step();
	memcpy(sales->codes[batch * BATCH], codes, sizeof(codes));
	sales->acknowledged = batch + 1;
	return store_tend(store) == STORE_OK;
}

static bool sell_all(struct store *store)
{
	for (int64_t batch = 0; batch < BATCHES; batch++) {
		if (!sell_batch(store, batch)) {
			return false;
		}
	}
	return true;
}

static int sell(void *argument)
{
	(void)argument;
	char error[STORE_ERROR_SIZE];
	fault_at(sales->fault, sales->step);
	struct store *store = store_open(scratch_url("s"), error);
	if (!store || !store_take(store, 5 * NS_PER_SECOND)) {
		return 3;
	}
	bool done = sell_all(store);
	store_rollback(store);
	sales->unclear = store_is_unclear(store);
	if (!done && sales->dies) {
		raise(SIGKILL);
	}
	sales->trusted = !done && store_begin(store) == STORE_OK;
	store_rollback(store);
	store_give(store);
	store_close(store);
	return done ? fault_steps() < sales->step ? 0 : 1 : 2;
}

static int64_t last_batch(struct store *store)
{
	int64_t batch = -1;
	cr_assert(store_take(store, 5 * NS_PER_SECOND));
	cr_assert_eq(store_batch_last(store, SERVER, &batch), STORE_OK);
	store_give(store);
	return batch;
}

static int64_t sold(struct store *store)
{
	struct booking_answer answer = ask_alone(store, BOOKING_EVENT_OPEN, "rush", 0, "");
	return answer.total - answer.left;
}

/* What the child was told to be sold is sold, once, and the rest can be sold now. */
static void buyers_ask_again(struct store *store)
{
	for (int ticket = 0; ticket < ALL; ticket++) {
		struct booking_answer answer = book_alone(store, ticket);
		cr_assert_eq(answer.outcome, BOOKING_DONE, "step %d", sales->step);
		if (ticket < sales->acknowledged * BATCH) {
			cr_assert_str_eq(answer.code, sales->codes[ticket]);
		}
	}
	cr_assert_eq(sold(store), ALL, "step %d", sales->step);
	cr_assert(adds_up(store, "rush"), "step %d", sales->step);
}

/* One child with the fault at STEP: how it ended. */
static int child_sells(enum fault fault, int step)
{
	make_store(ALL);
	*sales = (struct sales){ .fault = fault, .step = step };
	return child_run(sell, NULL);
}

StoreTest(survival, killed_at_each_step)
{
	int step = 0;
	int unacknowledged = 0;
	int ending;
	do {
		ending = child_sells(FAULT_KILL, ++step);
		cr_assert(ending == 0 || ending == -SIGKILL, "step %d: %d", step, ending);
		struct store *store = open_store();
		int64_t batch = last_batch(store);
		cr_assert(batch == sales->acknowledged || batch == sales->acknowledged + 1);
		cr_assert_eq(sold(store), batch * BATCH, "step %d", step);
		cr_assert(adds_up(store, "rush"), "step %d", step);
		unacknowledged += batch > sales->acknowledged;
		buyers_ask_again(store);
		store_close(store);
	} while (ending == -SIGKILL);
	cr_assert_gt(step, 30, "the steps within the store are not seen");
	cr_log_info("%d fault points", step - 1);
	cr_assert_geq(unacknowledged, BATCHES, "nobody died between commit and answer");
}

/* What failed for certain is not there; of an unclear commit there is all or nothing. */
static bool look_after_failure(int step)
{
	struct store *store = open_store();
	int64_t batch = last_batch(store);
	bool came_back = batch == sales->acknowledged + 1;
	cr_assert(batch == sales->acknowledged || (came_back && sales->unclear), "step %d", step);
	cr_assert_eq(sold(store), batch * BATCH, "step %d", step);
	buyers_ask_again(store);
	store_close(store);
	return came_back;
}

/* Of a database each third step, to and from it: opening one takes long. */
static int stride(void)
{
	return scratch_is_database() ? 3 : 1;
}

StoreTest(survival, disk_failing_at_each_step)
{
	int failed = 0;
	int step = 0;
	int ending;
	do {
		ending = child_sells(FAULT_ERROR, step += stride());
		cr_assert(ending >= 0, "step %d: %d", step, ending);
		cr_assert_not(sales->trusted && sales->acknowledged < BATCHES, "step %d", step);
		look_after_failure(step);
		failed += ending == 2;
	} while (ending != 0);
	cr_assert_geq(failed, BATCHES, "no commit failed");
	cr_log_info("%d fault points", step - 1);
}

StoreTest(survival, what_comes_back_after_a_failed_commit_and_a_kill_was_called_unclear)
{
	int came_back = 0;
	int step = 0;
	int ending;
	do {
		make_store(ALL);
		*sales = (struct sales){ .fault = FAULT_ERROR, .step = ++step, .dies = true };
		ending = child_run(sell, NULL);
		came_back += look_after_failure(step);
	} while (ending != 0);
	cr_assert_geq(came_back, BATCHES - 1, "no sync failed");
}

/* What was written when its sync failed cannot be taken back from a disk that does nothing more. */
StoreTest(survival, disk_dead_from_each_step_on)
{
	int step = 0;
	int ending;
	do {
		ending = child_sells(FAULT_DEAD, step += stride());
		cr_assert(ending >= 0, "step %d: %d", step, ending);
		cr_assert_not(sales->trusted && sales->acknowledged < BATCHES, "step %d", step);
		struct store *store = open_store();
		int64_t batch = last_batch(store);
		cr_assert(batch == sales->acknowledged || batch == sales->acknowledged + 1);
		cr_assert_eq(sold(store), batch * BATCH, "step %d", step);
		buyers_ask_again(store);
		store_close(store);
	} while (ending != 0);
	cr_log_info("%d fault points", step - 1);
}

static int fill_the_disk(void *argument)
{
	(void)argument;
	struct store *store = open_store();
	if (book_alone(store, 0).outcome != BOOKING_DONE) {
		return 1;
	}
	fault_at(FAULT_FULL, 1);
	begin(store);
	book(store, 1);
	if (store_commit(store) != STORE_FAILED) {
		return 2;
	}
	store_give(store);
	store_close(store);
	fault_at(FAULT_NONE, 0);
	store = open_store();
	if (book_alone(store, 1).outcome != BOOKING_DONE || sold(store) != 2) {
		return 3;
	}
	store_close(store);
	return 0;
}

FileStoreTest(survival, sales_go_on_when_the_disk_has_room_again)
{
	make_store(ALL);
	cr_assert_eq(child_run(fill_the_disk, NULL), 0);
}

/* In a child: sells the tickets from 0 to ARGUMENT, or gives those sold again. */
static int sell_up_to(void *argument)
{
	struct store *store = open_store();
	begin(store);
	for (int ticket = 0; ticket < *(int *)argument; ticket++) {
		if (book(store, ticket).outcome != BOOKING_DONE) {
			return 1;
		}
	}
	commit(store);
	store_close(store);
	return 0;
}

StoreTest(survival, keys_of_another_process_are_known)
{
	int many = scratch_is_database() ? 900 : 9000; /* the index grows twice */
	make_store(STORE_TOTAL_MAX);
	struct store *store = open_store();
	struct booking_answer first = book_alone(store, 0);
	/* A child that opens a handle of its own, while ours is open and not used. */
	cr_assert_eq(child_run(sell_up_to, &many), 0);
	cr_assert_str_eq(book_alone(store, 0).code, first.code);
	for (int ticket = 1; ticket < many; ticket += 97) {
		book_alone(store, ticket);
	}
	cr_assert_eq(sold(store), many);
	struct booking_answer last = book_alone(store, many);
	many++;
	cr_assert_eq(child_run(sell_up_to, &many), 0);
	cr_assert_eq(sold(store), many);
	cr_assert_str_eq(book_alone(store, many - 1).code, last.code);
	store_close(store);
}

/* The keys 0 to COUNT - 1 are sold already, and no others. */
static void expect_sold_once(int count)
{
	struct store *store = open_store();
	cr_assert_eq(sold(store), count);
	for (int ticket = 0; ticket < count; ticket++) {
		cr_assert_eq(book_alone(store, ticket).outcome, BOOKING_DONE);
	}
	cr_assert_eq(sold(store), count);
	book_alone(store, count);
	cr_assert_eq(sold(store), count + 1);
	store_close(store);
}

static void make_sold(int count)
{
	make_store(STORE_TOTAL_MAX);
	cr_assert_eq(child_run(sell_up_to, &count), 0);
}

Test(survival_sqlite, index_that_was_deleted_is_made_again)
{
	make_sold(20);
	unlink(scratch_path("s-keys"));
	expect_sold_once(20);
}

Test(survival_sqlite, index_deleted_while_in_use_is_no_harm)
{
	int count = 20;
	make_sold(10);
	struct store *store = open_store();
	unlink(scratch_path("s-keys"));
	cr_assert_eq(child_run(sell_up_to, &count), 0);
	for (int ticket = 0; ticket < count; ticket++) {
		book_alone(store, ticket);
	}
	cr_assert_eq(sold(store), count);
	book_alone(store, count);
	store_close(store);
	expect_sold_once(21);
}

Test(survival_sqlite, index_that_is_behind_is_brought_up)
{
	int count = 20;
	make_sold(10);
	copy_file(scratch_path("s-keys"), scratch_path("old-keys"));
	cr_assert_eq(child_run(sell_up_to, &count), 0);
	cr_assert_eq(rename(scratch_path("old-keys"), scratch_path("s-keys")), 0);
	expect_sold_once(20);
}

Test(survival_sqlite, index_of_another_store_is_not_believed)
{
	make_sold(20);
	copy_file(scratch_path("s-keys"), scratch_path("old-keys"));
	make_store(STORE_TOTAL_MAX);
	cr_assert_eq(rename(scratch_path("old-keys"), scratch_path("s-keys")), 0);
	expect_sold_once(0);
}

FileStoreTest(survival, store_put_back_from_a_backup_knows_its_own_keys)
{
	int count = 20;
	make_sold(10);
	copy_file(scratch_path("s"), scratch_path("backup"));
	cr_assert_eq(child_run(sell_up_to, &count), 0);
	cr_assert_eq(rename(scratch_path("backup"), scratch_path("s")), 0);
	expect_sold_once(10);
}

/* The index says "up to 15"; the store put back was sold up to 20 since, without the index. */
Test(survival_sqlite, backup_that_went_another_way_is_noticed)
{
	make_sold(10);
	copy_file(scratch_path("s"), scratch_path("backup"));
	struct store *store = open_store();
	for (int ticket = 100; ticket < 105; ticket++) {
		book_alone(store, ticket);
	}
	store_close(store);
	copy_file(scratch_path("s-keys"), scratch_path("old-keys"));
	cr_assert_eq(rename(scratch_path("backup"), scratch_path("s")), 0);
	struct booking_context context = { .wall_ns = 0 };
	struct booking_request request = { .verb = BOOKING_BOOK, .quantity = 1, .event = "rush" };
	struct booking_answer answer;
	store = open_store();
	begin(store);
	for (int ticket = 10; ticket < 20; ticket++) {
		key_of(ticket, request.key);
		context = (struct booking_context){ .store = store, .wall_ns = ticket };
		booking_carry_out(&context, &request, &answer);
	}
	commit(store);
	store_close(store);
	cr_assert_eq(rename(scratch_path("old-keys"), scratch_path("s-keys")), 0);
	expect_sold_once(20);
}

/* Each tries to buy the same STOCK keys and as many of its own, one transaction each. */
static int buy_in_a_rush(void *argument)
{
	int own = (1 + *(int *)argument) * 1000;
	struct store *store = open_store();
	for (int ticket = 0; ticket < STOCK; ticket++) {
		book_alone(store, ticket % 50);
		book_alone(store, own + ticket);
	}
	store_close(store);
	return 0;
}

StoreTest(survival, many_at_once_sell_no_ticket_twice)
{
	int numbers[PROCESSES];
	struct child children[PROCESSES];
	make_store(STOCK);
	for (int i = 0; i < PROCESSES; i++) {
		numbers[i] = i;
		children[i] = child_start(buy_in_a_rush, &numbers[i]);
	}
	for (int i = 0; i < PROCESSES; i++) {
		cr_assert_eq(child_join(&children[i]), 0);
	}
	struct store *store = open_store();
	cr_assert_eq(sold(store), STOCK);
	cr_assert(adds_up(store, "rush"));
	store_close(store);
}
