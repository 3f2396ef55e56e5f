/* TLS listeners: what goes through them, what they do not take, and who has the key. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/tls/link.h"
#include "tests/programs/office.h"
#include "tests/programs/watch.h"
#include "tests/support/capture.h"
#include "tests/support/certificate.h"
#include "tests/support/child.h"
#include "tests/support/http.h"

#define MANY_LINES 100000
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_GROWTH 65536 /* KiB; what was freed is kept a while, to find who uses it */
#else
#define MEMORY_GROWTH 4096 /* KiB: of the tls process, by one connection that does not read */
#endif
#define PIECE     (1024 * 1024)
#define LONG_PING 900 /* bytes of its text */

static struct turnstiled server;
static struct certificate own;
static struct talk ann, bob;

static void init(void)
{
	turnstiled_init(&server, TURNSTILED);
	certificate_make(&own, &server.folder, "localhost", 30);
}

static void finish(void)
{
	turnstiled_finish(&server);
}

TestSuite(programs_tls, .init = init, .fini = finish, .timeout = 60);

#define start(...)                                                                               \
	turnstiled_start(&server, "--workers", "2", "--listen", "tls:127.0.0.1:0", "--tls-cert", \
			 own.certificate, "--tls-key", own.key, __VA_ARGS__)

static int connect_at(uint16_t port, const char *address)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(inet_pton(AF_INET, address, &from.sin_addr), 1);
	cr_assert_eq(bind(descriptor, (struct sockaddr *)&from, sizeof(from)), 0);
	cr_assert_eq(connect(descriptor, (struct sockaddr *)&to, sizeof(to)), 0);
	return descriptor;
}

static void shake_hands(struct talk *talk, int descriptor, const char *authorities)
{
	char problem[TLS_LINK_PROBLEM_SIZE] = "";
	struct tls_link *link = tls_link_open(descriptor, "localhost", authorities, problem);

	cr_assert_not_null(link, "%s", problem);
	talk->start = talk->end = 0;
	talk->descriptor = tls_link_descriptor(link);
}

/* A connection from ADDRESS of the loopback network, with TLS under it; HEADER is sent before. */
static void open_at(struct talk *talk, uint16_t port, const char *address, const char *header)
{
	int descriptor = connect_at(port, address);

	cr_assert_eq(send(descriptor, header, strlen(header), 0), (ssize_t)strlen(header));
	shake_hands(talk, descriptor, own.certificate);
}

static void open_tls_from(struct talk *talk, const char *address, const char *header)
{
	open_at(talk, server.tls_port, address, header);
}

static void open_tls(struct talk *talk)
{
	open_tls_from(talk, "127.0.0.1", "");
}

static void open_tls_greeted(struct talk *talk)
{
	open_tls(talk);
	talk_expect_start(talk, "+turnstile 1 ");
}

/* The master's child that ps shows as "turnstile-tls". */
static pid_t tls_process(void)
{
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count = watch_children(server.pid, children);

	for (size_t i = 0; i < count; i++) {
		char path[64], name[32] = "";

		snprintf(path, sizeof(path), "/proc/%d/comm", (int)children[i]);
		FILE *file = fopen(path, "re");

		if (file && fgets(name, sizeof(name), file) &&
		    strcmp(name, "turnstile-tls\n") == 0) {
			fclose(file);
			return children[i];
		}
		if (file) {
			fclose(file);
		}
	}
	return 0;
}

/* What goes through */

static void talk_and_book(const char *dispatch)
{
	start("--dispatch", dispatch, "--event", "rush=3");
	open_tls_greeted(&ann);
	talk_open_greeted(&bob, server.lines_port);
	ask(&ann, "+join #r ", "/join #r");
	ask(&bob, "+join #r ", "/join #r");
	talk_expect_event(&ann, "*join #r ");
	talk_say(&bob, "hello");
	talk_expect_event(&ann, "*say #r guest-2 hello");
	ask(&ann, "+booked ", "/book rush 2");
	cr_expect_eq(left_of(&bob, "rush"), 1);
	talk_say(&ann, "/ping 1\n/ping 2");
	talk_end_output(&ann);
	talk_expect(&ann, "+pong 1");
	talk_expect(&ann, "+pong 2");
	talk_expect_end(&ann);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_tls, lines_and_half_closing_are_as_on_a_lines_port)
{
	talk_and_book("handoff");
}

