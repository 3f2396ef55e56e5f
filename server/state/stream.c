#include "server/state/stream.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/log.h"

#define ARENA_LEAST      (256UL * 1024 * 1024) /* bytes of addresses; pages come when touched */
#define ARENA_CONNECTION (256UL * 1024)        /* likewise, for each that there may be */
#define BITS             64

static size_t words_of(uint32_t seats)
{
	return (seats + BITS - 1) / BITS;
}

size_t streams_size(unsigned places, uint32_t seats_a_worker)
{
	return places * (sizeof(struct hand) + 2 * sizeof(uint32_t)) +
	       (size_t)places * seats_a_worker * sizeof(struct stream) +
	       places * words_of(seats_a_worker) * sizeof(uint64_t) + 6 * CACHE_LINE;
}

static size_t arena_bytes(const struct options *options, uint32_t seats)
{
	size_t bytes = ARENA_LEAST + 2 * options->send_queue_total_bytes + seats * ARENA_CONNECTION;

	return (bytes + ARENA_SLAB - 1) & ~(ARENA_SLAB - 1);
}

struct streams *streams_create(struct memory *memory, unsigned places, uint32_t seats_a_worker,
			       const struct options *options)
{
	struct streams *streams = calloc(1, sizeof(*streams));
	const size_t seats = (size_t)places * seats_a_worker;

	if (!streams) {
		die("out of memory");
	}
	streams->seats_a_worker = seats_a_worker;
	streams->streams = memory_take(memory, seats * sizeof(struct stream), CACHE_LINE);
	streams->hands = memory_take(memory, places * sizeof(struct hand), CACHE_LINE);
	streams->closed = memory_take(memory, places * words_of(seats_a_worker) * sizeof(uint64_t),
				      CACHE_LINE);
	streams->highest = memory_take(memory, places * sizeof(uint32_t), CACHE_LINE);
	streams->any_closed = memory_take(memory, places * sizeof(uint32_t), CACHE_LINE);
	streams->arena_bytes = arena_bytes(options, seats_a_worker);
	return streams;
}

void streams_use(struct streams *streams, unsigned workers)
{
	for (; streams->workers < workers; streams->workers++) {
		memory_init(&streams->arenas[streams->workers], "turnstile-arena",
			    streams->arena_bytes);
	}
}

void streams_finish(struct streams *streams)
{
	for (unsigned worker = 0; worker < streams->workers; worker++) {
		memory_finish(&streams->arenas[worker]);
	}
	free(streams);
}

struct stream *streams_at(const struct streams *streams, uint32_t worker, uint32_t seat)
{
	return &streams->streams[(size_t)worker * streams->seats_a_worker + seat];
}

void *streams_arena(const struct streams *streams, uint32_t worker)
{
	return streams->arenas[worker].start;
}

void streams_open(struct streams *streams, uint32_t worker, uint32_t seat, uint64_t session,
		  const struct stream *like)
{
	struct stream *stream = streams_at(streams, worker, seat);

	memcpy(stream, like, sizeof(*stream));
	if (streams->highest[worker] <= seat) {
		streams->highest[worker] = seat + 1;
	}
	atomic_store_explicit(&stream->session, session, memory_order_release);
}

void streams_close(struct streams *streams, uint32_t worker, uint32_t seat)
{
	struct stream *stream = streams_at(streams, worker, seat);
	size_t word = worker * words_of(streams->seats_a_worker) + seat / BITS;

	atomic_store_explicit(&stream->session, 0, memory_order_release);
	atomic_fetch_or(&streams->closed[word], UINT64_C(1) << seat % BITS);
	atomic_store(&streams->any_closed[worker], 1);
}

void streams_each_closed(struct streams *streams, uint32_t worker,
			 void (*see)(void *context, uint32_t worker, uint32_t seat), void *context)
{
	size_t words = words_of(streams->seats_a_worker);

	if (!atomic_exchange(&streams->any_closed[worker], 0)) {
		return;
	}
	for (size_t i = 0; i < words; i++) {
		_Atomic uint64_t *word = &streams->closed[worker * words + i];
		uint64_t bits = *word ? atomic_exchange(word, 0) : 0;

		for (; bits != 0; bits &= bits - 1) {
			see(context, worker,
			    (uint32_t)(i * BITS) + (uint32_t)__builtin_ctzll(bits));
		}
	}
}

void hand_begin(struct hand *hand, enum hand_kind kind, uint32_t index, uint64_t from, uint64_t to)
{
	hand->kind = kind;
	hand->index = index;
	hand->from = from;
	hand->to = to;
	atomic_store_explicit(&hand->tag, ++hand->last_tag, memory_order_release);
}

void hand_end(struct hand *hand)
{
	atomic_store_explicit(&hand->tag, 0, memory_order_release);
}

/* The tag first: with the old one, what is done now would seem to be queued already. */
void hand_begin_commit(struct hand *hand, uint32_t done)
{
	hand->committing = ++hand->last_tag;
	atomic_signal_fence(memory_order_release);
	hand->committing_done = done;
}
