/* An HTTP/1.1 server that keeps the connection. */
#include <stdlib.h>
#include <string.h>

#include "bench/peer.h"

#define REQUEST "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"

static void request(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		    int64_t number)
{
	(void)plan;
	(void)client;
	(void)number;
	bench_put_string(text, REQUEST);
}

/* Asked once, so that the server knows it as a connection that is kept. */
static void hello(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		  unsigned step)
{
	if (step == 0) {
		request(text, plan, client, 0);
	}
}

static size_t body_length(const char *head, size_t length)
{
	static const char name[] = "Content-Length: ";
	const char *found = memmem(head, length, name, sizeof(name) - 1);

	return found ? strtoul(found + sizeof(name) - 1, NULL, 10) : 0;
}

static enum bench_take take(const struct bench_plan *plan, const char *bytes, size_t length,
			    size_t *used)
{
	const char *end = memmem(bytes, length, "\r\n\r\n", 4);

	(void)plan;
	if (!end) {
		return BENCH_MORE;
	}
	size_t head = (size_t)(end - bytes) + 4;
	*used = head + body_length(bytes, head);
	if (*used > length) {
		return BENCH_MORE;
	}
	return memcmp(bytes, "HTTP/1.1 200", 12) == 0 ? BENCH_DONE : BENCH_REFUSED;
}

static const struct bench_protocol http = {
	.name = "http", .hello = hello, .request = request, .take = take
};

const struct bench_protocol *http_protocol(enum bench_kind kind)
{
	return kind == BENCH_PING || kind == BENCH_CONNECT || kind == BENCH_IDLE ? &http : NULL;
}
