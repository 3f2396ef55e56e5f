#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/memory.h"
#include "shared/process/manager.h"
#include "tests/support/child.h"
#include "tests/support/kills.h"

#define ENTRIES 16
#define UPDATES 1000

static struct memory memory;
static struct manager *manager;

static void set_up(void)
{
	memory_init(&memory, "turnstile-test", manager_size(ENTRIES));
	manager = memory.start;
	manager_init(manager, ENTRIES);
}

static void tear_down(void)
{
	memory_finish(&memory);
}

TestSuite(manager, .init = set_up, .fini = tear_down);

static int64_t number_of(const char *name)
{
	struct manager_value value;

	cr_assert_eq(manager_get(manager, name, &value), MANAGER_DONE, "%s", name);
	cr_assert_eq(value.kind, MANAGER_NUMBER);
	return value.number;
}

static const char *text_of(const char *name)
{
	static struct manager_value value;

	cr_assert_eq(manager_get(manager, name, &value), MANAGER_DONE, "%s", name);
	cr_assert_eq(value.kind, MANAGER_TEXT);
	return value.text;
}

Test(manager, gives_back_what_was_set)
{
	struct manager_value value;

	cr_assert_eq(manager_get(manager, "a", &value), MANAGER_MISSING);
	cr_assert_eq(manager_set_number(manager, "a", INT64_MIN), MANAGER_DONE);
	cr_assert_eq(manager_set_text(manager, "b", "zwölf"), MANAGER_DONE);
	cr_assert_eq(number_of("a"), INT64_MIN);
	cr_assert_str_eq(text_of("b"), "zwölf");
	cr_assert_eq(manager_set_text(manager, "a", ""), MANAGER_DONE);
	cr_assert_str_eq(text_of("a"), "");
	cr_assert_eq(manager->length, 2);
}

Test(manager, adds_to_numbers_only_and_within_their_range)
{
	int64_t sum = 0;

	cr_assert_eq(manager_add(manager, "n", 5, &sum), MANAGER_DONE);
	cr_assert_eq(manager_add(manager, "n", -7, &sum), MANAGER_DONE);
	cr_assert_eq(sum, -2);
	manager_set_number(manager, "n", INT64_MAX);
	cr_assert_eq(manager_add(manager, "n", 1, &sum), MANAGER_OVERFLOW);
	cr_assert_eq(sum, -2);
	cr_assert_eq(number_of("n"), INT64_MAX);
	manager_set_text(manager, "n", "5");
	cr_assert_eq(manager_add(manager, "n", 1, NULL), MANAGER_NO_NUMBER);
}

Test(manager, refuses_what_is_too_long_and_takes_what_just_fits)
{
	char text[MANAGER_TEXT_SIZE + 1];
	char name[MANAGER_NAME_SIZE + 1];

	memset(text, 'x', sizeof(text));
	memset(name, 'x', sizeof(name));
	text[MANAGER_TEXT_SIZE] = '\0';
	name[MANAGER_NAME_SIZE] = '\0';
	cr_assert_eq(manager_set_text(manager, "t", text), MANAGER_TOO_LONG);
	cr_assert_eq(manager_set_number(manager, name, 1), MANAGER_TOO_LONG);
	cr_assert_eq(manager_set_number(manager, "", 1), MANAGER_TOO_LONG);
	cr_assert_eq(manager_add(manager, name, 1, NULL), MANAGER_TOO_LONG);
	cr_assert_eq(manager_remove(manager, name), MANAGER_TOO_LONG);
	cr_assert_eq(manager->length, 0);
	text[MANAGER_TEXT_SIZE - 1] = '\0';
	name[MANAGER_NAME_SIZE - 1] = '\0';
	cr_assert_eq(manager_set_text(manager, name, text), MANAGER_DONE);
	cr_assert_str_eq(text_of(name), text);
}

static void set_numbered(int number)
{
	char name[16];

	snprintf(name, sizeof(name), "name %d", number);
	cr_assert_eq(manager_set_number(manager, name, number), MANAGER_DONE);
}

static void remove_numbered(int number)
{
	char name[16];

	snprintf(name, sizeof(name), "name %d", number);
	cr_assert_eq(manager_remove(manager, name), MANAGER_DONE);
	cr_assert_eq(manager_remove(manager, name), MANAGER_MISSING);
}

static void expect_numbered(int number)
{
	char name[16];
	struct manager_value value;

	snprintf(name, sizeof(name), "name %d", number);
	cr_assert_eq(manager_get(manager, name, &value), MANAGER_DONE);
	cr_assert_eq(value.number, number);
}

