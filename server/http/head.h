/*
 * head: the form of a request's head, looked at byte by byte as it comes: where it ends, or that it
 * is none.
 *
 * It is stricter than a parser of HTTP needs to be, so that no proxy before us reads the same bytes
 * in another way: lines end with CR LF and nothing else, a field's name is a token with its colon
 * right behind, no line goes on in the next one, and there is no control character. What the words
 * mean is not its business (parser.h). Every byte is looked at once, however they come.
 */
#ifndef SERVER_HTTP_HEAD_H
#define SERVER_HTTP_HEAD_H

#include <stddef.h>
#include <stdint.h>

#define HEAD_BYTES_MOST  (16 * 1024) /* the request line and all fields, their ends counted in */
#define HEAD_FIELDS_MOST 64

/* How much of a head was seen; all zero at its first byte. */
struct head {
	uint32_t length; /* bytes */
	uint16_t lines;  /* whole ones; the first is the request line */
	uint8_t state;
	uint8_t spaces; /* in the request line */
};

enum head_result {
	HEAD_OPEN,      /* more has to come */
	HEAD_WHOLE,     /* it is `length` bytes long, the empty line counted in */
	HEAD_MALFORMED, /* it is none, whatever comes */
	HEAD_TOO_LARGE
};

/* Looks at LENGTH bytes more of it; those behind its end are left alone. */
enum head_result head_read(struct head *head, const char *bytes, size_t length);

#endif
