/*
 * tls: the process that does TLS, where there are TLS listeners.
 *
 * It accepts from them by itself, and it alone has the key's bytes. The plain end of each
 * connection goes to the master, which hands it to a worker as any other socket. When this process
 * ends, its connections do; the master starts another.
 *
 * It ends when nobody has the other end of its channel any more, and not with its parent: when
 * another binary takes over, the new master has that end, and this process lingers: it accepts no
 * more and ends with its last connection (lingering.h).
 */
#ifndef SERVER_PROCESS_TLS_H
#define SERVER_PROCESS_TLS_H

#include <stdint.h>

#include "server/config/options.h"

/*
 * What the master sends it after a reload, with the descriptors of certificate and key: they are
 * for those that come from then on. Who is here, and whose handshake has begun, goes on as before.
 */
struct tls_reload {
	uint32_t kind; /* MESSAGE_RELOAD */
	uint32_t proxy_count;
	int64_t drain_ns;
	enum log_level log_level;
	enum log_format log_format;
	struct peer_network proxies[OPTIONS_PROXIES_MAX];
};

struct tls_reload tls_reload_of(const struct options *options);

/* The process's whole life: returns its exit status. START is a worker_start. */
int tls_run(void *start);

#endif
