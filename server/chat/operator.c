#include "server/chat/operator.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/password.h"
#include "shared/base/siphash.h"

#define GIVEN_SIZE   1024 /* bytes; a longer one is wrong */
#define KNOWN_HASHES 2    /* of 64 bits, each with a key of its own */

/* A password that somebody gave. */
struct given {
	struct address from;
	struct peer_address peer;
	char who[TRAIL_WHO_SIZE];
	size_t length;
	char bytes[GIVEN_SIZE];
};

struct operators {
	struct given row[OPERATOR_LOOKS_MOST]; /* the first is looked at, if one is */
	uint32_t count;
	bool looking;
	bool yields; /* no look begins any more */
	bool told;   /* whom a look was for is told, and may not have gone on yet */
	pthread_t thread;
	/* The thread's, from its start until it is `over`. */
	const char *hash;
	struct waker *waker;
	enum password_verdict verdict;
	_Atomic bool over;
	/* The password, if one was right here. */
	bool is_known;
	struct siphash_key keys[KNOWN_HASHES];
	uint64_t known[KNOWN_HASHES];
};

void operators_create(struct turn *turn)
{
	struct operators *operators = calloc(1, sizeof(*operators));

	if (!operators) {
		die("out of memory");
	}
	operators->hash = turn->shared->options->operator_password;
	operators->waker = &turn->score->waker;
	for (int i = 0; i < KNOWN_HASHES; i++) {
		siphash_key_make(&operators->keys[i]);
	}
	turn->operators = operators;
}

void operators_destroy(struct turn *turn)
{
	if (turn->operators->looking) {
		pthread_join(turn->operators->thread, NULL);
	}
	password_forget(turn->operators, sizeof(*turn->operators));
	free(turn->operators);
}

/* Comparing */

/* Takes as long for a wrong password as for the right one. */
static bool is_in_clear(struct span given, const char *password)
{
	size_t length = strlen(password);
	unsigned difference = given.length != length;

	for (size_t i = 0; i < given.length; i++) {
		difference |= (unsigned char)(given.text[i] ^ password[length ? i % length : 0]);
	}
	return difference == 0;
}

static void hash_known(const struct operators *operators, struct span given,
		       uint64_t hashes[KNOWN_HASHES])
{
	for (int i = 0; i < KNOWN_HASHES; i++) {
		hashes[i] = siphash(&operators->keys[i], given.text, given.length);
	}
}

static bool is_known(const struct operators *operators, struct span given)
{
	uint64_t hashes[KNOWN_HASHES];

	hash_known(operators, given, hashes);
	return ((hashes[0] ^ operators->known[0]) | (hashes[1] ^ operators->known[1])) == 0;
}

/* Whether that can be said at once; then RIGHT is set. */
static bool knows(const struct turn *turn, struct span given, bool *right)
{
	const struct operators *operators = turn->operators;

	if (!password_is_hash(span_of(operators->hash))) {
		*right = is_in_clear(given, operators->hash);
		return true;
	}
	*right = operators->is_known && is_known(operators, given);
	return operators->is_known || given.length > GIVEN_SIZE;
}

/* Asking */

/* The same from the same address is in the row: it is soon known, and no further guess. */
static bool is_in_row(const struct operators *operators, struct peer_address peer,
		      struct span given)
{
	for (uint32_t i = 0; i < operators->count; i++) {
		const struct given *other = &operators->row[i];

		if (other->length == given.length &&
		    memcmp(other->bytes, given.text, given.length) == 0 &&
		    peer_address_equal(peer_address_owner(peer), peer_address_owner(other->peer))) {
			return true;
		}
	}
	return false;
}

/* With the directory's lock held, as below. */
static enum outcome look_later(struct session *session, struct span text, struct problem *problem)
{
	struct turn *turn = session->turn;
	struct operators *operators = turn->operators;

	if (operators->yields || is_in_row(operators, session->peer, text)) {
		return OUTCOME_AGAIN;
	}
	if (operators->count == OPERATOR_LOOKS_MOST) {
		return refuse(problem, PROBLEM_BUSY,
			      "too many passwords are being looked at; try again");
	}
	struct given *given = &operators->row[operators->count++];

