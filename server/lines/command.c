#include "server/lines/command.h"

#include <string.h>

#include "server/booking/boxoffice.h"
#include "server/chat/room_commands.h"
#include "server/chat/user_commands.h"
#include "server/lines/server_commands.h"

const struct command commands[] = {
	{ "help", ROLE_ANYONE, false, "[NAME]", "lists the commands, or shows one", server_help },
	{ "ping", ROLE_ANYONE, false, "[TEXT]", "answers at once, with the text", server_ping },
	{ "nick", ROLE_ANYONE, false, "NAME", "changes your name", user_nick },
	{ "quit", ROLE_ANYONE, false, "[TEXT]", "leaves, and tells your rooms why", server_quit },
	{ "join", ROLE_ANYONE, false, "#ROOM", "enters a room and makes it the current one",
	  chat_join },
	{ "part", ROLE_ANYONE, false, "[#ROOM]", "leaves a room", chat_part },
	{ "say", ROLE_ANYONE, false, "[#ROOM] TEXT", "says something to a room", chat_say },
	{ "tell", ROLE_ANYONE, false, "NICK TEXT", "says something to one person", user_tell },
	{ "who", ROLE_ANYONE, false, "[#ROOM]", "lists who is in a room, or everybody", chat_who },
	{ "where", ROLE_ANYONE, false, "[NICK]", "tells which process serves somebody, or you",
	  server_where },
	{ "rooms", ROLE_ANYONE, false, "", "lists the rooms", chat_rooms },
	{ "topic", ROLE_ANYONE, false, "#ROOM [TEXT]", "shows a room's topic, or sets it",
	  chat_topic },
	{ "history", ROLE_ANYONE, false, "[#ROOM] [N]", "shows what was said before",
	  chat_history },
	{ "events", ROLE_ANYONE, false, "", "lists the events and what is left of each",
	  boxoffice_events },
	{ "left", ROLE_ANYONE, false, "EVENT", "tells how many tickets are left", boxoffice_left },
	{ "book", ROLE_ANYONE, true, "EVENT [QTY] [key=KEY]",
	  "books tickets; with a key, asking again is safe", boxoffice_book },
	{ "hold", ROLE_ANYONE, true, "EVENT [QTY] [ttl=SECONDS] [tied] [key=KEY]",
	  "keeps tickets for you for a while", boxoffice_hold },
	{ "confirm", ROLE_ANYONE, true, "CODE", "books what is held", boxoffice_confirm },
	{ "cancel", ROLE_ANYONE, true, "CODE", "gives tickets back", boxoffice_cancel },
	{ "ticket", ROLE_ANYONE, true, "CODE", "shows what a code is good for", boxoffice_ticket },
	{ "wait", ROLE_ANYONE, true, "EVENT [QTY]", "queues for tickets that come back",
	  boxoffice_wait },
	{ "audit", ROLE_ANYONE, true, "EVENT", "counts an event's tickets one by one",
	  boxoffice_audit },
	{ "op", ROLE_ANYONE, false, "PASSWORD", "makes you an operator", server_op },
	{ "event", ROLE_OPERATOR, true,
	  "new EVENT TOTAL [TITLE] | open EVENT | close EVENT | grow EVENT N", "manages an event",
	  boxoffice_event },
	{ "admit", ROLE_OPERATOR, true, "CODE", "lets the holder of a code in, once",
	  boxoffice_admit },
	{ "kick", ROLE_OPERATOR, false, "NICK [WHY]", "ends somebody's connection", user_kick },
	{ "mute", ROLE_OPERATOR, false, "NICK SECONDS", "keeps somebody from speaking for a while",
	  user_mute },
	{ "ban", ROLE_OPERATOR, false, "ADDRESS SECONDS",
	  "keeps an address out for a while, over restarts too", user_ban },
	{ "workers", ROLE_OPERATOR, false, "", "lists the processes that serve", server_workers },
	{ "stats", ROLE_ANYONE, false, "", "shows what the server has done", server_stats },
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);

/* Whether NAME, all of it letters, is REST's first word, in whatever case; then takes it off. */
static bool takes_name(struct span *rest, const char *name)
{
	size_t length = 0;

	while (length < rest->length && name[length] != '\0' &&
	       (rest->text[length] | ('a' ^ 'A')) == name[length]) {
		length++;
	}
	if (name[length] != '\0' || (length < rest->length && rest->text[length] != ' ')) {
		return false;
	}
	*rest = (struct span){ rest->text + length, rest->length - length };
	return true;
}

static const struct command *find(struct span *rest)
{
	for (size_t i = 0; i < command_count; i++) {
		if (takes_name(rest, commands[i].name)) {
			return &commands[i];
		}
	}
	return NULL;
}

static enum outcome carry_out_named(struct session *session, struct span line, struct reply *reply)
{
	struct span rest = { line.text + 1, line.length - 1 };
	const struct command *command = find(&rest);

	if (!command) {
		reply_error(reply, "BADCMD", "no such command; /help lists them");
		return OUTCOME_DONE;
	}
	if (command->role == ROLE_OPERATOR && !session->operator_role) {
		reply_error(reply, "DENIED", "/%s is for operators; /op PASSWORD makes you one",
			    command->name);
		return OUTCOME_DONE;
	}
	if (session->bookings > 0 && !command->pipelines) {
		return OUTCOME_WAIT;
	}
	return command->run(session, rest, reply);
}

enum outcome command_carry_out(struct session *session, struct span line, struct reply *reply)
{
	bool escaped = span_starts(line, "//");

	if (span_starts(line, "/") && !escaped) {
		return carry_out_named(session, line, reply);
	}
	if (session->bookings > 0) {
		return OUTCOME_WAIT;
	}
	return chat_plain(session, (struct span){ line.text + escaped, line.length - escaped },
			  reply);
}
