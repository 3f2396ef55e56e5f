#include "server/chat/elsewhere.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/chat/post.h"
#include "server/chat/user.h"
#include "server/config/bus_option.h"
#include "shared/base/log.h"

#define LOOK_NS (50 * NS_PER_MS) /* while somebody waits */

_Static_assert(POST_TEXT_SIZE <= ERRAND_TEXT_SIZE, "what can be typed can be told elsewhere");

struct elsewhere {
	uint32_t count;      /* of those below */
	bool waits[ERRANDS]; /* a session of this worker's waits for that one's answer */
	bool looks_again;    /* one found a lock taken, or a predecessor may have left one */
};

void elsewhere_create(struct turn *turn)
{
	turn->elsewhere = calloc(1, sizeof(*turn->elsewhere));
	if (!turn->elsewhere) {
		die("out of memory");
	}
	turn->elsewhere->looks_again = true;
}

void elsewhere_destroy(struct turn *turn)
{
	free(turn->elsewhere);
}

/* Names */

static bool is(struct span word, const char *text)
{
	return word.length == strlen(text) && memcmp(word.text, text, word.length) == 0;
}

struct elsewhere_name elsewhere_read(const struct session *session, struct span name)
{
	const struct shared_state *shared = session->turn->shared;
	const char *at = name.length > 0 ? memchr(name.text, '@', name.length) : NULL;

	if (!shared->bus || !at) {
		return (struct elsewhere_name){ .nick = name };
	}
	const size_t length = (size_t)(at - name.text);
	struct elsewhere_name read = { { name.text, length },
				       { at + 1, name.length - length - 1 } };

	if (is(read.node, shared->options->node)) {
		read.node = span_of("");
	} else if (read.node.length == 0) {
		read.nick = name; /* which is malformed */
	}
	return read;
}

/* Asking */

static struct errand_table *asked_of(const struct turn *turn)
{
	return &turn->shared->errands->asked;
}

/* The one that this session waits for, or a predecessor of this worker asked for; -1: none. */
static int find(const struct session *session)
{
	const struct errand_table *table = asked_of(session->turn);

	for (int i = 0; i < ERRANDS; i++) {
		if (table->states[i] >= ERRAND_ASKED &&
		    table->errands[i].who.session == session->number) {
			return i;
		}
	}
	return -1;
}

static enum outcome wait_for(struct session *session, int place)
{
	struct elsewhere *elsewhere = session->turn->elsewhere;

	if (!elsewhere->waits[place]) {
		elsewhere->waits[place] = true;
		elsewhere->count++;
	}
	session_expect_answer(session);
	return OUTCOME_WAIT;
}

static enum outcome refuse_busy(struct problem *problem)
{
	return refuse(problem, PROBLEM_BUSY, "that machine cannot be reached; try again");
}

/* Whether there is such a machine, and it can be reached. */
static enum outcome look_for_node(const struct session *session, struct span name,
				  struct problem *problem)
{
	const struct shared_state *shared = session->turn->shared;
	int node = presence_find_node(shared->presence, name);

	if (!node_name_is_good(name)) {
		return refuse(problem, PROBLEM_BADARG,
			      "NODE, behind the @, is 1 to %d of a-z, 0-9 and -",
			      OPTIONS_NODE_SIZE - 1);
	}
	if (!shared->bus->up || (node >= 0 && !shared->presence->nodes[node].here)) {
		return refuse_busy(problem);
	}
	return node >= 0 ? OUTCOME_DONE
			 : refuse(problem, PROBLEM_NOTFOUND,
				  "nobody has that nick: no machine of that name is there");
}

static void write_errand(struct session *session, const struct elsewhere_wish *wish,
			 struct errand *errand)
{
	struct turn *turn = session->turn;

	*errand = (struct errand){ .kind = (uint8_t)wish->kind,
				   .number = atomic_fetch_add(&turn->shared->errands->last, 1) + 1,
				   .who = session_address(session),
				   .until_ns = turn_now_ns(turn) + ERRAND_NS,
				   .seconds = (uint32_t)wish->seconds };
	memcpy(errand->node, wish->name.node.text, wish->name.node.length);
	memcpy(errand->nick, wish->name.nick.text, wish->name.nick.length);
	memcpy(errand->by, session->seat->nick, sizeof(session->seat->nick));
	errand->length = (uint16_t)text_clean(wish->text.text, wish->text.length, errand->text);
}

