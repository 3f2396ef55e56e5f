#include "server/process/start_up.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "db/open.h"
#include "server/booking/opening.h"
#include "server/bus/target.h"
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

/*
 * Whether the server can do without its database for now: workers look up no names, and with
 * another --serialize than lock nobody makes up for what is done here.
 */
static bool can_wait(const struct options *options)
{
	return options->serialize == SERIALIZE_LOCK && store_can_be_found(options->store);
}

static struct store *try_again(const struct options *options, char *error)
{
	struct store *store = NULL;

	log_warning("%s: it is tried again each second", error);
	while (!store && store_is_away(options->store) && !can_wait(options)) {
		clock_sleep(NS_PER_SECOND);
		store = store_open(options->store, error);
	}
	return store;
}

/* NULL: its database is away, and the server begins without. */
static struct store *open_store(const struct options *options, bool takes_over)
{
	char error[STORE_ERROR_SIZE];
	struct store *store = store_open(options->store, error);
	const bool away = !store && !takes_over && store_is_away(options->store);

	if (away && !can_wait(options)) {
		store = try_again(options, error);
	}
	if (!store && away && can_wait(options)) {
		log_warning("%s: no bookings until it is there; it is tried each second", error);
		return NULL;
	}
	if (!store) {
		die("%s", error);
	}
	if (!store_take(store, STORE_WAIT_NS)) {
		die("%s", store_error(store));
	}
	return store;
}

/* A worker's clerk finds it later, and does then what is to be done. */
static void begin_without_store(struct shared_state *shared)
{
	char error[STORE_ERROR_SIZE];

	shared->store_lock = store_lock(shared->options->store, error);
	if (!shared->store_lock) {
		die("%s", error);
	}
	atomic_store(&shared->queue->awaited, true);
	atomic_store(&shared->queue->hindered, true);
}

static void begin_with_store(struct shared_state *shared, struct store *store, bool takes_over)
{
	char why[STORE_ERROR_SIZE];

	if (!takes_over && shared->options->serialize == SERIALIZE_NONE) {
		warn_unlocked(store, shared->options->store);
	}
	if (!(takes_over ? opening_make_events(shared, store, why)
			 : opening_do(shared, store, why))) {
		die("%s", why);
	}
	shared->store_lock = store_mutex(store);
	atomic_store(&shared->queue->identity, store_identity(shared->options->store));
	store_give(store);
	store_close(store);
}

/* Opens the store once, before any worker does. */
static void prepare_store(const struct options *options, bool takes_over,
			  struct shared_state *shared)
{
	struct store *store = open_store(options, takes_over);

	if (store) {
		begin_with_store(shared, store, takes_over);
	} else {
		begin_without_store(shared);
	}
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
