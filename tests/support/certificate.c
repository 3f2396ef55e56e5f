#include "tests/support/certificate.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#define DAY_SECONDS (24L * 60 * 60)

static void add_names(X509 *certificate, const char *name)
{
	char names[256];
	X509_NAME *subject = X509_get_subject_name(certificate);

	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
				   -1, 0);
	X509_set_issuer_name(certificate, subject);
	snprintf(names, sizeof(names), "DNS:%s,IP:127.0.0.1", name);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);

	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
}

static X509 *make(EVP_PKEY *key, const char *name, long days)
{
	X509 *certificate = X509_new();

	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -2 * DAY_SECONDS);
	X509_gmtime_adj(X509_getm_notAfter(certificate), days * DAY_SECONDS);
	X509_set_pubkey(certificate, key);
	add_names(certificate, name);
	cr_assert_gt(X509_sign(certificate, key, EVP_sha256()), 0);
	return certificate;
}

static FILE *create(const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(file, 0, "%s", path);
	return fdopen(file, "w");
}

static void keep_secret(const EVP_PKEY *key, unsigned char *secret)
{
	BIGNUM *number = NULL;

	cr_assert_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &number), 1);
	cr_assert_eq(BN_bn2binpad(number, secret, CERTIFICATE_SECRET_SIZE),
		     CERTIFICATE_SECRET_SIZE);
	BN_clear_free(number);
}

void certificate_make(struct certificate *certificate, const struct folder *folder,
		      const char *name, long days)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *made = make(key, name, days);
	char file[64];

	snprintf(file, sizeof(file), "cert-%s", name);
	folder_file(folder, file, certificate->certificate);
	snprintf(file, sizeof(file), "key-%s", name);
	folder_file(folder, file, certificate->key);
	FILE *certificate_file = create(certificate->certificate);
	FILE *key_file = create(certificate->key);

	cr_assert_eq(PEM_write_X509(certificate_file, made), 1);
	cr_assert_eq(PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL), 1);
	cr_assert_eq(fclose(certificate_file) | fclose(key_file), 0);
	keep_secret(key, certificate->secret);
	X509_free(made);
	EVP_PKEY_free(key);
}
