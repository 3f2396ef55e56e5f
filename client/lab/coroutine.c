/* Many waits in one thread: each task says what it waits for, and a loop resumes who is due. */
#include <dirent.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "client/lab/experiments.h"
#include "client/lab/report.h"
#include "client/lab/timeline.h"
#include "shared/base/log.h"

#define DOWNLOADS  10
#define CONNECT_NS (15 * NS_PER_MS)
#define BODY_NS    (25 * NS_PER_MS)

/* Where a task stands: what its next step is, and the timer that it waits for. */
struct download {
	struct lab *lab;
	unsigned number;
	unsigned step;
	int timer;
	int64_t since_ns;
};

static void wait_for_timer(struct download *download, int64_t duration_ns)
{
	const struct itimerspec duration = { .it_value = clock_timespec(duration_ns) };

	download->since_ns = clock_monotonic_ns();
	timerfd_settime(download->timer, 0, &duration, NULL);
}

/* Goes on to the next wait; false when it is at its end. This is what `await` does. */
static bool resume(struct download *download)
{
	switch (download->step++) {
	case 0: wait_for_timer(download, CONNECT_NS); return true;
	case 1:
		lab_note(download->lab, download->number, LAB_WAITS, "connecting",
			 download->since_ns);
		wait_for_timer(download, BODY_NS);
		return true;
	default:
		lab_note(download->lab, download->number, LAB_WORKS, "downloading",
			 download->since_ns);
		return false;
	}
}

static void begin(struct download *download, struct lab *lab, unsigned number)
{
	*download = (struct download){ .lab = lab, .number = number };
	download->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (download->timer < 0) {
		die("cannot make a timer: %m");
	}
	resume(download);
}

/* Returns how many are still under way: one less when this one is at its end. */
static unsigned go_on(struct download *download, struct pollfd *wait, unsigned under_way)
{
	if (resume(download)) {
		return under_way;
	}
	close(download->timer);
	wait->fd = -1; /* poll leaves it out */
	return under_way - 1;
}

/* The event loop: sleeps until some timers are over, and resumes who waited for them. */
static void run_loop(struct download *downloads, unsigned count)
{
	struct pollfd waits[DOWNLOADS];
	unsigned under_way = count;

	for (unsigned i = 0; i < count; i++) {
		waits[i] = (struct pollfd){ .fd = downloads[i].timer, .events = POLLIN };
	}
	while (under_way > 0) {
		poll(waits, count, -1);
		for (unsigned i = 0; i < count; i++) {
			if (waits[i].fd >= 0 && waits[i].revents != 0) {
				under_way = go_on(&downloads[i], &waits[i], under_way);
			}
		}
	}
}

static unsigned count_threads(void)
{
	DIR *folder = opendir("/proc/self/task");
	unsigned count = 0;

	if (!folder) {
		return 0;
	}
	for (const struct dirent *entry; (entry = readdir(folder));) {
		count += entry->d_name[0] != '.';
	}
	closedir(folder);
	return count;
}

/*
 * coroutine. Python: gevent.spawn(...) and gevent.joinall([...]), later asyncio.gather(...): ten
 * sleeps in one thread take as long as one.
 */
void lab_coroutine(struct lab *lab)
{
	struct download downloads[DOWNLOADS];

	lab_say(lab, "%d downloads, each %.0f ms of connecting and %.0f ms of waiting for data.",
		DOWNLOADS, lab_ms(CONNECT_NS), lab_ms(BODY_NS));
	lab_part(lab, "one after the other", "download");
	for (unsigned i = 0; i < DOWNLOADS; i++) {
		begin(&downloads[0], lab, i);
		run_loop(&downloads[0], 1);
	}
	lab_part(lab, "all in one event loop", "download");
	for (unsigned i = 0; i < DOWNLOADS; i++) {
		begin(&downloads[i], lab, i);
	}
	run_loop(downloads, DOWNLOADS);
	lab_show_timeline(lab);
	lab_show(lab, "threads of this process", "%u", count_threads());
	lab_expect(lab, count_threads() == 1, "there is one thread, and no other process");
	lab_expect(lab, lab_most_at_once(lab, 0) == 1, "one after the other, one is under way");
	lab_expect(lab, lab_most_at_once(lab, 1) > 1, "in the loop, %u are at once",
		   lab_most_at_once(lab, 1));
	lab_show(lab, "faster by", "%.1f times",
		 (double)lab_part_ns(lab, 0) / (double)lab_part_ns(lab, 1));
}
