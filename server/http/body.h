/*
 * body: a request's body, a JSON object, and what its members say.
 */
#ifndef SERVER_HTTP_BODY_H
#define SERVER_HTTP_BODY_H

#include "server/http/request.h"
#include "server/http/response.h"

/*
 * The body, or an empty object when there is none; the caller's. NULL, and RESPONSE says why, when
 * it is none, or has a member that is not one of MEMBERS, which end with NULL.
 */
json_t *body_read(const struct request *request, const char *const *members,
		  struct response *response);

/* A whole number from LEAST to MOST; left as it is when there is no such member. */
enum outcome body_number(const json_t *body, const char *name, int64_t least, int64_t most,
			 int64_t *number, struct problem *problem);

/* Text that must be there; it is the body's. */
enum outcome body_text(const json_t *body, const char *name, struct span *text,
		       struct problem *problem);

/* Whether there is such a member, and whether it is true. */
enum outcome body_flag(const json_t *body, const char *name, bool *there, bool *flag,
		       struct problem *problem);

#endif
