/* NATS, in its own protocol: a room is a subject. */
#include <string.h>

#include "bench/peer.h"

/* Who speaks does not hear itself, as in a room of ours. */
static void hello(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		  unsigned step)
{
	(void)client;
	if (step > 0) {
		return;
	}
	bench_put_string(text, "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false}\r\n");
	if (plan->kind == BENCH_CHAT) {
		bench_put_string(text, "SUB " PEER_ROOM " 1\r\n");
	}
	bench_put_string(text, "PING\r\n");
}

static void request_ping(struct bench_text *text, const struct bench_plan *plan, unsigned client,
			 int64_t number)
{
	(void)plan;
	(void)client;
	(void)number;
	bench_put_string(text, "PING\r\n");
}

static enum bench_take take(const struct bench_plan *plan, const char *bytes, size_t length,
			    size_t *used)
{
	const char *end = memchr(bytes, '\n', length);

	(void)plan;
	if (!end) {
		return BENCH_MORE;
	}
	*used = (size_t)(end - bytes) + 1;
	if (*used >= 4 && memcmp(bytes, "PONG", 4) == 0) {
		return BENCH_DONE;
	}
	return *bytes == '-' ? BENCH_REFUSED : BENCH_OTHER;
}

static void say(struct bench_text *text, const char *line, size_t length)
{
	bench_put_string(text, "PUB " PEER_ROOM " ");
	bench_put_number(text, length);
	bench_put_string(text, "\r\n");
	bench_put(text, line, length);
	bench_put_string(text, "\r\n");
}

static const struct bench_protocol nats = {
	.name = "nats", .hello = hello, .request = request_ping, .take = take, .say = say
};

const struct bench_protocol *nats_protocol(enum bench_kind kind)
{
	return kind == BENCH_CHAT || kind == BENCH_IDLE || kind == BENCH_PING ? &nats : NULL;
}