Test(programs_tls, they_are_when_workers_accept_too)
{
	talk_and_book("accept");
}

Test(programs_tls, who_comes_is_counted_by_its_own_address)
{
	start("--max-per-address", "1", "--op-password-file", password_file(&server));
	open_tls_from(&ann, "127.0.0.9", "");
	talk_expect_start(&ann, "+turnstile 1 ");
	open_tls_from(&bob, "127.0.0.9", "");
	talk_expect_start(&bob, "-BUSY your address has 1 connections");
	become_operator(&ann);
	cr_expect_eq(turnstiled_stop(&server), 0);
	cr_expect(eventually(log_has(&server, "(127.0.0.9) is an operator now")));
}

Test(programs_tls, a_proxy_says_before_the_handshake_whom_it_brings)
{
	start("--max-per-address", "1", "--trust-proxy", "127.0.0.9");
	open_tls_from(&ann, "127.0.0.9", "PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n");
	talk_expect_start(&ann, "+turnstile 1 ");
	open_tls_from(&bob, "127.0.0.9", "PROXY TCP4 192.0.2.8 127.0.0.1 1 2\r\n");
	talk_expect_start(&bob, "+turnstile 1 ");
	open_tls_from(&bob, "127.0.0.9", "PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n");
	talk_expect_start(&bob, "-BUSY ");
	open_tls_from(&bob, "127.0.0.9", "");
	talk_expect_end(&bob);
	open_tls_from(&bob, "127.0.0.10", "");
	talk_expect_start(&bob, "+turnstile 1 ");
	cr_expect_eq(turnstiled_stop(&server), 0);
	cr_expect(eventually(
		log_has(&server, "somebody (127.0.0.9) is a trusted proxy, but sent no PROXY")));
}

/* Asks as much as goes out while nothing is read; says how many. */
static int ask_without_reading(const struct talk *talk)
{
	char line[32];
	int asked = 0;

	for (; asked < MANY_LINES; asked++) {
		int length = snprintf(line, sizeof(line), "/ping %07d\n", asked);
		ssize_t sent =
			send(talk->descriptor, line, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent != length) {
			cr_assert_leq(sent, 0);
			break;
		}
	}
	return asked;
}

Test(programs_tls, who_does_not_read_fills_its_own_socket_and_loses_nothing)
{
	start("--log-level", "info");
	open_tls_greeted(&ann);
	open_tls_greeted(&bob);
	long before_kib = watch_memory_kib(tls_process());
	int asked = 0, more;

	do {
		more = ask_without_reading(&ann);
		asked += more;
		ask(&bob, "+pong", "/ping"); /* nobody else waits for it */
	} while (more > 0);
	cr_expect_lt(watch_memory_kib(tls_process()) - before_kib, MEMORY_GROWTH);
	talk_end_output(&ann);
	int answered = 0;

	while (answered < asked && strncmp(talk_line(&ann), "+pong ", 6) == 0) {
		answered++;
	}
	cr_expect_eq(answered, asked);
	talk_expect_end(&ann);
}

/* The protocol */

/* A version's handshake on a blocking socket; NULL when the server does not want it. */
static SSL *shake_at(uint16_t port, SSL_CTX *context, SSL_SESSION *session)
{
	struct talk talk;
	SSL *tls = SSL_new(context);

	talk_open(&talk, port);
	SSL_set_fd(tls, talk.descriptor);
	if (session) {
		SSL_set_session(tls, session);
	}
	if (SSL_connect(tls) != 1) {
		SSL_free(tls);
		close(talk.descriptor);
		return NULL;
	}
	return tls;
}

static SSL *shake(SSL_CTX *context, SSL_SESSION *session)
{
	return shake_at(server.tls_port, context, session);
}

static SSL_CTX *context_of(int version)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_min_proto_version(context, version);
	SSL_CTX_set_max_proto_version(context, version);
	return context;
}

static bool speaks(int version, const char *ciphers)
{
	SSL_CTX *context = context_of(version);

	SSL_CTX_set_cipher_list(context, ciphers);
	SSL *tls = shake(context, NULL);
	bool speaks = tls && SSL_version(tls) == version;

	if (tls) {
		close(SSL_get_fd(tls));
	}
	SSL_free(tls);
	SSL_CTX_free(context);
	return speaks;
}

