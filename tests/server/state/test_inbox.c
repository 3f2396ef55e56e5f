#include "server/state/inbox.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/log.h"
#include "tests/support/child.h"

#define WORKERS 3
#define ROUNDS  20000

static struct memory memory;
static struct inboxes *inboxes;
static struct hand hand;

static void init(void)
{
	log_start("test", LOG_ERROR, LOG_TEXT);
	memory_init(&memory, "test", inboxes_size(WORKERS));
	inboxes = inboxes_create(&memory, WORKERS);
	inboxes_use(inboxes, WORKERS);
}

static void finish(void)
{
	memory_finish(&memory);
}

TestSuite(inbox, .init = init, .fini = finish, .timeout = 60);

static bool put(uint32_t from, uint32_t to, const char *text)
{
	const struct address address = { .worker = to, .seat = 7, .session = 42 };

	return inbox_put(inboxes, from, address, LETTER_MESSAGE,
			 &(struct message){ .kind = MESSAGE_NOTICE,
					    .nick = { "", 0 },
					    .text = span_of(text) });
}

/* What was read, as "text text " */
static char seen[1 << 20];
static size_t seen_length;

static void see(void *context, const struct letter *letter)
{
	(void)context;
	cr_assert_eq(letter->seat, 7);
	cr_assert_eq(letter->session, 42);
	cr_assert_lt(seen_length + letter->text_length + 1, sizeof(seen));
	memcpy(seen + seen_length, letter->bytes, letter->text_length);
	seen_length += letter->text_length;
	seen[seen_length++] = ' ';
}

static const char *drain(uint32_t worker)
{
	seen_length = 0;
	inbox_drain(inboxes, worker, &hand, see, NULL);
	seen[seen_length] = '\0';
	return seen;
}

Test(inbox, letters_come_to_whom_they_are_for_and_once)
{
	cr_expect(!inbox_has_news(inboxes, 1));
	cr_expect(put(0, 1, "a"));
	cr_expect(put(2, 1, "b"));
	cr_expect(put(1, 1, "c"), "to oneself, too");
	cr_expect(inbox_has_news(inboxes, 1));
	cr_expect(!inbox_has_news(inboxes, 0));
	cr_expect_str_eq(drain(0), "");
	cr_expect_str_eq(drain(1), "a c b ");
	cr_expect(!inbox_has_news(inboxes, 1));
	cr_expect_str_eq(drain(1), "");
}

Test(inbox, letters_of_one_sender_keep_their_order)
{
	char text[16], expected[1024] = "";

	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%d", i);
		cr_assert(put(0, 1, text));
		snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%d ",
			 i);
	}
	cr_expect_str_eq(drain(1), expected);
}

Test(inbox, one_that_is_full_refuses_and_takes_more_when_it_was_read)
{
	static char text[INBOX_TEXT_MAX + 1];
	unsigned count = 0;

	memset(text, 'x', INBOX_TEXT_MAX);
	while (put(0, 1, text)) {
		cr_assert_lt(++count, 1000);
	}
	cr_expect_gt(count, 4);
	cr_expect(put(2, 1, "another sender's is not full"));
	cr_expect(put(0, 2, "nor another receiver's"));
	drain(1);
	cr_expect_eq(seen_length, count * (INBOX_TEXT_MAX + 1) + 29);
	for (int i = 0; i < 10 * (int)count; i++) { /* round and round */
		cr_assert(put(0, 1, text));
		drain(1);
		cr_assert_eq(seen_length, INBOX_TEXT_MAX + 1);
	}
}

/* What a worker put in and had no time to announce, its successor announces. */
Test(inbox, letters_of_the_dead_are_announced_by_the_successor)
{
	cr_expect(put(0, 1, "will"));
	inboxes->news[1].senders = 0; /* as if it had died right before */
	cr_expect_str_eq(drain(1), "");
	inbox_announce(inboxes, 0);
	cr_expect_str_eq(drain(1), "will ");
	cr_expect_str_eq(drain(2), "");
}

/* Two that write while one reads: each one's letters all come, in order. */

static int write_all(void *argument)
{
	const uint32_t *from = argument;
	char text[32];

	for (int i = 0; i < ROUNDS; i++) {
		snprintf(text, sizeof(text), "%u:%d", *from, i);
		while (!put(*from, 1, text)) {
			clock_sleep(NS_PER_US);
		}
	}
	return 0;
}

static int next[WORKERS];

static void count(void *context, const struct letter *letter)
{
	unsigned from;
	int number;
	char text[32] = "";

	(void)context;
	memcpy(text, letter->bytes, letter->text_length);
	cr_assert_eq(sscanf(text, "%u:%d", &from, &number), 2);
	cr_assert_eq(number, next[from]++);
}

static bool all_came(void)
{
	if (inbox_has_news(inboxes, 1)) {
		inbox_drain(inboxes, 1, &hand, count, NULL);
	}
	return next[0] == ROUNDS && next[2] == ROUNDS;
}

Test(inbox, letters_put_in_while_others_are_read_all_come_in_order)
{
	uint32_t first = 0, third = 2;
	struct child a = child_start(write_all, &first);
	struct child b = child_start(write_all, &third);

	cr_expect(eventually(all_came()), "%d and %d came", next[0], next[2]);
	cr_expect_eq(child_join(&a), 0);
	cr_expect_eq(child_join(&b), 0);
}

/*
 * A sender killed at any step: its letter is there whole, or never was; others' come all the same.
 */

static int put_three(void *argument)
{
	(void)argument;
	return put(0, 1, "one") && put(0, 1, "two") && put(0, 1, "three") ? 0 : 1;
}

static void empty(void)
{
	inbox_announce(inboxes, 0);
	drain(1);
}

static void look(const struct child *dead)
{
	static const char *const whole[] = { "", "one ", "one two ", "one two three " };
	bool found = false;

	(void)dead;
	inbox_announce(inboxes, 0);
	drain(1);
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		found |= strcmp(seen, whole[i]) == 0;
	}
	cr_assert(found, "'%s'", seen);
	cr_assert(put(2, 1, "other"));
	cr_assert(put(0, 1, "heir"));
	drain(1);
	cr_assert_str_eq(seen, "heir other ");
}

Test(inbox, killed_at_any_step_a_sender_leaves_whole_letters_and_no_hindrance)
{
	cr_assert_eq(put_three(NULL), 0);
	empty();
	child_kill_everywhere(put_three, empty, look);
}
