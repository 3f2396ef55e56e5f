/*
 * However a PROXY header is cut, the same is read of it: who it is, and where it ends. The first
 * byte says how it is cut.
 */
#include <stdlib.h>
#include <string.h>

#include "server/session/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome_of {
	enum proxy_result result;
	size_t used;
	struct proxy_header header;
};

/* Pieces of SIZE bytes, each in memory of its own, so that reading on is noticed. */
static struct outcome_of read_in(const uint8_t *data, size_t length, size_t size)
{
	struct outcome_of outcome = { .result = PROXY_MORE };

	while (outcome.result == PROXY_MORE && outcome.used < length) {
		size_t piece = length - outcome.used < size ? length - outcome.used : size;
		char *copy = malloc(piece);
		size_t taken;

		memcpy(copy, data + outcome.used, piece);
		outcome.result = proxy_header_read(&outcome.header, copy, piece, &taken);
		free(copy);
		if (taken > piece || (outcome.result == PROXY_MORE && taken != piece)) {
			abort();
		}
		outcome.used += taken;
	}
	if (outcome.used > 16 + PROXY_BODY_MAX) {
		abort();
	}
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2) {
		return 0;
	}
	struct outcome_of whole = read_in(data + 1, size - 1, size);
	struct outcome_of cut = read_in(data + 1, size - 1, (size_t)data[0] + 1);
	struct outcome_of bytes = read_in(data + 1, size - 1, 1);

	if (whole.result != cut.result || whole.result != bytes.result || whole.used != cut.used ||
	    whole.used != bytes.used ||
	    memcmp(&whole.header, &cut.header, sizeof(cut.header)) != 0 ||
	    memcmp(&whole.header, &bytes.header, sizeof(bytes.header)) != 0) {
		abort();
	}
	return 0;
}
