#include "tests/support/server.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/process/process.h"

#define READY_TIMEOUT_NS (20 * NS_PER_SECOND) /* sanitizers are slow to start */
#define STOP_TIMEOUT_NS  (20 * NS_PER_SECOND) /* twice the server's own time to drain */
#define GONE_TIMEOUT_NS  (2 * NS_PER_SECOND)
#define POLL_NS          (2 * NS_PER_MS)
#define ARGUMENTS_MAX    64
#define LOG_SHOWN_MAX    16384 /* bytes */
#define FIRST_PASSED     3     /* descriptor: sd_listen_fds(3) */
#define OUT_OF_THE_WAY   100   /* descriptors from here on are nobody's */

struct launch {
	const char *const *argv;
	int output;
	const char *log;
	const struct turnstiled *server;
};

/* Two steps, since a socket may now be where another has to go. */
static void place_sockets(const struct turnstiled *server)
{
	int aside[TURNSTILED_SOCKETS_MAX];

	for (size_t i = 0; i < server->passed_count; i++) {
		aside[i] = fcntl(server->passed[i], F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
	}
	for (size_t i = 0; i < server->passed_count; i++) {
		dup2(aside[i], FIRST_PASSED + (int)i);
	}
}

static void set_number(const char *variable, long number)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", number);
	setenv(variable, text, 1);
}

/* What a service manager does in the child that becomes the service. */
static void act_as_manager(const struct turnstiled *server)
{
	if (server->passed_count == 0) {
		return;
	}
	place_sockets(server);
	set_number("LISTEN_PID", getpid());
	set_number("LISTEN_FDS", (long)server->passed_count);
	if (*server->passed_names != '\0') {
		setenv("LISTEN_FDNAMES", server->passed_names, 1);
	}
}

