/*
 * HTTP/1.1 servers that keep the connection: any, for its answer to GET; turnstile's API, for what
 * it knows and for bookings with a key each.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peer.h"

void bench_put_host(struct bench_text *text, const struct bench_plan *plan)
{
	const struct sockaddr_in *address = (const struct sockaddr_in *)&plan->servers[0].address;
	char name[INET_ADDRSTRLEN] = "";

	(void)inet_ntop(AF_INET, &address->sin_addr, name, sizeof(name));
	bench_put_string(text, "Host: ");
	bench_put_string(text, name);
	bench_put_string(text, ":");
	bench_put_number(text, ntohs(address->sin_port));
	bench_put_string(text, "\r\n");
}

static void put_get(struct bench_text *text, const struct bench_plan *plan, const char *path)
{
	bench_put_string(text, "GET ");
	bench_put_string(text, path);
	bench_put_string(text, " HTTP/1.1\r\n");
	bench_put_host(text, plan);
	bench_put_string(text, "\r\n");
}

static void request(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		    int64_t number)
{
	(void)client;
	(void)number;
	put_get(text, plan, plan->kind == BENCH_PING ? "/healthz" : "/");
}

static void request_events(struct bench_text *text, const struct bench_plan *plan, unsigned client,
			   int64_t number)
{
	(void)client;
	(void)number;
	put_get(text, plan, "/api/v1/events");
}

static void request_booking(struct bench_text *text, const struct bench_plan *plan, unsigned client,
			    int64_t number)
{
	static const char body[] = "{\"quantity\":1}";

	bench_put_string(text, "POST /api/v1/events/");
	bench_put_string(text, plan->event);
	bench_put_string(text, "/bookings HTTP/1.1\r\n");
	bench_put_host(text, plan);
	bench_put_string(text, "Content-Type: application/json\r\nContent-Length: ");
	bench_put_number(text, sizeof(body) - 1);
	bench_put_string(text, "\r\nIdempotency-Key: ");
	bench_put_key(text, plan, client, number);
	bench_put_string(text, "\r\n\r\n");
	bench_put_string(text, body);
}

/* Asked once, so that the server knows it as a connection that is kept. */
static void hello(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		  unsigned step)
{
	(void)client;
	if (step == 0) {
		put_get(text, plan, plan->kind == BENCH_BOOK ? "/healthz" : "/");
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
	return memcmp(bytes, "HTTP/1.1 2", 10) == 0 ? BENCH_DONE : BENCH_REFUSED;
}

static const struct bench_protocol http = {
	.name = "http", .hello = hello, .request = request, .take = take
};

static const struct bench_protocol events = {
	.name = "http", .hello = hello, .request = request_events, .take = take
};

static const struct bench_protocol shop = {
	.name = "http", .hello = hello, .request = request_booking, .take = take
};

const struct bench_protocol *http_protocol(enum bench_kind kind)
{
	switch (kind) {
	case BENCH_PING:
	case BENCH_CONNECT:
	case BENCH_IDLE: return &http;
	case BENCH_BOOK: return &shop;
	default: return NULL;
	}
}

const struct bench_protocol *http_events_protocol(enum bench_kind kind)
{
	return kind == BENCH_PING ? &events : NULL;
}
