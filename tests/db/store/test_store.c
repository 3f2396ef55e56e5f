#include "db/open.h"
#include "db/store/batches.h"
#include "db/store/tickets.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/db/scratch.h"
#include "tests/support/child.h"

StoreTestSuite(store, scratch_make, scratch_remove);

/* Whether the store NAME is refused, with a line that names NAME and says REASON. */
static bool is_refused(const char *name, const char *reason)
{
	char error[STORE_ERROR_SIZE] = "";
	struct store *store = store_open(scratch_url(name), error);
	store_close(store);
	return !store && strstr(error, name) && strstr(error, reason) && !strchr(error, '\n');
}

FileStoreTest(store, url_needs_a_known_kind_and_a_file)
{
	char error[STORE_ERROR_SIZE] = "";
	cr_assert(store_url_is_good("sqlite:turnstile.db", error));
	cr_assert(store_url_is_good("json:turnstile.json", error));
	cr_assert_not(store_url_is_good("json:", error));
	cr_assert(strstr(error, "json:FILE"));
	cr_assert_not(store_url_is_good("sqlite:", error));
	cr_assert(strstr(error, "sqlite:FILE"));
	cr_assert_not(store_url_is_good("turnstile.db", error));
	cr_assert_not(store_url_is_good("sql:turnstile.db", error));
	cr_assert_not(store_url_is_good("", error));
}

FileStoreTest(store, in_a_folder_that_is_not_there_is_refused)
{
	cr_assert(is_refused("nowhere/s", "No such file"));
	cr_assert_eq(symlink("/nowhere/at/all", scratch_path("link")), 0);
	cr_assert(is_refused("link", "No such file"));
}

static int open_as_nobody(void *argument)
{
	(void)argument;
	if (geteuid() == 0 && setuid(65534) < 0) {
		return 2;
	}
	return is_refused("s", "Permission denied") ? 0 : 1;
}

FileStoreTest(store, in_a_folder_that_cannot_be_written_is_refused)
{
	cr_assert_eq(chmod(scratch_path(""), 0555), 0);
	cr_assert_eq(child_run(open_as_nobody, NULL), 0);
}

FileStoreTest(store, new_is_its_owners_alone)
{
	struct stat status;
	const char *const of_sqlite[] = { "s", "s-lock", "s-wal", "s-shm", "s-keys", NULL };
	const char *const of_json[] = { "s", "s-lock", NULL };
	struct store *store = open_store();
	make_event(store, "rush", 10);
	for (const char *const *name = scratch_is_json() ? of_json : of_sqlite; *name; name++) {
		cr_assert_eq(stat(scratch_path(*name), &status), 0, "%s", *name);
		cr_assert_eq(status.st_mode & 077, 0, "%s", *name);
	}
	store_close(store);
}

StoreTest(store, keeps_its_code_key)
{
	struct store *store = open_store();
	struct siphash_key key = *store_code_key(store);
	cr_assert(key.words[0] != 0 && key.words[1] != 0);
	store_close(store);
	store = open_store();
	cr_assert_eq(memcmp(&key, store_code_key(store), sizeof(key)), 0);
	store_close(store);
}

FileStoreTest(store, reached_by_another_name_has_the_same_lock)
{
	char error[STORE_ERROR_SIZE] = "";
	struct store *store = open_store();
	cr_assert_eq(symlink(scratch_path("s"), scratch_path("link")), 0);
	struct store *other = store_open(scratch_url("./link"), error);
	cr_assert(other != NULL, "%s", error);
	cr_assert_eq(store_mutex(other), store_mutex(store));
	cr_assert_neq(access(scratch_path("link-lock"), F_OK), 0);
	store_close(other);
	store_close(store);
}

StoreTest(store, event_is_one_thing_within_a_transaction)
{
	struct store_event *by_name;
	struct store_event *by_number;
	struct store_event *none;
	struct store *store = open_store();
	make_event(store, "rush", 10);
	begin(store);
	cr_assert_eq(store_event_find(store, "rush", &by_name), STORE_OK);
	cr_assert_eq(store_event_get(store, by_name->number, &by_number), STORE_OK);
	cr_assert_eq(by_name, by_number);
	cr_assert_eq(store_event_find(store, "other", &none), STORE_NONE);
	cr_assert_eq(store_event_get(store, 99, &none), STORE_NONE);
	commit(store);
	store_close(store);
}

