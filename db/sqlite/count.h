/*
 * sqlite_count: counts all tickets on a snapshot, beside the handle that sells.
 */
#ifndef DB_SQLITE_COUNT_H
#define DB_SQLITE_COUNT_H

#include "db/store/kind.h"

/* store_kind's `count`. */
enum store_result sqlite_count(const char *path, struct mutex *lock,
			       const struct store_count_leave *leave, struct tallies *tallies,
			       char *error);

#endif
