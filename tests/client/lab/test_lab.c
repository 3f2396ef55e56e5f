/* How experiments count what does not hold, and what they make of their notes. */
#include <criterion/criterion.h>

#include "client/lab/report.h"
#include "client/lab/timeline.h"

static struct lab lab;

static void set_up(void)
{
	lab = (struct lab){ .name = "test" };
	memory_init(&lab.memory, "test", 1 << 20);
	lab.timeline = lab_share(&lab, sizeof(*lab.timeline));
}

static void tear_down(void)
{
	memory_finish(&lab.memory);
}

TestSuite(lab, .init = set_up, .fini = tear_down);

Test(lab, a_fact_that_does_not_hold_counts)
{
	lab_expect(&lab, true, "this");
	cr_expect_eq(lab.wrong, 0);
	lab_expect(&lab, false, "that, %d", 1);
	lab_expect(&lab, true, "more");
	cr_expect_eq(lab.wrong, 1);
	cr_assert_eq(lab.fact_count, 3);
	cr_expect(lab.facts[0].holds && !lab.facts[1].holds && lab.facts[2].holds);
	cr_expect_str_eq(lab.facts[1].text, "that, 1");
}

static void put_span(unsigned row, enum lab_doing doing, int64_t from_ns, int64_t to_ns)
{
	uint32_t index = atomic_fetch_add(&lab.timeline->count, 1);

	lab.timeline->spans[index] = (struct lab_span){ lab.timeline->parts - 1,
							row,
							doing,
							"x",
							lab.timeline->list[0].start_ns + from_ns,
							lab.timeline->list[0].start_ns + to_ns };
}

Test(lab, one_that_begins_when_another_ends_is_not_at_work_with_it)
{
	lab_part(&lab, "part", "row");
	put_span(0, LAB_WORKS, 0, 10);
	put_span(1, LAB_WAITS, 0, 10);
	put_span(1, LAB_WORKS, 10, 20);
	cr_expect_eq(lab_most_at_once(&lab, 0), 1);
	cr_expect_eq(lab_part_ns(&lab, 0), 20);
}

Test(lab, those_whose_work_overlaps_are_counted)
{
	lab_part(&lab, "part", "row");
	put_span(0, LAB_WORKS, 0, 10);
	put_span(1, LAB_WORKS, 9, 20);
	put_span(2, LAB_WORKS, 9, 30);
	put_span(3, LAB_WORKS, 25, 30);
	cr_expect_eq(lab_most_at_once(&lab, 0), 3);
}

Test(lab, parts_are_counted_apart)
{
	lab_part(&lab, "first", "row");
	put_span(0, LAB_WORKS, 0, 10);
	lab_part(&lab, "second", "row");
	put_span(0, LAB_WORKS, 0, 10);
	cr_expect_eq(lab_most_at_once(&lab, 0), 1);
	cr_expect_eq(lab_most_at_once(&lab, 1), 1);
}

Test(lab, notes_beyond_the_limit_are_left_out)
{
	lab_part(&lab, "part", "row");
	for (unsigned i = 0; i < LAB_SPANS_MAX + 10; i++) {
		lab_note(&lab, 0, LAB_WAITS, "x", clock_monotonic_ns());
	}
	cr_expect_eq(lab_most_at_once(&lab, 0), 0);
	cr_expect_gt(lab_part_ns(&lab, 0), 0);
}
