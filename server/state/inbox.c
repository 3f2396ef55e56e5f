#include "server/state/inbox.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/log.h"

#define INBOX_RING_CAPACITY (64 * 1024) /* bytes */

static size_t ring_stride(void)
{
	return (ring_size(INBOX_RING_CAPACITY) + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
}

size_t inboxes_size(unsigned places)
{
	return sizeof(struct inboxes) + places * places * ring_stride() + 2 * CACHE_LINE;
}

static struct ring *ring_between(const struct inboxes *inboxes, uint32_t from, uint32_t to)
{
	size_t place = (size_t)to * inboxes->places + from;

	return (struct ring *)(void *)(inboxes->rings + place * inboxes->ring_bytes);
}

struct inboxes *inboxes_create(struct memory *memory, unsigned places)
{
	struct inboxes *inboxes = memory_take(memory, sizeof(*inboxes), CACHE_LINE);

	inboxes->places = places;
	inboxes->ring_bytes = ring_stride();
	inboxes->rings = memory_take(memory, places * places * inboxes->ring_bytes, CACHE_LINE);
	return inboxes;
}

void inboxes_use(struct inboxes *inboxes, unsigned workers)
{
	for (uint32_t to = 0; to < workers; to++) {
		for (uint32_t from = 0; from < workers; from++) {
			if (to >= inboxes->workers || from >= inboxes->workers) {
				ring_init(ring_between(inboxes, from, to), INBOX_RING_CAPACITY);
			}
		}
	}
	inboxes->workers = workers;
}

bool inbox_put(struct inboxes *inboxes, uint32_t from, struct address to, enum letter_kind kind,
	       const struct message *message)
{
	struct ring *ring = ring_between(inboxes, from, to.worker);
	size_t length = sizeof(struct letter) + message->nick.length + message->text.length;
	struct letter *letter = ring_reserve(ring, length);

	if (!letter) {
		return false;
	}
	letter->kind = (uint8_t)kind;
	letter->message_kind = (uint8_t)message->kind;
	letter->nick_length = (uint16_t)message->nick.length;
	letter->text_length = (uint32_t)message->text.length;
	letter->seat = to.seat;
	letter->session = to.session;
	memcpy(letter->bytes, message->nick.text, message->nick.length);
	memcpy(letter->bytes + message->nick.length, message->text.text, message->text.length);
	ring_publish(ring, length);
	atomic_fetch_or(&inboxes->news[to.worker].senders, UINT64_C(1) << from);
	return true;
}

struct message letter_message(const struct letter *letter)
{
	return (struct message){ .kind = letter->message_kind,
				 .nick = { letter->bytes, letter->nick_length },
				 .text = { letter->bytes + letter->nick_length,
					   letter->text_length } };
}

void inbox_announce(struct inboxes *inboxes, uint32_t from)
{
	for (uint32_t to = 0; to < inboxes->workers; to++) {
		atomic_fetch_or(&inboxes->news[to].senders, UINT64_C(1) << from);
	}
}

bool inbox_has_news(const struct inboxes *inboxes, uint32_t worker)
{
	return atomic_load(&inboxes->news[worker].senders) != 0;
}

/* A sender that was taken over may have written anything. */
static bool is_whole(const struct letter *letter, size_t length)
{
	return length >= sizeof(*letter) &&
	       (letter->message_kind == MESSAGE_TOLD || letter->message_kind == MESSAGE_NOTICE) &&
	       letter->nick_length < NAME_NICK_SIZE &&
	       letter->nick_length + (uint64_t)letter->text_length <= length - sizeof(*letter);
}

const struct letter *inbox_in_hand(const struct inboxes *inboxes, uint32_t worker,
				   const struct hand *hand)
{
	struct ring *ring = ring_between(inboxes, hand->index, worker);
	size_t length;

	if (hand->tag == 0 || hand->kind != HAND_LETTER || ring->head != hand->from) {
		return NULL;
	}
	const struct letter *letter = ring_peek(ring, &length);

	return letter && is_whole(letter, length) ? letter : NULL;
}

void inbox_take_in_hand(struct inboxes *inboxes, uint32_t worker, const struct hand *hand)
{
	ring_release(ring_between(inboxes, hand->index, worker));
}

/* In a copy: who looks may die of it, and the letters are there still. */
void inbox_each(const struct inboxes *inboxes, uint32_t from, uint32_t worker,
		void (*read)(void *context, const struct letter *letter), void *context)
{
	const struct ring *there = ring_between(inboxes, from, worker);
	struct ring *ring = aligned_alloc(CACHE_LINE, inboxes->ring_bytes);
	const struct letter *letter;
	size_t length;

	if (!ring) {
		die("out of memory");
	}
	memcpy(ring, there, there->head == there->tail ? sizeof(*ring) : inboxes->ring_bytes);
	while ((letter = ring_peek(ring, &length))) {
		if (is_whole(letter, length)) {
			read(context, letter);
		}
		ring_release(ring);
	}
	free(ring);
}

void inbox_drain(struct inboxes *inboxes, uint32_t worker, struct hand *hand,
		 void (*read)(void *context, const struct letter *letter), void *context)
{
	uint64_t senders = atomic_exchange(&inboxes->news[worker].senders, 0);

	for (; senders != 0; senders &= senders - 1) {
		uint32_t sender = (uint32_t)__builtin_ctzll(senders);
		struct ring *ring = ring_between(inboxes, sender, worker);
		const struct letter *letter;
		size_t length;

		while ((letter = ring_peek(ring, &length))) {
			hand_begin(hand, HAND_LETTER, sender, ring->head, 0);
			if (is_whole(letter, length)) {
				read(context, letter);
			}
			ring_release(ring);
			hand_end(hand);
		}
	}
}
