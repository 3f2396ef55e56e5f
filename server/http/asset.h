/*
 * asset: what the pages are made of, built into the program (cmake/site.cmake of web/site): the
 * files that a browser fetches, and the templates that are filled for each answer (page.h).
 *
 * An asset's name has the digest of all of them in it, so it never means other bytes, and may be
 * kept for a year.
 */
#ifndef SERVER_HTTP_ASSET_H
#define SERVER_HTTP_ASSET_H

#include <stddef.h>

#include "server/http/handler.h"

struct asset {
	const char *name; /* "style-0123456789abcdef.css" */
	const char *type;
	const unsigned char *bytes;
	size_t size;
	const unsigned char *packed; /* the same in gzip's form; a template has none */
	size_t packed_size;
};

extern const struct asset assets[];
extern const size_t asset_count;

/* "office.html" and so on; of them only the text is used. */
extern const struct asset templates[];
extern const size_t template_count;

/* GET /assets/NAME */
resource_handler asset_show;

#endif
