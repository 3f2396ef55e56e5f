/*
 * certificate: a certificate and its key, made for one test: a folder's files cert-NAME and
 * key-NAME, in PEM; only their owner may read the key. It signs itself, so it is its own authority.
 */
#ifndef TESTS_SUPPORT_CERTIFICATE_H
#define TESTS_SUPPORT_CERTIFICATE_H

#include "tests/support/folder.h"

#define CERTIFICATE_SECRET_SIZE 32 /* bytes: the secret number of a key on the curve P-256 */

struct certificate {
	char certificate[FOLDER_PATH_SIZE];
	char key[FOLDER_PATH_SIZE];
	unsigned char secret[CERTIFICATE_SECRET_SIZE]; /* its highest byte first */
};

/* For the host NAME and the address 127.0.0.1; good for DAYS from yesterday on, -1: it was. */
void certificate_make(struct certificate *certificate, const struct folder *folder,
		      const char *name, long days);

#endif
