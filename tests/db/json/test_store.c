#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/json/model.h"
#include "db/open.h"
#include "db/store/invariants.h"
#include "shared/base/log.h"
#include "tests/db/faults.h"
#include "tests/db/replay.h"
#include "tests/db/scratch.h"

#define SOLD 5 /* what the recorded store sells */

static void set_up(void)
{
	scratch_use("json");
	scratch_make();
}

TestSuite(store_on_json, .init = set_up, .fini = scratch_remove);

static void write_text(const char *name, const char *text)
{
	write_file(scratch_path(name), text, strlen(text));
}

/* The text of a file, to be freed. */
static char *read_text(const char *name)
{
	size_t size = file_size(scratch_path(name));
	char *text = calloc(1, size + 1);
	FILE *file = fopen(scratch_path(name), "re");
	cr_assert(text && file);
	cr_assert_eq(fread(text, 1, size, file), size);
	fclose(file);
	return text;
}

/* Whether the store is refused, in one line with its name and REASON, and left as it was. */
static bool is_refused(const char *text, const char *reason)
{
	char error[STORE_ERROR_SIZE] = "";
	write_text("s", text);
	struct store *store = store_open(scratch_url("s"), error);
	store_close(store);
	char *after = read_text("s");
	bool untouched = strcmp(text, after) == 0;
	free(after);
	return !store && untouched && strstr(error, "/s: ") && strstr(error, reason) &&
	       !strchr(error, '\n');
}

static int64_t left_of(struct store *store, const char *event)
{
	return ask_alone(store, BOOKING_EVENT_OPEN, event, 0, "").left;
}

Test(store_on_json, tutorial_file_is_an_event_of_so_many_tickets)
{
	write_text("s", "{\"count\": 12}\n");
	struct store *store = open_store();
	cr_assert_eq(ask_alone(store, BOOKING_BOOK, "tickets", 2, "").left, 10);
	store_close(store);
	store = open_store();
	cr_assert_eq(left_of(store, "tickets"), 10);
	store_close(store);
}

Test(store_on_json, a_file_may_be_as_an_editor_leaves_it)
{
	write_text("s", "\xEF\xBB\xBF{\r\n\t\"count\": 5 \t\r\n}");
	struct store *store = open_store();
	cr_assert_eq(ask_alone(store, BOOKING_BOOK, "tickets", 2, "").left, 3);
	store_close(store);
	store = open_store();
	cr_assert_eq(left_of(store, "tickets"), 3);
	store_close(store);
	cr_assert(is_refused("\xFF\xFE{", "is UTF-16: save it as UTF-8"));
}

Test(store_on_json, tutorial_file_has_a_count_and_nothing_else)
{
	cr_assert(is_refused("{\"count\": -1}", "\"count\" is -1, and should be 0 to"));
	cr_assert(is_refused("{\"count\": 1000000001}", "and should be 0 to 1000000000"));
	cr_assert(is_refused("{\"count\": 1.5}", "\"count\" should be a whole number"));
	cr_assert(is_refused("{\"count\": \"12\"}", "\"count\" should be a whole number"));
	cr_assert(is_refused("{\"count\": 12, \"sold\": 1}", "unknown member \"sold\""));
	cr_assert(
		is_refused("{\"count\": 12, \"count\": 12}", "not valid JSON: line 1: duplicate"));
	cr_assert(is_refused("{\"count\": 99999999999999999999}", "not valid JSON"));
}

Test(store_on_json, what_is_no_store_is_refused_and_left_alone)
{
	cr_assert(is_refused("{\"count\": 12", "not valid JSON: line 1"));
	cr_assert(is_refused("Some text.", "not valid JSON"));
	cr_assert(is_refused("{\"count\": 12} {\"count\": 12}", "not valid JSON"));
	cr_assert(is_refused("[]", "no store of this program"));
	cr_assert(is_refused("12", "not valid JSON"));
	cr_assert(is_refused("{}", "no store of this program"));
	cr_assert(is_refused("{\"turnstile\": 99}", "newer version"));
	cr_assert(is_refused("{\"turnstile\": 1}", "\"store\" should be 32 digits"));
	cr_assert(is_refused("{\"turnstile\": 1, \"more\": 1}", "unknown member \"more\""));
}

