#include "tests/support/database.h"

#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <fcntl.h>
#include <glob.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/support/folder.h"

#define NOBODY               65534
#define PROGRAMS             "/usr/lib/postgresql/*/bin"
#define ROLE                 "turnstile"
#define FOLDER               "TURNSTILE_TEST_POSTGRES" /* in the environment of the tests: the shared one's */
#define STATE_DATABASE_THERE "42P04"
#define PATH_ROOM            512
#define PING_NS              (20 * NS_PER_MS)
#define PINGS_MAX            1000 /* 20 seconds */
#define SUITE_TAIL           "_postgres"

/* The newest version's programs; "" when there are none. */
static const char *find_programs(void)
{
	static char path[PATH_ROOM];
	glob_t found;
	if (glob(PROGRAMS, 0, NULL, &found) == 0) {
		snprintf(path, sizeof(path), "%s", found.gl_pathv[found.gl_pathc - 1]);
	}
	globfree(&found);
	return path;
}

/* PostgreSQL does not run as root. */
static void become_nobody(void)
{
	if (geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)) {
		_exit(1);
	}
}

/* In a child: runs a program, whose words go into FOLDER/log. */
static _Noreturn void run(const struct database *database, const char *program,
			  char *const *arguments)
{
	char path[2 * PATH_ROOM];
	become_nobody();
	snprintf(path, sizeof(path), "%s/log", database->folder);
	int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	int nothing = open("/dev/null", O_RDONLY);
	dup2(nothing, STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	snprintf(path, sizeof(path), "%s/%s", find_programs(), program);
	execv(path, arguments);
	_exit(1);
}

static char *word(const char *text)
{
	return strdup(text); /* for execv, whose words are not const */
}

static bool make_cluster(const struct database *database)
{
	char data[PATH_ROOM];
	int status = 1;
	snprintf(data, sizeof(data), "%s/data", database->folder);
	pid_t child = fork();
	if (child == 0) {
		char *const arguments[] = { word("initdb"),
					    word("-D"),
					    word(data),
					    word("-U"),
					    word(ROLE),
					    word("--auth=trust"),
					    word("--no-sync"),
					    word("--encoding=UTF8"),
					    word("--locale=C"),
					    word("--no-instructions"),
					    NULL };
		run(database, "initdb", arguments);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

bool database_make(struct database *database)
{
	const char *parent = getenv("TMPDIR");
	*database = (struct database){ .pid = 0 };
	int length = snprintf(database->folder, sizeof(database->folder), "%s/turnstile-pg-XXXXXX",
			      parent && *parent ? parent : "/tmp");
	if (length >= (int)sizeof(database->folder) || *find_programs() == '\0' ||
	    !mkdtemp(database->folder)) {
		return false;
	}
	if (geteuid() == 0 && chown(database->folder, NOBODY, NOBODY) < 0) {
		return false;
	}
	return make_cluster(database);
}

void database_url(const struct database *database, const char *name, char *url)
{
	snprintf(url, DATABASE_URL_SIZE, "postgresql:///%s?host=%s&user=" ROLE, name,
		 database->folder);
}

static bool answers(const struct database *database)
{
	char url[DATABASE_URL_SIZE];
	database_url(database, "postgres", url);
	return PQping(url) == PQPING_OK;
}

/* Nothing of a test outlasts the power: nothing is synced. */
static _Noreturn void serve(const struct database *database, pid_t parent)
{
	char data[PATH_ROOM];
	snprintf(data, sizeof(data), "%s/data", database->folder);
	char *const arguments[] = { word("postgres"),
				    word("-D"),
				    word(data),
				    word("-k"),
				    word(database->folder),
				    word("-clisten_addresses="),
				    word("-cfsync=off"),
				    word("-cshared_buffers=32MB"),
				    word("-cmax_connections=100"),
				    NULL };
	become_nobody();
	prctl(PR_SET_PDEATHSIG, SIGQUIT); /* after the change of the user, which clears it */
	if (getppid() != parent) {
		_exit(1);
	}
	run(database, "postgres", arguments);
}

static void start_server(struct database *database)
{
	pid_t parent = getpid();
	database->pid = fork();
	if (database->pid == 0) {
		serve(database, parent);
	}
}

/* Right behind one that was killed it may take some: PostgreSQL does not start while a child of the
 * one before it has not yet noticed and holds its shared memory. */
bool database_start(struct database *database)
{
	start_server(database);
	for (int i = 0; i < PINGS_MAX; i++) {
		if (answers(database)) {
			return true;
		}
		clock_sleep(PING_NS);
		if (waitpid(database->pid, NULL, WNOHANG) != 0) {
			start_server(database);
		}
	}
	return false;
}

void database_stop(struct database *database, int signal)
{
	if (database->pid > 0) {
		kill(database->pid, signal);
		waitpid(database->pid, NULL, 0);
		database->pid = 0;
	}
}

void database_remove(struct database *database)
{
	struct folder folder;
	database_stop(database, SIGQUIT);
	snprintf(folder.path, sizeof(folder.path), "%s", database->folder);
	folder_finish(&folder);
	database->folder[0] = '\0';
}

/* The shared one */

static struct database shared;

struct database *database_shared(void)
{
	const char *folder = getenv(FOLDER);
	if (!folder) {
		return NULL;
	}
	snprintf(shared.folder, sizeof(shared.folder), "%s", folder);
	return &shared;
}

static bool ends_with(const char *text, const char *tail)
{
	size_t length = strlen(text);
	return length >= strlen(tail) && strcmp(text + length - strlen(tail), tail) == 0;
}

static bool has_enabled_tests(struct criterion_suite_set *suite)
{
	bool found = false;
	if (!suite->tests) {
		return false;
	}
	FOREACH_SET(struct criterion_test * test, suite->tests)
	{
		found |= !test->data->disabled;
	}
	return found;
}

/* Criterion has disabled by now what the command line does not name. */
static bool are_wanted(struct criterion_test_set *all)
{
	bool wanted = false;
	FOREACH_SET(struct criterion_suite_set * suite, all->suites)
	{
		wanted |= ends_with(suite->suite.name, SUITE_TAIL) && has_enabled_tests(suite);
	}
	return wanted;
}

ReportHook(PRE_ALL)(struct criterion_test_set *all)
{
	if (!are_wanted(all)) {
		return;
	}
	if (database_make(&shared) && database_start(&shared)) {
		setenv(FOLDER, shared.folder, 1);
	} else {
		database_remove(&shared);
	}
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
	(void)stats;
	if (getenv(FOLDER)) {
		database_remove(&shared);
	}
}

/* Databases */

static bool run_on(PGconn *connection, const char *sql)
{
	PGresult *result = PQexec(connection, sql);
	ExecStatusType status = PQresultStatus(result);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	bool there = state && strcmp(state, STATE_DATABASE_THERE) == 0;
	PQclear(result);
	return there || status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static void ignore_notice(void *context, const char *text)
{
	(void)context;
	(void)text;
}

bool database_run(const char *url, const char *sql)
{
	PGconn *connection = PQconnectdb(url);
	PQsetNoticeProcessor(connection, ignore_notice, NULL);
	bool good = run_on(connection, sql);
	PQfinish(connection);
	return good;
}

bool database_create(const struct database *database, const char *name)
{
	char command[PATH_ROOM];
	char control[DATABASE_URL_SIZE];
	database_url(database, "postgres", control);
	snprintf(command, sizeof(command), "CREATE DATABASE \"%s\"", name);
	return database_run(control, command);
}

void database_drop(const struct database *database, const char *name)
{
	char command[PATH_ROOM];
	char control[DATABASE_URL_SIZE];
	database_url(database, "postgres", control);
	snprintf(command, sizeof(command), "DROP DATABASE IF EXISTS \"%s\" WITH (FORCE)", name);
	database_run(control, command);
}
