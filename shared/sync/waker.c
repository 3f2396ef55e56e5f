/*
 * The one who wakes writes first and clears `asleep` afterwards: killed in between, the sleeper is
 * awake all the same, and the next one merely writes once more. Cleared first, it would leave a
 * sleeper that nobody wakes. So that a late clearing never undoes the sleeper's next arming, each
 * arming sets another number.
 */
#include "shared/sync/waker.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shared/base/log.h"

void waker_init(struct waker *waker)
{
	int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (descriptor < 0) {
		die("eventfd: %m");
	}
	waker->descriptor = descriptor;
	waker->armings = 0;
	atomic_init(&waker->asleep, 0);
	atomic_init(&waker->writes, 0);
}

void waker_arm(struct waker *waker)
{
	if (++waker->armings == 0) {
		waker->armings = 1;
	}
	atomic_store_explicit(&waker->asleep, waker->armings, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}

void waker_disarm(struct waker *waker)
{
	atomic_store_explicit(&waker->asleep, 0, memory_order_relaxed);
}

static void write_once(int descriptor)
{
	const uint64_t one = 1;

	while (write(descriptor, &one, sizeof(one)) < 0) {
		if (errno != EINTR) {
			bug("an eventfd cannot be written: %m");
		}
	}
}

bool waker_wake(struct waker *waker)
{
	atomic_thread_fence(memory_order_seq_cst);
	uint32_t arming = atomic_load_explicit(&waker->asleep, memory_order_relaxed);
	if (arming == 0) {
		return false;
	}
	write_once(waker->descriptor);
	atomic_compare_exchange_strong(&waker->asleep, &arming, 0);
	atomic_fetch_add_explicit(&waker->writes, 1, memory_order_relaxed);
	return true;
}

void waker_finish(struct waker *waker)
{
	close(waker->descriptor);
	waker->descriptor = -1;
}
