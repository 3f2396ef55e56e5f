#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/config/bus_option.h"
#include "server/config/options_read.h"
#include "shared/base/clock.h"
#include "tests/support/capture.h"
#include "tests/support/folder.h"

#define WORDS_MAX 32
#define LINE_SIZE 1024

static struct folder folder;

static void make_folder(void)
{
	folder_init(&folder);
	cr_assert_eq(setenv("XDG_STATE_HOME", folder.path, 1), 0);
}

static void remove_folder(void)
{
	folder_finish(&folder);
}

TestSuite(options, .init = make_folder, .fini = remove_folder);

/* Takes a command line apart at its spaces; a '_' stands for a space within a word. */
static int split(char *line, char *argv[WORDS_MAX + 1])
{
	static char program[] = "turnstiled";
	int argc = 0;

	argv[argc++] = program;
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		for (char *c = word; *c != '\0'; c++) {
			*c = *c == '_' ? ' ' : *c;
		}
		cr_assert_lt(argc, WORDS_MAX);
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	return argc;
}

static void read_options(struct options *options, const char *command_line)
{
	char line[LINE_SIZE];
	char *argv[WORDS_MAX + 1];

	cr_assert_lt(snprintf(line, sizeof(line), "%s", command_line), LINE_SIZE);
	int argc = split(line, argv);
	options_read(options, argc, argv);
}

static int read_in_child(void *command_line)
{
	static struct options options;

	read_options(&options, command_line);
	return 0;
}

static void run_child(struct capture *capture, const char *command_line)
{
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "%s", command_line);
	capture_start(capture, -1, read_in_child, line);
	capture_wait(capture);
}

/* Wrong use: exit status 2, nothing on stdout, and one line on stderr that has EXPECTED in it. */
static void expect_refusal(const char *command_line, const char *expected)
{
	struct capture capture;

	run_child(&capture, command_line);
	cr_expect_eq(capture.status, 2, "'%s' ended with %d", command_line, capture.status);
	cr_expect_str_eq(capture.output, "");
	const char *end = strchr(capture.errors, '\n');
	cr_expect(end && end[1] == '\0', "'%s' said '%s'", command_line, capture.errors);
	cr_expect_not_null(strstr(capture.errors, expected), "'%s' said '%s', not '%s'",
			   command_line, capture.errors, expected);
	capture_free(&capture);
}

static void write_bytes(const char *name, const char *text, size_t length)
{
	char path[FOLDER_PATH_SIZE];

	folder_file(&folder, name, path);
	FILE *file = fopen(path, "we");
	cr_assert_not_null(file);
	cr_assert_eq(fchmod(fileno(file), 0600), 0);
	cr_assert_eq(fwrite(text, 1, length, file), length);
	cr_assert_eq(fclose(file), 0);
}

