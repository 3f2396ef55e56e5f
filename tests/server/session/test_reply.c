#include "server/session/reply.h"

#include <criterion/criterion.h>
#include <string.h>

#include "shared/text/text.h"

#define ARENA_LENGTH (16UL * 1024 * 1024) /* bytes */

static struct memory memory;
static struct arena *arena;
static struct block *published;
static struct reply reply;

static void init(void)
{
	memory_init(&memory, "arena", ARENA_LENGTH);
	arena = arena_create(memory.start, ARENA_LENGTH);
	reply_init(&reply, arena, &published);
}

static void finish(void)
{
	reply_finish(&reply);
	arena_destroy(arena);
	memory_finish(&memory);
}

TestSuite(reply, .init = init, .fini = finish);

static void expect(const char *text)
{
	cr_expect_eq(reply.length, strlen(text));
	cr_expect_arr_eq(reply.text, text, reply.length);
}

Test(reply, puts_rows_and_a_final_line_together)
{
	reply_line(&reply, "=%s %d", "row", 1);
	reply_bytes(&reply, "=raw\n", 5);
	reply_line(&reply, "+done");
	expect("=row 1\n=raw\n+done\n");
}

Test(reply, a_line_too_long_is_cut_between_two_characters)
{
	for (size_t extra = 0; extra < 4; extra++) {
		static char text[3 * REPLY_LINE_MAX];
		size_t length = extra;
		uint32_t point;

		memset(text, 'x', extra);
		for (; length + 4 < sizeof(text); length += 4) {
			memcpy(text + length, "\xF0\x9F\x98\x80", 4);
		}
		text[length] = '\0';
		reply_clear(&reply);
		reply_line(&reply, "%s", text);
		cr_expect_leq(reply.length, REPLY_LINE_MAX);
		cr_expect_gt(reply.length, REPLY_LINE_MAX - 5);
		cr_expect_eq(reply.text[reply.length - 1], '\n');
		for (size_t at = 0; at < reply.length;
		     at += text_decode(reply.text + at, reply.length - at, &point)) {
			;
		}
		cr_expect_neq(point, 0xFFFD);
		cr_expect(text_is_clean(reply.text, reply.length - 1));
	}
}

Test(reply, grows_with_what_is_put_in_and_shrinks_again)
{
	for (int i = 0; i < 100000; i++) {
		reply_line(&reply, "=%d", i);
	}
	cr_expect_geq(reply.length, 500000);
	cr_expect_arr_eq(reply.text + reply.length - 7, "=99999\n", 7);
	reply_clear(&reply);
	cr_expect_eq(reply.room, 0, "a large one is not kept");
}
