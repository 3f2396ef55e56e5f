#include "server/lines/command.h"

#include <string.h>

#include "server/lines/crash_command.h"
#include "server/lines/listing.h"
#include "server/lines/room_commands.h"
#include "server/lines/server_commands.h"
#include "server/lines/ticket_commands.h"
#include "server/lines/user_commands.h"

#define COST_OF_TABLE    5  /* some dozen rows */
#define COST_OF_LISTING  20 /* up to some thousand */
#define COST_OF_COUNTING 50 /* of all tickets of an event */

static command_handler help;

const struct command commands[] = {
	{ "help", ROLE_ANYONE, false, "[NAME]", "lists the commands, or shows one", help,
	  COST_OF_TABLE },
	{ "ping", ROLE_ANYONE, false, "[TEXT]", "answers at once, with the text", server_ping, 1 },
	{ "nick", ROLE_ANYONE, false, "NAME", "changes your name", user_nick_command, 1 },
	{ "quit", ROLE_ANYONE, false, "[TEXT]", "leaves, and tells your rooms why", server_quit,
	  1 },
	{ "join", ROLE_ANYONE, false, "#ROOM", "enters a room and makes it the current one",
	  room_join, 1 },
	{ "part", ROLE_ANYONE, false, "[#ROOM]", "leaves a room", room_part, 1 },
	{ "say", ROLE_ANYONE, false, "[#ROOM] TEXT", "says something to a room", room_say, 1 },
	{ "tell", ROLE_ANYONE, false, "NICK TEXT", "says something to one person",
	  user_tell_command, 1 },
	{ "who", ROLE_ANYONE, false, "[#ROOM]", "lists who is in a room, or everybody", room_who,
	  COST_OF_LISTING },
	{ "where", ROLE_ANYONE, false, "[NICK]", "tells which process serves somebody, or you",
	  server_where, 1 },
	{ "rooms", ROLE_ANYONE, false, "", "lists the rooms", room_list, COST_OF_LISTING },
	{ "topic", ROLE_ANYONE, false, "#ROOM [TEXT]", "shows a room's topic, or sets it",
	  room_topic, 1 },
	{ "history", ROLE_ANYONE, false, "[#ROOM] [N]", "shows what was said before", room_history,
	  COST_OF_LISTING },
	{ "events", ROLE_ANYONE, false, "", "lists the events and what is left of each",
	  ticket_events, COST_OF_TABLE },
	{ "left", ROLE_ANYONE, false, "EVENT", "tells how many tickets are left", ticket_left, 1 },
	{ "book", ROLE_ANYONE, true, "EVENT [QTY] [key=KEY]",
	  "books tickets; with a key, asking again is safe", ticket_book, 1 },
	{ "hold", ROLE_ANYONE, true, "EVENT [QTY] [ttl=SECONDS] [tied] [key=KEY]",
	  "keeps tickets for you for a while", ticket_hold, 1 },
	{ "confirm", ROLE_ANYONE, true, "CODE", "books what is held", ticket_confirm, 1 },
	{ "cancel", ROLE_ANYONE, true, "CODE", "gives tickets back", ticket_cancel, 1 },
	{ "ticket", ROLE_ANYONE, true, "CODE", "shows what a code is good for", ticket_show, 1 },
	{ "wait", ROLE_ANYONE, true, "EVENT [QTY]", "queues for tickets that come back",
	  ticket_wait, 1 },
	{ "audit", ROLE_ANYONE, true, "EVENT", "counts an event's tickets one by one", ticket_audit,
	  COST_OF_COUNTING },
	{ "op", ROLE_ANYONE, false, "PASSWORD", "makes you an operator", server_op, 1 },
	{ "event", ROLE_OPERATOR, true,
	  "new EVENT TOTAL [TITLE] | open EVENT | close EVENT | grow EVENT N", "manages an event",
	  ticket_event, 1 },
	{ "admit", ROLE_OPERATOR, true, "CODE", "lets the holder of a code in, once", ticket_admit,
	  1 },
	{ "kick", ROLE_OPERATOR, false, "NICK [WHY]", "ends somebody's connection",
	  user_kick_command, 1 },
	{ "mute", ROLE_OPERATOR, false, "NICK SECONDS", "keeps somebody from speaking for a while",
	  user_mute_command, 1 },
	{ "ban", ROLE_OPERATOR, false, "ADDRESS[/BITS] SECONDS",
	  "keeps an address out for a while, over restarts too", user_ban_command, 1 },
	{ "workers", ROLE_OPERATOR, false, "", "lists the processes that serve", server_workers,
	  COST_OF_TABLE },
	{ "crash", ROLE_OPERATOR, false, "[WORKER|all] [SIGNAL]",
	  "has a worker crash, or all, to see that nobody notices", crash_command, 1 },
	{ "stats", ROLE_ANYONE, false, "", "shows what the server has done", server_stats,
	  COST_OF_TABLE },
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);