StoreTest(store, event_is_kept_with_all_it_has)
{
	struct store_event *event;
	struct store_event added = { .name = "rush",
				     .title = "A \"title\", 5\xe2\x82\xac",
				     .total = 7 };
	struct store *store = open_store();
	begin(store);
	cr_assert_eq(store_event_add(store, &added), STORE_OK);
	cr_assert(added.number > 0);
	commit(store);
	store_close(store);
	store = open_store();
	begin(store);
	cr_assert_eq(store_event_find(store, "rush", &event), STORE_OK);
	cr_assert_eq(event->number, added.number);
	cr_assert_str_eq(event->title, added.title);
	cr_assert_eq(event->total, 7);
	cr_assert_not(event->open);
	abandon(store);
	store_close(store);
}

StoreTest(store, change_of_an_event_is_there_after_commit_alone)
{
	struct store_event *event;
	struct store *store = open_store();
	make_event(store, "rush", 10);
	for (int64_t committed = 0; committed <= 1; committed++) {
		begin(store);
		cr_assert_eq(store_event_find(store, "rush", &event), STORE_OK);
		cr_assert_eq(event->held, 0);
		event->held = 5;
		store_event_change(store, event);
		if (committed) {
			commit(store);
		} else {
			abandon(store);
		}
	}
	begin(store);
	cr_assert_eq(store_event_find(store, "rush", &event), STORE_OK);
	cr_assert_eq(event->held, 5);
	abandon(store);
	store_close(store);
}

struct seen {
	char names[128];
	int64_t sold;
};

static void note_event(void *context, const struct store_event *event)
{
	struct seen *seen = context;
	size_t used = strlen(seen->names);
	snprintf(seen->names + used, sizeof(seen->names) - used, "%s ", event->name);
	seen->sold += event->sold;
}

StoreTest(store, events_are_listed_in_order_and_as_they_are_now)
{
	struct seen seen = { .sold = 0 };
	struct store *store = open_store();
	make_event(store, "zebra", 10);
	make_event(store, "ant", 10);
	begin(store);
	ask(store, BOOKING_BOOK, "ant", 4, "");
	cr_assert_eq(store_event_each(store, note_event, &seen), STORE_OK);
	ask(store, BOOKING_BOOK, "ant", 1, "");
	commit(store);
	cr_assert_str_eq(seen.names, "zebra ant ");
	cr_assert_eq(seen.sold, 4);
	cr_assert(adds_up(store, "ant"));
	store_close(store);
}

/* The events that the last transaction changed, as they are listed. */
static const char *changes(const struct store *store)
{
	static struct seen seen;
	seen = (struct seen){ .sold = 0 };
	store_events_changed(store, note_event, &seen);
	return seen.names;
}

StoreTest(store, says_which_events_the_last_transaction_changed)
{
	struct store *store = open_store();
	make_event(store, "one", 10);
	cr_assert_str_eq(changes(store), "one ");
	make_event(store, "two", 10);
	begin(store);
	ask(store, BOOKING_BOOK, "two", 1, "");
	ask(store, BOOKING_BOOK, "one", 1, "");
	ask(store, BOOKING_BOOK, "two", 1, "");
	commit(store);
	cr_assert_str_eq(changes(store), "two one ");
	begin(store);
	ask(store, BOOKING_TICKET, "one", 1, "");
	commit(store);
	cr_assert_str_empty(changes(store));
	begin(store);
	ask(store, BOOKING_BOOK, "one", 1, "");
	abandon(store);
	cr_assert_str_empty(changes(store));
	store_close(store);
}

static struct store_ticket hold_until(int64_t expires_ns, const char *key)
{
	struct store_ticket ticket = { .event = 1,
				       .quantity = 2,
				       .state = TICKET_HELD,
				       .kind = TICKET_BY_HOLD,
				       .made_ns = 5,
				       .expires_ns = expires_ns,
				       .tied = UINT64_MAX };
	snprintf(ticket.key, sizeof(ticket.key), "%s", key);
	return ticket;
}