#define STORE(events, tickets)                                                                 \
	"{\"turnstile\": 1, \"store\": \"00000000000000010000000000000002\","                  \
	" \"code_key\": \"00000000000000030000000000000004\", \"generation\": 1, \"events\": " \
	"[" events "], \"tickets\": [" tickets "], \"batches\": []}"
#define EVENT(number, name, total, sold, held)                                                \
	"{\"number\": " number ", \"name\": \"" name "\", \"title\": \"\", \"total\": " total \
	", \"sold\": " sold ", \"held\": " held ", \"open\": true}"
#define RUSH EVENT("1", "rush", "10", "0", "0")
#define TICKET(number, event, quantity, state, more)                             \
	"{\"number\": " number ", \"event\": " event ", \"quantity\": " quantity \
	", \"state\": \"" state "\", \"kind\": \"book\", \"made_ns\": 1" more "}"

Test(store_on_json, good_file_of_somebodys_own_is_taken)
{
	write_text("s", STORE(EVENT("1", "rush", "10", "2", "0"),
			      TICKET("1", "1", "2", "booked", ", \"key\": \"k\"")));
	struct store *store = open_store();
	cr_assert_eq(ask_alone(store, BOOKING_BOOK, "rush", 2, "k").left, 8);
	cr_assert_eq(ask_alone(store, BOOKING_BOOK, "rush", 8, "").outcome, BOOKING_DONE);
	store_close(store);
}

Test(store_on_json, numbers_that_cannot_be_are_refused)
{
	cr_assert(is_refused(STORE(EVENT("1", "rush", "10", "8", "3"), ""),
			     "event 1: sold and held are more than the total"));
	cr_assert(is_refused(STORE(EVENT("1", "rush", "10", "-1", "0"), ""), "\"sold\" is -1"));
	cr_assert(is_refused(STORE(EVENT("1", "rush", "-10", "0", "0"), ""), "\"total\" is -10"));
	cr_assert(is_refused(STORE(EVENT("2", "rush", "10", "0", "0"), ""), "\"number\" is 2"));
	cr_assert(
		is_refused(STORE(RUSH, TICKET("1", "1", "0", "booked", "")), "\"quantity\" is 0"));
	cr_assert(is_refused(STORE(RUSH, TICKET("2", "1", "1", "booked", "")), "\"number\" is 2"));
	cr_assert(is_refused(STORE(RUSH, TICKET("1", "2", "1", "booked", "")), "\"event\" is 2"));
	cr_assert(is_refused(STORE(RUSH, TICKET("1", "1", "1", "lost", "")), "\"state\""));
	cr_assert(is_refused(STORE(RUSH, TICKET("1", "1", "1", "booked", ", \"expires_ns\": -1")),
			     "\"expires_ns\" is -1"));
}

Test(store_on_json, what_is_there_twice_is_refused)
{
	cr_assert(is_refused(STORE(RUSH ", " RUSH, ""), "event 2: \"number\" is 1"));
	cr_assert(is_refused(STORE(RUSH ", " EVENT("2", "rush", "5", "0", "0"), ""),
			     "event 2: the name \"rush\" is there twice"));
	cr_assert(is_refused(
		STORE(RUSH, TICKET("1", "1", "1", "booked", ", \"key\": \"k\"") ", " TICKET(
				    "2", "1", "1", "booked", ", \"key\": \"k\"")),
		"ticket 2: the key \"k\" is there twice"));
	cr_assert(is_refused(STORE(RUSH, TICKET("1", "1", "1", "booked",
						"") ", " TICKET("1", "1", "1", "booked", "")),
			     "ticket 2: \"number\" is 1"));
}

