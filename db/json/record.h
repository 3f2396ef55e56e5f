/*
 * json_record: events, tickets, batches and chat as JSON: how each is written, and what is a good
 * one. Chat's are in json_chat_record.c.
 *
 * Both files of a JSON store consist of these: the snapshot has lists of them, a line of the
 * journal has what a transaction changed. What is read was perhaps written by a person, so
 * everything is checked: every member there, none that we do not know, numbers in range, the ticket
 * of an event that exists, no key twice. PROBLEM (JSON_PROBLEM_SIZE bytes) says what is wrong.
 */
#ifndef DB_JSON_RECORD_H
#define DB_JSON_RECORD_H

#include <jansson.h>

#include "db/json/model.h"
#include "db/json/text.h"

#define JSON_PROBLEM_SIZE 256

void json_record_event(struct json_text *text, const struct store_event *event);
void json_record_ticket(struct json_text *text, const struct store_ticket *ticket);
void json_record_batch(struct json_text *text, const struct json_batch *batch);

/* Each reads a list of records and puts them into the model. */
bool json_record_take_events(struct json_model *model, json_t *list, char *problem);
bool json_record_take_tickets(struct json_model *model, json_t *list, char *problem);
bool json_record_take_batches(struct json_model *model, json_t *list, char *problem);

/* Chat's; ADDRESS is a ban's. */
void json_record_room(struct json_text *text, const struct store_room *room);
void json_record_message(struct json_text *text, const struct store_message *message);
void json_record_ban(struct json_text *text, const struct store_ban *ban);
void json_record_forget(struct json_text *text, uint32_t room, uint64_t through);
void json_record_address(struct json_text *text, const char *address);

bool json_record_take_rooms(struct json_model *model, json_t *list, char *problem);
bool json_record_take_messages(struct json_model *model, json_t *list, char *problem);
bool json_record_take_bans(struct json_model *model, json_t *list, char *problem);

/*
 * A journal's list of what a transaction changed of chat, in its order: {"room": a room},
 * {"message": a message}, {"forget": which of a room}, {"ban": a ban} or {"lift": an address}.
 */
bool json_record_take_chat(struct json_model *model, json_t *list, char *problem);

/* Takes each record of LIST; WHAT is the word for one in a message. */
typedef bool json_record_taker(struct json_model *model, json_t *record, char *problem);
bool json_record_take_each(struct json_model *model, json_t *list, const char *what,
			   json_record_taker *take, char *problem);

/* For the objects around them. NAMES ends with NULL. */
bool json_record_is_object(json_t *value, const char *const *names, char *problem);
bool json_record_integer(json_t *object, const char *name, int64_t least, int64_t most,
			 int64_t *value, char *problem);
bool json_record_text(json_t *object, const char *name, char *text, size_t size, char *problem);
bool json_record_hexadecimal(json_t *object, const char *name, struct siphash_key *value,
			     char *problem);
void json_record_add_hexadecimal(struct json_text *text, const struct siphash_key *value);

/* Writes the problem; false. */
__attribute__((format(printf, 2, 3))) bool json_problem(char *problem, const char *format, ...);

#endif
