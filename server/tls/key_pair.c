#include "server/tls/key_pair.h"

#ifdef TURNSTILE_WITH_TLS

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/config/listener_option.h"
#include "shared/base/log.h"
#include "shared/tls/context.h"

#define FILE_BYTES_MAX  (256 * 1024)  /* of a certificate with its chain, or a key */
#define TICKET_LIFETIME (2 * 60 * 60) /* seconds, unless the keys of tickets change before */

struct text {
	unsigned char *bytes;
	size_t length;
};

/* Opening */

/* -1 and a problem when it is none that can be read. */
static int open_file(const char *option, const char *path, char *problem)
{
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (file < 0 || fstat(file, &status) < 0) {
		(void)option_problem(problem, "%s %s: cannot be read: %s", option, path,
				     strerror(errno));
	} else if (!S_ISREG(status.st_mode) || status.st_size > FILE_BYTES_MAX) {
		(void)option_problem(problem, "%s %s: must be a file of %d KiB at most", option,
				     path, FILE_BYTES_MAX / 1024);
	} else {
		return file;
	}
	if (file >= 0) {
		close(file);
	}
	return -1;
}

static bool is_open_to_others(int key)
{
	struct stat status;

	return fstat(key, &status) == 0 && (status.st_mode & (S_IROTH | S_IWOTH));
}

bool key_pair_open_again(struct key_pair *key_pair, const struct options *options, char *problem)
{
	*key_pair = (struct key_pair){ -1, -1 };
	if (!options_have_tls(options)) {
		return true;
	}
	key_pair->certificate = open_file("--tls-cert", options->tls_certificate, problem);
	if (key_pair->certificate >= 0) {
		key_pair->key = open_file("--tls-key", options->tls_key, problem);
	}
	bool good = key_pair->key >= 0;

	if (good && is_open_to_others(key_pair->key)) {
		good = option_problem(
			problem,
			"--tls-key %s: others may read or write it: chmod o-rw makes it good",
			options->tls_key);
	}
	if (!good) {
		key_pair_close(key_pair);
	}
	return good;
}

void key_pair_open(struct key_pair *key_pair, const struct options *options)
{
	char problem[OPTION_PROBLEM_SIZE];

	if (!key_pair_open_again(key_pair, options, problem)) {
		die("%s", problem);
	}
}

void key_pair_close(struct key_pair *key_pair)
{
	if (key_pair->certificate >= 0) {
		close(key_pair->certificate);
	}
	if (key_pair->key >= 0) {
		close(key_pair->key);
	}
	*key_pair = (struct key_pair){ -1, -1 };
}

/* Reading */

/* All of the file, wherever its descriptor stands: that is shared with who reads it next. */
static bool read_all(int file, struct text *text)
{
	text->bytes = calloc(1, FILE_BYTES_MAX);
	text->length = 0;
	for (ssize_t got = 1; text->bytes && got > 0; text->length += got > 0 ? (size_t)got : 0) {
		got = pread(file, text->bytes + text->length, FILE_BYTES_MAX - text->length,
			    (off_t)text->length);
		if (got < 0) {
			return false;
		}
	}
	return text->bytes;
}

static void forget(struct text *text)
{
	if (text->bytes) {
		explicit_bzero(text->bytes, FILE_BYTES_MAX);
	}
	free(text->bytes);
}

/* The pair */

struct pair {
	X509 *certificate;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
};

static void free_pair(struct pair *pair)
{
	X509_free(pair->certificate);
	sk_X509_pop_free(pair->chain, X509_free);
	EVP_PKEY_free(pair->key);
}

