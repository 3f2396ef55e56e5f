#include "server/session/problem.h"

#include <stdarg.h>
#include <stdio.h>

enum outcome refuse(struct problem *problem, enum problem_code code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(problem->text, sizeof(problem->text), format, arguments);
	va_end(arguments);
	problem->code = code;
	problem->left = 0;
	problem->wait_ns = 0;
	return OUTCOME_REFUSED;
}

const char *problem_code_name(enum problem_code code)
{
	static const char *const names[] = {
		[PROBLEM_BADCMD] = "BADCMD",
		[PROBLEM_BADARG] = "BADARG",
		[PROBLEM_TOOLONG] = "TOOLONG",
		[PROBLEM_NOTFOUND] = "NOTFOUND",
		[PROBLEM_NICKINUSE] = "NICKINUSE",
		[PROBLEM_NOROOM] = "NOROOM",
		[PROBLEM_SOLDOUT] = "SOLDOUT",
		[PROBLEM_CLOSED] = "CLOSED",
		[PROBLEM_EXPIRED] = "EXPIRED",
		[PROBLEM_USED] = "USED",
		[PROBLEM_LIMIT] = "LIMIT",
		[PROBLEM_EXISTS] = "EXISTS",
		[PROBLEM_DENIED] = "DENIED",
		[PROBLEM_RATE] = "RATE",
		[PROBLEM_BUSY] = "BUSY",
		[PROBLEM_INTERNAL] = "INTERNAL",
		[PROBLEM_INTERRUPTED] = "INTERRUPTED",
	};

	return names[code];
}
