#include "db/postgres/target.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/postgres/addresses.h"
#include "db/store/kind.h"

#define URL_SIZE    4096
#define KNOWN_MAX   4   /* databases that a process has to do with */
#define WORD_SIZE   256 /* of a user's name or an address; longer ones are asked for each time */
#define SECRET_SIZE 1024
#define SETTINGS    12
#define DEF_PORT    "5432"
#define DECIMAL     10

#define PING_SECONDS "2"

/* What was found out when it was connected to first. */
struct known {
	char url[URL_SIZE];
	uint64_t identity;
	char address[WORD_SIZE]; /* that it answered at; or "": it did not, or has several hosts */
	struct addresses addresses; /* that it may be at, while `address` is not known */
	char user[WORD_SIZE];
	char password[SECRET_SIZE];
};

static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;
static struct known known[KNOWN_MAX];

/* With the lock held: what is kept of URL, or where it can be kept; NULL: nowhere. */
static struct known *find(const char *url)
{
	for (size_t i = 0; i < KNOWN_MAX; i++) {
		if (known[i].url[0] == '\0' || strcmp(known[i].url, url) == 0) {
			return &known[i];
		}
	}
	return NULL;
}

static struct known *find_or_make(const char *url)
{
	struct known *one = strlen(url) < URL_SIZE ? find(url) : NULL;
	if (one && one->url[0] == '\0') {
		snprintf(one->url, sizeof(one->url), "%s", url);
	}
	return one;
}

static struct known copy_of(const char *url)
{
	pthread_mutex_lock(&known_lock);
	const struct known *one = find(url);
	struct known copy = one ? *one : (struct known){ .identity = 0 };
	pthread_mutex_unlock(&known_lock);
	return copy;
}

/* What URL sets KEYWORD to; "" if it does not say. */
static const char *setting(const PQconninfoOption *settings, const char *keyword)
{
	for (; settings && settings->keyword; settings++) {
		if (strcmp(settings->keyword, keyword) == 0 && settings->val) {
			return settings->val;
		}
	}
	return "";
}

static void one_line(char *text)
{
	text[strcspn(text, "\n")] = '\0';
}

bool target_is_good(const char *url, char *error)
{
	char *why = NULL;
	PQconninfoOption *settings = PQconninfoParse(url, &why);
	bool secret = *setting(settings, "password") || *setting(settings, "sslpassword");
	bool good = settings && !secret;
	if (secret) {
		store_refuse(error,
			     "--store: no password in the URL, others can read it: put it "
			     "into a file of your own, and that file's name into PGPASSFILE");
	} else if (!settings) {
		store_refuse(error, "no good URL of a database: %s", why ? why : "out of memory");
		one_line(error);
	}
	PQconninfoFree(settings);
	PQfreemem(why);
	return good;
}

static const char *or_environment(const char *value, const char *name, const char *otherwise)
{
	const char *there = *value ? value : getenv(name);
	return there && *there ? there : otherwise;
}

void target_describe(const char *url, char *text, size_t size)
{
	PQconninfoOption *settings = PQconninfoParse(url, NULL);
	const char *host = setting(settings, "host");
	const char *address = setting(settings, "hostaddr");
	const char *user = or_environment(setting(settings, "user"), "PGUSER", "");
	snprintf(text, size, "postgresql://%s:%s/%s",
		 *host ? host : or_environment(address, "PGHOST", "localhost"),
		 or_environment(setting(settings, "port"), "PGPORT", DEF_PORT),
		 or_environment(setting(settings, "dbname"), "PGDATABASE", user));
	PQconninfoFree(settings);
}

unsigned target_port(const char *url)
{
	PQconninfoOption *settings = PQconninfoParse(url, NULL);
	const char *port = or_environment(setting(settings, "port"), "PGPORT", DEF_PORT);
	const char *host = or_environment(setting(settings, "host"), "PGHOST", "");
	bool local = *setting(settings, "hostaddr") == '\0' && (*host == '/' || *host == '\0');
	unsigned number = local ? 0 : (unsigned)strtoul(port, NULL, DECIMAL);
	PQconninfoFree(settings);
	return number;
}

void target_file(const char *url, unsigned number, char *path, size_t size)
{
	static const struct {
		const char *name, *variable;
	} files[] = { { "sslrootcert", "PGSSLROOTCERT" },
		      { "sslcert", "PGSSLCERT" },
		      { "sslkey", "PGSSLKEY" },
		      { "sslcrl", "PGSSLCRL" } };
	PQconninfoOption *settings = PQconninfoParse(url, NULL);
	const bool known_file = number < sizeof(files) / sizeof(*files);
	snprintf(path, size, "%s",
		 known_file ? or_environment(setting(settings, files[number].name),
					     files[number].variable, "")
			    : "");
	PQconninfoFree(settings);
}

