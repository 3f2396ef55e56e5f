/*
 * What a store keeps of chat: each promise on all kinds.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "db/store/chat.h"
#include "tests/db/chat.h"
#include "tests/db/scratch.h"
#include "tests/support/child.h"

StoreTestSuite(chat, scratch_make, scratch_remove);

static void put_room(struct store *store, uint32_t place, const char *name, const char *topic)
{
	begin(store);
	chat_put_room(store, place, name, topic, false);
	commit(store);
}

static void say(struct store *store, uint32_t place, uint64_t number, const char *text)
{
	begin(store);
	chat_say(store, place, number, text);
	commit(store);
}

static void ban(struct store *store, const char *address, int64_t until_ns, int64_t wall_ns)
{
	struct store_ban row = { .until_ns = until_ns };
	snprintf(row.address, sizeof(row.address), "%s", address);
	begin(store);
	cr_assert_eq(store_ban_put(store, &row, wall_ns), STORE_OK);
	commit(store);
}

static void trim(struct store *store, uint32_t place, unsigned keep)
{
	begin(store);
	cr_assert_eq(store_messages_trim(store, place, keep), STORE_OK);
	commit(store);
}

/* What this handle has, and a new one. */
static void expect(struct store *store, const char *expected)
{
	cr_assert_str_eq(chat_of(store), expected);
	struct store *other = open_store();
	cr_assert_str_eq(chat_of(other), expected, "another handle");
	store_close(other);
	cr_assert_str_eq(chat_of(store), expected, "after the other was closed");
}

StoreTest(chat, new_store_has_none)
{
	struct store *store = open_store();
	expect(store, "");
	store_close(store);
}

StoreTest(chat, rooms_are_kept_in_the_order_of_their_places)
{
	struct store *store = open_store();
	put_room(store, 1000, "#last", "");
	put_room(store, 0, "#first", "A \"topic\", 5\xe2\x82\xac");
	put_room(store, 7,
		 "#Stra\xc3\x9f"
		 "e",
		 "");
	expect(store, "0 #first [A \"topic\", 5\xe2\x82\xac]\n"
		      "7 #Stra\xc3\x9f"
		      "e []\n1000 #last []\n");
	store_close(store);
}

StoreTest(chat, topic_is_replaced_and_what_was_said_stays)
{
	struct store *store = open_store();
	put_room(store, 3, "#lobby", "old");
	say(store, 3, 1, "ann hello");
	put_room(store, 3, "#lobby", "new");
	expect(store, "3 #lobby [new]\n3.1 ann hello\n");
	put_room(store, 3, "#lobby", "");
	expect(store, "3 #lobby []\n3.1 ann hello\n");
	store_close(store);
}

StoreTest(chat, longest_texts_are_kept_whole)
{
	struct store_room room = { .place = UINT32_MAX };
	char text[4096];
	struct store *store = open_store();
	memset(room.name, 'n', sizeof(room.name) - 1);
	memset(room.topic, 't', sizeof(room.topic) - 1);
	memset(text, 'x', sizeof(text));
	const struct store_message message = {
		.room = room.place, .number = INT64_MAX, .wall_ns = 5, .text = text, .length = 4096
	};
	begin(store);
	cr_assert_eq(store_room_put(store, &room, true), STORE_OK);
	cr_assert_eq(store_message_add(store, &message), STORE_OK);
	commit(store);
	store_close(store);
	char expected[8192];
	snprintf(expected, sizeof(expected), "%u %s [%s]\n%u.%lld %.4096s\n", UINT32_MAX, room.name,
		 room.topic, UINT32_MAX, (long long)INT64_MAX, text);
	store = open_store();
	expect(store, expected);
	store_close(store);
}

StoreTest(chat, messages_come_in_the_order_of_rooms_and_numbers)
{
	struct store *store = open_store();
	say(store, 9, 2, "two");
	say(store, 9, 10, "ten");
	say(store, 9, 1, "");
	say(store, 2, 5, "five");
	put_room(store, 2, "#a", "");
	put_room(store, 9, "#b", "");
	expect(store, "2 #a []\n9 #b []\n2.5 five\n9.1 \n9.2 two\n9.10 ten\n");
	store_close(store);
}

StoreTest(chat, message_of_the_same_number_is_replaced)
{
	struct store *store = open_store();
	put_room(store, 1, "#a", "");
	for (uint64_t number = 1; number <= 3; number++) {
		say(store, 1, number, "first");
	}
	say(store, 1, 2, "a longer second");
	say(store, 2, 2, "elsewhere");
	expect(store, "1 #a []\n1.1 first\n1.2 a longer second\n1.3 first\n2.2 elsewhere\n");
	store_close(store);
}

StoreTest(chat, date_of_a_message_is_kept)
{
	struct store *store = open_store();
	say(store, 1, 1, "a");
	cr_assert_eq(chat_newest_ns(store), CHAT_WALL_NS + 1);
	store_close(store);
	store = open_store();
	cr_assert_eq(chat_newest_ns(store), CHAT_WALL_NS + 1);
	store_close(store);
}

StoreTest(chat, trim_keeps_the_newest)
{
	struct store *store = open_store();
	for (uint64_t number = 1; number <= 9; number += 2) {
		say(store, 1, number, "x");
	}
	say(store, 2, 1, "y");
	trim(store, 1, 5);
	expect(store, "1.1 x\n1.3 x\n1.5 x\n1.7 x\n1.9 x\n2.1 y\n");
	trim(store, 1, 2);
	trim(store, 3, 2);
	expect(store, "1.7 x\n1.9 x\n2.1 y\n");
	say(store, 1, 10, "z");
	trim(store, 1, 1);
	trim(store, 2, 0);
	expect(store, "1.10 z\n");
	store_close(store);
}