	given->from = session_address(session);
	given->peer = session->peer;
	trail_who(session->let_in ? session->seat->nick : "somebody", session->peer, given->who);
	given->length = text.length;
	memcpy(given->bytes, text.text, text.length);
	admission_wrong_password(turn->shared->directory->admission, session->peer,
				 turn_now_ns(turn));
	session->password = SESSION_PASSWORD_LOOKED_AT;
	session_expect_answer(session);
	return OUTCOME_WAIT;
}

/* Unless it may not even be looked at. */
static enum outcome look(struct session *session, struct span given, struct problem *problem)
{
	struct turn *turn = session->turn;
	struct admission *admission = turn->shared->directory->admission;
	int64_t now_ns = turn_now_ns(turn);
	int64_t left_ns = admission_penalty(admission, session->peer, now_ns);
	char left[CLOCK_SECONDS_SIZE];
	bool right;

	if (left_ns > 0) {
		clock_seconds(left_ns, left);
		(void)refuse(problem, PROBLEM_RATE,
			     "too many wrong passwords from your address: wait %s", left);
		problem->wait_ns = left_ns;
		return OUTCOME_REFUSED;
	}
	if (!knows(turn, given, &right)) {
		return look_later(session, given, problem);
	}
	if (!right) {
		admission_wrong_password(admission, session->peer, now_ns);
		return refuse(problem, PROBLEM_DENIED, "wrong password");
	}
	admission_right_password(admission, session->peer);
	return OUTCOME_DONE;
}

/* What came of the look. */
static enum outcome take_verdict(struct session *session, struct problem *problem)
{
	enum session_password verdict = session->password;

	session->password = SESSION_PASSWORD_NONE;
	switch (verdict) {
	case SESSION_PASSWORD_RIGHT: return OUTCOME_DONE;
	case SESSION_PASSWORD_WRONG: return refuse(problem, PROBLEM_DENIED, "wrong password");
	default:
		return refuse(problem, PROBLEM_BUSY,
			      "there is no memory to look at a password; try again");
	}
}

static void note_refusal(const struct session *session, const struct problem *problem)
{
	switch (problem->code) {
	case PROBLEM_RATE:
		session_note(session->turn, session, TRAIL_UNSEEN_PASSWORD,
			     "gave a password, which was not looked at: too many were wrong");
		break;
	case PROBLEM_BUSY:
		session_note(session->turn, session, TRAIL_UNSEEN_PASSWORD,
			     "gave a password, which was not looked at: the server was busy");
		break;
	default:
		session_note(session->turn, session, TRAIL_WRONG_PASSWORD, "gave a wrong password");
	}
}

static enum outcome look_locked(struct session *session, struct span given, struct problem *problem)
{
	struct directory *directory = session->turn->shared->directory;
	enum outcome outcome;

	if (!directory_try(directory)) {
		return OUTCOME_AGAIN;
	}
	outcome = look(session, given, problem);
	directory_unlock(directory);
	return outcome;
}

enum outcome operator_check(struct session *session, struct span given, struct problem *problem)
{
	enum outcome outcome;

	if (session->turn->operators->hash[0] == '\0') {
		return refuse(problem, PROBLEM_DENIED, "this server has no operator password set");
	}
	if (session->password == SESSION_PASSWORD_LOOKED_AT) {
		return OUTCOME_WAIT;
	}
	outcome = session->password == SESSION_PASSWORD_NONE ? look_locked(session, given, problem)
							     : take_verdict(session, problem);
	if (outcome == OUTCOME_REFUSED) {
		note_refusal(session, problem);
	}
	return outcome;
}

/* Looking */

/* The thread. */
static void *verify(void *argument)
{
	struct operators *operators = argument;
	const struct given *given = &operators->row[0];

	operators->verdict =
		password_verify(operators->hash, (struct span){ given->bytes, given->length });
	atomic_store(&operators->over, true);
	(void)waker_wake(operators->waker);
	return NULL;
}

/* The first in the row is done with. */
static void drop_first(struct operators *operators)
{
	if (operators->looking) {
		pthread_join(operators->thread, NULL); /* it has nothing more to do */
		operators->looking = false;
	}
	operators->count--;
	memmove(operators->row, operators->row + 1, operators->count * sizeof(*operators->row));
	password_forget(&operators->row[operators->count], sizeof(*operators->row));
}

