/*
 * Chat in the JSON store's file: what is refused there, and the power going at any byte.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/json/model.h"
#include "db/open.h"
#include "db/store/chat.h"
#include "shared/base/log.h"
#include "tests/db/chat.h"
#include "tests/db/faults.h"
#include "tests/db/replay.h"
#include "tests/db/scratch.h"
#include "tests/support/child.h"

#define ROUNDS 7
#define KEPT   3

static void set_up(void)
{
	scratch_use("json");
	scratch_make();
}

TestSuite(chat_on_json, .init = set_up, .fini = scratch_remove);

/* Whether the store is refused, in one line that names the file and says REASON. */
static bool is_refused(const char *file, const char *reason)
{
	char error[STORE_ERROR_SIZE] = "";
	struct store *store = store_open(scratch_url("s"), error);
	store_close(store);
	return !store && strstr(error, file) && strstr(error, reason) && !strchr(error, '\n');
}

static void write_snapshot(const char *chat)
{
	char text[2048];
	int length = snprintf(text, sizeof(text),
			      "{\"turnstile\": 2, \"store\": \"00000000000000010000000000000002\","
			      " \"code_key\": \"00000000000000030000000000000004\","
			      " \"generation\": 1, \"events\": [], \"tickets\": [],"
			      " \"batches\": []%s}",
			      chat);
	write_file(scratch_path("s"), text, (size_t)length);
}

static bool snapshot_is_refused(const char *chat, const char *reason)
{
	write_snapshot(chat);
	return is_refused("/s: ", reason);
}

#define ROOM    "{\"place\": 1, \"name\": \"#a\", \"topic\": \"\"}"
#define MESSAGE "{\"room\": 1, \"number\": 5, \"made_ns\": 9, \"text\": \"ann x\"}"
#define BAN     "{\"address\": \"10.0.0.1\", \"until_ns\": 9}"

Test(chat_on_json, good_file_of_somebodys_own_is_taken)
{
	write_snapshot(", \"rooms\": [" ROOM "], \"messages\": [" MESSAGE "], \"bans\": [" BAN "]");
	struct store *store = open_store();
	cr_assert_str_eq(chat_of(store), "1 #a []\n1.5 ann x\nban 10.0.0.1 9\n");
	store_close(store);
}

Test(chat_on_json, file_of_before_there_was_chat_is_taken)
{
	write_snapshot("");
	struct store *store = open_store();
	cr_assert_str_eq(chat_of(store), "");
	store_close(store);
}

Test(chat_on_json, what_cannot_be_in_the_file_is_refused_and_named)
{
	cr_assert(snapshot_is_refused(", \"rooms\": 1", "room records should be a list"));
	cr_assert(snapshot_is_refused(", \"rooms\": [{\"place\": -1}]",
				      "room 1: \"place\" is -1, and should be 0 to 4294967295"));
	cr_assert(snapshot_is_refused(", \"rooms\": [" ROOM ", " ROOM "]", "is there twice"));
	cr_assert(snapshot_is_refused(", \"messages\": [" MESSAGE ", " MESSAGE "]",
				      "is there twice"));
	cr_assert(snapshot_is_refused(", \"messages\": [{\"room\": 1, \"number\": -5}]",
				      "message 1: \"number\" is -5"));
	cr_assert(snapshot_is_refused(
		", \"messages\": [{\"room\": 1, \"number\": 5, \"made_ns\": 9, \"text\": 3}]",
		"message 1: \"text\" should be a text"));
	cr_assert(snapshot_is_refused(", \"bans\": [" BAN ", " BAN "]", "is there twice"));
	cr_assert(snapshot_is_refused(", \"bans\": [{\"address\": 5}]",
				      "ban 1: \"address\" should be a text"));
}

static void make_chat(void)
{
	struct store *store = open_store();
	begin(store);
	chat_put_room(store, 1, "#a", "topic", true);
	chat_say(store, 1, 1, "x");
	commit(store);
	store_close(store);
}

Test(chat_on_json, what_changes_nothing_is_not_written)
{
	struct stat before;
	struct stat after;
	make_chat();
	struct store *store = open_store();
	cr_assert_eq(stat(scratch_path("s"), &before), 0);
	begin(store);
	chat_put_room(store, 1, "#a", "topic", false);
	cr_assert_eq(store_messages_trim(store, 1, 1), STORE_OK);
	commit(store);
	cr_assert_eq(stat(scratch_path("s"), &after), 0);
	cr_assert_eq(after.st_ino, before.st_ino);
	store_close(store);
}

static void expect_failure(const char *text, size_t length, uint64_t number)
{
	const struct store_message message = {
		.room = 1, .number = number, .text = text, .length = length
	};
	struct store *store = open_store();
	begin(store);
	chat_say(store, 1, 2, "good");
	cr_assert_eq(store_message_add(store, &message), STORE_FAILED);
	cr_assert_eq(store_commit(store), STORE_FAILED);
	store_give(store);
	store_close(store);
	store = open_store();
	cr_assert_str_eq(chat_of(store), "1 #a [topic]\n1.1 x\n");
	store_close(store);
}

