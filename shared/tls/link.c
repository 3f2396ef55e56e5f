#include "shared/tls/link.h"

#ifdef TURNSTILE_WITH_TLS

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_ignore_object(object) ((void)(object))
#endif

#include "shared/base/clock.h"
#include "shared/tls/context.h"
#include "shared/tls/relay.h"

#define HOST_SIZE 256 /* bytes: of a name in the DNS, a NUL counted in */

#define EVENTS_A_TURN 64
#define PATIENCE_NS   NS_PER_SECOND
#define PLAIN_SIDE    UINT64_C(1) /* in what epoll keeps: the plain side of the link it points to */

struct tls_link {
	struct relay relay;
	SSL *tls;
	char *name; /* for the problem */
	int descriptor;
	bool open; /* its handshake is done */
	bool goes_on;
	struct tls_link *next_ready;
	bool is_ready;
	/* Guarded by `lock`. */
	bool over;   /* the thread has left it */
	bool sent;   /* all that was written before the descriptor was closed */
	bool closed; /* its user has left it */
	bool failed;
	char problem[TLS_LINK_PROBLEM_SIZE];
};

/* All links of the process. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t serving = PTHREAD_MUTEX_INITIALIZER; /* taken before `lock` */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static SSL_CTX *context;
static int epoll = -1;

/* What is wrong */

static void put_problem(struct tls_link *link, const char *problem)
{
	pthread_mutex_lock(&lock);
	link->failed = true;
	(void)snprintf(link->problem, sizeof(link->problem), "%s", problem);
	pthread_mutex_unlock(&lock);
}

static bool is_of_chain(long result)
{
	return result == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	       result == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
	       result == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
	       result == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
	       result == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN;
}

static void fail_handshake(struct tls_link *link)
{
	char problem[TLS_LINK_PROBLEM_SIZE], error[TLS_ERROR_SIZE];
	const long result = SSL_get_verify_result(link->tls);
	const bool no_tls = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_WRONG_VERSION_NUMBER;

	(void)tls_error(error);
	if (result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH) {
		(void)snprintf(problem, sizeof(problem), "its certificate is not for %.100s",
			       link->name);
	} else if (result != X509_V_OK) {
		(void)snprintf(problem, sizeof(problem),
			       "its certificate is not to be trusted: %s%s",
			       X509_verify_cert_error_string(result),
			       is_of_chain(result) ? " (--ca FILE says whom to trust)" : "");
	} else if (no_tls) {
		(void)snprintf(problem, sizeof(problem), "it speaks no TLS there");
	} else {
		(void)snprintf(problem, sizeof(problem), "TLS fails: %s", error);
	}
	put_problem(link, problem);
}

/* The thread */

static void free_link(struct tls_link *link)
{
	free(link->name);
	free(link);
}

/* The thread leaves it, its user perhaps not yet. */
static void leave(struct tls_link *link)
{
	relay_finish(&link->relay);
	pthread_mutex_lock(&lock);
	bool closed = link->closed;
	link->over = link->sent = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	if (closed) {
		free_link(link);
	}
}

static void note_sent(struct tls_link *link)
{
	if (link->relay.out_ended && !link->sent) {
		pthread_mutex_lock(&lock);
		link->sent = true;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
	}
}

/* False when it is over. */
static bool shake_hands(struct tls_link *link)
{
	switch (tls_handshake(link->tls)) {
	case TLS_HANDSHAKE_DONE:
		relay_begin(&link->relay, link->tls, link->relay.socket, link->relay.plain);
		link->relay.plain_readable = true; /* what was written meanwhile */
		link->open = true;
		return true;
	case TLS_HANDSHAKE_FAILED: fail_handshake(link); return false;
	default: return true;
	}
}

/* False when it is over. */
static bool serve(struct tls_link *link, char *buffer)
{
	if (!link->open && !shake_hands(link)) {
		return false;
	}
	if (!link->open) {
		return true;
	}
	enum relay_state state = relay_carry(&link->relay, buffer);

	note_sent(link);
	link->goes_on = state == RELAY_GOES_ON;
	return state != RELAY_OVER;
}

