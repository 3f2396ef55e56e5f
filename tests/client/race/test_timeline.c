#include <criterion/criterion.h>
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "client/race/timeline.h"
#include "client/race/timeline_svg.h"
#include "client/race/timeline_terminal.h"
#include "client/race/timeline_trace.h"
#include "client/race/verdict.h"
#include "shared/base/clock.h"

#define DEPTH_MAX  16
#define SLICES_MAX 64
#define FLOWS_MAX  16

/* Two heats that never were: three buyers, two tickets; without a lock, and with one. */
static struct race race;
static struct race_buyer unlocked[3];
static struct race_buyer locked[3];
static char *text;
static size_t length;

/* What BUYER did, in milliseconds since its heat's start. */
static void fill(struct race_buyer *buyer, enum race_outcome outcome, int64_t left,
		 const int64_t *at_ms)
{
	for (int i = 0; i < RACE_MOMENTS; i++) {
		buyer->at_ns[i] = NS_PER_SECOND + at_ms[i] * NS_PER_MS;
	}
	buyer->outcome = outcome;
	buyer->pid = 4711;
	buyer->left = left;
}

static void fill_heat(size_t number, enum race_strategy strategy, struct race_buyer *buyers,
		      int64_t sold, int64_t counter, int64_t end_ms)
{
	struct race_heat *heat = &race.heats[number];

	*heat = (struct race_heat){ .strategy = strategy,
				    .count = 3,
				    .tickets = 2,
				    .buyers = buyers,
				    .start_ns = NS_PER_SECOND,
				    .end_ns = NS_PER_SECOND + end_ms * NS_PER_MS,
				    .verdict = { .sold = sold, .counter = counter } };
	race_judge(heat);
}

static void make_race(void)
{
	race.plan = (struct race_plan){ .buyers = 3, .tickets = 2, .url = "sqlite:x" };
	race.count = 2;
	fill(&unlocked[0], RACE_BOUGHT, 1, (const int64_t[]){ 0, 1, 100, 100, 101, 199, 200, 200 });
	fill(&unlocked[1], RACE_BOUGHT, 1, (const int64_t[]){ 0, 1, 100, 100, 101, 299, 300, 300 });
	fill(&unlocked[2], RACE_BOUGHT, 0, (const int64_t[]){ 0, 1, 250, 250, 251, 349, 350, 350 });
	fill_heat(0, RACE_NONE, unlocked, 3, 2, 400);
	fill(&locked[0], RACE_BOUGHT, 0, (const int64_t[]){ 0, 1, 100, 200, 201, 299, 300, 300 });
	fill(&locked[1], RACE_BOUGHT, 1, (const int64_t[]){ 0, 1, 110, 110, 111, 199, 200, 200 });
	fill(&locked[2], RACE_SOLD_OUT, 0, (const int64_t[]){ 0, 1, 50, 300, 301, 301, 301, 301 });
	fill_heat(1, RACE_LOCK, locked, 2, 2, 400);
}

static void write_text(void (*write)(const struct race *race, FILE *to))
{
	FILE *file = open_memstream(&text, &length);

	cr_assert_not_null(file);
	write(&race, file);
	cr_assert_eq(fclose(file), 0);
}

static void free_text(void)
{
	free(text);
	text = NULL;
}

TestSuite(timeline, .init = make_race, .fini = free_text);

static unsigned count_of(const char *part)
{
	unsigned count = 0;

	for (const char *at = strstr(text, part); at; at = strstr(at + 1, part)) {
		count++;
	}
	return count;
}

Test(timeline, the_verdict_follows_from_the_moments)
{
	const struct race_verdict *none = &race.heats[0].verdict;
	const struct race_verdict *lock = &race.heats[1].verdict;

	cr_expect_eq(none->oversold, 1);
	cr_expect_eq(none->lost, 1);
	cr_expect_eq(none->critical_ns, 400 * NS_PER_MS);
	cr_expect_eq(none->longest_wait_ns, 0);
	cr_expect(unlocked[2].oversold && !unlocked[0].oversold && !unlocked[1].oversold);
	/* All three until 200, two until 300, and then one: 300 of 400 ms. */
	cr_expect_float_eq(none->parallel, 0.75, 0.001);
	cr_expect_eq(lock->oversold, 0);
	cr_expect_eq(lock->longest_wait_ns, 250 * NS_PER_MS);
	/* Buyer 2 came last and was first; buyer 3 came first and was last. */
	cr_expect_eq(lock->overtakes, 3);
	cr_expect_eq(lock->served, 3);
	cr_expect(lock->order[0] == 1 && lock->order[1] == 0 && lock->order[2] == 2);
}

