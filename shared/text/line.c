/*
 * The input is seen as stretches of plain bytes between LFs and telnet sequences. A stretch that is
 * a whole line by itself is handed out where it lies. All others are gathered in `partial`, which
 * has room for the longest line and an end that is still without its LF.
 */
#include "shared/text/line.h"

#include <string.h>

#include "shared/text/words.h"

/* The bytes of telnet's commands (RFC 854). */
enum {
	TIMING_MARK = 6,
	SE = 240,
	SB = 250,
	WILL = 251,
	WONT = 252,
	DO = 253,
	DONT = 254,
	IAC = 255
};

/* What `telnet_state` holds: what the next byte is. */
enum telnet_state {
	STATE_TEXT,
	STATE_COMMAND,      /* after IAC */
	STATE_DO,           /* the option that follows DO */
	STATE_WILL,         /* likewise */
	STATE_REFUSAL,      /* the option that follows DONT or WONT, which needs no answer */
	STATE_INSIDE,       /* between IAC SB and IAC SE */
	STATE_INSIDE_AFTER, /* after an IAC in there */
	STATE_DEAF          /* a browser: nothing counts any more */
};

void line_reader_init(struct line_reader *reader)
{
	reader->partial_length = 0;
	reader->telnet_state = STATE_TEXT;
	reader->skipping = reader->first_done = reader->asked_any = false;
}

/* What line_reader_save writes: this, then the options that were asked for, then the line. */
struct saved {
	uint16_t partial_length;
	uint8_t telnet_state;
	bool skipping;
	bool first_done;
	bool asked_any;
};

static size_t asked_size(const struct line_reader *reader)
{
	return reader->asked_any ? sizeof(reader->asked) : 0;
}

size_t line_reader_saved_size(const struct line_reader *reader)
{
	if (reader->partial_length == 0 && reader->telnet_state == STATE_TEXT &&
	    !reader->skipping && !reader->asked_any) {
		return 0;
	}
	return sizeof(struct saved) + asked_size(reader) + reader->partial_length;
}

void line_reader_save(const struct line_reader *reader, void *bytes)
{
	const struct saved saved = { reader->partial_length, reader->telnet_state, reader->skipping,
				     reader->first_done, reader->asked_any };
	char *to = bytes;

	memcpy(to, &saved, sizeof(saved));
	memcpy(to + sizeof(saved), reader->asked, asked_size(reader));
	memcpy(to + sizeof(saved) + asked_size(reader), reader->partial, reader->partial_length);
}

void line_reader_load(struct line_reader *reader, const void *bytes, size_t size)
{
	const char *from = bytes;
	struct saved saved;

	line_reader_init(reader);
	if (size == 0) {
		return;
	}
	memcpy(&saved, from, sizeof(saved));
	reader->partial_length = saved.partial_length;
	reader->telnet_state = saved.telnet_state;
	reader->skipping = saved.skipping;
	reader->first_done = saved.first_done;
	reader->asked_any = saved.asked_any;
	memcpy(reader->asked, from + sizeof(saved), asked_size(reader));
	memcpy(reader->partial, from + sizeof(saved) + asked_size(reader), saved.partial_length);
}

/* How long TEXT is without the part of a line's end that stands before the LF. */
static size_t length_without_end(const char *text, size_t length)
{
	if (length >= 2 && text[length - 2] == '\r' && text[length - 1] == '\0') {
		return length - 2;
	}
	if (length >= 1 && text[length - 1] == '\r') {
		return length - 1;
	}
	return length;
}

/* What is too long stays so, whatever bytes follow: "\r" and "\r\0" may still become an end. */
static bool is_too_long(const char *text, size_t length)
{
	return length_without_end(text, length) > LINE_MAX_BYTES;
}

static bool starts_like_http(struct span text)
{
	static const char *const starts[] = {
		"GET ", "POST ", "PUT ", "HEAD ", "OPTIONS ", "Host:"
	};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (span_starts(text, starts[i])) {
			return true;
		}
	}
	return false;
}

static bool is_browser(const struct line_reader *reader, const char *text, size_t length)
{
	return !reader->first_done && starts_like_http((struct span){ text, length });
}

static enum line_event turn_away_browser(struct line_reader *reader)
{
	reader->telnet_state = STATE_DEAF;
	reader->partial_length = 0;
	return LINE_BROWSER;
}

static enum line_event skip_line(struct line_reader *reader)
{
	reader->skipping = true;
	reader->partial_length = 0;
	return LINE_TOO_LONG;
}

/* LENGTH is without the line's end. */
static enum line_event hand_out(struct line_reader *reader, const char *text, size_t length,
				struct line *line)
{
	*line = (struct line){ text, length };
	reader->first_done |= length > 0;
	return LINE_WHOLE;
}

/* Adds a stretch to the unfinished line. */
static enum line_event gather(struct line_reader *reader, const char *bytes, size_t length)
{
	size_t room = LINE_PARTIAL_SIZE - (size_t)reader->partial_length;
	size_t fitting = length < room ? length : room;

