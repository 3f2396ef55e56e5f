#include "client/chat/screen.h"

#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termcap.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "client/chat/keys.h"
#include "client/chat/render.h"
#include "client/chat/status_line.h"
#include "client/terminal/style.h"
#include "client/terminal/text_width.h"

#define HISTORY_LINES 500
#define OUTPUT_SIZE   65536
#define INTERRUPT     3    /* Ctrl-C, as a key */
#define PROMPT_ESCAPE '\1' /* libedit: what is between two of these takes no column */
#define LEAVING_HINT  "(Ctrl-D or /quit leaves)\n"
#define PASTE_HINT    "(These lines are not sent yet: Enter sends them, Ctrl-C drops them.)\n"
#define PASTE_KEY     0x80 /* for us to tell libedit: nobody types a control of the second kind */
#define PASTE_BIND    "\\200"
#define PASTE_MS      200 /* after this long a paste that did not begin does not come any more */
#define MARK_PASTES   "\033[?2004h"
#define LEAVE_PASTES  "\033[?2004l"

/* What stands below all else. */
struct foot {
	size_t status_length;
	char status[STATUS_LINE_SIZE];
	char prompt[STATUS_LINE_SIZE];
};

static struct {
	const struct screen_user *user;
	EditLine *editor;
	History *history;
	int signals;
	sigset_t signals_before;
	struct termios terminal_before;
	bool reading; /* libedit has a line in work: it can draw the prompt */
	bool drawn;   /* status and prompt are on the screen */
	bool interrupted;
	bool pasted;        /* there is a paste to be put in */
	struct keys keys;   /* what was read */
	struct span queued; /* what libedit has not taken of it */
	mbstate_t partial;  /* a character whose bytes are not all there */
	struct foot foot;
	char coloured_prompt[STATUS_LINE_SIZE + 32];
} screen;

size_t screen_columns(void)
{
	return terminal_columns(STDOUT_FILENO);
}

bool screen_possible(void)
{
	const char *terminal = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && terminal && terminal[0] != '\0' &&
	       strcmp(terminal, "dumb") != 0;
}

/* What is being typed, up to the cursor, or all of it. */
static struct span typed(bool all)
{
	const LineInfo *line = el_line(screen.editor);
	const char *end = all ? line->lastchar : line->cursor;

	return (struct span){ line->buffer, (size_t)(end - line->buffer) };
}

/* Erases status and prompt, the cursor being ROW rows below the prompt's first. */
static void erase_from(size_t row)
{
	struct span status = { screen.foot.status, screen.foot.status_length };
	size_t columns = screen_columns();

	if (screen.drawn) {
		printf("\r\033[%zuA\033[J", row + text_width_rows(text_width(status), columns));
	}
	screen.drawn = false;
}

static void erase(void)
{
	if (screen.drawn) {
		erase_from(text_width_cursor_row(text_width_edited(span_of(screen.foot.prompt)),
						 typed(false), screen_columns()));
	}
}

static void ask_foot(struct foot *foot)
{
	foot->status_length = screen.user->status(screen_columns(), foot->status);
	screen.user->prompt(foot->prompt);
}

static bool foot_is(const struct foot *foot)
{
	return foot->status_length == screen.foot.status_length &&
	       memcmp(foot->status, screen.foot.status, foot->status_length) == 0 &&
	       strcmp(foot->prompt, screen.foot.prompt) == 0;
}

static void draw_status(void)
{
	bool colour = screen.user->colour;

	printf("%s%.*s%s\n", colour ? "\033[7m" : "", (int)screen.foot.status_length,
	       screen.foot.status, colour ? RENDER_PLAIN : "");
	screen.drawn = true;
}

static void draw(void)
{
	draw_status();
	if (screen.reading) {
		el_set(screen.editor, EL_REFRESH);
	}
	fflush(stdout);
}

static void show_anew(const char *text, size_t length)
{
	erase();
	fwrite(text, 1, length, stdout);
	ask_foot(&screen.foot);
	if (screen.reading) {
		draw();
	}
	fflush(stdout);
}

void screen_show(const char *text, size_t length)
{
	struct foot foot;

	ask_foot(&foot);
	if (length > 0 || !foot_is(&foot)) {
		show_anew(text, length);
	}
}

/* libedit's questions. */