StoreTest(store, ticket_is_kept_with_all_it_has)
{
	char key[NAME_KEY_SIZE];
	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	struct store_ticket added = hold_until(1234567890123456789, key);
	struct store_ticket ticket;
	struct store *store = open_store();
	make_event(store, "rush", 10);
	begin(store);
	cr_assert_eq(store_ticket_add(store, &added), STORE_OK);
	cr_assert_eq(added.number, 1);
	commit(store);
	begin(store);
	cr_assert_eq(store_ticket_get(store, 1, &ticket), STORE_OK);
	cr_assert_eq(ticket.event, 1);
	cr_assert_eq(ticket.quantity, 2);
	cr_assert_eq(ticket.state, TICKET_HELD);
	cr_assert_eq(ticket.kind, TICKET_BY_HOLD);
	cr_assert_eq(ticket.made_ns, 5);
	cr_assert_eq(ticket.expires_ns, added.expires_ns);
	cr_assert_eq(ticket.tied, UINT64_MAX);
	cr_assert_str_eq(ticket.key, key);
	cr_assert_eq(store_ticket_get(store, 2, &ticket), STORE_NONE);
	cr_assert_eq(store_ticket_get(store, 0, &ticket), STORE_NONE);
	abandon(store);
	store_close(store);
}

StoreTest(store, hold_that_ends_first_comes_first)
{
	const int64_t ends[] = { 300, 100, 200 };
	struct store_ticket ticket;
	struct store *store = open_store();
	make_event(store, "rush", 10);
	begin(store);
	cr_assert_eq(store_ticket_next_expiry(store, &ticket), STORE_NONE);
	for (size_t i = 0; i < 3; i++) {
		ticket = hold_until(ends[i], "");
		cr_assert_eq(store_ticket_add(store, &ticket), STORE_OK);
	}
	for (int64_t end = 100; end <= 300; end += 100) {
		cr_assert_eq(store_ticket_next_expiry(store, &ticket), STORE_OK);
		cr_assert_eq(ticket.expires_ns, end);
		ticket.state = TICKET_EXPIRED;
		cr_assert_eq(store_ticket_change(store, &ticket), STORE_OK);
	}
	cr_assert_eq(store_ticket_next_expiry(store, &ticket), STORE_NONE);
	ticket.number = 99;
	cr_assert_eq(store_ticket_change(store, &ticket), STORE_NONE);
	commit(store);
	store_close(store);
}

StoreTest(store, keeps_when_a_ticket_was_admitted)
{
	struct store_ticket ticket = hold_until(100, "");
	struct store_ticket there;
	struct store *store = open_store();
	make_event(store, "rush", 10);
	begin(store);
	cr_assert_eq(store_ticket_add(store, &ticket), STORE_OK);
	ticket.state = TICKET_ADMITTED;
	ticket.expires_ns = 0;
	ticket.admitted_ns = 1234567890123456789;
	cr_assert_eq(store_ticket_change(store, &ticket), STORE_OK);
	ticket.number = 0;
	ticket.admitted_ns = 300;
	cr_assert_eq(store_ticket_add(store, &ticket), STORE_OK);
	commit(store);
	store_close(store);
	store = open_store();
	begin(store);
	cr_assert_eq(store_ticket_get(store, 1, &there), STORE_OK);
	cr_assert_eq(there.admitted_ns, 1234567890123456789);
	cr_assert_eq(store_ticket_get(store, 2, &there), STORE_OK);
	cr_assert_eq(there.admitted_ns, 300);
	abandon(store);
	store_close(store);
}

StoreTest(store, changes_what_a_hold_holds)
{
	struct store_ticket ticket = hold_until(100, "");
	struct store *store = open_store();
	make_event(store, "rush", 10);
	begin(store);
	cr_assert_eq(store_ticket_add(store, &ticket), STORE_OK);
	ticket.quantity += 3;
	ticket.expires_ns = 200;
	cr_assert_eq(store_ticket_change(store, &ticket), STORE_OK);
	commit(store);
	store_close(store);
	store = open_store();
	begin(store);
	struct store_ticket there;
	cr_assert_eq(store_ticket_get(store, ticket.number, &there), STORE_OK);
	cr_assert_eq(there.quantity, ticket.quantity);
	cr_assert_eq(there.expires_ns, 200);
	cr_assert_eq(there.state, TICKET_HELD);
	abandon(store);
	store_close(store);
}