	if (reader->skipping || length == 0) {
		return LINE_NONE;
	}
	memcpy(reader->partial + reader->partial_length, bytes, fitting);
	reader->partial_length = (uint16_t)(reader->partial_length + fitting);
	if (is_browser(reader, reader->partial, reader->partial_length)) {
		return turn_away_browser(reader);
	}
	if (fitting < length || is_too_long(reader->partial, reader->partial_length)) {
		return skip_line(reader);
	}
	return LINE_NONE;
}

/* The LF came, and what stood before it is gathered. */
static enum line_event end_line(struct line_reader *reader, struct line *line)
{
	size_t length = reader->partial_length;

	if (reader->skipping) {
		reader->skipping = false;
		reader->first_done = true;
		return LINE_NONE;
	}
	reader->partial_length = 0; /* the bytes stay until the next call */
	return hand_out(reader, reader->partial, length_without_end(reader->partial, length), line);
}

/*
 * How many bytes come before the next LF or IAC. It looks no further than a line can be, so that
 * input full of IACs is not searched for a far LF again after each.
 */
static size_t plain_length(const char *input, size_t length)
{
	size_t window = length < LINE_PARTIAL_SIZE + 1 ? length : LINE_PARTIAL_SIZE + 1;
	const char *lf = memchr(input, '\n', window);
	size_t plain = lf ? (size_t)(lf - input) : window;
	const char *iac = memchr(input, IAC, plain);

	return iac ? (size_t)(iac - input) : plain;
}

/* Whether a whole line, LENGTH bytes without its end, can be handed out where it lies. */
static bool is_good_in_place(const struct line_reader *reader, const char *input, size_t length)
{
	return !reader->skipping && reader->partial_length == 0 && length <= LINE_MAX_BYTES &&
	       !is_browser(reader, input, length);
}

/* Uses up a stretch, and the LF or IAC after it. */
static enum line_event read_text(struct line_reader *reader, const char *input, size_t length,
				 size_t *used, struct line *line)
{
	size_t plain = plain_length(input, length);
	bool ends = plain < length && input[plain] == '\n';
	enum line_event event;

	*used = plain + 1;
	if (ends) {
		size_t whole = length_without_end(input, plain);

		if (is_good_in_place(reader, input, whole)) {
			return hand_out(reader, input, whole, line);
		}
	}

	event = gather(reader, input, plain);
	if (event == LINE_NONE && ends) {
		return end_line(reader, line);
	}
	*used = plain;
	if (event == LINE_NONE && plain < length && (uint8_t)input[plain] == IAC) {
		*used = plain + 1;
		reader->telnet_state = STATE_COMMAND;
	}
	return event;
}

/*
 * The first DO or WILL of an option is refused; later ones are no news, and two could loop. But
 * DO TIMING-MARK is a question each time (RFC 860): a client shows no output until it is answered.
 */
static enum line_event answer(struct line_reader *reader, bool will, uint8_t option,
			      struct line *line)
{
	uint64_t bit = UINT64_C(1) << option % 64;
	uint64_t *asked = &reader->asked[will][option / 64];

	if (!reader->asked_any) {
		memset(reader->asked, 0, sizeof(reader->asked));
		reader->asked_any = true;
	}
	if ((*asked & bit) && (will || option != TIMING_MARK)) {
		return LINE_NONE;
	}
	*asked |= bit;
	reader->reply[0] = (char)IAC;
	reader->reply[1] = (char)(will ? DONT : WONT);
	reader->reply[2] = (char)option;
	*line = (struct line){ reader->reply, LINE_REPLY_SIZE };
	return LINE_TELNET;
}

static uint8_t state_after_command(uint8_t command)
{
	switch (command) {
	case DO: return STATE_DO;
	case WILL: return STATE_WILL;
	case DONT:
	case WONT: return STATE_REFUSAL;
	case SB: return STATE_INSIDE;
	default: return STATE_TEXT;
	}
}

/* Uses up one byte of a telnet sequence. */
static enum line_event read_telnet(struct line_reader *reader, uint8_t byte, struct line *line)
{
	enum telnet_state state = reader->telnet_state;

	reader->telnet_state = STATE_TEXT;
	switch (state) {
	case STATE_COMMAND:
		if (byte == IAC) {
			return gather(reader, "\xFF", 1);
		}
		reader->telnet_state = state_after_command(byte);
		return LINE_NONE;
	case STATE_DO: return answer(reader, false, byte, line);
	case STATE_WILL: return answer(reader, true, byte, line);
	case STATE_INSIDE:
		reader->telnet_state = byte == IAC ? STATE_INSIDE_AFTER : STATE_INSIDE;
		return LINE_NONE;
	case STATE_INSIDE_AFTER:
		reader->telnet_state = byte == SE ? STATE_TEXT : STATE_INSIDE;
		return LINE_NONE;
	case STATE_DEAF: reader->telnet_state = STATE_DEAF; return LINE_NONE;
	default: return LINE_NONE;
	}
}

enum line_event line_read(struct line_reader *reader, const char *input, size_t length,
			  size_t *used, struct line *line)
{
	enum line_event event = LINE_NONE;
	size_t at = 0;

	while (at < length && event == LINE_NONE) {
		size_t taken = 1;

		if (reader->telnet_state == STATE_TEXT) {
			event = read_text(reader, input + at, length - at, &taken, line);
		} else {
			event = read_telnet(reader, (uint8_t)input[at], line);
		}
		at += taken;
	}
	*used = at;
	return event;
}