static const char expected[] =
	"\n"
	"none: nothing around the purchase: 3 sold of 2: 1 too many\n"
	"buyer  1 ----------##########                     2 -> 1\n"
	"buyer  2 ----------####################           2 -> 1\n"
	"buyer  3 -------------------------XXXXXXXXXX      1 -> 0 !\n"
	"         0         0.1       0.2       0.3      0.4 s\n"
	"\n"
	"lock: one lock around the purchase: 2 sold of 2, each once\n"
	"buyer  1 ----------::::::::::##########           1 -> 0\n"
	"buyer  2 -----------#########                     2 -> 1\n"
	"buyer  3 -----:::::::::::::::::::::::::#          sold out\n"
	"         0         0.1       0.2       0.3      0.4 s\n"
	". not started yet  - search  : waiting  # critical section  X sold too many\n";

static void print_plain(const struct race *shown, FILE *to)
{
	const struct terminal_style style = { .columns = 63 };

	timeline_print(shown, &style, to);
}

static void print_colourful(const struct race *shown, FILE *to)
{
	const struct terminal_style style = { .columns = 80, .colour = true, .unicode = true };

	timeline_print(shown, &style, to);
}

static void print_standard(const struct race *shown, FILE *to)
{
	const struct terminal_style style = { .columns = 80 };

	timeline_print(shown, &style, to);
}

Test(timeline, plain_text_is_as_it_ever_was)
{
	write_text(print_plain);
	cr_expect_str_eq(text, expected, "it is now:\n%s", text);
}

Test(timeline, no_line_is_longer_than_80_columns)
{
	write_text(print_standard);
	cr_expect_null(strchr(text, '\033'));
	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
		cr_expect_leq(strcspn(line, "\n"), 80, "%.*s", (int)strcspn(line, "\n"), line);
	}
}

Test(timeline, colours_end_where_they_began)
{
	write_text(print_colourful);
	cr_expect_not_null(strstr(text, "\033[1;31m▓"));
	cr_expect_not_null(strstr(text, "\033[32m█"));
	for (const char *end = strchr(text, '\n'); end; end = strchr(end + 1, '\n')) {
		const char *colour = end;
		while (colour > text && *colour != '\033') {
			colour--;
		}
		cr_expect(colour == text || strncmp(colour, "\033[0m", 4) == 0);
	}
}

/* Takes an attribute: ' name="value"'. */
static const char *take_attribute(const char *at)
{
	size_t name = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

	cr_assert(name > 0 && at[name] == '=' && at[name + 1] == '"', "no attribute: %.30s", at);
	const char *value = at + name + 2;
	size_t inside = strcspn(value, "\"<");
	cr_assert_eq(value[inside], '"', "no end of the value: %.30s", at);
	return value + inside + 1;
}

/* Walks the whole as XML: every element has its end, in order, and every attribute its quotes. */
static unsigned walk_xml(const char *at)
{
	char open[DEPTH_MAX][32];
	unsigned depth = 0;
	unsigned elements = 0;

	for (at = strchr(at, '<'); at; at = strchr(at, '<')) {
		char name[32] = "";
		bool closing = at[1] == '/';
		at += closing ? 2 : 1;
		size_t size = strcspn(at, " />\n");
		cr_assert(size > 0 && size < sizeof(name) && depth < DEPTH_MAX);
		memcpy(name, at, size);
		at += size;
		while (isspace((unsigned char)*at)) {
			at = take_attribute(at + 1);
		}
		if (closing) {
			cr_assert(depth > 0 && strcmp(open[--depth], name) == 0, "</%s>", name);
		} else if (*at == '>') {
			memcpy(open[depth++], name, sizeof(name));
		} else {
			cr_assert_eq(*at++, '/', "<%s", name);
		}
		cr_assert_eq(*at, '>', "<%s", name);
		elements++;
	}
	cr_assert_eq(depth, 0);
	return elements;
}

Test(timeline, the_picture_is_well_formed_and_needs_nothing_else)
{
	write_text(timeline_write_svg);
	cr_expect_gt(walk_xml(text), 50);
	cr_expect_eq(strncmp(text, "<svg xmlns=\"http://www.w3.org/2000/svg\"", 39), 0);
	cr_expect_eq(count_of("http"), 1);
	cr_expect_eq(count_of("<script") + count_of("<image") + count_of("@import"), 0);
	cr_expect_eq(count_of("prefers-color-scheme:dark"), 1);
}

Test(timeline, the_picture_has_a_bar_for_each_phase)
{
	write_text(timeline_write_svg);
	/* One more of each stands in the legend. */
	cr_expect_eq(count_of("<rect class=\"search\""), 6 + 1);
	cr_expect_eq(count_of("<rect class=\"critical\""), 5 + 1);
	cr_expect_eq(count_of("<rect class=\"oversold\""), 1 + 1);
	cr_expect_eq(count_of("<rect class=\"wait\""), 2 + 1);
	cr_expect_eq(count_of("1 → 0, too many"), 1);
	cr_expect_eq(count_of("3 sold of 2: 1 too many"), 1);
}

