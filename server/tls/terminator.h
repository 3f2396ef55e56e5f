/*
 * terminator: takes TLS connections: accepts them, does their handshakes, and carries what they say
 * to a plain socket, whose other end serves them.
 *
 * It runs on its owner's loop (BASE) and is told the time. The plain end is handed on as soon as
 * the handshake is done, with the peer's address; through a trusted proxy that is what the PROXY
 * header says, which is read before the handshake. Handshakes of strangers are bounded: in time, in
 * number from an address, and in all (then the oldest goes); and only so many are carried on in a
 * turn, behind all connections that have theirs done. What a fault costs is one connection.
 */
#ifndef SERVER_TLS_TERMINATOR_H
#define SERVER_TLS_TERMINATOR_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/config/arrival.h"
#include "server/config/options.h"
#include "shared/base/clock.h"

#define TERMINATOR_HANDSHAKE_NS     (10 * NS_PER_SECOND) /* from accepting on */
#define TERMINATOR_HANDSHAKES_MOST  1024                 /* at a time */
#define TERMINATOR_HANDSHAKES_SHARE 64                   /* of them from one address */

struct terminator;
struct plain_ends;
struct ssl_ctx_st;

struct terminator_owner {
	/* Takes the plain end over, owned from then on; false: not now. */
	bool (*hand_on)(void *context, int plain, const struct arrival *arrival);
	void *context;
	struct plain_ends *plain_ends; /* what goes through them is counted there; or NULL */
};

/* SERVERS has what accepts for each kind of listener (the caller's still); NULL: not TLS. */
struct terminator *terminator_create(struct event_base *base, const struct options *options,
				     const struct terminator_owner *owner,
				     struct ssl_ctx_st *const servers[LISTENER_KINDS]);

/* Watches a listening socket. */
void terminator_listen(struct terminator *terminator, int listener, enum listener_kind kind);

/* Takes over a connection that was accepted. */
void terminator_take(struct terminator *terminator, int socket, const struct arrival *arrival);

/* After the loop's events: carries what is ready. True: there is more, the loop must not sleep. */
bool terminator_turn(struct terminator *terminator, int64_t now_ns);

/* Now and then, once a second: ends what has had its time. */
void terminator_tick(struct terminator *terminator, int64_t now_ns);

/* Accepts no more; and ends the handshakes, too. */
void terminator_accept_no_more(struct terminator *terminator);
void terminator_drain(struct terminator *terminator);

/* How many connections there are; of them in their handshake. */
uint32_t terminator_count(const struct terminator *terminator);
uint32_t terminator_handshakes(const struct terminator *terminator);

/* How many were taken over since it was created. */
uint64_t terminator_taken(const struct terminator *terminator);

/* Ends all connections and frees it. */
void terminator_destroy(struct terminator *terminator);

#endif
