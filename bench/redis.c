/*
 * Redis, in its own protocol (RESP). A booking is one call of the function `book` (sale.lua), which
 * was loaded before; a room is a channel, and who has subscribed to one may not speak.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/peer.h"

static void put_bulk(struct bench_text *text, const char *bytes, size_t length)
{
	bench_put_string(text, "$");
	bench_put_number(text, length);
	bench_put_string(text, "\r\n");
	bench_put(text, bytes, length);
	bench_put_string(text, "\r\n");
}

/* The length of the line at BYTES with its end; 0: it is not whole. */
static size_t line_length(const char *bytes, size_t length)
{
	const char *end = memchr(bytes, '\n', length);

	return end ? (size_t)(end - bytes) + 1 : 0;
}

/* The length of the value at BYTES; 0: it is not whole. Arrays hold plain values only. */
static size_t value_length(const char *bytes, size_t length)
{
	size_t line = line_length(bytes, length);

	if (line == 0 || *bytes != '$') {
		return line;
	}
	size_t whole = line + strtoul(bytes + 1, NULL, 10) + 2;
	return whole <= length ? whole : 0;
}

static size_t message_length(const char *bytes, size_t length)
{
	size_t used = line_length(bytes, length);

	if (used == 0 || *bytes != '*') {
		return value_length(bytes, length);
	}
	for (unsigned long left = strtoul(bytes + 1, NULL, 10); left > 0; left--) {
		size_t value = value_length(bytes + used, length - used);

		if (value == 0) {
			return 0;
		}
		used += value;
	}
	return used;
}

static enum bench_take take(const struct bench_plan *plan, const char *bytes, size_t length,
			    size_t *used)
{
	(void)plan;
	*used = message_length(bytes, length);
	if (*used == 0) {
		return BENCH_MORE;
	}
	return *bytes == '-' ? BENCH_REFUSED : BENCH_DONE;
}

static void put_ping(struct bench_text *text)
{
	bench_put_string(text, "*1\r\n$4\r\nPING\r\n");
}

static void hello(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		  unsigned step)
{
	if (step > 0) {
		return;
	}
	if (plan->kind == BENCH_CHAT && client < plan->clients) {
		bench_put_string(text, "*2\r\n$9\r\nSUBSCRIBE\r\n$5\r\n" PEER_ROOM "\r\n");
	} else {
		put_ping(text);
	}
}

static void request_ping(struct bench_text *text, const struct bench_plan *plan, unsigned client,
			 int64_t number)
{
	(void)plan;
	(void)client;
	(void)number;
	put_ping(text);
}

/* FCALL book 0 EVENT KEY QUANTITY */
static void request_book(struct bench_text *text, const struct bench_plan *plan, unsigned client,
			 int64_t number)
{
	bench_put_string(text, "*6\r\n$5\r\nFCALL\r\n$4\r\nbook\r\n$1\r\n0\r\n");
	put_bulk(text, plan->event, strlen(plan->event));
	bench_put_string(text, "$24\r\n");
	bench_put_key(text, plan, client, number);
	bench_put_string(text, "\r\n$1\r\n1\r\n");
}

static void say(struct bench_text *text, const char *line, size_t length)
{
	bench_put_string(text, "*3\r\n$7\r\nPUBLISH\r\n$5\r\n" PEER_ROOM "\r\n");
	put_bulk(text, line, length);
}

static const struct bench_protocol ping = {
	.name = "redis", .hello = hello, .request = request_ping, .take = take
};

static const struct bench_protocol book = {
	.name = "redis", .hello = hello, .request = request_book, .take = take
};

static const struct bench_protocol room = {
	.name = "redis", .hello = hello, .take = take, .say = say, .speakers_apart = true
};

const struct bench_protocol *redis_protocol(enum bench_kind kind)
{
	switch (kind) {
	case BENCH_BOOK: return &book;
	case BENCH_CHAT: return &room;
	default: return &ping;
	}
}
