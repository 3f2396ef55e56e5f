#include "server/session/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/session/gate.h"
#include "server/session/kernel.h"
#include "server/session/progress.h"
#include "server/session/weight.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define LINGER_NS        NS_PER_SECOND       /* how long a peer may take to end after us */
#define LINGERERS_PART   8                   /* of the connections; one more is not waited for */
#define CUT_OFF_NS       (3 * NS_PER_SECOND) /* how long one who was cut off may take to read why */
#define PROXY_HEADER_NS  (10 * NS_PER_SECOND) /* until all of it has come */
#define REPLIES_TOGETHER (16 * 1024)          /* bytes: so many do not wait for more */
#define MESSAGE_SIZE_MAX 8192                 /* bytes of an event for one session */
#define NOTICE_SIZE      256
#define LINGER_READ      4096 /* bytes at once */
#define SENT_ASKED_MOST  100  /* times in as many milliseconds; then once a second */

static void on_event(evutil_socket_t socket, short what, void *argument);
static void flush(struct session *session);

/* What the event waits for follows from `reading` and `writing`. */
static void update_event(struct session *session)
{
	short wanted =
		(short)((session->reading ? EV_READ : 0) | (session->writing ? EV_WRITE : 0));

	event_del(&session->event);
	if (wanted && session->state != SESSION_ENDED) {
		event_assign(&session->event, session->turn->base, session->socket,
			     (short)(wanted | EV_PERSIST), on_event, session);
		event_add(&session->event, NULL);
	}
}

static void wait_for(struct session *session, bool reading, bool writing)
{
	if (session->reading != reading || session->writing != writing) {
		session->unwatched |= reading && !session->reading;
		session->reading = reading;
		session->writing = writing;
		update_event(session);
	}
}

static void set_reading(struct session *session, bool reading)
{
	wait_for(session, reading, session->writing);
}

void session_end(struct session *session)
{
	if (session->state == SESSION_ENDED) {
		return;
	}
	session->turn->sessions->lingering -= session->state == SESSION_LINGERING;
	session->state = SESSION_ENDED;
	atomic_store(&session->stream->state, STREAM_ENDED);
	weight_update(session);
	event_del(&session->event);
	if (session->turn->shared->options->adopt) {
		shutdown(session->socket, SHUT_RDWR); /* the master has a copy */
	}
	close(session->socket);
	output_finish(session->output);
	sessions_add_leaving(session);
}

static size_t write_message(const struct session *session, const struct message *message,
			    char *bytes)
{
	if (session->front->message_size(message) > MESSAGE_SIZE_MAX) {
		bug("a message of more than %d bytes", MESSAGE_SIZE_MAX);
	}
	return session->front->write_message(message, bytes);
}

/* Behind the message that is being sent just now; what else is queued is dropped. */
static void put_last_words(struct session *session, const struct message *why)
{
	char words[MESSAGE_SIZE_MAX];

	if (output_cut(session->output, session->front->message_length)) {
		output_copy(session->output, &session->turn->sessions->copied, words,
			    write_message(session, why, words));
	}
}

void session_cut_off(struct session *session)
{
	const struct message why = { .kind = MESSAGE_NOTICE,
				     .text = span_of(
					     "you were too far behind; the connection ends here") };

	session_note(session->turn, session, TRAIL_CUT_OFF,
		     "was cut off: it has not read %zu bytes that it was sent",
		     output_bytes(session->output));
	if (session->sent_unknown) {
		session_end(session); /* where a message ends cannot be told */
		return;
	}
	put_last_words(session, &why);
	score_add(session->turn->score, COUNTER_CUT_OFF, 1);
	session->stream->end_ns = turn_now_ns(session->turn) + CUT_OFF_NS;
	session_close(session);
}

/* Much may be queued within one turn: it is sent before it is held against the receiver. */
static void queued(struct session *session)
{
	sessions_add_unsent(session);
	if (weight_is_too_far_behind(session) && !session->writing) {
		flush(session);
	}
	if (weight_is_too_far_behind(session)) {
		session_cut_off(session);
	}
	weight_update(session);
}