Test(manager, holds_as_many_entries_as_it_was_made_for_again_and_again)
{
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < ENTRIES; i++) {
			set_numbered(round + i);
		}
		cr_assert_eq(manager_set_number(manager, "one more", 1), MANAGER_FULL);
		cr_assert_eq(manager_add(manager, "one more", 1, NULL), MANAGER_FULL);
		set_numbered(round);
		cr_assert_eq(manager->length, ENTRIES);
		for (int i = 0; i < ENTRIES; i++) {
			expect_numbered(round + i);
		}
		for (int i = 0; i < ENTRIES; i++) {
			remove_numbered(round + (i * 7) % ENTRIES);
		}
		cr_assert_eq(manager->length, 0);
	}
}

static int count_up_and_down(void *argument)
{
	(void)argument;
	for (int i = 0; i < UPDATES; i++) {
		child_check(manager_add(manager, "n", i % 2 == 0 ? 3 : -2, NULL) == MANAGER_DONE);
	}
	return 0;
}

Test(manager, adding_loses_nothing_among_many)
{
	struct child children[4];

	for (size_t i = 0; i < 4; i++) {
		children[i] = child_start(count_up_and_down, NULL);
	}
	for (size_t i = 0; i < 4; i++) {
		cr_assert_eq(child_join(&children[i]), 0);
	}
	cr_assert_eq(number_of("n"), 4 * UPDATES / 2);
}

static int add_in_one_step(void *argument)
{
	(void)argument;
	return manager_add(manager, "n", 1, NULL) == MANAGER_DONE ? 0 : 1;
}

Test(manager, getting_and_setting_in_two_steps_loses_what_came_between)
{
	int64_t before;

	manager_set_number(manager, "n", 10);
	before = number_of("n");
	cr_assert_eq(child_run(add_in_one_step, NULL), 0);
	manager_set_number(manager, "n", before + 1);
	cr_assert_eq(number_of("n"), 11);
}

/* Two texts in turn, a number, and an entry that comes and goes. */
static int change(void *argument)
{
	(void)argument;
	child_check(manager_set_text(manager, "text", "the first of the two texts") ==
		    MANAGER_DONE);
	child_check(manager_set_number(manager, "passing", 7) == MANAGER_DONE);
	child_check(manager_set_text(manager, "text", "THE SECOND OF THE TWO") == MANAGER_DONE);
	child_check(manager_remove(manager, "passing") == MANAGER_DONE);
	return 0;
}

static int change_for_ever(void *argument)
{
	for (;;) {
		change(argument);
	}
	return 0;
}

static void expect_whole(void *argument)
{
	struct manager_value value;
	uint32_t expected = 2;

	(void)argument;
	manager_set_number(manager, "steady", 12);
	if (manager_get(manager, "passing", &value) == MANAGER_DONE) {
		cr_assert_eq(value.number, 7);
		expected++;
	}
	const char *text = text_of("text");
	cr_assert(strcmp(text, "the first of the two texts") == 0 ||
		  strcmp(text, "THE SECOND OF THE TWO") == 0);
	cr_assert_eq(manager->length, expected);
	/* No entry has got lost: just as many as are free can still be taken. */
	for (uint32_t i = expected; i < ENTRIES; i++) {
		set_numbered((int)i);
	}
	cr_assert_eq(manager_set_number(manager, "one more", 1), MANAGER_FULL);
	for (uint32_t i = expected; i < ENTRIES; i++) {
		remove_numbered((int)i);
	}
	manager_set_text(manager, "text", "the first of the two texts");
	manager_remove(manager, "passing");
}

static int change_twice(void *argument)
{
	(void)argument;
	child_check(manager_set_text(manager, "text", "THE SECOND OF THE TWO") == MANAGER_DONE);
	child_check(manager_set_number(manager, "passing", 7) == MANAGER_DONE);
	return 0;
}

/* What one would find who came after a death at this very moment. */
static void expect_text_whole(void *argument)
{
	const struct manager_entry *entry = argument;
	const char *text = entry->values[entry->current].text;

	cr_assert(strcmp(text, "the first of the two texts") == 0 ||
		  strcmp(text, "THE SECOND OF THE TWO") == 0);
}

Test(manager, a_value_is_the_old_or_the_new_at_every_step)
{
	manager_set_text(manager, "text", "the first of the two texts");
	cr_assert(manager->entries[0].used);
	watch_each_step(change_twice, &manager->entries[0], expect_text_whole);
}

Test(manager, killed_at_any_step_a_process_leaves_the_old_or_the_new)
{
	manager_set_text(manager, "text", "the first of the two texts");
	kill_at_steps(change_twice, NULL, expect_whole);
}

Test(manager, killed_at_any_time_a_process_leaves_the_old_or_the_new)
{
	manager_set_text(manager, "text", "the first of the two texts");
	kill_at_random(300, change_for_ever, NULL, expect_whole);
}
