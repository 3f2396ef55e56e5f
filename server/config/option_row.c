#include "server/config/option_row.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "db/open.h"
#include "server/config/bus_option.h"
#include "server/config/listener_option.h"
#include "shared/base/clock.h"
#include "shared/base/password.h"
#include "shared/text/text.h"
#include "shared/text/text_file.h"
#include "shared/text/words.h"

#define PASSWORD_UNSEEN_MAX 64 /* bytes around a password in its file: a mark, blanks, CR LF */

#define PASSWORD_LENGTH "its first line must be a password of 1 to %d bytes"

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* Numbers: their bounds are in the rows, so a setter only puts them away. */

static void set_workers(struct options *options, int64_t number)
{
	options->workers = (unsigned)number;
}

static void set_max_connections(struct options *options, int64_t number)
{
	options->max_connections = (unsigned)number;
}

static void set_max_per_address(struct options *options, int64_t number)
{
	options->max_per_address = (unsigned)number;
}

static void set_rate(struct options *options, int64_t number)
{
	options->rate = (unsigned)number;
}

static void set_max_quantity(struct options *options, int64_t number)
{
	options->max_quantity = number;
}

static void set_max_held(struct options *options, int64_t number)
{
	options->max_held = number;
}

static void set_send_queue(struct options *options, int64_t bytes)
{
	options->send_queue_bytes = (size_t)bytes;
}

static void set_send_queue_total(struct options *options, int64_t bytes)
{
	options->send_queue_total_bytes = (size_t)bytes;
}

static void set_idle(struct options *options, int64_t seconds)
{
	options->idle_seconds = (unsigned)seconds;
}

static void set_history(struct options *options, int64_t number)
{
	options->history = (unsigned)number;
}

static void set_drain(struct options *options, int64_t seconds)
{
	options->drain_ns = seconds * NS_PER_SECOND;
}

/* Texts. */

static bool keep(char *option, size_t size, const char *value, char *problem)
{
	size_t length = strlen(value);

	if (length == 0 || length >= size) {
		return option_problem(problem, "must be 1 to %zu bytes long", size - 1);
	}
	memcpy(option, value, length + 1);
	return true;
}

/* 0 or 1, for the first or the second of two words; -1 and a problem for anything else. */
static int choose(const char *value, const char *first, const char *second, char *problem)
{
	if (strcmp(value, first) == 0) {
		return 0;
	}
	if (strcmp(value, second) == 0) {
		return 1;
	}
	option_problem(problem, "must be %s or %s", first, second);
	return -1;
}

static bool set_config(struct options *options, const char *value, char *problem)
{
	return keep(options->config, sizeof(options->config), value, problem);
}

/* Whether a service manager has opened it for us: an option that asks for the same is no second. */
static bool was_passed(const struct options *options, const struct listener_option *wanted)
{
	for (size_t i = 0; i < options->listener_count; i++) {
		const struct listener_option *there = &options->listeners[i];

		if (there->passed >= 0 && there->kind == wanted->kind &&
		    there->address_length == wanted->address_length &&
		    memcmp(&there->address, &wanted->address, wanted->address_length) == 0) {
			return true;
		}
	}
	return false;
}

static bool set_listen(struct options *options, const char *value, char *problem)
{
	struct listener_option listener;

	if (!listener_option_read(value, &listener, problem)) {
		return false;
	}
	if (was_passed(options, &listener)) {
		return true;
	}
	if (options->listener_count == OPTIONS_LISTENERS_MAX) {
		return option_problem(problem, "there may be %d listeners at most",
				      OPTIONS_LISTENERS_MAX);
	}
	options->listeners[options->listener_count++] = listener;
	return true;
}

/* An IPv6 address without bits is a proxy's own, and no /64 as elsewhere. */
static bool read_proxy(const char *value, struct peer_network *proxy)
{
	if (strchr(value, '/')) {
		return peer_network_read(span_of(value), proxy);
	}
	proxy->bits = PEER_ADDRESS_BITS;
	return peer_address_read(span_of(value), &proxy->first);
}

