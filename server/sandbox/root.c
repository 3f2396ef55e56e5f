#include "server/sandbox/root.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool kept;
static int empty = -1;

/* Gives up all capabilities that are not among the BITS of the first 32. */
static bool keep_only(uint32_t bits)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (syscall(SYS_capget, &header, sets) != 0) {
		return false;
	}
	bits &= sets[0].permitted;
	sets[0] = (struct __user_cap_data_struct){ .effective = bits, .permitted = bits };
	sets[1] = (struct __user_cap_data_struct){ 0 };
	return syscall(SYS_capset, &header, sets) == 0 && bits != 0;
}

void root_before_user(void)
{
	kept = prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0;
}

static void make_empty(void)
{
	char name[] = "/tmp/turnstiled-XXXXXX";

	if (mkdtemp(name)) {
		empty = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		(void)rmdir(name);
	}
}

void root_after_user(void)
{
	if (kept && getuid() != 0) {
		kept = keep_only(UINT32_C(1) << CAP_SYS_CHROOT);
		make_empty();
	}
}

int root_empty(void)
{
	return empty;
}

bool root_enter(const char *folder)
{
	if (!kept || getuid() == 0) {
		return false;
	}
	bool there = folder ? chdir(folder) == 0 : empty >= 0 && fchdir(empty) == 0;
	bool entered = there && chroot(".") == 0;

	(void)keep_only(0);
	kept = false;
	if (empty >= 0) {
		close(empty);
		empty = -1;
	}
	return entered;
}
