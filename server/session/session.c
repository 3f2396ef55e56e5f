#include "server/session/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/booking/release.h"
#include "server/chat/room_commands.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define LINGER_NS        NS_PER_SECOND       /* how long a peer may take to end after us */
#define CUT_OFF_NS       (3 * NS_PER_SECOND) /* how long one who was cut off may take to read why */
#define REPLIES_TOGETHER (16 * 1024)         /* bytes: so many do not wait for more */
#define BUSY_LINE        "-BUSY the server has all the connections it may have; try again later\n"
#define CUT_LINE         "*notice you were too far behind; the connection ends here\n"
#define DRAIN_LINE       "*notice the server stops now\n"

static void on_event(evutil_socket_t socket, short what, void *argument);
static void flush(struct session *session);

struct address session_address(const struct session *session)
{
	return (struct address){ session->worker->number, session->place, session->number };
}

struct session *session_find(const struct worker *worker, uint32_t place, uint64_t number)
{
	struct session *session = worker->sessions[place];

	return session && session->number == number ? session : NULL;
}

/* What the event waits for follows from `reading` and `writing`. */
static void update_event(struct session *session)
{
	short wanted =
		(short)((session->reading ? EV_READ : 0) | (session->writing ? EV_WRITE : 0));

	event_del(&session->event);
	if (wanted && session->state != SESSION_ENDED) {
		event_assign(&session->event, session->worker->base, session->socket,
			     (short)(wanted | EV_PERSIST), on_event, session);
		event_add(&session->event, NULL);
	}
}

static void set_reading(struct session *session, bool reading)
{
	if (session->reading != reading) {
		session->reading = reading;
		update_event(session);
	}
}

static void set_writing(struct session *session, bool writing)
{
	if (session->writing != writing) {
		session->writing = writing;
		update_event(session);
	}
}

/* The connection is over: nothing more is read or written; the turn's end frees it. */
static void end(struct session *session)
{
	struct worker *worker = session->worker;

	if (session->state == SESSION_ENDED) {
		return;
	}
	session->state = SESSION_ENDED;
	event_del(&session->event);
	close(session->socket);
	output_finish(&session->output);
	chat_farewell(session, span_of(""));
	session->next_ended = worker->ended;
	worker->ended = session;
}

static void mark_unsent(struct session *session)
{
	if (!session->unsent) {
		session->unsent = true;
		session->next_unsent = session->worker->unsent;
		session->worker->unsent = session;
	}
}

void session_retry_later(struct session *session)
{
	if (!session->waiting) {
		session->waiting = true;
		session->next_waiting = session->worker->waiting;
		session->worker->waiting = session;
	}
}

/* A receiver that is further behind than it may be: what is queued is dropped, and it is let go. */
static void cut_off(struct session *session)
{
	bool at_line_end = output_cut(&session->output);

	if (!at_line_end) {
		output_copy(&session->output, &session->worker->copied, "\n", 1);
	}
	output_copy(&session->output, &session->worker->copied, CUT_LINE, sizeof(CUT_LINE) - 1);
	score_add(session->worker->score, COUNTER_CUT_OFF, 1);
	session_close(session);
	session->linger_until_ns = worker_now_ns(session->worker) + CUT_OFF_NS;
}

static bool is_behind(const struct session *session)
{
	return session->state == SESSION_OPEN &&
	       session->output.bytes > session->worker->shared->options->send_queue_bytes;
}

/* Much may be queued within one turn: it is sent before it is held against the receiver. */
static void queued(struct session *session)
{
	mark_unsent(session);
	if (is_behind(session) && !session->writing) {
		flush(session);
	}
	if (is_behind(session)) {
		cut_off(session);
	}
}

void session_send_replies(struct worker *worker)
{
	struct session *session = worker->answering;

	worker->answering = NULL;
	if (session && session->state == SESSION_OPEN) {
		output_copy(&session->output, &worker->copied, worker->reply.text,
			    worker->reply.complete);
		queued(session);
	}
	reply_drop_complete(&worker->reply);
}

void session_reply_is_complete(struct session *session)
{
	struct worker *worker = session->worker;

	if (worker->reply.failed) {
		score_add(worker->score, COUNTER_ERRORS, 1);
	}
	reply_complete(&worker->reply);
	worker->answering = session;
	if (worker->reply.complete >= REPLIES_TOGETHER) {
		session_send_replies(worker);
	}
}

