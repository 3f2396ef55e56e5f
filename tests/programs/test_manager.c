#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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
