#include "server/http/resource.h"

#include <stdio.h>

#include "server/http/asset.h"
#include "server/http/credentials.h"
#include "server/http/document.h"
#include "server/http/events.h"
#include "server/http/health.h"
#include "server/http/metrics.h"
#include "server/http/pages.h"
#include "server/http/qr_code.h"
#include "server/http/ticket_page.h"
#include "server/http/tickets.h"
#include "server/http/websocket.h"

#define COST_OF_LISTING  20 /* up to some thousand lines */
#define COST_OF_COUNTING 50 /* of all tickets of an event */

#define COST_OF_DRAWING 5

#define API "/api/v1"

const struct resource resources[] = {
	{ METHOD_GET, "/healthz", FOR_ANYONE, ANY_HOST, 1, health_show },
	{ METHOD_GET, "/metrics", FOR_ANYONE, ANY_HOST, COST_OF_LISTING, metrics_show },
	{ METHOD_GET, "/", FOR_ANYONE, OWN_HOST, COST_OF_LISTING, pages_office },
	{ METHOD_GET, "/e/*", FOR_ANYONE, OWN_HOST, COST_OF_LISTING, pages_event },
	{ METHOD_GET, "/t/*.svg", FOR_ANYONE, OWN_HOST, COST_OF_DRAWING, qr_code_show },
	{ METHOD_GET, "/t/*", FOR_ANYONE, OWN_HOST, 1, ticket_page_show },
	{ METHOD_GET, "/door", FOR_ANYONE, OWN_HOST, 1, pages_door },
	{ METHOD_GET, "/op", FOR_ANYONE, OWN_HOST, 1, pages_op },
	{ METHOD_GET, "/assets/*", FOR_ANYONE, OWN_HOST, 1, asset_show },
	{ METHOD_GET, "/api", FOR_ANYONE, OWN_HOST, 1, document_show },
	{ METHOD_GET, "/ws", FOR_ANYONE, OWN_ORIGIN, 1, websocket_shake_hands },
	{ METHOD_GET, API "/events", FOR_ANYONE, OWN_HOST, COST_OF_LISTING, events_list },
	{ METHOD_POST, API "/events", FOR_OPERATORS, OWN_HOST, 1, events_make },
	{ METHOD_GET, API "/events/*", FOR_ANYONE, OWN_HOST, 1, events_show },
	{ METHOD_PATCH, API "/events/*", FOR_OPERATORS, OWN_HOST, 1, events_change },
	{ METHOD_GET, API "/events/*/audit", FOR_ANYONE, OWN_HOST, COST_OF_COUNTING, events_audit },
	{ METHOD_POST, API "/events/*/bookings", FOR_ANYONE, OWN_HOST, 1, tickets_book },
	{ METHOD_POST, API "/events/*/holds", FOR_ANYONE, OWN_HOST, 1, tickets_hold },
	{ METHOD_GET, API "/tickets/*", FOR_ANYONE, OWN_HOST, 1, tickets_show },
	{ METHOD_POST, API "/tickets/*/confirm", FOR_ANYONE, OWN_HOST, 1, tickets_confirm },
	{ METHOD_POST, API "/tickets/*/cancel", FOR_ANYONE, OWN_HOST, 1, tickets_cancel },
	{ METHOD_POST, API "/tickets/*/admit", FOR_OPERATORS, OWN_HOST, 1, tickets_admit },
	{ METHOD_GET, API "/op", FOR_OPERATORS, OWN_HOST, 1, credentials_show },
	{ METHOD_POST, API "/op", FOR_ANYONE, OWN_HOST, 1, credentials_sign_in },
	{ METHOD_DELETE, API "/op", FOR_ANYONE, OWN_HOST, 1, credentials_sign_out },
};

const size_t resource_count = sizeof(resources) / sizeof(resources[0]);

static const char *const method_names[] = {
	[METHOD_GET] = "GET, HEAD",
	[METHOD_POST] = "POST",
	[METHOD_PATCH] = "PATCH",
	[METHOD_DELETE] = "DELETE",
};

/* Whether PATH is PATTERN, and what stands for its '*'. */
static bool matches(struct span path, const char *pattern, struct span *argument)
{
	struct span before = { pattern, strcspn(pattern, "*") };
	const char *after = pattern + before.length + (pattern[before.length] == '*');
	size_t after_length = strlen(after);

	*argument = (struct span){ path.text + before.length, 0 };
	if (pattern[before.length] == '\0') {
		return span_equals(path, pattern);
	}
	if (path.length <= before.length + after_length ||
	    memcmp(path.text, before.text, before.length) != 0 ||
	    memcmp(path.text + path.length - after_length, after, after_length) != 0) {
		return false;
	}
	argument->length = path.length - before.length - after_length;
	return !memchr(argument->text, '/', argument->length);
}

const struct resource *resource_find(const struct request *request, struct span *argument)
{
	enum method method = request->method == METHOD_HEAD ? METHOD_GET : request->method;

	for (size_t i = 0; i < resource_count; i++) {
		if (resources[i].method == method &&
		    matches(request->path, resources[i].path, argument)) {
			return &resources[i];
		}
	}
	return NULL;
}

void resource_methods(struct span path, char text[RESOURCE_METHODS_SIZE])
{
	struct span argument;
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < resource_count; i++) {
		const char *methods = method_names[resources[i].method];

		if (matches(path, resources[i].path, &argument) && !strstr(text, methods)) {
			length += (size_t)snprintf(text + length, RESOURCE_METHODS_SIZE - length,
						   "%s%s", length > 0 ? ", " : "", methods);
		}
	}
}
