#include "client/rush/tally.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "shared/text/text.h"

#define EVERY_SERVER UINT_MAX

static void settle(struct rush_tally *tally, struct rush_buyer *buyer, enum rush_fate fate,
		   int64_t now_ns)
{
	buyer->fate = fate;
	buyer->settled_ns = now_ns;
	tally->settled++;
	tally->sold += fate == RUSH_SOLD;
	tally->refused += fate == RUSH_REFUSED;
	tally->errors += fate == RUSH_ERROR;
}

/* Keeps the first error's words, fit for a terminal. */
static void note_problem(struct rush_tally *tally, struct span line)
{
	char clean[RUSH_PROBLEM_SIZE * TEXT_GROWTH];

	if (tally->problem[0] != '\0') {
		return;
	}
	if (line.length >= RUSH_PROBLEM_SIZE) {
		line.length = RUSH_PROBLEM_SIZE - 1;
	}
	size_t length = text_clean(line.text, line.length, clean);
	length = text_cut(clean, length, RUSH_PROBLEM_SIZE - 1);
	memcpy(tally->problem, clean, length);
	tally->problem[length] = '\0';
}

/* "+booked CODE EVENT QTY" */
static bool take_code(struct rush_buyer *buyer, struct span line)
{
	struct span rest = line;

	if (!span_equals(words_next(&rest), "+booked")) {
		return false;
	}
	struct span code = words_next(&rest);
	if (!code_is_well_formed(code) || code.length != CODE_SIZE - 1) {
		return false;
	}
	memcpy(buyer->code, code.text, code.length);
	buyer->code[code.length] = '\0';
	return true;
}

/* Worth asking again: either nothing was done, or the same key finds what was done. */
static bool is_passing(struct span line)
{
	return span_starts(line, "-BUSY") || span_starts(line, "-RATE") ||
	       span_starts(line, "-INTERRUPTED");
}

bool rush_tally_answer(struct rush_tally *tally, struct rush_buyer *buyer, struct span line,
		       int64_t now_ns)
{
	if (is_passing(line)) {
		return false;
	}
	if (take_code(buyer, line)) {
		settle(tally, buyer, RUSH_SOLD, now_ns);
	} else if (span_starts(line, "-SOLDOUT") || span_starts(line, "-CLOSED")) {
		settle(tally, buyer, RUSH_REFUSED, now_ns);
	} else {
		note_problem(tally, line);
		settle(tally, buyer, RUSH_ERROR, now_ns);
	}
	return true;
}

void rush_tally_give_up(struct rush_tally *tally, const char *why)
{
	for (unsigned i = 0; i < tally->count; i++) {
		struct rush_buyer *buyer = &tally->buyers[i];
		if (buyer->fate != RUSH_UNKNOWN) {
			continue;
		}
		note_problem(tally, span_of(why));
		settle(tally, buyer, RUSH_ERROR, buyer->asked_ns);
	}
}

static int compare_codes(const void *one, const void *other)
{
	return memcmp(one, other, CODE_SIZE);
}

static uint64_t count_doubles(const struct rush_tally *tally, char (*codes)[CODE_SIZE])
{
	uint64_t doubles = 0;
	size_t count = 0;

	for (unsigned i = 0; i < tally->count; i++) {
		if (tally->buyers[i].fate == RUSH_SOLD) {
			memcpy(codes[count++], tally->buyers[i].code, CODE_SIZE);
		}
	}
	qsort(codes, count, CODE_SIZE, compare_codes);
	for (size_t i = 1; i < count; i++) {
		doubles += compare_codes(codes[i - 1], codes[i]) == 0;
	}
	return doubles;
}

static int compare_times(const void *one, const void *other)
{
	const int64_t *a = one;
	const int64_t *b = other;

	return (*a > *b) - (*a < *b);
}

/* Of the buyers at one server, or at EVERY_SERVER. */
static struct rush_times measure(const struct rush_tally *tally, unsigned server, int64_t *times_ns)
{
	size_t count = 0;

	for (unsigned i = 0; i < tally->count; i++) {
		const struct rush_buyer *buyer = &tally->buyers[i];
		if ((buyer->fate == RUSH_SOLD || buyer->fate == RUSH_REFUSED) &&
		    (server == EVERY_SERVER || buyer->server == server)) {
			times_ns[count++] = buyer->settled_ns - buyer->asked_ns;
		}
	}
	if (count == 0) {
		return (struct rush_times){ 0 };
	}
	qsort(times_ns, count, sizeof(times_ns[0]), compare_times);
	return (struct rush_times){ times_ns[(count - 1) / 2], times_ns[(count - 1) * 99 / 100],
				    times_ns[count - 1] };
}

static void share_out(struct rush_figures *figures, const struct rush_tally *tally,
		      int64_t *times_ns)
{
	for (unsigned i = 0; i < tally->count; i++) {
		const struct rush_buyer *buyer = &tally->buyers[i];
		struct rush_share *share = &figures->shares[buyer->server];
		share->sold += buyer->fate == RUSH_SOLD;
		share->refused += buyer->fate == RUSH_REFUSED;
		share->errors += buyer->fate == RUSH_ERROR;
	}
	for (unsigned i = 0; i < figures->server_count; i++) {
		figures->shares[i].times = measure(tally, i, times_ns);
	}
}

bool rush_figures_make(struct rush_figures *figures, const struct rush_tally *tally,
		       unsigned server_count, int64_t elapsed_ns)
{
	char(*codes)[CODE_SIZE] = calloc(tally->count, CODE_SIZE);
	int64_t *times_ns = calloc(tally->count, sizeof(times_ns[0]));
	bool good = codes && times_ns;

	*figures = (struct rush_figures){ .unknown = tally->count - tally->settled,
					  .server_count = server_count };
	if (good) {
		figures->doubles = count_doubles(tally, codes);
		figures->times = measure(tally, EVERY_SERVER, times_ns);
		share_out(figures, tally, times_ns);
	}
	if (elapsed_ns > 0) {
		figures->per_second = (tally->sold + tally->refused) * 1e9 / (double)elapsed_ns;
	}
	free(codes);
	free(times_ns);
	return good;
}
