#include "server/http/document.h"

enum outcome document_show(struct session *session, const struct request *request,
			   struct span argument, struct response *response, struct problem *problem)
{
	(void)session;
	(void)request;
	(void)argument;
	(void)problem;
	response->type = RESPONSE_JSON;
	reply_bytes(&response->body, (const char *)api_document, api_document_size);
	return OUTCOME_DONE;
}
