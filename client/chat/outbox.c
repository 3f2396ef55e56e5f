#include "client/chat/outbox.h"

#include <stdio.h>
#include <string.h>

static struct outbox_entry *entry_at(struct outbox *outbox, size_t index)
{
	return &outbox->entries[(outbox->first + index) % OUTBOX_MAX];
}

struct outbox_entry *outbox_add(struct outbox *outbox, struct span line,
				enum outbox_purpose purpose)
{
	if (outbox->count == OUTBOX_MAX || line.length > OUTBOX_LINE_SIZE) {
		return NULL;
	}
	struct outbox_entry *entry = entry_at(outbox, outbox->count++);
	entry->purpose = purpose;
	entry->sent = 1;
	entry->length = line.length;
	memmove(entry->line, line.text, line.length);
	return entry;
}

const struct outbox_entry *outbox_at(const struct outbox *outbox, size_t index)
{
	if (index >= outbox->count) {
		return NULL;
	}
	return &outbox->entries[(outbox->first + index) % OUTBOX_MAX];
}

const struct outbox_entry *outbox_oldest(const struct outbox *outbox)
{
	return outbox_at(outbox, 0);
}

void outbox_answered(struct outbox *outbox)
{
	if (outbox->count == 0) {
		return;
	}
	outbox->first = (outbox->first + 1) % OUTBOX_MAX;
	outbox->count--;
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

bool outbox_repeatable(struct span line)
{
	struct span rest = line;

	if (span_equals_ignoring_case(words_next(&rest), "/confirm")) {
		return true;
	}
	return is_booking(line) && has_key(line);
}

size_t outbox_keep_bookings(struct outbox *outbox)
{
	size_t kept = 0, forgotten = 0;

	for (size_t i = 0; i < outbox->count; i++) {
		const struct outbox_entry *entry = entry_at(outbox, i);
		if (outbox_repeatable((struct span){ entry->line, entry->length })) {
			if (i != kept) {
				*entry_at(outbox, kept) = *entry;
			}
			kept++;
		} else if (entry->purpose == OUTBOX_TYPED) {
			forgotten++;
		}
	}
	outbox->count = kept;
	return forgotten;
}

size_t outbox_add_key(struct span line, const char *key, char *keyed)
{
	bool add = is_booking(line) && !has_key(line);
	int length = snprintf(keyed, OUTBOX_LINE_SIZE, "%.*s%s%s", (int)line.length, line.text,
			      add ? " key=" : "", add ? key : "");

	return length > 0 && length < OUTBOX_LINE_SIZE ? (size_t)length : 0;
}
