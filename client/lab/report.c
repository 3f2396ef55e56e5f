#include "client/lab/report.h"

#include <stdarg.h>
#include <stdio.h>

#include "shared/base/log.h"

#define LABEL_COLUMNS 26

void lab_turn_to(struct lab *lab, enum lab_line line)
{
	if (lab->last != line) {
		putchar('\n');
	}
	lab->last = line;
}

void lab_say(struct lab *lab, const char *format, ...)
{
	va_list arguments;

	lab_turn_to(lab, LAB_SAYS);
	fputs("  ", stdout);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

void lab_show(struct lab *lab, const char *label, const char *format, ...)
{
	va_list arguments;

	lab_turn_to(lab, LAB_SHOWS);
	printf(lab->style.colour ? "    \033[2m%-*s\033[0m  " : "    %-*s  ", LABEL_COLUMNS, label);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

void lab_expect(struct lab *lab, bool holds, const char *format, ...)
{
	va_list arguments;

	lab->wrong += !holds;
	if (lab->fact_count == LAB_FACTS_MAX) {
		bug("%s states more than %d facts", lab->name, LAB_FACTS_MAX);
	}
	struct lab_fact *fact = &lab->facts[lab->fact_count++];
	fact->holds = holds;
	va_start(arguments, format);
	vsnprintf(fact->text, sizeof(fact->text), format, arguments);
	va_end(arguments);
}

void lab_print_facts(struct lab *lab)
{
	static const char *const plain[] = { "NO ", "yes" };
	static const char *const coloured[] = { "\033[1;31mNO \033[0m", "\033[32myes\033[0m" };

	lab_turn_to(lab, LAB_STATES);
	for (unsigned i = 0; i < lab->fact_count; i++) {
		const struct lab_fact *fact = &lab->facts[i];
		printf("  %s  %s\n", lab->style.colour ? coloured[fact->holds] : plain[fact->holds],
		       fact->text);
	}
}

void *lab_share(struct lab *lab, size_t length)
{
	return memory_take(&lab->memory, length, CACHE_LINE);
}

double lab_ms(int64_t ns)
{
	return (double)ns / (double)NS_PER_MS;
}
