#include "db/store/key_index.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db/store/boot.h"
#include "tests/db/faults.h"
#include "tests/db/scratch.h"
#include "tests/support/child.h"

#define STORE_ID 7
#define MANY     INT64_C(20000) /* more than the first four sizes hold */

TestSuite(keyindex, .init = scratch_make, .fini = scratch_remove);

static struct keyindex *open_index(uint64_t id)
{
	struct keyindex *index = keyindex_open(scratch_path("s"), id);
	cr_assert(index != NULL);
	return index;
}

static bool add(struct keyindex *index, int64_t number)
{
	char key[NAME_KEY_SIZE];
	snprintf(key, sizeof(key), "key-%lld", (long long)number);
	return keyindex_add(index, key, number);
}

static void add_up_to(struct keyindex *index, int64_t last)
{
	for (int64_t number = keyindex_covered(index).number + 1; number <= last; number++) {
		cr_assert(add(index, number));
	}
	keyindex_set_covered(index, (struct keyindex_reach){ last, last * 10 });
}

/* How many candidates there are for the key of NUMBER, and whether NUMBER is among them. */
static int candidates(struct keyindex *index, int64_t number, bool *found)
{
	char key[NAME_KEY_SIZE];
	uint64_t position = 0;
	int64_t candidate;
	int count = 0;
	snprintf(key, sizeof(key), "key-%lld", (long long)number);
	for (*found = false; keyindex_next(index, key, &position, &candidate); count++) {
		*found |= candidate == number;
	}
	return count;
}

static bool has(struct keyindex *index, int64_t number)
{
	bool found;
	candidates(index, number, &found);
	return found;
}

/* Whether it has all that it says it covers. */
static bool is_whole(struct keyindex *index)
{
	int64_t last = keyindex_covered(index).number;
	while (last > 0 && has(index, last)) {
		last--;
	}
	return last == 0;
}

Test(keyindex, finds_what_was_added_and_nothing_else)
{
	struct keyindex *index = open_index(STORE_ID);
	add_up_to(index, 100);
	cr_assert(is_whole(index));
	cr_assert_not(has(index, 101));
	keyindex_close(index);
}

Test(keyindex, adds_an_entry_once)
{
	bool found;
	struct keyindex *index = open_index(STORE_ID);
	cr_assert(add(index, 5) && add(index, 5));
	cr_assert_eq(candidates(index, 5, &found), 1);
	cr_assert(found);
	keyindex_close(index);
}

Test(keyindex, gives_all_candidates_of_a_key)
{
	struct keyindex *index = open_index(STORE_ID);
	uint64_t position = 0;
	int64_t first;
	int64_t second;
	cr_assert(keyindex_add(index, "key", 1) && keyindex_add(index, "key", 9));
	cr_assert(keyindex_next(index, "key", &position, &first));
	cr_assert(keyindex_next(index, "key", &position, &second));
	cr_assert_eq(first + second, 10);
	cr_assert_not(keyindex_next(index, "key", &position, &first));
	keyindex_close(index);
}

Test(keyindex, grows_and_is_there_when_opened_again)
{
	struct keyindex *index = open_index(STORE_ID);
	add_up_to(index, MANY);
	keyindex_close(index);
	index = open_index(STORE_ID);
	cr_assert_eq(keyindex_covered(index).number, MANY);
	cr_assert_eq(keyindex_covered(index).made_ns, MANY * 10);
	cr_assert(is_whole(index));
	cr_assert_neq(access(scratch_path("s-keys-new"), F_OK), 0);
	keyindex_close(index);
}

Test(keyindex, that_another_replaced_is_followed)
{
	struct keyindex *one = open_index(STORE_ID);
	struct keyindex *two = open_index(STORE_ID);
	add_up_to(one, MANY);
	cr_assert_eq(keyindex_covered(two).number, MANY);
	cr_assert(is_whole(two));
	cr_assert(keyindex_clear(two));
	cr_assert_eq(keyindex_covered(one).number, 0);
	cr_assert_not(has(one, 1));
	keyindex_close(one);
	keyindex_close(two);
}

Test(keyindex, of_another_store_covers_nothing)
{
	struct keyindex *index = open_index(STORE_ID);
	add_up_to(index, 10);
	keyindex_close(index);
	index = open_index(STORE_ID + 1);
	cr_assert_eq(keyindex_covered(index).number, 0);
	cr_assert_not(has(index, 1));
	keyindex_close(index);
}