/* The same for replies to what it asked itself. */
static void queued_own(struct session *session, size_t length)
{
	weight_add_own(session, length);
	sessions_add_unsent(session);
	if (weight_ignores_its_replies(session) && !session->writing) {
		flush(session);
	}
	weight_update(session);
}

size_t session_copy_reply(struct session *session, const char *text, size_t length)
{
	struct sessions *sessions = session->turn->sessions;
	struct reply *framed = &sessions->framed;

	if (!session->front->frame) {
		output_copy(session->output, &sessions->copied, text, length);
		return length;
	}
	reply_clear(framed);
	session->front->frame(text, length, framed);
	output_copy(session->output, &sessions->copied, framed->text, framed->length);
	return framed->length;
}

void session_send_replies(struct turn *turn)
{
	struct sessions *sessions = turn->sessions;
	struct session *session = sessions->answering;

	sessions->answering = NULL;
	if (session && session->state == SESSION_OPEN) {
		progress_begin_commit(session);
		size_t length =
			session_copy_reply(session, sessions->reply.text, sessions->reply.complete);

		reply_drop_complete(&sessions->reply);
		progress_end_commit(session);
		queued_own(session, length);
	} else {
		reply_drop_complete(&sessions->reply);
	}
}

void session_reply_is_complete(struct session *session)
{
	struct sessions *sessions = session->turn->sessions;

	reply_complete(&sessions->reply);
	progress_done(session);
	sessions->answering = session;
	if (sessions->reply.complete >= REPLIES_TOGETHER) {
		session_send_replies(session->turn);
	}
}

/* Replies to what came before go first. */
static bool takes_output(struct session *session)
{
	if (session->turn->sessions->answering == session) {
		session_send_replies(session->turn);
	}
	if (session->turn->hand->tag != 0) {
		output_mark(session->output, session->turn->hand->tag);
	}
	return session->state == SESSION_OPEN;
}

void session_send(struct session *session, const char *text, size_t length)
{
	if (takes_output(session)) {
		output_copy(session->output, &session->turn->sessions->copied, text, length);
		queued(session);
	}
}

void session_send_own(struct session *session, const char *text, size_t length)
{
	if (takes_output(session)) {
		output_copy(session->output, &session->turn->sessions->copied, text, length);
		queued_own(session, length);
	}
}

void session_send_block(struct session *session, struct block *block, uint32_t start,
			uint32_t length)
{
	if (takes_output(session)) {
		output_add(session->output, block, start, length);
		queued(session);
	}
}

void session_send_now(struct session *session, const char *text, size_t length)
{
	ssize_t sent = 0;

	if (!takes_output(session)) {
		return;
	}
	if (output_bytes(session->output) == 0) {
		sent = send(session->socket, text, length, MSG_NOSIGNAL);
	}
	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		session_end(session);
		return;
	}
	sent = sent < 0 ? 0 : sent;
	output_skip(session->output, (size_t)sent);
	if ((size_t)sent < length) {
		output_copy(session->output, &session->turn->sessions->copied, text + sent,
			    length - (size_t)sent);
		wait_for(session, session->reading && !session->front->in_step, true);
		weight_update(session);
	}
}

void session_hear(struct session *session, const struct message *message)
{
	char bytes[MESSAGE_SIZE_MAX];

	if (session->state == SESSION_OPEN) {
		session_send(session, bytes, write_message(session, message, bytes));
	}
}

void session_note_of(struct turn *turn, const char *who, enum trail_kind kind, const char *format,
		     ...)
{
	va_list arguments;

	va_start(arguments, format);
	trail_note(&turn->sessions->trail, turn_now_ns(turn), who, kind, format, arguments);
	va_end(arguments);
}

