/* Words hold no space, leave nothing but spaces out, and a number is what strtoll(3) says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/text/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_ink(struct span span)
{
	size_t count = 0;

	for (size_t i = 0; i < span.length; i++)
		count += span.text[i] != ' ';
	return count;
}

static void check_words(struct span line)
{
	struct span rest = line;
	struct span word;
	size_t ink = 0;

	while ((word = words_next(&rest)).length > 0) {
		if (count_ink(word) != word.length)
			abort();
		if (word.text + word.length != rest.text)
			abort();
		ink += word.length;
	}
	if (ink != count_ink(line) || rest.length != 0)
		abort();
}

static void check_rest(struct span line)
{
	struct span rest = words_rest(line);

	if (count_ink(rest) != count_ink(line))
		abort();
	if (rest.length > 0 && (rest.text[0] == ' ' || rest.text[rest.length - 1] == ' '))
		abort();
}

static void check_number(struct span span)
{
	char text[64] = "";
	int64_t number = 0;
	long long expected;
	char *end;

	if (span.length >= sizeof(text) || !words_number(span, INT64_MIN, INT64_MAX, &number))
		return;
	memcpy(text, span.text, span.length);
	errno = 0;
	expected = strtoll(text, &end, 10);
	if (errno != 0 || end != text + span.length || expected != number)
		abort();
}

static void check_option(struct span word)
{
	struct span value;

	if (words_option(word, "key", &value) && value.length + 4 != word.length)
		abort();
	if (span_equals(word, "key=1") != span_equals_ignoring_case(word, "key=1") &&
	    !span_equals_ignoring_case(word, "KEY=1"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span line = { (const char *)data, size };

	check_words(line);
	check_rest(line);
	check_number(line);
	check_option(line);
	return 0;
}
