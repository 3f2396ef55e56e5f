/*
 * postgres_addresses: all addresses that the hosts of a database have, as libpq takes them: lists
 * with commas, in which a host stands once for each of its addresses.
 *
 * Found out by who may ask a name server, for who may not. Sockets have none: their place in the
 * list is empty.
 */
#ifndef DB_POSTGRES_ADDRESSES_H
#define DB_POSTGRES_ADDRESSES_H

#include <stdbool.h>

#define ADDRESSES_SIZE 1024 /* bytes of each list, a NUL counted in */

struct addresses {
	char hosts[ADDRESSES_SIZE]; /* all "": nothing was found, or it is too much */
	char numeric[ADDRESSES_SIZE];
	char ports[ADDRESSES_SIZE];
};

/* HOSTS and PORTS as a URL has them: one each, lists of as many, or one port for all hosts. */
void addresses_find(struct addresses *addresses, const char *hosts, const char *ports);

#endif
