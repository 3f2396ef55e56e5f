/*
 * render: from a line of the server to one that people like to read: `*say #go anna hi` becomes
 * `#go <anna> hi`. Pure: no terminal, no colours. What comes out is clean (shared/text.h) whatever
 * went in, since it goes to a terminal.
 */
#ifndef CLIENT_RENDER_H
#define CLIENT_RENDER_H

#include <stddef.h>

#include "client/connection.h"
#include "shared/text.h"
#include "shared/words.h"

/* What a shown line can take: the words, cleaned, with some of our own between them. */
#define RENDER_SIZE (CONNECTION_LINE_MAX * TEXT_GROWTH + 128)

/* Writes LINE (CONNECTION_LINE_MAX bytes at most) as people read it; returns the length. No NUL. */
size_t render_line(struct span line, char shown[RENDER_SIZE]);

#endif
