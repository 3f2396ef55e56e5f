/*
 * http: requests to a server under test, and its answers, over a talk.
 *
 * Host is the address that the talk is connected to. Every wait is bounded as in talk.h; what is no
 * answer of HTTP/1.1 fails the test.
 */
#ifndef TESTS_SUPPORT_HTTP_H
#define TESTS_SUPPORT_HTTP_H

#include <stdbool.h>

#include "tests/support/talk.h"

#define HTTP_HEAD_SIZE 8192      /* bytes, a NUL counted in */
#define HTTP_BODY_SIZE (1 << 20) /* likewise */

struct http_answer {
	unsigned status;
	char head[HTTP_HEAD_SIZE]; /* its lines, each with its LF, without their CRs */
	char body[HTTP_BODY_SIZE];
	size_t length; /* of the body */
};

/*
 * Asks and takes the answer: http_ask(&talk, &answer, "POST", "/x", "A: b\r\n", "{}"); returns the
 * status. FIELDS are whole lines or ""; BODY may be NULL.
 */
#define http_ask(talk, answer, method, path, fields, body) \
	http_ask_at(HERE, talk, answer, method, path, fields, body)
#define http_get(talk, answer, path) http_ask_at(HERE, talk, answer, "GET", path, "", NULL)

/* Only asks, or only takes the next answer, of which HEAD has no body. */
#define http_send(talk, method, path, fields, body) \
	http_send_at(HERE, talk, method, path, fields, body)
#define http_receive(talk, answer, has_body) http_receive_at(HERE, talk, answer, has_body)

/* The value of a field of the answer's, into VALUE, SIZE bytes; "" when there is none. */
void http_field(const struct http_answer *answer, const char *name, char *value, size_t size);

unsigned http_ask_at(struct place place, struct talk *talk, struct http_answer *answer,
		     const char *method, const char *path, const char *fields, const char *body);
void http_send_at(struct place place, struct talk *talk, const char *method, const char *path,
		  const char *fields, const char *body);
unsigned http_receive_at(struct place place, struct talk *talk, struct http_answer *answer,
			 bool has_body);

#endif
