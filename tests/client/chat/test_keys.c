#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "client/chat/keys.h"
#include "shared/text/text.h"

#define GOT_SIZE 512

static struct keys keys;
static char text[KEYS_TEXT_SIZE];

/* What comes of INPUT: typed bytes as they are, a sequence as {...}, a paste as <...>. */
static const char *cut(const char *input)
{
	static char got[GOT_SIZE];
	size_t length = 0;
	struct span bytes;

	for (size_t i = 0; input[i] != '\0'; i++) {
		size_t room = GOT_SIZE - length;
		int put = 0;
		switch (keys_take(&keys, input[i], &bytes)) {
		case KEYS_MORE: continue;
		case KEYS_TYPED:
			put = snprintf(got + length, room, "%.*s", (int)bytes.length, bytes.text);
			break;
		case KEYS_SEQUENCE:
			put = snprintf(got + length, room, "{%.*s}", (int)bytes.length - 1,
				       bytes.text + 1);
			break;
		case KEYS_PASTE:
			keys_paste_text(&keys, text);
			put = snprintf(got + length, room, "<%s>", text);
			break;
		}
		length += (size_t)put < room ? (size_t)put : room - 1;
	}
	got[length] = '\0';
	return got;
}

static void expect_cut(const char *input, const char *expected)
{
	keys_init(&keys);
	cr_expect_str_eq(cut(input), expected);
}

Test(keys, what_is_typed_comes_as_it_is)
{
	expect_cut("hello ö\r\x03\x7f", "hello ö\r\x03\x7f");
	expect_cut("\033b", "\033b");
	expect_cut("\033\033\033b", "\033b");
}

Test(keys, a_sequence_comes_whole_however_long_it_is)
{
	expect_cut("a\033[Ab", "a{[A}b");
	expect_cut("a\033[1;5Db\033[15~c\033[200;1$yd", "a{[1;5D}b{[15~}c{[200;1$y}d");
	expect_cut("a\033OPb\033O5Dc", "a{OP}b{O5D}c");
	expect_cut("a\033[[Bc", "a{[[B}c");       /* F2 of Linux's console */
	expect_cut("a\033\033[Ac", "a{\033[A}c"); /* Alt-Up of rxvt */
}

Test(keys, a_sequence_that_is_cut_off_leaves_nothing)
{
	expect_cut("a\033[1;5\rb", "a\rb");
	expect_cut("a\033[1;\033[Ab", "a{[A}b");
	expect_cut("a\033[1ö", "aö");
}

Test(keys, no_key_has_a_sequence_without_end)
{
	char input[4 * KEYS_SEQUENCE_SIZE] = "\033[";

	memset(input + 2, '1', sizeof(input) - 3);
	input[sizeof(input) - 1] = '\0';
	expect_cut(input, "");
	cr_expect_str_eq(cut("~a"), "a");
}

Test(keys, a_paste_is_one_thing_whatever_is_in_it)
{
	expect_cut("a\033[200~b\rc\n\r\nd\t\x03\x1b[A\033xe\033[201~f",
		   "a<b\nc\n\nd \xEF\xBF\xBDxe>f");
	expect_cut("\033[200~/quit\r\033[201~", "</quit>");
	expect_cut("\033[200~\033[201~", "<>");
	expect_cut("a\033[201~b", "ab");
}

Test(keys, a_paste_is_bounded_and_its_end_is_found_all_the_same)
{
	struct span bytes;

	keys_init(&keys);
	cut("\033[200~");
	for (size_t i = 0; i < 2 * KEYS_PASTE_SIZE; i++) {
		cr_assert_eq(keys_take(&keys, '\xff', &bytes), KEYS_MORE);
	}
	cut("\033[201~");
	cr_expect_eq(strlen(text), KEYS_PASTE_SIZE * TEXT_GROWTH);
	cr_expect_str_eq(cut("b"), "b");
}

Test(keys, an_enter_in_a_paste_that_never_comes_is_an_enter)
{
	struct span bytes;

	keys_init(&keys);
	cut("\033[200~");
	cr_expect_not(keys_may_be_enter(&keys));
	cut("\r");
	cr_expect(keys_may_be_enter(&keys));
	keys_end_paste(&keys, &bytes);
	cr_expect(span_equals(bytes, "\r"));
	cr_expect_str_eq(cut("b"), "b");
	cut("\033[200~\rb");
	cr_expect_not(keys_may_be_enter(&keys));
}
