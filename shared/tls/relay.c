#include "shared/tls/relay.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

void relay_begin(struct relay *relay, SSL *tls, int socket, int plain)
{
	*relay = (struct relay){ .tls = tls, .socket = socket, .plain = plain };
	relay->socket_readable = true; /* what came with the handshake gives no sign of its own */
}

static size_t length_of(const struct relay_rest *rest)
{
	return rest->end - rest->start;
}

/* Keeps what was not taken of LENGTH bytes; they may lie in the rest already. */
static void keep(struct relay *relay, struct relay_rest *rest, const char *bytes, size_t length)
{
	if (rest->bytes) {
		rest->start = rest->end - length;
		if (length == 0) {
			free(rest->bytes);
			*rest = (struct relay_rest){ NULL, 0, 0 };
		}
		return;
	}
	if (length == 0) {
		return;
	}
	rest->bytes = malloc(length);
	if (!rest->bytes) {
		relay->broken = true;
		return;
	}
	memcpy(rest->bytes, bytes, length);
	rest->start = 0;
	rest->end = length;
}

/* A call to the kernel changes what went through: begins, and has been. */
static void begin_counting(const struct relay *relay)
{
	if (relay->count) {
		atomic_fetch_add(&relay->count->version, 1);
	}
}

/* Of bytes that were given, or taken; negative: none was. */
static void end_counting(const struct relay *relay, ssize_t given, ssize_t taken)
{
	struct relay_count *count = relay->count;

	if (count) {
		atomic_fetch_add(&count->given, given > 0 ? (uint64_t)given : 0);
		atomic_fetch_add(&count->taken, taken > 0 ? (uint64_t)taken : 0);
		atomic_fetch_add(&count->version, 1);
	}
}

/* From the peer to the plain side */

/*
 * How many the plain side took. One that is gone takes all: the peer shall end of itself, so that
 * no reset overtakes the last words to it.
 */
static size_t give_plain(struct relay *relay, const char *bytes, size_t length)
{
	begin_counting(relay);
	ssize_t sent = send(relay->plain, bytes, length, MSG_NOSIGNAL);

	end_counting(relay, sent, 0);
	if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
		relay->plain_full = errno == EAGAIN;
		return 0;
	}
	return sent < 0 ? length : (size_t)sent;
}

/* 0: nothing came, for now or for good. TLS may have to write before it reads on. */
static size_t take_tls(struct relay *relay, char *buffer)
{
	size_t got = 0;

	ERR_clear_error();
	int result = SSL_read_ex(relay->tls, buffer, RELAY_BUFFER_SIZE, &got);
	int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(relay->tls, result);

	relay->reading_waits = error == SSL_ERROR_WANT_WRITE;
	switch (error) {
	case SSL_ERROR_NONE: return got;
	case SSL_ERROR_WANT_READ: relay->socket_readable = false; break;
	case SSL_ERROR_WANT_WRITE: relay->socket_full = true; break;
	case SSL_ERROR_ZERO_RETURN:
		relay->in_ended = true;
		(void)shutdown(relay->plain, SHUT_WR);
		break;
	default: relay->broken = true;
	}
	return 0;
}

static size_t carry_in(struct relay *relay, char *buffer)
{
	bool kept = relay->in.bytes;
	const char *bytes = kept ? relay->in.bytes + relay->in.start : buffer;
	size_t length = kept ? length_of(&relay->in) : take_tls(relay, buffer);

	if (length == 0) {
		return 0;
	}
	size_t given = give_plain(relay, bytes, length);

	keep(relay, &relay->in, bytes + given, length - given);
	return given;
}

static bool may_carry_in(const struct relay *relay)
{
	bool waits = relay->reading_waits && relay->socket_full;
	bool may_read = relay->socket_readable && !waits && !relay->in_ended;

	return !relay->broken && !relay->plain_full && (relay->in.bytes || may_read);
}

/* From the plain side to the peer */

static size_t give_tls(struct relay *relay, const char *bytes, size_t length)
{
	size_t sent = 0;

	ERR_clear_error();
	int result = SSL_write_ex(relay->tls, bytes, length, &sent);

	if (result != 1) {
		int error = SSL_get_error(relay->tls, result);

		relay->socket_full = true;
		relay->broken = error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_WANT_READ;
	}
	return sent;
}

/* The plain side says no more: so is the peer told, by TLS and by TCP. */
static void end_output(struct relay *relay)
{
	ERR_clear_error();
	int result = SSL_shutdown(relay->tls);

	if (result < 0 && SSL_get_error(relay->tls, result) == SSL_ERROR_WANT_WRITE) {
		relay->socket_full = true;
		return;
	}
	(void)shutdown(relay->socket, SHUT_WR);
	relay->out_ended = true;
}

static size_t take_plain(struct relay *relay, char *buffer)
{
	begin_counting(relay);
	ssize_t got = recv(relay->plain, buffer, RELAY_BUFFER_SIZE, 0);

	end_counting(relay, 0, got);
	if (got > 0) {
		return (size_t)got;
	}
	if (got < 0 && errno == EAGAIN) {
		relay->plain_readable = false;
	} else if (got == 0 || errno != EINTR) {
		end_output(relay);
	}
	return 0;
}

static size_t carry_out(struct relay *relay, char *buffer)
{
	bool kept = relay->out.bytes;
	const char *bytes = kept ? relay->out.bytes + relay->out.start : buffer;
	size_t length = kept ? length_of(&relay->out) : take_plain(relay, buffer);

	if (length == 0) {
		return 0;
	}
	size_t given = give_tls(relay, bytes, length);

	keep(relay, &relay->out, bytes + given, length - given);
	return given;
}

static bool may_carry_out(const struct relay *relay)
{
	return !relay->broken && !relay->socket_full && !relay->out_ended &&
	       (relay->out.bytes || relay->plain_readable);
}

/* Output first: it makes room at the plain side. */
enum relay_state relay_carry(struct relay *relay, char *buffer)
{
	size_t in = 0, out = 0;

	while (may_carry_out(relay) && out < RELAY_SHARE) {
		out += carry_out(relay, buffer);
	}
	while (may_carry_in(relay) && in < RELAY_SHARE) {
		in += carry_in(relay, buffer);
	}
	if (relay->broken || (relay->in_ended && relay->out_ended)) {
		return RELAY_OVER;
	}
	return in >= RELAY_SHARE || out >= RELAY_SHARE ? RELAY_GOES_ON : RELAY_WAITS;
}

void relay_finish(struct relay *relay)
{
	SSL_free(relay->tls);
	close(relay->socket);
	close(relay->plain);
	free(relay->in.bytes);
	free(relay->out.bytes);
}
