#include "shared/text/name.h"

#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

#include "shared/text/text.h"

#define GROWTH_MAX  18 /* code points that NFKC makes of one, at most (of U+FDFA) */
#define FOLDING_MAX 4  /* times, until nothing changes any more; two are enough for all known */

enum { FOLDED_MAX = 1 + NAME_ROOM_POINTS * GROWTH_MAX }; /* code points of a folded name */
_Static_assert(FOLDED_MAX * 4 <= NAME_FOLDED_SIZE, "no code point takes more than 4 bytes");

/* What a code point is in a nick or a room. */
enum part {
	PART_NONE, /* has no place there */
	PART_LETTER,
	PART_MARK, /* belongs to the letter before it, as vowels do in Devanagari and Thai */
	PART_OTHER /* a digit, '_' or '-' */
};

static enum part part_of(uint32_t point)
{
	const utf8proc_property_t *property = utf8proc_get_property((utf8proc_int32_t)point);

	if (point == '_' || point == '-') {
		return PART_OTHER;
	}
	if (property->ignorable) { /* nothing is seen of it, so names would differ and look equal */
		return PART_NONE;
	}
	switch (property->category) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO: return PART_LETTER;
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC: return PART_MARK;
	case UTF8PROC_CATEGORY_ND: return PART_OTHER;
	default: return PART_NONE;
	}
}

/* An ill-formed sequence is read as U+FFFD, which is no letter. */
static bool is_written_well(struct span name, size_t points_max)
{
	enum part before = PART_OTHER;
	size_t points = 0;

	for (size_t at = 0; at < name.length; points++) {
		uint32_t point;
		enum part part;

		at += text_decode(name.text + at, name.length - at, &point);
		part = part_of(point);
		if (part == PART_NONE || points == points_max) {
			return false;
		}
		if (part == PART_MARK && before == PART_OTHER) {
			return false;
		}
		before = part;
	}
	return points > 0;
}

bool name_is_nick(struct span name)
{
	return is_written_well(name, NAME_NICK_POINTS);
}

bool name_is_room(struct span name)
{
	if (!span_starts(name, "#")) {
		return false;
	}
	return is_written_well((struct span){ name.text + 1, name.length - 1 }, NAME_ROOM_POINTS);
}

static bool is_lower(char byte)
{
	return byte >= 'a' && byte <= 'z';
}

static bool is_upper(char byte)
{
	return byte >= 'A' && byte <= 'Z';
}

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_event_byte(char byte)
{
	return is_lower(byte) || is_digit(byte) || byte == '-';
}

static bool is_key_byte(char byte)
{
	return is_event_byte(byte) || is_upper(byte) || byte == '.' || byte == '_';
}

static bool all_are(struct span name, bool (*is_good)(char byte))
{
	for (size_t i = 0; i < name.length; i++) {
		if (!is_good(name.text[i])) {
			return false;
		}
	}
	return true;
}

bool name_is_event(struct span name)
{
	return name.length >= 1 && name.length < NAME_EVENT_SIZE && all_are(name, is_event_byte);
}

bool name_is_key(struct span name)
{
	return name.length >= 1 && name.length < NAME_KEY_SIZE && all_are(name, is_key_byte);
}

static bool is_ascii(char byte)
{
	return (unsigned char)byte < 0x80;
}

static char lower(char byte)
{
	if (!is_upper(byte)) {
		return byte;
	}
	return (char)(byte - 'A' + 'a');
}

static size_t fold_ascii(struct span name, char *folded)
{
	for (size_t i = 0; i < name.length; i++) {
		folded[i] = lower(name.text[i]);
	}
	return name.length;
}

/* Writes NAME, normalized as OPTIONS say, to OUT (NAME_FOLDED_SIZE bytes); 0 when it cannot. */
static size_t normalize(struct span name, unsigned options, char *out)
{
	utf8proc_int32_t points[FOLDED_MAX + 1]; /* and a NUL: it is encoded in place */
	utf8proc_ssize_t length;

	length = utf8proc_decompose((const utf8proc_uint8_t *)name.text,
				    (utf8proc_ssize_t)name.length, points, FOLDED_MAX, options);
	if (length <= 0 || length > FOLDED_MAX) {
		return 0;
	}
	length = utf8proc_reencode(points, length, options);
	if (length <= 0) {
		return 0;
	}
	memcpy(out, points, (size_t)length);
	return (size_t)length;
}

/*
 * Folding works on the decomposed form (Unicode 15, D145 to D147), since it can tear marks apart
 * whose order does not count; composing afterwards can make what folds once more.
 */
static size_t fold_unicode(struct span name, char *folded)
{
	const unsigned fold =
		UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD;
	char before[NAME_FOLDED_SIZE];
	size_t before_length = normalize(name, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, before);

	for (int i = 0; i < FOLDING_MAX; i++) {
		size_t length = normalize((struct span){ before, before_length }, fold, folded);

		if (length == before_length && memcmp(before, folded, length) == 0) {
			return length;
		}
		memcpy(before, folded, length);
		before_length = length;
	}
	return 0;
}

size_t name_fold(struct span name, char *folded)
{
	if (name.length == 0 || name.length >= NAME_ROOM_SIZE) {
		return 0;
	}
	if (all_are(name, is_ascii)) {
		return fold_ascii(name, folded);
	}
	return fold_unicode(name, folded);
}

static bool is_node(struct span node)
{
	for (size_t i = 0; i < node.length; i++) {
		const char each = node.text[i];

		if (each != '-' && (each < 'a' || each > 'z') && (each < '0' || each > '9')) {
			return false;
		}
	}
	return node.length > 0 && node.length < NAME_PERSON_SIZE - NAME_NICK_SIZE;
}

size_t name_fold_person(struct span name, char *folded)
{
	const char *at = name.length > 0 ? memchr(name.text, '@', name.length) : NULL;
	const struct span nick = { name.text, at ? (size_t)(at - name.text) : name.length };
	const size_t behind = name.length - nick.length; /* the '@' counted in */

	if (!name_is_nick(nick) || (at && !is_node((struct span){ at + 1, behind - 1 }))) {
		return 0;
	}
	size_t length = name_fold(nick, folded);

	if (at && length > 0) {
		memcpy(folded + length, at, behind);
		length += behind;
	}
	return length;
}