static char *tell_prompt(EditLine *editor)
{
	(void)editor;
	snprintf(screen.coloured_prompt, sizeof(screen.coloured_prompt), "%s%s%s",
		 screen.user->colour ? "\1" RENDER_BOLD "\1" : "", screen.foot.prompt,
		 screen.user->colour ? "\1" RENDER_PLAIN "\1" : "");
	return screen.coloured_prompt;
}

/* A byte of a character; false when more are to come. */
static bool take_byte(char byte, wchar_t *key)
{
	size_t used = mbrtowc(key, &byte, 1, &screen.partial);

	if (used == (size_t)-2) {
		return false;
	}
	if (used == (size_t)-1) {
		memset(&screen.partial, 0, sizeof(screen.partial));
		*key = 0xFFFD;
	}
	return true;
}

/*
 * A character of what is queued. Controls of the second kind, which no keyboard has, are left out.
 */
static bool take_queued(wchar_t *key)
{
	while (screen.queued.length > 0) {
		char byte = *screen.queued.text++;

		screen.queued.length--;
		if (take_byte(byte, key) && !(*key >= 0x80 && *key <= 0x9F)) {
			return true;
		}
	}
	return false;
}

/* The way in which el_set(3) takes a key's name. */
static void name_key(struct span sequence, char name[2 * KEYS_SEQUENCE_SIZE + 1])
{
	size_t length = 0;

	for (size_t i = 0; i < sequence.length; i++) {
		if (sequence.text[i] == '\\' || sequence.text[i] == '^') {
			name[length++] = '\\';
		}
		name[length++] = sequence.text[i];
	}
	name[length] = '\0';
}

/*
 * Whether libedit, as the user's ~/.editrc has set it up, knows this key. It says so by printing
 * the binding, or on the other stream that there is none.
 */
static bool is_bound(struct span sequence)
{
	char name[2 * KEYS_SEQUENCE_SIZE + 1];
	char *bound = NULL, *unbound = NULL;
	size_t bound_length = 0, unbound_length = 0;
	FILE *yes = open_memstream(&bound, &bound_length);
	FILE *no = open_memstream(&unbound, &unbound_length);

	name_key(sequence, name);
	if (yes && no) {
		el_set(screen.editor, EL_SETFP, 1, yes);
		el_set(screen.editor, EL_SETFP, 2, no);
		el_set(screen.editor, EL_BIND, name, NULL);
		el_set(screen.editor, EL_SETFP, 1, stdout);
		el_set(screen.editor, EL_SETFP, 2, stderr);
	}
	if (yes) {
		fclose(yes);
	}
	if (no) {
		fclose(no);
	}
	free(bound);
	free(unbound);
	return bound_length > 0 && unbound_length == 0;
}

static void take_key_byte(char byte)
{
	switch (keys_take(&screen.keys, byte, &screen.queued)) {
	case KEYS_SEQUENCE:
		if (!is_bound(screen.queued)) {
			screen.queued.length = 0;
		}
		break;
	case KEYS_PASTE: screen.pasted = true; break;
	case KEYS_TYPED:
	case KEYS_MORE: break;
	}
}

/* Waits for the keyboard, and takes a byte of it, or what else is as good as a key. */
static bool take_input(void)
{
	struct pollfd keyboard = { .fd = STDIN_FILENO, .events = POLLIN };
	char byte;

	if (keys_may_be_enter(&screen.keys) && poll(&keyboard, 1, PASTE_MS) == 0) {
		keys_end_paste(&screen.keys, &screen.queued);
		return true;
	}
	if (!screen.user->wait()) {
		return false;
	}
	if (screen.interrupted) {
		return true;
	}
	if (read(STDIN_FILENO, &byte, 1) != 1) {
		return false;
	}
	take_key_byte(byte);
	return true;
}

static int read_key(EditLine *editor, wchar_t *key)
{
	(void)editor;
	while (!take_queued(key)) {
		if (!take_input()) {
			erase();
			return 0;
		}
		if (screen.interrupted) {
			screen.interrupted = false;
			keys_init(&screen.keys);
			*key = INTERRUPT;
			return 1;
		}
		if (screen.pasted) {
			screen.pasted = false;
			*key = PASTE_KEY;
			return 1;
		}
	}
	return 1;
}

