/*
 * page: an answer that people read: a template (web/site/NAME.html) with what stands there just now
 * in its slots, "{{name}}". So a page reads without JavaScript, too.
 *
 * What users wrote goes through page_text, and is text in the page, never markup.
 */
#ifndef SERVER_HTTP_PAGE_H
#define SERVER_HTTP_PAGE_H

#include "server/http/handler.h"

/* Adds to BODY what belongs into a slot. */
typedef void page_filler(const void *context, struct span slot, struct reply *body);

/* Makes the response that page. FILL may be NULL where it has no slots. */
void page_write(struct response *response, const char *template, page_filler *fill,
		const void *context);

/* Adds markup of our own: less than PAGE_MARKUP_MOST bytes. */
#define PAGE_MARKUP_MOST 512
__attribute__((format(printf, 2, 3))) void page_add(struct reply *body, const char *format, ...);

/* Adds text; it may stand between elements and in an attribute's quotes. */
void page_text(struct reply *body, const char *text);

/*
 * Lets browsers keep the page, and ask whether it is still the same. Then the response becomes 304,
 * if it is. Called last.
 */
void page_validate(const struct request *request, struct response *response);

/* The same refusal as response_problem makes, for people. */
void page_problem(struct response *response, const struct problem *problem);

/* There is no such page. */
void page_missing(struct response *response);

#endif