static enum outcome begin(struct session *session, const struct elsewhere_wish *wish,
			  struct problem *problem)
{
	struct errand_table *table = asked_of(session->turn);
	enum outcome outcome = look_for_node(session, wish->name.node, problem);

	if (outcome != OUTCOME_DONE) {
		return outcome;
	}
	int place = errand_take(table);

	if (place < 0) {
		return refuse(problem, PROBLEM_BUSY, "too much is on its way there; try again");
	}
	write_errand(session, wish, &table->errands[place]);
	(void)errand_move(table, place, ERRAND_WRITING, ERRAND_ASKED);
	return wait_for(session, place);
}

static enum outcome take_answer(struct session *session, int place, struct elsewhere_answer *answer,
				struct problem *problem)
{
	struct errand_table *table = asked_of(session->turn);
	const struct errand errand = table->errands[place];

	(void)errand_move(table, place, ERRAND_ANSWERED, ERRAND_FREE);
	switch (errand.result) {
	case ERRAND_DONE:
		(void)snprintf(answer->name, sizeof(answer->name), "%s@%s", errand.nick,
			       errand.node);
		answer->worker = errand.worker;
		answer->pid = errand.pid;
		return OUTCOME_DONE;
	case ERRAND_NOBODY:
		return refuse(problem, PROBLEM_NOTFOUND,
			      "nobody has that nick; /who lists everybody");
	case ERRAND_MANY:
		return refuse(problem, PROBLEM_LIMIT,
			      "%d addresses are muted there, which is the most",
			      ADMISSION_MUTES_MAX);
	default: return refuse_busy(problem);
	}
}

/* It is too late for one that has no answer. */
static bool give_up(const struct session *session, int place)
{
	struct errand_table *table = asked_of(session->turn);

	return errand_move(table, place, ERRAND_ASKED, ERRAND_FREE) ||
	       errand_move(table, place, ERRAND_SENT, ERRAND_FREE);
}

enum outcome elsewhere_ask(struct session *session, const struct elsewhere_wish *wish,
			   struct elsewhere_answer *answer, struct problem *problem)
{
	struct errand_table *table = asked_of(session->turn);
	int place = find(session);

	if (!name_is_nick(wish->name.nick)) {
		return refuse(problem, PROBLEM_BADARG,
			      "NICK is malformed: 1 to %d letters, digits, _ or -",
			      NAME_NICK_POINTS);
	}
	if (place < 0) {
		return begin(session, wish, problem);
	}
	if (table->states[place] == ERRAND_ANSWERED) {
		return take_answer(session, place, answer, problem);
	}
	if (turn_now_ns(session->turn) < table->errands[place].until_ns) {
		return wait_for(session, place);
	}
	return give_up(session, place) ? refuse_busy(problem)
				       : take_answer(session, place, answer, problem);
}

/* What others ask */

static enum errand_result result_of(enum outcome outcome, const struct problem *problem)
{
	if (outcome == OUTCOME_DONE) {
		return ERRAND_DONE;
	}
	switch (problem->code) {
	case PROBLEM_NOTFOUND: return ERRAND_NOBODY;
	case PROBLEM_LIMIT: return ERRAND_MANY;
	default: return ERRAND_BUSY;
	}
}

static enum outcome carry_out(struct turn *turn, struct errand *errand, struct problem *problem)
{
	const struct span by = span_of(errand->by);
	const struct span text = { errand->text, errand->length };
	struct user user;
	enum outcome outcome = user_find(turn, span_of(errand->nick), &user, problem);

