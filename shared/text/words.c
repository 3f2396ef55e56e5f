#include "shared/text/words.h"

bool span_equals(struct span span, const char *text)
{
	return span.length == strlen(text) && span_starts(span, text);
}

/* Not tolower(3), which asks the locale. */
static char lower(char letter)
{
	return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

bool span_equals_ignoring_case(struct span span, const char *text)
{
	size_t i = 0;

	/* A NUL ends TEXT, also where SPAN has one too. */
	while (i < span.length && text[i] != '\0' &&
	       (span.text[i] == text[i] || lower(span.text[i]) == lower(text[i]))) {
		i++;
	}
	return i == span.length && text[i] == '\0';
}

static struct span without_front(struct span span, size_t count)
{
	if (count == 0) { /* a span of nothing may have no address to add to */
		return span;
	}
	return (struct span){ span.text + count, span.length - count };
}

static size_t count_spaces(struct span span)
{
	size_t count = 0;

	while (count < span.length && span.text[count] == ' ') {
		count++;
	}
	return count;
}

static size_t count_until_space(struct span span)
{
	size_t count = 0;

	while (count < span.length && span.text[count] != ' ') {
		count++;
	}
	return count;
}

struct span words_next(struct span *rest)
{
	struct span word = without_front(*rest, count_spaces(*rest));
	size_t length = count_until_space(word);

	*rest = without_front(word, length);
	word.length = length;
	return word;
}

struct span words_rest(struct span rest)
{
	struct span inner = without_front(rest, count_spaces(rest));

	while (inner.length > 0 && inner.text[inner.length - 1] == ' ') {
		inner.length--;
	}
	return inner;
}

bool words_number(struct span span, int64_t least, int64_t most, int64_t *number)
{
	bool negative = span_starts(span, "-");
	struct span digits = without_front(span, negative ? 1 : 0);
	int64_t value = 0;

	if (digits.length == 0) {
		return false;
	}
	for (size_t i = 0; i < digits.length; i++) {
		int digit = digits.text[i] - '0';

		if (digit < 0 || digit > 9) {
			return false;
		}
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, negative ? -digit : digit, &value)) {
			return false;
		}
	}
	if (value < least || value > most) {
		return false;
	}
	*number = value;
	return true;
}

bool words_option(struct span word, const char *name, struct span *value)
{
	size_t length = strlen(name);

	if (word.length <= length || word.text[length] != '=' ||
	    !span_equals_ignoring_case((struct span){ word.text, length }, name)) {
		return false;
	}
	*value = without_front(word, length + 1);
	return true;
}
