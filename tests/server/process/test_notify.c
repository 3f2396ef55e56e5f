#include "server/process/notify.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/folder.h"

static struct folder folder;
static int manager = -1; /* the service manager's socket */

/* Binds the socket to LENGTH bytes of NAME, as systemd would. */
static void listen_at(const char *name, size_t length)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cr_assert_geq(manager, 0);
	cr_assert_lt(length, sizeof(address.sun_path));
	memcpy(address.sun_path, name, length);
	cr_assert_eq(bind(manager, (const struct sockaddr *)&address,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
		     0, "%s", strerror(errno));
}

static void expect_told(const char *state)
{
	char buffer[64];
	ssize_t length = recv(manager, buffer, sizeof(buffer), 0);

	cr_assert_eq(length, (ssize_t)strlen(state));
	cr_expect_arr_eq(buffer, state, strlen(state));
}

static void finish(void)
{
	close(manager);
	unsetenv("NOTIFY_SOCKET");
	folder_finish(&folder);
}

Test(notify, the_manager_at_a_path_is_told, .fini = finish)
{
	char path[FOLDER_PATH_SIZE];

	folder_init(&folder);
	folder_file(&folder, "manager", path);
	listen_at(path, strlen(path));
	setenv("NOTIFY_SOCKET", path, 1);
	notify_manager("READY=1");
	expect_told("READY=1");
	notify_manager("STOPPING=1");
	expect_told("STOPPING=1");
}

Test(notify, the_manager_at_an_abstract_name_is_told, .fini = finish)
{
	char name[64];
	int length = snprintf(name, sizeof(name), "@turnstile-test-%d", (int)getpid());

	setenv("NOTIFY_SOCKET", name, 1);
	name[0] = '\0';
	listen_at(name, (size_t)length);
	notify_manager("READY=1");
	expect_told("READY=1");
}

Test(notify, without_a_manager_or_with_a_name_that_is_none_nothing_happens)
{
	char name[300];

	unsetenv("NOTIFY_SOCKET");
	notify_manager("READY=1");
	memset(name, 'x', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	notify_manager("READY=1");
	setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
	notify_manager("READY=1");
}
