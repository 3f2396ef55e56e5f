#include "client/chat/pending.h"

#include <stdio.h>
#include <string.h>

static struct pending_entry *entry_at(struct pending *pending, size_t index)
{
	return &pending->entries[(pending->first + index) % PENDING_MAX];
}

struct pending_entry *pending_add(struct pending *pending, struct span line,
				  enum pending_purpose purpose)
{
	if (pending->count == PENDING_MAX || line.length > PENDING_LINE_SIZE) {
		return NULL;
	}
	struct pending_entry *entry = entry_at(pending, pending->count++);
	entry->purpose = purpose;
	entry->sent = 1;
	entry->length = line.length;
	memmove(entry->line, line.text, line.length);
	return entry;
}

const struct pending_entry *pending_at(const struct pending *pending, size_t index)
{
	if (index >= pending->count) {
		return NULL;
	}
	return &pending->entries[(pending->first + index) % PENDING_MAX];
}

const struct pending_entry *pending_oldest(const struct pending *pending)
{
	return pending_at(pending, 0);
}

void pending_answered(struct pending *pending)
{
	if (pending->count == 0) {
		return;
	}
	pending->first = (pending->first + 1) % PENDING_MAX;
	pending->count--;
}

static bool is_booking(struct span line)
{
	struct span name = words_next(&line);

	return span_equals_ignoring_case(name, "/book") || span_equals_ignoring_case(name, "/hold");
}

static bool has_key(struct span line)
{
	struct span word, value;

	while ((word = words_next(&line)).length > 0) {
		if (words_option(word, "key", &value)) {
			return true;
		}
	}
	return false;
}

bool pending_repeatable(struct span line)
{
	struct span rest = line;

	if (span_equals_ignoring_case(words_next(&rest), "/confirm")) {
		return true;
	}
	return is_booking(line) && has_key(line);
}

size_t pending_keep_bookings(struct pending *pending)
{
	size_t kept = 0, forgotten = 0;

	for (size_t i = 0; i < pending->count; i++) {
		const struct pending_entry *entry = entry_at(pending, i);
		if (pending_repeatable((struct span){ entry->line, entry->length })) {
			if (i != kept) {
				*entry_at(pending, kept) = *entry;
			}
			kept++;
		} else if (entry->purpose == PENDING_TYPED) {
			forgotten++;
		}
	}
	pending->count = kept;
	return forgotten;
}

size_t pending_add_key(struct span line, const char *key, char *keyed)
{
	bool add = is_booking(line) && !has_key(line);
	int length = snprintf(keyed, PENDING_LINE_SIZE, "%.*s%s%s", (int)line.length, line.text,
			      add ? " key=" : "", add ? key : "");

	return length > 0 && length < PENDING_LINE_SIZE ? (size_t)length : 0;
}