/* A paste is put in as a whole, its line feeds too: nothing is sent before the user's own Enter. */
static unsigned char on_paste(EditLine *editor, int key)
{
	static char text[KEYS_TEXT_SIZE];

	(void)key;
	keys_paste_text(&screen.keys, text);
	if (strchr(text, '\n')) {
		show_anew(PASTE_HINT, strlen(PASTE_HINT));
	}
	return el_insertstr(editor, text) == 0 ? CC_REFRESH : CC_REFRESH_BEEP;
}

/* Ctrl-C: the line is dropped; where there is none, says how to leave. */
static unsigned char on_interrupt(EditLine *editor, int key)
{
	const LineInfo *line = el_line(editor);

	(void)key;
	if (line->lastchar == line->buffer) {
		show_anew(LEAVING_HINT, strlen(LEAVING_HINT));
		return CC_NORM;
	}
	erase();
	el_cursor(editor, (int)(line->lastchar - line->cursor));
	const LineInfoW *wide = el_wline(editor);
	el_deletestr(editor, (int)(wide->cursor - wide->buffer));
	draw();
	return CC_NORM;
}

static unsigned char on_clear(EditLine *editor, int key)
{
	(void)editor;
	(void)key;
	printf("\033[H\033[2J");
	draw();
	return CC_NORM;
}

/* How many characters the last BYTES before the cursor are. */
static int count_points(struct span text, size_t bytes)
{
	int count = 0;

	for (size_t i = text.length - bytes; i < text.length; i++) {
		count += ((unsigned char)text.text[i] & 0xC0) != 0x80;
	}
	return count;
}

static unsigned char on_tab(EditLine *editor, int key)
{
	static struct completion completion;
	static char list[COMPLETION_LIST_SIZE];
	char inserted[COMPLETION_WORD_SIZE + 2];
	struct span text = typed(false);

	(void)key;
	screen.user->complete(text, &completion);
	completion_insert(&completion, text, inserted);
	if (completion.count == 0) {
		return CC_REFRESH_BEEP;
	}
	if (inserted[0] == '\0') {
		show_anew(list, completion_list(&completion, screen_columns(), list));
		return CC_NORM;
	}
	el_deletestr(editor, count_points(text, completion.replaced));
	return el_insertstr(editor, inserted) == 0 ? CC_REFRESH : CC_REFRESH_BEEP;
}

/* Opening and closing. */

/* The protocol is UTF-8, whatever the user's locale says; its other parts are left as they are. */
static void use_utf8(void)
{
	setlocale(LC_ALL, "");
	if (!terminal_is_utf8()) {
		setlocale(LC_CTYPE, "C.UTF-8");
	}
}

/*
 * A terminal that this machine has not heard of is most likely a new one, and those speak xterm's
 * language: better than to do without an editor.
 */
static void use_known_terminal(void)
{
	char *terminal = getenv("TERM");

	if (terminal && tgetent(NULL, terminal) <= 0) {
		setenv("TERM", "xterm", 1);
	}
}

static int take_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGWINCH);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTSTP);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, &screen.signals_before);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void set_up_history(void)
{
	HistEvent event;

	screen.history = history_init();
	if (!screen.history) {
		return;
	}
	history(screen.history, &event, H_SETSIZE, HISTORY_LINES);
	history(screen.history, &event, H_SETUNIQUE, 1);
	el_set(screen.editor, EL_HIST, history, screen.history);
}

/* What most keyboards of today have and libedit does not know by itself. */
static void bind_usual_keys(void)
{
	static const char *const usual[][2] = {
		{ "\\e[1;5D", "ed-prev-word" },      /* Ctrl-Left */
		{ "\\e[1;5C", "em-next-word" },      /* Ctrl-Right */
		{ "\\e[1~", "ed-move-to-beg" },      /* Home */
		{ "\\e[4~", "ed-move-to-end" },      /* End */
		{ "\\e[3~", "ed-delete-next-char" }, /* Delete */
	};

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		el_set(screen.editor, EL_BIND, usual[i][0], usual[i][1], NULL);
	}
}

