/*
 * postgres_schema: the tables in the database's schema `turnstile`, made and brought up to date by
 * us: by who comes first, while others wait.
 */
#ifndef DB_POSTGRES_SCHEMA_H
#define DB_POSTGRES_SCHEMA_H

#include "db/postgres/link.h"
#include "shared/base/siphash.h"

/* What stands in the database about the store as a whole. */
struct postgres_about {
	uint64_t identity; /* random, made with the schema; never 0 */
	struct siphash_key code_key;
};

/* Whether there is one: STORE_NONE if not. */
enum store_result postgres_schema_find(struct postgres_link *link);

/* Makes it if there is none and MAKE says so, updates it, and reads what it says to ABOUT. */
bool postgres_schema_open(struct postgres_link *link, bool make, struct postgres_about *about);

/* The SQL that takes a schema of VERSION (0: there is none) to the next; NULL: there is no next. */
const char *postgres_schema_step(int version);

#endif