static void add_ready(struct tls_link **ready, struct tls_link *link)
{
	if (!link->is_ready) {
		link->is_ready = true;
		link->next_ready = *ready;
		*ready = link;
	}
}

static void note_event(struct tls_link **ready, const struct epoll_event *event)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): the lowest bit says which side it is */
	struct tls_link *link = (struct tls_link *)(event->data.u64 & ~PLAIN_SIDE);
	const bool plain = event->data.u64 & PLAIN_SIDE;
	const bool readable = event->events & ~(unsigned)EPOLLOUT;
	const bool writable = event->events & EPOLLOUT;

	if (plain) {
		link->relay.plain_readable |= readable;
		link->relay.plain_full &= !writable;
	} else {
		link->relay.socket_readable |= readable;
		link->relay.socket_full &= !writable;
	}
	add_ready(ready, link);
}

/* One that is over is left after all events of the turn: some may be its own. */
static struct tls_link *serve_all(struct tls_link *ready, char *buffer)
{
	struct tls_link *again = NULL;

	while (ready) {
		struct tls_link *link = ready;

		ready = link->next_ready;
		link->is_ready = false;
		link->goes_on = false;
		if (!serve(link, buffer)) {
			leave(link);
		} else if (link->goes_on) {
			add_ready(&again, link);
		}
	}
	return again;
}

static void *run(void *unused)
{
	static char buffer[RELAY_BUFFER_SIZE];
	struct tls_link *ready = NULL;

	(void)unused;
	for (;;) {
		struct epoll_event events[EVENTS_A_TURN];
		int count = epoll_wait(epoll, events, EVENTS_A_TURN, ready ? 0 : -1);

		pthread_mutex_lock(&serving);
		for (int i = 0; i < count; i++) {
			note_event(&ready, &events[i]);
		}
		ready = serve_all(ready, buffer);
		pthread_mutex_unlock(&serving);
	}
	return NULL;
}

/* No signal is the thread's: writing to a connection that is gone would be one. */
static bool start_thread(void)
{
	sigset_t all, before;
	pthread_t thread;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&thread, NULL, run, NULL);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0) {
		pthread_detach(thread);
	}
	errno = error;
	return error == 0;
}

/* Opening */

/* With the lock held: what all links have in common. */
static bool begin(const char *ca_file, char *problem)
{
	char error[TLS_ERROR_SIZE];

	context = tls_context_create(false);
	errno = 0;
	if (!context || (ca_file ? SSL_CTX_load_verify_file(context, ca_file)
				 : SSL_CTX_set_default_verify_paths(context)) != 1) {
		(void)snprintf(problem, TLS_LINK_PROBLEM_SIZE,
			       "--ca %.200s: no certificates can be read from it: %.100s",
			       ca_file ? ca_file : "(none)", tls_error(error));
		SSL_CTX_free(context);
		context = NULL;
		return false;
	}
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || !start_thread()) {
		(void)snprintf(problem, TLS_LINK_PROBLEM_SIZE, "no thread for TLS: %s",
			       strerror(errno));
		return false;
	}
	return true;
}

static bool is_address(const char *name)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

static SSL *begin_tls(int socket, const char *name)
{
	SSL *tls = SSL_new(context);
	const bool address = is_address(name);
	char host[HOST_SIZE]; /* OpenSSL's macro wants one that may be written to */

	(void)snprintf(host, sizeof(host), "%s", name);
	if (!tls || SSL_set_fd(tls, socket) != 1 ||
	    (address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), name)
		     : SSL_set1_host(tls, name)) != 1 ||
	    (!address && SSL_set_tlsext_host_name(tls, host) != 1)) {
		SSL_free(tls);
		return NULL;
	}
	SSL_set_connect_state(tls);
	return tls;
}

static bool watch(struct tls_link *link, int descriptor, uint64_t side)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				     .data.u64 = (uintptr_t)link | side };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

