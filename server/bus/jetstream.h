/*
 * jetstream: a connection to NATS, and the stream of JetStream's in which all machines' rooms are:
 * the one file that knows libnats.
 *
 * A connection that breaks is over: it is made anew, and the stream is read on from where it was.
 * So nothing is done behind our back, and each message comes once, in order, or the connection
 * counts as lost. Everything is bounded in time. jetstream_publish may be called by one thread
 * while another reads; the others have to be alone.
 */
#ifndef SERVER_BUS_JETSTREAM_H
#define SERVER_BUS_JETSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "server/bus/target.h"
#include "shared/text/words.h"

#define JETSTREAM_ERROR_SIZE 320 /* bytes of why not, a NUL counted in */

struct jetstream;

/* Reads what the files of the target have; HISTORY messages are to be kept of each subject. */
struct jetstream *jetstream_create(unsigned history);
void jetstream_destroy(struct jetstream *stream);

/*
 * Connects to a server; false, and jetstream_error says why. It is to be closed in either case.
 * This and each step below takes some seconds at most.
 */
bool jetstream_connect(struct jetstream *stream, const struct bus_address *address);

struct jetstream_state {
	uint64_t created; /* when it was made: no other has the same */
	uint64_t last;    /* number of its last message; 0: it is empty */
};

/* Finds the stream, or makes it. */
bool jetstream_find(struct jetstream *stream, struct jetstream_state *state);

/* From message FIRST on, jetstream_next brings them. */
bool jetstream_read_from(struct jetstream *stream, uint64_t first);
void jetstream_close(struct jetstream *stream);

enum jetstream_result { JETSTREAM_MESSAGE, JETSTREAM_NOTHING, JETSTREAM_LOST };

struct jetstream_message {
	struct span bytes;
	uint64_t sequence;
	void *own; /* libnats's */
};

/* The next message, to be given back by jetstream_done, or none within that time. */
enum jetstream_result jetstream_next(struct jetstream *stream, int64_t timeout_ns,
				     struct jetstream_message *message);
void jetstream_done(struct jetstream_message *message);

/* Sends a message on its way; that it is in the stream is known when jetstream_next brings it. */
bool jetstream_publish(struct jetstream *stream, const char *subject, const char *id,
		       struct span bytes);

/*
 * What NATS said last of what was published and is not taken; when it says nothing, its disk or its
 * stream may be full.
 */
const char *jetstream_trouble(const struct jetstream *stream);

/*
 * Beside the stream, what machines tell each other at once and nobody keeps: what comes for these
 * subjects, which are asked for once a connection, and telling it. It has no sequence.
 */
enum jetstream_ear { JETSTREAM_FOR_ALL, JETSTREAM_FOR_ONE, JETSTREAM_EARS };

bool jetstream_listen(struct jetstream *stream, enum jetstream_ear ear, const char *subject);
enum jetstream_result jetstream_hear(struct jetstream *stream, enum jetstream_ear ear,
				     int64_t timeout_ns, struct jetstream_message *message);
bool jetstream_tell(struct jetstream *stream, const char *subject, struct span bytes);

/* Says why not, as one of the calls here would; returns false. */
bool jetstream_refuse(struct jetstream *stream, const char *why);

/* Why the last call that failed did: one line. */
const char *jetstream_error(const struct jetstream *stream);

#endif
