#include "db/store/beside.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file of several names may be anybody's: only one that has none but this is given away. */
bool beside_give(int descriptor, const char *store_path)
{
	struct stat store, file;

	if (geteuid() != 0) {
		return true;
	}
	if (stat(store_path, &store) != 0) {
		return errno == ENOENT;
	}
	if (fstat(descriptor, &file) != 0) {
		return false;
	}
	bool is_strange = file.st_uid != 0 || file.st_nlink != 1 || !S_ISREG(file.st_mode);

	return is_strange || (file.st_uid == store.st_uid && file.st_gid == store.st_gid) ||
	       fchown(descriptor, store.st_uid, store.st_gid) == 0;
}
