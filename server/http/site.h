/*
 * site: under which names this server is asked: Host and Origin.
 *
 * A browser sends what stands in its address line. So a page of somebody else's, or a name that was
 * bent to our address, is told from our own here, and does not speak for a visitor.
 */
#ifndef SERVER_HTTP_SITE_H
#define SERVER_HTTP_SITE_H

#include <stdbool.h>

#include "server/config/arrival.h"
#include "server/config/options.h"
#include "server/state/stream.h"
#include "shared/text/words.h"

/* Our end of a connection. */
struct site {
	struct endpoint end;
	bool secure; /* over TLS */
};

/* Of a session's stream. */
struct site site_of(const struct stream *stream);

/*
 * Whether HOST ("name", "name:port", "[::1]:port") is that address, localhost, or a --public-url.
 */
bool site_is_host(struct site site, const struct options *options, struct span host);

/* The same of an Origin: "http://name:port", over TLS "https://name:port". */
bool site_is_origin(struct site site, const struct options *options, struct span origin);

/* Whether people come to that HOST over https: it is a --public-url that says so. */
bool site_is_secure(const struct options *options, struct span host);

#endif
