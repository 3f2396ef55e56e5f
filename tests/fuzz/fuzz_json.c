/* A JSON store's file: what was read, when it is written, is read again and written the same. */
#include <search.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "db/json/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write(const struct json_model *model, char **text, size_t *length)
{
	if (!json_record_write(model, text, length)) {
		abort();
	}
}

/*
 * A model is large and mostly untouched: making one anew for each input would cost the sanitizer
 * more than all the rest. So there are two, and what was used of them is emptied.
 */
static struct json_model model, model_again;

static void leave(void *key)
{
	(void)key; /* it is the ticket's */
}

static void empty(struct json_model *used)
{
	tdestroy(used->keys, leave);
	for (size_t i = 0; i < used->message_count; i++) {
		char *text;

		memcpy(&text, &used->messages[i].text, sizeof(text));
		free(text);
	}
	memset(used->events, 0, used->event_count * sizeof(*used->events));
	memset(used->tickets, 0, used->ticket_count * sizeof(*used->tickets));
	memset(used, 0, offsetof(struct json_model, events));
}

/* Written anew, it is read, and written the same. */
static void check_model(void)
{
	char problem[STORE_ERROR_SIZE];
	size_t length, again_length;
	char *text, *again;

	if (model.generation == 0) { /* the tutorial's: it gets a number before it is written */
		model.generation = 1;
	}
	write(&model, &text, &length);
	if (!json_record_read(&model_again, text, length, problem)) {
		abort();
	}
	write(&model_again, &again, &again_length);
	if (again_length != length || memcmp(again, text, length) != 0) {
		abort();
	}
	free(text);
	free(again);
	empty(&model_again);
}

static void check_counters(void)
{
	for (size_t i = 0; i < model.event_count; i++) {
		const struct store_event *event = &model.events[i];

		if (event->sold < 0 || event->held < 0 ||
		    event->sold > event->total - event->held) {
			abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char problem[STORE_ERROR_SIZE] = "";

	if (json_record_read(&model, (const char *)data, size, problem)) {
		check_counters();
		check_model();
	} else if (problem[0] == '\0' || !memchr(problem, '\0', sizeof(problem))) {
		abort();
	}
	empty(&model);
	return 0;
}
