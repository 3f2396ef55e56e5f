#include "server/session/progress.h"

static struct hand *hand_of(const struct session *session)
{
	return session->turn->hand;
}

static unsigned rest_of(const struct session *session)
{
	return session->stream->input & 1;
}

const struct rest *progress_rest(const struct session *session)
{
	return &session->stream->rest[rest_of(session)];
}

struct span progress_rest_input(const struct session *session, size_t before)
{
	const struct rest *rest = progress_rest(session);

	return rest->length > before
		       ? (struct span){ (const char *)rest->bytes + before, rest->length - before }
		       : span_of("");
}

void progress_begin(struct session *session, bool kept)
{
	struct hand *hand = hand_of(session);
	struct sessions *sessions = session->turn->sessions;

	sessions->taking = session;
	sessions->requests = sessions->requests_done = 0;
	sessions->kept = (struct rest){ .flags = progress_rest(session)->flags };
	if (sessions->resumes) {
		return; /* the hand is as the predecessor left it */
	}
	atomic_store_explicit(&hand->session, 0, memory_order_release);
	hand->seat = session->index;
	hand->kept = kept;
	hand->input_before = session->stream->input;
	hand->committing = 0;
	hand->replies = sessions->reply.block;
	atomic_store_explicit(&hand->begun, hand->first, memory_order_relaxed);
	hand_note_done(hand, (struct hand_done){ 0, 0 });
	hand->resumed = 0;
	atomic_store_explicit(&hand->session, session->number, memory_order_release);
}

enum request_fate progress_next(struct session *session)
{
	struct sessions *sessions = session->turn->sessions;
	struct hand *hand = hand_of(session);

	sessions->requests++;
	if (sessions->requests <= sessions->resume_done) {
		sessions->requests_done = sessions->requests;
		return REQUEST_WAS_DONE;
	}
	if (sessions->resume_begun) {
		sessions->resume_begun = false;
		return REQUEST_WAS_INTERRUPTED;
	}
	atomic_store_explicit(&hand->begun, hand->first + sessions->requests, memory_order_release);
	return REQUEST_IS_NEW;
}

bool progress_is_last_done(const struct session *session)
{
	const struct sessions *sessions = session->turn->sessions;

	return sessions->requests == sessions->resume_done;
}

void progress_put_back(struct session *session)
{
	struct sessions *sessions = session->turn->sessions;
	struct hand *hand = hand_of(session);

	sessions->requests--;
	atomic_store_explicit(&hand->begun, hand->first + sessions->requests, memory_order_release);
}

/* It stays begun: if this worker ends before the rest is kept, the reply cannot be gone on with. */
void progress_pause(struct session *session)
{
	session->turn->sessions->requests--;
}

static void note_done(struct session *session)
{
	const struct sessions *sessions = session->turn->sessions;

	hand_note_done(hand_of(session), (struct hand_done){ (uint32_t)sessions->requests_done,
							     (uint32_t)sessions->reply.complete });
}

void progress_done(struct session *session)
{
	struct sessions *sessions = session->turn->sessions;

	if (sessions->taking == session) {
		sessions->requests_done = sessions->requests;
		note_done(session);
	}
}

void *progress_keep(struct session *session, size_t length, uint32_t flags)
{
	struct rest *kept = &session->turn->sessions->kept;

	kept->bytes = length > 0 ? arena_take(session->turn->arena, length) : NULL;
	kept->length = (uint32_t)length;
	kept->flags = flags;
	return kept->bytes;
}

void *progress_kept(const struct session *session)
{
	return session->turn->sessions->kept.bytes;
}

void progress_end(struct session *session, size_t length)
{
	struct sessions *sessions = session->turn->sessions;
	struct stream *stream = session->stream;
	struct rest old = *progress_rest(session);
	uint64_t input = stream->input + 2 * length;

	if (old.bytes || sessions->kept.bytes || old.flags != sessions->kept.flags) {
		stream->rest[!rest_of(session)] = sessions->kept;
		input ^= 1;
	}
	atomic_store_explicit(&stream->input, input, memory_order_release);
	if (old.bytes) {
		arena_give(session->turn->arena, old.bytes, old.length);
	}
	hand_of(session)->first += sessions->requests;
	sessions->taking = NULL;
}

void progress_begin_commit(struct session *session)
{
	struct hand *hand = hand_of(session);

	session->stream->operator_role = session->operator_role; /* before its peer is told */
	if (hand->tag != 0) {
		output_mark(session->output, hand->tag); /* an answer that is being delivered */
		return;
	}
	hand_begin_commit(hand, (uint32_t)session->turn->sessions->requests_done);
	output_mark(session->output, hand->committing);
}

void progress_end_commit(struct session *session)
{
	if (session->turn->sessions->taking == session) {
		note_done(session);
	}
}
