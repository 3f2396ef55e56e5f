/* A good nick or room fits where it is kept, and its folded form is its own folded form. */
#include <stdlib.h>
#include <string.h>

#include "shared/text/name.h"
#include "shared/text/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fold(struct span name)
{
	char once[NAME_FOLDED_SIZE];
	char twice[NAME_FOLDED_SIZE];
	size_t length = name_fold(name, once);

	if (length == 0 || length > NAME_FOLDED_SIZE)
		abort();
	if (length >= NAME_ROOM_SIZE) /* longer than a name can be */
		return;
	if (name_fold((struct span){ once, length }, twice) != length ||
	    memcmp(once, twice, length) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span name = { (const char *)data, size };
	char folded[NAME_FOLDED_SIZE];

	name_fold(name, folded); /* whatever it is, it does no harm */
	if (name_is_nick(name) || name_is_room(name)) {
		if (size >= NAME_ROOM_SIZE || !text_is_clean(name.text, size))
			abort();
		check_fold(name);
	}
	if (name_is_nick(name) && size >= NAME_NICK_SIZE)
		abort();
	if (name_is_event(name) && (size >= NAME_EVENT_SIZE || !name_is_key(name)))
		abort();
	if (name_is_key(name) && size >= NAME_KEY_SIZE)
		abort();
	return 0;
}
