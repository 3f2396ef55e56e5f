#include "server/http/asset.h"

#include <string.h>

#define A_YEAR "public, max-age=31536000, immutable"

/* The next item of a list with commas, without the blanks around it. */
static struct span next_item(struct span *list)
{
	const char *end = memchr(list->text, ',', list->length);
	struct span item = { list->text, end ? (size_t)(end - list->text) : list->length };
	size_t used = item.length + (end ? 1 : 0);

	*list = (struct span){ list->text + used, list->length - used };
	return words_next(&item);
}

/* Whether the peer takes gzip: who gives it a weight ("gzip;q=0.5") is sent it as it is. */
static bool takes_packed(const struct request *request)
{
	struct span list = request->fields[FIELD_ACCEPT_ENCODING];

	while (list.length > 0) {
		if (span_equals_ignoring_case(next_item(&list), "gzip")) {
			return true;
		}
	}
	return false;
}

static const struct asset *find(struct span name)
{
	for (size_t i = 0; i < asset_count; i++) {
		if (span_equals(name, assets[i].name)) {
			return &assets[i];
		}
	}
	return NULL;
}

static void add_bytes(struct response *response, const unsigned char *bytes, size_t size)
{
	reply_bytes(&response->body, (const char *)bytes, size);
}

enum outcome asset_show(struct session *session, const struct request *request,
			struct span argument, struct response *response, struct problem *problem)
{
	const struct asset *asset = find(argument);

	(void)session;
	if (!asset) {
		return refuse(problem, PROBLEM_NOTFOUND, "there is nothing of that name");
	}
	response->type = asset->type;
	response->caching = A_YEAR;
	response_field(response, "Vary: Accept-Encoding");
	if (takes_packed(request)) {
		response_field(response, "Content-Encoding: gzip");
		add_bytes(response, asset->packed, asset->packed_size);
	} else {
		add_bytes(response, asset->bytes, asset->size);
	}
	return OUTCOME_DONE;
}
