/*
 * plain_ends: how many bytes went through the plain end of each TLS connection, in shared memory.
 *
 * Of a TCP socket the kernel knows what it took and gave, whatever became of its process
 * (session/kernel.h); of a pair of sockets it knows only what lies in between. So the tls process
 * counts at its end. An end's number goes with the other end to whoever serves it; it is never
 * given to another, so who asks for one that is over is told so.
 *
 * Written by the tls process alone.
 */
#ifndef SERVER_STATE_PLAIN_ENDS_H
#define SERVER_STATE_PLAIN_ENDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/memory.h"
#include "shared/tls/relay.h"

struct plain_end {
	_Atomic uint64_t number; /* 0: nobody's */
	uint64_t uses;           /* of this place, ever */
	struct relay_count count;
};

struct plain_ends {
	uint32_t places;
	uint32_t next; /* where a free one is looked for */
	struct plain_end ends[];
};

size_t plain_ends_size(uint32_t places);

/* Before the first fork. */
struct plain_ends *plain_ends_create(struct memory *memory, uint32_t places);

/* The tls process, at its start: those of its predecessor are over. */
void plain_ends_forget(struct plain_ends *ends);

/* Likewise: the number of a new end, 0 if there are too many; its count; and it is over. */
uint64_t plain_ends_take(struct plain_ends *ends);
struct relay_count *plain_ends_count(struct plain_ends *ends, uint64_t number);
void plain_ends_give(struct plain_ends *ends, uint64_t number);

/*
 * Anyone: the end of that number; NULL if it is over. Whether its count stands still, between two
 * calls of the tls process to the kernel; and whether it still is as it was then.
 */
const struct plain_end *plain_ends_find(const struct plain_ends *ends, uint64_t number);
bool plain_end_is_still(const struct plain_end *end, uint32_t *version);
bool plain_end_was_still(const struct plain_end *end, uint64_t number, uint32_t version);

#endif
