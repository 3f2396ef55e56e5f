/*
 * However the input is cut, the same events come of it. The first byte says how it is cut; what
 * came is compared by a digest.
 */
#include <stdlib.h>
#include <string.h>

#include "shared/base/siphash.h"
#include "shared/text/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MOST 4096 /* bytes: four lines of the greatest length */
#define BYTEWISE_MOST                                                               \
	1200 /* bytes: one of them and what follows it; more of them takes too long \
	      */

static const struct siphash_key key = { { 1, 2 } };

static uint64_t digest_event(uint64_t digest, enum line_event event, const struct line *line)
{
	uint64_t words[3] = { digest, (uint64_t)event, 0 };

	if (event == LINE_WHOLE || event == LINE_TELNET)
		words[2] = siphash(&key, line->text, line->length);
	return siphash(&key, words, sizeof(words));
}

static void check(const struct line_reader *reader, enum line_event event, const struct line *line)
{
	if (event == LINE_WHOLE && (line->length > LINE_MAX_BYTES ||
				    (line->length > 0 && memchr(line->text, '\n', line->length))))
		abort();
	if (event == LINE_TELNET && line->length != LINE_REPLY_SIZE)
		abort();
	if (line_reader_saved_size(reader) > LINE_SAVED_MAX)
		abort();
}

/* Between two pieces another reader is made of what has to be kept, as the server does. */
static void keep(struct line_reader *reader)
{
	static char all[LINE_SAVED_MAX];
	size_t size = line_reader_saved_size(reader);
	bool first_done = reader->first_done;
	char *saved = all + sizeof(all) - size;

	if (size > 0)
		line_reader_save(reader, saved);
	memset(reader, 0xA5, sizeof(*reader));
	line_reader_load(reader, saved, size);
	reader->first_done = first_done;
	memset(saved, 0xA5, size);
}

/*
 * Reads a piece that stands at the end of memory of its own and is overwritten afterwards, so that
 * reading on, or later, is noticed. No memory is taken for it: a sanitizer would keep all of it.
 */
static uint64_t read_piece(struct line_reader *reader, const uint8_t *piece, size_t length,
			   uint64_t digest)
{
	static char all[INPUT_MOST];
	char *copy = all + sizeof(all) - length;
	enum line_event event = LINE_WHOLE;
	size_t at = 0;

	memcpy(copy, piece, length);
	while (event != LINE_NONE) {
		struct line line = { NULL, 0 };
		size_t used;

		event = line_read(reader, copy + at, length - at, &used, &line);
		check(reader, event, &line);
		if (event != LINE_NONE)
			digest = digest_event(digest, event, &line);
		at += used;
	}
	if (at != length)
		abort();
	memset(copy, 0x5A, length);
	keep(reader);
	return digest;
}

/* The digest of all events when the pieces are 1 to LARGEST bytes long, at random from SEED. */
static uint64_t read_cut(const uint8_t *data, size_t size, size_t largest, unsigned seed)
{
	struct line_reader reader;
	uint64_t digest = 0;

	line_reader_init(&reader);
	for (size_t at = 0; at < size;) {
		size_t length = (size_t)rand_r(&seed) % largest + 1;

		if (length > size - at)
			length = size - at;
		digest = read_piece(&reader, data + at, length, digest);
		at += length;
	}
	return digest;
}

static uint64_t read_whole(const uint8_t *data, size_t size)
{
	struct line_reader reader;
	uint64_t digest;

	line_reader_init(&reader);
	digest = read_piece(&reader, data, size, 0);
	return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t whole;

	if (size < 2 || size > INPUT_MOST)
		return 0;
	whole = read_whole(data + 1, size - 1);
	if ((size <= BYTEWISE_MOST && read_cut(data + 1, size - 1, 1, 0) != whole) ||
	    read_cut(data + 1, size - 1, (size_t)data[0] + 1, data[0]) != whole)
		abort();
	return 0;
}