struct slice {
	int64_t process, thread;
	double from, to;
};

static json_t *events(json_t **whole)
{
	json_error_t error;

	write_text(timeline_write_trace);
	*whole = json_loads(text, 0, &error);
	cr_assert_not_null(*whole, "line %d: %s", error.line, error.text);
	json_t *list = json_object_get(*whole, "traceEvents");
	cr_assert_gt(json_array_size(list), 0);
	return list;
}

static const char *kind_of(const json_t *event)
{
	return json_string_value(json_object_get(event, "ph"));
}

static double number_of(const json_t *event, const char *name)
{
	const json_t *value = json_object_get(event, name);

	cr_assert(json_is_number(value), "an event lacks %s", name);
	return json_number_value(value);
}

static size_t list_slices(const json_t *list, struct slice *slices)
{
	size_t count = 0;
	size_t i;
	json_t *event;

	json_array_foreach(list, i, event)
	{
		if (strcmp(kind_of(event), "X") != 0) {
			continue;
		}
		cr_assert_lt(count, SLICES_MAX);
		double from = number_of(event, "ts");
		slices[count++] = (struct slice){
			.process = (int64_t)number_of(event, "pid"),
			.thread = (int64_t)number_of(event, "tid"),
			.from = from,
			.to = from + number_of(event, "dur"),
		};
	}
	return count;
}

static bool same_thread(const struct slice *one, const struct slice *other)
{
	return one->process == other->process && one->thread == other->thread;
}

static bool nest_or_part(const struct slice *one, const struct slice *other)
{
	const double least = 0.0005; /* the last digit is a thousandth */
	bool apart = one->to <= other->from + least || other->to <= one->from + least;
	bool outer = one->from <= other->from + least && other->to <= one->to + least;
	bool inner = other->from <= one->from + least && one->to <= other->to + least;

	return apart || outer || inner;
}

Test(timeline, slices_of_the_trace_nest)
{
	struct slice slices[SLICES_MAX];
	json_t *whole;
	size_t count = list_slices(events(&whole), slices);

	/* Six buyers: a search and its two steps, a purchase and its three; two waits; the one who
	 * finds nothing only reads. */
	cr_expect_eq(count, 6 * 7 + 2 - 2);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = i + 1; j < count; j++) {
			if (same_thread(&slices[i], &slices[j])) {
				cr_expect(nest_or_part(&slices[i], &slices[j]));
			}
		}
	}
	json_decref(whole);
}

Test(timeline, every_arrow_of_the_trace_has_both_ends_and_goes_forward)
{
	unsigned starts = 0;
	size_t i;
	json_t *whole;
	json_t *event;
	json_t *list = events(&whole);
	double begun[FLOWS_MAX] = { 0 };
	unsigned ends = 0;

	json_array_foreach(list, i, event)
	{
		const char *kind = kind_of(event);
		if (strcmp(kind, "s") != 0 && strcmp(kind, "f") != 0) {
			continue;
		}
		size_t id = (size_t)number_of(event, "id");
		cr_assert(id > 0 && id < FLOWS_MAX);
		if (*kind == 's') {
			cr_expect_eq(begun[id], 0, "two arrows of one id");
			begun[id] = number_of(event, "ts");
			starts++;
		} else {
			cr_expect(begun[id] > 0 && begun[id] <= number_of(event, "ts"));
			ends++;
		}
	}
	/* Under the lock two came in when another left. */
	cr_expect_eq(starts, 2);
	cr_expect_eq(ends, 2);
	json_decref(whole);
}

Test(timeline, the_trace_names_processes_and_threads_and_counts)
{
	json_t *whole;

	events(&whole);
	cr_expect_eq(count_of("\"process_name\""), 2);
	cr_expect_eq(count_of("\"thread_name\""), 6);
	cr_expect_eq(count_of("buyer 2 (process 4711)"), 2);
	cr_expect_eq(count_of("\"name\":\"tickets left\""), 2 + 5);
	cr_expect_gt(count_of("{\"waiting\":2}"), 0);
	cr_expect_eq(count_of("{\"waiting\":3}"), 0);
	json_decref(whole);
}

Test(timeline, marks_of_the_scale_are_round_and_not_too_many)
{
	cr_expect_eq(timeline_step_ns(3170 * NS_PER_MS, 9), 500 * NS_PER_MS);
	cr_expect_eq(timeline_step_ns(NS_PER_SECOND, 9), 200 * NS_PER_MS);
	for (int64_t longest_ns = NS_PER_MS; longest_ns < 1000 * NS_PER_SECOND; longest_ns *= 3) {
		cr_expect_lt(longest_ns / timeline_step_ns(longest_ns, 9), 9);
	}
}
