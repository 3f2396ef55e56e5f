/*
 * From most states many ways lead on, and many ways lead to each; so what follows from a state is
 * counted once and kept. Buyers who are equally far are alike (but with join, where their number is
 * their turn): a state's key lists them sorted.
 */
#include "client/race/interleavings.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include "client/race/schedule.h"
#include "shared/base/log.h"

#define FIELD_BITS  3   /* of a key: each of its fields is at most INTERLEAVINGS_BUYERS_MAX */
#define SLOTS_FIRST 256 /* of the table */
#define NEVER       UINT_MAX

_Static_assert(INTERLEAVINGS_BUYERS_MAX < 1 << FIELD_BITS, "a key's field holds it");

/* What can follow from a state. */
struct outlook {
	uint64_t key; /* 0: an empty slot */
	uint64_t all;
	uint64_t oversold;
	unsigned shortest; /* steps until it is oversold, or NEVER */
};

struct table {
	size_t slots; /* a power of two */
	size_t used;
	struct outlook *list;
};

static struct outlook *find(const struct table *table, uint64_t key)
{
	const uint64_t spread = UINT64_C(0x9e3779b97f4a7c15); /* Knuth's: the golden ratio */
	size_t slot = (size_t)((key * spread) >> 32) & (table->slots - 1);

	while (table->list[slot].key != 0 && table->list[slot].key != key) {
		slot = (slot + 1) & (table->slots - 1);
	}
	return &table->list[slot];
}

static void table_init(struct table *table, size_t slots)
{
	*table = (struct table){ .slots = slots, .list = calloc(slots, sizeof(*table->list)) };
	if (!table->list) {
		die("no memory for %zu states", slots);
	}
}

static void keep(struct table *table, const struct outlook *outlook)
{
	if (2 * table->used >= table->slots) {
		struct table larger;
		table_init(&larger, 2 * table->slots);
		for (size_t i = 0; i < table->slots; i++) {
			if (table->list[i].key != 0) {
				*find(&larger, table->list[i].key) = table->list[i];
			}
		}
		larger.used = table->used;
		free(table->list);
		*table = larger;
	}
	*find(table, outlook->key) = *outlook;
	table->used++;
}

/* Numbers of tickets are told from the top: no more are ever sold than there are buyers. */
static uint64_t buyer_key(const struct model *model, unsigned number)
{
	const struct model_buyer *buyer = &model->buyer[number];
	int64_t taken = buyer->place == MODEL_READ ? model->tickets - buyer->read : 0;

	return (uint64_t)buyer->place << FIELD_BITS | (uint64_t)taken;
}

static uint64_t state_key(const struct model *model)
{
	uint64_t keys[INTERLEAVINGS_BUYERS_MAX];
	uint64_t key = 1; /* no key is 0 */

	for (unsigned i = 0; i < model->buyers; i++) {
		uint64_t mine = buyer_key(model, i);
		unsigned at = i;
		for (; at > 0 && model->strategy != RACE_JOIN && keys[at - 1] > mine; at--) {
			keys[at] = keys[at - 1];
		}
		keys[at] = mine;
	}
	for (unsigned i = 0; i < model->buyers; i++) {
		key = key << 2 * FIELD_BITS | keys[i];
	}
	key = key << FIELD_BITS | (uint64_t)(model->tickets - model->left);
	return key << FIELD_BITS | (uint64_t)model->sold;
}

