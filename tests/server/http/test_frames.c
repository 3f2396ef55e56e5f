/* A peer's frames, gone on with by another reader wherever the first one ended. */
#include "server/http/frames.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define BYTES_MOST 4096

static char bytes[BYTES_MOST];
static size_t length;

static void add(const void *more, size_t more_length)
{
	cr_assert_leq(length + more_length, sizeof(bytes));
	memcpy(bytes + length, more, more_length);
	length += more_length;
}

/* A masked frame; its length stands in SIZE bytes behind the header's second (0, 2, 8). */
static void add_frame(unsigned char first, size_t size, const char *text)
{
	static const unsigned char mask[4] = { 0x12, 0xFE, 0x00, 0x81 };
	const size_t text_length = strlen(text);
	unsigned char header[10] = { first, 0x80 };

	header[1] |= (unsigned char)(size == 0 ? text_length : size == 2 ? 126 : 127);
	for (size_t i = 0; i < size; i++) {
		header[2 + i] = (unsigned char)((uint64_t)text_length >> 8 * (size - 1 - i));
	}
	add(header, 2 + size);
	add(mask, sizeof(mask));
	for (size_t i = 0; i < text_length; i++) {
		add(&(char){ (char)(text[i] ^ mask[i % 4]) }, 1);
	}
}

/* All kinds of places: long and short ones, fragments, control frames between, cut characters. */
static void add_frames(void)
{
	char text[300];

	memset(text, 'x', sizeof(text));
	memcpy(text + 200, "\xF0\x9F\x8E\xAB", 4);
	text[sizeof(text) - 1] = '\0';
	length = 0;
	add_frame(0x81, 0, "/ping 1");
	add_frame(0x89, 0, "are you there?");
	add_frame(0x81, 2, text);
	add_frame(0x01, 0, "in \xF0\x9F");
	add_frame(0x8A, 0, "");
	add_frame(0x00, 0, "\x8E");
	add_frame(0x89, 0, "still?");
	add_frame(0x00, 0, "");
	add_frame(0x80, 0, "\xAB pieces");
	add_frame(0x81, 0, "");
	add_frame(0x01, 2, text);
	add_frame(0x80, 0, "\xC3\xA4");
}

struct heard {
	struct reply lines, control;
};

static void read_on(struct frames *frames, size_t from, size_t to, struct heard *heard)
{
	cr_assert(frames_read(frames, bytes + from, to - from, &heard->lines, &heard->control),
		  "from byte %zu to %zu", from, to);
}

static struct frames *successor_of(struct frames *frames)
{
	size_t size = frames_saved_size(frames);
	char saved[FRAMES_SAVED_SIZE];
	struct frames *next = frames_create();

	if (size > 0) {
		frames_save(frames, saved);
		frames_load(next, saved);
	}
	frames_destroy(frames);
	return next;
}

static void expect_same(const struct reply *one, const struct reply *other, size_t cut, size_t step)
{
	cr_assert_eq(one->length, other->length, "cut at %zu, then each %zu", cut, step);
	cr_assert_eq(memcmp(one->text, other->text, one->length), 0, "cut at %zu, then each %zu",
		     cut, step);
}

static void begin(struct heard *heard)
{
	reply_init(&heard->lines, NULL, NULL);
	reply_init(&heard->control, NULL, NULL);
}

static void end(struct heard *heard)
{
	reply_finish(&heard->lines);
	reply_finish(&heard->control);
}

/* Other readers go on at CUT, and then at each STEP. */
static void hear_cut(size_t cut, size_t step, struct heard *heard)
{
	struct frames *frames = frames_create();
	size_t at = cut;

	begin(heard);
	read_on(frames, 0, cut, heard);
	while (at < length) {
		size_t to = at + step < length ? at + step : length;

		frames = successor_of(frames);
		read_on(frames, at, to, heard);
		at = to;
	}
	cr_expect_eq(frames_saved_size(frames), 0, "nothing is under way");
	frames_destroy(frames);
}

Test(frames, wherever_a_reader_ends_another_goes_on)
{
	struct heard whole, cut;

	add_frames();
	hear_cut(length, length, &whole);
	cr_assert_gt(whole.lines.length, 0);
	cr_assert_gt(whole.control.length, 0);
	for (size_t at = 0; at <= length; at++) {
		const size_t steps[] = { length, 1, 7 };

		for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
			hear_cut(at, steps[i], &cut);
			expect_same(&whole.lines, &cut.lines, at, steps[i]);
			expect_same(&whole.control, &cut.control, at, steps[i]);
			end(&cut);
		}
	}
	end(&whole);
}

Test(frames, what_another_goes_on_with_is_held_to_the_same_rules)
{
	struct frames *frames = frames_create();
	struct heard heard;

	begin(&heard);
	length = 0;
	add_frame(0x01, 0, "half \xF0\x9F");
	add_frame(0x80, 0, "a character");
	read_on(frames, 0, 10, &heard);
	frames = successor_of(frames);
	cr_expect_not(frames_read(frames, bytes + 10, length - 10, &heard.lines, &heard.control));
	cr_expect_eq(memcmp(heard.control.text, "\x88\x02\x03\xEF", 4), 0, "it closes with 1007");
	frames_destroy(frames);
	end(&heard);
}
