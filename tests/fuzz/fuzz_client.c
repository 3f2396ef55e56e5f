/*
 * Whatever a server says: what the client puts on the screen has no control character but line
 * feeds, and stays within its buffers. The first byte says how wide the terminal is.
 */
#include <stdlib.h>
#include <string.h>

#include "client/chat/completion.h"
#include "client/chat/status_line.h"
#include "client/chat/wrap.h"
#include "client/terminal/text_width.h"
#include "tests/fuzz/dialogue.h"

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

/* Only when much is shown at once: what is shown is taken away. */
static void look_now_and_then(size_t columns)
{
	if (conversation.shown_length > CONVERSATION_SHOWN_SIZE / 2) {
		look(columns);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2) {
		return 0;
	}
	dialogue_start(&conversation, false);
	dialogue_take(&conversation, (struct span){ (const char *)data + 1, size - 1 }, data[0],
		      look_now_and_then);
	look(data[0]);
	return 0;
}
