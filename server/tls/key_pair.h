/*
 * key_pair: the certificate and its key (--tls-cert, --tls-key), and the TLS that is made of
 * them.
 *
 * The master opens both files while it still may, and keeps the descriptors; the bytes of the key
 * are read by a process of TLS alone (and once, at the start, by a child that checks the pair), so
 * they are in nobody else's memory, and a successor can read them again. OpenSSL is used in those
 * processes only.
 */
#ifndef SERVER_TLS_KEY_PAIR_H
#define SERVER_TLS_KEY_PAIR_H

#include <stdbool.h>

#include "server/config/options.h"

struct ssl_ctx_st;

/* Descriptors to read from; -1: there are none. */
struct key_pair {
	int certificate, key;
};

/*
 * Opens the files of OPTIONS, if it has TLS listeners. Dies with one line when one cannot be read,
 * or when others may read the key.
 */
void key_pair_open(struct key_pair *key_pair, const struct options *options);

/* The same while the server runs: false, with that line in PROBLEM (OPTION_PROBLEM_SIZE bytes). */
bool key_pair_open_again(struct key_pair *key_pair, const struct options *options, char *problem);

/* Closes what is open of it. */
void key_pair_close(struct key_pair *key_pair);

/* Whether the pair can be used; each fault is a line of the log. */
bool key_pair_check(const struct key_pair *key_pair, const struct options *options);

/*
 * What accepts connections with them, and agrees on the protocol ALPN (NULL: on none). NULL and
 * lines of the log when they cannot be used. The caller ends it with SSL_CTX_free.
 */
struct ssl_ctx_st *key_pair_server(const struct key_pair *key_pair, const struct options *options,
				   const char *alpn);

/* New keys for tickets: who has an older one shakes hands anew. To be called now and then. */
void key_pair_change_ticket_keys(struct ssl_ctx_st *server);

#endif
