#include "tests/fuzz/dialogue.h"

#include <locale.h>
#include <string.h>

void dialogue_start(struct conversation *conversation, bool coloured)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	conversation_init(conversation, (struct render_style){ .rich = true, .colour = coloured },
			  1);
	conversation_connected(conversation);
}

static void take(struct conversation *conversation, struct span line)
{
	if (span_starts(line, ">")) {
		conversation_type(conversation, (struct span){ line.text + 1, line.length - 1 }, 0);
	} else if (line.length < CONNECTION_LINE_MAX) {
		conversation_hear(conversation, line, 0);
	}
	conversation_sent(conversation, conversation->out_length);
}

void dialogue_take(struct conversation *conversation, struct span lines, size_t columns,
		   void (*look)(size_t columns))
{
	while (lines.length > 0) {
		const char *end = memchr(lines.text, '\n', lines.length);
		size_t length = end ? (size_t)(end - lines.text) : lines.length;

		take(conversation, (struct span){ lines.text, length });
		look(columns);
		length += end != NULL;
		lines = (struct span){ lines.text + length, lines.length - length };
	}
	look(columns);
}
