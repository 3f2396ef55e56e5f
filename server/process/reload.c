#include "server/process/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "server/config/listener_option.h"
#include "server/config/options_change.h"
#include "server/config/options_read.h"
#include "shared/base/log.h"
#include "shared/process/process.h"

#define PATIENCE_SECONDS 5 /* for a child to read, or to look at the pair */

/* What the child that reads leaves. */
struct reading {
	bool good;
	char problem[OPTION_PROBLEM_SIZE];
	char names[OPTIONS_NAMES_SIZE];
	struct options options;
};

struct reload {
	struct event_base *base;
	const struct options *options;
	int argc;
	char **argv;
	struct reload_owner owner;
	struct process *child; /* NULL: it is not under way */
	struct event *child_event;
	struct reading *reading;
	struct key_pair key_pair;
};

/* In a child */

static int read_all(void *argument)
{
	const struct reload *reload = argument;
	struct reading *reading = reload->reading;

	reading->good = options_read_again(&reading->options, reload->options, reload->argc,
					   reload->argv, reading->problem);
	if (reading->good) {
		options_keep_fixed(&reading->options, reload->options, reading->names);
	}
	return 0;
}

static int look_at_pair(void *argument)
{
	const struct reload *reload = argument;

	return key_pair_check(&reload->key_pair, &reload->reading->options) ? 0 : 1;
}

/* In the master */

static void finish(struct reload *reload)
{
	if (reload->child_event) {
		event_free(reload->child_event);
		reload->child_event = NULL;
	}
	process_destroy(reload->child);
	reload->child = NULL;
	if (reload->reading) {
		/* There is a password in it. */
		explicit_bzero(reload->reading, sizeof(*reload->reading));
		(void)munmap(reload->reading, sizeof(*reload->reading));
		reload->reading = NULL;
	}
	key_pair_close(&reload->key_pair);
}

/* What was to be read and may not be: the start had more rights. */
static const char *hint(const char *problem)
{
	return strstr(problem, strerror(EACCES))
		       ? " (a server that runs reads what its user may, in the folders where it "
			 "was read at the start)"
		       : "";
}

/* The problem is copied, since it may lie in what is given up before it is told. */
static void fail(struct reload *reload, const char *problem)
{
	char copy[OPTION_PROBLEM_SIZE];

	(void)option_problem(copy, "%s%s", problem, hint(problem));
	finish(reload);
	reload->owner.wrong(reload->owner.context, copy);
}

static void fail_with(struct reload *reload, const char *what, int error)
{
	char problem[OPTION_PROBLEM_SIZE];

	(void)option_problem(problem, "%s: %s", what, strerror(error));
	fail(reload, problem);
}

/*
 * A child runs RUN; ENDED is called when it has ended, or had its time. What is read goes by memory
 * that no other process gets that is forked meanwhile.
 */
static void start_child(struct reload *reload, int (*run)(void *reload), event_callback_fn ended)
{
	const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	const int keep[] = { reload->key_pair.certificate, reload->key_pair.key };
	const struct process_options options = {
		.name = "turnstile-read",
		.daemon = true,
		.keep = keep,
		.keep_count = reload->key_pair.key >= 0 ? 2 : 0,
	};

	(void)madvise(reload->reading, sizeof(*reload->reading), MADV_DOFORK);
	reload->child = process_start(&options, run, reload);
	(void)madvise(reload->reading, sizeof(*reload->reading), MADV_DONTFORK);
	if (!reload->child) {
		fail_with(reload, "nobody can be started to read it", errno);
		return;
	}
	reload->child_event =
		event_new(reload->base, process_descriptor(reload->child), EV_READ, ended, reload);
	event_add(reload->child_event, &patience);
}

/* Whether the child ended, and well; it is gone then. */
static bool has_succeeded(struct reload *reload)
{
	bool ended = !process_alive(reload->child);
	bool succeeded = ended && process_exit_status(reload->child) == 0;

	event_free(reload->child_event);
	reload->child_event = NULL;
	process_destroy(reload->child);
	reload->child = NULL;
	return succeeded;
}

static void succeed(struct reload *reload)
{
	const struct key_pair key_pair = reload->key_pair;

	reload->key_pair = (struct key_pair){ -1, -1 };
	reload->owner.good(reload->owner.context, &reload->reading->options, &key_pair,
			   reload->reading->names);
	finish(reload);
}

static void on_looked(evutil_socket_t descriptor, short what, void *argument)
{
	struct reload *reload = argument;

	(void)descriptor;
	(void)what;
	if (has_succeeded(reload)) {
		succeed(reload);
	} else {
		fail(reload, "the certificate and its key cannot be used");
	}
}

static void on_read(evutil_socket_t descriptor, short what, void *argument)
{
	struct reload *reload = argument;
	struct reading *reading = reload->reading;

	(void)descriptor;
	(void)what;
	if (!has_succeeded(reload)) {
		fail(reload, "the configuration could not be read in time, or at all");
	} else if (!reading->good ||
		   !key_pair_open_again(&reload->key_pair, &reading->options, reading->problem)) {
		fail(reload, reading->problem);
	} else if (options_have_tls(&reading->options)) {
		start_child(reload, look_at_pair, on_looked);
	} else {
		succeed(reload);
	}
}

struct reload *reload_create(struct event_base *base, const struct options *options, int argc,
			     char **argv, const struct reload_owner *owner)
{
	struct reload *reload = calloc(1, sizeof(*reload));

	if (!reload) {
		die("out of memory");
	}
	*reload = (struct reload){ .base = base,
				   .options = options,
				   .argc = argc,
				   .argv = argv,
				   .owner = *owner,
				   .key_pair = { -1, -1 } };
	return reload;
}

void reload_begin(struct reload *reload)
{
	void *memory = mmap(NULL, sizeof(*reload->reading), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		fail_with(reload, "there is no memory to read it into", errno);
		return;
	}
	reload->reading = memory;
	start_child(reload, read_all, on_read);
}

bool reload_is_under_way(const struct reload *reload)
{
	return reload->child;
}

void reload_stop(struct reload *reload)
{
	finish(reload);
}
