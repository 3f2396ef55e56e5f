#include "client/race/model.h"

#include <stdio.h>

struct model model_start(enum race_strategy strategy, unsigned buyers, int64_t tickets)
{
	return (struct model){
		.strategy = strategy, .buyers = buyers, .tickets = tickets, .left = tickets
	};
}

/* Whether one has to go in, and out. */
static bool is_guarded(const struct model *model)
{
	return model->strategy == RACE_LOCK || model->strategy == RACE_SEMAPHORE;
}

bool model_ended(const struct model *model, unsigned buyer)
{
	return model->buyer[buyer].place >= MODEL_DONE;
}

bool model_all_ended(const struct model *model)
{
	for (unsigned i = 0; i < model->buyers; i++) {
		if (!model_ended(model, i)) {
			return false;
		}
	}
	return true;
}

bool model_oversold(const struct model *model)
{
	return model->sold > model->tickets;
}

char model_next(const struct model *model, unsigned buyer)
{
	switch (model->buyer[buyer].place) {
	case MODEL_OUTSIDE: return is_guarded(model) ? 'l' : 'r';
	case MODEL_INSIDE: return 'r';
	case MODEL_READ: return 'w';
	case MODEL_WRITTEN: return 'u';
	default: return '\0';
	}
}

/* Why not */

static bool is_in(const struct model_buyer *buyer)
{
	return buyer->place > MODEL_OUTSIDE && buyer->place < MODEL_DONE;
}

static unsigned count_in(const struct model *model, unsigned *last)
{
	unsigned count = 0;

	for (unsigned i = 0; i < model->buyers; i++) {
		if (is_in(&model->buyer[i])) {
			count++;
			*last = i;
		}
	}
	return count;
}

/* Those who are in stand in the way of one more. */
static bool refuse_entry(const struct model *model, char *reason)
{
	unsigned last = 0;
	unsigned count = count_in(model, &last);

	switch (model->strategy) {
	case RACE_LOCK:
		snprintf(reason, MODEL_REASON_SIZE, "buyer %u holds the lock", last + 1);
		return count > 0;
	case RACE_SEMAPHORE:
		snprintf(reason, MODEL_REASON_SIZE, "%u buyers are in, and that is the most",
			 count);
		return count >= RACE_AT_ONCE;
	case RACE_ATOMIC:
		snprintf(reason, MODEL_REASON_SIZE, "buyer %u is in its transaction", last + 1);
		return count > 0;
	default: return false;
	}
}

/* With join the parent starts one when the one before has ended. */
static bool refuse_start(const struct model *model, unsigned buyer, char *reason)
{
	for (unsigned i = 0; model->strategy == RACE_JOIN && i < buyer; i++) {
		if (!model_ended(model, i)) {
			snprintf(reason, MODEL_REASON_SIZE, "buyer %u is not joined yet", i + 1);
			return true;
		}
	}
	return false;
}

/* The letter is not BUYER's next. */
static const char *wrong_turn(const struct model *model, enum model_place place, char letter)
{
	if (!is_guarded(model) && (letter == 'l' || letter == 'u')) {
		return "has no lock to take or give back";
	}
	switch (letter) {
	case 'l': return "is in already";
	case 'r': return place == MODEL_OUTSIDE ? "must take the lock first" : "has read already";
	case 'w': return place < MODEL_READ ? "has not read yet" : "has written already";
	default: return place == MODEL_OUTSIDE ? "is not in" : "has not written yet";
	}
}

static bool refuse(const struct model *model, struct race_step step, char *reason)
{
	enum model_place place = model->buyer[step.buyer].place;
	char next = model_next(model, step.buyer);
	const char *what = NULL;

	if (place >= MODEL_DONE) {
		what = place == MODEL_DONE ? "is done" : "was killed";
	} else if (refuse_start(model, step.buyer, reason)) {
		return true;
	} else if (step.letter != 'x' && step.letter != next) {
		what = wrong_turn(model, place, step.letter);
	}
	if (what) {
		snprintf(reason, MODEL_REASON_SIZE, "buyer %u %s", step.buyer + 1, what);
		return true;
	}
	return step.letter != 'x' && place == MODEL_OUTSIDE && refuse_entry(model, reason);
}

/* Steps */

static void write_back(struct model *model, struct model_buyer *buyer)
{
	if (buyer->read > 0) {
		model->left = buyer->read - 1;
		model->sold++;
		buyer->bought = true;
	}
	buyer->place = is_guarded(model) ? MODEL_WRITTEN : MODEL_DONE;
}

bool model_take(struct model *model, struct race_step step, char *reason)
{
	struct model_buyer *buyer = &model->buyer[step.buyer];

	if (refuse(model, step, reason)) {
		return false;
	}
	switch (step.letter) {
	case 'l': buyer->place = MODEL_INSIDE; break;
	case 'r':
		buyer->read = model->left;
		buyer->place = MODEL_READ;
		break;
	case 'w': write_back(model, buyer); break;
	case 'u': buyer->place = MODEL_DONE; break;
	default: buyer->place = MODEL_KILLED; break;
	}
	return true;
}