/* The user's ~/.editrc may choose vi's keys; ours come after it. */
static void set_up_keys(void)
{
	el_set(screen.editor, EL_EDITOR, "emacs");
	bind_usual_keys();
	el_source(screen.editor, NULL);
	/* Wide, since libedit copies a narrow name and never frees the copy. */
	el_wset(screen.editor, EL_ADDFN, L"chat-complete", L"Completes a word", on_tab);
	el_wset(screen.editor, EL_ADDFN, L"chat-interrupt", L"Drops the line", on_interrupt);
	el_wset(screen.editor, EL_ADDFN, L"chat-clear", L"Clears the screen", on_clear);
	el_wset(screen.editor, EL_ADDFN, L"chat-paste", L"Puts a paste in", on_paste);
	el_set(screen.editor, EL_BIND, "^I", "chat-complete", NULL);
	el_set(screen.editor, EL_BIND, "^C", "chat-interrupt", NULL);
	el_set(screen.editor, EL_BIND, "^L", "chat-clear", NULL);
	el_set(screen.editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_set(screen.editor, EL_BIND, PASTE_BIND, "chat-paste", NULL);
	el_set(screen.editor, EL_BIND, "-a", PASTE_BIND, "chat-paste", NULL);
}

int screen_open(const struct screen_user *user)
{
	use_utf8();
	use_known_terminal();
	screen.user = user;
	tcgetattr(STDIN_FILENO, &screen.terminal_before);
	/* What is written between two moments of waiting goes out at once. */
	setvbuf(stdout, NULL, _IOFBF, OUTPUT_SIZE);
	screen.editor = el_init("turnstile", stdin, stdout, stderr);
	if (!screen.editor) {
		return -1;
	}
	set_up_keys();
	set_up_history();
	el_set(screen.editor, EL_PROMPT_ESC, tell_prompt, PROMPT_ESCAPE);
	el_set(screen.editor, EL_GETCFN, read_key);
	/* Between two lines the terminal must not echo what is typed ahead. */
	el_set(screen.editor, EL_SETTY, "-x", "-echo", NULL);
	fputs(MARK_PASTES, stdout);
	screen.signals = take_signals();
	return screen.signals;
}

void screen_close(void)
{
	if (screen.history) {
		history_end(screen.history);
	}
	el_end(screen.editor);
	fputs(LEAVE_PASTES, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &screen.terminal_before);
	close(screen.signals);
	sigprocmask(SIG_SETMASK, &screen.signals_before, NULL);
}

static void resize(void)
{
	el_resize(screen.editor);
	show_anew("", 0);
}

/* Ctrl-Z: the shell gets the terminal as it gave it. */
static void suspend(void)
{
	erase();
	fputs(LEAVE_PASTES, stdout);
	fflush(stdout);
	el_set(screen.editor, EL_PREP_TERM, 0);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &screen.terminal_before);
	raise(SIGSTOP);
	el_set(screen.editor, EL_PREP_TERM, 1);
	fputs(MARK_PASTES, stdout);
	resize();
}

enum screen_signal screen_handle_signals(void)
{
	struct signalfd_siginfo signal;
	enum screen_signal seen = SCREEN_GO_ON;

	while (read(screen.signals, &signal, sizeof(signal)) == (ssize_t)sizeof(signal)) {
		switch (signal.ssi_signo) {
		case SIGWINCH: resize(); break;
		case SIGTSTP: suspend(); break;
		case SIGINT:
			screen.interrupted = true;
			seen = SCREEN_KEY;
			break;
		default: return SCREEN_END;
		}
	}
	return seen;
}

bool screen_read_line(struct span *line)
{
	int count = 0;

	ask_foot(&screen.foot);
	draw_status();
	screen.reading = true;
	const char *text = el_gets(screen.editor, &count);
	screen.reading = false;
	if (!text || count <= 0) {
		erase_from(0);
		return false;
	}
	*line = (struct span){ text, (size_t)count };
	if (text[count - 1] == '\n') {
		line->length--;
	}
	/* The cursor is now below the last row of the line. */
	erase_from(1 + text_width_cursor_row(text_width_edited(span_of(screen.foot.prompt)), *line,
					     screen_columns()));
	return true;
}

void screen_remember(struct span line)
{
	char text[LINE_MAX_BYTES + 1];
	HistEvent event;

	snprintf(text, sizeof(text), "%.*s", (int)line.length, line.text);
	if (screen.history && line.length > 0) {
		history(screen.history, &event, H_ENTER, text);
	}
}
