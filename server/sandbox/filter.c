#include "server/sandbox/filter.h"

#include <errno.h>

#ifdef TURNSTILE_WITH_SECCOMP

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/sandbox/rights.h"

/* What takes memory, time and open descriptors, and no more. */
static const char *const for_everyone[] = { "arch_prctl",
					    "brk",
					    "clock_getres",
					    "clock_gettime",
					    "clock_nanosleep",
					    "close",
					    "close_range",
					    "dup",
					    "dup2",
					    "dup3",
					    "epoll_create1",
					    "epoll_ctl",
					    "epoll_pwait",
					    "epoll_pwait2",
					    "epoll_wait",
					    "eventfd2",
					    "exit",
					    "exit_group",
					    "fcntl",
					    "fstat",
					    "futex",
					    "futex_waitv",
					    "getcpu",
					    "getegid",
					    "geteuid",
					    "getgid",
					    "getpeername",
					    "getpid",
					    "getppid",
					    "getrandom",
					    "getrusage",
					    "getsockname",
					    "getsockopt",
					    "gettid",
					    "gettimeofday",
					    "getuid",
					    "ioctl",
					    "lseek",
					    "lstat",
					    "madvise",
					    "membarrier",
					    "mlock",
					    "mremap",
					    "munlock",
					    "munmap",
					    "nanosleep",
					    "newfstatat",
					    "pidfd_open",
					    "pipe2",
					    "poll",
					    "ppoll",
					    "pread64",
					    "pwrite64",
					    "read",
					    "readlink",
					    "readlinkat",
					    "readv",
					    "recvfrom",
					    "recvmmsg",
					    "recvmsg",
					    "restart_syscall",
					    "rseq",
					    "rt_sigaction",
					    "rt_sigprocmask",
					    "rt_sigreturn",
					    "rt_sigtimedwait",
					    "sched_getaffinity",
					    "sched_yield",
					    "sendmmsg",
					    "sendmsg",
					    "sendto",
					    "set_robust_list",
					    "set_tid_address",
					    "setsockopt",
					    "shutdown",
					    "sigaltstack",
					    "stat",
					    "statx",
					    "sysinfo",
					    "time",
					    "timerfd_create",
					    "timerfd_settime",
					    "times",
					    "uname",
					    "write",
					    "writev",
					    NULL };

/* Changes of files: Landlock says which. Opening to read is everyone's, likewise. */
static const char *const for_store[] = {
	"access",   "chmod",     "fallocate", "fchmod",          "fchown", "fdatasync",
	"flock",    "fstatfs",   "fsync",     "ftruncate",       "getcwd", "getdents64",
	"link",     "linkat",    "msync",     "pwritev",         "preadv", "rename",
	"renameat", "renameat2", "statfs",    "sync_file_range", "umask",  "unlink",
	"unlinkat", "utimensat", "faccessat", "faccessat2",      NULL
};

/* Also what binds a child: it has its filter from here, and may only narrow it. */
static const char *const for_processes[] = { "clone",
					     "fork",
					     "kill",
					     "landlock_add_rule",
					     "landlock_create_ruleset",
					     "landlock_restrict_self",
					     "pidfd_send_signal",
					     "prctl",
					     "prlimit64",
					     "seccomp",
					     "socketpair",
					     "tgkill",
					     "vfork",
					     "wait4",
					     "waitid",
					     NULL };

static const char *const for_accept[] = { "accept4", NULL };

static const char *const for_connecting[] = { "connect", NULL };

/* A process gets its filter from the master, and changes its root before its own. */
static const char *const for_root[] = { "capget", "capset", "chdir", "chroot", "fchdir", NULL };

/* The same calls, of somebody who is to start nobody. */
static const char *const deadly_without_root[] = { "capset", "chroot", NULL };

/* The pid file's end, and memory for more workers. */
static const char *const for_manager[] = { "memfd_create", "unlink", NULL };

/* Only somebody who has taken the process over would try these. */
static const char *const deadly[] = { "acct",
				      "add_key",
				      "adjtimex",
				      "bpf",
				      "clock_adjtime",
				      "clock_settime",
				      "delete_module",
				      "execve",
				      "execveat",
				      "finit_module",
				      "fsconfig",
				      "fsmount",
				      "fsopen",
				      "init_module",
				      "io_uring_enter",
				      "io_uring_register",
				      "io_uring_setup",
				      "ioperm",
				      "iopl",
				      "kcmp",
				      "kexec_file_load",
				      "kexec_load",
				      "keyctl",
				      "mknod",
				      "mknodat",
				      "mount",
				      "mount_setattr",
				      "move_mount",
				      "name_to_handle_at",
				      "open_by_handle_at",
				      "open_tree",
				      "perf_event_open",
				      "personality",
				      "pidfd_getfd",
				      "pivot_root",
				      "process_madvise",
				      "process_vm_readv",
				      "process_vm_writev",
				      "ptrace",
				      "quotactl",
				      "reboot",
				      "request_key",
				      "setdomainname",
				      "setfsgid",
				      "setfsuid",
				      "setgid",
				      "setgroups",
				      "sethostname",
				      "setns",
				      "setregid",
				      "setresgid",
				      "setresuid",
				      "setreuid",
				      "settimeofday",
				      "setuid",
				      "swapoff",
				      "swapon",
				      "umount2",
				      "unshare",
				      "userfaultfd",
				      NULL };