Test(store_on_json, texts_that_cannot_be_are_refused)
{
	cr_assert(is_refused(STORE(EVENT("1", "The Rush", "10", "0", "0"), ""),
			     "\"The Rush\" is no name of an event"));
	cr_assert(is_refused(STORE(RUSH, TICKET("1", "1", "1", "booked", ", \"key\": \"a b\"")),
			     "\"key\" is no good key"));
	cr_assert(is_refused(STORE(RUSH, TICKET("1", "1", "1", "booked", ", \"colour\": 1")),
			     "unknown member \"colour\""));
	cr_assert(is_refused("\xff", "not valid JSON"));
}

#define HEADER "{\"journal_of\": \"00000000000000010000000000000002\", \"generation\": 1}\n"
#define LINE   "{\"line\": 2, \"tickets\": []}\n"

Test(store_on_json, sales_in_a_journal_of_an_earlier_version_are_refused_and_left)
{
	char error[STORE_ERROR_SIZE] = "";
	write_text("s", STORE(RUSH, ""));
	write_text("s-journal", HEADER LINE);
	cr_assert_null(store_open(scratch_url("s"), error));
	cr_assert(strstr(error, "/s-journal: has sales that version 0.1.0 wrote"), "%s", error);
	cr_assert(strstr(error, "turnstile store convert json:/"), "%s", error);
	cr_assert_eq(file_size(scratch_path("s-journal")), strlen(HEADER LINE));
}

Test(store_on_json, journal_without_sales_is_no_hindrance)
{
	static const char *const journals[] = { "", HEADER, "{\"journal_of\": \"0000", HEADER "{" };
	for (size_t i = 0; i < sizeof(journals) / sizeof(*journals); i++) {
		write_text("s", STORE(RUSH, ""));
		write_text("s-journal", journals[i]);
		struct store *store = open_store();
		cr_assert_eq(left_of(store, "rush"), 10);
		store_close(store);
		cr_assert_neq(access(scratch_path("s-journal"), F_OK), 0);
	}
}

Test(store_on_json, file_changed_by_hand_is_followed_at_the_next_sale)
{
	write_text("s", STORE(RUSH, ""));
	struct store *store = open_store();
	cr_assert_eq(left_of(store, "rush"), 10);
	write_text("s", STORE(EVENT("1", "rush", "500", "0", "0"), ""));
	cr_assert_eq(ask_alone(store, BOOKING_BOOK, "rush", 1, "").left, 499);
	store_close(store);
}

static void expect_refusal(struct store *store, const char *reason)
{
	cr_assert(store_take(store, 0));
	cr_assert_eq(store_begin(store), STORE_FAILED);
	cr_assert(strstr(store_error(store), reason), "%s", store_error(store));
	store_give(store);
	store_close(store);
}

Test(store_on_json, file_spoilt_by_hand_fails_the_sale_and_is_left_alone)
{
	struct store *store = open_store();
	make_event(store, "rush", 10);
	write_text("s", "{\"turnstile\": 2, ");
	expect_refusal(store, "/s: is not valid JSON: line 1");
	cr_assert_eq(file_size(scratch_path("s")), strlen("{\"turnstile\": 2, "));
}

Test(store_on_json, file_deleted_while_in_use_fails_the_sale)
{
	struct store *store = open_store();
	make_event(store, "rush", 10);
	unlink(scratch_path("s"));
	expect_refusal(store, "No such file");
}

/* Its writer may have died before the folder was synced: nobody must be told what it says yet. */
Test(store_on_json, what_is_read_is_on_disk_first)
{
	char error[STORE_ERROR_SIZE] = "";
	store_close(open_store());
	fault_at(FAULT_ERROR, 1);
	cr_assert_null(store_open(scratch_url("s"), error));
	fault_at(FAULT_NONE, 0);
	store_close(open_store());
}