Test(chat_on_json, text_that_cannot_stand_in_json_fails_and_does_no_harm)
{
	make_chat();
	expect_failure("\xff", 1, 3);
	expect_failure("a\0b", 3, 3);
	expect_failure("a", 1, (uint64_t)INT64_MAX + 1);
}

struct total {
	size_t count;
	size_t bytes;
	uint64_t newest[2]; /* of the rooms 0 and 1 */
};

static void add_up(void *context, const struct store_message *message)
{
	struct total *total = context;
	total->count++;
	total->bytes += json_chat_bytes(message->length);
	total->newest[message->room] = message->number;
}

static struct total total_of(struct store *store)
{
	struct total total = { 0 };
	cr_assert(store_take(store, 0));
	cr_assert_eq(store_message_each(store, add_up, &total), STORE_OK);
	store_give(store);
	return total;
}

static void fill(struct store *store, char *words, uint64_t first)
{
	begin(store);
	for (uint64_t number = first; number < first + 1000; number++) {
		chat_say(store, 0, number, words);
	}
	commit(store);
}

Test(chat_on_json, is_full_at_its_limit_and_forgets_the_rooms_oldest)
{
	char words[4001];
	uint64_t said = 0;
	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	struct store *store = open_store();
	begin(store);
	chat_say(store, 1, 1, "small");
	commit(store);
	for (; said * 4000 < 2 * JSON_CHAT_BYTES_MAX; said += 1000) {
		fill(store, words, said);
	}
	struct total total = total_of(store);
	cr_assert_leq(total.bytes, JSON_CHAT_BYTES_MAX);
	cr_assert_gt(total.bytes, JSON_CHAT_BYTES_MAX - 5000);
	cr_assert_eq(total.newest[0], said - 1);
	cr_assert_eq(total.newest[1], 1, "another room's are not touched");
	begin(store);
	chat_say(store, 1, 2, words);
	commit(store);
	cr_assert_leq(total_of(store).bytes, JSON_CHAT_BYTES_MAX);
	store_close(store);
	store = open_store();
	cr_assert_eq(total_of(store).newest[0], said - 1);
	cr_assert_leq(total_of(store).bytes, JSON_CHAT_BYTES_MAX);
	store_close(store);
}

/* As an earlier version wrote it, which had no bound: 300 messages of 4,000 bytes. */
static void write_too_much_chat(void)
{
	FILE *file = fopen(scratch_path("s"), "we");
	cr_assert_not_null(file);
	fputs("{\"turnstile\": 2, \"store\": \"00000000000000010000000000000002\", \"code_key\": "
	      "\"00000000000000030000000000000004\", \"generation\": 1, \"events\": [], "
	      "\"tickets\": [], \"batches\": [], \"messages\": [",
	      file);
	for (int number = 1; number <= 300; number++) {
		fprintf(file,
			"%s{\"room\": 0, \"number\": %d, \"made_ns\": 1, \"text\": \"%04000d\"}",
			number > 1 ? ", " : "", number, number);
	}
	fputs("]}", file);
	fclose(file);
}

Test(chat_on_json, what_is_too_much_of_an_old_file_is_left_out_and_the_log_says_how_much)
{
	char line[1024] = "";
	write_too_much_chat();
	FILE *log = fopen(scratch_path("log"), "w+e");
	cr_assert(log && dup2(fileno(log), STDERR_FILENO) >= 0);
	log_start("test", LOG_WARNING, LOG_TEXT);
	struct store *store = open_store();
	size_t left_out = 300 - total_of(store).count;
	char expected_words[64];
	snprintf(expected_words, sizeof(expected_words), "the %zu oldest messages", left_out);
	rewind(log);
	cr_assert(fgets(line, sizeof(line), log) && strstr(line, expected_words), "%s", line);
	cr_assert_gt(left_out, 0);
	fclose(log);
	store_close(store);
}

/* The recording: each round says something, trims, and changes the topic; some close the store. */

static void chat_a_round(struct store *store, int round)
{
	const struct store_ban ban = { .address = "10.0.0.1", .until_ns = round + 1 };
	char topic[32];
	snprintf(topic, sizeof(topic), "round %d", round);
	begin(store);
	chat_put_room(store, 1, "#a", topic, false);
	chat_say(store, 1, (uint64_t)round, topic);
	cr_assert_eq(store_messages_trim(store, 1, KEPT), STORE_OK);
	cr_assert_eq(store_ban_put(store, &ban, 0), STORE_OK);
	commit(store);
	replay_acknowledge(round);
}

static void record(const char *folder)
{
	replay_record(folder);
	struct store *store = open_store();
	for (int round = 1; round <= ROUNDS; round++) {
		chat_a_round(store, round);
		if (round % 3 == 0) {
			store_close(store);
			store = open_store();
		}
	}
	store_close(store);
	replay_stop();
}

