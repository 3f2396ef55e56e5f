/*
 * Whatever a client sends, and however it is cut: what the others and it are sent is whole lines of
 * the protocol without terminal tricks, and nothing of it stays when it is gone. The first byte
 * says how the rest is cut.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/lines/lines.h"
#include "shared/text/line.h"
#include "shared/text/text.h"
#include "tests/fuzz/worker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINE_MOST  4096 /* bytes from the server: fewer */
#define TELNET_IAC 0xFF

static int witness; /* who is there all the time, in the same room; 0: not yet */

/* One line, its LF counted in, or the answer to a telnet option. */
static size_t check_one(const char *text, size_t length)
{
	if ((uint8_t)text[0] == TELNET_IAC) {
		return LINE_REPLY_SIZE;
	}
	const char *end = memchr(text, '\n', length);

	if (!end || end - text >= LINE_MOST || !memchr("+-=*", text[0], 4) ||
	    !text_is_clean(text, (size_t)(end - text))) {
		abort();
	}
	return (size_t)(end - text) + 1;
}

static void check_output_of(int client)
{
	static char output[WORKER_OUTPUT_SIZE];
	ssize_t length = read(client, output, sizeof(output));

	for (ssize_t at = 0; at < length;) {
		at += (ssize_t)check_one(output + at, (size_t)(length - at));
	}
}

static void check_output(int client)
{
	check_output_of(client);
	check_output_of(witness);
}

static int enter(void)
{
	int client = worker_open();

	(void)!write(client, "/join #r\n", 9);
	return client;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2) {
		return 0;
	}
	worker_start(&lines_front);
	if (witness == 0) {
		witness = enter();
	}
	int client = enter();

	worker_send(client, data + 1, size - 1, worker_piece(data[0], 1, size), check_output);
	worker_end(client, 1);
	check_output_of(witness);
	return 0;
}
