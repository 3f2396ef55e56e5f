/*
 * words: takes a line apart into words and numbers.
 *
 * A span is a stretch of somebody else's bytes, without a NUL at its end; it is good for as long as
 * they are. Words are parted by one or more spaces; the rest of a line keeps its inner spaces.
 */
#ifndef SHARED_TEXT_WORDS_H
#define SHARED_TEXT_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const char *text;
	size_t length;
};

/*
 * SPAN of a NUL-terminated string. It and span_starts are inline since their texts are nearly
 * always constants: what remains of them is a comparison of a few bytes.
 */
static inline struct span span_of(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static inline bool span_starts(struct span span, const char *prefix)
{
	size_t length = strlen(prefix);

	return length == 0 || (length <= span.length && memcmp(span.text, prefix, length) == 0);
}

bool span_equals(struct span span, const char *text);
bool span_equals_ignoring_case(struct span span, const char *text); /* ASCII */

/* Takes the next word off REST's front; its length is 0 when there is none. */
struct span words_next(struct span *rest);

/* What is left of REST without the spaces at its front and end. */
struct span words_rest(struct span rest);

/*
 * Reads a whole decimal number, an optional '-' before it, from LEAST to MOST; false if SPAN is
 * anything else or out of range.
 */
bool words_number(struct span span, int64_t least, int64_t most, int64_t *number);

/*
 * If WORD is "name=value" with this NAME, whose case does not count, sets VALUE (it may be empty)
 * and says true.
 */
bool words_option(struct span word, const char *name, struct span *value);

#endif