void session_notice(struct session *session, const char *format, ...)
{
	char text[NOTICE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	session_hear(session, &(struct message){ .kind = MESSAGE_NOTICE, .text = span_of(text) });
}

/* Also one whom an operator ended elsewhere and who is not told yet: nothing more is taken. */
static bool is_over(const struct session *session)
{
	return session->state != SESSION_OPEN || seat_is_ended(session->seat);
}

/* Whether input has to wait until something else is over. */
static bool has_to_wait(const struct session *session)
{
	return session->keeping || weight_ignores_its_replies(session) ||
	       (session->front->in_step && output_bytes(session->output) > 0);
}

/* Reads on, waits, or, when no more input comes and all of it is answered, closes. */
static void settle(struct session *session)
{
	bool over = session->ended_input || session->drained;
	bool waits = has_to_wait(session);

	if (session->state != SESSION_OPEN) {
		return;
	}
	set_reading(session, !over && !waits);
	if (over && !waits && session->unanswered == 0) {
		session_close(session);
	}
}

void session_expect_answer(struct session *session)
{
	session->unanswered++;
}

/* What its front kept has its turn. */
static void go_on(struct session *session)
{
	progress_begin(session, true);
	session->front->go_on(session);
	progress_end(session, 0);
	settle(session);
}

void session_go_on(struct session *session)
{
	session->unanswered--;
	session_retry_later(session);
}

void session_answered(struct session *session)
{
	session->unanswered--;
	if (session->unanswered == 0 && session->keeping && !session->waiting &&
	    !is_over(session)) {
		go_on(session);
	} else {
		settle(session);
	}
}

/* Lets a new session in, or ends it, told why by its front; false: try again next turn. */
static bool let_in(struct session *session)
{
	const struct front *front = session->front;
	struct problem problem;
	enum outcome outcome = gate_let_in(session, &problem);

	if (outcome == OUTCOME_AGAIN) {
		return false;
	}
	reply_clear(&session->turn->sessions->reply);
	if (outcome == OUTCOME_REFUSED) {
		if (front->refuse) {
			front->refuse(session, &problem);
		}
		session_close(session);
		return true;
	}
	if (front->greet) {
		front->greet(session);
	}
	set_reading(session, true);
	return true;
}

/* The tls process mostly has it in a moment; where its peer does not read, a second is soon. */
static void ask_again_soon(struct session *session)
{
	flush(session);
	if (session->sent_unknown && session->sent_asked < SENT_ASKED_MOST) {
		session->sent_asked++;
		session_retry_later(session);
	}
}

/* False when it has to wait on. */
static bool retry(struct session *session)
{
	if (session->sent_unknown) {
		ask_again_soon(session);
	}
	if (is_over(session)) {
		return true; /* it is being ended */
	}
	if (!session->let_in) {
		return let_in(session);
	}
	if (session->keeping && session->unanswered == 0 && !weight_ignores_its_replies(session)) {
		go_on(session);
	}
	return true;
}

void sessions_retry_waiting(struct turn *turn)
{
	struct session *session = turn->sessions->waiting;

	turn->sessions->waiting = NULL;
	turn->sessions->pressing = false;
	turn->sessions->waiting_count = 0;
	for (const struct session *each = session; each; each = each->next_waiting) {
		turn->sessions->waiting_count++;
	}
	while (session) {
		struct session *next = session->next_waiting;

		session->waiting = false;
		if (!retry(session)) {
			session_retry_later(session);
		}
		session = next;
	}
}

/* Reads and forgets what the peer still sends, so that its end, and not a reset, ends it all. */
static void linger(struct session *session)
{
	char forgotten[LINGER_READ];
	ssize_t got;

	do {
		got = recv(session->socket, forgotten, sizeof(forgotten), 0);
	} while (got > 0);
	if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		session_end(session);
	}
}

/* Those who are not let in linger, too: they are not to take the places of all others. */
static bool many_linger(const struct turn *turn)
{
	const struct options *options = turn->shared->options;

	return turn->sessions->lingering >
	       options->max_connections / options->workers / LINGERERS_PART;
}

