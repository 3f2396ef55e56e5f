#include "db/store/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BOOT_LENGTH 36 /* characters of a UUID */

bool boot_read(char *boot)
{
	memset(boot, 0, BOOT_SIZE);
	int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (file < 0) {
		return false;
	}
	ssize_t length = read(file, boot, BOOT_LENGTH);
	close(file);
	if (length == BOOT_LENGTH) {
		return true;
	}
	errno = EIO;
	return false;
}
