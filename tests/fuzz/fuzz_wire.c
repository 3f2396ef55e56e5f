/*
 * What stands in the stream of all machines, bytes as anybody likes: what is read of it can be said
 * in a room, what is not read changes none.
 *
 * The input is a row of messages: two bytes of how many bytes, and these.
 */
#include <stdlib.h>
#include <string.h>

#include "server/bus/reader.h"
#include "shared/base/log.h"
#include "shared/text/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LENGTH_BYTES 2

static struct options options = { .workers = 2,
				  .max_connections = 4,
				  .history = 10,
				  .send_queue_bytes = 1 << 20,
				  .node = "a",
				  .bus_server_count = 1 };
static struct shared_state shared;

static void check(struct span bytes)
{
	struct wire_message message;

	if (wire_read(bytes, &message) == WIRE_GOOD &&
	    (!text_is_clean(message.said.text.text, message.said.text.length) ||
	     message.said.text.length + UINT8_MAX > ROOM_MESSAGE_MAX)) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t sequence;
	uint64_t wakes = 0;

	if (!shared.bus) {
		log_start("fuzz", LOG_ERROR, LOG_TEXT);
		shared_state_init(&shared, &options);
		shared.bus->epoch = 1;
	}
	for (size_t at = 0; at + LENGTH_BYTES <= size;) {
		size_t length = data[at] | (size_t)data[at + 1] << 8;

		at += LENGTH_BYTES;
		length = length < size - at ? length : size - at;
		const struct span bytes = { (const char *)data + at, length };

		check(bytes);
		(void)reader_take(&shared, bytes, ++sequence, &wakes);
		at += length;
	}
	return 0;
}