/* All is sent: says so to the peer. */
static void finish_sending(struct session *session)
{
	if (session->ended_input || many_linger(session->turn)) {
		session_end(session); /* to close it says as much */
		return;
	}
	shutdown(session->socket, SHUT_WR);
	session->state = SESSION_LINGERING;
	session->turn->sessions->lingering++;
	sessions_add_leaving(session); /* the peer may take its time, nick and rooms are free */
	session->stream->end_ns = turn_now_ns(session->turn) + LINGER_NS;
	set_reading(session, true);
	linger(session);
}

/* Its replies are read: what its front kept meanwhile has its turn. */
static void take_up_kept(struct session *session)
{
	if (session->keeping && session->unanswered == 0 && session->state == SESSION_OPEN) {
		session->turn->sessions->pressing = true;
		session_retry_later(session);
	}
}

/* How much of its output a predecessor sent: asked again until it can be told (kernel.h). */
static bool knows_what_was_sent(struct session *session)
{
	struct kernel_counts counts;

	if (!session->sent_unknown) {
		return true;
	}
	if (!kernel_counts(session, &counts) ||
	    (counts.sent_known && !output_may_have_sent(session->output, counts.sent))) {
		session_end(session);
		return false;
	}
	if (counts.sent_known) {
		output_adopt(session->output, counts.sent);
		session->sent_unknown = false;
	}
	return counts.sent_known;
}

static void flush(struct session *session)
{
	if (!knows_what_was_sent(session)) {
		return;
	}
	size_t before = output_bytes(session->output);
	bool ignored = weight_ignores_its_replies(session);
	enum output_result result =
		output_flush(session->output, session->socket, session->front->message_length);

	weight_sent(session, before - output_bytes(session->output));
	if (ignored && !weight_ignores_its_replies(session)) {
		take_up_kept(session);
		settle(session);
	}
	switch (result) {
	case OUTPUT_BROKEN: session_end(session); return;
	case OUTPUT_BLOCKED:
		wait_for(session, session->reading, true);
		weight_update(session);
		return;
	case OUTPUT_EMPTY: break;
	}
	if (session->writing) {
		bool stood_still = session->front->in_step && session->state == SESSION_OPEN;

		wait_for(session, session->reading || stood_still, false);
		settle(session);
	}
	weight_update(session);
	if (session->state == SESSION_CLOSING) {
		finish_sending(session);
	}
}

/* What is in its socket now, and was not there when the loop asked before, came in between. */
static void note_since(struct session *session)
{
	const struct turn *turn = session->turn;

	if (!session->unwatched && turn->unread_since_ns > session->stream->since_ns) {
		session->stream->since_ns = turn->unread_since_ns;
	}
	session->unwatched = false;
}

/* At NOW_NS nothing was left in its socket: if nothing is kept, all that came before is done. */
static void note_empty(struct session *session, int64_t now_ns)
{
	if (!session->keeping) {
		session->stream->since_ns = now_ns;
	}
}

static void read_input(struct session *session)
{
	struct turn *turn = session->turn;
	char *received = turn->hand->received;
	const int64_t now_ns = turn_now_ns(turn);
	ssize_t got;

	if (is_over(session)) {
		set_reading(session, false);
		return;
	}
	turn->reads++;
	note_since(session);
	progress_begin(session, false);
	got = recv(session->socket, received, RECEIVE_SIZE, 0);
	if (got > 0) {
		session->front->take(session, received, (size_t)got);
		progress_end(session, (size_t)got);
		if (got < RECEIVE_SIZE) {
			note_empty(session, now_ns);
		}
		settle(session);
	} else if (got == 0) {
		session->ended_input = true;
		settle(session);
	} else if (errno == EAGAIN) {
		note_empty(session, now_ns);
	} else if (errno != EINTR) {
		session_end(session);
	}
}