static bool set_non_blocking(int descriptor)
{
	int flags = fcntl(descriptor, F_GETFL);

	return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* The thread's from then on: it shall not see half of it. */
static bool watch_both(struct tls_link *link)
{
	pthread_mutex_lock(&serving);
	bool watched =
		watch(link, link->relay.plain, PLAIN_SIDE) && watch(link, link->relay.socket, 0);

	pthread_mutex_unlock(&serving);
	return watched;
}

static bool fill(struct tls_link *link, const char *name)
{
	int ends[2];

	link->name = strdup(name);
	link->tls = link->name ? begin_tls(link->relay.socket, name) : NULL;
	if (!link->tls || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
		return false;
	}
	link->relay.tls = link->tls;
	link->relay.plain = ends[0];
	link->descriptor = ends[1];
	const int yes = 1;

	(void)setsockopt(link->relay.socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	return set_non_blocking(link->relay.socket) && set_non_blocking(ends[0]);
}

static struct tls_link *make(int socket, const char *name)
{
	struct tls_link *link = calloc(1, sizeof(*link));

	if (!link) {
		close(socket);
		return NULL;
	}
	link->relay.socket = socket;
	link->relay.plain = link->descriptor = -1;
	if (fill(link, name) && watch_both(link)) {
		/* From here on the carrier's, which may be at it when the process ends. */
		__lsan_ignore_object(link);
		return link;
	}
	int error = errno;

	SSL_free(link->tls);
	link->relay.tls = NULL;
	relay_finish(&link->relay);
	close(link->descriptor);
	free_link(link);
	errno = error;
	return NULL;
}

struct tls_link *tls_link_open(int socket, const char *name, const char *ca_file,
			       char problem[TLS_LINK_PROBLEM_SIZE])
{
	pthread_mutex_lock(&lock);
	bool begun = context || begin(ca_file, problem);
	pthread_mutex_unlock(&lock);
	if (!begun) {
		close(socket);
		return NULL;
	}
	struct tls_link *link = make(socket, name);

	if (!link) {
		(void)snprintf(problem, TLS_LINK_PROBLEM_SIZE, "no TLS: %s", strerror(errno));
	}
	return link;
}

int tls_link_descriptor(const struct tls_link *link)
{
	return link->descriptor;
}

bool tls_link_failed(struct tls_link *link, char problem[TLS_LINK_PROBLEM_SIZE])
{
	pthread_mutex_lock(&lock);
	bool failed = link->failed;

	memcpy(problem, link->problem, sizeof(link->problem));
	pthread_mutex_unlock(&lock);
	return failed;
}

void tls_link_close(struct tls_link *link, bool patient)
{
	if (!link) {
		return;
	}
	const struct timespec until = clock_timespec(clock_wall_ns() + PATIENCE_NS);
	int error = 0;

	pthread_mutex_lock(&lock);
	while (patient && !link->sent && error == 0) {
		error = pthread_cond_timedwait(&changed, &lock, &until);
	}
	link->closed = true;
	bool over = link->over;
	pthread_mutex_unlock(&lock);
	if (over) {
		free_link(link);
	}
}

#else

#include <stdio.h>
#include <unistd.h>

struct tls_link *tls_link_open(int socket, const char *name, const char *ca_file,
			       char problem[TLS_LINK_PROBLEM_SIZE])
{
	(void)name;
	(void)ca_file;
	close(socket);
	(void)snprintf(problem, TLS_LINK_PROBLEM_SIZE,
		       "this turnstile was built without TLS (TURNSTILE_WITH_TLS)");
	return NULL;
}

int tls_link_descriptor(const struct tls_link *link)
{
	(void)link;
	return -1;
}

bool tls_link_failed(struct tls_link *link, char problem[TLS_LINK_PROBLEM_SIZE])
{
	(void)link;
	(void)problem;
	return false;
}

void tls_link_close(struct tls_link *link, bool patient)
{
	(void)link;
	(void)patient;
}

#endif