static void book_many(struct store *store, int count)
{
	begin(store);
	for (int i = 0; i < count; i++) {
		cr_assert_eq(ask(store, BOOKING_BOOK, "rush", 1, "").outcome, BOOKING_DONE);
	}
	commit(store);
}

Test(store_on_json, is_full_at_its_limit_and_no_harm_done)
{
	struct store_ticket ticket = { .event = 1, .quantity = 1, .state = TICKET_CANCELLED };
	ticket.kind = TICKET_BY_BOOK;
	struct store *store = open_store();
	make_event(store, "rush", 10);
	begin(store);
	for (int i = 0; i < JSON_TICKETS_MAX - 1; i++) {
		if (store_ticket_add(store, &ticket) != STORE_OK) {
			cr_assert_fail("at %d", i);
		}
	}
	commit(store);
	cr_assert_eq(ask_alone(store, BOOKING_BOOK, "rush", 1, "").outcome, BOOKING_DONE);
	begin(store); /* it alone is refused: what else is in the batch is done */
	cr_assert_eq(ask(store, BOOKING_BOOK, "rush", 1, "").outcome, BOOKING_NO_ROOM);
	cr_assert_eq(ask(store, BOOKING_EVENT_CLOSE, "rush", 0, "").outcome, BOOKING_DONE);
	commit(store);
	begin(store);
	cr_assert_eq(store_ticket_add(store, &ticket), STORE_FAILED);
	cr_assert(strstr(store_error(store),
			 "has 10000 tickets, and a JSON store has no room for more: "
			 "turnstile store convert"));
	abandon(store);
	store_close(store);
	store = open_store();
	cr_assert_eq(left_of(store, "rush"), 9);
	store_close(store);
}

/* One that an earlier version sold more of: it can be read, and so converted. */
Test(store_on_json, larger_than_its_limit_is_read_and_sells_no_more)
{
	struct store_ticket ticket;
	struct store_ticket more = { .event = 1, .quantity = 1, .state = TICKET_BOOKED };
	FILE *file = fopen(scratch_path("s"), "we");
	cr_assert_not_null(file);
	fprintf(file, "%.*s", (int)(strstr(STORE(RUSH, ""), "\"tickets\"") - STORE(RUSH, "")),
		STORE(RUSH, ""));
	for (int i = 1; i <= JSON_TICKETS_MAX + 1; i++) {
		fprintf(file,
			"%s{\"number\": %d, \"event\": 1, \"quantity\": 1, \"state\": "
			"\"cancelled\", \"kind\": \"book\", \"made_ns\": 1}",
			i > 1 ? ", " : "\"tickets\": [", i);
	}
	fputs("], \"batches\": []}", file);
	fclose(file);
	struct store *store = open_store();
	begin(store);
	cr_assert_eq(store_ticket_get(store, JSON_TICKETS_MAX + 1, &ticket), STORE_OK);
	cr_assert_eq(store_ticket_add(store, &more), STORE_FAILED);
	abandon(store);
	store_close(store);
}

Test(store_on_json, handle_that_was_left_behind_follows)
{
	struct store *store = open_store();
	struct store *other = open_store();
	make_event(store, "rush", STORE_TOTAL_MAX);
	book_many(other, 5000);
	cr_assert_eq(left_of(store, "rush"), STORE_TOTAL_MAX - 5000);
	book_many(store, 1);
	cr_assert_eq(left_of(other, "rush"), STORE_TOTAL_MAX - 5001);
	store_close(other);
	cr_assert_eq(left_of(store, "rush"), STORE_TOTAL_MAX - 5001);
	store_close(store);
}

Test(store_on_json, mode_that_somebody_gave_it_is_kept)
{
	struct stat status;
	struct store *store = open_store();
	make_event(store, "rush", 10);
	cr_assert_eq(chmod(scratch_path("s"), 0640), 0);
	store_close(store);
	cr_assert_eq(stat(scratch_path("s"), &status), 0);
	cr_assert_eq(status.st_mode & 0777, 0640);
}

