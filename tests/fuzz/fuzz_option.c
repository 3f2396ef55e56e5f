/*
 * NAME=VALUE of an option: what was taken is within its bounds, what was refused is counted
 * nowhere.
 */
#include <stdlib.h>
#include <string.h>

#include "server/config/option_row.h"
#include "shared/text/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void check_event(const struct event_option *event)
{
	expect(name_is_event(span_of(event->name)));
	expect(event->total >= 1 && event->total <= STORE_TOTAL_MAX);
	expect(text_is_clean(event->title, strlen(event->title)));
}

static void check_listener(const struct listener_option *listener)
{
	expect(listener->kind < LISTENER_KINDS && listener->passed == -1);
	expect(listener->address_length > 0 &&
	       listener->address_length <= sizeof(listener->address));
	expect(strlen(listener->text) > 0);
}

static void check_taken(const struct options *options)
{
	expect(options->event_count <= 1 && options->listener_count <= 1);
	for (size_t i = 0; i < options->event_count; i++) {
		check_event(&options->events[i]);
	}
	for (size_t i = 0; i < options->listener_count; i++) {
		check_listener(&options->listeners[i]);
	}
	expect(options->workers <= OPTIONS_WORKERS_MAX);
	expect(options->max_quantity >= 0 && options->max_quantity <= STORE_TOTAL_MAX);
}

/* Reads a file of that name, whatever it is: fuzz_password has its own. */
static bool reads_a_file(const struct option_row *row)
{
	return strstr(row->name, "-file") && !strstr(row->name, "pid");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct options options;
	char problem[OPTION_PROBLEM_SIZE];
	char *text = strndup((const char *)data, size);
	char *value = strchr(text, '=');

	if (value) {
		*value++ = '\0';
	}
	const struct option_row *row = value ? option_row_find(text) : NULL;

	if (row && !reads_a_file(row)) {
		memset(&options, 0, sizeof(options));
		if (option_set(&options, row, value, problem)) {
			check_taken(&options);
		} else {
			expect(memchr(problem, '\0', sizeof(problem)) && problem[0] != '\0');
			expect(options.event_count == 0 && options.listener_count == 0);
		}
	}
	free(text);
	return 0;
}
