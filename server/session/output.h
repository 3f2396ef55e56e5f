/*
 * output: what a connection still has to be sent, by reference.
 *
 * Text lies in blocks that count their references, so a line for a thousand members is copied once
 * and a member's output is a list of stretches of blocks. Each stretch is of whole messages; where
 * a message ends, only the front knows in whose words they are. An output of one stretch or none
 * holds no memory besides its own. It writes to a socket but knows no session. Blocks and outputs
 * belong to one worker's loop thread.
 */
#ifndef SERVER_SESSION_OUTPUT_H
#define SERVER_SESSION_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block {
	uint32_t references;
	uint32_t size;
	uint32_t used;
	char bytes[];
};

/* A block with room for SIZE bytes and one reference, the caller's. Dies when memory is gone. */
struct block *block_create(uint32_t size);
void block_release(struct block *block);

/* Before anything refers to *BLOCK: makes it large enough for SIZE bytes more; it may move. */
struct block *block_make_room(struct block **block, uint32_t size);

struct segment {
	struct block *block; /* one reference is the segment's */
	uint32_t start;
	uint32_t length;
};

struct output {
	struct segment only;      /* nearly always one is all there are: then it lies here */
	struct segment *segments; /* `only`, so it is not to be moved, an array, or NULL: empty */
	uint32_t first;           /* those before it are sent */
	uint32_t end;
	uint32_t room;
	uint32_t sent; /* bytes of the first */
	size_t bytes;  /* that are still to be sent */
};

/*
 * A front's: how long the message is that BYTES begin with; 0 where that cannot be told. NULL for
 * bytes that make no messages.
 */
typedef size_t output_measure(const char *bytes, size_t length);

/* Appends LENGTH bytes of BLOCK from START on, whole messages, by reference. */
void output_add(struct output *output, struct block *block, uint32_t start, uint32_t length);

/*
 * Appends a copy of TEXT, whole messages, into *SHARED: a block that many outputs append to in
 * turn, replaced by a new one when it is full. Begin with *SHARED NULL; its reference is the
 * caller's.
 */
void output_copy(struct output *output, struct block **shared, const char *text, size_t length);

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

#endif
