#include "tests/support/terminal.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "shared/text/text.h"

#define ESCAPE      '\033'
#define MARK_PASTES "?2004"

struct start {
	char *const *argv;
	const char *const *environment;
	char slave[64];
	struct winsize size;
};

static int run(void *argument)
{
	const struct start *start = argument;

	setsid();
	int slave = open(start->slave, O_RDWR);
	child_check(slave >= 0);
	child_check(ioctl(slave, TIOCSCTTY, 0) == 0);
	child_check(ioctl(slave, TIOCSWINSZ, &start->size) == 0);
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
		dup2(slave, i);
	}
	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	setenv("TZ", "UTC0", 1);
	for (const char *const *at = start->environment; *at; at++) {
		child_check(putenv(strdup(*at)) == 0);
	}
	execv(start->argv[0], start->argv);
	return 127;
}

static void clear(struct terminal *terminal)
{
	for (size_t row = 0; row < TERMINAL_ROWS; row++) {
		terminal->wraps[row] = false;
		for (size_t column = 0; column < TERMINAL_COLUMNS; column++) {
			terminal->cells[row][column] = ' ';
		}
	}
	terminal->row = 0;
	terminal->column = 0;
}

void terminal_start(struct terminal *terminal, char *const *argv, const char *const *environment,
		    size_t rows, size_t columns)
{
	struct start start = {
		.argv = argv,
		.environment = environment,
		.size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns },
	};

	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
	memset(terminal, 0, sizeof(*terminal));
	terminal->rows = rows;
	terminal->columns = columns;
	clear(terminal);
	terminal->descriptor = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	cr_assert_geq(terminal->descriptor, 0);
	cr_assert_eq(grantpt(terminal->descriptor), 0);
	cr_assert_eq(unlockpt(terminal->descriptor), 0);
	cr_assert_eq(ptsname_r(terminal->descriptor, start.slave, sizeof(start.slave)), 0);
	terminal->child = child_start(run, &start);
}

/* What is written. */

static void erase(struct terminal *terminal, size_t row, size_t from, size_t to)
{
	for (size_t column = from; column < to; column++) {
		terminal->cells[row][column] = ' ';
	}
	if (to == terminal->columns) {
		terminal->wraps[row] = false;
	}
}

static void line_feed(struct terminal *terminal)
{
	if (terminal->row + 1 < terminal->rows) {
		terminal->row++;
		return;
	}
	memmove(terminal->cells[0], terminal->cells[1],
		(terminal->rows - 1) * sizeof(terminal->cells[0]));
	memmove(terminal->wraps, terminal->wraps + 1,
		(terminal->rows - 1) * sizeof(terminal->wraps[0]));
	erase(terminal, terminal->row, 0, terminal->columns);
}

static void put_point(struct terminal *terminal, uint32_t point)
{
	int measured = wcwidth((wchar_t)point);
	size_t width = measured > 0 ? (size_t)measured : 0;

	if (width == 0) {
		return;
	}
	if (terminal->column + width > terminal->columns) {
		terminal->wraps[terminal->row] = true;
		line_feed(terminal);
		terminal->column = 0;
	}
	terminal->cells[terminal->row][terminal->column++] = point;
	if (width == 2) {
		terminal->cells[terminal->row][terminal->column++] = 0;
	}
}

static void shift(struct terminal *terminal, size_t count, bool right)
{
	uint32_t *row = terminal->cells[terminal->row];
	size_t at = terminal->column;
	size_t behind = terminal->columns - at;

	count = count < behind ? count : behind;
	if (right) {
		memmove(row + at + count, row + at, (behind - count) * sizeof(*row));
		erase(terminal, terminal->row, at, at + count);
	} else {
		memmove(row + at, row + at + count, (behind - count) * sizeof(*row));
		erase(terminal, terminal->row, terminal->columns - count, terminal->columns);
	}
}

static void erase_below(struct terminal *terminal)
{
	erase(terminal, terminal->row, terminal->column, terminal->columns);
	for (size_t row = terminal->row + 1; row < terminal->rows; row++) {
		erase(terminal, row, 0, terminal->columns);
	}
}

static size_t less(size_t value, size_t by)
{
	return value > by ? value - by : 0;
}

static size_t more(size_t value, size_t by, size_t end)
{
	return value + by < end ? value + by : end - 1;
}

