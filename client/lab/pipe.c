/* Bytes between two processes, and a struct's way through them. */
#include <stdio.h>
#include <string.h>

#include "client/lab/children.h"
#include "client/lab/experiments.h"
#include "client/lab/report.h"
#include "shared/base/log.h"
#include "shared/process/pipe.h"

#define MESSAGE_SIZE 64 /* bytes */

/* After a fork: each process keeps one end. */
struct line {
	int ours;
	int theirs;
};

static struct line new_line(void)
{
	int ends[2];

	if (!pipe_open(ends)) {
		die("cannot make a pipe: %m");
	}
	return (struct line){ ends[0], ends[1] };
}

/*
 * pipe. Python: left, right = Pipe(); the child does right.recv() and right.send(...), the parent
 * gets EOFError from left.recv() once the child has closed its end.
 */

static int answer_once(void *argument)
{
	const struct line *line = argument;
	char message[MESSAGE_SIZE] = "";
	size_t length = 0;

	pipe_close(line->ours);
	pipe_receive(line->theirs, message, sizeof(message) - 1, &length, LAB_PATIENCE_NS);
	bool good = strcmp(message, "who is there?") == 0;
	pipe_send(line->theirs, "a child", sizeof("a child"), LAB_PATIENCE_NS);
	return good ? 0 : 1;
}

void lab_pipe(struct lab *lab)
{
	struct line line = new_line();
	struct process *child = lab_start("child", answer_once, &line);
	char message[MESSAGE_SIZE] = "";
	size_t length = 0;

	lab_say(lab,
		"The parent asks, the child answers and ends. A pipe goes both ways, and keeps");
	lab_say(lab, "messages apart. Each closes the end that it does not use.");
	pipe_close(line.theirs);
	lab_expect(lab, !pipe_poll(line.ours, 0), "nobody says anything before being asked");
	pipe_send(line.ours, "who is there?", sizeof("who is there?"), LAB_PATIENCE_NS);
	pipe_receive(line.ours, message, sizeof(message) - 1, &length, LAB_PATIENCE_NS);
	lab_show(lab, "the parent asked", "who is there?");
	lab_show(lab, "the child answered", "%s", message);
	lab_expect(lab, strcmp(message, "a child") == 0, "the answer came");
	lab_expect(lab, lab_finish(lab, child) == 0, "the child had heard the question");
	lab_expect(lab,
		   pipe_receive(line.ours, message, sizeof(message), &length, LAB_PATIENCE_NS) ==
			   PIPE_CLOSED,
		   "now the other end is closed, and we are told so (Python's EOFError)");
	pipe_close(line.ours);
}

/*
 * serialize. Python: obj goes through a pipe by itself: pickle.dumps(obj) makes bytes of it,
 * pickle.loads an equal object in the other process. (The tutorial puts the length before them with
 * struct.pack; our pipe keeps messages apart.)
 */

#define TITLE_SIZE   16 /* bytes, a NUL counted in */
#define NUMBER_BYTES 4
#define TICKET_BYTES (2 * NUMBER_BYTES + TITLE_SIZE)

struct ticket {
	uint32_t number;
	uint32_t price;
	char *title; /* a pointer: it means nothing to another process */
};

/* The lowest byte first, whatever the processor does. */
static void write_number(unsigned char *bytes, uint32_t number)
{
	for (unsigned i = 0; i < NUMBER_BYTES; i++) {
		bytes[i] = (unsigned char)(number >> (8 * i));
	}
}

static uint32_t read_number(const unsigned char *bytes)
{
	uint32_t number = 0;

	for (unsigned i = 0; i < NUMBER_BYTES; i++) {
		number |= (uint32_t)bytes[i] << (8 * i);
	}
	return number;
}

static void dump(const struct ticket *ticket, unsigned char *bytes)
{
	memset(bytes, 0, TICKET_BYTES);
	write_number(bytes, ticket->number);
	write_number(bytes + NUMBER_BYTES, ticket->price);
	snprintf((char *)bytes + 2 * NUMBER_BYTES, TITLE_SIZE, "%s", ticket->title);
}

/* TITLE has TITLE_SIZE bytes and becomes the ticket's. */
static void load(struct ticket *ticket, const unsigned char *bytes, char *title)
{
	ticket->number = read_number(bytes);
	ticket->price = read_number(bytes + NUMBER_BYTES);
	memcpy(title, bytes + 2 * NUMBER_BYTES, TITLE_SIZE - 1);
	title[TITLE_SIZE - 1] = '\0';
	ticket->title = title;
}

/* Makes a ticket of the bytes, raises its price, and sends it back. */
static int raise_price(void *argument)
{
	const struct line *line = argument;
	unsigned char bytes[TICKET_BYTES] = { 0 };
	char title[TITLE_SIZE];
	struct ticket ticket;
	size_t length = 0;

	pipe_close(line->ours);
	pipe_receive(line->theirs, bytes, sizeof(bytes), &length, LAB_PATIENCE_NS);
	load(&ticket, bytes, title);
	ticket.price++;
	dump(&ticket, bytes);
	pipe_send(line->theirs, bytes, sizeof(bytes), LAB_PATIENCE_NS);
	return length == TICKET_BYTES ? 0 : 1;
}

static void show_bytes(struct lab *lab, const char *label, const unsigned char *bytes)
{
	char text[TICKET_BYTES * 3 + 1];

	for (size_t i = 0; i < TICKET_BYTES; i++) {
		snprintf(text + i * 3, 4, "%02x ", bytes[i]);
	}
	lab_show(lab, label, "%.*s", 2 * NUMBER_BYTES * 3 - 1, text);
	lab_show(lab, "", "%.*s", TITLE_SIZE * 3 - 1, text + 2 * NUMBER_BYTES * 3);
}

static void show_ticket(struct lab *lab, const char *label, const struct ticket *ticket)
{
	lab_show(lab, label, "number %u, price %u, title \"%s\"", ticket->number, ticket->price,
		 ticket->title);
}

void lab_serialize(struct lab *lab)
{
	struct line line = new_line();
	struct process *child = lab_start("child", raise_price, &line);
	char concert[] = "Concert", title[TITLE_SIZE];
	const struct ticket sent = { .number = 4711, .price = 99, .title = concert };
	unsigned char bytes[TICKET_BYTES];
	struct ticket back;
	size_t length = 0;

	lab_say(lab,
		"A ticket has two numbers and a pointer to its title. Sent as it lies in memory,");
	lab_say(lab, "the pointer would point nowhere; so its bytes are written one by one.");
	pipe_close(line.theirs);
	dump(&sent, bytes);
	show_ticket(lab, "sent", &sent);
	show_bytes(lab, "as bytes", bytes);
	pipe_send(line.ours, bytes, sizeof(bytes), LAB_PATIENCE_NS);
	pipe_receive(line.ours, bytes, sizeof(bytes), &length, LAB_PATIENCE_NS);
	load(&back, bytes, title);
	show_ticket(lab, "came back", &back);
	lab_expect(lab, lab_finish(lab, child) == 0 && length == TICKET_BYTES,
		   "all %d bytes went there and came back", TICKET_BYTES);
	lab_expect(lab, back.number == sent.number && strcmp(back.title, sent.title) == 0,
		   "what the child did not change is equal");
	lab_expect(lab, back.price == sent.price + 1 && sent.price == 99,
		   "the price was raised in the copy, not in our ticket");
	pipe_close(line.ours);
}