/* The state after BUYER's next step; false when it has none or is blocked. */
static bool step(struct model *next, const struct model *model, unsigned buyer)
{
	char reason[MODEL_REASON_SIZE];

	*next = *model;
	return model_next(model, buyer) != '\0' &&
	       model_take(next, (struct race_step){ buyer, model_next(model, buyer) }, reason);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as there are steps */
static struct outlook look(struct table *table, const struct model *model)
{
	struct outlook outlook = { .key = state_key(model), .shortest = NEVER };
	struct model next;

	if (find(table, outlook.key)->key != 0) {
		return *find(table, outlook.key);
	}
	if (model_all_ended(model)) {
		outlook.all = 1;
		outlook.oversold = model_oversold(model);
	}
	for (unsigned buyer = 0; buyer < model->buyers; buyer++) {
		if (!step(&next, model, buyer)) {
			continue;
		}
		struct outlook ahead = look(table, &next);
		outlook.all += ahead.all;
		outlook.oversold += ahead.oversold;
		if (ahead.shortest != NEVER && ahead.shortest + 1 < outlook.shortest) {
			outlook.shortest = ahead.shortest + 1;
		}
	}
	if (model_oversold(model)) {
		outlook.shortest = 0;
	}
	keep(table, &outlook);
	return outlook;
}

/* Always on by the first buyer that comes nearer. */
static void walk_shortest(struct interleavings *result, struct table *table, struct model model)
{
	struct model next;

	for (unsigned to_go = look(table, &model).shortest; to_go != NEVER && to_go > 0; to_go--) {
		unsigned buyer = 0;
		while (!step(&next, &model, buyer) || look(table, &next).shortest != to_go - 1) {
			buyer++;
		}
		result->shortest[result->steps++] =
			(struct race_step){ buyer, model_next(&model, buyer) };
		model = next;
	}
}

void interleavings_count(struct interleavings *result, enum race_strategy strategy, unsigned buyers,
			 int64_t tickets)
{
	const struct model start = model_start(strategy, buyers, tickets);
	struct table table;

	table_init(&table, SLOTS_FIRST);
	struct outlook outlook = look(&table, &start);
	*result = (struct interleavings){ .strategy = strategy,
					  .buyers = buyers,
					  .tickets = tickets,
					  .all = outlook.all,
					  .oversold = outlook.oversold };
	walk_shortest(result, &table, start);
	free(table.list);
}

/* Printing */

static void print_shortest(const struct interleavings *result, FILE *to)
{
	struct model model = model_start(result->strategy, result->buyers, result->tickets);
	char reason[MODEL_REASON_SIZE];

	fprintf(to, "The shortest way there, with %s:\n", race_strategy_name(result->strategy));
	for (unsigned i = 0; i < result->steps; i++) {
		struct race_step step = result->shortest[i];
		model_take(&model, step, reason);
		schedule_print_step(&model, step, to);
	}
}

void interleavings_print(const struct interleavings *results, size_t count, FILE *to)
{
	const struct interleavings *shown = NULL;

	fprintf(to, "%u %s, %" PRId64 " %s: how many interleavings oversell, of all\n",
		results->buyers, results->buyers == 1 ? "buyer" : "buyers", results->tickets,
		results->tickets == 1 ? "ticket" : "tickets");
	for (size_t i = 0; i < count; i++) {
		fprintf(to, "  %-10s %14" PRIu64 " of %" PRIu64 "\n",
			race_strategy_name(results[i].strategy), results[i].oversold,
			results[i].all);
		if (!shown && results[i].steps > 0) {
			shown = &results[i];
		}
	}
	if (shown) {
		print_shortest(shown, to);
	}
}

void interleavings_print_json(const struct interleavings *results, size_t count, FILE *to)
{
	fprintf(to, "{\"buyers\":%u,\"tickets\":%" PRId64 ",\"strategies\":[", results->buyers,
		results->tickets);
	for (size_t i = 0; i < count; i++) {
		const struct interleavings *result = &results[i];
		fprintf(to,
			"%s{\"strategy\":\"%s\",\"interleavings\":%" PRIu64 ",\"oversold\":%" PRIu64
			",\"shortest\":\"",
			i > 0 ? "," : "", race_strategy_name(result->strategy), result->all,
			result->oversold);
		for (unsigned at = 0; at < result->steps; at++) {
			fprintf(to, "%s%u%c", at > 0 ? " " : "", result->shortest[at].buyer + 1,
				result->shortest[at].letter);
		}
		fputs("\"}", to);
	}
	fputs("]}\n", to);
}
