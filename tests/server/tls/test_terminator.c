/* Strangers in their handshakes: how long, how many, and that the others are served meanwhile. */
#include "server/tls/terminator.h"

#include <criterion/criterion.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/config/listener_option.h"
#include "server/tls/key_pair.h"
#include "tests/support/certificate.h"

#define DESCRIPTORS 4096 /* two for each handshake, and some */
#define TURNS_MOST  1000

static struct folder folder;
static struct certificate pair;
static struct options options = { .workers = 1 };
static struct ssl_ctx_st *servers[LISTENER_KINDS];
static struct event_base *base;
static struct terminator *terminator;
static int handed = -1; /* the last plain end that was handed on */
static bool takes = true;

static bool take_plain(void *context, int plain, const struct arrival *arrival)
{
	(void)context;
	cr_expect_eq(arrival->kind, LISTENER_TLS);
	if (takes) {
		handed = plain;
	}
	return takes;
}

static void init(void)
{
	const struct terminator_owner owner = { .hand_on = take_plain };
	const struct rlimit limit = { DESCRIPTORS, DESCRIPTORS };
	struct key_pair key_pair;

	(void)setrlimit(RLIMIT_NOFILE, &limit);
	folder_init(&folder);
	certificate_make(&pair, &folder, "localhost", 30);
	strcpy(options.tls_certificate, pair.certificate);
	strcpy(options.tls_key, pair.key);
	options.listeners[0].kind = LISTENER_TLS;
	options.listener_count = 1;
	key_pair_open(&key_pair, &options);
	servers[LISTENER_TLS] = key_pair_server(&key_pair, &options, NULL);
	cr_assert_not_null(servers[LISTENER_TLS]);
	base = event_base_new();
	terminator = terminator_create(base, &options, &owner, servers);
}

static void finish(void)
{
	terminator_destroy(terminator);
	SSL_CTX_free(servers[LISTENER_TLS]);
	event_base_free(base);
	folder_finish(&folder);
}

TestSuite(terminator, .init = init, .fini = finish);

static struct peer_address address_of(unsigned number)
{
	struct peer_address peer = { .bytes = { 0x20, 0x01, 0x0d, 0xb8 } };

	peer.bytes[4] = (unsigned char)(number >> 8);
	peer.bytes[5] = (unsigned char)number;
	return peer;
}

/* A stranger from address NUMBER; its end. */
static int come(unsigned number)
{
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	const struct arrival arrival = { .peer = address_of(number), .kind = LISTENER_TLS };

	terminator_take(terminator, ends[0], &arrival);
	return ends[1];
}

static bool has_ended(int client)
{
	struct pollfd end = { .fd = client, .events = POLLIN };
	char byte;

	return poll(&end, 1, 0) == 1 && read(client, &byte, 1) <= 0;
}

static void turn(void)
{
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	(void)terminator_turn(terminator, clock_monotonic_ns());
}

static SSL *client_of(SSL_CTX *context, int client)
{
	SSL *tls = SSL_new(context);

	SSL_set_fd(tls, client);
	return tls;
}

/* Shakes hands with it; how many turns that took. */
static int shake(SSL *tls)
{
	int turns = 0;

	while (SSL_connect(tls) != 1) {
		cr_assert_lt(turns++, TURNS_MOST, "no handshake");
		turn();
	}
	turn(); /* the client's last word, */
	turn(); /* and the plain end is handed on */
	return turns;
}

Test(terminator, a_handshake_has_ten_seconds)
{
	int silent = come(1);
	int64_t now_ns = clock_monotonic_ns();

	terminator_tick(terminator, now_ns + TERMINATOR_HANDSHAKE_NS - NS_PER_SECOND);
	cr_expect_eq(terminator_handshakes(terminator), 1);
	cr_expect_not(has_ended(silent));
	terminator_tick(terminator, now_ns + TERMINATOR_HANDSHAKE_NS + NS_PER_SECOND);
	cr_expect_eq(terminator_handshakes(terminator), 0);
	cr_expect_eq(terminator_count(terminator), 0);
	cr_expect(has_ended(silent));
}