/* Replies to what came before go first. */
static bool takes_output(struct session *session)
{
	if (session->worker->answering == session) {
		session_send_replies(session->worker);
	}
	return session->state == SESSION_OPEN;
}

void session_send(struct session *session, const char *text, size_t length)
{
	if (takes_output(session)) {
		output_copy(&session->output, &session->worker->copied, text, length);
		queued(session);
	}
}

void session_send_block(struct session *session, struct block *block, uint32_t start,
			uint32_t length)
{
	if (takes_output(session)) {
		output_add(&session->output, block, start, length);
		queued(session);
	}
}

/* Reads on, waits, or, when no more input comes and all of it is answered, closes. */
static void settle(struct session *session)
{
	bool over = session->ended_input || session->drained;
	bool keeping = session->intake.keeping;

	if (session->state != SESSION_OPEN) {
		return;
	}
	set_reading(session, !over && !keeping);
	if (over && !keeping && session->bookings == 0) {
		session_close(session);
	}
}

void session_answered(struct session *session)
{
	session->bookings--;
	session_reply_is_complete(session);
	session_send_replies(session->worker);
	if (session->bookings == 0 && session->intake.keeping && !session->waiting) {
		intake_go_on(session);
	}
	settle(session);
}

/* What a newcomer is told who may not come in; false if it may. With the directory's lock held. */
static bool is_refused(struct session *session, struct reply *reply)
{
	struct worker *worker = session->worker;
	struct admission *admission = worker->shared->directory->admission;
	int64_t banned_ns = admission_banned(admission, session->peer, worker_wall_ns(worker));

	if (banned_ns > 0) {
		reply_error(reply, "DENIED", "your address is banned for %lld more seconds",
			    (long long)((banned_ns + NS_PER_SECOND - 1) / NS_PER_SECOND));
		return true;
	}
	if (!admission_enter(admission, session->peer)) {
		reply_error(reply, "BUSY", "your address has %u connections, which is the most",
			    admission->most);
		return true;
	}
	return false;
}

/* Lets a new session in under its first nick, or tells it why not; false: try again next turn. */
static bool greet(struct session *session)
{
	struct directory *directory = session->worker->shared->directory;
	struct reply *reply = &session->worker->reply;

	if (!directory_try(directory)) {
		return false;
	}
	reply_clear(reply);
	if (is_refused(session, reply)) {
		directory_unlock(directory);
		session_send(session, reply->text, reply->length);
		session_close(session);
		return true;
	}
	session->seat->peer = session->peer;
	directory_claim_guest(directory, session_address(session));
	directory_unlock(directory);
	session->greeted = true;
	reply_line(reply,
		   "+turnstile 1 welcome, %s; worker %u serves you; /help lists the commands",
		   session->seat->nick, session->worker->number + 1);
	session_send(session, reply->text, reply->length);
	set_reading(session, true);
	return true;
}

void session_retry_waiting(struct worker *worker)
{
	struct session *session = worker->waiting;

	worker->waiting = NULL;
	while (session) {
		struct session *next = session->next_waiting;

		session->waiting = false;
		if (session->state != SESSION_OPEN) {
			/* it is being ended */
		} else if (!session->greeted) {
			if (!greet(session)) {
				session_retry_later(session);
			}
		} else if (session->intake.keeping && session->bookings == 0) {
			intake_go_on(session);
			settle(session);
		}
		session = next;
	}
}

/* Reads and forgets what the peer still sends, so that its end, and not a reset, ends it all. */
static void linger(struct session *session)
{
	ssize_t got;

	do {
		got = recv(session->socket, session->worker->receive_buffer, RECEIVE_SIZE, 0);
	} while (got > 0);
	if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		end(session);
	}
}

/* All is sent: says so to the peer. */
static void finish_sending(struct session *session)
{
	if (session->ended_input) {
		end(session); /* to close it says as much */
		return;
	}
	shutdown(session->socket, SHUT_WR);
	session->state = SESSION_LINGERING;
	session->linger_until_ns = worker_now_ns(session->worker) + LINGER_NS;
	set_reading(session, true);
	linger(session);
}

