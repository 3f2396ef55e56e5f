/*
 * An option's value, whichever: what was taken is within its bounds, what was refused changed
 * nothing. The first byte says which option.
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
	static struct options options, untouched;
	char problem[OPTION_PROBLEM_SIZE];

	if (size < 1) {
		return 0;
	}
	const struct option_row *row = &option_rows[data[0] % option_row_count];
	if (!row->name || reads_a_file(row)) {
		return 0;
	}
	char *value = strndup((const char *)data + 1, size - 1);
	memset(&options, 0, sizeof(options));
	if (option_set(&options, row, value, problem)) {
		check_taken(&options);
	} else {
		expect(memchr(problem, '\0', sizeof(problem)) && problem[0] != '\0');
		options.events[0] = untouched.events[0]; /* half read, and not counted */
		expect(memcmp(&options, &untouched, sizeof(options)) == 0);
	}
	free(value);
	return 0;
}
