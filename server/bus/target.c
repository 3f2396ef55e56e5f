#include "server/bus/target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/log.h"

#define FILE_SIZE_MAX (1024 * 1024) /* bytes */
#define SYSTEM_CA     "/etc/ssl/certs/ca-certificates.crt"

static struct bus_address addresses[BUS_ADDRESSES_MAX];
static size_t address_count;
static int files[BUS_FILES] = { -1, -1, -1, -1 };

/* Addresses */

static void add_address(const struct bus_server *server, const struct addrinfo *found)
{
	struct bus_address *address = &addresses[address_count];

	if (address_count < BUS_ADDRESSES_MAX &&
	    getnameinfo(found->ai_addr, found->ai_addrlen, address->text, sizeof(address->text),
			NULL, 0, NI_NUMERICHOST) == 0) {
		address->server = server;
		address_count++;
	}
}

static void look_up(const struct bus_server *server)
{
	const struct addrinfo wanted = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	int error = getaddrinfo(server->host, NULL, &wanted, &found);

	if (error != 0) {
		die("--bus: %s cannot be looked up: %s", server->host, gai_strerror(error));
	}
	for (const struct addrinfo *each = found; each; each = each->ai_next) {
		add_address(server, each);
	}
	freeaddrinfo(found);
}

/* Files */

static void check_is_private(int file, const char *name, const char *path)
{
	struct stat status;

	if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
	    (status.st_mode & S_IROTH) != 0) {
		die("%s: others may read it: chmod o-r %s", name, path);
	}
}

static void open_file(enum bus_file which, const char *name, const char *otherwise, bool secret)
{
	const char *path = getenv(name);

	path = path && *path ? path : otherwise;
	if (!path) {
		return;
	}
	files[which] = open(path, O_RDONLY | O_CLOEXEC);
	if (files[which] < 0 && path != otherwise) {
		die("%s: %s cannot be read: %s", name, path, strerror(errno));
	}
	if (secret) {
		check_is_private(files[which], name, path);
	}
}

static bool is_over_tls(const struct options *options)
{
	bool tls = false;

	for (size_t i = 0; i < options->bus_server_count; i++) {
		tls |= options->bus_servers[i].tls;
	}
	return tls;
}

static void open_files(const struct options *options)
{
	open_file(BUS_FILE_CREDENTIALS, "NATS_CREDS", NULL, true);
	if (is_over_tls(options)) {
		open_file(BUS_FILE_AUTHORITY, "NATS_CA", SYSTEM_CA, false);
		open_file(BUS_FILE_CERTIFICATE, "NATS_CERT", NULL, false);
		open_file(BUS_FILE_KEY, "NATS_KEY", NULL, true);
	}
}

void bus_target_find(const struct options *options)
{
	for (size_t i = 0; i < options->bus_server_count; i++) {
		look_up(&options->bus_servers[i]);
	}
	if (options->bus_server_count > 0) {
		open_files(options);
	}
}

size_t bus_target_count(void)
{
	return address_count;
}

const struct bus_address *bus_target_address(size_t i)
{
	return &addresses[i];
}

size_t bus_target_files(int *descriptors)
{
	size_t count = 0;

	for (size_t i = 0; i < BUS_FILES; i++) {
		if (files[i] >= 0) {
			descriptors[count++] = files[i];
		}
	}
	return count;
}

/* From its beginning, whoever has read it before: so a file that was written to counts. */
char *bus_target_read(enum bus_file file)
{
	char *text = files[file] >= 0 ? malloc(FILE_SIZE_MAX) : NULL;
	size_t length = 0;
	ssize_t count = 1;

	while (text && count > 0 && length < FILE_SIZE_MAX - 1) {
		count = pread(files[file], text + length, FILE_SIZE_MAX - 1 - length,
			      (off_t)length);
		length += count > 0 ? (size_t)count : 0;
	}
	if (text) {
		text[length] = '\0';
	}
	return text;
}
