/*
 * render: from a line of the server to one that people like to read: `*say #go anna hi` becomes
 * `#go <anna> hi`. Pure: no terminal. What comes out is clean (shared/text/text.h) whatever went
 * in, since it goes to a terminal: only our own constants add to it.
 */
#ifndef CLIENT_CHAT_RENDER_H
#define CLIENT_CHAT_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/connection/connection.h"
#include "shared/text/text.h"
#include "shared/text/words.h"

/* What a shown line can take: the words, cleaned, with some of our own between them. */
#define RENDER_SIZE (CONNECTION_LINE_MAX * TEXT_GROWTH + 512)

/* Colours as a terminal takes them. */
#define RENDER_PLAIN  "\033[0m"
#define RENDER_BOLD   "\033[1m"
#define RENDER_DIM    "\033[2m"
#define RENDER_RED    "\033[31m"
#define RENDER_GREEN  "\033[32m"
#define RENDER_YELLOW "\033[33m"

struct render_style {
	bool rich;   /* bars, and rows of listings set in columns */
	bool colour; /* a nick in its own colour, errors in red */
};

/* Writes LINE (CONNECTION_LINE_MAX bytes at most) as people read it; returns the length. No NUL. */
size_t render_line(struct span line, char shown[RENDER_SIZE]);

/* The same in a style; COMMAND is what a row answers ("/who #go"), or empty. */
size_t render_styled(struct span line, struct span command, struct render_style style,
		     char shown[RENDER_SIZE]);

/* The colour of a nick: the same for every spelling of it, and in every session. */
const char *render_nick_colour(struct span nick);

/*
 * If LINE is a row of /history, "=2026-11-20T10:00:00Z NICK TEXT", says its time in nanoseconds
 * since 1970 and makes LINE what was said: "NICK TEXT".
 */
bool render_take_time(struct span *line, int64_t *wall_ns);

#endif