static void write_file(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

/* The command line that reads the file "config" too. */
static void with_config(char line[LINE_SIZE], const char *command_line)
{
	snprintf(line, LINE_SIZE, "--config=%s/config %s", folder.path, command_line);
}

static void read_with_config(struct options *options, const char *text, const char *command_line)
{
	char line[LINE_SIZE];

	write_file("config", text);
	with_config(line, command_line);
	read_options(options, line);
}

static void expect_config_refusal(const char *text, const char *expected)
{
	char line[LINE_SIZE];

	write_file("config", text);
	with_config(line, "");
	expect_refusal(line, expected);
}

Test(options, without_any_they_are_the_defaults)
{
	static struct options options;
	char store[LINE_SIZE];
	cpu_set_t set;

	read_options(&options, "");
	cr_assert_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	int processors = CPU_COUNT(&set);
	cr_expect_eq(options.workers, processors > 64 ? 64U : (unsigned)processors);
	cr_expect_eq(options.listeners[0].kind, LISTENER_LINES);
	cr_expect_str_eq(options.listeners[0].text, "127.0.0.1:7000");
	cr_expect_eq(options.listeners[1].kind, LISTENER_ECHO);
	cr_expect_str_eq(options.listeners[1].text, "127.0.0.1:7007");
#ifdef TURNSTILE_WITH_HTTP
	cr_expect_eq(options.listener_count, 3);
	cr_expect_eq(options.listeners[2].kind, LISTENER_HTTP);
	cr_expect_str_eq(options.listeners[2].text, "127.0.0.1:7080");
#else
	cr_expect_eq(options.listener_count, 2);
#endif
	cr_expect_eq(options.dispatch, DISPATCH_HANDOFF);
	cr_expect_eq(options.echo, ECHO_UPPER);
	cr_expect_eq(options.max_connections, 16384);
	cr_expect_eq(options.max_per_address, 0);
	cr_expect_eq(options.rate, 100);
	cr_expect_eq(options.max_quantity, 10);
	cr_expect_eq(options.max_held, 20);
	cr_expect_eq(options.send_queue_bytes, 1024 * 1024);
	cr_expect_eq(options.history, 1000);
	cr_expect_eq(options.drain_ns, 10 * NS_PER_SECOND);
	cr_expect_eq(options.log_level, LOG_INFO);
	cr_expect_eq(options.log_format, LOG_TEXT);
	cr_expect_eq(options.event_count, 0);
	cr_expect_str_eq(options.operator_password, "");
	snprintf(store, sizeof(store), "sqlite:%s/turnstile/turnstile.db", folder.path);
	cr_expect_str_eq(options.store, store);
}

Test(options, each_on_the_command_line_is_taken)
{
	static struct options options;

	read_options(&options,
		     "--workers 3 --dispatch accept --echo raw --max-connections 7 "
		     "--max-per-address=6 --rate 5 --idle 9 --send-queue-total 2MiB --max-quantity "
		     "4 --max-held 8 --chaos --send-queue 64KiB "
		     "--history 3 --drain 2 --log-level=debug --log-format=json --pid-file=/x/y "
		     "--user root");
	cr_expect_eq(options.workers, 3);
	cr_expect_eq(options.dispatch, DISPATCH_ACCEPT);
	cr_expect_eq(options.echo, ECHO_RAW);
	cr_expect(options.chaos);
	cr_expect_eq(options.max_connections, 7);
	cr_expect_eq(options.max_per_address, 6);
	cr_expect_eq(options.rate, 5);
	cr_expect_eq(options.idle_seconds, 9);
	cr_expect_eq(options.send_queue_total_bytes, 2 * 1024 * 1024);
	cr_expect_eq(options.max_quantity, 4);
	cr_expect_eq(options.max_held, 8);
	cr_expect_eq(options.send_queue_bytes, 65536);
	cr_expect_eq(options.history, 3);
	cr_expect_eq(options.drain_ns, 2 * NS_PER_SECOND);
	cr_expect_eq(options.log_level, LOG_DEBUG);
	cr_expect_eq(options.log_format, LOG_JSON);
	cr_expect_str_eq(options.pid_file, "/x/y");
	cr_expect_str_eq(options.user, "root");
}

static bool trusts(const struct options *options, const char *address)
{
	struct peer_address peer;

	cr_assert(peer_address_read(span_of(address), &peer));
	return options_trust(options, peer);
}

Test(options, proxies_are_addresses_or_networks)
{
	static struct options options;

	read_options(&options, "--trust-proxy 127.0.0.1 --trust-proxy 10.0.0.0/8 --trust-proxy "
			       "2001:db8::7 --trust-proxy 2001:db8:1::/48");
	cr_expect(trusts(&options, "127.0.0.1"));
	cr_expect_not(trusts(&options, "127.0.0.2"));
	cr_expect(trusts(&options, "10.1.2.3"));
	cr_expect(trusts(&options, "2001:db8::7"));
	cr_expect_not(trusts(&options, "2001:db8::8"), "an address alone is no /64");
	cr_expect(trusts(&options, "2001:db8:1::8"));
	cr_expect_not(trusts(&options, "2001:db8:2::8"));
}

Test(options, a_public_url_is_kept_as_a_browser_says_it)
{
	static struct options options;

	read_options(&options, "--public-url HTTPS://Tickets.example.org:443/ "
			       "--public-url http://[2001:db8::7]:8080 --public-url http://box:80");
	cr_assert_eq(options.public_url_count, 3);
	cr_expect_str_eq(options.public_urls[0], "https://tickets.example.org");
	cr_expect_str_eq(options.public_urls[1], "http://[2001:db8::7]:8080");
	cr_expect_str_eq(options.public_urls[2], "http://box");
}

Test(options, a_machine_is_named_after_its_host)
{
	char node[OPTIONS_NODE_SIZE];

	node_name_of_host("Box-7.example.org", node);
	cr_expect_str_eq(node, "box-7");
	node_name_of_host("a_very_long_name_of_a_host", node);
	cr_expect_str_eq(node, "a-very-long-name");
	node_name_of_host("", node);
	cr_expect(node_name_is_good(span_of(node)));
}

#ifdef TURNSTILE_WITH_NATS
Test(options, a_bus_has_servers)
{
	static struct options options;

	read_options(&options, "--node b-2 --bus tls://bus.example,nats://[::1]:4333/,192.0.2.7:1");
	cr_expect_str_eq(options.node, "b-2");
	cr_assert_eq(options.bus_server_count, 3);
	cr_expect_str_eq(options.bus_servers[0].host, "bus.example");
	cr_expect(options.bus_servers[0].tls);
	cr_expect_eq(options.bus_servers[0].port, 4222);
	cr_expect_str_eq(options.bus_servers[1].host, "::1");
	cr_expect(!options.bus_servers[1].tls);
	cr_expect_eq(options.bus_servers[1].port, 4333);
	cr_expect_str_eq(options.bus_servers[2].host, "192.0.2.7");
	cr_expect_eq(options.bus_servers[2].port, 1);
}
#endif

Test(options, one_listener_replaces_the_defaults)
{
	static struct options options;
	const struct sockaddr_in *address = (const void *)&options.listeners[0].address;

	read_options(&options, "--listen echo:localhost:0");
	cr_expect_eq(options.listener_count, 1);
	cr_expect_eq(options.listeners[0].kind, LISTENER_ECHO);
	cr_expect_eq(address->sin_family, AF_INET);
	cr_expect_eq(address->sin_port, 0);
	cr_expect_eq(address->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
}

Test(options, an_ipv6_address_stands_in_brackets)
{
	static struct options options;
	const struct sockaddr_in6 *address = (const void *)&options.listeners[0].address;

	read_options(&options, "--listen lines:[::1]:65535");
	cr_expect_eq(address->sin6_family, AF_INET6);
	cr_expect_eq(address->sin6_port, htons(65535));
	cr_expect_eq(memcmp(&address->sin6_addr, &in6addr_loopback, sizeof(in6addr_loopback)), 0);
	cr_expect_eq(options.listeners[0].address_length, sizeof(*address));
	cr_expect_str_eq(options.listeners[0].text, "[::1]:65535");
}

Test(options, sizes_are_read_as_people_write_them)
{
	static const struct {
		const char *command_line;
		size_t bytes;
	} cases[] = {
		{ "--send-queue 4096", 4096 },
		{ "--send-queue 4KiB", 4096 },
		{ "--send-queue 5k", 5120 },
		{ "--send-queue 2_MiB", 2 * 1024 * 1024 },
		{ "--send-queue 1GiB", 1024 * 1024 * 1024 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct options options;
		read_options(&options, cases[i].command_line);
		cr_expect_eq(options.send_queue_bytes, cases[i].bytes, "%s is %zu bytes",
			     cases[i].command_line, options.send_queue_bytes);
	}
}

Test(options, an_event_has_a_name_a_total_and_perhaps_a_title)
{
	static struct options options;

	read_options(&options, "--event rush=500:The_noon_rush:_part_1 --event late-2=1");
	cr_expect_eq(options.event_count, 2);
	cr_expect_str_eq(options.events[0].name, "rush");
	cr_expect_eq(options.events[0].total, 500);
	cr_expect_str_eq(options.events[0].title, "The noon rush: part 1");
	cr_expect_str_eq(options.events[1].name, "late-2");
	cr_expect_eq(options.events[1].total, 1);
	cr_expect_str_eq(options.events[1].title, "");
}

Test(options, a_title_is_cleaned)
{
	static struct options options;

	read_options(&options, "--event rush=1:a\x1b[31m\tb");
	cr_expect_str_eq(options.events[0].title, "a\xEF\xBF\xBD[31m b");
}

Test(options, a_title_is_as_long_as_its_place_and_no_longer)
{
	static struct options options;
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "--event rush=1:%0200d", 0);
	read_options(&options, line);
	cr_expect_eq(strlen(options.events[0].title), 200);
	snprintf(line, sizeof(line), "--event rush=1:%0201d", 0);
	expect_refusal(line, "TITLE has at most 200 bytes");
	/* 199 bytes, but 201 when they are clean */
	snprintf(line, sizeof(line), "--event rush=1:%0198d\x1b", 0);
	expect_refusal(line, "TITLE has at most 200 bytes");
}

Test(options, the_state_directory_is_made_with_its_parents_for_its_owner_alone)
{
	static struct options options;
	char line[LINE_SIZE];
	struct stat about;

	snprintf(line, sizeof(line), "--state %s/a/b", folder.path);
	read_options(&options, line);
	snprintf(line, sizeof(line), "%s/a/b", folder.path);
	cr_assert_eq(stat(line, &about), 0);
	cr_expect_eq(about.st_mode & 07777, 0700);
	snprintf(line, sizeof(line), "sqlite:%s/a/b/turnstile.db", folder.path);
	cr_expect_str_eq(options.store, line);
}

Test(options, with_a_store_given_no_directory_is_made)
{
	static struct options options;
	char path[FOLDER_PATH_SIZE];

	read_options(&options, "--store sqlite:/x/y.db");
	cr_expect_str_eq(options.store, "sqlite:/x/y.db");
	folder_file(&folder, "turnstile", path);
	cr_expect_neq(access(path, F_OK), 0);
}

Test(options, the_state_is_under_home_where_xdg_names_no_place)
{
	static struct options options;
	char path[LINE_SIZE];

	cr_assert_eq(setenv("XDG_STATE_HOME", "relative", 1), 0);
	cr_assert_eq(setenv("HOME", folder.path, 1), 0);
	read_options(&options, "");
	snprintf(path, sizeof(path), "sqlite:%s/.local/state/turnstile/turnstile.db", folder.path);
	cr_expect_str_eq(options.store, path);
}

Test(options, without_any_place_for_the_store_they_say_so)
{
	cr_assert_eq(unsetenv("XDG_STATE_HOME"), 0);
	cr_assert_eq(unsetenv("HOME"), 0);
	expect_refusal("", "--state DIRECTORY");
}

Test(options, the_operators_password_is_the_files_first_line)
{
	static struct options options;
	char line[LINE_SIZE];

	write_file("password", "open sesame\r\nsecond\n");
	snprintf(line, sizeof(line), "--op-password-file %s/password", folder.path);
	read_options(&options, line);
	cr_expect_str_eq(options.operator_password, "open sesame");
}

Test(options, a_password_file_may_be_as_an_editor_leaves_it)
{
	static const char *const files[] = { "open sesame",
					     "open sesame \n",
					     "open sesame\t\r\n",
					     " open sesame\n",
					     "\xEF\xBB\xBFopen sesame\n",
					     "\xEF\xBB\xBF\topen sesame \t \r\nsecond" };
	static struct options options;
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "--op-password-file %s/password", folder.path);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		write_file("password", files[i]);
		read_options(&options, line);
		cr_expect_str_eq(options.operator_password, "open sesame", "file %zu", i);
	}
}

