/*
 * PostgreSQL 15, in its own protocol (version 3): the statement is prepared once, and a booking is
 * one bind and execute: the hot row and the insert, in one statement and so in one transaction.
 */
#include <arpa/inet.h>
#include <string.h>

#include "bench/peer.h"

#define PROTOCOL    196608 /* 3.0 */
#define HEADER_SIZE 5      /* a letter and a length */
#define PARAMETERS  3
#define STATEMENT                                                                       \
	"WITH sold AS (UPDATE events SET free = free - $3::bigint WHERE name = $1 AND " \
	"free >= $3::bigint RETURNING name) "                                           \
	"INSERT INTO bookings (event, key, quantity) SELECT name, $2, $3::bigint FROM sold"

static void put_int32(struct bench_text *text, uint32_t number)
{
	uint32_t bytes = htonl(number);

	bench_put(text, (const char *)&bytes, sizeof(bytes));
}

static void put_int16(struct bench_text *text, uint16_t number)
{
	uint16_t bytes = htons(number);

	bench_put(text, (const char *)&bytes, sizeof(bytes));
}

/* With the NUL at its end. */
static void put_name(struct bench_text *text, const char *name)
{
	bench_put(text, name, strlen(name) + 1);
}

/* A message's length is known when it is over: it counts itself, and not the letter before it. */
static size_t begin(struct bench_text *text, char letter)
{
	bench_put(text, &letter, letter == '\0' ? 0 : 1);
	put_int32(text, 0);
	return text->length - sizeof(uint32_t);
}

static void end(struct bench_text *text, size_t begun)
{
	uint32_t length = htonl((uint32_t)(text->length - begun));

	memcpy(text->bytes + begun, &length, sizeof(length));
}

static void put_startup(struct bench_text *text)
{
	size_t begun = begin(text, '\0');

	put_int32(text, PROTOCOL);
	put_name(text, "user");
	put_name(text, "bench");
	put_name(text, "database");
	put_name(text, "postgres");
	bench_put(text, "", 1);
	end(text, begun);
}

static void put_sync(struct bench_text *text)
{
	end(text, begin(text, 'S'));
}

static void put_parse(struct bench_text *text)
{
	size_t begun = begin(text, 'P');

	put_name(text, "book");
	put_name(text, STATEMENT);
	put_int16(text, 0);
	end(text, begun);
	put_sync(text);
}

static void hello(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		  unsigned step)
{
	(void)plan;
	(void)client;
	if (step == 0) {
		put_startup(text);
	} else if (step == 1) {
		put_parse(text);
	}
}

static void put_bind(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		     int64_t number)
{
	size_t begun = begin(text, 'B');

	put_name(text, ""); /* the portal */
	put_name(text, "book");
	put_int16(text, 0); /* all parameters are text */
	put_int16(text, PARAMETERS);
	put_int32(text, (uint32_t)strlen(plan->event));
	bench_put_string(text, plan->event);
	put_int32(text, BENCH_KEY_LENGTH);
	bench_put_key(text, plan, client, number);
	put_int32(text, 1);
	bench_put(text, "1", 1);
	put_int16(text, 0);
	end(text, begun);
}

static void request(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		    int64_t number)
{
	put_bind(text, plan, client, number);
	size_t begun = begin(text, 'E');
	put_name(text, "");
	put_int32(text, 0); /* all rows */
	end(text, begun);
	put_sync(text);
}

/* Let in; the statement prepared; the insert done: each counts as an answer. */
static enum bench_take meaning(char letter, const char *body)
{
	switch (letter) {
	case 'R': return memcmp(body, "\0\0\0\0", 4) == 0 ? BENCH_DONE : BENCH_REFUSED;
	case '1': return BENCH_DONE;
	case 'C': return strcmp(body, "INSERT 0 1") == 0 ? BENCH_DONE : BENCH_REFUSED;
	case 'E': return BENCH_REFUSED;
	default: return BENCH_OTHER;
	}
}

static enum bench_take take(const struct bench_plan *plan, const char *bytes, size_t length,
			    size_t *used)
{
	uint32_t size;

	(void)plan;
	if (length < HEADER_SIZE) {
		return BENCH_MORE;
	}
	memcpy(&size, bytes + 1, sizeof(size));
	*used = 1 + (size_t)ntohl(size);
	return *used <= length ? meaning(*bytes, bytes + HEADER_SIZE) : BENCH_MORE;
}

static const struct bench_protocol book = {
	.name = "postgres", .hello = hello, .request = request, .take = take
};

const struct bench_protocol *postgres_protocol(enum bench_kind kind)
{
	return kind == BENCH_BOOK || kind == BENCH_IDLE ? &book : NULL;
}
