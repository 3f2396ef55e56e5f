/* peer: `turnstile bench` for other servers: peer NAME --port PORT echo|ping|... [OPTION]... */
#include "bench/peer.h"

#include <stdlib.h>
#include <string.h>

#include "client/bench/run.h"
#include "shared/base/log.h"
#include "shared/base/usage.h"

struct peer {
	const char *name;
	const char *port; /* where it listens if nobody says otherwise */
	const struct bench_speech *(*speech)(enum bench_kind kind);
};

static const struct peer peers[] = {
	{ "redis", "6379", redis_speech }, { "postgres", "5432", postgres_speech },
	{ "irc", "6667", irc_speech },     { "nats", "4222", nats_speech },
	{ "http", "80", http_speech },     { "bare", "7007", bare_speech },
};

int main(int argc, char **argv)
{
	log_start("peer", LOG_WARNING, LOG_TEXT);
	for (size_t i = 0; argc > 1 && i < sizeof(peers) / sizeof(peers[0]); i++) {
		if (strcmp(argv[1], peers[i].name) == 0) {
			return bench_main("127.0.0.1", peers[i].port, argc - 1, argv + 1,
					  peers[i].speech);
		}
	}
	usage_error("the first word is redis, postgres, irc, nats, http or bare");
}
