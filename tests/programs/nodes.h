/*
 * nodes: two servers on one NATS, "a" and "b", for the tests of what they have in common.
 */
#ifndef TESTS_PROGRAMS_NODES_H
#define TESTS_PROGRAMS_NODES_H

#include <sys/types.h>

#include "tests/support/nats.h"
#include "tests/support/server.h"
#include "tests/support/talk.h"

extern struct nats nats;
extern struct turnstiled a, b;

/* Of a suite. The tests are skipped, and say so, where there is no nats-server; none is started. */
void nodes_init(void);
void nodes_finish(void);

/* Starts one of them under that name; it knows an operator's password (office.h). */
void nodes_start(struct turnstiled *server, const char *node);

/* Somebody comes to SERVER, takes NICK and enters ROOM. */
void nodes_enter(struct talk *talk, const struct turnstiled *server, const char *nick,
		 const char *room);

/* The bus process, as /workers tells an operator. */
pid_t nodes_bus_of(struct talk *talk);

#endif
