/* Whatever the server says, wherever it is shown: no byte of it drives the terminal. */
#include <criterion/criterion.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "client/chat/completion.h"
#include "client/chat/conversation.h"
#include "client/chat/status_line.h"
#include "client/chat/wrap.h"
#include "client/terminal/text_width.h"

#define POINTS      0x110000U
#define PIECE_SIZE  (CONNECTION_LINE_MAX / 4) /* bytes of what is tried at a time */
#define NAMES       VIEW_NICKS
#define COLUMNS     80
#define COMMON_STEP 128 /* of the letters that both libraries know, one of so many is tried */
#define HOLE        "%.*s"
#define POINT_BYTES 4 /* and as many surrogates and overlong forms as that can be */

/* What the user typed, and what answers it, with a hole for what is tried. */
static const struct {
	const char *typed, *said;
} places[] = {
	{ NULL, HOLE },
	{ NULL, "*say #go " HOLE " hi" },
	{ NULL, "*say #go anna " HOLE },
	{ NULL, "*say " HOLE " anna hi" },
	{ NULL, "*tell anna " HOLE },
	{ NULL, "*join #go " HOLE },
	{ NULL, "*part #go anna " HOLE },
	{ NULL, "*nick anna " HOLE },
	{ NULL, "*topic #go anna " HOLE },
	{ NULL, "*sale rush " HOLE " 3" },
	{ NULL, "*offer " HOLE " rush 1 60" },
	{ NULL, "*waiting " HOLE " 1 1" },
	{ NULL, "*notice " HOLE },
	{ NULL, "*" HOLE },
	{ NULL, "+" HOLE },
	{ NULL, "-" HOLE },
	{ NULL, "=" HOLE },
	{ "/nick " HOLE, "+nick " HOLE },
	{ "/where", "+where " HOLE " 1 2" },
	{ "/join #go", "+join " HOLE " 3" },
	{ "/book rush", "-BADARG " HOLE },
	{ "/book rush", "+booked " HOLE " rush 1" },
	{ "/events", "=" HOLE " 1/2 open" },
	{ "/events", "=rush " HOLE "/2 open" },
	{ "/events", "=rush 1/2 " HOLE },
	{ "/events", "=rush 1/2 open " HOLE },
	{ "/help", "=/" HOLE " [QTY] - books" },
	{ "/help", "=/book " HOLE " - books" },
	{ "/help", "=/book EVENT - " HOLE },
	{ "/rooms", "=" HOLE " 3" },
	{ "/rooms", "=#go 3 " HOLE },
	{ "/who #go", "=" HOLE },
	{ "/history #go", "=2026-11-20T10:00:00Z " HOLE " hi" },
	{ "/history #go", "=2026-11-20T10:00:00Z anna " HOLE },
	{ "/history " HOLE, "=2026-11-20T10:00:00Z anna hi" },
	{ "/left rush", "+left rush " HOLE " 5" },
	{ "/audit rush", "+audit rush 1 2 3 4 " HOLE },
	{ "/topic #go", "+topic #go " HOLE },
};

static struct conversation *conversation;
static struct completion *completion;

static void start(void)
{
	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
	conversation = malloc(sizeof(*conversation));
	completion = malloc(sizeof(*completion));
	conversation_init(conversation, (struct render_style){ .rich = true }, 1);
}

static void finish(void)
{
	free(conversation);
	free(completion);
}

TestSuite(unclean, .init = start, .fini = finish);

static void expect_clean(struct span text, const char *where)
{
	while (text.length > 0) {
		const char *end = memchr(text.text, '\n', text.length);
		size_t length = end ? (size_t)(end - text.text) : text.length;
		cr_assert(text_is_clean(text.text, length), "%s shows '%.*s'", where, (int)length,
			  text.text);
		length += end != NULL;
		text = (struct span){ text.text + length, text.length - length };
	}
}

static void look_at_conversation(const char *where)
{
	static char wrapped[WRAP_SIZE(CONVERSATION_SHOWN_SIZE)];
	struct span shown = { conversation->shown, conversation->shown_length };

	expect_clean(shown, where);
	size_t length = wrap_lines(shown, COLUMNS, wrapped);
	expect_clean((struct span){ wrapped, length }, where);
	conversation_displayed(conversation, conversation->shown_length);
	conversation_sent(conversation, conversation->out_length);
}

static void look_at_status(void)
{
	char line[STATUS_LINE_SIZE];
	size_t length = status_line(&conversation->view, "", COLUMNS, line);
	struct span status = { line, length };

	expect_clean(status, "the status line");
	cr_assert_lt(text_width(status), COLUMNS);
}

static void look_at_completion(const char *typed)
{
	char list[COMPLETION_LIST_SIZE], inserted[COMPLETION_WORD_SIZE + 2];

	completion_find(completion, &conversation->commands, &conversation->view, span_of(typed));
	completion_insert(completion, span_of(typed), inserted);
	size_t length = completion_list(completion, COLUMNS, list);
	expect_clean((struct span){ list, length }, "the Tab key's list");
	expect_clean(span_of(inserted), "the Tab key");
}

static void look_around(const char *where)
{
	static const char *const typed[] = { "",          "/",           "#",
					     "/book ",    "/book rush ", "/help ",
					     "/confirm ", "/join #" };

	look_at_conversation(where);
	look_at_status();
	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
		look_at_completion(typed[i]);
	}
}

