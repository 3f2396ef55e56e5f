/* What an experiment says, and what it shares with its children. */
#include <stdarg.h>
#include <stdio.h>

#include "client/lab.h"

#define LABEL_COLUMNS 26

void lab_say(const struct lab *lab, const char *format, ...)
{
	va_list arguments;

	(void)lab;
	fputs("  ", stdout);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

void lab_show(const struct lab *lab, const char *label, const char *format, ...)
{
	va_list arguments;

	printf(lab->colour ? "    \033[2m%-*s\033[0m  " : "    %-*s  ", LABEL_COLUMNS, label);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

void lab_gap(const struct lab *lab)
{
	(void)lab;
	putchar('\n');
}

void lab_expect(struct lab *lab, bool holds, const char *format, ...)
{
	va_list arguments;

	lab->wrong += !holds;
	if (lab->colour)
		fputs(holds ? "  \033[32myes\033[0m  " : "  \033[1;31mNO\033[0m   ", stdout);
	else
		fputs(holds ? "  yes  " : "  NO   ", stdout);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

void *lab_share(struct lab *lab, size_t length)
{
	return memory_take(&lab->memory, length, CACHE_LINE);
}

double lab_ms(int64_t ns)
{
	return (double)ns / (double)NS_PER_MS;
}