static void flush(struct session *session)
{
	switch (output_flush(&session->output, session->socket)) {
	case OUTPUT_BROKEN: end(session); return;
	case OUTPUT_BLOCKED: set_writing(session, true); return;
	case OUTPUT_EMPTY: break;
	}
	set_writing(session, false);
	if (session->state == SESSION_CLOSING) {
		finish_sending(session);
	}
}

static void read_input(struct session *session)
{
	struct worker *worker = session->worker;
	ssize_t got = recv(session->socket, worker->receive_buffer, RECEIVE_SIZE, 0);

	if (got > 0) {
		intake_take(session, worker->receive_buffer, (size_t)got);
		settle(session);
	} else if (got == 0) {
		session->ended_input = true;
		settle(session);
	} else if (errno != EAGAIN && errno != EINTR) {
		end(session);
	}
}

static void on_event(evutil_socket_t socket, short what, void *argument)
{
	struct session *session = argument;

	(void)socket;
	if (what & EV_WRITE) {
		flush(session);
	}
	if ((what & EV_READ) && session->state == SESSION_OPEN) {
		read_input(session);
	} else if ((what & EV_READ) && session->state == SESSION_LINGERING) {
		linger(session);
	}
}

void session_close(struct session *session)
{
	if (!takes_output(session)) {
		return;
	}
	session->state = SESSION_CLOSING;
	set_reading(session, false);
	mark_unsent(session);
}

void session_refuse(int socket, bool lines)
{
	if (lines) {
		(void)send(socket, BUSY_LINE, sizeof(BUSY_LINE) - 1, MSG_NOSIGNAL);
	}
	shutdown(socket, SHUT_WR);
	close(socket);
}

void session_open(struct worker *worker, int socket, struct peer_address peer)
{
	struct session *session = worker->free_count > 0 ? calloc(1, sizeof(*session)) : NULL;

	if (!session) {
		session_refuse(socket, true);
		return;
	}
	session->worker = worker;
	session->socket = socket;
	session->peer = peer;
	session->place = worker->free_seats[--worker->free_count];
	session->seat = directory_seat(worker->shared->directory, worker->number, session->place);
	session->number = directory_new_session(worker->shared->directory);
	intake_init(&session->intake);
	event_assign(&session->event, worker->base, socket, EV_READ | EV_PERSIST, on_event,
		     session);
	worker->sessions[session->place] = session;
	worker->session_count++;
	if (!greet(session)) {
		session_retry_later(session);
	} else if (session->state == SESSION_OPEN) {
		read_input(session); /* who has asked already is answered along with the greeting */
	}
}

static void free_session(struct session *session)
{
	struct worker *worker = session->worker;

	worker->sessions[session->place] = NULL;
	worker->free_seats[worker->free_count++] = session->place;
	worker->session_count--;
	intake_finish(&session->intake);
	free(session);
}

/* Those that ended give back all they had, when the queue and the directory can take it. */
static void free_ended(struct worker *worker)
{
	struct session *session = worker->ended;

	worker->ended = NULL;
	while (session) {
		struct session *next = session->next_ended;

		if (!session->waiting && !session->unsent && boxoffice_release(session) &&
		    chat_leave_all(session)) {
			free_session(session);
		} else {
			session->next_ended = worker->ended;
			worker->ended = session;
		}
		session = next;
	}
}

void session_flush_all(struct worker *worker)
{
	struct session *session;

	while ((session = worker->unsent) != NULL) {
		worker->unsent = session->next_unsent;
		session->unsent = false;
		if (session->state != SESSION_ENDED && !session->writing) {
			flush(session);
		}
	}
	free_ended(worker);
}

void session_tick(struct worker *worker)
{
	for (uint32_t i = 0; i < worker->shared->options->max_connections; i++) {
		struct session *session = worker->sessions[i];

		if (session && session->linger_until_ns != 0 &&
		    session->linger_until_ns <= worker_now_ns(worker)) {
			end(session);
		}
	}
}

void session_drain_all(struct worker *worker)
{
	for (uint32_t i = 0; i < worker->shared->options->max_connections; i++) {
		struct session *session = worker->sessions[i];

		if (session && session->state == SESSION_OPEN) {
			session_send(session, DRAIN_LINE, sizeof(DRAIN_LINE) - 1);
			session->drained = true;
			settle(session);
		}
	}
}
