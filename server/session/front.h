/*
 * front: how a kind of listener speaks: a constant table of what turns its peers' bytes into
 * operations of the core, and what they hear into bytes.
 *
 * A session belongs to one front for its whole life. The core never asks which; it calls. What a
 * front keeps for a session lies behind the struct session, in one piece with it.
 */
#ifndef SERVER_SESSION_FRONT_H
#define SERVER_SESSION_FRONT_H

#include <stdbool.h>
#include <stddef.h>

struct session;
struct session_socket;
struct message;
struct reply;
struct problem;
struct booking_request;
struct booking_answer;

struct front {
	size_t session_size; /* bytes: of a struct that begins with a struct session */
	bool of_people;      /* each session has a nick, and hears what the server tells everyone */
	bool in_step;        /* nothing is read from a peer that does not take what it is sent */
	const char *busy;    /* is sent to who cannot be let in: the server is full */

	/* A session is there, all zero behind its struct session; it is over: both may be NULL. */
	void (*start)(struct session *session, const struct session_socket *socket);
	void (*finish)(struct session *session);

	/* It was let in, or was not and is closed then: both may be NULL. */
	void (*greet)(struct session *session);
	void (*refuse)(struct session *session, const struct problem *problem);

	/*
	 * The peer sent LENGTH bytes. What cannot have its turn yet is kept by the front, and
	 * session->keeping set: then nothing more is read until `go_on` takes it up again.
	 */
	void (*take)(struct session *session, char *bytes, size_t length);
	void (*go_on)(struct session *session);

	/*
	 * A predecessor of this worker had the session: takes up what it kept, all else being zero;
	 * whether some of that has to wait. May turn it over to another front. NULL: none does.
	 */
	bool (*revive)(struct session *session);

	/*
	 * A reply is lines, each with its LF: what they are on the wire. And the connection is
	 * about to be closed: adds what is said last. Both may be NULL.
	 */
	void (*frame)(const char *text, size_t length, struct reply *framed);
	void (*farewell)(struct session *session);

	/* A second passed, while it is open. May be NULL. */
	void (*tick)(struct session *session);

	/* A booking was answered: puts it into words behind the session's replies. */
	void (*answer)(struct session *session, const struct booking_request *request,
		       const struct booking_answer *answer);

	/* An event in this front's words: how many bytes it takes at most; writes, and returns
	 * them. */
	size_t (*message_size)(const struct message *event);
	size_t (*write_message)(const struct message *event, char *bytes);

	/*
	 * How long the message is that BYTES begin with, whatever this front sent with one call; 0
	 * where that cannot be told. So a peer that is let go gets its last words behind a whole
	 * message. NULL: it sends no messages, but bytes.
	 */
	size_t (*message_length)(const char *bytes, size_t length);
};

#endif