Test(store_on_json, title_that_is_not_utf8_fails_alone)
{
	struct store_event event = { .name = "bad", .title = "\xff", .total = 1 };
	struct store *store = open_store();
	make_event(store, "rush", 10);
	begin(store);
	cr_assert_eq(store_event_add(store, &event), STORE_OK);
	cr_assert_eq(store_commit(store), STORE_FAILED);
	store_give(store);
	store_close(store);
	store = open_store();
	cr_assert_eq(left_of(store, "rush"), 10);
	store_close(store);
}

/* The recording: a store is made, sells, is closed, and sells again. */

static char codes[SOLD][CODE_SIZE];

static void sell(struct store *store, int sale)
{
	char key[NAME_KEY_SIZE];
	snprintf(key, sizeof(key), "key-%d", sale);
	struct booking_answer answer = ask_alone(store, BOOKING_BOOK, "rush", 1, key);
	cr_assert_eq(answer.outcome, BOOKING_DONE);
	memcpy(codes[sale], answer.code, CODE_SIZE);
	replay_acknowledge(sale + 1);
}

static void record(void)
{
	char folder[512];
	snprintf(folder, sizeof(folder), "%s", scratch_path(""));
	replay_record(folder);
	struct store *store = open_store();
	make_event(store, "rush", SOLD);
	for (int sale = 0; sale < SOLD; sale++) {
		sell(store, sale);
		if (sale % 2 == 1) {
			store_close(store);
			store = open_store();
		}
	}
	store_close(store);
	replay_stop();
}

static void ignore_event(void *context, const struct store_event *event)
{
	(void)context;
	(void)event;
}

static void fail_breach(void *context, const char *text)
{
	(void)context;
	cr_assert_fail("%s", text);
}

static int64_t count_sold(struct store *store)
{
	struct store_event *event;
	const struct invariants_look look = { ignore_event, fail_breach, NULL };
	begin(store);
	cr_assert_eq(invariants_look(store, &look), STORE_OK);
	bool there = store_event_find(store, "rush", &event) == STORE_OK;
	int64_t count = there ? event->sold : 0;
	abandon(store);
	return count;
}

/* The old state or the new one, with all that was answered. */
static void look_at_cut(size_t step, size_t length)
{
	char error[STORE_ERROR_SIZE] = "";
	char key[NAME_KEY_SIZE];
	int known = replay_acknowledged(step);
	struct store *store = store_open(scratch_url("s"), error);
	cr_assert(store != NULL, "step %zu, byte %zu: %s", step, length, error);
	int64_t count = count_sold(store);
	cr_assert(count == known || count == known + 1, "step %zu, byte %zu: %lld, not %d", step,
		  length, (long long)count, known);
	for (int sale = 0; sale < known; sale++) {
		snprintf(key, sizeof(key), "key-%d", sale);
		cr_assert_str_eq(ask_alone(store, BOOKING_BOOK, "rush", 1, key).code, codes[sale]);
	}
	store_close(store);
}

Test(store_on_json, whatever_write_is_cut_at_any_byte_it_opens_old_or_new)
{
	size_t points = 0;
	char folder[512];
	snprintf(folder, sizeof(folder), "%s", scratch_path(""));
	record();
	cr_assert_gt(replay_steps(), 20);
	for (size_t step = 0; step <= replay_steps(); step++) {
		size_t length = 0;
		do {
			replay_make(folder, step, length);
			look_at_cut(step, length);
			points++;
		} while (++length < replay_step_bytes(step));
	}
	cr_log_info("%zu fault points", points);
}

Test(store_on_json, what_was_not_synced_is_not_needed)
{
	char folder[512];
	snprintf(folder, sizeof(folder), "%s", scratch_path(""));
	record();
	for (size_t step = 0; step <= replay_steps(); step++) {
		replay_make_synced(folder, step);
		look_at_cut(step, 0);
	}
	cr_log_info("%zu fault points", replay_steps() + 1);
}
