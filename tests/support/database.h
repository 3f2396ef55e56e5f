/*
 * database: PostgreSQL instances of the tests' own: in a folder of their own, reached over a socket
 * there, as an unprivileged user, ended with the program that started them.
 *
 * One is shared by all tests of a program: it runs from before the first to after the last (a
 * Criterion hook), if PostgreSQL is installed and any of the tests is for it. Each test has
 * databases of its own in it. What needs to stop one makes another instance.
 */
#ifndef TESTS_SUPPORT_DATABASE_H
#define TESTS_SUPPORT_DATABASE_H

#include <stdbool.h>
#include <sys/types.h>

#define DATABASE_FOLDER_SIZE 64  /* bytes, a NUL counted in: a socket's path has few */
#define DATABASE_URL_SIZE    256 /* likewise */

struct database {
	char folder[DATABASE_FOLDER_SIZE];
	pid_t pid; /* of the postmaster; 0: it does not run */
};

/* Makes an instance, which does not run yet; false when it cannot. And removes one, stopped. */
bool database_make(struct database *database);
void database_remove(struct database *database);

/* Starts it, and waits until it answers. SIGQUIT and SIGKILL are crashes, SIGINT is not. */
bool database_start(struct database *database);
void database_stop(struct database *database, int signal);

/* The instance that is shared; NULL when there is none. */
struct database *database_shared(void);

/* Writes the URL of the database NAME there to URL; and makes it, if it is not there:
 * false when it cannot.
 */
void database_url(const struct database *database, const char *name, char *url);
bool database_create(const struct database *database, const char *name);
void database_drop(const struct database *database, const char *name);

/* Carries out SQL in the database at URL; false when that fails. */
bool database_run(const char *url, const char *sql);

#endif
