/* Where renames were told: known to whoever comes after, whenever the one before ended. */
#include "server/state/told.h"

#include <criterion/criterion.h>
#include <string.h>

#include "shared/base/memory.h"
#include "tests/support/child.h"

#define FIRST 5

static struct memory memory;
static struct told *told;

static void init(void)
{
	memory_init(&memory, "test", sizeof(*told));
	told = memory.start;
}

TestSuite(told, .init = init, .timeout = 120);

/* The place has the rename before it, which was told in three rooms. */
static void prepare(void)
{
	memset(told, 0, sizeof(*told));
	for (uint16_t room = 1; room <= 3; room++) {
		told_note(told, FIRST, room);
	}
}

static int note_two_rooms(void *unused)
{
	(void)unused;
	told_note(told, FIRST + TOLD_RENAMES, 7);
	told_note(told, FIRST + TOLD_RENAMES, 8);
	return 0;
}

static void expect_rooms(const struct told_rename *rename, uint16_t first, uint16_t most)
{
	cr_assert_leq(rename->room_count, most);
	for (uint16_t i = 0; i < rename->room_count; i++) {
		cr_assert_eq(rename->rooms[i], first + i, "it was not told in room %u",
			     rename->rooms[i]);
	}
}

static void look(const struct child *dead)
{
	(void)dead;
	expect_rooms(told_find(told, FIRST), 1, 3);
	expect_rooms(told_find(told, FIRST + TOLD_RENAMES), 7, 2);
}

Test(told, whenever_who_notes_it_dies_it_says_no_room_too_many)
{
	prepare();
	note_two_rooms(NULL);
	expect_rooms(told_find(told, FIRST + TOLD_RENAMES), 7, 2);
	cr_expect_eq(told_find(told, FIRST + TOLD_RENAMES)->room_count, 2);
	cr_expect_eq(told_find(told, FIRST)->room_count, 0, "it was too long ago");
	child_kill_everywhere(note_two_rooms, prepare, look);
}
