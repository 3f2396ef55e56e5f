/*
 * The power goes: what was synced is there, and of the rest any mixture. Whatever mixture it is,
 * the store opens, is sound, and has all that was answered.
 *
 * TURNSTILE_IMAGES says how many disks are made of each kind (script/prove --power-loss: 100,000).
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/open.h"
#include "db/store/batches.h"
#include "db/store/invariants.h"
#include "shared/base/log.h"
#include "tests/db/faults.h"
#include "tests/db/replay.h"
#include "tests/db/scratch.h"
#include "tests/support/child.h"

#define SERVER         42
#define BATCHES        12
#define BATCH          3 /* tickets */
#define CLOSE_EVERY    4 /* batches: closing checkpoints */
#define TOTAL          (BATCHES * BATCH)
#define IMAGES_DEFAULT 1000
#define KEPT_INDEX     8 /* in one image of so many the index of keys is ahead of the store */
#define KEY_FORMAT     "key-of-a-buyer-%d"

static char folder[512];
static char codes[TOTAL][CODE_SIZE];

static void set_up(void)
{
	scratch_make();
	log_start("test", LOG_ERROR, LOG_TEXT);
	snprintf(folder, sizeof(folder), "%s", scratch_path(""));
}

StoreTestSuite(power_loss, set_up, scratch_remove);

static uint64_t images_wanted(void)
{
	const char *text = getenv("TURNSTILE_IMAGES");
	return text ? strtoull(text, NULL, 10) : IMAGES_DEFAULT;
}

/* The recording */

static struct booking_answer book(struct store *store, int ticket)
{
	char key[NAME_KEY_SIZE];
	snprintf(key, sizeof(key), KEY_FORMAT, ticket);
	return ask(store, BOOKING_BOOK, "rush", 1, key);
}

/* A batch as a clerk carries it out, up to its answers. */
static void sell_batch(struct store *store, int batch)
{
	begin(store);
	for (int i = 0; i < BATCH; i++) {
		struct booking_answer answer = book(store, batch * BATCH + i);
		memcpy(codes[batch * BATCH + i], answer.code, CODE_SIZE);
	}
	cr_assert_eq(store_batch_mark(store, SERVER, batch + 1), STORE_OK);
	commit(store);
	replay_acknowledge(batch + 1);
}

static void record(void)
{
	replay_record(folder);
	struct store *store = open_store();
	make_event(store, "rush", TOTAL);
	for (int batch = 0; batch < BATCHES; batch++) {
		if (batch % CLOSE_EVERY == CLOSE_EVERY - 1) {
			store_close(store);
			store = open_store();
		}
		sell_batch(store, batch);
	}
	store_close(store);
	replay_stop();
}

/* Looking */

static void ignore_event(void *context, const struct store_event *event)
{
	(void)context;
	(void)event;
}

static void fail_breach(void *context, const char *text)
{
	cr_assert_fail("image %llu: %s", *(unsigned long long *)context, text);
}

/* That the file itself is whole, by SQLite's own word. */
static void look_at_file(unsigned long long image)
{
	sqlite3 *database;
	sqlite3_stmt *statement;
	if (scratch_is_json()) {
		return;
	}
	cr_assert_eq(sqlite3_open(scratch_path("s"), &database), SQLITE_OK);
	cr_assert_eq(sqlite3_prepare_v2(database, "PRAGMA integrity_check", -1, &statement, NULL),
		     SQLITE_OK);
	cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
	const char *text = (const char *)sqlite3_column_text(statement, 0);
	cr_assert_str_eq(text, "ok", "image %llu", image);
	sqlite3_finalize(statement);
	sqlite3_close(database);
}

/* How many batches there are: whole ones. */
static int64_t count_batches(struct store *store, unsigned long long image)
{
	const struct invariants_look look = { ignore_event, fail_breach, &image };
	struct store_event *event;
	int64_t batch = -1;
	begin(store);
	cr_assert_eq(invariants_look(store, &look), STORE_OK, "image %llu", image);
	cr_assert_eq(store_batch_last(store, SERVER, &batch), STORE_OK);
	bool there = store_event_find(store, "rush", &event) == STORE_OK;
	cr_assert_eq(there ? event->sold : 0, batch * BATCH, "image %llu: %lld batches", image,
		     (long long)batch);
	abandon(store);
	return batch;
}

