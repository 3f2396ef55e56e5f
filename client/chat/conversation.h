/*
 * conversation: what an interactive session makes of what is typed and of what the server says:
 * what to send, what to show, what to ask again after the connection was lost.
 *
 * Pure: bytes to send gather in `out` and lines to show in `shown`; whoever drives it writes them
 * away and says how much is gone. Times are passed in. Every line that goes out is a command that
 * gets one final line, so answers are told apart by counting (pending.h): plain text goes out as
 * /say.
 */
#ifndef CLIENT_CHAT_CONVERSATION_H
#define CLIENT_CHAT_CONVERSATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/chat/commands.h"
#include "client/chat/completion.h"
#include "client/chat/pending.h"
#include "client/chat/render.h"
#include "client/chat/server_view.h"

#define CONVERSATION_OUT_SIZE   (PENDING_MAX * (PENDING_LINE_SIZE + 1))
#define CONVERSATION_SHOWN_SIZE 131072 /* bytes; one line takes at most a quarter of it */

struct conversation {
	struct pending pending;
	struct server_view view;
	struct commands commands;
	struct render_style style;
	bool connected;
	bool welcomed;   /* the first words were said */
	bool over;       /* the server said goodbye */
	bool wants_nick; /* ours is still taken: conversation_ask_nick after a while */
	bool nick_told;  /* the user knows */
	uint64_t key;    /* what keys of bookings are made from, and how many were made */
	unsigned keys;
	size_t row_columns; /* of nicks that stand in one row so far */
	size_t out_length;
	size_t shown_length;
	char out[CONVERSATION_OUT_SIZE];
	char shown[CONVERSATION_SHOWN_SIZE];
};

/* KEY is random: no two sessions may have the same. */
void conversation_init(struct conversation *conversation, struct render_style style, uint64_t key);

/* A connection stands, and has greeted: makes ourselves known, and asks again what is open. */
void conversation_connected(struct conversation *conversation);

/* It is gone, and with it what was not sent. */
void conversation_lost(struct conversation *conversation, int64_t wall_ns);

/* The user entered a line. */
void conversation_type(struct conversation *conversation, struct span line, int64_t wall_ns);

/* The server said a line. At least a quarter of `shown` must be free. */
void conversation_hear(struct conversation *conversation, struct span line, int64_t wall_ns);

void conversation_ask_nick(struct conversation *conversation);

/* Asks once more which rooms and events there are, unless an answer to that is still to come. */
void conversation_ask_rooms(struct conversation *conversation);

/* Says goodbye to the server; without a connection it is over at once. */
void conversation_leave(struct conversation *conversation);

/* Shows a line of the client's own. */
__attribute__((format(printf, 3, 4))) void conversation_remark(struct conversation *conversation,
							       int64_t wall_ns, const char *format,
							       ...);

/* The first COUNT bytes of `out` are sent. */
void conversation_sent(struct conversation *conversation, size_t count);

/* How many bytes of `shown` are whole lines, and that the first COUNT of them are shown. */
size_t conversation_whole_lines(const struct conversation *conversation);
void conversation_displayed(struct conversation *conversation, size_t count);

/* Whether a line may be kept for later recall: one with a password may not. */
bool conversation_keeps(struct span line);

#endif
