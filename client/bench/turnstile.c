#include "client/bench/turnstile.h"

#include <string.h>

#define ROOM         "#bench"
#define ECHO_REQUEST "hello, echo\n"

static enum bench_take take_line(const struct bench_plan *plan, const char *bytes, size_t length,
				 size_t *used)
{
	const char *end = memchr(bytes, '\n', length);

	(void)plan;
	if (!end) {
		return BENCH_MORE;
	}
	*used = (size_t)(end - bytes) + 1;
	/* The greeting has the form of an answer, but nobody has asked. */
	if (bytes[0] == '+') {
		return strncmp(bytes, "+turnstile", 10) == 0 ? BENCH_OTHER : BENCH_DONE;
	}
	return bytes[0] == '-' ? BENCH_REFUSED : BENCH_OTHER;
}

/* Asked once, so that the greeting is behind us. */
static void hello_line(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		       unsigned step)
{
	(void)plan;
	(void)client;
	if (step == 0) {
		bench_put_string(text, "/ping\n");
	}
}

static void request_ping(struct bench_text *text, const struct bench_plan *plan, unsigned client,
			 int64_t number)
{
	(void)plan;
	(void)client;
	(void)number;
	bench_put(text, "/ping\n", 6);
}

static void request_book(struct bench_text *text, const struct bench_plan *plan, unsigned client,
			 int64_t number)
{
	bench_put(text, "/book ", 6);
	bench_put_string(text, plan->event);
	if (plan->keys) {
		bench_put(text, " 1 key=", 7);
		bench_put_key(text, plan, client, number);
	}
	bench_put(text, "\n", 1);
}

static void hello_room(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		       unsigned step)
{
	(void)plan;
	if (step == 0) {
		bench_put_string(text, "/nick bench-");
		bench_put_number(text, client);
		bench_put_string(text, "\n");
	} else if (step == 1) {
		bench_put_string(text, "/join " ROOM "\n");
	}
}

static void say(struct bench_text *text, const char *line, size_t length)
{
	bench_put(text, line, length);
	bench_put(text, "\n", 1);
}

static void hello_none(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		       unsigned step)
{
	(void)text;
	(void)plan;
	(void)client;
	(void)step;
}

static void request_echo(struct bench_text *text, const struct bench_plan *plan, unsigned client,
			 int64_t number)
{
	(void)plan;
	(void)client;
	(void)number;
	bench_put(text, ECHO_REQUEST, sizeof(ECHO_REQUEST) - 1);
}

static enum bench_take take_echo(const struct bench_plan *plan, const char *bytes, size_t length,
				 size_t *used)
{
	const char *end = memchr(bytes, '\n', length);

	(void)plan;
	if (!end) {
		return BENCH_MORE;
	}
	*used = (size_t)(end - bytes) + 1;
	return *used == sizeof(ECHO_REQUEST) - 1 ? BENCH_DONE : BENCH_REFUSED;
}

/* A connection that lasts for one request says nothing but this. */
static const struct bench_protocol once = {
	.name = "turnstile", .hello = hello_none, .request = request_ping, .take = take_line
};

static const struct bench_protocol echo = {
	.name = "turnstile echo", .hello = hello_none, .request = request_echo, .take = take_echo
};

static const struct bench_protocol ping = {
	.name = "turnstile", .hello = hello_line, .request = request_ping, .take = take_line
};

static const struct bench_protocol book = {
	.name = "turnstile", .hello = hello_line, .request = request_book, .take = take_line
};

static const struct bench_protocol room = {
	.name = "turnstile", .hello = hello_room, .take = take_line, .say = say
};

const struct bench_protocol *bench_turnstile(enum bench_kind kind)
{
	switch (kind) {
	case BENCH_ECHO: return &echo;
	case BENCH_PING:
	case BENCH_IDLE: return &ping;
	case BENCH_BOOK: return &book;
	case BENCH_CHAT: return &room;
	case BENCH_CONNECT: return &once;
	}
	return NULL;
}