Test(programs_tls, versions_and_ciphers_are_strong_ones)
{
	start("--log-level", "debug");
	cr_expect(speaks(TLS1_3_VERSION, "ALL"));
	cr_expect(speaks(TLS1_2_VERSION, "ALL"));
	cr_expect_not(speaks(TLS1_1_VERSION, "ALL:@SECLEVEL=0"));
	cr_expect_not(speaks(TLS1_VERSION, "ALL:@SECLEVEL=0"));
	cr_expect(speaks(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"));
	cr_expect_not(speaks(TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256"), "no AEAD");
	talk_open(&ann, server.tls_port);
	talk_say(&ann, "/ping");
	talk_expect_end(&ann);
}

static SSL_SESSION *visit(SSL_CTX *context, SSL_SESSION *session, bool *resumed)
{
	char greeting[256];
	SSL *tls = shake(context, session);

	cr_assert_not_null(tls);
	cr_assert_gt(SSL_read(tls, greeting, sizeof(greeting)), 0); /* the ticket comes before */
	*resumed = SSL_session_reused(tls);
	SSL_SESSION *next = SSL_get1_session(tls);

	SSL_shutdown(tls);
	close(SSL_get_fd(tls));
	SSL_free(tls);
	return next;
}

Test(programs_tls, who_comes_again_resumes_by_a_ticket)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	start("--log-level", "info");
	for (size_t i = 0; i < 2; i++) {
		SSL_CTX *context = context_of(versions[i]);
		bool resumed;
		SSL_SESSION *session = visit(context, NULL, &resumed);

		cr_expect_not(resumed);
		SSL_SESSION_free(visit(context, session, &resumed));
		cr_expect(resumed, "version %x", (unsigned)versions[i]);
		SSL_SESSION_free(session);
		SSL_CTX_free(context);
	}
}

/* Over HTTP */

#ifdef TURNSTILE_WITH_HTTP
static unsigned status_of(const char *path, const char *host)
{
	static struct http_answer answer;

	open_at(&ann, server.https_port, "127.0.0.1", "");
	talk_say(&ann, "GET %s HTTP/1.1\r\nHost: %s:%u\r\nConnection: close\r\n\r", path, host,
		 server.https_port);
	return http_receive(&ann, &answer, true);
}

static void ask_over_https(const char *dispatch)
{
	start("--listen", "https:127.0.0.1:0", "--dispatch", dispatch);
	cr_expect_eq(status_of("/healthz", "localhost"), 200);
	cr_expect_eq(status_of("/no-such", "localhost"), 404);
	cr_expect_eq(status_of("/no-such", "127.0.0.1"), 404);
	cr_expect_eq(status_of("/no-such", "evil.example"), 403, "a name that is bent to us");
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_tls, https_is_http_and_knows_its_own_address)
{
	ask_over_https("handoff");
}

Test(programs_tls, it_is_when_workers_accept_too)
{
	ask_over_https("accept");
}

/* What is agreed on when OFFERED is offered, as on the wire; "": nothing, NULL: no handshake. */
static const char *agreed(uint16_t port, const char *offered)
{
	static char chosen[32];
	SSL_CTX *context = context_of(TLS1_3_VERSION);
	const unsigned char *protocol;
	unsigned length;

	SSL_CTX_set_alpn_protos(context, (const unsigned char *)offered, (unsigned)strlen(offered));
	SSL *tls = shake_at(port, context, NULL);

	if (tls) {
		SSL_get0_alpn_selected(tls, &protocol, &length);
		snprintf(chosen, sizeof(chosen), "%.*s", (int)length, (const char *)protocol);
		close(SSL_get_fd(tls));
	}
	SSL_free(tls);
	SSL_CTX_free(context);
	return tls ? chosen : NULL;
}

Test(programs_tls, on_https_alpn_is_http_1_1_and_nothing_else)
{
	start("--listen", "https:127.0.0.1:0");
	cr_expect_str_eq(agreed(server.https_port, "\x08http/1.1"), "http/1.1");
	cr_expect_str_eq(agreed(server.https_port, "\x02h2\x08http/1.1"), "http/1.1");
	cr_expect_null(agreed(server.https_port, "\x02h2"));
	cr_expect_str_eq(agreed(server.tls_port, "\x02h2"), "", "lines have no name there");
}
#endif

/* Their worker ends */

/* Ann over TLS, and bob, in one room. */
static void enter_both(void)
{
	open_tls_greeted(&ann);
	talk_open_greeted(&bob, server.lines_port);
	ask(&ann, "+nick ann$", "/nick ann");
	ask(&ann, "+join #r ", "/join #r");
	ask(&bob, "+join #r ", "/join #r");
}

static void kill_worker_of(struct talk *talk)
{
	pid_t pid;

	serving(talk, &pid);
	cr_assert(watch_signal(server.pid, pid, SIGKILL));
}

static void outlive_with(const char *dispatch)
{
	start("--dispatch", dispatch, "--event", "rush=3");
	enter_both();
	for (int i = 0; i < 3; i++) {
		talk_write(&ann, "/say #r half ", 13);
		kill_worker_of(&bob);
		kill_worker_of(&bob);
		talk_write(&ann, "a line\n", 7);
		talk_expect_event(&bob, "*say #r ann half a line");
		talk_expect_answer(&ann, "+say #r");
		kill_worker_of(&ann);
	}
	ask(&ann, "+booked ", "/book rush 2");
	cr_expect_eq(turnstiled_stop(&server), 0);
}

Test(programs_tls, a_connection_outlives_its_worker)
{
	outlive_with("handoff");
}

Test(programs_tls, it_does_when_workers_accept_too)
{
	outlive_with("accept");
}

static void kill_all_workers(void)
{
	pid_t children[WATCH_CHILDREN_MAX];
	size_t count = watch_children(server.pid, children);

	for (size_t i = 0; i < count; i++) {
		if (children[i] != tls_process()) {
			watch_signal(server.pid, children[i], SIGKILL);
		}
	}
}

static const char *long_ping(int number)
{
	static char line[LONG_PING + 32];

	snprintf(line, sizeof(line), "/ping %07d %0*d\n", number, LONG_PING, 0);
	return line;
}

/* As much as is taken within a moment. */
static size_t send_some(struct talk *talk, const char *bytes, size_t length)
{
	size_t taken = 0;

	for (int idle = 0; taken < length && idle < 3;) {
		ssize_t sent = send(talk->descriptor, bytes + taken, length - taken,
				    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent > 0) {
			taken += (size_t)sent;
			idle = 0;
		} else {
			clock_sleep(100 * NS_PER_MS);
			idle++;
		}
	}
	return taken;
}

/* Until nobody takes more; returns how many whole ones, and how much of the next was taken. */
static int fill_with_pings(struct talk *talk, size_t *taken)
{
	for (int asked = 0;; asked++) {
		const char *line = long_ping(asked);

		*taken = send_some(talk, line, strlen(line));
		if (*taken < strlen(line)) {
			return asked;
		}
	}
}

/* Of the pings that were under way one may be interrupted, a death. */
static void expect_pongs(struct talk *talk, int from, int to, int *deaths)
{
	for (int i = from; i < to; i++) {
		const char *line = talk_line(talk);

		if (strncmp(line, "-INTERRUPTED ", 13) == 0) {
			cr_assert_geq(--*deaths, 0, "ping %d was interrupted", i);
		} else {
			cr_assert_eq(strncmp(line, text_of("+pong %07d ", i), 14), 0,
				     "ping %d: %.20s", i, line);
		}
	}
}

Test(programs_tls, it_does_while_its_peer_does_not_read_and_loses_nothing)
{
	int deaths = 2;
	size_t taken;

	start("--rate", "0");
	open_tls_greeted(&ann);
	int asked = fill_with_pings(&ann, &taken);

	for (int i = 0; i < deaths; i++) {
		kill_all_workers();
		open_tls_greeted(&bob);
		ask(&bob, "+pong", "/ping"); /* one is there again */
		talk_close(&bob);
	}
	expect_pongs(&ann, 0, asked - 1, &deaths);
	talk_write(&ann, long_ping(asked) + taken, strlen(long_ping(asked)) - taken);
	expect_pongs(&ann, asked - 1, asked + 1, &deaths);
}

/* Another binary takes over */

static void goes_on_with_another_binary(const char *dispatch)
{
	start("--dispatch", dispatch, "--event", "rush=9");
	enter_both();
	for (int i = 0; i < 3; i++) {
		talk_write(&ann, "/say #r half ", 13);
		turnstiled_upgrade(&server);
		talk_write(&ann, "a line\n", 7);
		talk_expect_event(&bob, "*say #r ann half a line");
		talk_expect_answer(&ann, "+say #r");
		ask(&ann, "+booked ", "/book rush 2");
		kill_worker_of(&ann);
		ask(&ann, "+pong$", "/ping");
	}
	cr_expect_eq(turnstiled_stop(&server), 0);
	cr_expect(log_has(&server, "error:") == 0, "nothing was wrong");
}

Test(programs_tls, a_connection_goes_on_when_another_binary_takes_over)
{
	goes_on_with_another_binary("handoff");
}

Test(programs_tls, it_goes_on_when_workers_accept_too)
{
	goes_on_with_another_binary("accept");
}

static void fill_and_upgrade(int upgrades)
{
	int deaths = 0;
	size_t taken;
	int asked = fill_with_pings(&ann, &taken);

	for (int i = 0; i < upgrades; i++) {
		turnstiled_upgrade(&server);
	}
	expect_pongs(&ann, 0, asked - 1, &deaths);
	talk_write(&ann, long_ping(asked) + taken, strlen(long_ping(asked)) - taken);
	expect_pongs(&ann, asked - 1, asked + 1, &deaths);
}

Test(programs_tls, it_goes_on_while_its_peer_does_not_read_and_loses_nothing)
{
	start("--rate", "0");
	open_tls_greeted(&ann);
	fill_and_upgrade(1);
	fill_and_upgrade(2);
}

/* What its killed worker had sent is not known before tls has taken it, and the next one leaves it
 * so. */
Test(programs_tls, it_goes_on_when_another_worker_was_killed_before)
{
	int deaths = 1;
	size_t taken;

	start("--rate", "0");
	open_tls_greeted(&ann);
	int asked = fill_with_pings(&ann, &taken);

	kill_all_workers();
	open_tls_greeted(&bob);
	ask(&bob, "+pong", "/ping"); /* one is there again */
	turnstiled_upgrade(&server);
	expect_pongs(&ann, 0, asked - 1, &deaths);
	talk_write(&ann, long_ping(asked) + taken, strlen(long_ping(asked)) - taken);
	expect_pongs(&ann, asked - 1, asked + 1, &deaths);
}

/* One for those who come, and one for each replaced binary that somebody is connected through. */
Test(programs_tls, the_process_of_a_replaced_binary_ends_with_its_last_connection)
{
	start("--log-level", "info");
	open_tls_greeted(&ann);
	talk_open_greeted(&bob, server.lines_port);
	const pid_t before = tls_process();

	turnstiled_upgrade(&server);
	cr_expect(eventually(tls_process() != 0 && tls_process() != before));
	turnstiled_upgrade(&server); /* through the one in between nobody is connected */
	cr_expect(eventually(stat_of(&bob, "turnstile_tls_processes") == 2));
	cr_expect_eq(kill(before, 0), 0);
	ask(&ann, "+pong$", "/ping");
	talk_close(&ann);
	cr_expect(eventually(stat_of(&bob, "turnstile_tls_processes") == 1));
	cr_expect(eventually(watch_state(before) == 'Z' || watch_state(before) == 0));
	open_tls_greeted(&ann);
	ask(&ann, "+pong$", "/ping");
	cr_expect_eq(turnstiled_stop(&server), 0);
}

/* Somebody was shaking hands with the old one: it is the new one that serves it. */
Test(programs_tls, a_handshake_that_was_under_way_is_finished)
{
	start("--log-level", "info");
	int descriptor = connect_at(server.tls_port, "127.0.0.1");

	talk_open_greeted(&bob, server.lines_port);
	turnstiled_upgrade(&server);
	shake_hands(&ann, descriptor, own.certificate);
	talk_expect_start(&ann, "+turnstile 1 ");
	ask(&ann, "+pong$", "/ping");
}

Test(programs_tls, when_it_stops_then_last_words_come_through)
{
	start("--log-level", "info");
	open_tls_greeted(&ann);
	turnstiled_upgrade(&server);
	open_tls_greeted(&bob);
	kill(server.pid, SIGTERM);
	talk_expect(&ann, "*notice the server stops now");
	talk_expect_end(&ann);
	talk_expect(&bob, "*notice the server stops now");
	talk_expect_end(&bob);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

/* turnstiled_kill sees that nobody is left. */
Test(programs_tls, when_the_new_master_is_killed_all_end)
{
	start("--log-level", "info");
	open_tls_greeted(&ann);
	turnstiled_upgrade(&server);
	ask(&ann, "+pong$", "/ping");
	turnstiled_kill(&server);
	talk_expect_end(&ann);
}

/* The process */

Test(programs_tls, when_tls_is_killed_another_serves_and_the_workers_stay)
{
	start("--log-level", "info");
	open_tls_greeted(&ann);
	talk_open_greeted(&bob, server.lines_port);
	ask(&bob, "+pong", "/ping");
	pid_t before = tls_process();

	cr_assert(watch_signal(server.pid, before, SIGKILL));
	talk_expect_end(&ann);
	cr_assert(eventually(tls_process() != 0 && tls_process() != before));
	open_tls_greeted(&ann);
	ask(&ann, "+pong", "/ping");
	ask(&bob, "+pong", "/ping");
	cr_assert(eventually(stat_of(&bob, "turnstile_connections") == 2));
	cr_expect_eq(turnstiled_stop(&server), 0);
	cr_expect(eventually(log_has(&server, "tls (pid ")));
}

Test(programs_tls, when_the_server_stops_its_last_words_come_through)
{
	start("--log-level", "info");
	open_tls_greeted(&ann);
	kill(server.pid, SIGTERM);
	talk_expect(&ann, "*notice the server stops now");
	talk_expect_end(&ann);
	cr_expect_eq(turnstiled_stop(&server), 0);
}

/*
 * Whether SECRET, its first or its last byte first, is in memory of the process's own. What all
 * share is too large to look through: there tls writes its score and nothing else.
 */
static bool memory_has(pid_t pid, const unsigned char *secret)
{
	static unsigned char piece[PIECE + CERTIFICATE_SECRET_SIZE];
	unsigned char reversed[CERTIFICATE_SECRET_SIZE];
	char path[64], line[512];
	unsigned long start_at, end;
	char rights[5];
	bool found = false;

	for (size_t i = 0; i < CERTIFICATE_SECRET_SIZE; i++) {
		reversed[i] = secret[CERTIFICATE_SECRET_SIZE - 1 - i];
	}
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	int memory = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(path, "re");

	cr_assert(memory >= 0 && maps);
	while (!found && fgets(line, sizeof(line), maps)) {
		cr_assert_eq(sscanf(line, "%lx-%lx %4s", &start_at, &end, rights), 3);
		while (!found && rights[3] == 'p' && start_at < end) {
			ssize_t got = pread(memory, piece, sizeof(piece), (off_t)start_at);

			if (got <= 0) {
				break;
			}
			found = memmem(piece, (size_t)got, secret, sizeof(reversed)) ||
				memmem(piece, (size_t)got, reversed, sizeof(reversed));
			start_at += PIECE;
		}
	}
	fclose(maps);
	close(memory);
	return found;
}

Test(programs_tls, the_key_is_in_the_memory_of_tls_and_of_nobody_else)
{
	pid_t children[WATCH_CHILDREN_MAX];

#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("the sanitizer's own memory is too large to look through");
#endif
	if (geteuid() != 0) {
		cr_skip_test("only root may look into their memory");
	}
	start("--serialize", "join");
	open_tls_greeted(&ann);
	ask(&ann, "+pong", "/ping");
	cr_expect(memory_has(tls_process(), own.secret), "so it would be found");
	cr_expect_not(memory_has(server.pid, own.secret), "in the master");
	size_t count = watch_children(server.pid, children);

	cr_expect_eq(count, 4); /* two workers, the joiner, tls */
	for (size_t i = 0; i < count; i++) {
		cr_expect(children[i] == tls_process() || !memory_has(children[i], own.secret),
			  "in process %d", (int)children[i]);
	}
}

/* What is refused at the start */

static int run_server(void *argument)
{
	execv(TURNSTILED, argument);
	return 127;
}

static void expect_refusal(const char *certificate, const char *key, int status, const char *why)
{
	struct capture capture;
	char *argv[] = { strdup(TURNSTILED),
			 strdup("--state"),
			 strdup(server.folder.path),
			 strdup("--listen"),
			 strdup("tls:127.0.0.1:0"),
			 strdup("--tls-cert"),
			 strdup(certificate),
			 strdup("--tls-key"),
			 strdup(key),
			 NULL };

	capture_start(&capture, -1, run_server, argv);
	capture_wait(&capture);
	cr_expect_eq(capture.status, status, "%s: %d", why, capture.status);
	cr_expect_not_null(strstr(capture.errors, why), "%s is not in: %s", why, capture.errors);
	cr_expect_str_eq(capture.output, "", "no port is open yet");
	capture_free(&capture);
	for (char **each = argv; *each; each++) {
		free(*each);
	}
}

static const char *write_file(const char *name, const char *text)
{
	static char paths[4][FOLDER_PATH_SIZE];
	static unsigned used;
	char *path = paths[used++ % 4];

	folder_file(&server.folder, name, path);
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
	close(file);
	return path;
}

static const char *read_text(const char *path)
{
	static char text[8192];
	FILE *file = fopen(path, "re");

	cr_assert_not_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static const char *damaged_chain(void)
{
	static char text[16384];

	snprintf(text, sizeof(text), "%s-----BEGIN CERTIFICATE-----\nMIIB\n",
		 read_text(own.certificate));
	return write_file("chain", text);
}

Test(programs_tls, a_pair_that_cannot_be_used_is_refused_in_a_line_each_fault)
{
	struct certificate other;

	certificate_make(&other, &server.folder, "other", 30);
	expect_refusal("/no/such", own.key, 1, "--tls-cert /no/such: cannot be read: No such file");
	expect_refusal(own.certificate, "/no/such", 1, "--tls-key /no/such: cannot be read");
	expect_refusal(own.certificate, "/dev/null", 1, "/dev/null: must be a file of");
	expect_refusal(own.certificate, other.key, 1, "is not the key of the certificate in");
	expect_refusal(write_file("empty", ""), write_file("none", "no key"), 1,
		       "empty: there is no certificate in PEM in it");
	expect_refusal(write_file("empty", ""), write_file("none", "no key"), 1,
		       "none: there is no private key in PEM in it");
	expect_refusal(damaged_chain(), own.key, 1, "chain: certificate 2 in it is damaged");
	cr_assert_eq(chmod(own.key, 0604), 0);
	expect_refusal(own.certificate, own.key, 1, "others may read or write it");
}

Test(programs_tls, a_key_with_a_passphrase_is_refused_by_name)
{
	char path[FOLDER_PATH_SIZE];
	EVP_PKEY *key = EVP_EC_gen("P-256");

	folder_file(&server.folder, "locked", path);
	int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	FILE *stream = fdopen(file, "w");
	unsigned char word[] = "sesame";

	cr_assert_eq(PEM_write_PrivateKey(stream, key, EVP_aes_128_cbc(), word, 6, NULL, NULL), 1);
	fclose(stream);
	EVP_PKEY_free(key);
	expect_refusal(own.certificate, path, 1, "locked: is encrypted, and nobody is there");
}

/* What is read once more */

static void reload(const char *said)
{
	cr_assert_eq(kill(server.pid, SIGHUP), 0);
	cr_expect(eventually(log_has(&server, said)), "the log does not say %s", said);
}

Test(programs_tls, a_new_pair_is_for_those_who_come_and_handshakes_under_way_go_on)
{
	static char both[16384];

	start("--event", "rush=3");
	const pid_t process = tls_process();
	int under_way = connect_at(server.tls_port, "127.0.0.1");
	size_t length = (size_t)snprintf(both, sizeof(both), "%s", read_text(own.certificate));

	certificate_make(&own, &server.folder, "localhost", 60);
	snprintf(both + length, sizeof(both) - length, "%s", read_text(own.certificate));
	reload("master notice: reloaded");
	open_tls_greeted(&ann); /* it knows the new one alone */
	shake_hands(&bob, under_way, write_file("both", both));
	talk_expect_start(&bob, "+turnstile 1 ");
	cr_expect_eq(tls_process(), process);
}

Test(programs_tls, a_new_key_that_is_not_the_certificates_changes_nothing)
{
	struct certificate other;

	start("--event", "rush=3");
	certificate_make(&other, &server.folder, "other", 30);
	cr_assert_eq(rename(other.key, own.key), 0);
	reload("not reloaded, all stays as it was: the certificate and its key cannot be used");
	open_tls_greeted(&ann);
	cr_assert_eq(unlink(own.key), 0);
	reload("localhost: cannot be read: No such file or directory");
	open_tls_greeted(&bob);
	ask(&ann, "+booked ", "/book rush");
}
