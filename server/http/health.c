#include "server/http/health.h"

#include "server/state/health.h"

enum outcome health_show(struct session *session, const struct request *request,
			 struct span argument, struct response *response, struct problem *problem)
{
	char why[HEALTH_TEXT_SIZE];

	(void)request;
	(void)argument;
	(void)problem;
	if (health_is_good(session->turn->shared, turn_now_ns(session->turn), why)) {
		reply_line(&response->body, "ok");
		return OUTCOME_DONE;
	}
	response->status = 503;
	reply_line(&response->body, "%s", why);
	return OUTCOME_DONE;
}
