/*
 * line: cuts what a client sends into lines, wherever packets cut it.
 *
 * First step of a line's way. Takes out telnet sequences (RFC 854, RFC 855), drops the line's end
 * (LF, CR LF, CR NUL LF) and throws away what is too long. Knows no socket: bytes go in, lines come
 * out. A whole line is handed out where it lies in the input. However the input is cut, the same
 * events come of it.
 *
 * A reader is needed only while there is input. Between two turns a connection keeps what
 * line_reader_save writes: an unfinished line, and what telnet was told; mostly nothing at all.
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
	LINE_BROWSER   /* the first line begins as HTTP's: close; nothing else comes any more */
};

#define LINE_PARTIAL_SIZE (LINE_MAX_BYTES + 2) /* CR and NUL may stand before the LF */

struct line_reader {
	uint16_t partial_length; /* of the unfinished line */
	uint8_t telnet_state;
	bool skipping;   /* the rest of a line that was too long */
	bool first_done; /* the first line that is not empty is over: a browser would have shown */
	bool asked_any;  /* `asked` is in use; else it is not set */
	uint64_t asked[2][4]; /* a bit an option: DO, WILL was answered */
	char reply[LINE_REPLY_SIZE];
	char partial[LINE_PARTIAL_SIZE];
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

/*
 * What has to be kept of the reader until there is more input: its size in bytes, LINE_SAVED_MAX at
 * most, 0 if nothing but `first_done` is; and the bytes themselves, for another reader.
 */
#define LINE_SAVED_MAX sizeof(struct line_reader)
size_t line_reader_saved_size(const struct line_reader *reader);
void line_reader_save(const struct line_reader *reader, void *bytes);
void line_reader_load(struct line_reader *reader, const void *bytes, size_t size);

#endif