/* All that there should be after so many rounds. */
static const char *expected(int rounds)
{
	static char text[512];
	size_t used = 0;
	text[0] = '\0';
	if (rounds == 0) {
		return text;
	}
	used += (size_t)snprintf(text, sizeof(text), "1 #a [round %d]\n", rounds);
	for (int round = rounds > KEPT ? rounds - KEPT + 1 : 1; round <= rounds; round++) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "1.%d round %d\n", round,
					 round);
	}
	snprintf(text + used, sizeof(text) - used, "ban 10.0.0.1 %d\n", rounds + 1);
	return text;
}

/* The old state or the new one, with all that was answered; and it goes on from there. */
static void look_at_cut(size_t step, size_t length)
{
	char error[STORE_ERROR_SIZE] = "";
	int known = replay_acknowledged(step);
	struct store *store = store_open(scratch_url("s"), error);
	cr_assert(store != NULL, "step %zu, byte %zu: %s", step, length, error);
	const char *chat = chat_of(store);
	bool is_old = strcmp(chat, expected(known)) == 0;
	bool is_new = strcmp(chat, expected(known + 1)) == 0;
	cr_assert(is_old || is_new, "step %zu, byte %zu: after %d: %s", step, length, known, chat);
	begin(store);
	chat_put_room(store, 2, "#later", "", true);
	commit(store);
	cr_assert(strstr(chat_of(store), "2 #later []\n"));
	store_close(store);
}

Test(chat_on_json, whatever_write_is_cut_at_any_byte_it_opens_old_or_new)
{
	char folder[512];
	snprintf(folder, sizeof(folder), "%s", scratch_path(""));
	record(folder);
	cr_assert_gt(replay_steps(), 25);
	for (size_t step = 0; step <= replay_steps(); step++) {
		size_t length = 0;
		do {
			replay_make(folder, step, length);
			look_at_cut(step, length);
		} while (++length < replay_step_bytes(step));
	}
}

Test(chat_on_json, what_was_not_synced_is_not_needed)
{
	char folder[512];
	snprintf(folder, sizeof(folder), "%s", scratch_path(""));
	record(folder);
	for (size_t step = 0; step <= replay_steps(); step++) {
		replay_make_synced(folder, step);
		look_at_cut(step, 0);
	}
}

/* Disks that fail */

#define NO_FAULT 100 /* exit status: the step was not reached */
#define UNCLEAR  50  /* added to it: the round that failed may be there */

static bool try_a_round(struct store *store, int round)
{
	const struct store_room room = { .place = 1, .name = "#a" };
	const struct store_message message = {
		.room = 1, .number = (uint64_t)round, .text = "x", .length = 1
	};
	return store_begin(store) == STORE_OK && store_room_put(store, &room, false) == STORE_OK &&
	       store_message_add(store, &message) == STORE_OK && store_commit(store) == STORE_OK &&
	       store_tend(store) == STORE_OK;
}

/* Returns how many rounds were acknowledged before the disk failed. */
static int chat_until_the_disk_fails(void *argument)
{
	char error[STORE_ERROR_SIZE];
	int step = *(int *)argument;
	int round = 0;
	log_start("test", LOG_ERROR, LOG_TEXT); /* closing warns of what fails then */
	fault_at(FAULT_ERROR, step);
	struct store *store = store_open(scratch_url("s"), error);
	if (!store || !store_take(store, 0)) {
		return 0;
	}
	while (round < ROUNDS && try_a_round(store, round + 1)) {
		round++;
	}
	if (round < ROUNDS && store_begin(store) == STORE_OK) {
		return CHILD_FAILED; /* a handle that had failed goes on */
	}
	int unclear = store_is_unclear(store) ? UNCLEAR : 0;
	store_rollback(store);
	store_give(store);
	store_close(store);
	return fault_steps() < step ? NO_FAULT : round + unclear;
}

static void expect_rounds(int ending, int step)
{
	int rounds = ending % UNCLEAR;
	char text[256] = "";
	size_t used = rounds > 0 ? (size_t)snprintf(text, sizeof(text), "1 #a []\n") : 0;
	for (int round = 1; round <= rounds; round++) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "1.%d x\n", round);
	}
	struct store *store = open_store();
	const char *chat = chat_of(store);
	size_t same = strncmp(chat, text, used) == 0 ? used : 0;
	cr_assert(strcmp(chat, text) == 0 || (ending >= UNCLEAR && same == used), "step %d", step);
	store_close(store);
}

Test(chat_on_json, disk_failing_at_each_step_loses_nothing_that_was_kept)
{
	int failed = 0;
	int step = 0;
	int rounds;
	do {
		unlink(scratch_path("s"));
		store_close(open_store());
		step++;
		rounds = child_run(chat_until_the_disk_fails, &step);
		cr_assert(rounds == NO_FAULT || (rounds >= 0 && rounds % UNCLEAR <= ROUNDS), "%d",
			  rounds);
		expect_rounds(rounds == NO_FAULT ? ROUNDS : rounds, step);
		failed += rounds != NO_FAULT && rounds % UNCLEAR < ROUNDS;
	} while (rounds != NO_FAULT);
	cr_assert_geq(failed, ROUNDS, "no commit failed");
}
