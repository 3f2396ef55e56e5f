#include "server/process/start_up.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "db/booking/lapse.h"
#include "db/open.h"
#include "server/booking/batch.h"
#include "server/bus/target.h"
#include "server/chat/archive.h"
#include "server/config/listener.h"
#include "server/config/listener_option.h"
#include "server/process/pid_file.h"
#include "server/sandbox/root.h"
#include "server/tls/key_pair.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/process/process.h"

#define STORE_WAIT_NS (10 * NS_PER_SECOND)
#define SPARE_FILES   64 /* descriptors beside the connections */

/* A connection is a descriptor: the limit is raised as far as it goes. */
static void raise_limits(const struct options *options)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		if (limit.rlim_cur < options->max_connections + SPARE_FILES) {
			log_warning("only %llu descriptors a process may be open: fewer than "
				    "--max-connections %u",
				    (unsigned long long)limit.rlim_cur, options->max_connections);
		}
	}
}

static void open_listeners(const struct options *options, int *listeners)
{
	char text[LISTENER_TEXT_SIZE];

	for (size_t i = 0; i < options->listener_count; i++) {
		listeners[i] = listener_open(&options->listeners[i], options->idle_seconds);
		listener_text(listeners[i], text);
		(void)printf("listening %s %s\n", listener_kind_name(options->listeners[i].kind),
			     text);
	}
}

/* Root must be gone for good: also from the saved ids, which could bring it back. */
static void check_root_is_gone(const char *name)
{
	if (getuid() != 0 && (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0)) {
		die("--user %s: root could be had back", name);
	}
}

static void become_user(const char *name, bool sandbox)
{
	if (*name == '\0') {
		return;
	}
	if (sandbox) {
		root_before_user();
	}
	const struct passwd *user = getpwnam(name);

	if (!user) {
		die("--user %s: there is no such user", name);
	}
	if (initgroups(name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 ||
	    setuid(user->pw_uid) < 0) {
		die("--user %s: %s", name, strerror(errno));
	}
	root_after_user();
	check_root_is_gone(name);
}

/* The store */

static void make_event(const struct booking_context *rules, const struct event_option *option)
{
	struct booking_request request = { .verb = BOOKING_EVENT_NEW, .quantity = option->total };
	struct booking_answer answer;

	memcpy(request.event, option->name, sizeof(request.event));
	memcpy(request.title, option->title, sizeof(request.title));
	booking_carry_out(rules, &request, &answer);
	if (answer.outcome != BOOKING_DONE && answer.outcome != BOOKING_EXISTS) {
		die("event %s cannot be made: %s", option->name, store_error(rules->store));
	}
}

static void count_event(void *context, const struct store_event *event)
{
	(void)event;
	++*(unsigned *)context;
}

/* Without a lock tickets are sold twice: on a store of its own only, and not without a word. */
static void warn_unlocked(struct store *store, const char *url)
{
	unsigned events = 0;

	if (store_event_each(store, count_event, &events) != STORE_OK || events > 0) {
		die("--serialize none sells tickets twice: %s is in use; give it a new store", url);
	}
	log_warning(
		"--serialize none: NO LOCK, tickets WILL be sold twice; for demonstration only");
}

/* It may come up after us: that is said once. */
static void wait_for_database(const char *why)
{
	static bool said;

	if (!said) {
		log_warning("%s: it is tried again each second", why);
	}
	said = true;
	clock_sleep(NS_PER_SECOND);
}

static struct store *open_store(const char *url)
{
	char error[STORE_ERROR_SIZE];
	struct store *store = store_open(url, error);

	while (!store && store_is_away(url)) {
		wait_for_database(error);
		store = store_open(url, error);
	}
	if (!store) {
		die("%s", error);
	}
	if (!store_take(store, STORE_WAIT_NS)) {
		die("%s", store_error(store));
	}
	return store;
}

static void make_events(const struct booking_context *rules, const struct options *options)
{
	for (size_t i = 0; i < options->event_count; i++) {
		make_event(rules, &options->events[i]);
	}
}

static void begin(struct store *store)
{
	static const struct store_needs unknown;

	store_foresee(store, &unknown); /* others may sell meanwhile */
	if (store_begin(store) != STORE_OK) {
		die("%s", store_error(store));
	}
}

static void commit(struct store *store)
{
	if (store_commit(store) != STORE_OK) {
		die("%s", store_error(store));
	}
}

/* Makes the options' events; gives back what connections held of a server that is gone. */
static void bring_up_to_date(const struct booking_context *rules, const struct options *options,
			     uint32_t server)
{
	struct store *store = rules->store;

	begin(store);
	make_events(rules, options);
	if (store_serve(store, server) && !booking_release_all(rules)) {
		die("%s", store_error(store));
	}
	commit(store);
}

/* Another process serves it still: what is tied to its connections goes along. */
static void add_events(const struct booking_context *rules, const struct options *options)
{
	begin(rules->store);
	make_events(rules, options);
	commit(rules->store);
}

static void fill(const struct booking_context *rules, const struct options *options,
		 struct shared_state *shared)
{
	if (options->serialize == SERIALIZE_NONE) {
		warn_unlocked(rules->store, options->store);
	}
	bring_up_to_date(rules, options, booking_server_of(shared->directory->next_session));
	batch_fill_board(rules->store, shared->board);
	if (!archive_restore(shared, rules->store)) {
		die("%s", store_error(rules->store));
	}
}

/* Opens the store once, before any worker does. */
static void prepare_store(const struct options *options, bool takes_over,
			  struct shared_state *shared)
{
	struct store *store = open_store(options->store);
	const struct booking_context rules = { .store = store, .wall_ns = clock_deadlines_ns() };

	if (takes_over) {
		add_events(&rules, options);
	} else {
		fill(&rules, options, shared);
	}
	shared->store_lock = store_mutex(store);
	store_give(store);
	store_close(store);
}

/* TLS */

struct check {
	const struct key_pair *key_pair;
	const struct options *options;
};

static int check_key_pair(void *argument)
{
	const struct check *check = argument;

	return key_pair_check(check->key_pair, check->options) ? 0 : 1;
}

/* The pair is looked at by a child: the key's bytes are never in our memory. */
static void prepare_tls(const struct options *options, struct key_pair *key_pair)
{
	const struct process_options child = { .name = "turnstile-tls", .daemon = true };
	struct check check = { key_pair, options };

	key_pair_open(key_pair, options);
	if (!options_have_tls(options)) {
		return;
	}
	struct process *process = process_start(&child, check_key_pair, &check);

	if (!process || !process_join(process, PROCESS_FOREVER) ||
	    process_exit_status(process) != 0) {
		die("the TLS listeners cannot be served");
	}
	process_destroy(process);
}

static void warn_of_chaos(const struct options *options)
{
	if (options->chaos) {
		log_warning("--chaos: operators MAY KILL WORKERS with /crash; for tests and "
			    "demonstrations only");
	}
}

void start_up(const struct options *options, bool takes_over, struct shared_state *shared,
	      int *listeners, struct key_pair *key_pair)
{
	warn_of_chaos(options);
	raise_limits(options);
	prepare_tls(options, key_pair);
	bus_target_find(options);
	shared_state_init(shared, options);
	open_listeners(options, listeners);
	become_user(options->user, options->sandbox);
	prepare_store(options, takes_over, shared);
	pid_file_open(options->pid_file);
	if (!takes_over) {
		pid_file_write();
	}
}
