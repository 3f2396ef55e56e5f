#include "server/process/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/config/listener_option.h"
#include "server/process/handover.h"
#include "shared/base/log.h"
#include "shared/process/channel.h"
#include "shared/process/process.h"

#define FIRST_PASSED    3   /* descriptor, after the standard ones */
#define NAMES_SIZE      512 /* bytes of what the passed listeners are called */
#define NUMBER_SIZE     16
#define EXIT_CANNOT_RUN 127

struct launcher {
	struct process *process;
	int channel;
	char program[PATH_MAX];
	char *const *argv;
	pid_t master;
};

enum word { WORD_START, WORD_KILL };

/* With WORD_START come the channel and the passed listeners. */
struct order {
	uint32_t word;
	char names[NAMES_SIZE]; /* of the listeners, as LISTEN_FDNAMES has them */
};

/* In the program that is started */

static void set_number(const char *name, long long number)
{
	char text[NUMBER_SIZE * 2];

	(void)snprintf(text, sizeof(text), "%lld", number);
	(void)setenv(name, text, 1);
}

/* What named the old one names this one. */
static void set_watchdog(pid_t master)
{
	const char *pid = getenv("WATCHDOG_PID");

	if (pid && strtoll(pid, NULL, 10) == master) {
		set_number("WATCHDOG_PID", getpid());
	}
}

/* The channel comes first, and lies behind the listeners. */
static bool lay_out(const int *descriptors, size_t count)
{
	int high[CHANNEL_DESCRIPTORS_MAX];

	if (count == 0) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		high[i] = fcntl(descriptors[i], F_DUPFD_CLOEXEC, FIRST_PASSED + (int)count);
		if (high[i] < 0) {
			return false;
		}
	}
	for (size_t i = 1; i < count; i++) {
		(void)dup2(high[i], FIRST_PASSED + (int)i - 1);
	}
	return dup2(high[0], FIRST_PASSED + (int)count - 1) >= 0;
}

struct start {
	const struct launcher *launcher;
	const struct channel_message *message;
	const struct order *order;
};

static int run_program(void *argument)
{
	const struct start *start = argument;
	const struct launcher *launcher = start->launcher;
	const size_t count = start->message->descriptor_count;

	if (!lay_out(start->message->descriptors, count)) {
		return EXIT_CANNOT_RUN;
	}
	if (count > 1) {
		set_number("LISTEN_PID", getpid());
		set_number("LISTEN_FDS", (long long)count - 1);
		(void)setenv("LISTEN_FDNAMES", start->order->names, 1);
	}
	set_number(HANDOVER_VARIABLE, FIRST_PASSED + (long long)count - 1);
	set_watchdog(launcher->master);
	(void)execv(launcher->program, launcher->argv);
	log_error("%s cannot be run: %s", launcher->program, strerror(errno));
	return EXIT_CANNOT_RUN;
}

/* In the launcher */

static struct process *start_program(const struct launcher *launcher,
				     const struct channel_message *message,
				     const struct order *order)
{
	const struct process_options options = { .name = "turnstiled",
						 .keep = message->descriptors,
						 .keep_count = message->descriptor_count };
	struct start start = { launcher, message, order };
	struct process *program = process_start(&options, run_program, &start);

	if (!program) {
		log_error("%s cannot be started: %s", launcher->program, strerror(errno));
	}
	return program;
}

static void forget(struct process **program)
{
	process_destroy(*program);
	*program = NULL;
}

/* False when the master is gone. */
static bool obey(const struct launcher *launcher, struct process **program)
{
	struct channel_message message;
	struct order order = { .word = WORD_KILL };
	enum channel_result result = channel_receive(launcher->channel, &message);

	if (result == CHANNEL_EMPTY) {
		return true;
	}
	if (result != CHANNEL_OK && result != CHANNEL_CUT) {
		return false;
	}
	if (message.length == sizeof(order)) {
		memcpy(&order, message.bytes, sizeof(order));
		order.names[sizeof(order.names) - 1] = '\0';
	}
	forget(program);
	if (order.word == WORD_START && result == CHANNEL_OK && message.descriptor_count > 0) {
		*program = start_program(launcher, &message, &order);
	}
	for (size_t i = 0; i < message.descriptor_count; i++) {
		close(message.descriptors[i]);
	}
	return true;
}

/* What it started goes on when this ends with the master. */
static int launch(void *argument)
{
	const struct launcher *launcher = argument;
	struct process *program = NULL;
	bool there = true;

	log_rename("launcher");
	while (there) {
		struct pollfd ends[] = { { .fd = launcher->channel, .events = POLLIN },
					 { .fd = program ? process_descriptor(program) : -1,
					   .events = POLLIN } };

		if (poll(ends, sizeof(ends) / sizeof(ends[0]), -1) < 0 && errno != EINTR) {
			return EXIT_FAILURE;
		}
		if (program && !process_alive(program)) {
			forget(&program);
		}
		there = obey(launcher, &program);
	}
	return EXIT_SUCCESS;
}

/* In the master */

static bool find_program(struct launcher *launcher)
{
	ssize_t length =
		readlink("/proc/self/exe", launcher->program, sizeof(launcher->program) - 1);

	return length > 0;
}

static struct launcher *cannot(struct launcher *launcher, const char *why)
{
	log_warning("the program cannot be replaced while it runs (USR2): %s", why);
	free(launcher);
	return NULL;
}

static bool fork_launcher(struct launcher *launcher)
{
	int ends[2];

	if (!channel_open(ends)) {
		return false;
	}
	const struct process_options options = {
		.name = "turnstile-exec", .daemon = true, .keep = &ends[1], .keep_count = 1
	};

	launcher->channel = ends[1];
	launcher->process = process_start(&options, launch, launcher);
	launcher->channel = ends[0];
	close(ends[1]);
	return launcher->process;
}

struct launcher *launcher_create(char *const *argv)
{
	struct launcher *launcher = calloc(1, sizeof(*launcher));

	if (!launcher) {
		die("out of memory");
	}
	launcher->argv = argv;
	launcher->master = getpid();
	if (!find_program(launcher)) {
		return cannot(launcher, "its file has no name in /proc");
	}
	return fork_launcher(launcher) ? launcher : cannot(launcher, strerror(errno));
}

static void add_name(char *names, enum listener_kind kind)
{
	size_t length = strlen(names);

	(void)snprintf(names + length, NAMES_SIZE - length, "%s%s", length > 0 ? ":" : "",
		       listener_kind_name(kind));
}

bool launcher_start(struct launcher *launcher, int channel, const struct options *options,
		    const int *listeners)
{
	struct order order = { .word = WORD_START };
	int descriptors[1 + OPTIONS_LISTENERS_MAX] = { channel };
	size_t count = 1;

	for (size_t i = 0; i < options->listener_count; i++) {
		if (options->listeners[i].activated) {
			descriptors[count++] = listeners[i];
			add_name(order.names, options->listeners[i].kind);
		}
	}
	return channel_send(launcher->channel, &order, sizeof(order), descriptors, count) ==
	       CHANNEL_OK;
}

void launcher_look(struct launcher *launcher)
{
	if (launcher && launcher->process && !process_alive(launcher->process)) {
		log_warning("the launcher ended: the program cannot be replaced any more (USR2)");
		process_destroy(launcher->process);
		launcher->process = NULL;
	}
}

void launcher_kill(struct launcher *launcher)
{
	const struct order order = { .word = WORD_KILL };

	(void)channel_send(launcher->channel, &order, sizeof(order), NULL, 0);
}
