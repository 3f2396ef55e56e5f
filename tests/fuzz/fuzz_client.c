/*
 * Whatever a server says: what the client puts on the screen has no control character but line
 * feeds, and stays within its buffers. The first byte says how wide the terminal is.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "client/chat/completion.h"
#include "client/chat/conversation.h"
#include "client/chat/status_line.h"
#include "client/chat/wrap.h"
#include "client/terminal/text_width.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct conversation conversation;

static void check_clean(const char *text, size_t length)
{
	while (length > 0) {
		const char *end = memchr(text, '\n', length);
		size_t line = end ? (size_t)(end - text) : length;
		if (!text_is_clean(text, line)) {
			abort();
		}
		line += end != NULL;
		text += line;
		length -= line;
	}
}

static void look(size_t columns)
{
	static char wrapped[WRAP_SIZE(CONVERSATION_SHOWN_SIZE)];
	static struct completion completion;
	char status[STATUS_LINE_SIZE], list[COMPLETION_LIST_SIZE];
	struct span shown = { conversation.shown, conversation.shown_length };

	check_clean(wrapped, wrap_lines(shown, columns, wrapped));
	conversation_displayed(&conversation, conversation.shown_length);
	size_t length = status_line(&conversation.view, "", columns, status);
	check_clean(status, length);
	if (text_width((struct span){ status, length }) > columns) {
		abort();
	}
	completion_find(&completion, &conversation.commands, &conversation.view, span_of("/"));
	check_clean(list, completion_list(&completion, columns, list));
}

/* A line that begins with '>' is the user's, any other the server's. */
static void take(struct span line)
{
	if (span_starts(line, ">")) {
		conversation_type(&conversation, (struct span){ line.text + 1, line.length - 1 },
				  0);
	} else if (line.length < CONNECTION_LINE_MAX) {
		conversation_hear(&conversation, line, 0);
	}
	conversation_sent(&conversation, conversation.out_length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2) {
		return 0;
	}
	setlocale(LC_CTYPE, "C.UTF-8");
	conversation_init(&conversation, (struct render_style){ .rich = true }, 1);
	conversation_connected(&conversation);
	struct span rest = { (const char *)data + 1, size - 1 };
	while (rest.length > 0) {
		const char *end = memchr(rest.text, '\n', rest.length);
		size_t length = end ? (size_t)(end - rest.text) : rest.length;
		take((struct span){ rest.text, length });
		if (conversation.shown_length > CONVERSATION_SHOWN_SIZE / 2) {
			look(data[0]);
		}
		length += end != NULL;
		rest = (struct span){ rest.text + length, rest.length - length };
	}
	look(data[0]);
	return 0;
}
