/*
 * sqlite_store: the SQLite store, for as many tickets as there are.
 */
#ifndef DB_SQLITE_STORE_H
#define DB_SQLITE_STORE_H

#include "db/store/kind.h"

extern const struct store_kind store_sqlite;

#endif