static void make_index_of(int64_t last)
{
	struct keyindex *index = open_index(STORE_ID);
	add_up_to(index, last);
	keyindex_close(index);
}

static int64_t covered_when_opened(void)
{
	struct keyindex *index = open_index(STORE_ID);
	int64_t covered = keyindex_covered(index).number;
	cr_assert(is_whole(index));
	keyindex_close(index);
	return covered;
}

/* Changes LENGTH bytes of the file at OFFSET. */
static void damage(long offset, size_t length)
{
	FILE *file = fopen(scratch_path("s-keys"), "r+e");
	cr_assert(file != NULL);
	cr_assert_eq(fseek(file, offset, SEEK_SET), 0);
	while (length-- > 0) {
		fputc('x', file);
	}
	fclose(file);
}

static long offset_of_boot(void)
{
	char bytes[4096];
	char boot[BOOT_SIZE];
	FILE *file = fopen(scratch_path("s-keys"), "re");
	cr_assert(file && boot_read(boot));
	size_t length = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	const char *found = memmem(bytes, length, boot, strlen(boot));
	cr_assert(found != NULL);
	return found - bytes;
}

Test(keyindex, damaged_is_made_anew)
{
	make_index_of(10);
	cr_assert_eq(covered_when_opened(), 10);
	damage(0, 1); /* what it is */
	cr_assert_eq(covered_when_opened(), 0);
	make_index_of(10);
	damage(20000, 20000); /* its entries */
	cr_assert_eq(covered_when_opened(), 0);
	make_index_of(10);
	cr_assert_eq(truncate(scratch_path("s-keys"), 5000), 0);
	cr_assert_eq(covered_when_opened(), 0);
	write_file(scratch_path("s-keys"), "", 0);
	cr_assert_eq(covered_when_opened(), 0);
}

Test(keyindex, of_another_boot_covers_nothing)
{
	make_index_of(10);
	damage(offset_of_boot(), 1);
	cr_assert_eq(covered_when_opened(), 0);
}

Test(keyindex, that_cannot_grow_keeps_what_it_has)
{
	struct keyindex *index = open_index(STORE_ID);
	add_up_to(index, 2000);
	for (int step = 1; step <= 2; step++) {
		fault_at(FAULT_ERROR, step);
		int64_t number = 2001;
		while (number < MANY && add(index, number)) {
			number++;
		}
		fault_at(FAULT_NONE, 0);
		cr_assert(number < MANY, "step %d did not fail", step);
		cr_assert(is_whole(index));
	}
	add_up_to(index, MANY);
	cr_assert(is_whole(index));
	keyindex_close(index);
}

struct killed {
	int step;
	bool clears;
};

/* Fills an index, or clears it, and is killed at a step of that. */
static int change_and_die(void *argument)
{
	const struct killed *killed = argument;
	struct keyindex *index = keyindex_open(scratch_path("s"), STORE_ID);
	fault_at(FAULT_KILL, killed->step);
	if (killed->clears) {
		return !keyindex_clear(index);
	}
	for (int64_t number = keyindex_covered(index).number + 1; number <= MANY; number++) {
		add(index, number);
		keyindex_set_covered(index, (struct keyindex_reach){ number, number * 10 });
	}
	return 0;
}

/* One who has the file mapped, and one who opens it, both find it whole after each death. */
static void survive(bool clears)
{
	struct killed killed = { .step = 1, .clears = clears };
	int ending;
	do {
		unlink(scratch_path("s-keys"));
		struct keyindex *other = open_index(STORE_ID);
		add_up_to(other, 2000);
		ending = child_run(change_and_die, &killed);
		cr_assert(ending == 0 || ending == -SIGKILL);
		cr_assert(covered_when_opened() >= (clears && ending == 0 ? 0 : 2000));
		add_up_to(other, 5000);
		cr_assert(is_whole(other));
		cr_assert_eq(covered_when_opened(), keyindex_covered(other).number);
		keyindex_close(other);
		killed.step++;
	} while (ending == -SIGKILL);
	cr_assert(killed.step > 3, "nothing was killed");
}

Test(keyindex, survives_a_death_at_each_step_of_growing)
{
	survive(false);
}

Test(keyindex, survives_a_death_at_each_step_of_clearing)
{
	survive(true);
}
