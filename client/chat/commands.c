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

static bool is_name(struct span name)
{
	for (size_t i = 1; i < name.length; i++) {
		if (name.text[i] < 'a' || name.text[i] > 'z') {
			return false;
		}
	}
	return name.length > 1 && name.length < COMMANDS_NAME_SIZE && name.text[0] == '/';
}

static bool are_arguments(struct span arguments)
{
	for (size_t i = 0; i < arguments.length; i++) {
		if (arguments.text[i] < ' ' || arguments.text[i] > '~') {
			return false;
		}
	}
	return arguments.length < COMMANDS_ARGS_SIZE;
}

void commands_read(struct commands *commands, struct span row)
{
	struct span usage, help;

	commands_split_row(row, &usage, &help);
	struct span name = words_next(&usage);
	struct span arguments = words_rest(usage);
	if (commands->count == COMMANDS_MAX || !is_name(name) || !are_arguments(arguments) ||
	    commands_find(commands, name)) {
		return;
	}
	struct command *entry = &commands->entries[commands->count++];
	snprintf(entry->name, sizeof(entry->name), "%.*s", (int)name.length, name.text);
	snprintf(entry->arguments, sizeof(entry->arguments), "%.*s", (int)arguments.length,
		 arguments.text);
}
