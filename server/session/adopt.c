#include "server/session/adopt.h"

#include <unistd.h>

#include "server/session/kernel.h"
#include "server/session/progress.h"
#include "server/session/session.h"

#define RESUMED_MOST 8 /* processes that may end over the same input; then its sender is let go */

/* What is in use */

static struct stream *stream_at(const struct turn *turn, uint32_t seat)
{
	return streams_at(turn->shared->streams, turn->worker, seat);
}

static uint32_t seats_used(const struct turn *turn)
{
	const uint32_t used = turn->shared->streams->highest[turn->worker];

	return used < turn->shared->seats ? used : turn->shared->seats;
}

static bool is_taken_over(const struct turn *turn, const int *sockets, uint32_t seat)
{
	const struct stream *stream = stream_at(turn, seat);

	return sockets && sockets[seat] >= 0 && stream->session != 0 &&
	       stream->state != STREAM_ENDED;
}

/* Also one that the predecessor had closed: it may have had no time to tell the master so. */
static void close_stream(struct turn *turn, const int *sockets, uint32_t seat)
{
	const bool is_copied = sockets && sockets[seat] >= 0;

	if (is_copied) {
		(void)shutdown(sockets[seat], SHUT_RDWR);
		close(sockets[seat]);
	}
	if (is_copied || stream_at(turn, seat)->session != 0) {
		streams_close(turn->shared->streams, turn->worker, seat);
	}
}

static struct rest *rest_of(struct stream *stream)
{
	return &stream->rest[stream->input & 1];
}

static void keep_stream(struct turn *turn, struct stream *stream)
{
	const struct rest *rest = rest_of(stream);

	output_keep(&stream->output, turn->arena);
	if (rest->bytes) {
		arena_keep(turn->arena, rest->bytes, rest->length);
	}
}

/* The stream whose input was in hand and is not done with; NULL if there is none. */
static struct stream *stream_in_hand(const struct turn *turn)
{
	const struct hand *hand = turn->hand;
	struct stream *stream = stream_at(turn, hand->seat);

	return hand->session != 0 && stream->session == hand->session &&
			       stream->input == hand->input_before
		       ? stream
		       : NULL;
}

/* The replies to that input which are not queued. */
static void keep_replies(struct turn *turn)
{
	struct block *replies = turn->hand->replies;

	if (stream_in_hand(turn) && hand_done(turn->hand).reply_bytes > 0) {
		arena_keep(turn->arena, replies, sizeof(*replies) + replies->size);
		replies->arena = turn->arena;
		replies->references = 1;
	} else {
		turn->hand->replies = NULL;
	}
}

void adopt_keep(struct turn *turn, const int *sockets)
{
	for (uint32_t seat = 0; seat < seats_used(turn); seat++) {
		if (is_taken_over(turn, sockets, seat)) {
			output_uncount(&stream_at(turn, seat)->output);
		} else {
			close_stream(turn, sockets, seat);
		}
	}
	for (uint32_t seat = 0; seat < seats_used(turn); seat++) {
		if (stream_at(turn, seat)->session != 0) {
			keep_stream(turn, stream_at(turn, seat));
		}
	}
	keep_replies(turn);
}

/* Sessions */

/* What was read and is not in hand is done with. */
static void note_read(struct session *session, uint64_t read)
{
	struct stream *stream = session->stream;

	if (stream != stream_in_hand(session->turn)) {
		stream->input = read << 1 | (stream->input & 1);
	}
}

/* What is not in it was sent; of what is, that may have to be asked again. */
static void adopt_output(struct session *session, const struct kernel_counts *counts)
{
	struct output *output = session->output;

	session->sent_unknown = !counts->sent_known && output->first;
	output_adopt(output, counts->sent_known ? counts->sent
			     : output->first    ? output->first->begin
						: output->queued);
}

/* LEFT: its worker did not end amid anything, so nobody has to be asked. */
static void revive(struct turn *turn, const struct front *front, uint32_t seat, int socket,
		   bool left)
{
	struct session *session = session_revive(turn, front, seat, socket);
	struct kernel_counts counts;

	if (!session) {
		close_stream(turn, (const int[]){ socket } - seat, seat);
	} else if (left) {
		output_adopt(session->output, session->output->sent);
	} else if (!kernel_counts(session, &counts) ||
		   (counts.sent_known && !output_may_have_sent(session->output, counts.sent))) {
		session_end(session);
	} else {
		adopt_output(session, &counts);
		note_read(session, counts.read);
	}
}

