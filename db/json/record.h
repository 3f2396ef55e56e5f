/*
 * json_record: the model as JSON text and back.
 *
 * Each kind of record (event, ticket, batch, room, message, ban) is a table of its members, from
 * which it is written, read and checked. What is read was perhaps written by a person, so
 * everything is checked: every member there, none that we do not know, numbers in range, the ticket
 * of an event that exists, nothing twice. PROBLEM (STORE_ERROR_SIZE bytes) says what is wrong.
 */
#ifndef DB_JSON_RECORD_H
#define DB_JSON_RECORD_H

#include "db/json/model.h"

/* Writes all of it to TEXT, to be freed; false: there is no memory, or a text is not UTF-8. */
bool json_record_write(const struct json_model *model, char **text, size_t *length);

/* Whether a text can stand in our JSON: good UTF-8 without a NUL. */
bool json_record_can_hold(const char *text, size_t length);

/* Reads a whole file into an empty model: one of ours, or the tutorial's {"count": N}. */
bool json_record_read(struct json_model *model, const char *text, size_t length, char *problem);

#endif