static bool set_trust_proxy(struct options *options, const char *value, char *problem)
{
	if (options->proxy_count == OPTIONS_PROXIES_MAX) {
		return option_problem(problem, "there may be %d of them at most",
				      OPTIONS_PROXIES_MAX);
	}
	if (!read_proxy(value, &options->proxies[options->proxy_count])) {
		return option_problem(problem, "must be an address such as 192.0.2.7 or "
					       "2001:db8::7, or a network such as 10.0.0.0/8");
	}
	options->proxy_count++;
	return true;
}

/* Of letters, digits, '-' and '.', or an IPv6 address in brackets; and a port. */
static bool is_host(struct span host)
{
	struct span name = { host.text, strcspn(host.text, host.text[0] == '[' ? "]" : ":") };
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
	const char *rest = host.text + name.length;
	int64_t port;

	if (host.text[0] == '[') {
		return *rest == ']' &&
		       strspn(host.text + 1, "0123456789abcdef:.") + 1 == name.length &&
		       (rest[1] == '\0' ||
			(rest[1] == ':' && words_number(span_of(rest + 2), 1, UINT16_MAX, &port)));
	}
	return name.length > 0 && strspn(host.text, letters) == name.length &&
	       (*rest == '\0' || words_number(span_of(rest + 1), 1, UINT16_MAX, &port));
}

/* As a browser says it: in lower case, without the port that goes without saying. */
static bool keep_url(char *url, const char *value)
{
	size_t length = strlen(value);

	if (length > 0 && value[length - 1] == '/') {
		length--;
	}
	if (length >= OPTIONS_URL_SIZE) {
		return false;
	}
	for (size_t i = 0; i < length; i++) {
		url[i] = (char)tolower((unsigned char)value[i]);
	}
	url[length] = '\0';
	bool secure = strncmp(url, "https://", 8) == 0;

	if ((!secure && strncmp(url, "http://", 7) != 0) ||
	    !is_host(span_of(url + (secure ? 8 : 7)))) {
		return false;
	}
	const char *usual = secure ? ":443" : ":80";
	size_t end = strlen(usual);

	if (strcmp(url + length - end, usual) == 0) {
		url[length - end] = '\0';
	}
	return true;
}

static bool set_public_url(struct options *options, const char *value, char *problem)
{
	if (options->public_url_count == OPTIONS_URLS_MAX) {
		return option_problem(problem, "there may be %d at most", OPTIONS_URLS_MAX);
	}
	if (!keep_url(options->public_urls[options->public_url_count], value)) {
		return option_problem(problem, "must be http://NAME[:PORT] or https://NAME[:PORT], "
					       "such as https://tickets.example.org");
	}
	options->public_url_count++;
	return true;
}

static bool set_tls_certificate(struct options *options, const char *value, char *problem)
{
	return keep(options->tls_certificate, sizeof(options->tls_certificate), value, problem);
}

static bool set_tls_key(struct options *options, const char *value, char *problem)
{
	return keep(options->tls_key, sizeof(options->tls_key), value, problem);
}

static bool set_dispatch(struct options *options, const char *value, char *problem)
{
	int choice = choose(value, "handoff", "accept", problem);

	if (choice >= 0) {
		options->dispatch = choice == 0 ? DISPATCH_HANDOFF : DISPATCH_ACCEPT;
	}
	return choice >= 0;
}

static bool set_user(struct options *options, const char *value, char *problem)
{
	if (!getpwnam(value)) {
		return option_problem(problem, "must be the name of a user of this system");
	}
	return keep(options->user, sizeof(options->user), value, problem);
}

static bool set_pid_file(struct options *options, const char *value, char *problem)
{
	return keep(options->pid_file, sizeof(options->pid_file), value, problem);
}

static bool set_state(struct options *options, const char *value, char *problem)
{
	return keep(options->state, sizeof(options->state), value, problem);
}

static bool set_store(struct options *options, const char *value, char *problem)
{
	char error[STORE_ERROR_SIZE];

	if (!store_url_is_good(value, error)) {
		return option_problem(problem, "%s", error);
	}
	return keep(options->store, sizeof(options->store), value, problem);
}

