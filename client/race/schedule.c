#include "client/race/schedule.h"

#include <inttypes.h>
#include <string.h>

#include "shared/text/words.h"

#define LETTERS "lrwux"

/* "1r": false when it is anything else. */
static bool read_step(struct span word, struct race_step *step)
{
	int64_t buyer;

	if (word.length < 2 || !strchr(LETTERS, word.text[word.length - 1]) ||
	    !words_number((struct span){ word.text, word.length - 1 }, 1, MODEL_BUYERS_MAX,
			  &buyer)) {
		return false;
	}
	*step = (struct race_step){ (unsigned)buyer - 1, word.text[word.length - 1] };
	return true;
}

bool schedule_read(struct race_schedule *schedule, const char *text, char *problem)
{
	struct span rest = span_of(text);

	schedule->count = 0;
	for (struct span word = words_next(&rest); word.length > 0; word = words_next(&rest)) {
		if (schedule->count == SCHEDULE_STEPS_MAX) {
			snprintf(problem, SCHEDULE_PROBLEM_SIZE, "must be of %d steps at most",
				 SCHEDULE_STEPS_MAX);
			return false;
		}
		if (!read_step(word, &schedule->steps[schedule->count])) {
			snprintf(problem, SCHEDULE_PROBLEM_SIZE,
				 "step %zu: must be a buyer from 1 to %d and one of l (takes the "
				 "lock), r (reads), w (writes), u (gives it back), x (is killed), "
				 "such as 1r",
				 schedule->count + 1, MODEL_BUYERS_MAX);
			return false;
		}
		schedule->count++;
	}
	if (schedule->count == 0) {
		snprintf(problem, SCHEDULE_PROBLEM_SIZE, "must have steps, such as 1r 2r 1w 2w");
	}
	return schedule->count > 0;
}

unsigned schedule_buyers(const struct race_schedule *schedule)
{
	unsigned most = 0;

	for (size_t i = 0; i < schedule->count; i++) {
		unsigned buyer = schedule->steps[i].buyer + 1;
		most = buyer > most ? buyer : most;
	}
	return most;
}

bool schedule_takes_lock(const struct race_schedule *schedule)
{
	for (size_t i = 0; i < schedule->count; i++) {
		if (schedule->steps[i].letter == 'l') {
			return true;
		}
	}
	return false;
}

bool schedule_follow(const struct race_schedule *schedule, struct model *model, char *problem)
{
	char reason[MODEL_REASON_SIZE];

	for (size_t i = 0; i < schedule->count; i++) {
		struct race_step step = schedule->steps[i];
		if (!model_take(model, step, reason)) {
			snprintf(problem, SCHEDULE_PROBLEM_SIZE, "step %zu, %u%c: %s", i + 1,
				 step.buyer + 1, step.letter, reason);
			return false;
		}
	}
	return true;
}

static void print_write(const struct model *model, const struct model_buyer *buyer, FILE *to)
{
	if (!buyer->bought) {
		fputs("read that none is left, and buys nothing", to);
		return;
	}
	fprintf(to,
		"read %" PRId64 ", so sells one and writes %" PRId64 " left: %" PRId64 " sold%s",
		buyer->read, model->left, model->sold,
		model_oversold(model) ? ", one too many" : "");
}

void schedule_print_step(const struct model *model, struct race_step step, FILE *to)
{
	const struct model_buyer *buyer = &model->buyer[step.buyer];

	fprintf(to, "  %u%c   buyer %u ", step.buyer + 1, step.letter, step.buyer + 1);
	switch (step.letter) {
	case 'l': fputs("goes in", to); break;
	case 'r': fprintf(to, "reads %" PRId64 " left", buyer->read); break;
	case 'w': print_write(model, buyer, to); break;
	case 'u': fputs("goes out", to); break;
	default: fputs("is killed", to); break;
	}
	fputc('\n', to);
}
