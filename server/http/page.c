#include "server/http/page.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/http/asset.h"
#include "shared/base/log.h"

/* A page may do nothing but what it needs from here: no script and no style stands in it. */
#define POLICY                                                                      \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " \
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#define TYPE "text/html; charset=utf-8"

#define DIGEST_SIZE 32 /* bytes of SHA-256 */
#define TAG_BYTES   16 /* of them, in an ETag */
#define TAG_SIZE    (2 + 2 * TAG_BYTES + 1)

static const struct asset *find(const char *name)
{
	for (size_t i = 0; i < template_count; i++) {
		if (strcmp(name, templates[i].name) == 0) {
			return &templates[i];
		}
	}
	bug("there is no page %s", name);
}

void page_write(struct response *response, const char *template, page_filler *fill,
		const void *context)
{
	const struct asset *asset = find(template);
	const char *text = (const char *)asset->bytes;
	const char *end = text + asset->size;
	const char *slot;

	response->type = TYPE;
	response->policy = POLICY;
	while ((slot = memmem(text, (size_t)(end - text), "{{", 2))) {
		const char *slot_end = memmem(slot, (size_t)(end - slot), "}}", 2);

		if (!fill || !slot_end) {
			bug("%s has a slot that nobody fills", template);
		}
		reply_bytes(&response->body, text, (size_t)(slot - text));
		fill(context, (struct span){ slot + 2, (size_t)(slot_end - slot) - 2 },
		     &response->body);
		text = slot_end + 2;
	}
	reply_bytes(&response->body, text, (size_t)(end - text));
}

void page_add(struct reply *body, const char *format, ...)
{
	char markup[PAGE_MARKUP_MOST];
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(markup, sizeof(markup), format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof(markup)) {
		bug("markup of more than %d bytes", PAGE_MARKUP_MOST - 1);
	}
	reply_bytes(body, markup, (size_t)length);
}

static const char *entity_of(char character)
{
	switch (character) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	default: return NULL;
	}
}

void page_text(struct reply *body, const char *text)
{
	while (*text) {
		size_t plain = strcspn(text, "&<>\"'");

		if (plain > 0) {
			reply_bytes(body, text, plain);
		}
		text += plain;
		if (*text) {
			const char *entity = entity_of(*text++);

			reply_bytes(body, entity, strlen(entity));
		}
	}
}

/* A strong one: of the bytes as they are. */
static void write_tag(const struct reply *body, char tag[TAG_SIZE])
{
	unsigned char digest[DIGEST_SIZE];

	if (EVP_Digest(body->text, body->length, digest, NULL, EVP_sha256(), NULL) != 1) {
		bug("no SHA-256");
	}
	tag[0] = tag[TAG_SIZE - 2] = '"';
	for (size_t i = 0; i < TAG_BYTES; i++) {
		(void)snprintf(tag + 1 + 2 * i, 3, "%02x", digest[i]);
	}
	tag[TAG_SIZE - 2] = '"';
	tag[TAG_SIZE - 1] = '\0';
}

/* Whether a browser has just that; what a proxy made of it ("W/…") is the same, too. */
static bool is_known(const struct request *request, const char *tag)
{
	const struct span known = request->fields[FIELD_IF_NONE_MATCH];

	return known.text &&
	       (span_equals(known, "*") || memmem(known.text, known.length, tag, TAG_SIZE - 1));
}

void page_validate(const struct request *request, struct response *response)
{
	char tag[TAG_SIZE];

	write_tag(&response->body, tag);
	response->caching = "no-cache";
	response_field(response, "ETag: %s", tag);
	if (is_known(request, tag)) {
		response->status = 304;
		reply_clear(&response->body);
	}
}

/* What went wrong, for people. */
struct notice {
	const char *title;
	const char *text;
};

static void fill_notice(const void *context, struct span slot, struct reply *body)
{
	const struct notice *notice = context;

	page_text(body, span_equals(slot, "title") ? notice->title : notice->text);
}

static void write_notice(struct response *response, unsigned status, struct notice notice)
{
	page_write(response, "notice.html", fill_notice, &notice);
	response->status = status;
}

void page_missing(struct response *response)
{
	write_notice(response, 404,
		     (struct notice){ "There is no such page",
				      "Look at the address: something in it is not as it was "
				      "handed out." });
}

void page_problem(struct response *response, const struct problem *problem)
{
	if (problem->code == PROBLEM_NOTFOUND) {
		page_missing(response);
		return;
	}
	write_notice(response, response_status(problem->code),
		     (struct notice){ "This did not work", problem->text });
}