/* A name that this processor or this library does not know cannot be called by it either. */
static bool add(scmp_filter_ctx filter, uint32_t action, const char *const *names)
{
	for (; *names; names++) {
		int number = seccomp_syscall_resolve_name(*names);
		int error =
			number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(filter, action, number, 0);

		if (error != 0 && error != -EEXIST) {
			errno = -error;
			return false;
		}
	}
	return true;
}

/* The call, where its argument ARGUMENT has VALUE in the bits of MASK. */
static bool add_where(scmp_filter_ctx filter, const char *name, unsigned argument, uint64_t mask,
		      uint64_t value)
{
	int number = seccomp_syscall_resolve_name(name);
	int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
				     SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, mask, value));

	errno = -error;
	return error == 0;
}

#define WHOLE UINT64_C(0xffffffff) /* an argument of 32 bits */

/* No memory is written and then run; what is not the store's is opened to read. */
static bool add_memory_and_files(scmp_filter_ctx filter, unsigned rights)
{
	const uint64_t writing =
		rights & (RIGHT_STORE | RIGHT_MANAGER) ? 0 : O_ACCMODE | O_CREAT | O_TRUNC;

	return add_where(filter, "mmap", 2, PROT_EXEC, 0) &&
	       add_where(filter, "mprotect", 2, PROT_EXEC, 0) &&
	       add_where(filter, "open", 1, writing, 0) &&
	       add_where(filter, "openat", 2, writing, 0);
}

/*
 * Threads, not processes: clone(2) says in its first argument which; clone3(2) says it in memory
 * where no filter can look, so it stays unknown, and the C library takes clone(2). An abort is a
 * signal to oneself.
 */
static bool add_for_threads(scmp_filter_ctx filter)
{
	return add_where(filter, "clone", 0, CLONE_THREAD, CLONE_THREAD) &&
	       add_where(filter, "tgkill", 0, WHOLE, (uint64_t)getpid()) &&
	       add_where(filter, "prctl", 0, WHOLE, PR_SET_NAME) &&
	       add_where(filter, "prlimit64", 0, WHOLE, 0);
}

/* Where to, Landlock says; no other kind of socket is made. */
static bool add_connecting(scmp_filter_ctx filter)
{
	return add(filter, SCMP_ACT_ALLOW, for_connecting) &&
	       add_where(filter, "socket", 0, WHOLE, AF_UNIX) &&
	       add_where(filter, "socket", 0, WHOLE, AF_INET) &&
	       add_where(filter, "socket", 0, WHOLE, AF_INET6);
}

static bool add_rights(scmp_filter_ctx filter, unsigned rights)
{
	if (!add(filter, SCMP_ACT_KILL_PROCESS, deadly) ||
	    !add(filter, SCMP_ACT_ALLOW, for_everyone) || !add_memory_and_files(filter, rights)) {
		return false;
	}
	if ((rights & RIGHT_STORE) && !add(filter, SCMP_ACT_ALLOW, for_store)) {
		return false;
	}
	if (!(rights & RIGHT_ROOT ? add(filter, SCMP_ACT_ALLOW, for_root)
				  : add(filter, SCMP_ACT_KILL_PROCESS, deadly_without_root))) {
		return false;
	}
	if ((rights & RIGHT_ACCEPT) && !add(filter, SCMP_ACT_ALLOW, for_accept)) {
		return false;
	}
	if ((rights & RIGHT_PAIRS) && !add_where(filter, "socketpair", 0, WHOLE, AF_UNIX)) {
		return false;
	}
	if ((rights & (RIGHT_DATABASE | RIGHT_BUS)) && !add_connecting(filter)) {
		return false;
	}
	if ((rights & RIGHT_MANAGER) && (!add(filter, SCMP_ACT_ALLOW, for_manager) ||
					 !add_where(filter, "socket", 0, WHOLE, AF_UNIX))) {
		return false;
	}
	return rights & RIGHT_PROCESSES ? add(filter, SCMP_ACT_ALLOW, for_processes)
					: add_for_threads(filter);
}

bool filter_load(unsigned rights)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));

	if (!filter) {
		errno = ENOMEM;
		return false;
	}
	/* Searched as a tree, and not to be loaded with a privilege that is given up already. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	bool loaded = add_rights(filter, rights);

	if (loaded) {
		int error = seccomp_load(filter);

		loaded = error == 0;
		errno = -error;
	}
	seccomp_release(filter);
	return loaded;
}

#else

bool filter_load(unsigned rights)
{
	(void)rights;
	errno = ENOSYS;
	return false;
}

#endif
