#include "tests/support/nats.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/support/child.h"

#define PROGRAM "/usr/sbin/nats-server"
#define STORE   "jetstream"

static struct sockaddr_in address_of(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* Free now, and most likely still when it is taken. */
static uint16_t free_port(void)
{
	struct sockaddr_in address = address_of(0);
	socklen_t length = sizeof(address);
	int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert(probe >= 0 && bind(probe, (struct sockaddr *)&address, length) == 0 &&
		  getsockname(probe, (struct sockaddr *)&address, &length) == 0);
	close(probe);
	return ntohs(address.sin_port);
}

bool nats_init(struct nats *nats)
{
	memset(nats, 0, sizeof(*nats));
	if (access(PROGRAM, X_OK) != 0) {
		return false;
	}
	folder_init(&nats->folder);
	nats->port = free_port();
	return true;
}

static void send_output_to(const char *path)
{
	int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	(void)dup2(log, STDOUT_FILENO);
	(void)dup2(log, STDERR_FILENO);
}

static _Noreturn void serve(const struct nats *nats, pid_t parent)
{
	const char *words[NATS_ARGUMENTS_MAX + 10] = { PROGRAM, "-a", "127.0.0.1" };
	char path[FOLDER_PATH_SIZE];
	char store[FOLDER_PATH_SIZE];
	char port[8];
	size_t count = 3;

	folder_file(&nats->folder, STORE, store);
	(void)snprintf(port, sizeof(port), "%u", nats->port);
	if (!nats->without_jetstream) {
		words[count++] = "-js";
		words[count++] = "-sd";
		words[count++] = store;
	}
	words[count++] = "-p";
	words[count++] = port;
	for (size_t i = 0; nats->arguments[i]; i++) {
		words[count++] = nats->arguments[i];
	}
	folder_file(&nats->folder, "log", path);
	send_output_to(path);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent) {
		(void)execv(PROGRAM, (char *const *)(const void *)words);
	}
	_exit(1);
}

static bool takes_connections(const struct nats *nats)
{
	struct sockaddr_in address = address_of(nats->port);
	int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool taken = connect(probe, (struct sockaddr *)&address, sizeof(address)) == 0;

	close(probe);
	return taken;
}

void nats_start(struct nats *nats)
{
	const pid_t parent = getpid();

	nats->pid = fork();
	if (nats->pid == 0) {
		serve(nats, parent);
	}
	cr_assert(nats->pid > 0);
	cr_assert(eventually(takes_connections(nats)), "nats-server does not answer");
}

void nats_stop(struct nats *nats, int signal)
{
	if (nats->pid > 0) {
		kill(nats->pid, signal);
		waitpid(nats->pid, NULL, 0);
		nats->pid = 0;
	}
}

void nats_forget(struct nats *nats)
{
	struct folder store;

	folder_file(&nats->folder, STORE, store.path);
	folder_finish(&store);
}

void nats_finish(struct nats *nats)
{
	nats_stop(nats, SIGKILL);
	folder_finish(&nats->folder);
}

const char *nats_url(const struct nats *nats)
{
	static char url[48];

	(void)snprintf(url, sizeof(url), "nats://127.0.0.1:%u", nats->port);
	return url;
}
