/*
 * A port that was used lately is not there again for a while, and a second of this uses up what
 * one address has: so the clients come from many addresses of the loopback network.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/bench/benches.h"
#include "client/bench/cost.h"
#include "client/bench/secure.h"
#include "client/connection/descriptor_limit.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define EVENTS_A_TURN 64
#define WARM_UP_NS    (300 * NS_PER_MS)
#define TURN_NS       (100 * NS_PER_MS)
#define ANSWER_SIZE   2048 /* bytes of a greeting and an answer */
#define ADDRESSES     64   /* of the loopback network, that clients come from */

struct visit {
	int descriptor;
	struct tls_link *link; /* under it; or NULL */
	int64_t begun_ns;
	size_t length;
	char answer[ANSWER_SIZE];
};

struct visits {
	const struct bench_plan *plan;
	const struct bench_protocol *protocol;
	struct bench_result *result;
	struct visit *visits;
	int epoll;
	int64_t made;
	int64_t open;
	struct bench_text request; /* the same for all */
};

/* Only where it is IPv4's loopback network that is connected to. */
static void choose_source(const struct visits *visits, const struct bench_server *server,
			  int descriptor)
{
	const int yes = 1;
	const struct sockaddr_in *to = (const struct sockaddr_in *)&server->address;
	struct sockaddr_in from = { .sin_family = AF_INET };

	if (to->sin_family != AF_INET || ntohl(to->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET) {
		return;
	}
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(visits->made % ADDRESSES));
	setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
	(void)bind(descriptor, (const struct sockaddr *)&from, sizeof(from));
}

static void begin(struct visits *visits, struct visit *visit)
{
	struct epoll_event event = { .events = EPOLLIN, .data = { .ptr = visit } };
	const struct bench_server *server = bench_server_of(visits->plan, (uint64_t)visits->made);

	visit->length = 0;
	visit->begun_ns = clock_monotonic_ns();
	visit->descriptor = socket(server->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (visit->descriptor < 0) {
		die("cannot make a socket: %s", strerror(errno));
	}
	choose_source(visits, server, visit->descriptor);
	if (connect(visit->descriptor, (const struct sockaddr *)&server->address,
		    server->address_length) != 0) {
		die("cannot connect: %s", strerror(errno));
	}
	visit->descriptor = bench_secure(server->named, visit->descriptor, &visit->link);
	if (send(visit->descriptor, visits->request.bytes, visits->request.length, MSG_NOSIGNAL) !=
		    (ssize_t)visits->request.length ||
	    epoll_ctl(visits->epoll, EPOLL_CTL_ADD, visit->descriptor, &event) != 0) {
		die("cannot ask: %s", strerror(errno));
	}
	visits->made++;
	visits->open++;
}

/* What the answer, as far as it has come, says. */
static enum bench_take read_answer(const struct visits *visits, const struct visit *visit)
{
	enum bench_take take = BENCH_OTHER;

	for (size_t used = 0; take == BENCH_OTHER;) {
		size_t taken = 0;

		take = visits->protocol->take(visits->plan, visit->answer + used,
					      visit->length - used, &taken);
		used += taken;
	}
	return take;
}

static void end(struct visits *visits, struct visit *visit, int64_t now_ns, enum bench_take take)
{
	close(visit->descriptor);
	tls_link_close(visit->link, false);
	visit->link = NULL;
	visit->descriptor = -1;
	visits->open--;
	visits->result->operations++;
	visits->result->refused += take == BENCH_REFUSED;
	visits->result->broken += take == BENCH_MORE;
	histogram_add(&visits->result->latency, (uint64_t)(now_ns - visit->begun_ns));
	if (visits->plan->count == 0 || visits->made < visits->plan->count) {
		begin(visits, visit);
	}
}

static void serve(struct visits *visits, struct visit *visit)
{
	ssize_t length = recv(visit->descriptor, visit->answer + visit->length,
			      ANSWER_SIZE - visit->length, 0);

	visit->length += length > 0 ? (size_t)length : 0;
	enum bench_take take = read_answer(visits, visit);
	if (take != BENCH_MORE || length <= 0) {
		end(visits, visit, clock_monotonic_ns(), take);
	}
}

static void keep_on(struct visits *visits, int64_t duration_ns)
{
	struct epoll_event events[EVENTS_A_TURN];
	const int64_t end_ns = clock_deadline(duration_ns);

	while (visits->open > 0 && clock_monotonic_ns() < end_ns) {
		int count = epoll_wait(visits->epoll, events, EVENTS_A_TURN, TURN_NS / NS_PER_MS);

		for (int i = 0; i < count; i++) {
			serve(visits, events[i].data.ptr);
		}
	}
}

static void open_all(struct visits *visits)
{
	const struct bench_plan *plan = visits->plan;

	for (unsigned i = 0; i < plan->clients; i++) {
		visits->visits[i].descriptor = -1;
	}
	for (unsigned i = 0; i < plan->clients && (plan->count == 0 || i < plan->count); i++) {
		begin(visits, &visits->visits[i]);
	}
}

void bench_connect(const struct bench_plan *plan, const struct bench_protocol *protocol,
		   struct bench_result *result)
{
	char request[BENCH_MESSAGE_MAX];
	struct visits visits = { .plan = plan,
				 .protocol = protocol,
				 .result = result,
				 .visits = calloc(plan->clients, sizeof(struct visit)),
				 .epoll = epoll_create1(EPOLL_CLOEXEC),
				 .request = { .bytes = request, .size = sizeof(request) } };
	struct bench_meter meter;

	if (!visits.visits || visits.epoll < 0) {
		die("cannot set the bench up: %s", strerror(errno));
	}
	descriptor_limit_raise(plan->clients, plan->servers[0].named);
	protocol->request(&visits.request, plan, 0, 0);
	open_all(&visits);
	if (plan->count == 0) {
		keep_on(&visits, WARM_UP_NS);
		memset(result, 0, sizeof(*result));
	}
	bench_meter_begin(&meter, plan);
	keep_on(&visits, plan->duration_ns);
	bench_meter_end(&meter, plan, result);
	for (unsigned i = 0; i < plan->clients; i++) {
		if (visits.visits[i].descriptor >= 0) {
			close(visits.visits[i].descriptor);
			tls_link_close(visits.visits[i].link, false);
		}
	}
	close(visits.epoll);
	free(visits.visits);
}
