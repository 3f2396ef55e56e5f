/*
 * text: makes what one user wrote fit for another's terminal, a log, a page.
 *
 * Every control character (U+0000-001F, U+007F-009F), every bidi control (U+202A-202E,
 * U+2066-2069) and every maximal subpart of an ill-formed sequence (Unicode 15, 3.9, "U+FFFD
 * Substitution of Maximal Subparts") becomes U+FFFD, one each; a TAB becomes a space.
 */
#ifndef SHARED_TEXT_TEXT_H
#define SHARED_TEXT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_GROWTH 3 /* clean text is at most this many times as long as what went in */

/* Whether SPAN needs no cleaning: a quick look, for the text that nearly everybody sends. */
bool text_is_clean(const char *text, size_t length);

/*
 * Writes TEXT, cleaned, to CLEAN, which has room for TEXT_GROWTH * LENGTH bytes. Returns its
 * length. No NUL is added.
 */
size_t text_clean(const char *text, size_t length, char *clean);

/*
 * The longest part of TEXT, SIZE bytes at most, that does not end within a character. TEXT is
 * clean.
 */
size_t text_cut(const char *text, size_t length, size_t size);

/*
 * Reads one code point at TEXT (LENGTH is 1 or more): returns how many bytes it takes. For an
 * ill-formed sequence POINT is U+FFFD and the return value is the maximal subpart's length.
 */
size_t text_decode(const char *text, size_t length, uint32_t *point);

#endif
