/*
 * frames: WebSocket's frames (RFC 6455): what a peer sends, taken apart, and what it is sent. The
 * only file that knows wslay and the handshake's digest.
 */
#ifndef SERVER_HTTP_FRAMES_H
#define SERVER_HTTP_FRAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "server/http/frames_place.h"
#include "server/session/reply.h"
#include "shared/text/words.h"

#define FRAMES_ACCEPT_SIZE 29 /* bytes of the handshake's answer, a NUL counted in */
#define FRAMES_HEADER_MOST 4  /* bytes before the payload of what is sent */

enum frames_close {
	FRAMES_NORMAL = 1000,     /* one of both wants it so */
	FRAMES_GOING_AWAY = 1001, /* the server stops */
	FRAMES_UNSUPPORTED = 1003
};

/* Answers a handshake's key; false when that is none. */
bool frames_accept(struct span key, char accept[FRAMES_ACCEPT_SIZE]);

/* A peer's frames. */
struct frames;

/* Dies when memory is gone. */
struct frames *frames_create(void);
void frames_destroy(struct frames *frames);

/*
 * Reads LENGTH bytes of a peer's. The text of its messages is added to LINES, each message with a
 * LF behind it; what is to be sent for its control frames to CONTROL. False when nothing more is
 * to be read: one of both has closed, which CONTROL then says.
 */
bool frames_read(struct frames *frames, const char *bytes, size_t length, struct reply *lines,
		 struct reply *control);

/*
 * What has to be kept of them until more comes: its size in bytes, 0 if that is nothing; the bytes;
 * and new ones that go on with them.
 */
#define FRAMES_SAVED_SIZE sizeof(struct frames_place)
size_t frames_saved_size(const struct frames *frames);
void frames_save(const struct frames *frames, void *bytes);
void frames_load(struct frames *frames, const void *bytes);

/* Adds a ping, or a close (unless there was one), to CONTROL. */
void frames_ping(struct frames *frames, struct reply *control);
void frames_close(struct frames *frames, enum frames_close code, struct reply *control);

/* Writes what stands before a text of LENGTH bytes, and returns how many bytes that is. */
size_t frames_header(size_t length, char header[FRAMES_HEADER_MOST]);

/* Whether a control frame begins with that byte: no line does. And whether a pong does. */
bool frames_is_control(char first);
bool frames_is_pong(char first);

/* How long the frame is that BYTES begin with; more than LENGTH if it is not whole. */
size_t frames_length(const char *bytes, size_t length);

#endif
