/*
 * postgres_open: from a URL to a connection that is ready: of the right version, without a pooler
 * in between, with its settings, the schema and all statements.
 */
#ifndef DB_POSTGRES_OPEN_H
#define DB_POSTGRES_OPEN_H

#include "db/postgres/link.h"
#include "db/postgres/schema.h"

/* MAKE: makes the schema where there is none. False: `error` of LINK, which is closed, says why. */
bool postgres_connect(struct postgres_link *link, const char *url, bool make,
		      struct postgres_about *about);

/* Whether there is a schema of ours; false, too, when it cannot be asked. */
bool postgres_is_there(const char *url);

/*
 * The name of the lock of this machine's servers: in FOLDER, by the URL. Who names the database
 * another way has another lock, as another machine has. PATH has PATH_MAX bytes.
 */
bool postgres_locate(const char *url, const char *folder, char *path, char *error);

#endif