Test(options, a_password_that_nobody_can_type_is_refused)
{
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "--op-password-file %s/password", folder.path);
	write_bytes("password", "open\0sesame\n", 12);
	expect_refusal(line, "without TABs and control characters");
	write_file("password", "open\tsesame\n");
	expect_refusal(line, "without TABs and control characters");
	write_file("password", "s\xE9same\n");
	expect_refusal(line, "must be UTF-8");
	write_bytes("password", "\xFF\xFEs\0\n\0", 6);
	expect_refusal(line, "is UTF-16: save it as UTF-8");
}

Test(options, a_password_is_as_long_as_its_place_and_no_longer)
{
	static struct options options;
	char line[LINE_SIZE];
	char password[LINE_SIZE];

	snprintf(line, sizeof(line), "--op-password-file %s/password", folder.path);
	snprintf(password, sizeof(password), "%0256d", 0);
	write_file("password", password);
	read_options(&options, line);
	cr_expect_str_eq(options.operator_password, password);
	snprintf(password, sizeof(password), "%0257d\n", 0);
	write_file("password", password);
	expect_refusal(line, "1 to 256 bytes");
	write_file("password", "\nsecond\n");
	expect_refusal(line, "1 to 256 bytes");
}

Test(options, a_password_file_that_others_may_read_is_refused)
{
	char line[LINE_SIZE];
	char path[FOLDER_PATH_SIZE];

	folder_file(&folder, "password", path);
	write_file("password", "open sesame\n");
	cr_assert_eq(chmod(path, 0644), 0);
	snprintf(line, sizeof(line), "--op-password-file %s", path);
	expect_refusal(line, "others may read it: chmod o-r ");
}

