/*
 * inbox: letters for one person, from the worker that has them to the worker that serves that
 * person.
 *
 * A ring (shared/sync/ring.h) for each pair of workers, so each has one producer and one consumer,
 * and a set of bits that says which of a worker's rings hold something. Full means a plain refusal.
 * A worker's successor goes on with the same rings; letters for sessions that are gone are dropped.
 */
#ifndef SERVER_STATE_INBOX_H
#define SERVER_STATE_INBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/config/options.h"
#include "server/state/directory.h"
#include "server/state/message.h"
#include "server/state/stream.h"
#include "shared/base/memory.h"
#include "shared/sync/ring.h"

#define INBOX_TEXT_MAX 4000 /* bytes of nick and text of a letter */

enum letter_kind {
	LETTER_MESSAGE,     /* for the receiver to hear */
	LETTER_AFTER_ROOMS, /* the same, by one whose new nick the receiver's rooms may yet tell */
	LETTER_LAST         /* as LETTER_MESSAGE, and then the connection ends */
};

/* What a letter says is a message of nick and text alone: MESSAGE_TOLD, MESSAGE_NOTICE. */
struct letter {
	uint8_t kind;         /* enum letter_kind */
	uint8_t message_kind; /* enum message_kind */
	uint16_t nick_length;
	uint32_t text_length;
	uint32_t seat; /* the receiver's, with its worker */
	uint64_t session;
	char bytes[]; /* nick and text */
};

struct inboxes {
	unsigned workers;     /* that there are */
	unsigned places;      /* that there is room for */
	size_t ring_bytes;    /* what one ring takes */
	unsigned char *rings; /* [to][from], of places */
	struct {
		_Alignas(CACHE_LINE) _Atomic uint64_t
			senders; /* a bit for each that put something in */
	} news[OPTIONS_WORKERS_MAX];
};

/* With places for that many workers, and nobody there yet. */
size_t inboxes_size(unsigned places);
struct inboxes *inboxes_create(struct memory *memory, unsigned places);

/* The master: there are so many workers now; never fewer than there were. */
void inboxes_use(struct inboxes *inboxes, unsigned workers);

/*
 * FROM puts a letter to TO into its worker's inbox; false if that is full. Wake that worker then.
 */
bool inbox_put(struct inboxes *inboxes, uint32_t from, struct address to, enum letter_kind kind,
	       const struct message *message);

/* What a letter says; it lies in the letter. */
struct message letter_message(const struct letter *letter);

/* At the start of FROM: what its predecessor put in and had no time to announce is announced. */
void inbox_announce(struct inboxes *inboxes, uint32_t from);

/*
 * The letter over which WORKER's predecessor ended, if it is still there, else NULL; it is taken
 * out.
 */
const struct letter *inbox_in_hand(const struct inboxes *inboxes, uint32_t worker,
				   const struct hand *hand);
void inbox_take_in_hand(struct inboxes *inboxes, uint32_t worker, const struct hand *hand);

/* Gives each letter from FROM that lies in WORKER's inbox to READ, and takes none. */
void inbox_each(const struct inboxes *inboxes, uint32_t from, uint32_t worker,
		void (*read)(void *context, const struct letter *letter), void *context);

bool inbox_has_news(const struct inboxes *inboxes, uint32_t worker);

/*
 * Takes every letter out of WORKER's inbox and gives it to READ, noting in HAND which it is at;
 * what is none is thrown away.
 */
void inbox_drain(struct inboxes *inboxes, uint32_t worker, struct hand *hand,
		 void (*read)(void *context, const struct letter *letter), void *context);

#endif
