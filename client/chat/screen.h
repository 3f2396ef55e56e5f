/*
 * screen: the terminal of an interactive session: a status line, below it a prompt with what is
 * being typed (libedit), above them what was shown, which scrolls away as on any terminal.
 *
 * Status and prompt are erased before anything is shown and drawn again below it, so there is no
 * part of the screen that must not scroll and nothing that a resize could tear. libedit waits for
 * keys in our function, and so lines may come in at any moment, also within an escape sequence.
 * There is one terminal, so there is one screen. It owns the terminal's state until screen_close.
 */
#ifndef CLIENT_CHAT_SCREEN_H
#define CLIENT_CHAT_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "client/chat/completion.h"
#include "shared/text/line.h"
#include "shared/text/words.h"

struct screen_user {
	/* Returns when a key can be read (true) or the session is over (false). */
	bool (*wait)(void);
	/* What the word that ends TEXT may become. */
	void (*complete)(struct span text, struct completion *completion);
	/* The next status line, for that many columns; returns its length. */
	size_t (*status)(size_t columns, char *line);
	/* The prompt without colours: fits STATUS_LINE_SIZE, with a NUL. */
	void (*prompt)(char *prompt);
	bool colour;
};

/* Whether stdin and stdout are a terminal that can do what we need. */
bool screen_possible(void);

/*
 * Takes the terminal; USER must last. Returns a descriptor that is readable when there is a signal
 * to handle (a resize, Ctrl-C, Ctrl-Z): then call screen_handle_signals. -1 when it cannot be, and
 * errno says why.
 */
int screen_open(const struct screen_user *user);
void screen_close(void);

/* How wide it is now. */
size_t screen_columns(void);

enum screen_signal { SCREEN_GO_ON, SCREEN_KEY /* as if a key can be read */, SCREEN_END };

/* Handles what has come; fine at any time. */
enum screen_signal screen_handle_signals(void);

/*
 * Has a line edited. False at Ctrl-D, or when waiting ended. LINE is without its end and good until
 * the next call. After a paste it may be several lines, parted by line feeds.
 */
bool screen_read_line(struct span *line);

/* Puts LINE among those that the Up key brings back. */
void screen_remember(struct span line);

/*
 * Shows whole lines above the status line (LENGTH may be 0), and the status line and the prompt as
 * they are now. Nothing is written when nothing is new.
 */
void screen_show(const char *text, size_t length);

#endif
