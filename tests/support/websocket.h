/*
 * websocket: a WebSocket to a server under test, over a talk.
 */
#ifndef TESTS_SUPPORT_WEBSOCKET_H
#define TESTS_SUPPORT_WEBSOCKET_H

#include "tests/support/talk.h"

#define WEBSOCKET_TEXT  1
#define WEBSOCKET_CLOSE 8
#define WEBSOCKET_PING  9
#define WEBSOCKET_PONG  10

#define WEBSOCKET_TEXT_SIZE 4096 /* bytes of a frame that is received, a NUL counted in */

/* Connects to PORT, shakes hands and takes the greeting. */
#define websocket_open(talk, port) websocket_open_at(HERE, talk, port)

/* Sends a frame: FIRST is its first byte, 0x81 for a whole text; its payload is masked. */
#define websocket_send(talk, first, bytes, length) \
	websocket_send_at(HERE, talk, first, bytes, length)
#define websocket_say(talk, text) websocket_send_at(HERE, talk, 0x81, text, strlen(text))

/* The next frame has this opcode, and its payload starts so; the payload is returned. */
#define websocket_expect(talk, opcode, text) websocket_expect_at(HERE, talk, opcode, text)

/* The server closes, with this code and then the connection. */
#define websocket_expect_close(talk, code) websocket_expect_close_at(HERE, talk, code)

void websocket_open_at(struct place place, struct talk *talk, uint16_t port);
void websocket_send_at(struct place place, struct talk *talk, unsigned char first,
		       const void *bytes, size_t length);
const char *websocket_expect_at(struct place place, struct talk *talk, unsigned opcode,
				const char *text);
void websocket_expect_close_at(struct place place, struct talk *talk, unsigned code);

#endif