	if (outcome != OUTCOME_DONE) {
		return outcome;
	}
	memcpy(errand->nick, user.seat.nick, sizeof(errand->nick));
	errand->worker = user.where.worker + 1;
	errand->pid = (int32_t)turn->shared->scoreboard->scores[user.where.worker].pid;
	switch (errand->kind) {
	case ERRAND_TELL: return user_tell_for(turn, by, &user, text, problem);
	case ERRAND_KICK: return user_kick(turn, by, &user, text, problem);
	case ERRAND_MUTE: return user_mute(turn, by, &user, errand->seconds, problem);
	default: return OUTCOME_DONE;
	}
}

/* In the log as if it had been done here. */
static void note(struct turn *turn, const struct errand *errand)
{
	if (errand->result == ERRAND_DONE && errand->kind == ERRAND_KICK) {
		session_note_of(turn, errand->by, TRAIL_KICK, "kicked %s", errand->nick);
	} else if (errand->result == ERRAND_DONE && errand->kind == ERRAND_MUTE) {
		session_note_of(turn, errand->by, TRAIL_MUTE,
				errand->seconds ? "muted %s for %u s" : "lets %s speak again",
				errand->nick, errand->seconds);
	}
}

/* It is ours from the first step on; a lock that is taken gives it back for the next turn. */
static void carry_out_given(struct turn *turn, int place)
{
	struct errand_table *table = &turn->shared->errands->given;
	struct errand *errand = &table->errands[place];
	struct problem problem;
	enum outcome outcome = OUTCOME_REFUSED;

	if (errand->who.worker != turn->worker ||
	    !errand_move(table, place, ERRAND_ASKED, ERRAND_SENT)) {
		return;
	}
	problem.code = PROBLEM_BUSY;
	if (turn_now_ns(turn) < errand->until_ns) {
		outcome = carry_out(turn, errand, &problem);
	}
	if (outcome == OUTCOME_AGAIN) {
		turn->elsewhere->looks_again = true;
		(void)errand_move(table, place, ERRAND_SENT, ERRAND_ASKED);
		return;
	}
	errand->result = (uint8_t)result_of(outcome, &problem);
	note(turn, errand);
	(void)errand_move(table, place, ERRAND_SENT, ERRAND_ANSWERED);
}

/* The turn */

static bool is_over(struct turn *turn, int place)
{
	const struct errand_table *table = asked_of(turn);

	return table->states[place] == ERRAND_ANSWERED || table->states[place] == ERRAND_FREE ||
	       turn_now_ns(turn) >= table->errands[place].until_ns;
}

/* Who left meanwhile hears nothing of it: its errand is the bus process's to free. */
static void go_on(struct turn *turn, int place)
{
	const struct address who = asked_of(turn)->errands[place].who;
	struct session *session = session_find(turn, who.seat, who.session);

	turn->elsewhere->waits[place] = false;
	turn->elsewhere->count--;
	if (session && session->state == SESSION_OPEN) {
		session_go_on(session);
	}
}

static void carry_out_all(struct turn *turn)
{
	for (int i = 0; i < ERRANDS; i++) {
		if (turn->shared->errands->given.states[i] == ERRAND_ASKED) {
			carry_out_given(turn, i);
		}
	}
}

void elsewhere_turn(struct turn *turn)
{
	struct elsewhere *elsewhere = turn->elsewhere;
	struct errands *errands = turn->shared->errands;

	if (!errands) {
		return;
	}
	if (errands->news[turn->worker] || elsewhere->looks_again) {
		atomic_store(&errands->news[turn->worker], false);
		elsewhere->looks_again = false;
		carry_out_all(turn);
	}
	for (int i = 0; elsewhere->count > 0 && i < ERRANDS; i++) {
		if (elsewhere->waits[i] && is_over(turn, i)) {
			go_on(turn, i);
		}
	}
}

bool elsewhere_has_news(const struct turn *turn)
{
	const struct errands *errands = turn->shared->errands;

	return errands && errands->news[turn->worker];
}

int64_t elsewhere_due_ns(struct turn *turn)
{
	const struct elsewhere *elsewhere = turn->elsewhere;

	if (turn->shared->errands && elsewhere->looks_again) {
		return turn_now_ns(turn) + NS_PER_MS;
	}
	return elsewhere->count > 0 ? turn_now_ns(turn) + LOOK_NS : INT64_MAX;
}