/* Seats of nobody are free, the lowest first. */
static void count_free(struct sessions *sessions, uint32_t seats)
{
	sessions->free_count = 0;
	sessions->used = seats;
	for (uint32_t seat = seats; seat-- > 0;) {
		if (!sessions->table[seat]) {
			sessions->free[sessions->free_count++] = seat;
		}
	}
}

uint32_t adopt_sessions(struct turn *turn, const int *sockets,
			const struct front *(*front_of)(uint8_t kind))
{
	const bool left = atomic_exchange(&turn->hand->left, false);

	for (uint32_t seat = 0; seat < seats_used(turn); seat++) {
		if (stream_at(turn, seat)->session != 0) {
			revive(turn, front_of(stream_at(turn, seat)->kind), seat, sockets[seat],
			       left);
		}
	}
	count_free(turn->sessions, seats_used(turn));
	return turn->sessions->count;
}

/* The input in hand */

/* Replies that the predecessor had ready, and had no time to queue, go first. */
static void queue_replies(struct session *session)
{
	struct turn *turn = session->turn;
	struct hand *hand = turn->hand;
	struct block *replies = hand->replies;
	const struct hand_done done = hand_done(hand);

	if (done.reply_bytes == 0) {
		return;
	}
	bool queued = hand->committing != 0 && output_has(session->output, hand->committing) &&
		      hand->committing_done == done.requests;

	if (!queued) {
		hand_begin_commit(hand, done.requests);
		output_mark(session->output, hand->committing);
		(void)session_copy_reply(session, replies->bytes, done.reply_bytes);
	}
	hand_note_done(hand, (struct hand_done){ done.requests, 0 });
	hand->replies = turn->sessions->reply.block;
	block_release(replies);
}

/* Of an echo's bytes some may have been sent, or queued, already. */
static uint64_t bytes_echoed(const struct session *session, uint64_t consumed)
{
	const struct output *output = session->output;

	if (!session->front->in_step) {
		return 0;
	}
	return output->first ? consumed : output->sent - (session->stream->input >> 1);
}

static void take_again(struct session *session)
{
	struct hand *hand = session->turn->hand;
	struct kernel_counts counts;

	if (hand->kept) {
		progress_begin(session, true);
		session->front->go_on(session);
		progress_end(session, 0);
		return;
	}
	bool known = kernel_counts(session, &counts);
	uint64_t consumed = known ? counts.read - (session->stream->input >> 1) : 0;

	if (!known || consumed > RECEIVE_SIZE) { /* a tls process that was taken over may say so */
		session_end(session);
		return;
	}
	uint64_t skip = bytes_echoed(session, consumed);

	if (consumed > 0) {
		progress_begin(session, false);
		session_take(session, hand->received + skip, consumed - skip);
		progress_end(session, consumed);
	}
}

/* The predecessor had looked for input, and none was there. */
static bool is_empty(const struct session *session)
{
	struct kernel_counts counts;

	return !session->turn->hand->kept && kernel_counts(session, &counts) &&
	       counts.read == session->stream->input >> 1;
}

void adopt_resume(struct turn *turn, bool asked)
{
	struct hand *hand = turn->hand;
	struct sessions *sessions = turn->sessions;
	struct session *session = session_find(turn, hand->seat, hand->session);

	if (!stream_in_hand(turn) || !session || session->state == SESSION_ENDED ||
	    is_empty(session)) {
		hand->first = hand->begun; /* no number is given twice */
		return;
	}
	if (++hand->resumed > RESUMED_MOST) {
		session_end(session);
		return;
	}
	queue_replies(session);
	if (session->state == SESSION_OPEN) {
		sessions->resumes = true;
		sessions->resume_done = hand_done(hand).requests + asked;
		sessions->resume_begun = hand->begun > hand->first + sessions->resume_done;
		take_again(session);
		sessions->resumes = sessions->resume_begun = false;
		sessions->resume_done = 0;
	}
}

void adopt_start(struct turn *turn)
{
	uint32_t index = 0;

	for (struct session *session; (session = sessions_next(turn, &index));) {
		if (session->state != SESSION_ENDED) {
			session_start(session);
		}
	}
}