StoreTest(store, counts_sold_and_held_from_the_tickets)
{
	struct tally tally = { .event.number = 1, .sold = -1, .held = -1, .admitted = -1 };
	struct store_ticket ticket;
	struct store *store = open_store();
	make_event(store, "rush", 10);
	begin(store);
	for (int state = TICKET_BOOKED; state <= TICKET_ADMITTED; state++) {
		ticket = hold_until(1, "");
		ticket.state = (enum ticket_state)state;
		ticket.quantity = 1 << state;
		cr_assert_eq(store_ticket_add(store, &ticket), STORE_OK);
	}
	cr_assert_eq(store_event_count(store, &tally), STORE_OK);
	cr_assert_eq(tally.sold, (1 << TICKET_BOOKED) + (1 << TICKET_ADMITTED));
	cr_assert_eq(tally.held, 1 << TICKET_HELD);
	cr_assert_eq(tally.admitted, 1 << TICKET_ADMITTED);
	tally.event.number = 2;
	cr_assert_eq(store_event_count(store, &tally), STORE_OK);
	cr_assert_eq(tally.sold + tally.held + tally.admitted, 0);
	commit(store);
	store_close(store);
}

StoreTest(store, remembers_the_last_batch_of_a_server)
{
	int64_t batch = -1;
	struct store *store = open_store();
	begin(store);
	cr_assert_eq(store_batch_last(store, -5, &batch), STORE_OK);
	cr_assert_eq(batch, 0);
	cr_assert_eq(store_batch_mark(store, -5, 1), STORE_OK);
	abandon(store);
	begin(store);
	cr_assert_eq(store_batch_last(store, -5, &batch), STORE_OK);
	cr_assert_eq(batch, 0, "it was rolled back");
	cr_assert_eq(store_batch_mark(store, -5, 1), STORE_OK);
	cr_assert_eq(store_batch_mark(store, -5, 2), STORE_OK);
	cr_assert_eq(store_batch_mark(store, 6, 9), STORE_OK);
	commit(store);
	cr_assert(store_take(store, 0));
	cr_assert_eq(store_batch_last(store, -5, &batch), STORE_OK);
	cr_assert_eq(batch, 2);
	store_give(store);
	store_close(store);
}

StoreTest(store, forgets_the_batches_of_those_longest_gone)
{
	int64_t batch;
	struct store *store = open_store();
	begin(store);
	for (int64_t server = 1; server <= 200; server++) {
		cr_assert_eq(store_batch_mark(store, server, server), STORE_OK);
		cr_assert_eq(store_batch_mark(store, 1, 1000 + server), STORE_OK);
	}
	cr_assert_eq(store_batch_last(store, 1, &batch), STORE_OK);
	cr_assert_eq(batch, 1200, "one that goes on working stays");
	cr_assert_eq(store_batch_last(store, 200 - 62, &batch), STORE_OK);
	cr_assert_eq(batch, 200 - 62);
	cr_assert_eq(store_batch_last(store, 200 - 63, &batch), STORE_OK);
	cr_assert_eq(batch, 0, "64 are kept");
	commit(store);
	store_close(store);
}

StoreTest(store, tied_hold_is_found_by_its_tie)
{
	const uint64_t ties[] = { 9, 7, 8, 0, 7 };
	struct store_ticket ticket;
	struct store *store = open_store();
	make_event(store, "rush", 100);
	begin(store);
	for (size_t i = 0; i < sizeof(ties) / sizeof(*ties); i++) {
		ticket = hold_until(1000 - (int64_t)i, "");
		ticket.tied = ties[i];
		cr_assert_eq(store_ticket_add(store, &ticket), STORE_OK);
	}
	cr_assert_eq(store_ticket_tied(store, 1, 6, &ticket), STORE_NONE);
	cr_assert_eq(store_ticket_tied(store, 8, 8, &ticket), STORE_OK);
	cr_assert_eq(ticket.number, 3);
	for (int64_t number = 2; number <= 5; number += 3) {
		cr_assert_eq(store_ticket_tied(store, 1, INT64_MAX, &ticket), STORE_OK);
		cr_assert_eq(ticket.number, number);
		ticket.state = TICKET_EXPIRED;
		cr_assert_eq(store_ticket_change(store, &ticket), STORE_OK);
	}
	cr_assert_eq(store_ticket_tied(store, 7, 7, &ticket), STORE_NONE);
	commit(store);
	store_close(store);
}

