#include "client/password/typed.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "shared/base/log.h"

/* What a person at the keyboard can end or stop the program with. */
static const int signals[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP };
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static volatile sig_atomic_t caught;

static void catch (int number)
{
	caught = number;
}

/*
 * A terminal that does not show what is typed, and what was there before. Signals are blocked but
 * while it is waited, so that none comes unseen in between.
 */
struct hidden {
	bool is_terminal;
	struct termios shown;
	struct sigaction actions[SIGNALS];
	sigset_t mask;
};

static void catch_signals(struct hidden *hidden)
{
	const struct sigaction action = { .sa_handler = catch };
	sigset_t blocked;

	caught = 0;
	sigemptyset(&blocked);
	for (size_t i = 0; i < SIGNALS; i++) {
		sigaddset(&blocked, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, &hidden->mask);
	for (size_t i = 0; i < SIGNALS; i++) {
		sigaction(signals[i], &action, &hidden->actions[i]);
	}
}

static void hide(struct hidden *hidden, const char *prompt)
{
	struct termios quiet;

	sigprocmask(SIG_BLOCK, NULL, &hidden->mask);
	hidden->is_terminal = tcgetattr(STDIN_FILENO, &hidden->shown) == 0;
	if (!hidden->is_terminal) {
		return;
	}
	catch_signals(hidden);
	quiet = hidden->shown;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	(void)fputs(prompt, stderr);
}

static void show(const struct hidden *hidden)
{
	if (!hidden->is_terminal) {
		return;
	}
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden->shown);
	(void)fputc('\n', stderr);
	for (size_t i = 0; i < SIGNALS; i++) {
		sigaction(signals[i], &hidden->actions[i], NULL);
	}
	sigprocmask(SIG_SETMASK, &hidden->mask, NULL);
}

/* Up to the line's end or the input's; how many bytes, or -1. */
static ssize_t read_line(const sigset_t *mask, char *bytes, size_t size)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	size_t length = 0;
	ssize_t got = 1;

	while (length < size && got > 0) {
		if (ppoll(&input, 1, NULL, mask) < 0) {
			return -1;
		}
		got = read(STDIN_FILENO, bytes + length, 1); /* what follows is somebody else's */
		if (got < 0) {
			return -1;
		}
		if (got > 0 && bytes[length] == '\n') {
			return (ssize_t)length;
		}
		length += (size_t)got;
	}
	return (ssize_t)length;
}

struct span typed_line(const char *prompt, char *bytes, size_t size)
{
	struct hidden hidden;
	ssize_t length;

	do {
		hide(&hidden, prompt);
		length = read_line(&hidden.mask, bytes, size);
		int error = errno;

		show(&hidden);
		if (hidden.is_terminal && caught) {
			(void)raise(caught); /* what it does to a program that did not ask for it */
		} else if (length < 0) {
			die("the standard input cannot be read: %s", strerror(error));
		}
	} while (length < 0); /* it was stopped, and goes on */
	if ((size_t)length == size) {
		die("the line is longer than %zu bytes", size - 1);
	}
	return (struct span){ bytes, (size_t)length };
}