static bool set_node(struct options *options, const char *value, char *problem)
{
	if (!node_name_is_good(span_of(value))) {
		return option_problem(problem, "must be 1 to %d of a-z, 0-9 and '-'",
				      OPTIONS_NODE_SIZE - 1);
	}
	return keep(options->node, sizeof(options->node), value, problem);
}

static bool set_bus(struct options *options, const char *value, char *problem)
{
	return bus_option_read(options, value, problem);
}

static bool set_serialize(struct options *options, const char *value, char *problem)
{
	for (enum serialize_kind kind = SERIALIZE_LOCK; kind <= SERIALIZE_NONE; kind++) {
		if (strcmp(value, serialize_kind_name(kind)) == 0) {
			options->serialize = kind;
			return true;
		}
	}
	return option_problem(problem, "must be lock, join or none");
}

static bool event_is_named(const struct options *options, struct span name)
{
	for (size_t i = 0; i < options->event_count; i++) {
		if (span_equals(name, options->events[i].name)) {
			return true;
		}
	}
	return false;
}

static bool keep_title(struct event_option *event, const char *title, char *problem)
{
	char clean[STORE_TITLE_SIZE * TEXT_GROWTH];
	size_t length = strlen(title);

	if (length < STORE_TITLE_SIZE) {
		length = text_clean(title, length, clean);
	}
	if (length >= STORE_TITLE_SIZE) {
		return option_problem(problem, "TITLE has at most %d bytes", STORE_TITLE_SIZE - 1);
	}
	memcpy(event->title, clean, length);
	event->title[length] = '\0';
	return true;
}

/* NAME=TOTAL or NAME=TOTAL:TITLE. */
static bool set_event(struct options *options, const char *value, char *problem)
{
	size_t name_length = strcspn(value, "=");
	const char *total = value + name_length + (value[name_length] == '=');
	size_t total_length = strcspn(total, ":");
	const char *title = total + total_length + (total[total_length] == ':');
	struct span name = { value, name_length };

	if (options->event_count == OPTIONS_EVENTS_MAX) {
		return option_problem(problem, "there may be %d events at most",
				      OPTIONS_EVENTS_MAX);
	}
	struct event_option *event = &options->events[options->event_count];
	if (value[name_length] != '=' || !name_is_event(name)) {
		return option_problem(problem, "must be NAME=TOTAL[:TITLE], the name of 1 to 32 of "
					       "a-z, 0-9 and '-'");
	}
	if (event_is_named(options, name)) {
		return option_problem(problem, "the event is there twice");
	}
	if (!words_number((struct span){ total, total_length }, 1, STORE_TOTAL_MAX,
			  &event->total)) {
		return option_problem(problem, "the total must be a number from 1 to %" PRId64,
				      STORE_TOTAL_MAX);
	}
	if (!keep_title(event, title, problem)) {
		return false;
	}
	memcpy(event->name, name.text, name.length);
	event->name[name.length] = '\0';
	options->event_count++;
	return true;
}

static bool set_echo(struct options *options, const char *value, char *problem)
{
	int choice = choose(value, "upper", "raw", problem);

	if (choice >= 0) {
		options->echo = choice == 0 ? ECHO_UPPER : ECHO_RAW;
	}
	return choice >= 0;
}

static bool may_be_read_by_others(FILE *file)
{
	struct stat status;

	return fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) &&
	       (status.st_mode & S_IROTH) != 0;
}

/* The file's first line, its end too; one byte more than fits tells that it is too long. */
static bool read_first_line(const char *path, char *line, size_t size, struct span *text,
			    char *problem)
{
	FILE *file = fopen(path, "re");

	if (!file) {
		return option_problem(problem, "cannot be read: %s", strerror(errno));
	}
	if (may_be_read_by_others(file)) {
		fclose(file);
		return option_problem(problem, "others may read it: chmod o-r %s", path);
	}
	size_t count = fread(line, 1, size, file);
	int error = ferror(file) ? errno : 0;
	fclose(file);
	if (error != 0) {
		return option_problem(problem, "cannot be read: %s", strerror(error));
	}
	const char *end = memchr(line, '\n', count);

	if (!end && count == size) {
		return option_problem(problem, PASSWORD_LENGTH, OPTIONS_PASSWORD_SIZE - 1);
	}
	*text = (struct span){ line, end ? (size_t)(end - line) : count };
	return true;
}