/* Its address is known: it is let in now, or next turn. */
static void begin(struct session *session)
{
	if (!let_in(session)) {
		set_reading(session, false);
		session_retry_later(session);
	} else if (session->state == SESSION_OPEN) {
		read_input(session); /* who has asked already is answered along with the greeting */
	}
}

/* Its address is the proxy's, until it says whose it is. */
static void await_header(struct session *session)
{
	session->proxy_header = calloc(1, sizeof(*session->proxy_header));
	if (!session->proxy_header) {
		die("out of memory");
	}
}

static void end_without_header(struct session *session, const char *what)
{
	session_note(session->turn, session, TRAIL_PROXY, "is a trusted proxy, but %s", what);
	session_end(session);
}

/* What came of a header is kept as the session's rest: so it outlives this process, too. */
static void keep_header(struct session *session, enum proxy_result result)
{
	struct proxy_header *header = session->proxy_header;

	if (result == PROXY_MORE) {
		memcpy(progress_keep(session, sizeof(*header), REST_PROXIED), header,
		       sizeof(*header));
		return;
	}
	(void)progress_keep(session, 0, 0);
	if (header->names_peer) {
		session->peer = session->stream->peer = header->peer;
	}
	free(header);
	session->proxy_header = NULL;
}

/* Returns how many of the bytes belong to its header. */
static size_t take_header(struct session *session, const char *bytes, size_t length)
{
	size_t used = 0;
	enum proxy_result result = proxy_header_read(session->proxy_header, bytes, length, &used);

	if (result == PROXY_BAD) {
		end_without_header(session, "sent no PROXY header");
	} else {
		keep_header(session, result);
	}
	return used;
}

/* It is looked at first and then taken, so that what follows it stays for the front. */
static void read_proxy_header(struct session *session)
{
	char *bytes = session->turn->hand->received;

	progress_begin(session, false);
	ssize_t got = recv(session->socket, bytes, RECEIVE_SIZE, MSG_PEEK);

	if (got <= 0) {
		if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
			session_end(session); /* a proxy that only looks whether we are there */
		}
		return;
	}
	size_t used = take_header(session, bytes, (size_t)got);

	if (session->state == SESSION_OPEN) {
		(void)recv(session->socket, bytes, used, 0);
	}
	progress_end(session, used);
	if (session->state == SESSION_OPEN && !session->proxy_header) {
		begin(session);
	}
}

void session_take(struct session *session, char *bytes, size_t length)
{
	if (session->proxy_header) {
		(void)take_header(session, bytes, length);
	} else {
		session->front->take(session, bytes, length);
	}
}

static void on_event(evutil_socket_t socket, short what, void *argument)
{
	struct session *session = argument;

	(void)socket;
	if (what & EV_WRITE) {
		flush(session);
	}
	if ((what & EV_READ) && session->state == SESSION_OPEN && session->proxy_header) {
		read_proxy_header(session);
	} else if ((what & EV_READ) && session->state == SESSION_OPEN) {
		read_input(session);
	} else if ((what & EV_READ) && session->state == SESSION_LINGERING) {
		linger(session);
	}
}

void session_close(struct session *session)
{
	if (takes_output(session) && session->front->farewell) {
		session->front->farewell(session);
	}
	if (!takes_output(session)) {
		return;
	}
	session->state = SESSION_CLOSING;
	atomic_store(&session->stream->state, STREAM_CLOSING);
	weight_update(session);
	set_reading(session, false);
	sessions_add_unsent(session);
}

void session_end_now(struct session *session, const struct message *why)
{
	if (session->state == SESSION_OPEN && session->writing && session->front->of_people) {
		put_last_words(session, why);
	} else {
		session_hear(session, why);
	}
	session_close(session);
	if (session->state == SESSION_CLOSING) {
		flush(session);
	}
	if (session->state == SESSION_CLOSING) {
		session_end(session); /* it does not read */
	}
}

void session_refuse(const struct front *front, int socket)
{
	if (*front->busy != '\0') {
		(void)send(socket, front->busy, strlen(front->busy), MSG_NOSIGNAL);
	}
	shutdown(socket, SHUT_WR);
	close(socket);
}

