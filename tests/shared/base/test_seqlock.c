#include "shared/base/seqlock.h"

#include <criterion/criterion.h>

#include "shared/base/memory.h"
#include "tests/support/child.h"
#include "tests/support/kills.h"

#define PARTS     8
#define COPIES    20000
#define PAUSE_MAX 256 /* steps between two writings */

/* All its parts are the same, whenever somebody may read it. */
struct guarded {
	_Atomic uint64_t parts[PARTS];
};

struct shared {
	_Atomic uint32_t version;
	struct guarded guarded;
};

static struct memory memory;
static struct shared *shared;

static void set_up(void)
{
	memory_init(&memory, "seqlock-test", sizeof(*shared));
	shared = memory_take(&memory, sizeof(*shared), CACHE_LINE);
}

static void tear_down(void)
{
	memory_finish(&memory);
}

TestSuite(seqlock, .init = set_up, .fini = tear_down);

static void write_all(uint64_t value)
{
	seqlock_write_begin(&shared->version);
	for (int i = 0; i < PARTS; i++) {
		atomic_store_explicit(&shared->guarded.parts[i], value, memory_order_relaxed);
	}
	seqlock_write_end(&shared->version);
}

static bool read_all(struct guarded *copy)
{
	return seqlock_copy(&shared->version, copy, &shared->guarded, sizeof(*copy));
}

static bool is_whole(const struct guarded *copy)
{
	for (int i = 1; i < PARTS; i++) {
		if (copy->parts[i] != copy->parts[0]) {
			return false;
		}
	}
	return true;
}

static int write_for_ever(void *unused)
{
	(void)unused;
	for (uint64_t value = 1;; value++) {
		write_all(value);
		for (volatile int pause = (int)(value % PAUSE_MAX); pause > 0; pause--) {
			/* room for a reader */
		}
	}
	return 0;
}

Test(seqlock, a_copy_is_whole_whoever_writes_meanwhile)
{
	struct child writer = child_start(write_for_ever, NULL);
	struct guarded copy;
	unsigned good = 0;

	cr_expect(eventually(shared->guarded.parts[0] > 0));
	for (int i = 0; i < COPIES; i++) {
		if (read_all(&copy)) {
			good++;
			cr_assert(is_whole(&copy));
		}
	}
	child_kill(&writer);
	cr_expect_gt(good, 0);
}

static int write_once(void *unused)
{
	(void)unused;
	write_all(1);
	return 0;
}

/* The old, the new, or nothing; and the next writer puts it in order. */
static void check_after_death(void *unused)
{
	struct guarded copy;
	bool good = read_all(&copy);

	(void)unused;
	cr_assert_eq(good, shared->version % 2 == 0);
	cr_assert(!good || is_whole(&copy));
	write_all(2);
	cr_assert(read_all(&copy));
	cr_assert(is_whole(&copy));
	cr_assert_eq(copy.parts[0], 2);
	write_all(0);
}

Test(seqlock, a_writer_that_dies_half_way_leaves_nothing_that_is_taken_for_whole)
{
	(void)write_once(NULL);
	kill_at_steps(write_once, NULL, check_after_death);
}

Test(seqlock, a_reader_sees_that_somebody_wrote_also_after_a_dead_writer)
{
	uint32_t before;

	seqlock_write_begin(&shared->version); /* and died */
	before = seqlock_read_begin(&shared->version);
	cr_expect(!seqlock_read_end(&shared->version, before));
	write_all(1);
	cr_expect(!seqlock_read_end(&shared->version, before));
	before = seqlock_read_begin(&shared->version);
	cr_expect(seqlock_read_end(&shared->version, before));
	write_all(2);
	cr_expect(!seqlock_read_end(&shared->version, before));
}
