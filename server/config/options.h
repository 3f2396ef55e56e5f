/*
 * options: what the server is asked to do and be, by the command line, the configuration file and
 * the service manager (options_read.h). Filled before the first fork. A process keeps what it was
 * forked with; those that come after a reload (process/reload.h) have what was read then.
 */
#ifndef SERVER_CONFIG_OPTIONS_H
#define SERVER_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "db/store/tickets.h"
#include "server/config/peer_address.h"
#include "shared/base/log.h"
#include "shared/base/password.h"
#include "shared/text/name.h"

#define OPTIONS_LISTENERS_MAX 16
#define OPTIONS_EVENTS_MAX    256
#define OPTIONS_PROXIES_MAX   64
#define OPTIONS_WORKERS_MAX   64
#define OPTIONS_HISTORY_MAX   10000
#define OPTIONS_SEATS_LEAST   65536 /* so that max-connections can grow while the server runs */
#define OPTIONS_PASSWORD_SIZE PASSWORD_SIZE
#define OPTIONS_URLS_MAX      16
#define OPTIONS_URL_SIZE      280 /* bytes, a NUL counted in: a name has 253 at most */
#define OPTIONS_NODE_SIZE     17  /* bytes of this machine's name, a NUL counted in */
#define OPTIONS_HOST_SIZE     254 /* likewise of a host's */

#define OPTIONS_BUS_SERVERS_MAX 8

enum listener_kind {
	LISTENER_LINES,
	LISTENER_ECHO,
	LISTENER_HTTP,
	LISTENER_TLS,
	LISTENER_HTTPS,
	LISTENER_KINDS
};

struct listener_option {
	enum listener_kind kind;
	char text[96];  /* ADDRESS:PORT as it was given, for messages */
	int passed;     /* the descriptor that was passed; -1: it is to be opened */
	bool activated; /* by a service manager */
	struct sockaddr_storage address;
	socklen_t address_length;
};

struct event_option {
	char name[NAME_EVENT_SIZE];
	int64_t total;
	char title[STORE_TITLE_SIZE]; /* cleaned */
};

/* A server of the bus. */
struct bus_server {
	bool tls;
	uint16_t port;
	char host[OPTIONS_HOST_SIZE]; /* a name or an address, without brackets */
};

enum dispatch_kind { DISPATCH_HANDOFF, DISPATCH_ACCEPT };
enum serialize_kind { SERIALIZE_LOCK, SERIALIZE_JOIN, SERIALIZE_NONE };
enum echo_kind { ECHO_UPPER, ECHO_RAW };

struct options {
	struct listener_option listeners[OPTIONS_LISTENERS_MAX];
	size_t listener_count;
	unsigned workers;
	enum dispatch_kind dispatch;
	char config[4096]; /* the file that was read, or "" */
	char state[4000];  /* the state directory, or "" when the store is elsewhere */
	char store[4096];  /* its URL */
	struct event_option events[OPTIONS_EVENTS_MAX];
	size_t event_count;
	enum serialize_kind serialize;
	enum echo_kind echo;
	char node[OPTIONS_NODE_SIZE]; /* this machine's name */
	struct bus_server bus_servers[OPTIONS_BUS_SERVERS_MAX];
	size_t bus_server_count;                       /* 0: chat is this machine's own */
	char operator_password[OPTIONS_PASSWORD_SIZE]; /* in clear or hashed; "": there is none */
	char operator_password_file[4096];             /* where it was read, or "" */
	char public_urls[OPTIONS_URLS_MAX][OPTIONS_URL_SIZE]; /* "https://tickets.example.org" */
	size_t public_url_count;
	unsigned max_connections;
	unsigned seats; /* so many connections a worker has room for; worked out at the start */
	unsigned max_per_address;                         /* 0: no limit */
	struct peer_network proxies[OPTIONS_PROXIES_MAX]; /* that are believed (proxy_header.h) */
	size_t proxy_count;
	unsigned rate;        /* commands a second and connection; 0: no limit */
	int64_t max_quantity; /* 0: no limit */
	int64_t max_held;     /* tickets an address; 0: no limit */
	size_t send_queue_bytes;
	size_t send_queue_total_bytes; /* of all receivers together; 0: no limit */
	unsigned idle_seconds;         /* after which TCP asks a silent peer whether it is there */
	unsigned history;              /* messages a room */
	char user[64];                 /* or "" */
	char pid_file[4096];           /* or "" */
	char tls_certificate[4096];    /* PEM files, or "" */
	char tls_key[4096];
	int64_t drain_ns;
	bool adopt;   /* connections outlive the worker that serves them */
	bool chaos;   /* operators may have workers crash */
	bool sandbox; /* each process binds itself to its role */
	enum log_level log_level;
	enum log_format log_format;
};

/* "lock", "join" or "none". */
const char *serialize_kind_name(enum serialize_kind kind);

/* Whether what comes from there begins with a PROXY header, which is believed. */
bool options_trust(const struct options *options, struct peer_address peer);

#define OPTION_PROBLEM_SIZE 512 /* bytes of what is wrong with a value, a NUL counted in */

/* Writes the problem and says false, so that who finds it can return it. */
__attribute__((format(printf, 2, 3))) bool option_problem(char *problem, const char *format, ...);

#endif
