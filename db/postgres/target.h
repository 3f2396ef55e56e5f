/*
 * postgres_target: what a URL says of the database, and what was found out about it.
 *
 * A worker in its sandbox reads no file of passwords and asks no name server. So the first process
 * that connects (the master, before it binds itself) keeps in its memory what libpq found out: the
 * user, the password, the address of the host; who is forked from it connects with that. A URL with
 * a password in it is refused: command lines and logs are read by others.
 */
#ifndef DB_POSTGRES_TARGET_H
#define DB_POSTGRES_TARGET_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/clock.h"

#define TARGET_CONNECT_NS NS_PER_SECOND /* how long connecting may take */

/* Whether URL is one, by its form, and names no secret; ERROR as in db/open.h. */
bool target_is_good(const char *url, char *error);

/* Writes "postgresql://HOST:PORT/DATABASE" to TEXT, for messages. */
void target_describe(const char *url, char *text, size_t size);

/* Begins to connect; NULL when there is no memory. */
PGconn *target_connect(const char *url);

/*
 * Keeps what CONNECTION, which was begun for URL, knows: once for each URL. While none is CONNECTED
 * it may be any of its host's addresses, and all are kept.
 */
void target_remember(const char *url, const PGconn *connection, bool connected);

/* Whether it can be connected to without a name server: that is known, or not needed. */
bool target_is_found(const char *url);

/* The identity of URL's database, if it is known; and notes it. 0 is none. */
uint64_t target_identity(const char *url);
void target_set_identity(const char *url, uint64_t identity);

/* The TCP port of URL's database; 0: it has a socket in this machine's file system. */
unsigned target_port(const char *url);

/* The names of files that connecting reads, from NUMBER 0 on; "": none. */
void target_file(const char *url, unsigned number, char *path, size_t size);

/* Whether nobody answers there, or only that it is not ready yet. */
bool target_is_away(const char *url);

#endif
