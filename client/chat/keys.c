#include "client/chat/keys.h"

#include <string.h>

#define ESCAPE '\033'

static const char paste_begins[] = "\033[200~";
static const char paste_ends[] = "\033[201~";
static const char enter[] = "\r";

void keys_init(struct keys *keys)
{
	keys->state = KEYS_PLAIN;
	keys->pasting = false;
	keys->length = 0;
	keys->paste_length = 0;
}

/* A sequence that is too long for a key stays one byte too long, and so is known by no one. */
static void append(struct keys *keys, char byte)
{
	if (keys->length < KEYS_SEQUENCE_SIZE) {
		keys->sequence[keys->length++] = byte;
	}
}

static void begin(struct keys *keys)
{
	keys->state = KEYS_ESCAPE;
	keys->length = 0;
	append(keys, ESCAPE);
}

static enum keys_event hand_out(struct keys *keys, enum keys_event event, struct span *bytes)
{
	keys->state = KEYS_PLAIN;
	if (keys->pasting) {
		return KEYS_MORE;
	}
	*bytes = (struct span){ keys->sequence, keys->length };
	return event;
}

static enum keys_event end_sequence(struct keys *keys, struct span *bytes)
{
	const struct span sequence = { keys->sequence, keys->length };
	bool pasting = keys->pasting;

	keys->state = KEYS_PLAIN;
	if (span_equals(sequence, paste_begins)) {
		keys->pasting = true;
		keys->paste_length = pasting ? keys->paste_length : 0;
		return KEYS_MORE;
	}
	if (span_equals(sequence, paste_ends)) {
		keys->pasting = false;
		return pasting ? KEYS_PASTE : KEYS_MORE;
	}
	if (sequence.length == KEYS_SEQUENCE_SIZE) {
		return KEYS_MORE;
	}
	return hand_out(keys, KEYS_SEQUENCE, bytes);
}

static enum keys_event take_plain(struct keys *keys, char byte, struct span *bytes)
{
	if (byte == ESCAPE) {
		begin(keys);
		return KEYS_MORE;
	}
	if (keys->pasting) {
		if (keys->paste_length < KEYS_PASTE_SIZE) {
			keys->paste[keys->paste_length++] = byte;
		}
		return KEYS_MORE;
	}
	keys->length = 0;
	append(keys, byte);
	return hand_out(keys, KEYS_TYPED, bytes);
}

/* ESC and a character is a key with Alt; a second ESC is Alt before a key that has a sequence. */
static enum keys_event take_escaped(struct keys *keys, char byte, struct span *bytes)
{
	if (byte == ESCAPE && keys->length > 1) {
		begin(keys);
		return KEYS_MORE;
	}
	if (byte != ESCAPE && byte != '[' && byte != 'O' && keys->pasting) {
		keys->state = KEYS_PLAIN;
		return take_plain(keys, byte, bytes);
	}
	append(keys, byte);
	switch (byte) {
	case ESCAPE: return KEYS_MORE;
	case '[': keys->state = KEYS_CONTROL; return KEYS_MORE;
	case 'O': keys->state = KEYS_SINGLE; return KEYS_MORE;
	default: return hand_out(keys, KEYS_TYPED, bytes);
	}
}

/* Parameters and intermediate bytes, then one that ends it (ECMA-48, 5.4). */
static enum keys_event take_control(struct keys *keys, char byte, struct span *bytes)
{
	if (byte < ' ' || byte > '~') { /* none of a sequence: it was cut off */
		keys->state = KEYS_PLAIN;
		return take_plain(keys, byte, bytes);
	}
	bool first = keys->sequence[keys->length - 1] == '[';
	append(keys, byte);
	if (byte == '[' && first) { /* F1 to F5 of Linux's console: one more */
		keys->state = KEYS_CONSOLE;
		return KEYS_MORE;
	}
	return byte < '@' ? KEYS_MORE : end_sequence(keys, bytes);
}

enum keys_event keys_take(struct keys *keys, char byte, struct span *bytes)
{
	switch (keys->state) {
	case KEYS_ESCAPE: return take_escaped(keys, byte, bytes);
	case KEYS_CONTROL:
	case KEYS_CONSOLE:
	case KEYS_SINGLE: return take_control(keys, byte, bytes);
	case KEYS_PLAIN: break;
	}
	return take_plain(keys, byte, bytes);
}

static bool is_line_end(char byte)
{
	return byte == '\r' || byte == '\n';
}

bool keys_may_be_enter(const struct keys *keys)
{
	return keys->pasting && keys->state == KEYS_PLAIN && keys->paste_length == 1 &&
	       is_line_end(keys->paste[0]);
}

void keys_end_paste(struct keys *keys, struct span *bytes)
{
	keys_init(keys);
	*bytes = span_of(enter);
}

/* The length of the line that TEXT begins with, and in USED that of its end, too: CR, LF, CR LF. */
static size_t line_length(struct span text, size_t *used)
{
	size_t length = 0;

	while (length < text.length && !is_line_end(text.text[length])) {
		length++;
	}
	*used = length + (length < text.length);
	if (*used < text.length && text.text[length] == '\r' && text.text[*used] == '\n') {
		++*used;
	}
	return length;
}

void keys_paste_text(const struct keys *keys, char text[KEYS_TEXT_SIZE])
{
	struct span rest = { keys->paste, keys->paste_length };
	size_t length = 0, used;

	while (rest.length > 0 && is_line_end(rest.text[rest.length - 1])) {
		rest.length--;
	}
	while (rest.length > 0) {
		size_t line = line_length(rest, &used);
		length += text_clean(rest.text, line, text + length);
		if (used > line) {
			text[length++] = '\n';
		}
		rest = (struct span){ rest.text + used, rest.length - used };
	}
	text[length] = '\0';
}