/* A whole sequence ESC [ NUMBERS LETTER. */
static void obey(struct terminal *terminal, char letter)
{
	size_t number = strtoul(terminal->escape + 2, NULL, 10);
	size_t count = number == 0 ? 1 : number;

	switch (letter) {
	case 'A': terminal->row = less(terminal->row, count); break;
	case 'B': terminal->row = more(terminal->row, count, terminal->rows); break;
	case 'C': terminal->column = more(terminal->column, count, terminal->columns); break;
	case 'D': terminal->column = less(terminal->column, count); break;
	case 'G': terminal->column = more(0, count - 1, terminal->columns); break;
	case 'H': terminal->row = terminal->column = 0; break;
	case 'J':
		if (number == 2) {
			terminal->row = terminal->column = 0;
		}
		erase_below(terminal);
		break;
	case 'K': erase(terminal, terminal->row, terminal->column, terminal->columns); break;
	case 'P': shift(terminal, count, false); break;
	case '@': shift(terminal, count, true); break;
	case 'm': terminal->saw_colour = true; break;
	case 'h':
	case 'l':
		if (strncmp(terminal->escape + 2, MARK_PASTES, strlen(MARK_PASTES)) == 0) {
			terminal->marks_pastes = letter == 'h';
		}
		break;
	default: cr_assert_fail("the screen does not know ESC [ ... %c", letter);
	}
}

/* The bytes of one escape sequence, one after the other. */
static void take_escape(struct terminal *terminal, char byte)
{
	cr_assert_lt(terminal->escape_length + 1, sizeof(terminal->escape));
	terminal->escape[terminal->escape_length++] = byte;
	terminal->escape[terminal->escape_length] = '\0';
	if (terminal->escape_length < 2 || (terminal->escape_length == 2 && byte == '[')) {
		return;
	}
	if (terminal->escape[1] == '[' && (byte < '@' || byte > '~')) {
		return;
	}
	if (terminal->escape[1] == '[') {
		obey(terminal, byte);
	}
	terminal->escape_length = 0;
}

static void take_control(struct terminal *terminal, char byte)
{
	switch (byte) {
	case '\r': terminal->column = 0; break;
	case '\n': line_feed(terminal); break;
	case '\b': terminal->column = less(terminal->column, 1); break;
	default: break;
	}
}

/* Returns how many bytes were taken: a character may be cut. */
static size_t take_some(struct terminal *terminal, const char *bytes, size_t length)
{
	uint32_t point;

	if (terminal->escape_length > 0 || bytes[0] == ESCAPE) {
		take_escape(terminal, bytes[0]);
		return 1;
	}
	if ((unsigned char)bytes[0] < ' ') {
		take_control(terminal, bytes[0]);
		return 1;
	}
	size_t used = text_decode(bytes, length, &point);
	if (point == 0xFFFD && used == length && length < 4) {
		return 0;
	}
	put_point(terminal, point);
	return used;
}

/* Reads what there is now, or comes within WAIT_MS; false at the end. */
static bool read_some(struct terminal *terminal, int wait_ms)
{
	static char bytes[65536];
	static size_t kept;
	struct pollfd polled = { .fd = terminal->descriptor, .events = POLLIN };

	if (poll(&polled, 1, wait_ms) <= 0) {
		return true;
	}
	ssize_t count = read(terminal->descriptor, bytes + kept, sizeof(bytes) - kept);
	if (count <= 0) {
		return false;
	}
	size_t end = kept + (size_t)count, at = 0, used;
	while (at < end && (used = take_some(terminal, bytes + at, end - at)) > 0) {
		at += used;
	}
	kept = end - at;
	memmove(bytes, bytes + at, kept);
	return true;
}

/* What is seen. */

static size_t encode(uint32_t point, char *text)
{
	mbstate_t state = { 0 };
	size_t length = wcrtomb(text, (wchar_t)point, &state);

	return length == (size_t)-1 ? 0 : length;
}

static void read_row(const struct terminal *terminal, size_t row, char text[TERMINAL_ROW_SIZE])
{
	size_t length = 0;

	for (size_t column = 0; column < terminal->columns; column++) {
		if (terminal->cells[row][column] != 0) {
			length += encode(terminal->cells[row][column], text + length);
		}
	}
	while (length > 0 && text[length - 1] == ' ') {
		length--;
	}
	text[length] = '\0';
}

