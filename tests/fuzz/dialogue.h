/*
 * dialogue: the client's side of a conversation, for targets that are given what a server says.
 */
#ifndef TESTS_FUZZ_DIALOGUE_H
#define TESTS_FUZZ_DIALOGUE_H

#include <stddef.h>
#include <stdint.h>

#include "client/chat/conversation.h"

/* Begins: connected, with a terminal that can do all but, if not COLOURED, show colours. */
void dialogue_start(struct conversation *conversation, bool coloured);

/* Line by line, LOOK after each: one that begins with '>' is the user's, others the server's. */
void dialogue_take(struct conversation *conversation, struct span lines, size_t columns,
		   void (*look)(size_t columns));

#endif
