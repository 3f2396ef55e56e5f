#include "server/chat/user.h"

#include <stdio.h>
#include <string.h>

#include "server/chat/fan_out.h"
#include "server/chat/post.h"
#include "server/chat/rename.h"
#include "server/state/penalty.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define NOTICE_SIZE (POST_TEXT_SIZE + 256) /* bytes of what somebody is told who is penalised */

/* Letters */

/* A new nick may stand in one of its rooms' logs that was not delivered yet. */
static void hear_rooms(struct session *receiver)
{
	for (size_t i = 0; i < receiver->seat->room_count; i++) {
		fan_out_deliver(receiver->turn, receiver->seat->rooms[i]);
	}
}

/* These are deliveries of their own: that of the letter begins behind them. */
static void hear_rooms_before_letter(struct turn *turn, struct session *receiver)
{
	struct hand *hand = turn->hand;
	const uint32_t sender = hand->index;
	const uint64_t place = hand->from;

	hand_end(hand);
	hear_rooms(receiver);
	hand_begin(hand, HAND_LETTER, sender, place, 0);
}

static void read_letter(void *context, const struct letter *letter)
{
	struct turn *turn = context;
	const struct message message = letter_message(letter);
	struct session *receiver = NULL;

	if (letter->seat < turn->shared->seats) {
		receiver = session_find(turn, letter->seat, letter->session);
	}
	if (receiver) {
		if (letter->kind == LETTER_AFTER_ROOMS) {
			hear_rooms_before_letter(turn, receiver);
		}
		if (letter->kind == LETTER_LAST) {
			session_end_now(receiver, &message);
		} else {
			session_hear(receiver, &message);
		}
	}
}

/* Sends a message to one person, whichever worker serves that one; false if its inbox is full. */
static bool send_letter(struct turn *turn, struct address to, enum letter_kind kind,
			const struct message *message)
{
	if (!inbox_put(turn->shared->inboxes, turn->worker, to, kind, message)) {
		return false;
	}
	turn_wake(turn, to.worker);
	return true;
}

static enum outcome send_message(struct turn *turn, const struct user *user, enum letter_kind kind,
				 const struct message *message, struct problem *problem)
{
	if (send_letter(turn, user->where, kind, message)) {
		return OUTCOME_DONE;
	}
	return refuse(problem, PROBLEM_BUSY, "too much is on its way there; try again");
}

static enum outcome send_notice(struct turn *turn, const struct user *user, enum letter_kind kind,
				struct span text, struct problem *problem)
{
	return send_message(
		turn, user, kind,
		&(struct message){ .kind = MESSAGE_NOTICE, .nick = { "", 0 }, .text = text },
		problem);
}

/* One person */

enum outcome user_find(struct turn *turn, struct span nick, struct user *user,
		       struct problem *problem)
{
	struct directory *directory = turn->shared->directory;
	struct address *where = &user->where;

	if (!name_is_nick(nick)) {
		return refuse(problem, PROBLEM_BADARG,
			      "NICK is %s: 1 to %d letters, digits, _ or -",
			      nick.length > 0 ? "malformed" : "missing", NAME_NICK_POINTS);
	}
	if (!directory_try(directory)) {
		return OUTCOME_AGAIN;
	}
	bool found = directory_find(directory, nick, where);

	directory_unlock(directory);
	if (!found ||
	    !seat_read(directory_seat(directory, where->worker, where->seat), &user->seat)) {
		return refuse(problem, PROBLEM_NOTFOUND,
			      "nobody has that nick; /who lists everybody");
	}
	return OUTCOME_DONE;
}

/* What the session knows of its address's mute is brought up to date; false: a lock was taken. */
static bool look_at_mutes(struct session *session)
{
	struct directory *directory = session->turn->shared->directory;
	struct admission *admission = directory->admission;
	uint32_t made = atomic_load(&admission->mutes_made);

	if (session->mutes_seen == made) {
		return true;
	}
	if (!directory_try(directory)) {
		return false;
	}
	session->muted_until_ns = admission_muted_until(admission, session->peer);
	directory_unlock(directory);
	session->mutes_seen = made;
	return true;
}

enum outcome user_may_speak(struct session *session, struct problem *problem)
{
	if (session->operator_role) {
		return OUTCOME_DONE;
	}
	if (!look_at_mutes(session)) {
		return OUTCOME_AGAIN;
	}
	int64_t left_ns = session->muted_until_ns - turn_now_ns(session->turn);
	char left[CLOCK_SECONDS_SIZE];