/* A password that nobody can type would lock the operator out: /op takes clean text only. */
static const char *operator_password_fault(struct span password)
{
	char hash[OPTIONS_PASSWORD_SIZE];

	if (!password_is_hash(password) || password.length >= sizeof(hash)) {
		return password_fault(password);
	}
	memcpy(hash, password.text, password.length);
	hash[password.length] = '\0';
	return password_hash_fault(hash);
}

static bool set_operator_password(struct options *options, const char *value, char *problem)
{
	char line[OPTIONS_PASSWORD_SIZE + PASSWORD_UNSEEN_MAX];
	struct span password;
	const char *fault;

	if (!read_first_line(value, line, sizeof(line), &password, problem)) {
		return false;
	}
	if (!text_file_begin(&password)) {
		return option_problem(problem, TEXT_FILE_IS_UTF16);
	}
	password = text_file_trim(password);
	if (password.length == 0 || password.length >= OPTIONS_PASSWORD_SIZE) {
		return option_problem(problem, PASSWORD_LENGTH, OPTIONS_PASSWORD_SIZE - 1);
	}
	fault = operator_password_fault(password);
	if (fault) {
		return option_problem(problem,
				      password_is_hash(password)
					      ? "its hashed password %s"
					      : "its first line is no password: %s",
				      fault);
	}
	if (!keep(options->operator_password_file, sizeof(options->operator_password_file), value,
		  problem)) {
		return false;
	}
	memcpy(options->operator_password, password.text, password.length);
	options->operator_password[password.length] = '\0';
	return true;
}

static bool set_sandbox(struct options *options, const char *value, char *problem)
{
	int choice = choose(value, "on", "off", problem);

	if (choice >= 0) {
		options->sandbox = choice == 0;
	}
	return choice >= 0;
}

static bool set_adopt(struct options *options, const char *value, char *problem)
{
	int choice = choose(value, "on", "off", problem);

	if (choice >= 0) {
		options->adopt = choice == 0;
	}
	return choice >= 0;
}

static bool set_chaos(struct options *options, const char *value, char *problem)
{
	int choice = choose(value, "on", "off", problem);

	if (choice >= 0) {
		options->chaos = choice == 0;
	}
	return choice >= 0;
}

static bool set_log_level(struct options *options, const char *value, char *problem)
{
	if (!log_level_read(value, &options->log_level)) {
		return option_problem(problem, "must be error, warning, notice, info or debug");
	}
	return true;
}

static bool set_log_format(struct options *options, const char *value, char *problem)
{
	int choice = choose(value, "text", "json", problem);

	if (choice >= 0) {
		options->log_format = choice == 0 ? LOG_TEXT : LOG_JSON;
	}
	return choice >= 0;
}

