/*
 * handler: what carries a request out: reads its arguments, has the core do what is asked for, and
 * makes an answer of what comes of it.
 */
#ifndef SERVER_HTTP_HANDLER_H
#define SERVER_HTTP_HANDLER_H

#include "server/http/request.h"
#include "server/http/response.h"
#include "server/session/session.h"

/*
 * Carries a request out. ARGUMENT is what stands in the path for the '*'. OUTCOME_DONE: RESPONSE
 * is the answer. OUTCOME_REFUSED: PROBLEM is. OUTCOME_LATER: the clerk's answer will be.
 */
typedef enum outcome resource_handler(struct session *session, const struct request *request,
				      struct span argument, struct response *response,
				      struct problem *problem);

#endif
