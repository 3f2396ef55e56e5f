#include "server/chat/user_commands.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/chat/post.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/text/text.h"

#define PENALTY_SECONDS_MAX (365 * 24 * 3600)

/* Letters */

/* Lets everyone go who comes from a banned address; the letter says which, and what they hear. */
static void let_go(struct worker *worker, const struct letter *letter)
{
	struct peer_address peer;

	memcpy(&peer, letter->text, sizeof(peer));
	for (uint32_t i = 0; i < worker->shared->options->max_connections; i++) {
		struct session *session = worker->sessions[i];

		if (session && peer_address_equal(session->peer, peer)) {
			session_send(session, letter->text + sizeof(peer),
				     letter->length - sizeof(peer));
			session_close(session);
		}
	}
}

static void read_letter(void *context, const struct letter *letter)
{
	struct worker *worker = context;
	struct session *receiver;

	if (letter->kind == LETTER_BAN) {
		let_go(worker, letter);
		return;
	}
	receiver = session_find(worker, letter->seat, letter->session);
	if (receiver) {
		session_send(receiver, letter->text, letter->length);
		if (letter->kind == LETTER_KICK) {
			session_close(receiver);
		}
	}
}

/* Sends a line to one person, whichever worker serves that one; false if its inbox is full. */
static bool send_letter(struct worker *worker, struct address to, enum letter_kind kind,
			const char *text, size_t length)
{
	if (!inbox_put(worker->shared->inboxes, worker->number, to, kind, text, length)) {
		return false;
	}
	worker_wake(worker, to.worker);
	return true;
}

/* Commands about one person */

/* The one that a command is about, and the line that this one gets. */
struct message {
	struct address to;
	struct seat seat;
	char line[POST_MESSAGE_SIZE];
	size_t length;
};

/* Takes NICK off the arguments and finds who has it; OUTCOME_LATER when the command may go on. */
static enum outcome find_person(struct session *session, struct span *arguments,
				struct message *message, struct reply *reply)
{
	struct directory *directory = session->worker->shared->directory;
	struct span nick = words_next(arguments);
	struct address *to = &message->to;

	if (!name_is_nick(nick)) {
		reply_error(reply, "BADARG", "NICK is %s: 1 to %d letters, digits, _ or -",
			    nick.length > 0 ? "malformed" : "missing", NAME_NICK_POINTS);
		return OUTCOME_DONE;
	}
	if (!directory_try(directory)) {
		return OUTCOME_AGAIN;
	}
	bool found = directory_find(directory, nick, to);

	directory_unlock(directory);
	if (!found || !seat_read(directory_seat(directory, to->worker, to->seat), &message->seat)) {
		reply_error(reply, "NOTFOUND", "nobody has that nick; /who lists everybody");
		return OUTCOME_DONE;
	}
	return OUTCOME_LATER;
}

__attribute__((format(printf, 2, 3))) static void write_message(struct message *message,
								const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	message->length =
		(size_t)vsnprintf(message->line, sizeof(message->line), format, arguments);
	va_end(arguments);
}

/* Adds what somebody typed, and sends it all. False, and the reply says so, if too much is there.
 */
static bool send_message(struct session *session, struct message *message, enum letter_kind kind,
			 struct span text, struct reply *reply)
{
	message->length += text_clean(text.text, text.length, message->line + message->length);
	message->line[message->length++] = '\n';
	if (send_letter(session->worker, message->to, kind, message->line, message->length)) {
		return true;
	}
	reply_error(reply, "BUSY", "too much is on its way there; try again");
	return false;
}

bool user_may_speak(const struct session *session, struct reply *reply)
{
	int64_t left_ns = session->seat->muted_until_ns - worker_now_ns(session->worker);

	if (left_ns <= 0) {
		return true;
	}
	reply_error(reply, "DENIED", "you are muted for %lld more seconds",
		    (long long)((left_ns + NS_PER_SECOND - 1) / NS_PER_SECOND));
	return false;
}

enum outcome user_tell(struct session *session, struct span arguments, struct reply *reply)
{
	struct message message;
	enum outcome outcome = find_person(session, &arguments, &message, reply);
	struct span text = words_rest(arguments);

	if (outcome != OUTCOME_LATER) {
		return outcome;
	}
	if (text.length == 0) {
		reply_error(reply, "BADARG", "TEXT is missing: /tell NICK TEXT");
		return OUTCOME_DONE;
	}
	if (!user_may_speak(session, reply)) {
		return OUTCOME_DONE;
	}
	write_message(&message, "*tell %s ", session->seat->nick);
	if (send_message(session, &message, LETTER_LINE, text, reply)) {
		reply_line(reply, "+tell %s", message.seat.nick);
	}
	return OUTCOME_DONE;
}

enum outcome user_kick(struct session *session, struct span arguments, struct reply *reply)
{
	struct message message;
	enum outcome outcome = find_person(session, &arguments, &message, reply);
	struct span why = words_rest(arguments);

	if (outcome != OUTCOME_LATER) {
		return outcome;
	}
	write_message(&message, "*notice %s kicked you%s", session->seat->nick,
		      why.length > 0 ? ": " : "");
	if (send_message(session, &message, LETTER_KICK, why, reply)) {
		reply_line(reply, "+kick %s", message.seat.nick);
	}
	return OUTCOME_DONE;
}

/* "SECONDS", the next word. */
static bool read_penalty(struct span *arguments, int64_t *seconds, struct reply *reply)
{
	if (!words_number(words_next(arguments), 0, PENALTY_SECONDS_MAX, seconds)) {
		reply_error(reply, "BADARG", "SECONDS is a number from 0 (no longer) to %d",
			    PENALTY_SECONDS_MAX);
		return false;
	}
	return true;
}

