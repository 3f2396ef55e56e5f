/*
 * Every sample is read whole, cut in two at every byte, and byte by byte: the same events must come
 * of it each time. Events are written down as text, and two texts are compared.
 */
#include "shared/text/line.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that grow. */
struct bytes {
	char *start;
	size_t length;
	size_t room;
};

static void add(struct bytes *bytes, const char *more, size_t length)
{
	if (length == 0) {
		return;
	}
	if (bytes->length + length > bytes->room) {
		bytes->room = 2 * (bytes->length + length);
		bytes->start = realloc(bytes->start, bytes->room);
		cr_assert_not_null(bytes->start);
	}
	memcpy(bytes->start + bytes->length, more, length);
	bytes->length += length;
}

static void add_times(struct bytes *bytes, const char *more, size_t length, int times)
{
	for (int i = 0; i < times; i++) {
		add(bytes, more, length);
	}
}

#define ADD(bytes, literal)              add((bytes), (literal), sizeof(literal) - 1)
#define ADD_TIMES(bytes, literal, times) add_times((bytes), (literal), sizeof(literal) - 1, (times))

/* Bytes that are not printable are written as [FF]. */
static void add_readable(struct bytes *log, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char hex[5];
		unsigned char byte = (unsigned char)text[i];

		if (byte > ' ' && byte < 0x7F) {
			add(log, text + i, 1);
			continue;
		}
		(void)snprintf(hex, sizeof(hex), "[%02X]", byte);
		add(log, hex, 4);
	}
}

static void add_event(struct bytes *log, enum line_event event, const struct line *line)
{
	static const char *const names[] = { [LINE_WHOLE] = "",
					     [LINE_TOO_LONG] = "TOO-LONG",
					     [LINE_TELNET] = "TELNET",
					     [LINE_BROWSER] = "BROWSER" };

	add(log, names[event], strlen(names[event]));
	if (event == LINE_WHOLE || event == LINE_TELNET) {
		add_readable(log, line->text, line->length);
	}
	ADD(log, "|");
}

/* Reads a piece from memory of its own, which is gone afterwards. */
static void read_piece(struct line_reader *reader, const char *piece, size_t length,
		       struct bytes *log)
{
	char *copy = malloc(length ? length : 1);
	size_t at = 0;
	enum line_event event;

	memcpy(copy, piece, length);
	do {
		struct line line = { NULL, 0 };
		size_t used = 0;

		event = line_read(reader, copy + at, length - at, &used, &line);
		cr_assert_leq(used, length - at);
		at += used;
		if (event != LINE_NONE) {
			add_event(log, event, &line);
		}
	} while (event != LINE_NONE);
	cr_assert_eq(at, length, "all input is used up");
	free(copy);
}

#define READ(reader, literal, log) read_piece((reader), (literal), sizeof(literal) - 1, (log))

/* What comes of INPUT when its first part is CUT bytes and all others STEP bytes long. */
static struct bytes events_of(const struct bytes *input, size_t cut, size_t step)
{
	struct bytes log = { .length = 0 };
	struct line_reader reader;
	size_t next = cut;

	line_reader_init(&reader);
	for (size_t at = 0; at < input->length; at = next, next = at + step) {
		if (next > input->length) {
			next = input->length;
		}
		read_piece(&reader, input->start + at, next - at, &log);
	}
	return log;
}

static void assert_events_cut(const struct bytes *input, size_t cut, size_t step,
			      const char *expected)
{
	struct bytes log = events_of(input, cut, step);

	ADD(&log, "\0");
	cr_assert_str_eq(log.start, expected, "first %zu bytes, then %zu at a time", cut, step);
	free(log.start);
}

/* The central check: INPUT, however it is cut, gives the EXPECTED events. Frees INPUT. */
static void assert_events(struct bytes *input, const char *expected)
{
	assert_events_cut(input, input->length, 1, expected);
	assert_events_cut(input, 1, 1, expected);
	for (size_t cut = 1; cut < input->length; cut++) {
		assert_events_cut(input, cut, input->length, expected);
	}
	free(input->start);
}

static void assert_sample(const char *sample, size_t length, const char *expected)
{
	struct bytes input = { .length = 0 };

	add(&input, sample, length);
	assert_events(&input, expected);
}

#define EVENTS(sample, expected) assert_sample((sample), sizeof(sample) - 1, (expected))

#define IAC  "\xFF"
#define DO   IAC "\xFD"
#define DONT IAC "\xFE"
#define WILL IAC "\xFB"
#define WONT IAC "\xFC"
#define SB   IAC "\xFA"
#define SE   IAC "\xF0"
#define NOP  IAC "\xF1"

