#include "client/connection/exchange.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OUT_SIZE   65536 /* bytes */
#define TELNET_IAC 255   /* a byte that the server takes for telnet unless it is doubled */

/* Where the input is. */
enum stage { READING, FAREWELL, FLUSHING, WAITING };

struct running {
	const struct exchange *exchange;
	struct exchange_result result;
	enum connection_state state;
	enum stage stage;
	int line; /* the list's line that is next, and how much of it was taken */
	size_t line_used;
	/* Of the line that goes out: how many bytes are in, and whether it began with '/'. */
	size_t column;
	bool slash;
	size_t out_start, out_end;
	char out[OUT_SIZE];
};

/* Counts a command at its second byte: "/x" is one, "//x" and "x" are text. */
static void count_byte(struct running *running, char byte)
{
	if (byte == '\n') {
		running->column = 0;
		return;
	}
	if (running->column == 0) {
		running->slash = byte == '/';
	}
	if (running->column == 1 && running->slash && byte != '/') {
		running->result.commands++;
	}
	running->column++;
}

static void put(struct running *running, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		count_byte(running, bytes[i]);
		running->out[running->out_end++] = bytes[i];
		if ((unsigned char)bytes[i] == TELNET_IAC) {
			running->out[running->out_end++] = bytes[i];
		}
	}
}

/* How many bytes of input fit now, whatever they are. */
static size_t room(const struct running *running)
{
	return (OUT_SIZE - running->out_end) / 2;
}

static void make_room(struct running *running)
{
	size_t kept = running->out_end - running->out_start;

	memmove(running->out, running->out + running->out_start, kept);
	running->out_start = 0;
	running->out_end = kept;
}

static void read_list(struct running *running)
{
	const struct exchange *exchange = running->exchange;

	while (running->line < exchange->line_count) {
		const char *text = exchange->lines[running->line] + running->line_used;
		size_t length = strlen(text);

		if (room(running) == 0) {
			return;
		}
		if (length >= room(running)) {
			length = room(running);
			running->line_used += length;
			put(running, text, length);
			return;
		}
		put(running, text, length);
		put(running, "\n", 1);
		running->line++;
		running->line_used = 0;
	}
	running->stage = FAREWELL;
}

static void read_descriptor(struct running *running)
{
	char bytes[OUT_SIZE / 2];
	ssize_t count = read(running->exchange->descriptor, bytes, room(running));

	if (count > 0) {
		put(running, bytes, (size_t)count);
	} else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
		running->stage = FAREWELL;
	}
}

/* The last line may lack its end, and the server does not carry out an unfinished one. */
static void say_farewell(struct running *running)
{
	const char *farewell = running->exchange->farewell;

	if (room(running) < strlen(farewell) + 1) {
		return;
	}
	if (running->column > 0) {
		put(running, "\n", 1);
	}
	put(running, farewell, strlen(farewell));
	running->stage = FLUSHING;
}

static void take_input(struct running *running, bool readable)
{
	make_room(running);
	if (running->stage == READING && running->exchange->lines) {
		read_list(running);
	} else if (running->stage == READING && readable && room(running) > 0) {
		read_descriptor(running);
	}
	if (running->stage == FAREWELL) {
		say_farewell(running);
	}
}

static void write_out(struct running *running)
{
	size_t length = running->out_end - running->out_start;
	size_t written;

	if (length > 0) {
		running->state =
			connection_write(running->exchange->connection,
					 running->out + running->out_start, length, &written);
		running->out_start += written;
		length -= written;
	}
	if (length == 0 && running->stage == FLUSHING) {
		connection_end_output(running->exchange->connection);
		running->stage = WAITING;
	}
}

static void count_answer(struct exchange_result *result, struct span line)
{
	bool done = span_starts(line, "+");
	bool refused = span_starts(line, "-");

	result->done += done;
	result->refused += refused;
	if (done || refused) {
		result->bye = span_equals(line, "+bye");
	}
}

/* Shows at once what has come; false when nothing has. */
static bool show_lines(struct running *running)
{
	struct span line;
	bool any = false;

	while (connection_take_line(running->exchange->connection, &line)) {
		count_answer(&running->result, line);
		running->exchange->show(line);
		any = true;
	}
	if (any) {
		fflush(stdout);
	}
	return any;
}

static void read_server(struct running *running)
{
	enum connection_state state = connection_fill(running->exchange->connection);

	show_lines(running);
	running->state = state;
}

/* Sleeps until there is something to do; says which of the two can be read. */
static void wait_for_either(const struct running *running, bool *input, bool *server)
{
	bool pending = running->out_end > running->out_start;
	bool idle = running->stage == WAITING || pending;
	bool reading = running->stage == READING && !running->exchange->lines;
	bool has_room = running->out_end - running->out_start < OUT_SIZE - 1;
	struct pollfd polled[] = {
		{ .fd = running->exchange->connection->descriptor,
		  .events = (short)(POLLIN | (pending ? POLLOUT : 0)) },
		{ .fd = reading && has_room ? running->exchange->descriptor : -1,
		  .events = POLLIN },
	};

	/* With nothing pending and more of the list to come there is no reason to wait. */
	if (poll(polled, 2, idle || reading ? -1 : 0) < 0) {
		polled[0].revents = polled[1].revents = 0;
	}
	*server = (polled[0].revents & ~POLLOUT) != 0;
	*input = polled[1].revents != 0;
}

struct exchange_result exchange_run(const struct exchange *exchange)
{
	struct running running = { .exchange = exchange };
	bool input = false, server = false;

	show_lines(&running); /* those that came with the greeting */
	while (running.state == CONNECTION_OPEN) {
		take_input(&running, input);
		write_out(&running);
		if (running.state == CONNECTION_OPEN) {
			wait_for_either(&running, &input, &server);
		}
		if (server) {
			read_server(&running);
		}
	}
	/* A connection that broke while we wrote may still hold answers. */
	while (connection_fill(exchange->connection) == CONNECTION_OPEN && show_lines(&running)) {
		/* again */
	}
	running.result.ended = running.state == CONNECTION_ENDED && running.stage == WAITING;
	return running.result;
}
