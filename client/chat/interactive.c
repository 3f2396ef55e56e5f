/*
 * There is one session, and libedit's callbacks carry no argument of ours, so its state is the
 * file's own. All waiting is in wait_for_key, which libedit calls for every key.
 */
#include "client/chat/interactive.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/chat/conversation.h"
#include "client/chat/screen.h"
#include "client/chat/status_line.h"
#include "client/chat/wrap.h"
#include "client/connection/connection.h"
#include "client/connection/dialer.h"
#include "client/terminal/style.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/siphash.h"

#define PAUSE_LEAST_NS (NS_PER_SECOND / 4)
#define PAUSE_MOST_NS  (30 * NS_PER_SECOND)
#define NICK_PAUSE_NS  (2 * NS_PER_SECOND)
#define FAREWELL_NS    (2 * NS_PER_SECOND) /* that we wait for the server's goodbye */
#define NEVER          INT64_MAX

static struct {
	const struct server_address *address;
	struct connection connection;
	struct conversation conversation;
	struct dialer dialer;
	int signals;
	bool ended;       /* by a signal */
	int64_t pause_ns; /* before the next try to connect */
	int64_t due_ns;   /* when that is, or when to ask for the nick */
	/* For the status line; "" when connected. */
	char trouble[CONNECTION_PROBLEM_SIZE + sizeof("not connected: ")];
} session = { .connection.descriptor = -1, .dialer.done = -1, .signals = -1 };

/* The screen's questions. */

static void complete(struct span text, struct completion *completion)
{
	completion_find(completion, &session.conversation.commands, &session.conversation.view,
			text);
	if (completion->count == 0) {
		conversation_ask_rooms(&session.conversation); /* then the next Tab may know */
	}
}

static size_t tell_status(size_t columns, char *line)
{
	return status_line(&session.conversation.view, session.trouble, columns, line);
}

static void tell_prompt(char *prompt)
{
	const struct view_room *room = view_current(&session.conversation.view);

	snprintf(prompt, STATUS_LINE_SIZE, "%s> ", room ? room->name : "");
}

/* The connection. */

static void plan(int64_t pause_ns)
{
	session.due_ns = clock_deadline(pause_ns);
}

static void lose_connection(void)
{
	connection_close(&session.connection);
	conversation_lost(&session.conversation, clock_wall_ns());
	snprintf(session.trouble, sizeof(session.trouble), "not connected, trying again");
	session.pause_ns = PAUSE_LEAST_NS;
	plan(session.pause_ns);
}

/* The pause doubles, and half of it is by chance, so that not all clients come at once. */
static void plan_next_try(const char *problem)
{
	int64_t half_ns = session.pause_ns;

	session.pause_ns = 2 * half_ns < PAUSE_MOST_NS ? 2 * half_ns : PAUSE_MOST_NS;
	plan(half_ns + (int64_t)((double)half_ns * (double)random() / (double)RAND_MAX));
	snprintf(session.trouble, sizeof(session.trouble), "not connected: %s", problem);
}

static void take_connection(void)
{
	char problem[CONNECTION_PROBLEM_SIZE];

	if (!dialer_take(&session.dialer, &session.connection, problem)) {
		session.connection.descriptor = -1;
		plan_next_try(problem);
		return;
	}
	session.trouble[0] = '\0';
	session.due_ns = NEVER;
	conversation_remark(&session.conversation, clock_wall_ns(), "Connected again.");
	conversation_connected(&session.conversation);
}

/* Something that was planned is due. */
static void act(void)
{
	session.due_ns = NEVER;
	if (session.conversation.connected) {
		conversation_ask_nick(&session.conversation);
	} else if (session.dialer.done < 0 && !dialer_start(&session.dialer, session.address)) {
		plan_next_try("no thread");
	}
}

static void write_out(void)
{
	struct conversation *conversation = &session.conversation;
	size_t written = 0;

	if (conversation->out_length == 0) {
		return;
	}
	/* A break is seen, after all that still came, when we read. */
	connection_write(&session.connection, conversation->out, conversation->out_length,
			 &written);
	conversation_sent(conversation, written);
}

static void show(void)
{
	static char wrapped[WRAP_SIZE(CONVERSATION_SHOWN_SIZE)];
	size_t length = conversation_whole_lines(&session.conversation);
	struct span lines = { session.conversation.shown, length };

	screen_show(wrapped, wrap_lines(lines, screen_columns(), wrapped));
	conversation_displayed(&session.conversation, length);
}

static void read_server(void)
{
	enum connection_state state = connection_fill(&session.connection);
	struct span line;

	while (connection_take_line(&session.connection, &line)) {
		conversation_hear(&session.conversation, line, clock_wall_ns());
		if (session.conversation.shown_length > CONVERSATION_SHOWN_SIZE / 2) {
			show();
		}
	}
	if (session.conversation.wants_nick && session.due_ns == NEVER) {
		plan(NICK_PAUSE_NS);
	}
	if (state != CONNECTION_OPEN) {
		lose_connection();
	}
}

