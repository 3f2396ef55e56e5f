/* peer: `turnstile bench` for other servers: peer NAME --port PORT echo|ping|... [OPTION]... */
#include "bench/peer.h"

#include <stdlib.h>
#include <string.h>

#include "client/bench/bench.h"
#include "shared/base/log.h"
#include "shared/base/usage.h"

struct peer {
	const char *name;
	const char *port; /* where it listens if nobody says otherwise */
	const struct bench_protocol *(*protocol)(enum bench_kind kind);
};

static const struct peer peers[] = {
	{ "redis", "6379", redis_protocol },       { "postgres", "5432", postgres_protocol },
	{ "irc", "6667", irc_protocol },           { "nats", "4222", nats_protocol },
	{ "http", "80", http_protocol },           { "http-events", "80", http_events_protocol },
	{ "websocket", "80", websocket_protocol }, { "nchan", "80", nchan_protocol },
	{ "mqtt", "1883", mqtt_protocol },         { "bare", "7007", bare_protocol },
};

int main(int argc, char **argv)
{
	log_start("peer", LOG_WARNING, LOG_TEXT);
	for (size_t i = 0; argc > 1 && i < sizeof(peers) / sizeof(peers[0]); i++) {
		if (strcmp(argv[1], peers[i].name) == 0) {
			const struct server_address server = { .host = "127.0.0.1",
							       .port = peers[i].port };

			return bench_main(&server, argc - 1, argv + 1, peers[i].protocol);
		}
	}
	usage_error("the first word is redis, postgres, irc, nats, http, http-events, websocket, "
		    "nchan, "
		    "mqtt or bare");
}
