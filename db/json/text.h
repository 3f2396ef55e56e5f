/*
 * json_text: a text that grows, for what the JSON store writes and reads in one piece.
 *
 * Once memory has run out nothing more is added, and `failed` stays true: who built a text asks
 * once, at its end. The memory is kept from one text to the next.
 */
#ifndef DB_JSON_TEXT_H
#define DB_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct json_text {
	char *bytes; /* LENGTH of them, no NUL counted in */
	size_t length;
	size_t room;
	bool failed;
};

__attribute__((format(printf, 2, 3))) void json_text_add(struct json_text *text, const char *format,
							 ...);

/*
 * Adds a string of LENGTH bytes in quotes, escaped. What is no good UTF-8, or has a NUL, cannot
 * stand in our JSON: it fails.
 */
void json_text_add_string(struct json_text *text, const char *string, size_t length);

/* Reads FILE from FROM to its end; false with errno. */
bool json_text_read(struct json_text *text, int file, size_t from);

/* Writes all of it to FILE at AT; false with errno. */
bool json_text_write(const struct json_text *text, int file, size_t at);

/* Empties it, for the next text. */
void json_text_empty(struct json_text *text);
void json_text_finish(struct json_text *text);

#endif
