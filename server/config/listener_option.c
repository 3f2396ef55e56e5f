#include "server/config/listener_option.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define KINDS "lines, echo, http, tls or https"

#define FORM "must be KIND:ADDRESS:PORT, such as lines:127.0.0.1:7000 or echo:[::1]:7007"

static const char *const kind_names[LISTENER_KINDS] = {
	[LISTENER_LINES] = "lines", [LISTENER_ECHO] = "echo",   [LISTENER_HTTP] = "http",
	[LISTENER_TLS] = "tls",     [LISTENER_HTTPS] = "https",
};

const char *listener_kind_name(enum listener_kind kind)
{
	return kind_names[kind];
}

bool listener_kind_is_tls(enum listener_kind kind)
{
	return kind == LISTENER_TLS || kind == LISTENER_HTTPS;
}

const char *listener_kind_alpn(enum listener_kind kind)
{
	return kind == LISTENER_HTTPS ? "\x08http/1.1" : NULL;
}

bool options_have_tls(const struct options *options)
{
	for (size_t i = 0; i < options->listener_count; i++) {
		if (listener_kind_is_tls(options->listeners[i].kind)) {
			return true;
		}
	}
	return false;
}

/* The three parts of what was given; an IPv6 address is without its brackets here. */
struct parts {
	struct span kind, address, port;
	bool bracketed;
};

static bool split(const char *text, struct parts *parts)
{
	const char *address = strchr(text, ':');
	const char *port = strrchr(text, ':');

	if (address == port) { /* none, or but one */
		return false;
	}
	address++;
	parts->kind = (struct span){ text, (size_t)(address - 1 - text) };
	parts->address = (struct span){ address, (size_t)(port - address) };
	parts->port = span_of(port + 1);
	parts->bracketed = parts->address.length >= 2 && address[0] == '[' && port[-1] == ']';
	if (parts->bracketed) {
		parts->address.text++;
		parts->address.length -= 2;
	}
	return parts->address.length > 0;
}

/* Some have to be built in. */
static bool is_there(enum listener_kind kind, char *problem)
{
#ifndef TURNSTILE_WITH_HTTP
	if (kind == LISTENER_HTTP || kind == LISTENER_HTTPS) {
		return option_problem(problem, "this turnstiled was built without http "
					       "(TURNSTILE_WITH_HTTP)");
	}
#endif
#ifndef TURNSTILE_WITH_TLS
	if (listener_kind_is_tls(kind)) {
		return option_problem(problem, "this turnstiled was built without TLS "
					       "(TURNSTILE_WITH_TLS)");
	}
#endif
	(void)kind;
	(void)problem;
	return true;
}

bool listener_kind_read(struct span name, enum listener_kind *kind, char *problem)
{
	for (*kind = 0; *kind < LISTENER_KINDS; (*kind)++) {
		if (span_equals(name, kind_names[*kind])) {
			return is_there(*kind, problem);
		}
	}
	return option_problem(problem, "no such kind of listener: " KINDS);
}

static bool read_address(const struct parts *parts, struct listener_option *listener, char *problem)
{
	const struct addrinfo wanted = { .ai_family = parts->bracketed ? AF_INET6 : AF_INET,
					 .ai_socktype = SOCK_STREAM,
					 .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *found;
	char address[sizeof(listener->text)];
	char port[sizeof("65535")];
	int64_t port_number;

	if (!words_number(parts->port, 0, UINT16_MAX, &port_number)) {
		return option_problem(problem, "the port must be a number from 0 to 65535");
	}
	snprintf(port, sizeof(port), "%u", (unsigned)(uint16_t)port_number);
	snprintf(address, sizeof(address), "%.*s", (int)parts->address.length, parts->address.text);
	if (strcmp(address, "localhost") == 0) {
		snprintf(address, sizeof(address), "127.0.0.1");
	}
	if (getaddrinfo(address, port, &wanted, &found) != 0) {
		return option_problem(problem, "the address must be a number such as 127.0.0.1, "
					       "0.0.0.0 or [::1], or localhost");
	}
	memcpy(&listener->address, found->ai_addr, found->ai_addrlen);
	listener->address_length = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

bool listener_option_read(const char *text, struct listener_option *listener, char *problem)
{
	struct parts parts;

	if (!split(text, &parts)) {
		return option_problem(problem, FORM);
	}
	if (!listener_kind_read(parts.kind, &listener->kind, problem)) {
		return false;
	}
	listener->passed = -1;
	listener->activated = false;
	const char *shown = text + parts.kind.length + 1;
	if (strlen(shown) >= sizeof(listener->text)) {
		return option_problem(problem, FORM);
	}
	snprintf(listener->text, sizeof(listener->text), "%s", shown);
	return read_address(&parts, listener, problem);
}