StoreTest(chat, fresh_room_forgets_what_was_said_at_its_place)
{
	struct store *store = open_store();
	put_room(store, 1, "#old", "topic");
	say(store, 1, 1, "x");
	say(store, 1, 2, "x");
	say(store, 2, 1, "y");
	begin(store);
	chat_put_room(store, 1, "#new", "", true);
	chat_say(store, 1, 1, "z");
	commit(store);
	expect(store, "1 #new []\n1.1 z\n2.1 y\n");
	store_close(store);
}

StoreTest(chat, message_said_before_a_room_is_fresh_is_forgotten_with_the_rest)
{
	struct store *store = open_store();
	begin(store);
	chat_say(store, 1, 1, "before");
	chat_put_room(store, 1, "#a", "", true);
	chat_say(store, 1, 2, "after");
	commit(store);
	expect(store, "1 #a []\n1.2 after\n");
	store_close(store);
}

StoreTest(chat, ban_is_kept_and_replaced)
{
	struct store *store = open_store();
	ban(store, "10.0.0.1", 100, 1);
	ban(store, "2001:db8::/64", 200, 1);
	ban(store, "10.0.0.1", 300, 1);
	expect(store, "ban 10.0.0.1 300\nban 2001:db8::/64 200\n");
	store_close(store);
}

StoreTest(chat, ban_whose_time_is_over_is_forgotten)
{
	struct store *store = open_store();
	ban(store, "10.0.0.1", 100, 1);
	ban(store, "10.0.0.2", 200, 1);
	ban(store, "10.0.0.3", 300, 99);
	expect(store, "ban 10.0.0.1 100\nban 10.0.0.2 200\nban 10.0.0.3 300\n");
	ban(store, "10.0.0.4", 201, 200);
	expect(store, "ban 10.0.0.3 300\nban 10.0.0.4 201\n");
	ban(store, "10.0.0.3", 0, 201); /* lifted */
	expect(store, "");
	store_close(store);
}

StoreTest(chat, what_is_rolled_back_was_never_said)
{
	struct store *store = open_store();
	put_room(store, 1, "#a", "topic");
	say(store, 1, 1, "x");
	ban(store, "10.0.0.1", 100, 1);
	begin(store);
	struct store_ban other = { .address = "10.0.0.2", .until_ns = 999 };
	chat_put_room(store, 1, "#b", "", true);
	chat_put_room(store, 2, "#c", "", true);
	chat_say(store, 1, 1, "y");
	cr_assert_eq(store_messages_trim(store, 1, 0), STORE_OK);
	cr_assert_eq(store_ban_put(store, &other, 500), STORE_OK);
	cr_assert_str_eq(chat_within(store), "1 #b []\n2 #c []\nban 10.0.0.2 999\n");
	abandon(store);
	expect(store, "1 #a [topic]\n1.1 x\nban 10.0.0.1 100\n");
	say(store, 1, 2, "z");
	expect(store, "1 #a [topic]\n1.1 x\n1.2 z\nban 10.0.0.1 100\n");
	store_close(store);
}

StoreTest(chat, rolled_back_with_a_sale_takes_back_both)
{
	struct store *store = open_store();
	make_event(store, "rush", 10);
	ask_alone(store, BOOKING_BOOK, "rush", 1, "first");
	begin(store);
	ask(store, BOOKING_BOOK, "rush", 1, "second");
	chat_say(store, 1, 1, "x");
	abandon(store);
	expect(store, "");
	cr_assert_eq(ask_alone(store, BOOKING_BOOK, "rush", 1, "first").left, 9);
	cr_assert_eq(ask_alone(store, BOOKING_BOOK, "rush", 2, "second").left, 7);
	cr_assert(adds_up(store, "rush"));
	store_close(store);
}

StoreTest(chat, two_handles_see_what_the_other_wrote)
{
	struct store *store = open_store();
	struct store *other = open_store();
	put_room(store, 1, "#a", "");
	cr_assert_str_eq(chat_of(other), "1 #a []\n");
	say(other, 1, 1, "x");
	say(store, 1, 2, "y");
	trim(other, 1, 1);
	ban(other, "10.0.0.1", 100, 1);
	begin(store);
	chat_put_room(store, 1, "#b", "", false);
	abandon(store);
	cr_assert_str_eq(chat_of(store), "1 #a []\n1.2 y\nban 10.0.0.1 100\n");
	cr_assert_str_eq(chat_of(other), "1 #a []\n1.2 y\nban 10.0.0.1 100\n");
	store_close(other);
	expect(store, "1 #a []\n1.2 y\nban 10.0.0.1 100\n");
	store_close(store);
}

static int say_and_die(void *argument)
{
	(void)argument;
	struct store *store = open_store();
	put_room(store, 1, "#a", "topic");
	for (uint64_t number = 1; number <= 20; number++) {
		begin(store);
		chat_say(store, 1, number, "x");
		child_check(store_messages_trim(store, 1, 2) == STORE_OK);
		commit(store);
	}
	ban(store, "10.0.0.1", 100, 1);
	begin(store);
	chat_say(store, 1, 99, "not committed");
	return 0;
}

StoreTest(chat, what_was_committed_is_there_after_a_sudden_death)
{
	cr_assert_eq(child_run(say_and_die, NULL), 0);
	struct store *store = open_store();
	expect(store, "1 #a [topic]\n1.19 x\n1.20 x\nban 10.0.0.1 100\n");
	store_close(store);
}
