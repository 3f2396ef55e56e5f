/*
 * reload: reads what the server was configured by once more, while it runs, and checks it whole:
 * the command line as it was, the configuration file, the operator's password, certificate and key.
 *
 * Nothing changes here: the owner is given what was read if all of it is good, or told what is
 * wrong. A child of the master reads, so that neither a file that does not answer nor a fault in
 * the reading hurts the server, and another looks at the pair, so that the key's bytes are in
 * nobody else's memory. What the master has no right to any more cannot be read.
 */
#ifndef SERVER_PROCESS_RELOAD_H
#define SERVER_PROCESS_RELOAD_H

#include <event2/event.h>
#include <stdbool.h>

#include "server/config/options.h"
#include "server/tls/key_pair.h"

struct reload;

struct reload_owner {
	/*
	 * It is good. What cannot change is in FRESH as it was; NAMES are the options that were to
	 * ("listen, store"; or ""). KEY_PAIR is the owner's from then on.
	 */
	void (*good)(void *context, const struct options *fresh, const struct key_pair *key_pair,
		     const char *names);
	/* It is not: PROBLEM is one line. */
	void (*wrong)(void *context, const char *problem);
	void *context;
};

/* OPTIONS is what the server runs with at any time; ARGC and ARGV are what it was started with. */
struct reload *reload_create(struct event_base *base, const struct options *options, int argc,
			     char **argv, const struct reload_owner *owner);

/* Begins; one of the owner's two functions is called later. Not while it is under way. */
void reload_begin(struct reload *reload);
bool reload_is_under_way(const struct reload *reload);

/* Ends it without a word. */
void reload_stop(struct reload *reload);

#endif
