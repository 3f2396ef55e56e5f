#include "client/chat/manual.h"

#include <stdio.h>
#include <string.h>

static const char parting[] = " - ";

void manual_split(struct span row, struct span *usage, struct span *help)
{
	const char *at = memmem(row.text, row.length, parting, strlen(parting));
	size_t before = at == NULL ? row.length : (size_t)(at - row.text);
	size_t after = at == NULL ? row.length : before + strlen(parting);

	*usage = (struct span){ row.text, before };
	*help = (struct span){ row.text + after, row.length - after };
}

const struct manual_entry *manual_find(const struct manual *manual, struct span name)
{
	for (size_t i = 0; i < manual->count; i++) {
		if (span_equals_ignoring_case(name, manual->entries[i].name)) {
			return &manual->entries[i];
		}
	}
	return NULL;
}

void manual_read(struct manual *manual, struct span row)
{
	struct span usage, help;

	manual_split(row, &usage, &help);
	struct span name = words_next(&usage);
	struct span arguments = words_rest(usage);
	if (manual->count == MANUAL_MAX || !span_starts(name, "/") ||
	    name.length >= MANUAL_NAME_SIZE || arguments.length >= MANUAL_ARGS_SIZE ||
	    manual_find(manual, name) != NULL) {
		return;
	}
	struct manual_entry *entry = &manual->entries[manual->count++];
	snprintf(entry->name, sizeof(entry->name), "%.*s", (int)name.length, name.text);
	snprintf(entry->arguments, sizeof(entry->arguments), "%.*s", (int)arguments.length,
		 arguments.text);
}
