/*
 * peer: the server's end, as a test plays it: it accepts one client, reads what that says, and says
 * what the test wants. Every wait is bounded.
 */
#ifndef TESTS_CLIENT_PEER_H
#define TESTS_CLIENT_PEER_H

#include <stddef.h>

struct peer {
	int listener;
	char port[8];
	int client; /* after peer_accept */
};

void peer_init(struct peer *peer);
void peer_accept(struct peer *peer);

/* Accepts and greets. */
void peer_greet(struct peer *peer);

void peer_say(struct peer *peer, const char *text);

/* Reads until the client half-closes, SIZE - 1 bytes at most, and adds a NUL. */
void peer_read_all(struct peer *peer, char *text, size_t size);

/* Reads exactly what TEXT says, or fails the test. */
void peer_expect(struct peer *peer, const char *text);

/* Closes the connection, in good order or with a reset. */
void peer_close(struct peer *peer);
void peer_reset(struct peer *peer);

void peer_finish(struct peer *peer);

#endif
