#include "server/bus/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/bus/live.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/text/text.h"

struct runner {
	struct shared_state *shared;
	struct errands *errands;
	beacon_send send;
	void *context;
	int64_t writing_ns[ERRANDS]; /* since when somebody writes it; 0: nobody does */
};

struct runner *runner_create(struct shared_state *shared, beacon_send send, void *context)
{
	struct runner *runner = calloc(1, sizeof(*runner));

	if (!runner) {
		die("out of memory");
	}
	runner->shared = shared;
	runner->errands = shared->errands;
	runner->send = send;
	runner->context = context;
	return runner;
}

void runner_destroy(struct runner *runner)
{
	free(runner);
}

void runner_subject(const char *node, char subject[RUNNER_SUBJECT_SIZE])
{
	(void)snprintf(subject, RUNNER_SUBJECT_SIZE, "%s%s", LIVE_SUBJECT_TO, node);
}

/* Sending */

static void begin_message(const struct runner *runner, int64_t now_ns, struct records *records)
{
	const struct shared_state *shared = runner->shared;
	struct live_head head = { .epoch = shared->bus->epoch, .now_ns = now_ns };

	memcpy(head.node, shared->options->node, sizeof(head.node));
	records_write(records);
	live_write_head(records, &head);
}

static bool end_message(const struct runner *runner, const char *node, struct records *records)
{
	char subject[RUNNER_SUBJECT_SIZE];

	runner_subject(node, subject);
	bool sent = runner->send(runner->context, subject,
				 (struct span){ (const char *)records->bytes, records->length });

	records_finish(records);
	return sent;
}

static bool is_here(const struct runner *runner, const char *name)
{
	const struct presence *presence = runner->shared->presence;
	int node = presence_find_node(presence, span_of(name));

	return node >= 0 && presence->nodes[node].here;
}

static void answer(struct runner *runner, int place, enum errand_result result, uint64_t *wakes)
{
	struct errand *errand = &runner->errands->asked.errands[place];

	errand->result = (uint8_t)result;
	if (errand_move(&runner->errands->asked, place, ERRAND_SENT, ERRAND_ANSWERED)) {
		atomic_store(&runner->errands->news[errand->who.worker], true);
		*wakes |= UINT64_C(1) << errand->who.worker;
	}
}

/* It is noted as sent first: so it never goes out twice. */
static void send_asked(struct runner *runner, int place, int64_t now_ns, uint64_t *wakes)
{
	struct errand *errand = &runner->errands->asked.errands[place];
	struct records records;

	if (!errand_move(&runner->errands->asked, place, ERRAND_ASKED, ERRAND_SENT)) {
		return;
	}
	if (!is_here(runner, errand->node)) {
		answer(runner, place, ERRAND_BUSY, wakes);
		return;
	}
	begin_message(runner, now_ns, &records);
	live_write_errand(&records, errand);
	if (!end_message(runner, errand->node, &records)) {
		answer(runner, place, ERRAND_BUSY, wakes);
	}
}

static void send_answer(const struct runner *runner, const char *node, struct errand *errand,
			int64_t now_ns)
{
	struct records records;

	begin_message(runner, now_ns, &records);
	live_write_answer(&records, errand);
	(void)end_message(runner, node, &records);
}

/* Taking */

static void note_strange(struct runner *runner, int64_t now_ns)
{
	static int64_t told_ns;

	if (bus_leave_out(runner->shared->bus, now_ns, &told_ns)) {
		log_warning(
			"something on the bus for this machine alone is none of ours, or is too "
			"long: it is left out");
	}
}

/* Who has that nick here. */
static bool find_user(const struct runner *runner, const char *nick, struct address *where)
{
	struct directory *directory = runner->shared->directory;

	directory_lock(directory);
	bool found = directory_find(directory, span_of(nick), where);

	directory_unlock(directory);
	return found;
}

/*
 * How long it was on its way; negative is as good as nothing. It was a little longer: it waited to
 * be sent, and what says how the clocks differ was on its way, too. ERRAND_DO_NS has room for that.
 */
static int64_t age_of(const struct runner *runner, const struct live_head *head, int node,
		      int64_t now_ns)
{
	return now_ns - head->now_ns - runner->shared->presence->nodes[node].behind_ns;
}

