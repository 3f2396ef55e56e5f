#include "client/connection/dialer.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct dialer_call {
	const struct server_address *address;
	int done;
	pthread_t thread;
	bool open;
	char problem[CONNECTION_PROBLEM_SIZE];
	struct connection connection;
};

static void *dial(void *argument)
{
	struct dialer_call *call = argument;
	const uint64_t one = 1;

	call->open = connection_open(&call->connection, call->address, call->problem);
	if (write(call->done, &one, sizeof(one)) < 0) {
		perror("eventfd");
	}
	return NULL;
}

static void hang_up(struct dialer *dialer)
{
	if (dialer->done >= 0) {
		close(dialer->done);
	}
	free(dialer->call);
	dialer->call = NULL;
	dialer->done = -1;
}

bool dialer_start(struct dialer *dialer, const struct server_address *address)
{
	dialer->call = calloc(1, sizeof(*dialer->call));
	dialer->done = eventfd(0, EFD_CLOEXEC);
	if (dialer->call && dialer->done >= 0) {
		dialer->call->address = address;
		dialer->call->done = dialer->done;
		if (pthread_create(&dialer->call->thread, NULL, dial, dialer->call) == 0) {
			return true;
		}
	}
	hang_up(dialer);
	return false;
}

bool dialer_take(struct dialer *dialer, struct connection *connection, char *problem)
{
	struct dialer_call *call = dialer->call;

	pthread_join(call->thread, NULL);
	bool open = call->open;
	if (open) {
		*connection = call->connection;
	} else {
		snprintf(problem, CONNECTION_PROBLEM_SIZE, "%s", call->problem);
	}
	hang_up(dialer);
	return open;
}