#ifdef TURNSTILE_WITH_SODIUM

#define HASH_START "$argon2id$v=19$m=65536,t=2,p=1$"
#define HASH_REST  "A9rhYwKHcXkPPTvR5JK2Aw$jgAGGbnTNa3VgbD0ImfKHPDWEV6WrwB9DbC+2bvCbPc"

Test(options, a_hashed_password_is_taken_as_it_is)
{
	static struct options options;
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "--op-password-file %s/password", folder.path);
	write_file("password", HASH_START HASH_REST "\n");
	read_options(&options, line);
	cr_expect_str_eq(options.operator_password, HASH_START HASH_REST);
}

Test(options, a_hashed_password_that_could_never_be_looked_at_is_refused)
{
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "--op-password-file %s/password", folder.path);
	write_file("password", HASH_START "A9rhYwKHcXkPPTvR5JK2Aw");
	expect_refusal(line, "its hashed password is not as `turnstile password` makes it");
	write_file("password", "$argon2i$v=19$m=65536,t=2,p=1$" HASH_REST);
	expect_refusal(line, "its hashed password is not as `turnstile password` makes it");
	write_file("password", "$argon2id$v=19$m=262145,t=2,p=1$" HASH_REST);
	expect_refusal(line, "takes too much to look at");
	write_file("password", "$argon2id$v=19$m=65536,t=17,p=1$" HASH_REST);
	expect_refusal(line, "takes too much to look at");
}

