#include "server/config/options.h"

#include <stdarg.h>
#include <stdio.h>

const char *serialize_kind_name(enum serialize_kind kind)
{
	static const char *const names[] = { "lock", "join", "none" };

	return names[kind];
}

bool options_trust(const struct options *options, struct peer_address peer)
{
	for (size_t i = 0; i < options->proxy_count; i++) {
		if (peer_network_has(options->proxies[i], peer)) {
			return true;
		}
	}
	return false;
}

bool option_problem(char *problem, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(problem, OPTION_PROBLEM_SIZE, format, arguments);
	va_end(arguments);
	return false;
}
