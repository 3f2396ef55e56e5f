#include "client/bench/load.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/bench/secure.h"
#include "client/connection/descriptor_limit.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define EVENTS_A_TURN     256
#define CONNECTS_AT_ONCE  8 /* some servers have a backlog of ten */
#define CONNECTS_PAUSE_NS (10 * NS_PER_MS)
#define HELLOS_AT_ONCE    1024 /* some let everybody in together, once a second */
#define HELLO_TIMEOUT_NS  (60 * NS_PER_SECOND)

static void watch(struct bench_load *load, struct bench_client *client, int operation)
{
	struct epoll_event event = { .events = EPOLLIN | (client->waits_to_write ? EPOLLOUT : 0U),
				     .data = { .ptr = client } };

	if (epoll_ctl(load->epoll, operation, client->descriptor, &event) != 0) {
		die("cannot watch a connection: %s", strerror(errno));
	}
}

/* What the server ends is over for this client, and for nobody else. */
static void give_up(struct bench_load *load, struct bench_client *client)
{
	char why[TLS_LINK_PROBLEM_SIZE];

	if (!client->ready && client->link && tls_link_failed(client->link, why)) {
		die("no connection: %s", why);
	}
	if (!client->ready) {
		die("the server closed a connection before it was in");
	}
	close(client->descriptor);
	tls_link_close(client->link, false);
	client->link = NULL;
	client->descriptor = -1;
	load->broken++;
}

static void wait_to_write(struct bench_load *load, struct bench_client *client, bool wait)
{
	if (client->waits_to_write == wait) {
		return;
	}
	client->waits_to_write = wait;
	watch(load, client, EPOLL_CTL_MOD);
}

void bench_load_flush(struct bench_load *load, struct bench_client *client)
{
	struct bench_text *output = &client->output;

	if (client->descriptor < 0 || output->length == client->written) {
		return;
	}
	ssize_t sent = send(client->descriptor, output->bytes + client->written,
			    output->length - client->written, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		give_up(load, client);
		return;
	}
	client->written += sent > 0 ? (size_t)sent : 0;
	if (client->written == output->length) {
		client->written = output->length = 0;
	}
	wait_to_write(load, client, output->length > 0);
}

static void say_hello(struct bench_load *load, struct bench_client *client)
{
	const size_t before = client->output.length;

	load->protocol->hello(&client->output, load->plan, client->number, client->step++);
	if (client->output.length == before) {
		client->ready = true;
		load->ready_count++;
		return;
	}
	bench_load_flush(load, client);
}

/* The answers to the hello, until the client is in. */
static size_t hear_hello(struct bench_load *load, struct bench_client *client, const char *bytes,
			 size_t length)
{
	size_t used = 0;

	while (!client->ready) {
		size_t taken = 0;
		enum bench_take take =
			load->protocol->take(load->plan, bytes + used, length - used, &taken);

		if (take == BENCH_MORE) {
			return used;
		}
		if (take == BENCH_REFUSED) {
			die("the server does not let us in: %.*s", (int)(length - used),
			    bytes + used);
		}
		used += taken;
		if (take == BENCH_DONE) {
			say_hello(load, client);
		}
	}
	return used;
}

static void hear(struct bench_load *load, struct bench_client *client, size_t length)
{
	size_t used = 0;

	if (!client->ready) {
		used = hear_hello(load, client, load->input, length);
	}
	if (client->ready) {
		used += load->hear(load, client, load->input + used, length - used);
	}
	client->tail_length = length - used;
	if (client->tail_length > BENCH_TAIL_SIZE) {
		die("the server says something that has no end");
	}
	memcpy(client->tail, load->input + used, client->tail_length);
}

static void read_input(struct bench_load *load, struct bench_client *client)
{
	memcpy(load->input, client->tail, client->tail_length);
	ssize_t length = recv(client->descriptor, load->input + client->tail_length,
			      BENCH_INPUT_SIZE - client->tail_length, 0);
	if (length > 0) {
		hear(load, client, client->tail_length + (size_t)length);
	} else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
		give_up(load, client);
	}
}