static _Noreturn void fail(struct place place, const struct terminal *terminal, const char *text)
{
	static char screen[TERMINAL_ROWS * TERMINAL_ROW_SIZE];
	char row[TERMINAL_ROW_SIZE];
	size_t length = 0;

	for (size_t i = 0; i < terminal->rows; i++) {
		read_row(terminal, i, row);
		length += (size_t)snprintf(screen + length, sizeof(screen) - length, "%s%s\n",
					   i == terminal->row ? ">>" : "| ", row);
	}
	cr_assert_fail("%s:%d: there is no '%s' on the screen:\n%s", place.file, place.line, text,
		       screen);
	abort();
}

static bool row_is(const struct terminal *terminal, size_t above, const char *text)
{
	char row[TERMINAL_ROW_SIZE];

	if (above > terminal->row) {
		return false;
	}
	read_row(terminal, terminal->row - above, row);
	return strcmp(row, text) == 0;
}

void terminal_expect_at(struct place place, struct terminal *terminal, size_t above,
			const char *text)
{
	int64_t end_ns = clock_deadline(TALK_TIMEOUT_NS);
	bool more_comes = true;

	while (!row_is(terminal, above, text)) {
		if (!more_comes || clock_monotonic_ns() > end_ns) {
			fail(place, terminal, text);
		}
		more_comes = read_some(terminal, 10);
	}
}

void terminal_look(struct terminal *terminal)
{
	(void)read_some(terminal, 10);
}

size_t terminal_count(struct terminal *terminal, const char *text)
{
	char row[TERMINAL_ROW_SIZE];
	size_t count = 0;

	for (size_t i = 0; i < terminal->rows; i++) {
		read_row(terminal, i, row);
		count += strstr(row, text) != NULL;
	}
	return count;
}

void terminal_expect_some_at(struct place place, struct terminal *terminal, const char *text)
{
	int64_t end_ns = clock_deadline(TALK_TIMEOUT_NS);
	bool more_comes = true;

	while (terminal_count(terminal, text) == 0) {
		if (!more_comes || clock_monotonic_ns() > end_ns) {
			fail(place, terminal, text);
		}
		more_comes = read_some(terminal, 10);
	}
}

void terminal_type_at(struct place place, struct terminal *terminal, const char *text)
{
	size_t length = strlen(text);

	if (write(terminal->descriptor, text, length) != (ssize_t)length) {
		fail(place, terminal, text);
	}
}

/* Lines wrap anew, as they do on most terminals of today. */
void terminal_resize(struct terminal *terminal, size_t rows, size_t columns)
{
	static struct terminal before;
	const struct winsize size = { .ws_row = (unsigned short)rows,
				      .ws_col = (unsigned short)columns };
	size_t row = 0, column = 0;

	before = *terminal;
	clear(terminal);
	terminal->rows = rows;
	terminal->columns = columns;
	for (size_t i = 0; i <= before.row; i++) {
		char text[TERMINAL_ROW_SIZE];
		read_row(&before, i, text);
		size_t used = i == before.row ? before.column : before.columns;
		size_t blank = text[0] == '\0' && !before.wraps[i] ? 0 : used;
		while (i < before.row && blank > 0 && !before.wraps[i] &&
		       before.cells[i][blank - 1] == ' ') {
			blank--;
		}
		for (size_t j = 0; j < blank; j++) {
			if (before.cells[i][j] != 0) {
				put_point(terminal, before.cells[i][j]);
			}
		}
		if (i == before.row || before.wraps[i]) {
			continue;
		}
		line_feed(terminal);
		terminal->column = 0;
	}
	row = terminal->row;
	column = terminal->column;
	/* What stands behind the cursor in its row. */
	for (size_t j = before.column; j < before.columns; j++) {
		if (before.cells[before.row][j] != 0) {
			put_point(terminal, before.cells[before.row][j]);
		}
	}
	terminal->row = row;
	terminal->column = column;
	cr_assert_eq(ioctl(terminal->descriptor, TIOCSWINSZ, &size), 0);
}

int terminal_join(struct terminal *terminal)
{
	int64_t end_ns = clock_deadline(TALK_TIMEOUT_NS);

	while (read_some(terminal, 10) && clock_monotonic_ns() < end_ns) {
		continue;
	}
	return child_join(&terminal->child);
}

void terminal_finish(struct terminal *terminal)
{
	if (terminal->child.pid > 0) {
		child_kill(&terminal->child);
	}
	if (terminal->child.pid > 0) {
		close(terminal->descriptor);
	}
	terminal->child.pid = 0;
}