/* A session at that seat of this worker's, whose stream is there. */
static struct session *seat_session(struct turn *turn, const struct front *front, uint32_t index,
				    int socket)
{
	struct sessions *sessions = turn->sessions;
	struct session *session = calloc(1, front->session_size);

	if (!session) {
		return NULL;
	}
	session->turn = turn;
	session->front = front;
	session->socket = socket;
	session->index = index;
	session->seat = directory_seat(turn->shared->directory, turn->worker, index);
	session->stream = streams_at(turn->shared->streams, turn->worker, index);
	session->output = &session->stream->output;
	event_assign(&session->event, turn->base, socket, EV_READ | EV_PERSIST, on_event, session);
	sessions->table[index] = session;
	sessions->count++;
	return session;
}

/* A new one; NULL when there is no seat or no memory. */
static struct session *create(struct turn *turn, const struct front *front,
			      const struct session_socket *socket, uint32_t flags)
{
	const uint32_t seat = sessions_take_seat(turn);
	struct session *session;

	if (seat == NO_SEAT_LEFT) {
		return NULL;
	}
	session = seat_session(turn, front, seat, socket->descriptor);
	if (!session) {
		sessions_free_seat(turn, seat);
		return NULL;
	}
	session->number = directory_new_session(turn->shared->directory);
	session->peer = socket->peer;
	streams_open(turn->shared->streams, turn->worker, session->index, session->number,
		     &(struct stream){ .handoff = socket->handoff,
				       .kind = socket->kind,
				       .since_ns = turn->accepted_ns,
				       .due_ns = turn_now_ns(turn) + PROXY_HEADER_NS,
				       .peer = socket->peer,
				       .own = socket->own,
				       .plain = socket->plain,
				       .rest[0].flags = flags });
	output_init(session->output, turn->arena);
	if (front->start) {
		front->start(session, socket);
	}
	return session;
}

/* A header that a predecessor has read in part. */
static void revive_header(struct session *session)
{
	const struct rest *rest = progress_rest(session);

	await_header(session);
	if (rest->bytes) {
		memcpy(session->proxy_header, rest->bytes, sizeof(*session->proxy_header));
	}
}

struct session *session_revive(struct turn *turn, const struct front *front, uint32_t index,
			       int socket)
{
	struct session *session = seat_session(turn, front, index, socket);
	const struct stream *stream = session ? session->stream : NULL;

	if (session) {
		session->number = stream->session;
		session->peer = stream->peer;
		session->operator_role = stream->operator_role;
		turn->sessions->bans_seen = 0; /* who was banned meanwhile is let go */
		session->unwatched = true;
		session->let_in = session->seat->session == session->number;
		session->state = stream->state == STREAM_OPEN ? SESSION_OPEN : SESSION_CLOSING;
		session->said_farewell = session->state == SESSION_CLOSING && front->farewell;
		if (progress_rest(session)->flags & REST_PROXIED) {
			revive_header(session);
		} else {
			session->keeping = front->revive && front->revive(session);
		}
	}
	return session;
}

void session_start(struct session *session)
{
	weight_update(session);
	sessions_add_unsent(session);
	if (session->sent_unknown) {
		session_retry_later(session);
	}
	if (session->proxy_header) {
		set_reading(session, session->state == SESSION_OPEN);
		return;
	}
	if (session->keeping || !session->let_in) {
		session_retry_later(session);
	}
	if (session->let_in && session->front->greet && session->output->queued == 0) {
		session->front->greet(session);
	}
	if (session->let_in) {
		settle(session);
	}
}

struct session *session_open(struct turn *turn, const struct front *front,
			     const struct session_socket *socket)
{
	struct session *session = create(turn, front, socket, 0);

	if (!session) {
		session_refuse(front, socket->descriptor);
		return NULL;
	}
	begin(session);
	return session;
}