/* Waiting. */

static int timeout_ms(void)
{
	int64_t left_ns = session.due_ns - clock_monotonic_ns();

	if (session.due_ns == NEVER) {
		return -1;
	}
	return left_ns <= 0 ? 0 : (int)(left_ns / NS_PER_MS) + 1;
}

static bool is_over(void)
{
	return session.conversation.over || session.ended;
}

/* Serves all but the keyboard, once. With KEYS it waits for a key, too: true when there is one. */
static bool serve(bool keys)
{
	bool pending = session.conversation.out_length > 0;
	struct pollfd polled[] = {
		{ .fd = session.connection.descriptor,
		  .events = (short)(POLLIN | (pending ? POLLOUT : 0)) },
		{ .fd = session.dialer.done, .events = POLLIN },
		{ .fd = session.signals, .events = POLLIN },
		{ .fd = keys ? STDIN_FILENO : -1, .events = POLLIN },
	};

	if (poll(polled, sizeof(polled) / sizeof(polled[0]), timeout_ms()) < 0) {
		return false;
	}
	if ((polled[0].revents & ~POLLOUT) != 0) {
		read_server();
	}
	if (polled[1].revents != 0) {
		take_connection();
	}
	if (clock_monotonic_ns() >= session.due_ns) {
		act();
	}
	if (session.connection.descriptor >= 0) {
		write_out();
	}
	return polled[3].revents != 0;
}

static bool wait_for_key(void)
{
	for (;;) {
		show();
		bool key = serve(true);
		enum screen_signal signal = screen_handle_signals();
		session.ended = session.ended || signal == SCREEN_END;
		if (is_over()) {
			return false;
		}
		if (key || signal == SCREEN_KEY) {
			return true;
		}
	}
}

static void enter_line(struct span line)
{
	if (conversation_keeps(line)) {
		screen_remember(line);
	}
	conversation_type(&session.conversation, line, clock_wall_ns());
}

/* What was pasted may be several lines. */
static void enter(struct span lines)
{
	const char *end;

	while ((end = memchr(lines.text, '\n', lines.length))) {
		size_t length = (size_t)(end - lines.text);
		enter_line((struct span){ lines.text, length });
		lines = (struct span){ end + 1, lines.length - length - 1 };
	}
	enter_line(lines);
}

static void converse(void)
{
	struct span lines;

	while (!is_over() && screen_read_line(&lines)) {
		enter(lines);
	}
}

/* Waits a moment for the goodbye; what still comes before it is shown. */
static void take_leave(void)
{
	int64_t end_ns = clock_deadline(FAREWELL_NS);

	if (!session.conversation.over) {
		conversation_leave(&session.conversation);
	}
	while (!session.conversation.over && session.conversation.connected &&
	       clock_monotonic_ns() < end_ns) {
		write_out();
		session.due_ns = end_ns;
		serve(false);
	}
	show();
}

static void tell_open_booking(struct span line)
{
	char clean[PENDING_LINE_SIZE * TEXT_GROWTH];
	size_t length = text_clean(line.text, line.length, clean);

	printf("Not answered: %.*s (to enter this again is safe)\n", (int)length, clean);
}

/* Bookings whose answer is not known when the user leaves. */
static void tell_open_bookings(void)
{
	const struct pending *pending = &session.conversation.pending;

	for (size_t i = 0; i < pending->count; i++) {
		const struct pending_entry *entry = pending_at(pending, i);
		struct span line = { entry->line, entry->length };
		if (pending_repeatable(line)) {
			tell_open_booking(line);
		}
	}
}

int interactive_run(const struct server_address *address)
{
	bool colour = terminal_style(STDOUT_FILENO).colour;
	const struct screen_user user = { wait_for_key, complete, tell_status, tell_prompt,
					  colour };
	struct siphash_key key;

	session.address = address;
	session.due_ns = NEVER;
	connection_open_or_die(&session.connection, address);
	siphash_key_make(&key);
	srandom((unsigned)key.words[1]);
	conversation_init(&session.conversation,
			  (struct render_style){ .rich = true, .colour = colour }, key.words[0]);
	session.signals = screen_open(&user);
	if (session.signals < 0) {
		die("cannot use the terminal: %s", strerror(errno));
	}
	conversation_remark(&session.conversation, clock_wall_ns(), "Connected to %s port %s.",
			    address->host, server_address_port(address));
	show();
	conversation_connected(&session.conversation);
	write_out();
	converse();
	take_leave();
	screen_close();
	tell_open_bookings();
	connection_close(&session.connection);
	return EXIT_SUCCESS;
}
