#include "db/store/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BOOT_LENGTH 36 /* characters of a UUID */

/* Read once, and handed down to children: not all of them see /proc. */
static char known[BOOT_SIZE];

bool boot_read(char *boot)
{
	memcpy(boot, known, BOOT_SIZE);
	if (boot[0] != '\0') {
		return true;
	}
	int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (file < 0) {
		return false;
	}
	ssize_t length = read(file, boot, BOOT_LENGTH);
	close(file);
	if (length == BOOT_LENGTH) {
		memcpy(known, boot, BOOT_SIZE);
		return true;
	}
	errno = EIO;
	return false;
}