static void give(struct runner *runner, const struct errand *told, uint64_t *wakes)
{
	struct errand_table *given = &runner->errands->given;
	int place = errand_take(given);

	if (place < 0) {
		return; /* who asked hears that it is busy */
	}
	given->errands[place] = *told;
	(void)errand_move(given, place, ERRAND_WRITING, ERRAND_ASKED);
	atomic_store(&runner->errands->news[told->who.worker], true);
	*wakes |= UINT64_C(1) << told->who.worker;
}

static void take_errand(struct runner *runner, const struct live_head *head, struct errand *errand,
			int64_t now_ns, uint64_t *wakes)
{
	char nick[NAME_NICK_SIZE];
	int node = presence_find_node(runner->shared->presence, span_of(head->node));

	if (node < 0) {
		return;
	}
	const int64_t age_ns = age_of(runner, head, node, now_ns);

	if (age_ns >= ERRAND_DO_NS) {
		return;
	}
	memcpy(errand->node, head->node, sizeof(errand->node));
	errand->until_ns = now_ns + ERRAND_DO_NS - (age_ns > 0 ? age_ns : 0);
	memcpy(nick, errand->by, sizeof(nick));
	nick[sizeof(nick) - 1] = '\0';
	(void)snprintf(errand->by, sizeof(errand->by), "%s@%s", nick, head->node);
	if (find_user(runner, errand->nick, &errand->who)) {
		give(runner, errand, wakes);
	} else {
		errand->result = ERRAND_NOBODY;
		send_answer(runner, head->node, errand, now_ns);
	}
}

static void take_answer(struct runner *runner, const struct live_head *head,
			const struct errand *told, uint64_t *wakes)
{
	struct errand_table *asked = &runner->errands->asked;

	for (int i = 0; i < ERRANDS; i++) {
		struct errand *errand = &asked->errands[i];

		if (asked->states[i] == ERRAND_SENT && errand->number == told->number &&
		    strcmp(errand->node, head->node) == 0) {
			memcpy(errand->nick, told->nick, sizeof(errand->nick));
			errand->worker = told->worker;
			errand->pid = told->pid;
			answer(runner, i, told->result, wakes);
			return;
		}
	}
}

void runner_take(struct runner *runner, struct span bytes, int64_t now_ns, uint64_t *wakes)
{
	static struct errand errand;
	struct live_head head;
	struct records records;

	if (!live_read_head(&records, bytes, &head)) {
		note_strange(runner, now_ns);
		return;
	}
	switch (live_read_errand(&records, &errand)) {
	case LIVE_ERRAND: take_errand(runner, &head, &errand, now_ns, wakes); break;
	case LIVE_ANSWER: take_answer(runner, &head, &errand, wakes); break;
	default: note_strange(runner, now_ns);
	}
}

/* The turn */

/* Whoever was killed over one leaves it; while it is written, nothing in it says since when. */
static void free_left(struct errand_table *table, int place, int64_t now_ns)
{
	const enum errand_state state = table->states[place];

	if (state != ERRAND_FREE && state != ERRAND_WRITING &&
	    now_ns >= table->errands[place].until_ns + ERRAND_FREE_NS) {
		(void)errand_move(table, place, state, ERRAND_FREE);
	}
}

static void free_half_written(struct runner *runner, int place, int64_t now_ns)
{
	struct errand_table *asked = &runner->errands->asked;
	int64_t *since_ns = &runner->writing_ns[place];

	if (asked->states[place] != ERRAND_WRITING) {
		*since_ns = 0;
	} else if (*since_ns == 0) {
		*since_ns = now_ns;
	} else if (now_ns - *since_ns >= ERRAND_FREE_NS) {
		*since_ns = 0;
		(void)errand_move(asked, place, ERRAND_WRITING, ERRAND_FREE);
	}
}

static void send_given(struct runner *runner, int place, int64_t now_ns)
{
	struct errand_table *given = &runner->errands->given;

	if (given->states[place] == ERRAND_ANSWERED) {
		send_answer(runner, given->errands[place].node, &given->errands[place], now_ns);
		(void)errand_move(given, place, ERRAND_ANSWERED, ERRAND_FREE);
	}
}

void runner_turn(struct runner *runner, int64_t now_ns, uint64_t *wakes)
{
	struct errands *errands = runner->errands;

	for (int i = 0; i < ERRANDS; i++) {
		if (errands->asked.states[i] == ERRAND_ASKED) {
			send_asked(runner, i, now_ns, wakes);
		}
		send_given(runner, i, now_ns);
		free_left(&errands->asked, i, now_ns);
		free_left(&errands->given, i, now_ns);
		free_half_written(runner, i, now_ns);
	}
}
