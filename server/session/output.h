/*
 * output: what a connection still has to be sent, by reference.
 *
 * Text lies in blocks that count their references, so a line for a thousand members is copied once
 * and a member's output is a list of stretches of blocks. Each stretch is of whole messages; where
 * a message ends, only the front knows in whose words they are. An output of one stretch or none
 * holds no memory besides its own. It writes to a socket but knows no session. Blocks and outputs
 * belong to one worker's loop thread.
 *
 * It is all in shared memory (state/stream.h): each change is made by one store, so that it can be
 * gone on with by another process (output_adopt).
 */
#ifndef SERVER_SESSION_OUTPUT_H
#define SERVER_SESSION_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/state/stream.h"

/*
 * A block with room for SIZE bytes and one reference, the caller's; ARENA NULL: in memory of the
 * process's own, for what no output refers to. Dies when memory is gone.
 */
struct block *block_create(struct arena *arena, uint32_t size);
void block_release(struct block *block);

/* Before anything refers to *BLOCK: makes it large enough for SIZE bytes more; it may move. */
struct block *block_make_room(struct block **block, uint32_t size);

/*
 * A front's: how long the message is that BYTES begin with; 0 where that cannot be told. NULL for
 * bytes that make no messages.
 */
typedef size_t output_measure(const char *bytes, size_t length);

/* An empty one, of a zeroed struct. */
void output_init(struct output *output, struct arena *arena);

/* Bytes that are still to be sent. */
static inline size_t output_bytes(const struct output *output)
{
	return output->queued - output->sent;
}

/* From here on what is queued belongs to the delivery of that TAG, see stream.h. */
static inline void output_mark(struct output *output, uint64_t tag)
{
	if (output->mark.tag != tag) {
		output->mark.before = output->queued;
		atomic_signal_fence(memory_order_release);
		output->mark.tag = tag;
		atomic_signal_fence(memory_order_release);
	}
}

/* Whether that delivery is queued whole. */
bool output_has(const struct output *output, uint64_t tag);

/* Appends LENGTH bytes of BLOCK from START on, whole messages, by reference. */
void output_add(struct output *output, struct block *block, uint32_t start, uint32_t length);

/*
 * Appends a copy of TEXT, whole messages, into *SHARED: a block that many outputs append to in
 * turn, replaced by a new one when it is full. Begin with *SHARED NULL; its reference is the
 * caller's.
 */
void output_copy(struct output *output, struct block **shared, const char *text, size_t length);

/* LENGTH bytes were sent that never were in an empty OUTPUT. */
void output_skip(struct output *output, size_t length);

enum output_result { OUTPUT_EMPTY, OUTPUT_BLOCKED, OUTPUT_BROKEN };

/*
 * Sends what the socket takes. What stays is copied if it would pin much larger blocks, so a
 * receiver that does not read costs memory in proportion to what is queued for it.
 */
enum output_result output_flush(struct output *output, int socket, output_measure *measure);

/*
 * Drops everything behind the message that is being sent just now. False if its end cannot be told:
 * then all is dropped, and nothing that is sent after it would be understood.
 */
bool output_cut(struct output *output, output_measure *measure);

/* Drops everything. */
void output_finish(struct output *output);

/*
 * Goes on with an output that a predecessor left, of which the kernel took SENT bytes. For all of
 * them output_uncount, then for all output_keep, before anything is taken from the arena; then
 * output_adopt.
 */
void output_uncount(struct output *output);
void output_keep(struct output *output, struct arena *arena);
void output_adopt(struct output *output, uint64_t sent);

/* Whether so many may have been sent of a predecessor's: what is left is linked in, and no more. */
bool output_may_have_sent(const struct output *output, uint64_t sent);

#endif