enum outcome user_mute(struct session *session, struct span arguments, struct reply *reply)
{
	struct worker *worker = session->worker;
	const struct span nothing = { "", 0 };
	struct message message;
	enum outcome outcome = find_person(session, &arguments, &message, reply);
	int64_t seconds;

	if (outcome != OUTCOME_LATER) {
		return outcome;
	}
	if (!read_penalty(&arguments, &seconds, reply)) {
		return OUTCOME_DONE;
	}
	write_message(&message,
		      seconds ? "*notice %s muted you for %lld seconds"
			      : "*notice %s lets you speak again",
		      session->seat->nick, (long long)seconds);
	if (!send_message(session, &message, LETTER_LINE, nothing, reply)) {
		return OUTCOME_DONE;
	}
	struct seat *seat =
		directory_seat(worker->shared->directory, message.to.worker, message.to.seat);

	atomic_store(&seat->muted_until_ns, worker_now_ns(worker) + seconds * NS_PER_SECOND);
	reply_line(reply, "+mute %s %lld", message.seat.nick, (long long)seconds);
	return OUTCOME_DONE;
}

/* Tells every worker, this one too, that an address is banned from now on. */
static bool announce_ban(struct worker *worker, struct peer_address peer, const char *line,
			 size_t length)
{
	char text[sizeof(peer) + 256];
	bool all = true;

	memcpy(text, &peer, sizeof(peer));
	memcpy(text + sizeof(peer), line, length);
	for (uint32_t i = 0; i < worker->shared->options->workers; i++) {
		const struct address to = { .worker = i };

		all = send_letter(worker, to, LETTER_BAN, text, sizeof(peer) + length) && all;
	}
	return all;
}

enum outcome user_ban(struct session *session, struct span arguments, struct reply *reply)
{
	struct worker *worker = session->worker;
	struct directory *directory = worker->shared->directory;
	struct span address = words_next(&arguments);
	char text[PEER_ADDRESS_TEXT_SIZE];
	struct peer_address peer;
	char line[256];
	int64_t seconds;

	if (!peer_address_read(address, &peer)) {
		reply_error(reply, "BADARG", "ADDRESS is one such as 192.0.2.7 or 2001:db8::7");
		return OUTCOME_DONE;
	}
	if (!read_penalty(&arguments, &seconds, reply)) {
		return OUTCOME_DONE;
	}
	if (!directory_try(directory)) {
		return OUTCOME_AGAIN;
	}
	bool banned = admission_ban(directory->admission, peer,
				    worker_wall_ns(worker) + seconds * NS_PER_SECOND,
				    worker_wall_ns(worker));

	directory_unlock(directory);
	if (!banned) {
		reply_error(reply, "LIMIT", "%d addresses are banned, which is the most",
			    ADMISSION_BANS_MAX);
		return OUTCOME_DONE;
	}
	peer_address_write(peer, text);
	reply_line(reply, "+ban %s %lld", text, (long long)seconds);
	int length =
		snprintf(line, sizeof(line), "*notice %s banned your address for %lld seconds\n",
			 session->seat->nick, (long long)seconds);

	if (seconds > 0 && !announce_ban(worker, peer, line, (size_t)length)) {
		log_warning("who is here from %s is not let go: too much is on its way", text);
	}
	return OUTCOME_DONE;
}

/* Nicks */

static void tell_nick(struct session *session, const char *old)
{
	struct worker *worker = session->worker;
	const struct seat *seat = session->seat;
	char buffer[POST_MESSAGE_SIZE];
	int length = snprintf(buffer, sizeof(buffer), "*nick %s %s\n", old, seat->nick);
	uint16_t rooms[SEAT_ROOMS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < seat->room_count; i++) {
		if (post_hears_events(worker, seat->rooms[i])) {
			rooms[count++] = seat->rooms[i];
		}
	}
	const struct room_line line = { .kind = ROOM_LINE_NICK,
					.text = buffer,
					.length = (size_t)length,
					.sender = session_address(session),
					.wall_ns = worker_wall_ns(worker),
					.rooms = rooms,
					.room_count = count };
	for (size_t i = 0; i < count; i++) {
		post_line_or_queue(worker, rooms[i], &line);
	}
}

enum outcome user_nick(struct session *session, struct span arguments, struct reply *reply)
{
	struct directory *directory = session->worker->shared->directory;
	struct span name = words_next(&arguments);
	char old[NAME_NICK_SIZE];

	if (!name_is_nick(name) || words_rest(arguments).length > 0) {
		reply_error(reply, "BADARG", "NAME is 1 to %d letters, digits, _ or -",
			    NAME_NICK_POINTS);
		return OUTCOME_DONE;
	}
	memcpy(old, session->seat->nick, sizeof(old));
	if (!directory_try(directory)) {
		return OUTCOME_AGAIN;
	}
	bool ours = directory_claim(directory, session_address(session), name);

	directory_unlock(directory);
	if (!ours) {
		reply_error(reply, "NICKINUSE", "somebody has that nick; choose another");
		return OUTCOME_DONE;
	}
	if (strcmp(old, session->seat->nick) != 0) {
		tell_nick(session, old);
	}
	reply_line(reply, "+nick %s", session->seat->nick);
	return OUTCOME_DONE;
}

void user_turn(struct worker *worker)
{
	inbox_drain(worker->shared->inboxes, worker->number, read_letter, worker);
}