Test(line, ends_at_lf_and_what_belongs_to_it)
{
	EVENTS("a\nb\r\nc\r\0\nd\n", "a|b|c|d|");
	EVENTS("\n\r\n\r\0\n", "|||");
}

Test(line, loses_one_end_and_no_more)
{
	EVENTS("a\r\r\n", "a[0D]|");
	EVENTS("a\r\0\r\0\n", "a[0D][00]|");
	EVENTS("a\r\0\0\n", "a[0D][00][00]|");
	EVENTS("a\0\n", "a[00]|");
	EVENTS("a\rb\r\0c\n", "a[0D]b[0D][00]c|");
}

Test(line, is_not_handed_out_unfinished)
{
	EVENTS("/book rush 10\n/book rush 1", "/book[20]rush[20]10|");
	EVENTS("a\r", "");
	EVENTS("a\r\0", "");
}

/* A line of COUNT bytes 'x' and then what comes; a short line follows. */
static void assert_long(int count, const char *end, size_t end_length, bool fits)
{
	struct bytes input = { .length = 0 };
	struct bytes expected = { .length = 0 };

	ADD(&input, "first\n");
	ADD_TIMES(&input, "x", count);
	add(&input, end, end_length);
	ADD(&input, "next\n");
	ADD(&expected, "first|");
	if (fits) {
		ADD_TIMES(&expected, "x", count);
	} else {
		ADD(&expected, "TOO-LONG");
	}
	ADD(&expected, "|next|\0");
	assert_events(&input, expected.start);
	free(expected.start);
}

#define FITS(count, end)     assert_long((count), (end), sizeof(end) - 1, true)
#define TOO_LONG(count, end) assert_long((count), (end), sizeof(end) - 1, false)

Test(line, may_have_1024_bytes_without_its_end)
{
	FITS(LINE_MAX_BYTES, "\n");
	FITS(LINE_MAX_BYTES, "\r\n");
	FITS(LINE_MAX_BYTES, "\r\0\n");
	FITS(LINE_MAX_BYTES - 1, "\r\0\n");
}

Test(line, may_not_have_more)
{
	TOO_LONG(LINE_MAX_BYTES + 1, "\n");
	TOO_LONG(LINE_MAX_BYTES + 1, "\r\n");
	TOO_LONG(LINE_MAX_BYTES + 1, "\r\0\n");
	TOO_LONG(LINE_MAX_BYTES, "\r\r\n");
	TOO_LONG(LINE_MAX_BYTES, "\0\n");
	TOO_LONG(LINE_MAX_BYTES, "\r\0\0\n");
	TOO_LONG(LINE_MAX_BYTES, "\r\0\r\n");
	TOO_LONG(LINE_MAX_BYTES, "\rx\n");
	TOO_LONG(2 * LINE_MAX_BYTES, "\n");
}

/* COUNT bytes 'x' and more, unfinished. */
static void assert_unfinished(int count, const char *more, size_t length, const char *expected)
{
	struct bytes input = { .length = 0 };

	ADD_TIMES(&input, "x", count);
	add(&input, more, length);
	assert_events(&input, expected);
}

Test(line, is_too_long_as_soon_as_that_is_sure)
{
	assert_unfinished(LINE_MAX_BYTES, "", 0, "");
	assert_unfinished(LINE_MAX_BYTES, "\r", 1, "");
	assert_unfinished(LINE_MAX_BYTES, "\r\0", 2, "");
	assert_unfinished(LINE_MAX_BYTES, "x", 1, "TOO-LONG|");
	assert_unfinished(LINE_MAX_BYTES, "\rx", 2, "TOO-LONG|");
	assert_unfinished(LINE_MAX_BYTES, "\r\r", 2, "TOO-LONG|");
	assert_unfinished(LINE_MAX_BYTES, "\r\0x", 3, "TOO-LONG|");
	assert_unfinished(LINE_MAX_BYTES - 1, "\r\0", 2, "");
	assert_unfinished(LINE_MAX_BYTES - 1, "\r\0x", 3, "TOO-LONG|");
}

Test(line, without_end_keeps_memory_bounded_and_is_reported_once)
{
	static char piece[64 * 1024];
	struct bytes log = { .length = 0 };
	struct line_reader reader;

	memset(piece, 'x', sizeof(piece));
	line_reader_init(&reader);
	for (int i = 0; i < 800; i++) {
		read_piece(&reader, piece, sizeof(piece), &log);
		cr_assert_eq(reader.partial_length, 0);
	}
	READ(&reader, "\nnext\n", &log);
	ADD(&log, "\0");
	cr_assert_str_eq(log.start, "TOO-LONG|next|");
	free(log.start);
}

Test(telnet, is_taken_out)
{
	EVENTS(NOP "a" NOP "b\n" NOP, "ab|");
	EVENTS("a" DONT "\1b" WONT "\2c\n", "abc|");
	EVENTS("a" SB "\x18\0name" SE "b\n", "ab|");
	EVENTS(NOP "\n", "|");
}

