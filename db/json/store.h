/*
 * json_store: the JSON store, a file that people can read and write, for small sales.
 *
 * FILE is all that the store holds, and each transaction replaces it as a whole (file.h). Every
 * process has all of it in memory (model.h) and looks, when it begins, whether FILE is as it left
 * it; else it reads it anew. So a transaction costs as much as the store is large, whatever it
 * does: the clerks' batches keep that bearable, and JSON_TICKETS_MAX bounds it.
 */
#ifndef DB_JSON_STORE_H
#define DB_JSON_STORE_H

#include "db/store/kind.h"

extern const struct store_kind store_json;

#endif
