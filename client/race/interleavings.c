#include "client/race/interleavings.h"

#include <stdbool.h>

/* A row of purchases, as far as it has come. */
struct state {
	unsigned steps; /* taken so far */
	unsigned who[INTERLEAVINGS_STEPS_MAX];
	int64_t left; /* as the store has it */
	int64_t sold;
	unsigned oversold_at; /* after so many steps; 0: not */
	unsigned done[INTERLEAVINGS_BUYERS_MAX];
	int64_t read[INTERLEAVINGS_BUYERS_MAX];
};

/* BUYER's next step: it reads, or it sells and writes back. */
static void step(struct state *state, unsigned buyer, int64_t tickets)
{
	state->who[state->steps++] = buyer;
	if (state->done[buyer]++ == 0) {
		state->read[buyer] = state->left;
		return;
	}
	if (state->read[buyer] <= 0) {
		return;
	}
	state->left = state->read[buyer] - 1;
	state->sold++;
	if (state->sold > tickets && state->oversold_at == 0) {
		state->oversold_at = state->steps;
	}
}

static void note_end(struct interleavings *result, const struct state *state)
{
	result->interleavings++;
	if (state->oversold_at == 0) {
		return;
	}
	result->oversold++;
	if (result->steps != 0 && result->steps <= state->oversold_at) {
		return;
	}
	result->steps = state->oversold_at;
	for (unsigned i = 0; i < state->oversold_at; i++) {
		result->who[i] = state->who[i];
	}
}

/* Tries each buyer for the next PIECE steps, and then all that can come after them. */
static void explore(struct interleavings *result, const struct state *state, unsigned piece)
{
	if (state->steps == 2 * result->buyers) {
		note_end(result, state);
		return;
	}
	for (unsigned buyer = 0; buyer < result->buyers; buyer++) {
		struct state next = *state;
		if (state->done[buyer] == 2) {
			continue;
		}
		for (unsigned i = 0; i < piece; i++) {
			step(&next, buyer, result->tickets);
		}
		explore(result, &next, piece);
	}
}

void interleavings_run(struct interleavings *result, unsigned buyers, int64_t tickets)
{
	const struct state start = { .left = tickets };
	struct interleavings whole = { .buyers = buyers, .tickets = tickets };

	*result = whole;
	explore(result, &start, 1);
	explore(&whole, &start, 2);
	result->orders = whole.interleavings;
	result->oversold_in_orders = whole.oversold;
}

static void print_step(const struct state *state, FILE *to)
{
	unsigned buyer = state->who[state->steps - 1];

	fprintf(to, "  %2u.  buyer %u ", state->steps, buyer + 1);
	if (state->done[buyer] == 1) {
		fprintf(to, "reads %lld left", (long long)state->read[buyer]);
	} else if (state->read[buyer] <= 0) {
		fprintf(to, "read that none is left, and goes");
	} else {
		fprintf(to, "read %lld, so sells one and writes %lld left: %lld sold%s",
			(long long)state->read[buyer], (long long)state->left,
			(long long)state->sold, state->oversold_at ? ", one too many" : "");
	}
	fprintf(to, "\n");
}

static void print_steps(const struct interleavings *result, FILE *to)
{
	struct state state = { .left = result->tickets };

	for (unsigned i = 0; i < result->steps; i++) {
		step(&state, result->who[i], result->tickets);
		print_step(&state, to);
	}
}

void interleavings_print(const struct interleavings *result, FILE *to)
{
	fprintf(to, "%u buyers, %lld %s: %llu of %llu interleavings oversell.\n", result->buyers,
		(long long)result->tickets, result->tickets == 1 ? "ticket" : "tickets",
		(unsigned long long)result->oversold, (unsigned long long)result->interleavings);
	if (result->steps > 0) {
		fprintf(to, "The shortest way there:\n");
	}
	print_steps(result, to);
	fprintf(to, "With each purchase in one piece, as under a lock: %llu of %llu.\n",
		(unsigned long long)result->oversold_in_orders, (unsigned long long)result->orders);
}

void interleavings_print_json(const struct interleavings *result, FILE *to)
{
	fprintf(to, "{\"buyers\":%u,\"tickets\":%lld,\"interleavings\":%llu,\"oversold\":%llu,",
		result->buyers, (long long)result->tickets,
		(unsigned long long)result->interleavings, (unsigned long long)result->oversold);
	fprintf(to, "\"orders_under_a_lock\":%llu,\"oversold_under_a_lock\":%llu,\"shortest\":[",
		(unsigned long long)result->orders, (unsigned long long)result->oversold_in_orders);
	for (unsigned i = 0; i < result->steps; i++) {
		fprintf(to, "%s%u", i > 0 ? "," : "", result->who[i] + 1);
	}
	fprintf(to, "]}\n");
}
