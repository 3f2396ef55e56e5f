/*
 * What a keyboard, or who holds it, sends: what is cut of it fits where it goes, and a paste is
 * clean text of lines.
 */
#include <stdlib.h>
#include <string.h>

#include "client/chat/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void check_paste(const struct keys *keys)
{
	static char text[KEYS_TEXT_SIZE];

	memset(text, 'x', sizeof(text));
	keys_paste_text(keys, text);
	const char *end = memchr(text, '\0', sizeof(text));

	expect(end && (end == text || end[-1] != '\n'));
	for (const char *line = text; line < end;) {
		size_t length = strcspn(line, "\n");

		expect(text_is_clean(line, length));
		line += length + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct keys keys;
	struct span bytes;

	keys_init(&keys);
	for (size_t i = 0; i < size; i++) {
		switch (keys_take(&keys, (char)data[i], &bytes)) {
		case KEYS_TYPED:
		case KEYS_SEQUENCE:
			expect(bytes.length > 0 && bytes.length <= KEYS_SEQUENCE_SIZE);
			break;
		case KEYS_PASTE: check_paste(&keys); break;
		case KEYS_MORE: break;
		}
		if (keys_may_be_enter(&keys)) {
			struct keys copy = keys;

			keys_end_paste(&copy, &bytes);
			expect(bytes.length <= KEYS_PASTE_SIZE);
		}
	}
	return 0;
}