void bench_load_turn(struct bench_load *load, int64_t timeout_ns)
{
	struct epoll_event events[EVENTS_A_TURN];
	const struct timespec timeout = clock_timespec(timeout_ns > 0 ? timeout_ns : 0);
	int count = epoll_pwait2(load->epoll, events, EVENTS_A_TURN, &timeout, NULL);

	load->now_ns = clock_monotonic_ns();
	for (int i = 0; i < count; i++) {
		struct bench_client *client = events[i].data.ptr;

		if ((events[i].events & EPOLLOUT) != 0) {
			bench_load_flush(load, client);
		}
		if ((events[i].events & ~(unsigned)EPOLLOUT) != 0 && client->descriptor >= 0) {
			read_input(load, client);
		}
	}
}

static void open_client(struct bench_load *load, struct bench_client *client)
{
	const int yes = 1;
	const struct bench_server *server = bench_server_of(load->plan, client->number);

	client->descriptor = socket(server->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* Connecting may wait: only a full backlog makes it, and then waiting is right. */
	if (client->descriptor < 0 ||
	    connect(client->descriptor, (const struct sockaddr *)&server->address,
		    server->address_length) != 0) {
		die("cannot connect: %s", strerror(errno));
	}
	setsockopt(client->descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	client->descriptor = bench_secure(server->named, client->descriptor, &client->link);
	if (fcntl(client->descriptor, F_SETFL, O_NONBLOCK) != 0) {
		die("cannot set a socket up: %s", strerror(errno));
	}
	watch(load, client, EPOLL_CTL_ADD);
	say_hello(load, client);
}

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (!memory) {
		die("out of memory");
	}
	return memory;
}

static void make_clients(struct bench_load *load, size_t output_size)
{
	load->clients = allocate(load->client_count, sizeof(*load->clients));
	for (unsigned i = 0; i < load->client_count; i++) {
		struct bench_client *client = &load->clients[i];

		client->number = i;
		client->descriptor = -1;
		client->asked_ns = allocate(load->plan->pipeline, sizeof(*client->asked_ns));
		client->output.bytes = allocate(1, output_size);
		client->output.size = output_size;
	}
}

/* Waits until those who connected are answered, but not for long: some servers make them wait. */
static unsigned connect_some(struct bench_load *load, unsigned opened)
{
	const unsigned ready = load->ready_count;

	for (unsigned i = 0;
	     i < CONNECTS_AT_ONCE && opened < load->client_count && opened - ready < HELLOS_AT_ONCE;
	     i++) {
		open_client(load, &load->clients[opened++]);
	}
	const int64_t pause_end_ns = clock_deadline(CONNECTS_PAUSE_NS);
	do {
		bench_load_turn(load, CONNECTS_PAUSE_NS);
	} while (load->ready_count < opened && load->now_ns < pause_end_ns);
	return opened;
}

static void connect_all(struct bench_load *load)
{
	const int64_t deadline_ns = clock_deadline(HELLO_TIMEOUT_NS);
	unsigned opened = 0;

	while (load->ready_count < load->client_count) {
		opened = connect_some(load, opened);
		if (load->now_ns > deadline_ns) {
			die("only %u of %u connections are in after %d seconds", load->ready_count,
			    load->client_count, (int)(HELLO_TIMEOUT_NS / NS_PER_SECOND));
		}
	}
}

void bench_load_open(struct bench_load *load, const struct bench_plan *plan,
		     const struct bench_protocol *protocol, unsigned client_count,
		     size_t output_size)
{
	load->plan = plan;
	load->protocol = protocol;
	load->client_count = client_count;
	load->ready_count = 0;
	load->broken = 0;
	load->input = allocate(1, BENCH_INPUT_SIZE);
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load->epoll < 0) {
		die("cannot make an epoll: %s", strerror(errno));
	}
	descriptor_limit_raise(client_count, plan->servers[0].named);
	make_clients(load, output_size);
	connect_all(load);
}

void bench_load_close(struct bench_load *load)
{
	for (unsigned i = 0; i < load->client_count; i++) {
		if (load->clients[i].descriptor >= 0) {
			close(load->clients[i].descriptor);
		}
		tls_link_close(load->clients[i].link, false);
		free(load->clients[i].asked_ns);
		free(load->clients[i].output.bytes);
	}
	close(load->epoll);
	free(load->clients);
	free(load->input);
}
