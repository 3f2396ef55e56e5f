/*
 * Whatever a client sends, and however it is cut: what it is sent is whole answers and nothing
 * else, and nothing of it stays when it is gone. The first byte says how the rest is cut.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/http/http.h"
#include "tests/fuzz/worker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define START      "HTTP/1.1 "
#define PIECE_UNIT 8 /* bytes */

/* One answer: its head, and as many bytes as it says, unless they are not there: to HEAD. */
static size_t check_one(const char *text, size_t length)
{
	const char *end = memmem(text, length, "\r\n\r\n", 4);

	if (length < sizeof(START) || memcmp(text, START, sizeof(START) - 1) != 0 || !end) {
		abort();
	}
	size_t head = (size_t)(end - text) + 4;
	const char *field = memmem(text, head, "Content-Length: ", 16);
	size_t body = field ? strtoul(field + 16, NULL, 10) : 0;
	bool none = head == length || (length - head >= sizeof(START) - 1 &&
				       memcmp(text + head, START, sizeof(START) - 1) == 0);

	if (!none && head + body > length) {
		abort();
	}
	return head + (none ? 0 : body);
}

static void check_output(int client)
{
	static char output[WORKER_OUTPUT_SIZE + 1];
	size_t length = 0;
	ssize_t got;

	/* What its socket does not take at once comes when it is read. */
	while ((got = read(client, output + length, WORKER_OUTPUT_SIZE - length)) > 0) {
		length += (size_t)got;
		worker_turn();
	}
	output[length] = '\0';
	for (size_t at = 0; at < length && length < WORKER_OUTPUT_SIZE;) {
		at += check_one(output + at, length - at);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2) {
		return 0;
	}
	worker_start(&http_front);
	int client = worker_open();

	worker_send(client, data + 1, size - 1, worker_piece(data[0], PIECE_UNIT, size),
		    check_output);
	worker_end(client, 0);
	return 0;
}
