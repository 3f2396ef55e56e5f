#include "server/process/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/log.h"

#define TEXT_SIZE 16 /* bytes of a number and its line's end */

static int file = -1;

void pid_file_open(const char *path)
{
	if (*path == '\0') {
		return;
	}
	file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (file < 0) {
		die("--pid-file %s: %s", path, strerror(errno));
	}
}

void pid_file_write(void)
{
	char text[TEXT_SIZE];
	int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (file < 0) {
		return;
	}
	if (ftruncate(file, 0) != 0 || write(file, text, (size_t)length) != length) {
		log_error("the pid file cannot be written: %s", strerror(errno));
	}
	close(file);
	file = -1;
}