Test(terminator, whose_handshake_is_done_may_stay_silent)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *tls = client_of(context, come(1));

	shake(tls);
	cr_expect_geq(handed, 0);
	cr_expect_eq(terminator_handshakes(terminator), 0);
	terminator_tick(terminator, clock_monotonic_ns() + 100 * TERMINATOR_HANDSHAKE_NS);
	cr_expect_eq(terminator_count(terminator), 1);
	SSL_free(tls);
	SSL_CTX_free(context);
}

Test(terminator, an_address_has_so_many_handshakes_and_no_more)
{
	int last = -1;

	for (int i = 0; i < TERMINATOR_HANDSHAKES_SHARE; i++) {
		last = come(1);
		cr_assert_not(has_ended(last));
	}
	cr_expect(has_ended(come(1)));
	cr_expect_not(has_ended(come(2)));
	close(last);
	turn();
	turn();
	cr_expect_eq(terminator_handshakes(terminator), TERMINATOR_HANDSHAKES_SHARE);
	cr_expect_not(has_ended(come(1)));
}

Test(terminator, when_there_are_too_many_in_all_the_oldest_goes)
{
	int oldest = come(0);
	int second = come(1);

	for (unsigned i = 2; i < TERMINATOR_HANDSHAKES_MOST; i++) {
		come(i);
	}
	cr_expect_not(has_ended(oldest));
	int newest = come(TERMINATOR_HANDSHAKES_MOST);

	cr_expect(has_ended(oldest));
	cr_expect_not(has_ended(second));
	cr_expect_not(has_ended(newest));
	cr_expect_eq(terminator_handshakes(terminator), TERMINATOR_HANDSHAKES_MOST);
}

Test(terminator, what_nobody_takes_now_is_handed_on_later)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *tls = client_of(context, come(1));
	char byte;

	takes = false;
	shake(tls);
	cr_assert_eq(SSL_write(tls, "x", 1), 1);
	turn();
	cr_expect_eq(handed, -1);
	takes = true;
	turn();
	turn();
	cr_assert_geq(handed, 0);
	cr_expect_eq(read(handed, &byte, 1), 1);
	cr_expect_eq(byte, 'x');
	SSL_free(tls);
	SSL_CTX_free(context);
}

Test(terminator, draining_ends_handshakes_and_lets_the_others_finish)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	int client = come(1);
	SSL *tls = client_of(context, client);
	char byte;

	shake(tls);
	int stranger = come(2);

	terminator_drain(terminator);
	cr_expect(has_ended(stranger));
	cr_expect_eq(terminator_count(terminator), 1);
	cr_assert_eq(write(handed, "bye", 3), 3);
	close(handed);
	turn();
	cr_expect_eq(SSL_read(tls, &byte, 1), 1);
	cr_expect_eq(byte, 'b');
	SSL_shutdown(tls);
	turn();
	turn();
	cr_expect_eq(terminator_count(terminator), 0);
	SSL_free(tls);
	SSL_CTX_free(context);
}

Test(terminator, new_ticket_keys_make_old_tickets_void_and_nothing_else)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL_SESSION *session = NULL;

	for (int i = 0; i < 3; i++) {
		SSL *tls = client_of(context, come(1));
		char byte;

		if (session) {
			SSL_set_session(tls, session);
		}
		shake(tls);
		(void)SSL_read(tls, &byte, 1); /* takes the ticket */
		cr_expect_eq(SSL_session_reused(tls), i == 1, "visit %d", i);
		SSL_SESSION_free(session);
		session = SSL_get1_session(tls);
		SSL_shutdown(tls);
		SSL_free(tls);
		if (i == 1) {
			key_pair_change_ticket_keys(servers[LISTENER_TLS]);
		}
	}
	SSL_SESSION_free(session);
	SSL_CTX_free(context);
}