Test(telnet, may_hold_ends_of_lines)
{
	EVENTS("a" SB "x\ny\r\n" SE "b\n", "ab|");
	EVENTS("a" IAC "\nb\n", "ab|");
	EVENTS("a" DONT "\nb\n", "ab|");
}

Test(telnet, sends_255_doubled)
{
	EVENTS("a" IAC IAC "b\n", "a[FF]b|");
	EVENTS(IAC IAC "\n", "[FF]|");
	EVENTS(IAC IAC IAC IAC NOP "\n", "[FF][FF]|");
}

Test(telnet, has_doubled_and_odd_bytes_inside_of_options)
{
	EVENTS("a" SB "x" IAC IAC "y" SE "b\n", "ab|");
	EVENTS("a" SB "x" IAC IAC "\xF0y\n" SE "b\n", "ab|");
	EVENTS("a" SB "x" IAC "\xFA"
	       "y" SE "b\n",
	       "ab|");
	EVENTS("a" SB SE "b\n", "ab|");
	EVENTS("a" SE "b\n", "ab|");
}

Test(telnet, may_stand_within_a_lines_end)
{
	EVENTS("a\r" NOP "\n", "a|");
	EVENTS("a\r" NOP "\0" NOP "\n", "a|");
}

Test(telnet, is_answered_once_for_each_option)
{
	EVENTS(DO "\1", "TELNET[FF][FC][01]|");
	EVENTS(WILL "\1", "TELNET[FF][FE][01]|");
	EVENTS(DO "\1" DO "\1" DO "\2" DO "\1", "TELNET[FF][FC][01]|TELNET[FF][FC][02]|");
	EVENTS(DO "\1" WILL "\1" WILL "\1", "TELNET[FF][FC][01]|TELNET[FF][FE][01]|");
	EVENTS("a" DO "\1b\n", "TELNET[FF][FC][01]|ab|");
	EVENTS(DO IAC "a\n", "TELNET[FF][FC][FF]|a|");
}

/* A client that sent one shows nothing until it is answered (RFC 860). */
Test(telnet, has_each_timing_mark_answered)
{
	EVENTS(DO "\6" DO "\6", "TELNET[FF][FC][06]|TELNET[FF][FC][06]|");
	EVENTS(WILL "\6" WILL "\6", "TELNET[FF][FE][06]|");
}

/* Reads one byte after the other, and counts the answers. */
static int count_answers(struct line_reader *reader, const char *input, size_t length)
{
	int answers = 0;

	for (size_t at = 0; at < length; at++) {
		struct line line;
		size_t used;

		answers += line_read(reader, input + at, 1, &used, &line) == LINE_TELNET;
	}
	return answers;
}

Test(telnet, answers_all_256_options_once_but_timing_marks)
{
	struct line_reader reader;

	line_reader_init(&reader);
	for (int round = 0; round < 512; round++) {
		char both[] = { '\xFF', '\xFD', (char)round, '\xFF', '\xFB', (char)round };

		cr_assert_eq(count_answers(&reader, both, 6), round < 256 ? 2 : round == 256 + 6,
			     "%d", round);
	}
}

Test(telnet, does_not_count_as_text)
{
	struct bytes input = { .length = 0 };
	struct bytes expected = { .length = 0 };

	ADD_TIMES(&input, "x" NOP, LINE_MAX_BYTES);
	ADD(&input, "\r\n");
	ADD_TIMES(&expected, "x", LINE_MAX_BYTES);
	ADD(&expected, "|\0");
	assert_events(&input, expected.start);
	free(expected.start);
}

Test(telnet, keeps_nothing_of_an_endless_option)
{
	static char piece[64 * 1024];
	struct bytes log = { .length = 0 };
	struct line_reader reader;

	memset(piece, 'x', sizeof(piece));
	line_reader_init(&reader);
	READ(&reader, SB, &log);
	for (int i = 0; i < 16; i++) {
		read_piece(&reader, piece, sizeof(piece), &log);
	}
	cr_assert_eq(reader.partial_length, 0);
	READ(&reader, SE "a\n", &log);
	ADD(&log, "\0");
	cr_assert_str_eq(log.start, "a|");
	free(log.start);
}

Test(browser, is_turned_away_as_soon_as_it_shows)
{
	EVENTS("GET ", "BROWSER|");
	EVENTS("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n/ping\n", "BROWSER|");
	EVENTS("POST / HTTP/1.1\r\n\r\n/ping\n", "BROWSER|");
	EVENTS("PUT /", "BROWSER|");
	EVENTS("HEAD /", "BROWSER|");
	EVENTS("OPTIONS *", "BROWSER|");
	EVENTS("Host:", "BROWSER|");
}