/* NULL when it ended meanwhile. */
static struct session *session_of(const struct turn *turn, const struct given *given)
{
	struct session *session = session_find(turn, given->from.seat, given->from.session);

	return session && session->state == SESSION_OPEN ? session : NULL;
}

/* False when a lock is taken: once more next turn. */
static bool note_right(struct turn *turn, const struct given *given)
{
	struct directory *directory = turn->shared->directory;
	struct operators *operators = turn->operators;

	if (!directory_try(directory)) {
		return false;
	}
	admission_right_password(directory->admission, given->peer);
	directory_unlock(directory);
	hash_known(operators, (struct span){ given->bytes, given->length }, operators->known);
	operators->is_known = true;
	return true;
}

/* False when a lock is taken. */
static bool settle(struct turn *turn, enum password_verdict verdict)
{
	static const enum session_password passwords[] = {
		[PASSWORD_IS_RIGHT] = SESSION_PASSWORD_RIGHT,
		[PASSWORD_IS_WRONG] = SESSION_PASSWORD_WRONG,
		[PASSWORD_IS_UNKNOWN] = SESSION_PASSWORD_UNKNOWN,
	};
	const struct given *given = &turn->operators->row[0];
	struct session *session = session_of(turn, given);

	if (verdict == PASSWORD_IS_RIGHT && !note_right(turn, given)) {
		return false;
	}
	drop_first(turn->operators);
	if (session) {
		session->password = (uint8_t)passwords[verdict];
		session_go_on(session);
		turn->operators->told = true;
	}
	return true;
}

/* Who left is not worth the work; the guess stays counted. */
static bool first_has_left(struct turn *turn)
{
	const struct given *given = &turn->operators->row[0];

	if (session_of(turn, given)) {
		return false;
	}
	session_note_of(turn, given->who, TRAIL_UNSEEN_PASSWORD,
			"gave a password and left before it was looked at");
	return true;
}

/* False when a lock is taken. */
static bool begin_first(struct turn *turn)
{
	struct operators *operators = turn->operators;
	const struct given *given = &operators->row[0];

	if (first_has_left(turn)) {
		drop_first(operators);
		return true;
	}
	if (operators->is_known) { /* since it came into the row */
		const struct span bytes = { given->bytes, given->length };

		return settle(turn,
			      is_known(operators, bytes) ? PASSWORD_IS_RIGHT : PASSWORD_IS_WRONG);
	}
	operators->over = false;
	operators->looking = pthread_create(&operators->thread, NULL, verify, operators) == 0;
	return operators->looking || settle(turn, PASSWORD_IS_UNKNOWN);
}

void operators_turn(struct turn *turn)
{
	struct operators *operators = turn->operators;

	if (operators->looking && (!operators->over || !settle(turn, operators->verdict))) {
		return;
	}
	while (operators->count > 0 && !operators->looking && !operators->yields &&
	       begin_first(turn)) {
	}
}

bool operators_yield(struct turn *turn)
{
	struct operators *operators = turn->operators;
	struct directory *directory = turn->shared->directory;
	bool settled = !operators->looking && !operators->told;

	operators->yields = true;
	operators->told = false;
	if (!settled || !directory_try(directory)) {
		return false;
	}
	while (operators->count > 0) {
		admission_unseen_password(directory->admission, operators->row[0].peer,
					  turn_now_ns(turn));
		drop_first(operators);
	}
	directory_unlock(directory);
	return true;
}

void operators_leave(struct turn *turn)
{
	const struct operators *operators = turn->operators;
	struct directory *directory = turn->shared->directory;

	if (operators->count == 0) {
		return;
	}
	directory_lock(directory);
	for (uint32_t i = 0; i < operators->count; i++) {
		admission_unseen_password(directory->admission, operators->row[i].peer,
					  turn_now_ns(turn));
	}
	directory_unlock(directory);
}

bool operators_have_news(const struct turn *turn)
{
	const struct operators *operators = turn->operators;

	return operators->count > 0 && (operators->looking ? operators->over : !operators->yields);
}
