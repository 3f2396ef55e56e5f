/*
 * line: cuts what a client sends into lines, wherever packets cut it.
 *
 * First step of a line's way. Takes out telnet sequences (RFC 854, RFC 855), drops the line's end
 * (LF, CR LF, CR NUL LF) and throws away what is too long. Knows no socket: bytes go in, lines come
 * out. It keeps only an unfinished line (at most LINE_MAX_BYTES + 2 bytes, allocated while there is
 * one), so a connection between two lines costs nothing. A whole line is handed out where it lies
 * in the input. However the input is cut, the same events come of it.
 *
 * The guard against browsers looks at the first line that is not empty: a page may begin its
 * request with empty lines, which an HTTP server would skip.
 */
#ifndef SHARED_TEXT_LINE_H
#define SHARED_TEXT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_MAX_BYTES  1024 /* from a client, without its end */
#define LINE_REPLY_SIZE 3    /* of an answer to a telnet option */

enum line_event {
	LINE_NONE,     /* all input is used up, no whole line yet */
	LINE_WHOLE,    /* a line, possibly empty */
	LINE_TOO_LONG, /* once for each line that is too long, as soon as that is sure */
	LINE_TELNET,   /* a telnet option to answer: `text` is what to send, raw */
	LINE_BROWSER,  /* the first line begins as HTTP's: close; nothing else comes any more */
	LINE_NO_MEMORY /* the unfinished line could not be kept: close */
};

struct line_telnet; /* options already answered; exists once a sequence was seen */

struct line_reader {
	char *partial;              /* the unfinished line, or NULL */
	struct line_telnet *telnet; /* or NULL */
	uint16_t partial_length;
	uint8_t telnet_state;
	bool skipping;   /* the rest of a line that was too long */
	bool first_done; /* the first line that is not empty is over: a browser would have shown */
};

struct line {
	const char *text; /* LENGTH bytes, any of them may be NUL; good until the next call */
	size_t length;
};

void line_reader_init(struct line_reader *reader);

/*
 * Uses up some of the LENGTH bytes at INPUT, says how many in USED, and what came of them: call it
 * again with the rest until it says LINE_NONE. LINE is set for LINE_WHOLE and LINE_TELNET; its text
 * lies in INPUT or in the reader.
 */
enum line_event line_read(struct line_reader *reader, const char *input, size_t length,
			  size_t *used, struct line *line);

/* Frees what the reader keeps; it is as after line_reader_init then. */
void line_reader_finish(struct line_reader *reader);

#endif
