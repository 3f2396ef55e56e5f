/*
 * keys: what a terminal sends, cut into what a line editor can take: characters, whole escape
 * sequences of keys, and whole pastes.
 *
 * A sequence that the editor does not know must go as a whole: an editor that stops reading it in
 * its middle takes the rest for text. A terminal that was asked to says where a paste begins and
 * ends (ESC [ 200 ~, ESC [ 201 ~), so that its line feeds are no Enter. Pure: no terminal, no
 * clock.
 */
#ifndef CLIENT_CHAT_KEYS_H
#define CLIENT_CHAT_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/text/text.h"
#include "shared/text/words.h"

#define KEYS_SEQUENCE_SIZE 32    /* bytes; no key has a longer one */
#define KEYS_PASTE_SIZE    16384 /* bytes of a paste that are kept */

/* What keys_paste_text makes of that, a NUL counted in. */
#define KEYS_TEXT_SIZE (KEYS_PASTE_SIZE * TEXT_GROWTH + 1)

enum keys_event {
	KEYS_MORE,     /* nothing is whole yet, or something was thrown away */
	KEYS_TYPED,    /* bytes to be taken as they are */
	KEYS_SEQUENCE, /* a key's whole sequence */
	KEYS_PASTE     /* a paste came to its end: keys_paste_text has it */
};

enum keys_state { KEYS_PLAIN, KEYS_ESCAPE, KEYS_CONTROL, KEYS_CONSOLE, KEYS_SINGLE };

struct keys {
	enum keys_state state;
	bool pasting;
	size_t length;
	char sequence[KEYS_SEQUENCE_SIZE];
	size_t paste_length;
	char paste[KEYS_PASTE_SIZE]; /* what does not fit is thrown away */
};

/* Forgets what is not whole, a paste too. */
void keys_init(struct keys *keys);

/* Takes a byte. BYTES is what is typed, or the sequence, good until the next call. */
enum keys_event keys_take(struct keys *keys, char byte, struct span *bytes);

/*
 * Whether all of a paste so far is an Enter. When nothing follows it for a moment then it was typed
 * after all, and the terminal lost the end of an empty paste: keys_end_paste makes BYTES of it.
 */
bool keys_may_be_enter(const struct keys *keys);
void keys_end_paste(struct keys *keys, struct span *bytes);

/*
 * Writes the last paste to TEXT, with a NUL: clean but for line feeds, and none at its end, so that
 * a line that was copied with its end is a line still being edited.
 */
void keys_paste_text(const struct keys *keys, char text[KEYS_TEXT_SIZE]);

#endif
