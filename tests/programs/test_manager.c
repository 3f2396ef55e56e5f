#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/programs/watch.h"
#include "tests/support/server.h"

#define PATIENCE_MS 10000

static struct turnstiled server;
static int manager = -1; /* what systemd would have */

static void finish(void)
{
	close(manager);
	turnstiled_finish(&server);
}

static void listen_as_manager(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[FOLDER_PATH_SIZE];

	folder_file(&server.folder, "manager", path);
	cr_assert_lt(strlen(path), sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(manager, (const struct sockaddr *)&address, sizeof(address)), 0);
	setenv("NOTIFY_SOCKET", path, 1);
}

static void expect_told(const char *state)
{
	struct pollfd wanted = { .fd = manager, .events = POLLIN };
	char buffer[64] = "";

	cr_assert_eq(poll(&wanted, 1, PATIENCE_MS), 1, "nobody said %s", state);
	cr_assert_gt(recv(manager, buffer, sizeof(buffer) - 1, 0), 0);
	cr_expect_str_eq(buffer, state);
}

Test(manager, the_service_manager_hears_once_when_it_is_ready_and_once_when_it_stops,
     .fini = finish)
{
	struct pollfd wanted = { .events = POLLIN };

	turnstiled_init(&server, TURNSTILED);
	listen_as_manager();
	turnstiled_start(&server, "--workers", "2");
	expect_told("READY=1");
	cr_expect_eq(turnstiled_stop(&server), 0);
	expect_told("STOPPING=1");
	wanted.fd = manager;
	cr_expect_eq(poll(&wanted, 1, 0), 0);
}

static void expect_told_start(const char *start)
{
	struct pollfd wanted = { .fd = manager, .events = POLLIN };
	char buffer[64] = "";

	cr_assert_eq(poll(&wanted, 1, PATIENCE_MS), 1, "nobody said %s", start);
	cr_assert_gt(recv(manager, buffer, sizeof(buffer) - 1, 0), 0);
	cr_expect_eq(strncmp(buffer, start, strlen(start)), 0, "not %s, but %s", start, buffer);
}

Test(manager, the_service_manager_hears_when_a_reload_begins_and_when_it_is_through, .fini = finish)
{
	turnstiled_init(&server, TURNSTILED);
	listen_as_manager();
	turnstiled_start(&server, "--workers", "2");
	expect_told("READY=1");
	cr_assert_eq(kill(server.pid, SIGHUP), 0);
	expect_told_start("RELOADING=1\nMONOTONIC_USEC=");
	expect_told("READY=1");
}

Test(manager, the_service_manager_hears_which_process_is_the_main_one_after_an_upgrade,
     .fini = finish)
{
	char main_pid[32];

	turnstiled_init(&server, TURNSTILED);
	listen_as_manager();
	turnstiled_start(&server, "--workers", "2");
	expect_told("READY=1");
	for (int i = 0; i < 2; i++) {
		turnstiled_upgrade(&server);
		expect_told_start("RELOADING=1\nMONOTONIC_USEC=");
		(void)snprintf(main_pid, sizeof(main_pid), "MAINPID=%d", (int)server.pid);
		expect_told(main_pid);
		expect_told("READY=1");
	}
	cr_expect_eq(turnstiled_stop(&server), 0);
	expect_told("STOPPING=1");
}

/* When the next word came, by the kernel's stamp: however late we look. */
static int64_t told_at_ns(const char *state)
{
	struct pollfd wanted = { .fd = manager, .events = POLLIN };
	char buffer[64] = "";
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct timespec))];
	struct iovec bytes = { buffer, sizeof(buffer) - 1 };
	struct msghdr message = { .msg_iov = &bytes,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct timespec at;

	cr_assert_eq(poll(&wanted, 1, PATIENCE_MS), 1, "nobody said %s", state);
	cr_assert_gt(recvmsg(manager, &message, 0), 0);
	cr_assert_str_eq(buffer, state);
	const struct cmsghdr *stamp = CMSG_FIRSTHDR(&message);
	cr_assert(stamp && stamp->cmsg_type == SCM_TIMESTAMPNS);
	memcpy(&at, CMSG_DATA(stamp), sizeof(at));
	return at.tv_sec * NS_PER_SECOND + at.tv_nsec;
}

static void start_watched(void)
{
	const int on = 1;

	turnstiled_init(&server, TURNSTILED);
	listen_as_manager();
	cr_assert_eq(setsockopt(manager, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	turnstiled_start(&server, "--workers", "2");
	expect_told("READY=1");
}

#define SAID_MAX 30 /* words of the watchdog's, one a second */

/* It is withheld from 3 s of silence until the master replaced the worker, after 5 s. */
Test(manager, the_watchdog_is_answered_only_while_all_workers_hearts_beat, .fini = finish,
     .timeout = 120)
{
	const int64_t withheld_ns = 2 * NS_PER_SECOND;
	pid_t children[WATCH_CHILDREN_MAX];
	bool was_withheld = false;

	start_watched();
	cr_assert_eq(watch_children(server.pid, children), 2);
	int64_t last_ns = told_at_ns("WATCHDOG=1");
	cr_assert(watch_signal(server.pid, children[1], SIGSTOP));
	for (int i = 0; i < SAID_MAX && !was_withheld; i++) {
		int64_t next_ns = told_at_ns("WATCHDOG=1");

		was_withheld = next_ns - last_ns >= withheld_ns;
		last_ns = next_ns;
	}
	cr_expect(was_withheld);
	cr_expect_eq(watch_state(children[1]), '\0', "it was answered before the worker was gone");
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(manager, a_watchdog_that_waits_for_another_process_is_not_answered, .fini = finish)
{
	setenv("WATCHDOG_PID", "1", 1);
	start_watched();
	cr_expect_eq(turnstiled_stop(&server), 0);
	expect_told("STOPPING=1");
}