/* clang-format off */
const struct option_row option_rows[] = {
	{ .help = "Ports and processes:" },
	{ "listen", "KIND:ADDRESS:PORT", "Serve there; KIND is lines, echo, http, tls (lines over TLS) or https, an IPv6 address "
	  "stands in brackets, port 0 lets the system choose; may be repeated (lines:127.0.0.1:7000, "
	  "echo:127.0.0.1:7007 and http:127.0.0.1:7080)", NULL, .text = set_listen, .repeats = true },
	{ "public-url", "URL", "The address under which browsers reach an http port where a name or a "
	  "proxy stands in front, http://NAME[:PORT] or https://NAME[:PORT]; may be repeated", NULL,
	  .text = set_public_url, .repeats = true },
	{ "workers", "N", "Worker processes, 1 to 64 (one a processor)", NULL,
	  .number = set_workers, .least = 1, .most = OPTIONS_WORKERS_MAX },
	{ "dispatch", "handoff|accept", "The master hands each connection to the least loaded worker, "
	  "or the workers accept by themselves", "handoff", .text = set_dispatch },
	{ "adopt", "on|off", "Connections outlive the worker that serves them; off saves the master a "
	  "descriptor a connection", "on", .text = set_adopt },
	{ "tls-cert", "FILE", "The certificate of tls listeners, PEM: the server's own first and then its chain",
	  NULL, .text = set_tls_certificate },
	{ "tls-key", "FILE", "Its key, PEM; refused when others may read the file", NULL,
	  .text = set_tls_key },
	{ "user", "NAME", "Become this user when the ports are open", NULL, .text = set_user },
	{ "pid-file", "FILE", "Write the master's process number there", NULL,
	  .text = set_pid_file },
	{ "sandbox", "on|off", "System-call filter, Landlock, no new privileges in every process", "on",
	  .text = set_sandbox },
	{ "chaos", NULL, "Operators may have workers crash, with /crash, to see that nobody notices: for "
	  "tests and demonstrations", NULL, .text = set_chaos },
	{ "drain", "SECONDS", "Time for a clean stop, 0 to 3600", "10",
	  .number = set_drain, .least = 0, .most = 3600 },

	{ .help = "Tickets:" },
	{ "state", "DIRECTORY", "Where the server keeps what must last; made if it is missing "
	  "($XDG_STATE_HOME/turnstile, or ~/.local/state/turnstile)", NULL, .text = set_state },
	{ "store", "URL", "Where the tickets are, sqlite:FILE, json:FILE or postgresql://HOST/DATABASE (turnstile.db in the state directory)",
	  NULL, .text = set_store },
	{ "serialize", "lock|join|none", "How bookings are put in a row: by a lock between processes, by one child process a "
	  "booking, or not at all (sells twice!)", "lock",
	  .text = set_serialize },
	{ "event", "NAME=TOTAL[:TITLE]", "Make this event, open, unless the store has it; may be "
	  "repeated", NULL, .text = set_event, .repeats = true },
	{ "max-quantity", "N", "Tickets a request, 0 for no limit", "10",
	  .number = set_max_quantity, .least = 0, .most = STORE_TOTAL_MAX },
	{ "max-held", "N", "Tickets that one address (IPv6: /64) holds or waits for at a time, 0 for no limit", "20",
	  .number = set_max_held, .least = 0, .most = STORE_TOTAL_MAX },
	{ "op-password-file", "FILE", "The operator's password, one line, in clear or as turnstile "
	  "password makes it; others may not read the file; without it nobody is an operator", NULL, .text = set_operator_password },

	{ .help = "Connections:" },
	{ "max-connections", "N", "At once; past it a connection gets -BUSY", "16384",
	  .number = set_max_connections, .least = 1, .most = 1000000 },
	{ "max-per-address", "N", "Likewise from one address, 0 for no limit", "0",
	  .number = set_max_per_address, .least = 0, .most = 1000000 },
	{ "trust-proxy", "ADDRESS[/BITS]", "Connections from there begin with a PROXY header (version 1 or 2), "
	  "and what it says is the peer's address; may be repeated", NULL, .text = set_trust_proxy,
	  .repeats = true },
	{ "rate", "N", "Commands a second and connection, with bursts of twice as many; dear ones "
	  "count as many as they cost, operators have no limit; 0 for none", "100", .number = set_rate, .least = 0, .most = 1000000 },
	{ "idle", "SECONDS", "Who says nothing for so long is asked by TCP whether it is still there, 1 to "
	  "32767", "120", .number = set_idle, .least = 1, .most = 32767 },
	{ "send-queue", "BYTES", "A receiver whom others' lines put further behind than this is cut "
	  "off; 4KiB to 1GiB", "1MiB", .size = set_send_queue, .least = 4 * KIB, .most = GIB },
	{ "send-queue-total", "BYTES", "Of all receivers together, the kernel's share counted in; past it "
	  "those furthest behind are cut off first; 1MiB to 1024GiB", "256MiB",
	  .size = set_send_queue_total, .least = MIB, .most = 1024 * GIB },
	{ "history", "N", "Messages a room keeps, 1 to 10000", "1000",
	  .number = set_history, .least = 1, .most = OPTIONS_HISTORY_MAX },
	{ "echo", "upper|raw", "What the echo service answers: ASCII letters in upper case, or all "
	  "as it came", "upper", .text = set_echo },

	{ .help = "Several machines:" },
	{ "node", "NAME", "This machine's name, 1 to 16 of a-z, 0-9 and '-': elsewhere its people are NICK@NAME "
	  "(the host name's first part)", NULL, .text = set_node },
	{ "bus", "URL[,URL...]", "The NATS servers, with JetStream, that join this machine's rooms to the others', "
	  "nats://HOST[:PORT] or tls://HOST[:PORT]", NULL, .text = set_bus },

	{ .help = "Logs and configuration:" },
	{ "log-level", "LEVEL", "error, warning, notice, info or debug", "info", .text = set_log_level },
	{ "log-format", "text|json", "How a line of the log looks", "text", .text = set_log_format },
	{ "config", "FILE", "Read options from this file too, as 'workers = 4'; the command line "
	  "wins", NULL, .text = set_config },
};
/* clang-format on */
const size_t option_row_count = sizeof(option_rows) / sizeof(option_rows[0]);

