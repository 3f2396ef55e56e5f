/*
 * talk: one connection to a server under test, line by line.
 *
 * Every wait is bounded (TALK_TIMEOUT_NS); what does not come, or is another, fails the test and
 * shows what came instead and from where it was asked. A talk is its test's: close it with
 * talk_close, or leave that to the end of the test's process.
 */
#ifndef TESTS_SUPPORT_TALK_H
#define TESTS_SUPPORT_TALK_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/clock.h"

#define TALK_TIMEOUT_NS (10 * NS_PER_SECOND)
#define TALK_LINE_SIZE  4096 /* bytes, a NUL counted in */

struct talk {
	int descriptor;
	size_t start, end; /* of what was read and not yet taken */
	char bytes[65536];
	char line[TALK_LINE_SIZE]; /* the last one, without its end */
};

/* Where in a test a call stands: filled in by the macros below. */
struct place {
	const char *file;
	int line;
};
#define HERE ((struct place){ __FILE__, __LINE__ })

/* Connects to PORT of this machine; with _greeted also takes the greeting; with _from out of one of
 * its addresses, such as "127.0.0.9". */
#define talk_open(talk, port)               talk_open_at(HERE, talk, port)
#define talk_open_greeted(talk, port)       talk_open_greeted_at(HERE, talk, port)
#define talk_open_from(talk, port, address) talk_open_from_at(HERE, talk, port, address)

/* Sends a formatted line (its LF is added), or bytes as they are. */
#define talk_say(talk, ...)             talk_say_at(HERE, talk, __VA_ARGS__)
#define talk_write(talk, bytes, length) talk_write_at(HERE, talk, bytes, length)

/* The next line, whatever it is; it is good until the next call. */
#define talk_line(talk) talk_line_at(HERE, talk)

/* The next line is this, or starts so. The line is returned. */
#define talk_expect(talk, text)       talk_expect_at(HERE, talk, text)
#define talk_expect_start(talk, text) talk_expect_start_at(HERE, talk, text)

/* The same of the next final line or row, or of the next event; what is none is skipped. */
#define talk_expect_answer(talk, text) talk_expect_answer_at(HERE, talk, text)
#define talk_expect_event(talk, text)  talk_expect_event_at(HERE, talk, text)

/* Says a line and expects an answer that starts so: most of what tests do. */
#define talk_ask(talk, line, answer) talk_ask_at(HERE, talk, line, answer)

/* Reads exactly LENGTH raw bytes. */
#define talk_read(talk, bytes, length) talk_read_at(HERE, talk, bytes, length)

/* The server closes now, and nothing comes before that. */
#define talk_expect_end(talk) talk_expect_end_at(HERE, talk)

/* Half-closes: nothing more will be sent. */
void talk_end_output(struct talk *talk);
void talk_close(struct talk *talk);

void talk_open_at(struct place place, struct talk *talk, uint16_t port);
void talk_open_greeted_at(struct place place, struct talk *talk, uint16_t port);
void talk_open_from_at(struct place place, struct talk *talk, uint16_t port, const char *address);
__attribute__((format(printf, 3, 4))) void talk_say_at(struct place place, struct talk *talk,
						       const char *format, ...);
void talk_write_at(struct place place, struct talk *talk, const void *bytes, size_t length);
const char *talk_line_at(struct place place, struct talk *talk);
const char *talk_expect_at(struct place place, struct talk *talk, const char *text);
const char *talk_expect_start_at(struct place place, struct talk *talk, const char *text);
const char *talk_expect_answer_at(struct place place, struct talk *talk, const char *text);
const char *talk_expect_event_at(struct place place, struct talk *talk, const char *text);
const char *talk_ask_at(struct place place, struct talk *talk, const char *line,
			const char *answer);
void talk_read_at(struct place place, struct talk *talk, void *bytes, size_t length);
void talk_expect_end_at(struct place place, struct talk *talk);

#endif