static size_t encode(uint32_t point, char *text)
{
	if (point < 0x80) {
		text[0] = (char)point;
		return 1;
	}
	size_t length = point < 0x800 ? 2 : (point < 0x10000 ? 3 : 4);
	for (size_t i = length; i-- > 1; point >>= 6) {
		text[i] = (char)(0x80 | (point & 0x3F));
	}
	text[0] = (char)(point | (0xF00U >> length & 0xFF));
	return length;
}

static void say(const char *format, struct span piece)
{
	char line[CONNECTION_LINE_MAX];
	int length = snprintf(line, sizeof(line), format, (int)piece.length, piece.text);

	/* A NUL is a byte as any other: what is tried may have some. */
	const char *hole = strstr(format, HOLE);
	if (hole && memchr(piece.text, '\0', piece.length)) {
		size_t before = (size_t)(hole - format), after = strlen(hole + strlen(HOLE));
		memcpy(line + before, piece.text, piece.length);
		memcpy(line + before + piece.length, hole + strlen(HOLE), after);
		length = (int)(before + piece.length + after);
	}
	conversation_hear(conversation, (struct span){ line, (size_t)length },
			  1795168800 * INT64_C(1000000000));
}

static void type(const char *format, struct span piece)
{
	char line[CONNECTION_LINE_MAX];

	if (format) {
		snprintf(line, sizeof(line), format, (int)piece.length, piece.text);
		conversation_type(conversation, span_of(line), 0);
	}
}

static void answer_all(void)
{
	while (conversation->pending.count > 0) {
		pending_answered(&conversation->pending);
	}
}

/* PIECE in each place where the server can put it. */
static void try_piece(struct span piece)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		conversation->connected = true;
		answer_all();
		type(places[i].typed, piece);
		say(places[i].said, piece);
		look_at_conversation(places[i].said);
	}
	answer_all();
	look_around("all of it");
	conversation_init(conversation, (struct render_style){ .rich = true }, 1);
}

Test(unclean, every_code_point_is_clean_in_every_place)
{
	char piece[PIECE_SIZE];
	size_t length = 0;

	for (uint32_t point = 0; point < POINTS; point++) {
		length += encode(point, piece + length);
		if (length + POINT_BYTES > sizeof(piece) || point + 1 == POINTS) {
			try_piece((struct span){ piece, length });
			length = 0;
		}
	}
}

Test(unclean, every_control_alone_is_clean_in_every_place)
{
	char piece[POINT_BYTES];

	for (uint32_t point = 0; point < 0x100; point++) {
		piece[0] = (char)point; /* what is no UTF-8 from 80 on */
		try_piece((struct span){ piece, 1 });
		try_piece((struct span){ piece, encode(point, piece) });
	}
	for (uint32_t point = 0x2000; point < 0x2070; point++) {
		try_piece((struct span){ piece, encode(point, piece) });
	}
}

static void enter_room(void)
{
	conversation->connected = true;
	type("/join #go", (struct span){ "", 0 });
	say("+join #go 200", (struct span){ "", 0 });
	answer_all();
	look_at_conversation("a room");
}

/*
 * Which letters there are, utf8proc says of names and the C library of widths: names that one of
 * them knows alone are tried among those that both know, so that columns are as uneven as can be.
 */
Test(unclean, names_of_any_letters_fit_status_line_and_list)
{
	char name[NAME_NICK_SIZE];
	size_t names = 0;

	enter_room();
	for (uint32_t point = 0x80; point < POINTS; point++) {
		size_t length = 0;
		for (size_t i = 0; i < NAME_NICK_POINTS; i++) {
			length += encode(point, name + length);
		}
		bool known = wcwidth((wchar_t)point) >= 0;
		if ((known && point % COMMON_STEP != 0) ||
		    !name_is_nick((struct span){ name, length })) {
			continue;
		}
		say("*join #go " HOLE, (struct span){ name, length });
		say("*join #go " HOLE, (struct span){ name, encode(point, name) });
		conversation_displayed(conversation, conversation->shown_length);
		names += 2;
		if (names % (NAMES / 2) == 0) {
			look_at_status();
			look_at_completion("");
		}
	}
	cr_expect_gt(names, NAMES);
}

Test(unclean, figures_beyond_all_bounds_are_no_figures)
{
	static const char *const lines[] = {
		"+left rush 9223372036854775807 1", "*sale rush 9223372036854775807 1",
		"*sale rush 1000000000000 1",       "*sale rush 1 0",
		"*sale rush 0 9223372036854775807", "*join #go anna",
		"=9999-12-31T23:59:59Z anna hi",    "=0000-01-01T00:00:00Z anna hi",
	};

	conversation->connected = true;
	type("/join #go", (struct span){ "", 0 });
	say("+join #go 9223372036854775807", (struct span){ "", 0 });
	enter_room();
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		type("/history", (struct span){ "", 0 });
		say(lines[i], (struct span){ "", 0 });
		look_around(lines[i]);
	}
}

Test(unclean, a_row_of_help_without_a_name_offers_nothing)
{
	type("/help", (struct span){ "", 0 });
	say("=/ - nothing", (struct span){ "", 0 });
	cr_expect_eq(conversation->commands.count, 0);
	look_around("help");
}