/* Names and values for libpq, which end with NULL. */
struct settings {
	const char *names[SETTINGS + 1];
	const char *values[SETTINGS + 1];
	size_t count;
};

static void set(struct settings *settings, const char *name, const char *value)
{
	settings->names[settings->count] = name;
	settings->values[settings->count++] = value;
}

static void set_known(struct settings *settings, const char *name, const char *value)
{
	if (*value != '\0') {
		set(settings, name, value);
	}
}

/* Where it is, and who is let in there. */
static void set_where(struct settings *settings, const struct known *one)
{
	set_known(settings, "user", one->user);
	if (one->address[0] != '\0') {
		set(settings, "hostaddr", one->address);
	} else if (one->addresses.hosts[0] != '\0') {
		set(settings, "host", one->addresses.hosts);
		set(settings, "hostaddr", one->addresses.numeric);
		set(settings, "port", one->addresses.ports);
	}
}

/* What the URL says comes after what is usual here, and before what was found out. */
PGconn *target_connect(const char *url)
{
	const struct known one = copy_of(url);
	struct settings settings = { .count = 0 };
	set(&settings, "gssencmode", "disable");
	set(&settings, "keepalives_idle", "5");
	set(&settings, "keepalives_interval", "2");
	set(&settings, "keepalives_count", "2");
	set(&settings, "tcp_user_timeout", "3000");
	set(&settings, "fallback_application_name", "turnstile");
	set(&settings, "dbname", url);
	set_known(&settings, "password", one.password);
	set_where(&settings, &one);
	return PQconnectStartParams(settings.names, settings.values, 1);
}

/* Once: what is known stays. */
static void copy(char *to, size_t size, const char *from)
{
	if (*to == '\0' && from && strlen(from) < size) {
		snprintf(to, size, "%s", from);
	}
}

/* Its hosts, as the URL or the environment name them; "": those that libpq takes by itself. */
static void hosts_of(const PQconninfoOption *settings, char *hosts)
{
	snprintf(hosts, URL_SIZE, "%s", or_environment(setting(settings, "host"), "PGHOST", ""));
}

static bool has_addresses(const PQconninfoOption *settings)
{
	return *or_environment(setting(settings, "hostaddr"), "PGHOSTADDR", "") != '\0';
}

static void find_addresses(const char *url, struct addresses *addresses)
{
	char hosts[URL_SIZE];
	PQconninfoOption *settings = PQconninfoParse(url, NULL);
	hosts_of(settings, hosts);
	if (*hosts != '\0' && !has_addresses(settings)) {
		addresses_find(addresses, hosts,
			       or_environment(setting(settings, "port"), "PGPORT", DEF_PORT));
	}
	PQconninfoFree(settings);
}

static bool has_several_hosts(const char *url)
{
	char hosts[URL_SIZE];
	PQconninfoOption *settings = PQconninfoParse(url, NULL);
	hosts_of(settings, hosts);
	PQconninfoFree(settings);
	return strchr(hosts, ',');
}

void target_remember(const char *url, const PGconn *connection, bool connected)
{
	const struct known before = copy_of(url);
	struct addresses addresses = before.addresses;
	bool one_place = connected && !has_several_hosts(url);
	if (!one_place && before.address[0] == '\0' && addresses.hosts[0] == '\0') {
		find_addresses(url, &addresses);
	}
	pthread_mutex_lock(&known_lock);
	struct known *one = find_or_make(url);
	if (one) {
		one->addresses = addresses;
		copy(one->address, sizeof(one->address), one_place ? PQhostaddr(connection) : NULL);
		copy(one->user, sizeof(one->user), PQuser(connection));
		copy(one->password, sizeof(one->password), PQpass(connection));
	}
	pthread_mutex_unlock(&known_lock);
}

bool target_is_found(const char *url)
{
	const struct known one = copy_of(url);
	char hosts[URL_SIZE];
	PQconninfoOption *settings = PQconninfoParse(url, NULL);
	hosts_of(settings, hosts);
	bool needs_nothing = *hosts == '\0' || has_addresses(settings);
	PQconninfoFree(settings);
	return needs_nothing || one.address[0] != '\0' || one.addresses.hosts[0] != '\0';
}

uint64_t target_identity(const char *url)
{
	return copy_of(url).identity;
}

void target_set_identity(const char *url, uint64_t identity)
{
	pthread_mutex_lock(&known_lock);
	struct known *one = find_or_make(url);
	if (one) {
		one->identity = identity;
	}
	pthread_mutex_unlock(&known_lock);
}

bool target_is_away(const char *url)
{
	const struct known one = copy_of(url);
	struct settings settings = { .count = 0 };
	set(&settings, "connect_timeout", PING_SECONDS);
	set(&settings, "dbname", url);
	set_where(&settings, &one);
	PGPing answer = PQpingParams(settings.names, settings.values, 1);
	return answer == PQPING_NO_RESPONSE || answer == PQPING_REJECT;
}
