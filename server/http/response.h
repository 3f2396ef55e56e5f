/*
 * response: what is answered to a request: a status, fields, a body; and how it stands on the wire.
 *
 * Every answer has the fields that keep a browser from making more of it than it is.
 */
#ifndef SERVER_HTTP_RESPONSE_H
#define SERVER_HTTP_RESPONSE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/session/problem.h"
#include "server/session/reply.h"

#define RESPONSE_FIELDS_SIZE 512 /* bytes of its own fields, a NUL counted in; there are few */

#define RESPONSE_JSON "application/json"

struct response {
	unsigned status;
	const char *type;                  /* of its body */
	int64_t wait_ns;                   /* before 429 and 503: when to ask again; 0: soon */
	const char *policy;                /* what a browser lets it do: Content-Security-Policy */
	const char *caching;               /* Cache-Control */
	char fields[RESPONSE_FIELDS_SIZE]; /* "Name: value\r\n", each */
	struct reply body;
};

/* A browser lets it do nothing, as is right for all but pages; and it is not to be kept. */
#define RESPONSE_POLICY \
	"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#define RESPONSE_CACHING "no-store"

/* Begins with 200 and no body; response_finish gives back what it holds. */
void response_init(struct response *response);
void response_finish(struct response *response);

/* Adds a field: "Allow: GET". */
__attribute__((format(printf, 2, 3))) void response_field(struct response *response,
							  const char *format, ...);

/* A string; U+FFFD alone if TEXT is no UTF-8, which the store can have from elsewhere. */
json_t *response_text(const char *text);

/* Sets the body. Takes the reference to VALUE. */
void response_json(struct response *response, unsigned status, json_t *value);

/* The answer of what is refused before anybody asked the core: a code, and why. */
void response_refuse(struct response *response, unsigned status, const char *code,
		     const char *message);

/* The status of what the core refused. */
unsigned response_status(enum problem_code code);

/* The answer of it. */
void response_problem(struct response *response, const struct problem *problem);

/* Adds the whole to REPLY. WALL_NS is its date. */
struct response_manner {
	bool without_body; /* HEAD */
	bool last;         /* the connection ends with it */
};
void response_write(const struct response *response, struct response_manner manner, int64_t wall_ns,
		    struct reply *reply);

#endif