/* Nobody is there to be asked for a passphrase. */
static int ask_nobody(char *buffer, int size, int writing, void *asked)
{
	(void)buffer;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static EVP_PKEY *read_key(const struct text *text, const char *path)
{
	BIO *source = BIO_new_mem_buf(text->bytes, (int)text->length);
	bool encrypted = false;
	EVP_PKEY *key = PEM_read_bio_PrivateKey(source, NULL, ask_nobody, &encrypted);

	BIO_free(source);
	if (!key && encrypted) {
		log_error("--tls-key %s: is encrypted, and nobody is there to give the passphrase",
			  path);
	} else if (!key) {
		log_error("--tls-key %s: there is no private key in PEM in it", path);
	}
	return key;
}

static bool was_end_of_pem(void)
{
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

/* The server's own certificate first; every one behind it must be whole, too. */
static bool read_certificates(struct pair *pair, const struct text *text, const char *path)
{
	BIO *source = BIO_new_mem_buf(text->bytes, (int)text->length);
	X509 *next;

	pair->certificate = PEM_read_bio_X509(source, NULL, NULL, NULL);
	pair->chain = sk_X509_new_null();
	while (pair->certificate && (next = PEM_read_bio_X509(source, NULL, NULL, NULL))) {
		sk_X509_push(pair->chain, next);
	}
	bool whole = was_end_of_pem();

	BIO_free(source);
	ERR_clear_error();
	if (!pair->certificate) {
		log_error("--tls-cert %s: there is no certificate in PEM in it", path);
	} else if (!whole) {
		log_error("--tls-cert %s: certificate %d in it is damaged", path,
			  sk_X509_num(pair->chain) + 2);
	}
	return pair->certificate && whole;
}

/* Both are looked at, whatever is wrong with one. */
static bool take_pair(struct pair *pair, const struct text *certificate, const struct text *key,
		      const struct options *options)
{
	bool good = read_certificates(pair, certificate, options->tls_certificate);

	pair->key = read_key(key, options->tls_key);
	if (good && pair->key && X509_check_private_key(pair->certificate, pair->key) != 1) {
		log_error("--tls-key %s: is not the key of the certificate in %s", options->tls_key,
			  options->tls_certificate);
		good = false;
	}
	return good && pair->key;
}

static bool read_pair(struct pair *pair, const struct key_pair *key_pair,
		      const struct options *options)
{
	struct text certificate = { NULL, 0 }, key = { NULL, 0 };
	bool read = read_all(key_pair->certificate, &certificate) && read_all(key_pair->key, &key);

	*pair = (struct pair){ NULL, NULL, NULL };
	if (!read) {
		log_error("the certificate or its key cannot be read: %s", strerror(errno));
	}
	bool good = read && take_pair(pair, &certificate, &key, options);

	forget(&certificate);
	forget(&key);
	return good;
}

/* Using it */

static int choose_protocol(SSL *tls, const unsigned char **chosen, unsigned char *length,
			   const unsigned char *offered, unsigned offered_length, void *ours)
{
	unsigned char *found;
	int result = SSL_select_next_proto(&found, length, ours,
					   (unsigned)((unsigned char *)ours)[0] + 1, offered,
					   offered_length);

	(void)tls;
	*chosen = found;
	return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* ALPN begins with its length, as on the wire. */
static bool set_up(SSL_CTX *server, const struct pair *pair, const char *alpn)
{
	static const unsigned char name[] = "turnstile";
	/* SSL_CTX_set_alpn_select_cb only hands it on, and has no const. */
	void *protocol;

	memcpy(&protocol, &alpn, sizeof(alpn));
	if (alpn) {
		SSL_CTX_set_alpn_select_cb(server, choose_protocol, protocol);
	}
	/* Who forgets to say so has ended all the same: half a line is not carried out anyway. */
	SSL_CTX_set_options(server, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_timeout(server, TICKET_LIFETIME);
	return SSL_CTX_set_session_id_context(server, name, sizeof(name) - 1) == 1 &&
	       SSL_CTX_use_certificate(server, pair->certificate) == 1 &&
	       SSL_CTX_set1_chain(server, pair->chain) == 1 &&
	       SSL_CTX_use_PrivateKey(server, pair->key) == 1;
}

SSL_CTX *key_pair_server(const struct key_pair *key_pair, const struct options *options,
			 const char *alpn)
{
	struct pair pair;
	char error[TLS_ERROR_SIZE];
	SSL_CTX *server = NULL;

	if (read_pair(&pair, key_pair, options)) {
		server = tls_context_create(true);
		if (!server || !set_up(server, &pair, alpn)) {
			log_error("--tls-cert %s: cannot be used: %s", options->tls_certificate,
				  tls_error(error));
			SSL_CTX_free(server);
			server = NULL;
		}
	}
	free_pair(&pair);
	return server;
}

void key_pair_change_ticket_keys(SSL_CTX *server)
{
	unsigned char keys[128];
	long length = SSL_CTX_get_tlsext_ticket_keys(server, NULL, 0);

	if (length <= 0 || (size_t)length > sizeof(keys) || RAND_bytes(keys, (int)length) != 1) {
		bug("no ticket keys of %ld bytes", length);
	}
	SSL_CTX_set_tlsext_ticket_keys(server, keys, length);
	OPENSSL_cleanse(keys, sizeof(keys));
}

/* Checking */

/* Peers will not like it, but our clock may be wrong: so it is said, and served. */
static void warn_of_dates(const X509 *certificate, const char *path)
{
	if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
		log_warning("--tls-cert %s: is not valid yet", path);
	}
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
		log_warning("--tls-cert %s: has expired", path);
	}
}

bool key_pair_check(const struct key_pair *key_pair, const struct options *options)
{
	SSL_CTX *server = key_pair_server(key_pair, options, NULL);

	if (!server) {
		return false;
	}
	warn_of_dates(SSL_CTX_get0_certificate(server), options->tls_certificate);
	SSL_CTX_free(server);
	return true;
}

#else

void key_pair_open(struct key_pair *key_pair, const struct options *options)
{
	(void)options;
	*key_pair = (struct key_pair){ -1, -1 };
}

bool key_pair_open_again(struct key_pair *key_pair, const struct options *options, char *problem)
{
	(void)problem;
	key_pair_open(key_pair, options);
	return true;
}

void key_pair_close(struct key_pair *key_pair)
{
	*key_pair = (struct key_pair){ -1, -1 };
}

bool key_pair_check(const struct key_pair *key_pair, const struct options *options)
{
	(void)key_pair;
	(void)options;
	return false;
}

#endif