	if (left_ns <= 0) {
		return OUTCOME_DONE;
	}
	clock_seconds(left_ns, left);
	return refuse(problem, PROBLEM_DENIED, "you are muted for %s more", left);
}

enum outcome user_tell(struct session *session, const struct user *user, struct span text,
		       struct problem *problem)
{
	char clean[POST_TEXT_SIZE];
	enum outcome outcome = user_may_speak(session, problem);

	if (outcome != OUTCOME_DONE) {
		return outcome;
	}
	if (post_rename_waits(session->turn, session->number)) {
		return OUTCOME_AGAIN;
	}
	const struct message told = { .kind = MESSAGE_TOLD,
				      .nick = span_of(session->seat->nick),
				      .text = { clean,
						text_clean(text.text, text.length, clean) } };

	return send_message(session->turn, user,
			    rename_is_recent(session) ? LETTER_AFTER_ROOMS : LETTER_MESSAGE, &told,
			    problem);
}

enum outcome user_tell_for(struct turn *turn, struct span by, const struct user *user,
			   struct span text, struct problem *problem)
{
	const struct message told = { .kind = MESSAGE_TOLD, .nick = by, .text = text };

	return send_message(turn, user, LETTER_AFTER_ROOMS, &told, problem);
}

/* With the directory's lock held: whoever it is, the rooms hear it and the nick is free. */
static bool end_user(struct turn *turn, const struct user *user)
{
	struct directory *directory = turn->shared->directory;
	struct seat seat;

	if (!seat_read(directory_seat(directory, user->where.worker, user->where.seat), &seat) ||
	    !directory_end(directory, user->where)) {
		return false;
	}
	post_gone(turn, &seat, user->where);
	return true;
}

/* The worker that serves USER is to look; when its inbox is full, it learns from the seat alone. */
static void send_kick(struct turn *turn, struct span by, const struct user *user, struct span why)
{
	struct problem not_told;
	char notice[NOTICE_SIZE];
	size_t length = (size_t)snprintf(notice, sizeof(notice), "%.*s kicked you%s",
					 (int)by.length, by.text, why.length > 0 ? ": " : "");

	length += text_clean(why.text, why.length, notice + length);
	(void)send_notice(turn, user, LETTER_LAST, (struct span){ notice, length }, &not_told);
	atomic_store(&turn->shared->directory->has_ended[user->where.worker], true);
	turn_wake(turn, user->where.worker);
}

enum outcome user_kick(struct turn *turn, struct span by, const struct user *user, struct span why,
		       struct problem *problem)
{
	struct directory *directory = turn->shared->directory;

	if (!directory_try(directory)) {
		return OUTCOME_AGAIN;
	}
	bool ended = end_user(turn, user);

	directory_unlock(directory);
	if (!ended) {
		return refuse(problem, PROBLEM_NOTFOUND, "that one has just gone");
	}
	send_kick(turn, by, user, why);
	return OUTCOME_DONE;
}

/* It holds here at any rate. */
static void tell_machines(struct turn *turn, const struct penalty *penalty, struct span by)
{
	struct bus *bus = turn->shared->bus;

	if (!bus) {
		return;
	}
	if (penalty_put(bus, turn->worker, penalty, by, turn_wall_ns(turn))) {
		turn->wakes_bus = true;
	} else {
		log_warning("the other machines are not told of a penalty: too much waits for the "
			    "bus");
	}
}

static enum outcome mute_address(struct turn *turn, struct peer_address peer, int64_t seconds,
				 struct problem *problem)
{
	struct directory *directory = turn->shared->directory;
	int64_t now_ns = turn_now_ns(turn);

	if (!directory_try(directory)) {
		return OUTCOME_AGAIN;
	}
	bool muted = admission_mute(directory->admission, peer, now_ns + seconds * NS_PER_SECOND,
				    now_ns);

	directory_unlock(directory);
	return muted ? OUTCOME_DONE
		     : refuse(problem, PROBLEM_LIMIT, "%d addresses are muted, which is the most",
			      ADMISSION_MUTES_MAX);
}