struct session *session_open_proxied(struct turn *turn, const struct front *front,
				     const struct session_socket *socket)
{
	struct session *session = create(turn, front, socket, REST_PROXIED);

	if (!session) {
		session_refuse(front, socket->descriptor);
		return NULL;
	}
	await_header(session);
	set_reading(session, true);
	read_proxy_header(session); /* it mostly comes with the connection */
	return session;
}

static void free_session(struct session *session)
{
	struct sessions *sessions = session->turn->sessions;

	const struct rest *rest = progress_rest(session);

	arena_give(session->turn->arena, rest->bytes, rest->length);
	streams_close(session->turn->shared->streams, session->turn->worker, session->index);
	sessions_free_seat(session->turn, session->index);
	sessions->count--;
	if (session->front->finish) {
		session->front->finish(session);
	}
	free(session->proxy_header);
	free(session->renames);
	free(session);
}

/* False when the queue or the directory cannot take it now. */
static bool gives_back(struct session *session, bool (*give_back)(struct session *session))
{
	if (!session->gave_back) {
		session->gave_back = !session->let_in || give_back(session);
	}
	return session->gave_back;
}

/* Those that leave give back all they had; one that only lingers is freed when it has ended. */
static void free_ended(struct turn *turn, bool (*give_back)(struct session *session))
{
	struct session *session = turn->sessions->ended;

	turn->sessions->ended = NULL;
	while (session) {
		struct session *next = session->next_ended;
		bool ended = session->state == SESSION_ENDED;

		session->leaving = false;
		if (session->waiting || session->unsent || !gives_back(session, give_back)) {
			sessions_add_leaving(session); /* again next turn */
		} else if (ended) {
			free_session(session);
		}
		session = next;
	}
}

void sessions_flush(struct turn *turn, bool (*give_back)(struct session *session))
{
	struct session *session;

	while ((session = turn->sessions->unsent)) {
		turn->sessions->unsent = session->next_unsent;
		session->unsent = false;
		if (session->state != SESSION_ENDED && !session->writing) {
			flush(session);
		}
	}
	free_ended(turn, give_back);
}

void sessions_end_ended(struct turn *turn, const struct message *why)
{
	uint32_t index = 0;

	for (struct session *session; (session = sessions_next(turn, &index));) {
		if (seat_is_ended(session->seat) && session->state != SESSION_ENDED) {
			session_end_now(session, why);
		}
	}
}

void sessions_end_from(struct turn *turn, struct peer_network network, const struct message *why)
{
	uint32_t index = 0;

	for (struct session *session; (session = sessions_next(turn, &index));) {
		if (!session->operator_role && !session->proxy_header &&
		    peer_network_has(network, session->peer)) {
			session_end_now(session, why);
		}
	}
}

void sessions_tick(struct turn *turn)
{
	uint32_t index = 0;

	trail_tick(&turn->sessions->trail, turn_now_ns(turn));
	for (struct session *session; (session = sessions_next(turn, &index));) {
		if (seat_is_ended(session->seat)) { /* who did it died before it told us */
			atomic_store(&turn->shared->directory->has_ended[turn->worker], true);
		}
		const struct stream *stream = session->stream;

		if (stream->end_ns != 0 && stream->end_ns <= turn_now_ns(turn)) {
			session_end(session);
		} else if (session->sent_unknown && session->state != SESSION_ENDED) {
			flush(session);
		} else if (session->proxy_header && session->state == SESSION_OPEN &&
			   stream->due_ns <= turn_now_ns(turn)) {
			end_without_header(session, "sent no whole PROXY header in 10 s");
		} else if (session->state == SESSION_OPEN && session->front->tick) {
			session->front->tick(session);
		}
	}
}

void sessions_drain(struct turn *turn)
{
	uint32_t index = 0;

	for (struct session *session; (session = sessions_next(turn, &index));) {
		if (session->state == SESSION_OPEN) {
			session_notice(session, "the server stops now");
			session->drained = true;
			settle(session);
		}
	}
}