const struct option_row *option_row_find(const char *name)
{
	for (size_t i = 0; i < option_row_count; i++) {
		if (option_rows[i].name && strcmp(option_rows[i].name, name) == 0) {
			return &option_rows[i];
		}
	}
	return NULL;
}

/* "64KiB", "64K" or "65536": what the letters say, or 0 when they say nothing known. */
static int64_t unit_of(struct span unit)
{
	static const struct {
		const char *name, *letter;
		int64_t bytes;
	} units[] = { { "KiB", "K", KIB }, { "MiB", "M", MIB }, { "GiB", "G", GIB } };

	if (unit.length == 0) {
		return 1;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (span_equals_ignoring_case(unit, units[i].name) ||
		    span_equals_ignoring_case(unit, units[i].letter)) {
			return units[i].bytes;
		}
	}
	return 0;
}

static bool read_size(const char *value, int64_t least, int64_t most, int64_t *bytes)
{
	struct span digits = { value, strspn(value, "0123456789") };
	struct span unit = words_rest(span_of(value + digits.length));
	int64_t unit_bytes = unit_of(unit);

	if (unit_bytes == 0 || !words_number(digits, 0, most / unit_bytes, bytes)) {
		return false;
	}
	*bytes *= unit_bytes;
	return *bytes >= least;
}

/* A number of bytes as people write it. */
static void write_size(int64_t bytes, char *text, size_t size)
{
	if (bytes % GIB == 0) {
		snprintf(text, size, "%" PRId64 "GiB", bytes / GIB);
	} else if (bytes % MIB == 0) {
		snprintf(text, size, "%" PRId64 "MiB", bytes / MIB);
	} else {
		snprintf(text, size, "%" PRId64 "KiB", bytes / KIB);
	}
}

static bool set_number(struct options *options, const struct option_row *row, const char *value,
		       char *problem)
{
	int64_t number;

	if (!words_number(span_of(value), row->least, row->most, &number)) {
		return option_problem(problem, "must be a number from %" PRId64 " to %" PRId64,
				      row->least, row->most);
	}
	row->number(options, number);
	return true;
}

static bool set_size(struct options *options, const struct option_row *row, const char *value,
		     char *problem)
{
	char least[32], most[32];
	int64_t bytes;

	if (!read_size(value, row->least, row->most, &bytes)) {
		write_size(row->least, least, sizeof(least));
		write_size(row->most, most, sizeof(most));
		return option_problem(problem,
				      "must be a size from %s to %s, such as 65536, 64KiB or 1MiB",
				      least, most);
	}
	row->size(options, bytes);
	return true;
}

bool option_set(struct options *options, const struct option_row *row, const char *value,
		char *problem)
{
	if (row->number) {
		return set_number(options, row, value, problem);
	}
	if (row->size) {
		return set_size(options, row, value, problem);
	}
	return row->text(options, value, problem);
}