/* Who asks again with an old key is told the old code. */
static void buyers_ask_again(struct store *store, int tickets, unsigned long long image)
{
	if (tickets == 0) {
		return;
	}
	begin(store);
	for (int ticket = 0; ticket < tickets; ticket++) {
		cr_assert_str_eq(book(store, ticket).code, codes[ticket], "image %llu", image);
	}
	abandon(store);
}

static void look_at_image(int known, unsigned long long image)
{
	char error[STORE_ERROR_SIZE] = "";
	struct store *store = store_open(scratch_url("s"), error);
	cr_assert(store != NULL, "image %llu: %s", image, error);
	int64_t there = count_batches(store, image);
	cr_assert(there == known || there == known + 1, "image %llu: %lld batches, %d answered",
		  image, (long long)there, known);
	buyers_ask_again(store, known * BATCH, image);
	store_close(store);
	look_at_file(image);
}

/* The index of keys is no more than a hint: it may be gone, or know more than the store does. */
static void make_index(unsigned long long image)
{
	unlink(scratch_path("s-keys"));
	if (image % KEPT_INDEX == 0 && file_size(scratch_path("kept")) > 0) {
		copy_file(scratch_path("kept"), scratch_path("s-keys"));
	}
}

static void keep_index(void)
{
	if (file_size(scratch_path("s-keys")) > 0) {
		copy_file(scratch_path("s-keys"), scratch_path("kept"));
	}
}

FileStoreTest(power_loss, any_mixture_of_what_was_not_synced_leaves_a_sound_store_with_all_answered)
{
	uint64_t images = images_wanted();
	record();
	keep_index();
	size_t cuts = replay_steps() + 1;
	for (uint64_t image = 0; image < images; image++) {
		size_t cut = image % cuts;
		replay_make_mixture(folder, cut, image);
		make_index(image);
		look_at_image(replay_acknowledged(cut), image);
	}
	cr_log_info("%llu images of %zu steps", (unsigned long long)images, cuts - 1);
}

/* A clerk dies, its successor tells */

/* In a child: a clerk that is killed at the step that ARGUMENT points to. */
static int sell_and_die(void *argument)
{
	fault_at(FAULT_KILL, *(int *)argument);
	struct store *store = open_store();
	sell_batch(store, 0);
	return 0;
}

static void make_empty_store(void)
{
	static const char *const names[] = {
		"s", "s-wal", "s-shm", "s-keys", "s-keys-new", "s-new"
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		unlink(scratch_path(names[i]));
	}
	replay_record(folder);
	struct store *store = open_store();
	make_event(store, "rush", TOTAL);
	store_close(store);
}

static int64_t batches_in_it(int step)
{
	struct store *store = open_store();
	int64_t batches = count_batches(store, (unsigned long long)step);
	store_close(store);
	return batches;
}

/* What is on disk when the power goes after so many of the steps that were recorded. */
static int64_t batches_synced(size_t steps, int step)
{
	replay_make_synced(folder, steps);
	unlink(scratch_path("s-keys"));
	return batches_in_it(step);
}

/* What the successor finds it tells who asked: so that has to last. */
FileStoreTest(power_loss,
	      a_clerk_dies_between_write_and_sync_and_what_its_successor_tells_is_on_disk)
{
	int step = 0, unsynced = 0, ending;
	do {
		make_empty_store();
		step++;
		ending = child_run(sell_and_die, &step);
		size_t at_death = replay_steps();
		struct store *successor = open_store();
		int64_t told = count_batches(successor, (unsigned long long)step);
		size_t when_told = replay_steps();
		replay_stop();
		store_close(successor);
		unsynced += told > batches_synced(at_death, step);
		cr_assert_eq(batches_synced(when_told, step), told, "step %d", step);
	} while (ending == -SIGKILL);
	cr_assert_eq(ending, 0);
	cr_assert_gt(unsynced, 0, "nobody died between write and sync");
	cr_log_info("%d steps, %d of them between write and sync", step, unsynced);
}
