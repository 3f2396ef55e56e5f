/*
 * context: what every TLS of ours is: version 1.2 or 1.3, ciphers that keep what was said secret
 * when the key becomes known, no renegotiation; by OpenSSL, whose types stand here by their names.
 *
 * A context is shared by many connections of one process and thread. Here, in relay.c and in
 * server/tls is all that knows OpenSSL.
 */
#ifndef SHARED_TLS_CONTEXT_H
#define SHARED_TLS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

struct ssl_st;
struct ssl_ctx_st;

#define TLS_ERROR_SIZE 256 /* bytes of what is wrong, a NUL counted in */

/* A context of a server's or a client's connections: SSL_CTX_free; NULL when memory is gone. */
struct ssl_ctx_st *tls_context_create(bool server);

/* What a call of OpenSSL's that failed just now has to say of it; the errors are forgotten. */
const char *tls_error(char text[TLS_ERROR_SIZE]);

/* How far a handshake is. */
enum tls_handshake {
	TLS_HANDSHAKE_DONE,
	TLS_HANDSHAKE_READS,  /* waits for the peer */
	TLS_HANDSHAKE_WRITES, /* waits for room */
	TLS_HANDSHAKE_FAILED  /* tls_error says why */
};

/* Carries a handshake on over the connection's non-blocking socket. */
enum tls_handshake tls_handshake(struct ssl_st *tls);

#endif
