#include "shared/process/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/log.h"

/* open takes the lowest number that is free, so from 0 on the one that is missing. */
static void open_standard_streams(void)
{
	for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
		bool is_closed = fcntl(descriptor, F_GETFD) < 0;

		if (is_closed && open("/dev/null", O_RDWR) != descriptor) {
			die("descriptor %d is closed, and /dev/null cannot take its place: %s",
			    descriptor, strerror(errno));
		}
	}
}

static void unblock_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGCHLD, SIG_DFL);
}

/* A write past the limit of a file's size fails then, as on a full disk. */
static void outlive_file_size_limit(void)
{
	(void)signal(SIGXFSZ, SIG_IGN);
}

static void mind_umask(void)
{
	mode_t others = umask(S_IRWXG | S_IRWXO) & (S_IRWXG | S_IRWXO);

	(void)umask(others | S_IWGRP | S_IWOTH);
}

void inherited_set_right(void)
{
	open_standard_streams();
	unblock_signals();
	outlive_file_size_limit();
	mind_umask();
}