#else

Test(options, a_hashed_password_is_refused_by_who_was_built_without_libsodium)
{
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "--op-password-file %s/password", folder.path);
	write_file("password", "$argon2id$v=19$m=65536,t=2,p=1$");
	expect_refusal(line, "built without");
}

#endif

static const struct wrong {
	const char *command_line;
	const char *expected;
} wrong[] = {
	{ "--wrokers 3", "no such option: --wrokers" },
	{ "-x", "no such option: -x" },
	{ "-xy", "no such option: -xy" },
	{ "3", "not an option: 3" },
	{ "--workers", "--workers needs a value: --workers=N" },
	{ "--max 3", "--max is short for more than one option" },
	{ "--help=3", "--help takes no value" },
	{ "--workers 0", "--workers 0: must be a number from 1 to 64" },
	{ "--workers 65", "must be a number from 1 to 64" },
	{ "--workers 3x", "must be a number from 1 to 64" },
	{ "--workers=", "must be a number from 1 to 64" },
	{ "--workers 99999999999999999999", "must be a number from 1 to 64" },
	{ "--workers 3\n4", "must be a number from 1 to 64" },
	{ "--dispatch fork", "must be handoff or accept" },
	{ "--chaos=much", "--chaos takes no value" },
	{ "--echo lower", "must be upper or raw" },
	{ "--log-level loud", "error, warning, notice, info or debug" },
	{ "--log-format xml", "must be text or json" },
	{ "--serialize hope", "must be lock, join or none" },
	{ "--send-queue 4095", "from 4KiB to 1GiB" },
	{ "--send-queue 1025MiB", "from 4KiB to 1GiB" },
	{ "--send-queue 1TiB", "from 4KiB to 1GiB" },
	{ "--send-queue KiB", "from 4KiB to 1GiB" },
	{ "--send-queue 99999999999GiB", "from 4KiB to 1GiB" },
	{ "--drain 3601", "from 0 to 3600" },
	{ "--trust-proxy proxy.example.org", "must be an address such as 192.0.2.7" },
	{ "--trust-proxy 10.0.0.0/33", "or a network such as 10.0.0.0/8" },
#ifndef TURNSTILE_WITH_HTTP
	{ "--listen http:127.0.0.1:80", "was built without http" },
#endif
#ifndef TURNSTILE_WITH_TLS
	{ "--listen tls:127.0.0.1:80", "was built without TLS" },
#else
	{ "--listen tls:127.0.0.1:80", "a listener over TLS needs --tls-cert FILE and --tls-key" },
	{ "--listen tls:127.0.0.1:80 --tls-cert /c", "needs --tls-cert FILE and --tls-key" },
#endif
	{ "--public-url tickets.example.org", "must be http://NAME[:PORT] or https://NAME[:PORT]" },
	{ "--public-url ftp://tickets.example.org", "must be http://" },
	{ "--public-url https://", "must be http://" },
	{ "--public-url https://tickets.example.org/page", "must be http://" },
	{ "--public-url https://tickets.example.org:0", "must be http://" },
	{ "--public-url https://a_b", "must be http://" },
	{ "--public-url http://[::1", "must be http://" },
	{ "--public-url http://[::1]x", "must be http://" },
	{ "--node box.example", "must be 1 to 16 of a-z" },
	{ "--node a-very-long-name-", "must be 1 to 16 of a-z" },
	{ "--bus nats://turnstile:secret@bus", "no password in the URL" },
#ifdef TURNSTILE_WITH_NATS
	{ "--bus bus.example", "must be nats://HOST[:PORT]" },
	{ "--bus nats://", "must be nats://HOST[:PORT]" },
	{ "--bus nats://bus:0", "must be nats://HOST[:PORT]" },
	{ "--bus nats://a,,b", "must be nats://HOST[:PORT]" },
	{ "--bus nats://[::1", "must be nats://HOST[:PORT]" },
	{ "--bus nats://a,b,c,d,e,f,g,h,i", "or up to 8 of them" },
#else
	{ "--bus nats://bus", "built without a bus" },
#endif
	{ "--listen gopher:127.0.0.1:80", "no such kind of listener" },
	{ "--listen lines", "must be KIND:ADDRESS:PORT" },
	{ "--listen lines:7000", "must be KIND:ADDRESS:PORT" },
	{ "--listen lines::7000", "must be KIND:ADDRESS:PORT" },
	{ "--listen lines:::1:7000", "[::1]" },
	{ "--listen lines:[127.0.0.1]:7000", "the address must be" },
	{ "--listen lines:example.org:7000", "the address must be" },
	{ "--listen lines:127.0.0.1:65536", "from 0 to 65535" },
	{ "--listen lines:127.0.0.1:", "from 0 to 65535" },
	{ "--event rush", "NAME=TOTAL[:TITLE]" },
	{ "--event Rush=3", "a-z, 0-9 and '-'" },
	{ "--event rush=0", "from 1 to 1000000000" },
	{ "--event rush=1000000001", "from 1 to 1000000000" },
	{ "--event rush=1 --event rush=1", "there twice" },
	{ "--user no-such-user-here", "a user of this system" },
	{ "--op-password-file /nonexistent", "cannot be read: No such file" },
	{ "--op-password-file /", "cannot be read: Is a directory" },
	{ "--config /nonexistent", "cannot be read: No such file" },
	{ "--config /", "cannot be read: Is a directory" },
};

