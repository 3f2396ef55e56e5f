/*
 * The state that another process hands over, bytes as it likes: nothing is read or written where
 * nothing is, and what is taken is whole: it can be written again.
 */
#include <stdlib.h>

#include "server/snapshot/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct options options = { .workers = 2,
					.max_connections = 16,
					.history = 10,
					.send_queue_total_bytes = 1 << 20,
					.node = "a",
					.bus_server_count = 1 };

static void write_again(struct shared_state *shared)
{
	char why[SNAPSHOT_WHY_SIZE];
	struct records records;

	records_write(&records);
	if (!snapshot_write(shared, &records, why)) {
		abort();
	}
	records_finish(&records);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[SNAPSHOT_WHY_SIZE];
	struct shared_state shared;
	struct records records;

	shared_state_init(&shared, &options);
	records_read(&records, data, size);
	if (snapshot_read(&shared, &records, why)) {
		write_again(&shared);
	}
	shared_state_finish(&shared);
	return 0;
}
