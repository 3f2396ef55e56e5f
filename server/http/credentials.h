/*
 * credentials: whether a request comes from an operator: by the password ("Authorization: Bearer")
 * or by the cookie that POST /api/v1/op made.
 */
#ifndef SERVER_HTTP_CREDENTIALS_H
#define SERVER_HTTP_CREDENTIALS_H

#include "server/http/handler.h"

/*
 * OUTCOME_DONE: it does. Refused: it does not, and RESPONSE says so. OUTCOME_AGAIN: a lock was
 * taken, nothing was done; OUTCOME_WAIT: likewise, the password is being looked at.
 */
enum outcome credentials_check(struct session *session, const struct request *request,
			       struct response *response);

/*
 * Whether who may be anybody has an operator's cookie; one that is over is none. OUTCOME_AGAIN: a
 * lock was taken.
 */
enum outcome credentials_look(struct session *session, const struct request *request,
			      bool *is_operator);

/* GET, POST and DELETE /api/v1/op */
resource_handler credentials_show, credentials_sign_in, credentials_sign_out;

#endif