enum outcome user_mute(struct turn *turn, struct span by, const struct user *user, int64_t seconds,
		       struct problem *problem)
{
	char notice[NOTICE_SIZE];
	char how_long[CLOCK_SECONDS_SIZE];
	struct problem not_told; /* the inbox is full: the mute holds all the same */
	enum outcome outcome = mute_address(turn, user->seat.peer, seconds, problem);

	if (outcome == OUTCOME_DONE) {
		tell_machines(turn,
			      &(struct penalty){ PENALTY_MUTE,
						 { user->seat.peer, PEER_NETWORK_BITS_MAX },
						 seconds },
			      by);
		clock_seconds(seconds * NS_PER_SECOND, how_long);
		(void)snprintf(notice, sizeof(notice),
			       seconds ? "%.*s muted you for %s" : "%.*s lets you speak again",
			       (int)by.length, by.text, how_long);
		(void)send_notice(turn, user, LETTER_MESSAGE, span_of(notice), &not_told);
	}
	return outcome;
}

enum outcome user_ban(struct session *session, struct peer_network network, int64_t seconds,
		      struct problem *problem)
{
	struct turn *turn = session->turn;
	struct directory *directory = turn->shared->directory;

	if (!directory_try(directory)) {
		return OUTCOME_AGAIN;
	}
	bool banned =
		admission_ban(directory->admission, network,
			      clock_deadlines_ns() + seconds * NS_PER_SECOND, clock_deadlines_ns());

	directory_unlock(directory);
	if (!banned) {
		return refuse(problem, PROBLEM_LIMIT, "%d addresses are banned, which is the most",
			      ADMISSION_BANS_MAX);
	}
	tell_machines(turn, &(struct penalty){ PENALTY_BAN, network, seconds },
		      span_of(session->seat->nick));
	if (seconds > 0 && peer_network_has(network, session->peer)) {
		session_notice(session, "your own address is among those: you stay while this "
					"connection lasts, and cannot come again");
	}
	for (uint32_t i = 0; i < turn->shared->workers; i++) {
		turn_wake(turn, i);
	}
	return OUTCOME_DONE;
}

/* The letter that the predecessor delivered last, and had no time to take out. */
void user_resume(struct turn *turn)
{
	const struct letter *letter =
		inbox_in_hand(turn->shared->inboxes, turn->worker, turn->hand);
	const struct session *receiver =
		letter ? session_find(turn, letter->seat, letter->session) : NULL;

	if (receiver && output_has(receiver->output, turn->hand->tag)) {
		inbox_take_in_hand(turn->shared->inboxes, turn->worker, turn->hand);
	}
}

/* The turn */

/* Those whose letters found the inbox full, or whose kicker died before it wrote one. */
static void end_kicked(struct turn *turn)
{
	_Atomic bool *has_ended = &turn->shared->directory->has_ended[turn->worker];
	const struct message why = { .kind = MESSAGE_NOTICE,
				     .text = span_of("an operator kicked you") };

	if (atomic_load(has_ended)) {
		atomic_store(has_ended, false);
		sessions_end_ended(turn, &why);
	}
}

static void end_from(struct turn *turn, struct peer_network network)
{
	const struct message why = { .kind = MESSAGE_NOTICE,
				     .text = span_of("an operator banned your address") };

	sessions_end_from(turn, network, &why);
}

static void end_banned(struct turn *turn)
{
	struct directory *directory = turn->shared->directory;
	struct peer_network networks[ADMISSION_BANS_MAX];

	if (directory->admission->bans_made == turn->sessions->bans_seen ||
	    !directory_try(directory)) {
		return;
	}
	uint32_t made = directory->admission->bans_made;
	uint32_t count = admission_copy_new_bans(directory->admission, turn->sessions->bans_seen,
						 clock_deadlines_ns(), networks);

	directory_unlock(directory);
	turn->sessions->bans_seen = made;
	for (uint32_t i = 0; i < count; i++) {
		end_from(turn, networks[i]);
	}
}

void user_turn(struct turn *turn)
{
	inbox_drain(turn->shared->inboxes, turn->worker, turn->hand, read_letter, turn);
	end_kicked(turn);
	end_banned(turn);
}

bool user_has_news(const struct turn *turn)
{
	const struct directory *directory = turn->shared->directory;

	return inbox_has_news(turn->shared->inboxes, turn->worker) ||
	       atomic_load(&directory->has_ended[turn->worker]) ||
	       directory->admission->bans_made != turn->sessions->bans_seen;
}
