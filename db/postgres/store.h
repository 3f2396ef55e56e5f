/*
 * postgres_store: a store in a PostgreSQL database: the kind "postgresql".
 */
#ifndef DB_POSTGRES_STORE_H
#define DB_POSTGRES_STORE_H

#include "db/store/kind.h"

extern const struct store_kind store_postgres;

#endif