/* /help lies here, since it is about the table. */

static void help_row(struct reply *reply, const struct command *command)
{
	reply_line(reply, "=/%s%s%s - %s%s", command->name, *command->arguments ? " " : "",
		   command->arguments, command->help,
		   command->role == ROLE_OPERATOR ? " (operator)" : "");
}

static enum outcome help(struct session *session, struct span arguments, struct reply *reply,
			 struct problem *problem)
{
	struct span name = words_next(&arguments);
	size_t shown = 0;

	(void)session;
	if (span_starts(name, "/")) {
		name = (struct span){ name.text + 1, name.length - 1 };
	}
	for (size_t i = 0; i < command_count; i++) {
		if (name.length == 0 || span_equals_ignoring_case(name, commands[i].name)) {
			help_row(reply, &commands[i]);
			shown++;
		}
	}
	if (shown == 0) {
		return refuse(problem, PROBLEM_NOTFOUND, "no such command; /help lists them");
	}
	reply_line(reply, "+help %zu", shown);
	return OUTCOME_DONE;
}

/* Whether NAME, all of it letters, is WORDS' first word, in whatever case. */
static bool is_name(struct span words, const char *name)
{
	size_t length = 0;

	while (length < words.length && name[length] != '\0' &&
	       (words.text[length] | ('a' ^ 'A')) == name[length]) {
		length++;
	}
	return name[length] == '\0' && (length == words.length || words.text[length] == ' ');
}

/* The next line's command is often the last one's. */
static const struct command *find_name(struct span words)
{
	static const struct command *last = commands;

	if (is_name(words, last->name)) {
		return last;
	}
	for (size_t i = 0; i < command_count; i++) {
		if (is_name(words, commands[i].name)) {
			last = &commands[i];
			return last;
		}
	}
	return NULL;
}

static bool is_escaped(struct span line)
{
	return line.length > 1 && line.text[1] == '/';
}

static bool names_command(struct span line)
{
	return line.length > 0 && line.text[0] == '/' && !is_escaped(line);
}

const struct command *command_find(struct span line)
{
	return names_command(line) ? find_name((struct span){ line.text + 1, line.length - 1 })
				   : NULL;
}

unsigned command_cost(const struct command *command)
{
	return command ? command->cost : 1;
}

bool command_ends(const struct command *command)
{
	return command && command->run == server_quit;
}

static enum outcome run(struct session *session, const struct command *command, struct span line,
			struct reply *reply, struct problem *problem)
{
	const size_t named = 1 + strlen(command->name);

	if (command->role == ROLE_OPERATOR && !session->operator_role) {
		return refuse(problem, PROBLEM_DENIED,
			      "/%s is for operators; /op PASSWORD makes you one", command->name);
	}
	if (session->unanswered > 0 && !command->pipelines) {
		return OUTCOME_WAIT;
	}
	enum outcome outcome = command->run(
		session, (struct span){ line.text + named, line.length - named }, reply, problem);

	if (outcome != OUTCOME_MORE) {
		listing_finish(session);
	}
	return outcome;
}

enum outcome command_carry_out(struct session *session, const struct command *command,
			       struct span line, struct reply *reply, struct problem *problem)
{
	if (command) {
		return run(session, command, line, reply, problem);
	}
	if (names_command(line)) {
		return refuse(problem, PROBLEM_BADCMD, "no such command; /help lists them");
	}
	if (session->unanswered > 0) {
		return OUTCOME_WAIT;
	}
	const bool escaped = line.length > 0 && line.text[0] == '/';

	return room_plain(session, (struct span){ line.text + escaped, line.length - escaped },
			  reply, problem);
}