/* In the child: stdout to us, stderr to the log, a process group of its own. */
static int run_program(void *argument)
{
	const struct launch *launch = argument;
	int log = open(launch->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	setpgid(0, 0);
	dup2(launch->output, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	act_as_manager(launch->server);
	if (launch->server->before_exec) {
		launch->server->before_exec();
	}
	/* execv does not change the words, whatever its prototype says. */
	char *argv[ARGUMENTS_MAX + 1] = { 0 };
	memcpy(argv, launch->argv, sizeof(argv));
	execv(argv[0], argv);
	perror(argv[0]);
	return 127;
}

__attribute__((format(printf, 2, 3))) static void fail(struct turnstiled *server,
						       const char *format, ...)
{
	char path[FOLDER_PATH_SIZE], message[512];
	char shown[LOG_SHOWN_MAX + 1];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	folder_file(&server->folder, "log", path);
	FILE *file = fopen(path, "re");
	size_t length = !file ? 0 : fread(shown, 1, LOG_SHOWN_MAX, file);
	shown[length] = '\0';
	if (file) {
		fclose(file);
	}
	turnstiled_finish(server);
	cr_assert_fail("%s; the server's log:\n%s", message, shown);
}

void turnstiled_init(struct turnstiled *server, const char *program)
{
	memset(server, 0, sizeof(*server));
	server->program = program;
	server->output = -1;
	folder_init(&server->folder);
	/* The workers of a killed master become ours, so that we see them end. */
	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

/* A line of the server's stdout, without its end; false when none comes in time. */
static bool read_line(const struct turnstiled *server, char *line, size_t size, int64_t deadline_ns)
{
	struct pollfd output = { .fd = server->output, .events = POLLIN };

	for (size_t length = 0; length < size; length++) {
		int64_t left_ns = deadline_ns - clock_monotonic_ns();
		if (left_ns <= 0 || poll(&output, 1, (int)(left_ns / NS_PER_MS) + 1) <= 0) {
			return false;
		}
		if (read(server->output, line + length, 1) != 1) {
			return false;
		}
		if (line[length] == '\n') {
			line[length] = '\0';
			return true;
		}
	}
	return false;
}

/* "listening KIND ADDRESS:PORT" or "ready pid=PID workers=N"; true after the latter. */
static bool take_line(struct turnstiled *server, const char *line)
{
	const char *port = strrchr(line, ':');
	unsigned long number = !port ? 0 : strtoul(port + 1, NULL, 10);

	if (strncmp(line, "listening lines ", 16) == 0) {
		server->lines_port = (uint16_t)number;
	} else if (strncmp(line, "listening echo ", 15) == 0) {
		server->echo_port = (uint16_t)number;
	} else if (strncmp(line, "listening http ", 15) == 0) {
		server->http_port = (uint16_t)number;
	} else if (strncmp(line, "listening https ", 16) == 0) {
		server->https_port = (uint16_t)number;
	} else if (strncmp(line, "listening tls ", 14) == 0) {
		server->tls_port = (uint16_t)number;
	} else if (sscanf(line, "ready pid=%d workers=%u", &server->pid, &server->workers) == 2) {
		return true;
	} else {
		fail(server, "'%s' is not for stdout", line);
	}
	return false;
}

static void wait_until_ready(struct turnstiled *server)
{
	const int64_t deadline_ns = clock_monotonic_ns() + READY_TIMEOUT_NS;
	char line[256];

	do {
		if (!read_line(server, line, sizeof(line), deadline_ns)) {
			fail(server, "the server did not become ready");
		}
	} while (!take_line(server, line));
}

static void wait_for_start(struct turnstiled *server)
{
	wait_until_ready(server);
	server->group = process_pid(server->process);
	if (server->pid != process_pid(server->process)) {
		fail(server, "it says that its pid is %d, but it is %d", server->pid,
		     process_pid(server->process));
	}
}

void turnstiled_pass(struct turnstiled *server, int socket, const char *name)
{
	const size_t length = strlen(server->passed_names);

	cr_assert_lt(server->passed_count, TURNSTILED_SOCKETS_MAX);
	server->passed[server->passed_count++] = socket;
	if (name) {
		snprintf(server->passed_names + length, sizeof(server->passed_names) - length,
			 "%s%s", length == 0 ? "" : ":", name);
	}
}

/*
 * The program, ports of the system's choice unless some are passed, a state of its own, no limit
 * of lines a second (tests are faster than people), and what the test wants.
 */
static void fill_arguments(const struct turnstiled *server, const char *const *more,
			   const char *argv[ARGUMENTS_MAX + 1])
{
	const char *const first[] = { server->program, "--state", server->folder.path, "--rate",
				      "0" };
	const char *const ports[] = {
		"--listen", "lines:127.0.0.1:0", "--listen", "echo:127.0.0.1:0",
#ifdef TURNSTILE_WITH_HTTP
		"--listen", "http:127.0.0.1:0",
#endif
	};
	size_t count = sizeof(first) / sizeof(first[0]) - (server->says_rate ? 2 : 0);

	memcpy(argv, first, sizeof(first));
	if (server->passed_count == 0) {
		memcpy(argv + count, ports, sizeof(ports));
		count += sizeof(ports) / sizeof(ports[0]);
	}
	for (; *more && count < ARGUMENTS_MAX; more++) {
		argv[count++] = *more;
	}
	argv[count] = NULL;
}

void turnstiled_start_with(struct turnstiled *server, const char *const *arguments)
{
	const struct process_options options = { .name = "turnstiled", .daemon = true };
	const char *argv[ARGUMENTS_MAX + 1] = { NULL };
	char log[FOLDER_PATH_SIZE];
	int output[2];

	fill_arguments(server, arguments, argv);
	folder_file(&server->folder, "log", log);
	cr_assert_eq(pipe2(output, O_CLOEXEC), 0);
	struct launch launch = { .argv = argv, .output = output[1], .log = log, .server = server };
	server->lines_port = 0;
	server->echo_port = 0;
	server->http_port = 0;
	server->tls_port = 0;
	server->https_port = 0;
	server->process = process_start(&options, run_program, &launch);
	close(output[1]);
	server->output = output[0];
	if (!server->process) {
		fail(server, "cannot fork: %s", strerror(errno));
	}
	wait_for_start(server);
}

/* Reaps the workers that became ours; true when none is left by then. */
static bool group_is_gone(pid_t group, int64_t timeout_ns)
{
	const int64_t deadline_ns = clock_monotonic_ns() + timeout_ns;

	for (;;) {
		pid_t ended = waitpid(-group, NULL, WNOHANG);
		if (ended < 0) {
			return true;
		}
		if (ended == 0 && clock_monotonic_ns() > deadline_ns) {
			return false;
		}
		if (ended == 0) {
			clock_sleep(POLL_NS);
		}
	}
}

/* Waits for a master: the one that was started, or one that took its place, and is ours then. */
static bool join_master(struct turnstiled *server, pid_t pid, int64_t timeout_ns, int *status)
{
	const int64_t deadline_ns = clock_deadline(timeout_ns);

	if (pid == process_pid(server->process)) {
		bool ended = process_join(server->process, timeout_ns);

		*status = ended ? process_exit_status(server->process) : -1;
		return ended;
	}
	while (waitpid(pid, status, WNOHANG) != pid) {
		if (clock_monotonic_ns() > deadline_ns) {
			return false;
		}
		clock_sleep(POLL_NS);
	}
	*status = WIFEXITED(*status) ? WEXITSTATUS(*status) : -WTERMSIG(*status);
	return true;
}

void turnstiled_upgrade(struct turnstiled *server)
{
	const pid_t old = server->pid;
	int status;

	cr_assert_eq(kill(old, SIGUSR2), 0);
	wait_until_ready(server);
	if (!join_master(server, old, STOP_TIMEOUT_NS, &status) || status != 0) {
		fail(server, "the old one did not end with 0");
	}
}

/* After the master's end: forgets it. */
static void take_leave(struct turnstiled *server)
{
	process_destroy(server->process);
	server->process = NULL;
	server->pid = 0;
	close(server->output);
	server->output = -1;
	if (!group_is_gone(server->group, GONE_TIMEOUT_NS)) {
		kill(-server->group, SIGKILL);
		group_is_gone(server->group, GONE_TIMEOUT_NS);
		fail(server, "the server ended and left processes behind");
	}
}

int turnstiled_stop(struct turnstiled *server)
{
	int status;

	kill(server->pid, SIGTERM);
	if (!join_master(server, server->pid, STOP_TIMEOUT_NS, &status)) {
		fail(server, "the server did not stop");
	}
	take_leave(server);
	return status;
}

void turnstiled_kill(struct turnstiled *server)
{
	int status;

	kill(server->pid, SIGKILL);
	(void)join_master(server, server->pid, STOP_TIMEOUT_NS, &status);
	take_leave(server);
}

void turnstiled_finish(struct turnstiled *server)
{
	if (server->process) {
		kill(-process_pid(server->process), SIGKILL);
		process_destroy(server->process);
		group_is_gone(server->group, GONE_TIMEOUT_NS);
		close(server->output);
		server->process = NULL;
		server->pid = 0;
	}
	folder_finish(&server->folder);
}
