#include "db/store/holder.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db/store/kind.h"

void store_holder_show_plainly(char *name)
{
	for (; *name != '\0'; name++) {
		if (*name <= ' ' || *name > '~') {
			*name = '?';
		}
	}
}

static void read_name(pid_t pid, char *name)
{
	char path[sizeof("/proc/-2147483648/comm")];
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = file >= 0 ? read(file, name, STORE_HOLDER_NAME_SIZE - 1) : 0;
	if (file >= 0) {
		close(file);
	}
	name[length > 0 ? length : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	store_holder_show_plainly(name);
	if (*name == '\0') {
		snprintf(name, STORE_HOLDER_NAME_SIZE, "process");
	}
}

bool store_holder_find(const struct mutex *mutex, struct store_holder *holder)
{
	holder->pid = mutex ? mutex_owner(mutex, &holder->held_ns) : 0;
	if (holder->pid == 0) {
		return false;
	}
	read_name(holder->pid, holder->name);
	return true;
}

bool store_held(const struct mutex *mutex, const char *path, char *error)
{
	struct store_holder holder;
	if (!store_holder_find(mutex, &holder)) {
		return store_refuse(error, "%s: its lock could not be had in time", path);
	}
	return store_refuse(error, "%s: its lock is held by %s (pid %d)", path, holder.name,
			    (int)holder.pid);
}
