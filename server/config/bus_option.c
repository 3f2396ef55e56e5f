#include "server/config/bus_option.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "shared/text/words.h"

#define PORT_USUAL   4222
#define PLAIN        "nats://"
#define OVER_TLS     "tls://"
#define NODE_LETTER  "abcdefghijklmnopqrstuvwxyz0123456789-"
#define HOST_LETTER  NODE_LETTER "ABCDEFGHIJKLMNOPQRSTUVWXYZ._"
#define NODE_UNKNOWN "node"

/* A machine's name */

static bool is_of(struct span word, const char *letters)
{
	for (size_t i = 0; i < word.length; i++) {
		if (word.text[i] == '\0' || !strchr(letters, word.text[i])) {
			return false;
		}
	}
	return word.length > 0;
}

bool node_name_is_good(struct span name)
{
	return name.length < OPTIONS_NODE_SIZE && is_of(name, NODE_LETTER);
}

void node_name_of_host(const char *host, char *node)
{
	size_t length = strcspn(host, ".");

	length = length < OPTIONS_NODE_SIZE ? length : OPTIONS_NODE_SIZE - 1;
	for (size_t i = 0; i < length; i++) {
		char letter = (char)tolower((unsigned char)host[i]);

		node[i] = strchr(NODE_LETTER, letter) ? letter : '-';
	}
	node[length] = '\0';
	if (length == 0) {
		(void)snprintf(node, OPTIONS_NODE_SIZE, NODE_UNKNOWN);
	}
}

/* Where the bus is */

/* Takes the scheme off the text's front; one that says none is as the one before. */
static bool take_scheme(struct span *text, bool *tls)
{
	const bool plain = span_starts(*text, PLAIN);
	const bool secure = span_starts(*text, OVER_TLS);
	const size_t length = plain ? strlen(PLAIN) : secure ? strlen(OVER_TLS) : 0;

	*tls = length > 0 ? secure : *tls;
	text->text += length;
	text->length -= length;
	return length > 0;
}

/* HOST, or an IPv6 address in brackets; *REST is what stands behind it. */
static bool take_host(struct span text, struct span *host, struct span *rest)
{
	const bool bracket = text.length > 0 && text.text[0] == '[';
	const char *end = memchr(text.text, bracket ? ']' : ':', text.length);
	const size_t length = end ? (size_t)(end - text.text) : text.length;

	*host = (struct span){ text.text + bracket, length - bracket };
	*rest = (struct span){ text.text + length, text.length - length };
	if (bracket && end) {
		*rest = (struct span){ end + 1, rest->length - 1 };
	}
	return host->length < OPTIONS_HOST_SIZE && (!bracket || end) &&
	       is_of(*host, bracket ? "0123456789abcdefABCDEF:." : HOST_LETTER);
}

static bool read_port(struct span text, uint16_t *port)
{
	int64_t number = PORT_USUAL;
	bool good =
		text.length == 0 || (text.text[0] == ':' &&
				     words_number((struct span){ text.text + 1, text.length - 1 },
						  1, UINT16_MAX, &number));

	*port = (uint16_t)number;
	return good;
}

static bool read_server(struct span text, struct bus_server *server)
{
	struct span host;
	struct span rest;

	if (text.length > 0 && text.text[text.length - 1] == '/') {
		text.length--;
	}
	if (!take_host(text, &host, &rest) || !read_port(rest, &server->port)) {
		return false;
	}
	memcpy(server->host, host.text, host.length);
	server->host[host.length] = '\0';
	return true;
}

static struct span take_item(struct span *list)
{
	const char *comma = memchr(list->text, ',', list->length);
	const size_t length = comma ? (size_t)(comma - list->text) : list->length;
	const struct span item = { list->text, length };

	list->text += length + (comma != NULL);
	list->length -= length + (comma != NULL);
	return item;
}

static bool read_servers(const char *value, struct bus_server *servers, size_t *count)
{
	struct span list = span_of(value);
	bool tls = false;
	bool good = true;

	for (*count = 0; good && (list.length > 0 || *count == 0); ++*count) {
		struct span item = take_item(&list);

		good = *count < OPTIONS_BUS_SERVERS_MAX &&
		       (take_scheme(&item, &tls) || *count > 0) &&
		       read_server(item, &servers[*count]);
		if (good) {
			servers[*count].tls = tls;
		}
	}
	return good;
}

#ifdef TURNSTILE_WITH_NATS

static bool is_built_in(const struct bus_server *servers, size_t count, char *problem)
{
#ifndef TURNSTILE_WITH_TLS
	for (size_t i = 0; i < count; i++) {
		if (servers[i].tls) {
			return option_problem(problem, "this turnstiled was built without TLS "
						       "(TURNSTILE_WITH_TLS)");
		}
	}
#endif
	(void)servers;
	(void)count;
	(void)problem;
	return true;
}

#else

static bool is_built_in(const struct bus_server *servers, size_t count, char *problem)
{
	(void)servers;
	(void)count;
	return option_problem(problem, "this turnstiled was built without a bus "
				       "(TURNSTILE_WITH_NATS)");
}

#endif

bool bus_option_read(struct options *options, const char *value, char *problem)
{
	struct bus_server servers[OPTIONS_BUS_SERVERS_MAX] = { { .port = 0 } };
	size_t count;

	if (strchr(value, '@')) {
		return option_problem(problem, "no password in the URL, others can read it: put it "
					       "into a file of your own, and that file's name "
					       "into NATS_CREDS");
	}
	if (!read_servers(value, servers, &count)) {
		return option_problem(problem,
				      "must be nats://HOST[:PORT] or tls://HOST[:PORT], or up to "
				      "%d of them, separated by commas",
				      OPTIONS_BUS_SERVERS_MAX);
	}
	if (!is_built_in(servers, count, problem)) {
		return false;
	}
	memcpy(options->bus_servers, servers, sizeof(servers));
	options->bus_server_count = count;
	return true;
}
