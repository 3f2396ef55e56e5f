#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/memory.h"
#include "tests/support/child.h"

#define LENGTH (64 * 1024)

static struct memory memory;

static void set_up(void)
{
	memory_init(&memory, "turnstile-test", LENGTH);
}

static void tear_down(void)
{
	memory_finish(&memory);
}

TestSuite(memory, .init = set_up, .fini = tear_down);

Test(memory, is_zeroed)
{
	const unsigned char *bytes = memory.start;

	for (size_t i = 0; i < LENGTH; i++) {
		cr_assert_eq(bytes[i], 0);
	}
}

static int write_seven(void *argument)
{
	*(volatile int *)argument = 7;
	return 0;
}

Test(memory, is_shared_with_a_child_at_the_same_address)
{
	volatile int *number = memory_take(&memory, sizeof(int), sizeof(int));

	cr_assert_eq(child_run(write_seven, (void *)(uintptr_t)number), 0);
	cr_assert_eq(*number, 7);
}

Test(memory, pieces_are_aligned_and_apart)
{
	unsigned char *a = memory_take(&memory, 3, 1);
	unsigned char *b = memory_take(&memory, 100, CACHE_LINE);
	unsigned char *c = memory_take(&memory, 8, 8);

	cr_assert_eq((uintptr_t)b % CACHE_LINE, 0);
	cr_assert_eq((uintptr_t)c % 8, 0);
	cr_assert_geq(b, a + 3);
	cr_assert_geq(c, b + 100);
}

static int take_too_much(void *argument)
{
	const size_t *length = argument;

	memory_take(&memory, *length, 8);
	return 0;
}

Test(memory, taking_all_works_and_more_is_a_bug)
{
	size_t too_much[] = { LENGTH + 1, SIZE_MAX };
	char text[512];

	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(child_run_caught(take_too_much, &too_much[i], STDERR_FILENO, text,
					      sizeof(text)),
			     -SIGABRT);
	}
	cr_assert_eq(memory_take(&memory, LENGTH, 8), memory.start);
}

Test(memory, discards_whole_pages_only)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *bytes = memory.start;

	memset(bytes, 1, LENGTH);
	memory_discard(bytes + 1, 3 * page);
	for (size_t i = 0; i < LENGTH; i++) {
		cr_assert_eq(bytes[i], i < page || i >= 3 * page, "byte %zu", i);
	}
	memory_discard(bytes + 3 * page + 1, page);
	cr_assert_eq(bytes[3 * page + 1], 1, "there was no whole page in it");
}

static int open_behind(const void *start, size_t length)
{
	char path[128];
	uintptr_t from = (uintptr_t)start;

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", from, from + length);
	return open(path, O_RDWR | O_CLOEXEC);
}

Test(memory, cannot_be_made_shorter_or_longer)
{
	int file = open_behind(memory.start, LENGTH);

	if (file < 0) {
		cr_skip_test("only root may open what is mapped");
	}
	cr_assert_neq(ftruncate(file, 0), 0);
	cr_assert_eq(errno, EPERM);
	cr_assert_neq(ftruncate(file, 2L * LENGTH), 0);
	cr_assert_eq(errno, EPERM);
	close(file);
}
