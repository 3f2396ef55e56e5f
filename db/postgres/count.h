/*
 * postgres_count: store_count of db/open.h: all tickets of one moment, over a connection of its
 * own, in a snapshot that is in nobody's way.
 */
#ifndef DB_POSTGRES_COUNT_H
#define DB_POSTGRES_COUNT_H

#include "db/store/kind.h"

enum store_result postgres_count(const char *url, struct mutex *lock,
				 const struct store_count_leave *leave, struct tallies *tallies,
				 char *error);

#endif
