#include "db/store/in_use.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#define MARKED_BYTE (INT64_MAX - 1) /* no file is as large */

static struct flock lock_of(short type)
{
	return (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = MARKED_BYTE, .l_len = 1
	};
}

bool in_use_mark(int descriptor)
{
	struct flock lock = lock_of(F_RDLCK);
	return fcntl(descriptor, F_OFD_SETLK, &lock) == 0;
}

/* A file that is not there, or cannot be looked at, is nobody's. */
bool in_use_is_marked(const char *store_path)
{
	struct flock lock = lock_of(F_WRLCK);
	int descriptor = open(store_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (descriptor < 0) {
		return false;
	}
	bool marked = fcntl(descriptor, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(descriptor);
	return marked;
}
