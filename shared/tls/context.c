#include "shared/tls/context.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20" /* of TLS 1.2; all of 1.3 are such */

/* Its modes are what relay.c counts on: a write may take a part, and be repeated from elsewhere. */
SSL_CTX *tls_context_create(bool server)
{
	SSL_CTX *context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());

	if (!context) {
		return NULL;
	}
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(context, CIPHERS);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(context, 1);
	return context;
}

const char *tls_error(char text[TLS_ERROR_SIZE])
{
	unsigned long error = ERR_peek_error();
	const char *reason = error ? ERR_reason_error_string(error) : NULL;

	if (error && ERR_SYSTEM_ERROR(error)) {
		(void)snprintf(text, TLS_ERROR_SIZE, "%s", strerror(ERR_GET_REASON(error)));
	} else if (reason) {
		(void)snprintf(text, TLS_ERROR_SIZE, "%s", reason);
	} else if (errno != 0) {
		(void)snprintf(text, TLS_ERROR_SIZE, "%s", strerror(errno));
	} else {
		(void)snprintf(text, TLS_ERROR_SIZE, "the peer ended the connection");
	}
	ERR_clear_error();
	return text;
}

enum tls_handshake tls_handshake(SSL *tls)
{
	ERR_clear_error();
	errno = 0;
	int result = SSL_do_handshake(tls);

	if (result == 1) {
		return TLS_HANDSHAKE_DONE;
	}
	switch (SSL_get_error(tls, result)) {
	case SSL_ERROR_WANT_READ: return TLS_HANDSHAKE_READS;
	case SSL_ERROR_WANT_WRITE: return TLS_HANDSHAKE_WRITES;
	default: return TLS_HANDSHAKE_FAILED;
	}
}