StoreTest(store, change_of_a_ticket_is_taken_back)
{
	struct store_ticket ticket;
	struct store *store = open_store();
	make_event(store, "rush", 10);
	begin(store);
	for (int64_t end = 300; end > 0; end -= 100) {
		ticket = hold_until(end, "");
		cr_assert_eq(store_ticket_add(store, &ticket), STORE_OK);
	}
	commit(store);
	begin(store);
	cr_assert_eq(store_ticket_next_expiry(store, &ticket), STORE_OK);
	cr_assert_eq(ticket.number, 3);
	for (int state = TICKET_BOOKED; state <= TICKET_ADMITTED; state++) {
		ticket.state = (enum ticket_state)state;
		ticket.expires_ns = 500;
		cr_assert_eq(store_ticket_change(store, &ticket), STORE_OK);
	}
	ticket = hold_until(50, "key");
	cr_assert_eq(store_ticket_add(store, &ticket), STORE_OK);
	abandon(store);
	begin(store);
	cr_assert_eq(store_ticket_next_expiry(store, &ticket), STORE_OK);
	cr_assert_eq(ticket.number, 3);
	cr_assert_eq(ticket.expires_ns, 100);
	cr_assert_eq(store_ticket_by_key(store, "key", &ticket), STORE_NONE);
	cr_assert_eq(store_ticket_get(store, 4, &ticket), STORE_NONE);
	abandon(store);
	store_close(store);
}

static void note_number(void *context, const struct store_ticket *ticket)
{
	int64_t *last = context;
	cr_assert_eq(ticket->number, *last + 1);
	*last = ticket->number;
}

StoreTest(store, tickets_are_listed_in_the_order_of_their_numbers)
{
	int64_t last = 0;
	struct store *store = open_store();
	make_event(store, "rush", 100);
	begin(store);
	for (int i = 0; i < 10; i++) {
		ask(store, BOOKING_BOOK, "rush", 1, "");
	}
	cr_assert_eq(store_ticket_each(store, note_number, &last), STORE_OK);
	cr_assert_eq(last, 10, "those of this transaction too");
	commit(store);
	store_close(store);
}

StoreTest(store, more_sold_than_there_are_is_refused_as_a_whole)
{
	struct store_event *event;
	struct store *store = open_store();
	make_event(store, "rush", 10);
	begin(store);
	ask(store, BOOKING_BOOK, "rush", 1, "");
	cr_assert_eq(store_event_find(store, "rush", &event), STORE_OK);
	event->sold = 11;
	store_event_change(store, event);
	cr_assert_eq(store_commit(store), STORE_FAILED);
	store_give(store);
	store_close(store);
	store = open_store();
	cr_assert_eq(ask_alone(store, BOOKING_EVENT_OPEN, "rush", 0, "").left, 10);
	cr_assert(adds_up(store, "rush"));
	store_close(store);
}

static enum store_result set_key(struct store *store, const struct siphash_key *key)
{
	cr_assert(store_take(store, 0));
	enum store_result result = store_set_code_key(store, key);
	store_give(store);
	return result;
}

StoreTest(store, takes_another_code_key_until_it_has_a_ticket)
{
	const struct siphash_key key = { { 1, 2 } };
	const struct siphash_key other = { { 3, 4 } };
	struct store *store = open_store();
	make_event(store, "rush", 10);
	cr_assert_eq(set_key(store, &key), STORE_OK);
	cr_assert_eq(memcmp(store_code_key(store), &key, sizeof(key)), 0);
	struct booking_answer booked = ask_alone(store, BOOKING_BOOK, "rush", 1, "k");
	cr_assert_eq(set_key(store, &other), STORE_FAILED);
	store_close(store);
	store = open_store();
	cr_assert_eq(memcmp(store_code_key(store), &key, sizeof(key)), 0);
	cr_assert_str_eq(ask_alone(store, BOOKING_BOOK, "rush", 1, "k").code, booked.code);
	store_close(store);
}

static bool changed_elsewhere(struct store *store)
{
	cr_assert(store_take(store, 0));
	bool changed = store_changed_elsewhere(store);
	store_give(store);
	return changed;
}

StoreTest(store, notices_what_another_handle_wrote)
{
	struct store *store = open_store();
	struct store *other = open_store();
	make_event(store, "rush", 10);
	cr_assert_not(changed_elsewhere(store), "its own changes are not meant");
	make_event(other, "other", 10);
	cr_assert(changed_elsewhere(store));
	cr_assert_not(changed_elsewhere(store));
	store_close(other);
	store_close(store);
}