Test(options, a_wrong_one_gets_one_line_that_says_what_would_be_right)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		expect_refusal(wrong[i].command_line, wrong[i].expected);
	}
}

Test(options, help_names_every_option_and_goes_to_stdout)
{
	static const char *const names[] = {
		"--listen",
		"--workers",
		"--dispatch",
		"--store",
		"--state",
		"--serialize",
		"--event",
		"--echo",
		"--rate",
		"--max-quantity",
		"--max-held",
		"--history",
		"--op-password-file",
		"--send-queue",
		"--user",
		"--pid-file",
		"--max-connections",
		"--log-level",
		"--log-format",
		"--drain",
		"--max-per-address",
		"--trust-proxy",
		"--config",
		"--help",
		"--version",
		"--idle",
		"--send-queue-total",
	};
	struct capture capture;

	run_child(&capture, "--help");
	cr_expect_eq(capture.status, 0);
	cr_expect_str_eq(capture.errors, "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cr_expect_not_null(strstr(capture.output, names[i]), "no %s", names[i]);
	}
	capture_free(&capture);
}

Test(options, version_is_the_programs)
{
	struct capture capture;

	run_child(&capture, "--version");
	cr_expect_eq(capture.status, 0);
	cr_expect_not_null(strstr(capture.output, " " TURNSTILE_VERSION "\n"));
	cr_expect_str_eq(capture.errors, "");
	capture_free(&capture);
}

