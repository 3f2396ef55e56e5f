#include "server/http/site.h"

#include <string.h>

#include "server/config/listener_option.h"
#include "server/http/parser.h"

/* These may be left out. */
#define PORT_OF_HTTP  80
#define PORT_OF_HTTPS 443

struct site site_of(const struct stream *stream)
{
	return (struct site){ .end = stream->own, .secure = listener_kind_is_tls(stream->kind) };
}

/* Parts "name:port"; the brackets of an IPv6 address go. */
static bool split(struct span host, bool secure, struct span *name, int64_t *port)
{
	const char *bracket = memchr(host.text, ']', host.length);
	struct span rest;

	*port = secure ? PORT_OF_HTTPS : PORT_OF_HTTP;
	if (span_starts(host, "[") && bracket) {
		*name = (struct span){ host.text + 1, (size_t)(bracket - host.text) - 1 };
		rest = (struct span){ bracket + 1, host.length - name->length - 2 };
	} else {
		const char *colon = memchr(host.text, ':', host.length);

		name->text = host.text;
		name->length = colon ? (size_t)(colon - host.text) : host.length;
		rest = (struct span){ host.text + name->length, host.length - name->length };
	}
	return rest.length == 0 ||
	       (*rest.text == ':' &&
		words_number((struct span){ rest.text + 1, rest.length - 1 }, 1, UINT16_MAX, port));
}

static bool is_own_address(struct site site, struct span host)
{
	struct peer_address address;
	struct span name;
	int64_t port;

	if (!split(host, site.secure, &name, &port) || port != site.end.port) {
		return false;
	}
	return span_equals_ignoring_case(name, "localhost") ||
	       (peer_address_read(name, &address) && peer_address_equal(address, site.end.address));
}

/* Behind the "://" of a --public-url. */
static const char *host_of(const char *url)
{
	return strstr(url, "://") + 3;
}

bool site_is_host(struct site site, const struct options *options, struct span host)
{
	for (size_t i = 0; i < options->public_url_count; i++) {
		if (span_equals_ignoring_case(host, host_of(options->public_urls[i]))) {
			return true;
		}
	}
	return is_own_address(site, host);
}

bool site_is_secure(const struct options *options, struct span host)
{
	for (size_t i = 0; i < options->public_url_count; i++) {
		if (strncmp(options->public_urls[i], "https:", 6) == 0 &&
		    span_equals_ignoring_case(host, host_of(options->public_urls[i]))) {
			return true;
		}
	}
	return false;
}

bool site_is_origin(struct site site, const struct options *options, struct span origin)
{
	struct span host;
	bool secure;

	for (size_t i = 0; i < options->public_url_count; i++) {
		if (span_equals_ignoring_case(origin, options->public_urls[i])) {
			return true;
		}
	}
	return parser_split_origin(origin, &host, &secure) && secure == site.secure &&
	       is_own_address(site, host);
}