Test(browser, is_seen_behind_empty_lines_and_telnet)
{
	EVENTS("\r\n\nGET /\n/ping\n", "||BROWSER|");
	EVENTS("G" NOP "ET " NOP "/\n", "BROWSER|");
	EVENTS(DO "\1POST /\n", "TELNET[FF][FC][01]|BROWSER|");
}

Test(browser, is_not_whoever_speaks_of_one)
{
	EVENTS("GET\n", "GET|");
	EVENTS("GETAWAY now\n", "GETAWAY[20]now|");
	EVENTS("get /\n", "get[20]/|");
	EVENTS("Host\n", "Host|");
	EVENTS(" GET /\n", "[20]GET[20]/|");
	EVENTS("hello\nGET /\n", "hello|GET[20]/|");
	EVENTS("GET\r\nGET /\n", "GET|GET[20]/|");
}

Test(browser, is_seen_in_a_line_that_is_too_long)
{
	struct bytes input = { .length = 0 };

	ADD(&input, "GET /");
	ADD_TIMES(&input, "x", 2 * LINE_MAX_BYTES);
	ADD(&input, "\n");
	assert_events(&input, "BROWSER|");
}

Test(browser, is_looked_for_in_one_line_also_if_that_is_too_long)
{
	struct bytes input = { .length = 0 };

	ADD_TIMES(&input, "x", 2 * LINE_MAX_BYTES);
	ADD(&input, "\nGET /\n");
	assert_events(&input, "TOO-LONG|GET[20]/|");
}

Test(line, that_is_whole_is_not_copied)
{
	static const char input[] = "first\nsecond\r\nthird";
	struct line_reader reader;
	struct line line;
	size_t used;

	line_reader_init(&reader);
	cr_assert_eq(line_read(&reader, input, 19, &used, &line), LINE_WHOLE);
	cr_assert_eq(used, 6);
	cr_assert_eq(line.text, input);
	cr_assert_eq(line_read(&reader, input + 6, 13, &used, &line), LINE_WHOLE);
	cr_assert_eq(used, 8);
	cr_assert_eq(line.text, input + 6);
	cr_assert_eq(line.length, 6);
	cr_assert_eq(line_reader_saved_size(&reader), 0);
}

Test(line, that_is_whole_is_not_copied_however_long)
{
	static char input[LINE_MAX_BYTES + 3];
	struct line_reader reader;
	struct line line;
	size_t used;

	memset(input, 'x', LINE_MAX_BYTES);
	memcpy(input + LINE_MAX_BYTES, "\r\0\n", 3);
	line_reader_init(&reader);
	cr_assert_eq(line_read(&reader, input, sizeof(input), &used, &line), LINE_WHOLE);
	cr_assert_eq(used, sizeof(input));
	cr_assert_eq(line.text, input);
	cr_assert_eq(line.length, LINE_MAX_BYTES);
}

Test(reader, keeps_nothing_between_two_lines)
{
	struct bytes log = { .length = 0 };
	struct line_reader reader;

	line_reader_init(&reader);
	READ(&reader, "unfin", &log);
	cr_assert_gt(line_reader_saved_size(&reader), 5);
	READ(&reader, "ished\n", &log);
	cr_assert_eq(line_reader_saved_size(&reader), 0);
	READ(&reader, "", &log);
	ADD(&log, "\0");
	cr_assert_str_eq(log.start, "unfinished|");
	free(log.start);
}

/* Bytes that matter, and now and then a stretch about as long as a line may be. */
static void add_at_random(struct bytes *input, unsigned *seed)
{
	static const char matters[] = "\n\r\0\xFF\xFF\xFF\xFD\xFE\xFB\xFC\xFA\xF0\1\2 GxET";
	int dice = rand_r(seed) / 64;

	if (dice % 100 == 0) {
		ADD_TIMES(input, "x", LINE_MAX_BYTES - 3 + dice / 100 % 6);
	} else {
		add(input, matters + dice % (int)(sizeof(matters) - 1), 1);
	}
}

Test(line, comes_out_the_same_however_random_input_is_cut)
{
	unsigned seed = 1;

	for (int round = 0; round < 2000; round++) {
		struct bytes input = { .length = 0 };
		struct bytes whole;

		for (int i = 0; i < 150; i++) {
			add_at_random(&input, &seed);
		}
		whole = events_of(&input, input.length, 1);
		ADD(&whole, "\0");
		assert_events_cut(&input, 1, 1, whole.start);
		for (size_t step = 2; step < 40; step += 7) {
			assert_events_cut(&input, (size_t)rand_r(&seed) % step + 1, step,
					  whole.start);
		}
		free(whole.start);
		free(input.start);
	}
}