Test(options, the_file_has_them_by_the_same_names)
{
	static struct options options;

	read_with_config(&options,
			 "# a comment\n; and another\n\nworkers = 4\nsend-queue=64 KiB\n"
			 "  rate = 5\nlisten = lines:127.0.0.1:1\nlisten = echo:127.0.0.1:2\n"
			 "event = rush=5:The noon rush",
			 "");
	cr_expect_eq(options.workers, 4);
	cr_expect_eq(options.send_queue_bytes, 65536);
	cr_expect_eq(options.rate, 5);
	cr_expect_eq(options.listener_count, 2);
	cr_expect_str_eq(options.listeners[1].text, "127.0.0.1:2");
	cr_expect_str_eq(options.events[0].title, "The noon rush");
}

Test(options, the_file_may_be_as_an_editor_leaves_it)
{
	static struct options options;

	read_with_config(&options, "\xEF\xBB\xBF\tworkers = 4 \r\n\r\n  rate=5\t\r\nhistory = 7 \t",
			 "");
	cr_expect_eq(options.workers, 4);
	cr_expect_eq(options.rate, 5);
	cr_expect_eq(options.history, 7);
}

Test(options, the_file_gives_way_to_the_command_line)
{
	static struct options options;

	read_with_config(&options,
			 "workers = 4\nrate = 5\nlisten = lines:127.0.0.1:1\nevent = rush=5\n",
			 "--listen echo:127.0.0.1:3 --workers 2 --event late=1");
	cr_expect_eq(options.workers, 2);
	cr_expect_eq(options.rate, 5);
	cr_expect_eq(options.listener_count, 1);
	cr_expect_str_eq(options.listeners[0].text, "127.0.0.1:3");
	cr_expect_eq(options.event_count, 1);
	cr_expect_str_eq(options.events[0].name, "late");
}

Test(options, what_is_wrong_in_the_file_is_named_with_its_line)
{
	char text[LINE_SIZE];

	expect_config_refusal("\nworkers = 99\n", "/config:2: workers = 99: must be a number");
	expect_config_refusal("rate = 1\n\nwrokers = 3\n", "/config:3: no such option");
	expect_config_refusal("config = x\n", "/config:1: no such option");
	expect_config_refusal("rate = 1\nworkers = 2\nrate = 5\n",
			      "/config:3: rate is there twice");
	expect_config_refusal("[server]\nworkers = 3\n", "/config:2: there are no sections");
	expect_config_refusal("rate = 1\nworkers\n", "/config:2: must be 'name = value'");
	snprintf(text, sizeof(text), "rate = 1\npid-file = %0300d\n", 0);
	expect_config_refusal(text, "/config:2: the line has more than 198 bytes");
	expect_config_refusal("\xFF\xFEr", "/config:1: is UTF-16: save it as UTF-8");
	write_bytes("config", "rate = 1\nworkers = 2\0 3\nrate = 5\n", 33);
	with_config(text, "");
	expect_refusal(text, "/config:2: there is a NUL in the line");
	write_bytes("config", "workers = 2\0003", 13);
	expect_refusal(text, "/config:1: there is a NUL in the line");
}
