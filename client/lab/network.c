/* The tutorial's server, small: a process a connection. */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/lab/children.h"
#include "client/lab/experiments.h"
#include "client/lab/report.h"
#include "shared/base/log.h"
#include "shared/sync/barrier.h"

#define CLIENTS   3
#define LINE_SIZE 64 /* bytes */

struct service {
	struct barrier connected; /* all clients are connected before one speaks */
	struct sockaddr_in address;
	int listener;
	_Atomic pid_t serves[CLIENTS]; /* in the order of their connections */
	_Atomic unsigned right;        /* answers as they should be */
	char answers[CLIENTS][LINE_SIZE];
};

static const char *const sayings[CLIENTS] = { "hello", "one ticket, please", "bye" };

/* The server */

static void open_listener(struct service *service)
{
	socklen_t length = sizeof(service->address);

	service->address = (struct sockaddr_in){ .sin_family = AF_INET,
						 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	service->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (service->listener < 0 ||
	    bind(service->listener, (struct sockaddr *)&service->address, length) != 0 ||
	    listen(service->listener, CLIENTS) != 0 ||
	    getsockname(service->listener, (struct sockaddr *)&service->address, &length) != 0) {
		die("cannot listen: %m");
	}
}

struct connection {
	struct service *service;
	int socket;
	unsigned number;
};

static bool send_all(int socket, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(socket, bytes, length, MSG_NOSIGNAL);
		if (sent <= 0) {
			return false;
		}
		bytes += sent;
		length -= (size_t)sent;
	}
	return true;
}

/* Until the client closes. */
static int serve_connection(void *argument)
{
	const struct connection *connection = argument;
	char bytes[LINE_SIZE];
	ssize_t length;

	atomic_store(&connection->service->serves[connection->number], getpid());
	while ((length = recv(connection->socket, bytes, sizeof(bytes), 0)) > 0) {
		for (ssize_t i = 0; i < length; i++) {
			bytes[i] = (char)toupper((unsigned char)bytes[i]);
		}
		if (!send_all(connection->socket, bytes, (size_t)length)) {
			return 1;
		}
	}
	return 0;
}

/* Waits for a client, with patience, and has it served by a process of its own. */
static struct process *accept_one(struct service *service, unsigned number)
{
	struct pollfd wait = { .fd = service->listener, .events = POLLIN };
	struct connection connection = { service, -1, number };

	if (poll(&wait, 1, (int)(LAB_PATIENCE_NS / NS_PER_MS)) == 1) {
		connection.socket = accept4(service->listener, NULL, NULL, SOCK_CLOEXEC);
	}
	if (connection.socket < 0) {
		die("no client came: %m");
	}
	struct process *process = lab_start("connection", serve_connection, &connection);
	close(connection.socket);
	return process;
}

/* A client */

static size_t receive_all(int socket, char *bytes, size_t length)
{
	ssize_t got = recv(socket, bytes, length, MSG_WAITALL);

	return got > 0 ? (size_t)got : 0;
}

static void ask(struct lab *lab, void *shared, unsigned number)
{
	struct service *service = shared;
	size_t length = strlen(sayings[number]);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)lab;
	if (client < 0 || connect(client, (const struct sockaddr *)&service->address,
				  sizeof(service->address)) != 0) {
		die("cannot connect: %m");
	}
	barrier_wait(&service->connected, LAB_PATIENCE_NS);
	send_all(client, sayings[number], length);
	receive_all(client, service->answers[number], length);
	close(client);
}

static void check_answers(struct lab *lab, const struct service *service)
{
	bool right = true;

	for (unsigned i = 0; i < CLIENTS; i++) {
		lab_show(lab, sayings[i], "%s", service->answers[i]);
		for (size_t j = 0; j <= strlen(sayings[i]); j++) {
			right = right && service->answers[i][j] == toupper(sayings[i][j]);
		}
	}
	lab_expect(lab, right, "each was answered, in upper case");
}

static bool are_different(const struct service *service)
{
	pid_t first = atomic_load(&service->serves[0]);
	pid_t second = atomic_load(&service->serves[1]);
	pid_t third = atomic_load(&service->serves[2]);

	return first != 0 && second != 0 && third != 0 && first != second && second != third &&
	       first != third;
}

/*
 * echo. Python: server.accept() in a loop, and for each connection Process(target=talk,
 * args=(conn,)).start(), whose talk() does conn.send(conn.recv(1024).upper()).
 */
void lab_echo(struct lab *lab)
{
	struct service *service = lab_share(lab, sizeof(*service));
	struct process *servers[CLIENTS];
	struct lab_children clients = { 0 };

	lab_say(lab,
		"A server answers in upper case. %d clients are connected at the same time, and",
		CLIENTS);
	lab_say(lab, "each is served by a process of its own.");
	barrier_init(&service->connected, CLIENTS);
	open_listener(service);
	lab_children_start(lab, &clients, CLIENTS, ask, service);
	for (unsigned i = 0; i < CLIENTS; i++) {
		servers[i] = accept_one(service, i);
	}
	lab_children_join(lab, &clients);
	bool ended = true;
	for (unsigned i = 0; i < CLIENTS; i++) {
		ended = lab_finish(lab, servers[i]) == 0 && ended;
	}
	close(service->listener);
	check_answers(lab, service);
	lab_expect(lab, are_different(service), "by three different processes");
	lab_expect(lab, ended, "which ended when their clients closed");
}
