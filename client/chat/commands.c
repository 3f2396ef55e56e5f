#include "client/chat/commands.h"

#include <stdio.h>
#include <string.h>

static const char parting[] = " - ";

void commands_split_row(struct span row, struct span *usage, struct span *help)
{
	const char *at = memmem(row.text, row.length, parting, strlen(parting));
	size_t before = at ? (size_t)(at - row.text) : row.length;
	size_t after = at ? before + strlen(parting) : row.length;

	*usage = (struct span){ row.text, before };
	*help = (struct span){ row.text + after, row.length - after };
}

const struct command *commands_find(const struct commands *commands, struct span name)
{
	for (size_t i = 0; i < commands->count; i++) {
		if (span_equals_ignoring_case(name, commands->entries[i].name)) {
			return &commands->entries[i];
		}
	}
	return NULL;
}

void commands_read(struct commands *commands, struct span row)
{
	struct span usage, help;

	commands_split_row(row, &usage, &help);
	struct span name = words_next(&usage);
	struct span arguments = words_rest(usage);
	if (commands->count == COMMANDS_MAX || !span_starts(name, "/") ||
	    name.length >= COMMANDS_NAME_SIZE || arguments.length >= COMMANDS_ARGS_SIZE ||
	    commands_find(commands, name)) {
		return;
	}
	struct command *entry = &commands->entries[commands->count++];
	snprintf(entry->name, sizeof(entry->name), "%.*s", (int)name.length, name.text);
	snprintf(entry->arguments, sizeof(entry->arguments), "%.*s", (int)arguments.length,
		 arguments.text);
}
