#include "server/http/head.h"

#include <stdbool.h>
#include <string.h>

enum state {
	FIRST_OF_WORD, /* in the request line */
	WORD,
	FIRST_OF_LINE, /* of a field's name, or the empty line's CR */
	NAME,
	VALUE,
	END_OF_LINE, /* a CR was seen: only LF may follow */
	END_OF_HEAD  /* likewise, in the empty line */
};

/* RFC 9110, 5.6.2 */
static bool is_of_token(unsigned char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte));
}

static bool is_visible(unsigned char byte)
{
	return byte > ' ' && byte < 0x7F;
}

/* Bytes beyond ASCII may stand in a value: nobody makes anything of them. */
static bool is_of_value(unsigned char byte)
{
	return byte == '\t' || (byte >= ' ' && byte != 0x7F);
}

static enum head_result go_to(struct head *head, enum state state)
{
	head->state = (uint8_t)state;
	return HEAD_OPEN;
}

/* In the request line: three words with one space between two. */
static enum head_result read_word(struct head *head, unsigned char byte)
{
	if (byte == '\r' && head->spaces == 2) {
		return go_to(head, END_OF_LINE);
	}
	if (byte == ' ' && head->spaces < 2) {
		head->spaces++;
		return go_to(head, FIRST_OF_WORD);
	}
	return is_visible(byte) ? HEAD_OPEN : HEAD_MALFORMED;
}

static enum head_result end_line(struct head *head, unsigned char byte)
{
	if (byte != '\n') {
		return HEAD_MALFORMED;
	}
	head->lines++;
	return head->lines > 1 + HEAD_FIELDS_MOST ? HEAD_TOO_LARGE : go_to(head, FIRST_OF_LINE);
}

static enum head_result read_byte(struct head *head, unsigned char byte)
{
	switch ((enum state)head->state) {
	case FIRST_OF_WORD: return is_visible(byte) ? go_to(head, WORD) : HEAD_MALFORMED;
	case WORD: return read_word(head, byte);
	case FIRST_OF_LINE:
		if (byte == '\r') {
			return go_to(head, END_OF_HEAD);
		}
		return is_of_token(byte) ? go_to(head, NAME) : HEAD_MALFORMED;
	case NAME:
		if (byte == ':') {
			return go_to(head, VALUE);
		}
		return is_of_token(byte) ? HEAD_OPEN : HEAD_MALFORMED;
	case VALUE:
		if (byte == '\r') {
			return go_to(head, END_OF_LINE);
		}
		return is_of_value(byte) ? HEAD_OPEN : HEAD_MALFORMED;
	case END_OF_LINE: return end_line(head, byte);
	case END_OF_HEAD: return byte == '\n' ? HEAD_WHOLE : HEAD_MALFORMED;
	}
	return HEAD_MALFORMED;
}

enum head_result head_read(struct head *head, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (head->length == HEAD_BYTES_MOST) {
			return HEAD_TOO_LARGE;
		}
		head->length++;
		enum head_result result = read_byte(head, (unsigned char)bytes[i]);

		if (result != HEAD_OPEN) {
			return result;
		}
	}
	return HEAD_OPEN;
}
