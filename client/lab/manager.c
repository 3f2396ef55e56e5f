/* A dictionary that processes share. */
#include <sched.h>

#include "client/lab/children.h"
#include "client/lab/experiments.h"
#include "client/lab/report.h"
#include "shared/process/manager.h"
#include "shared/sync/mutex.h"

/*
 * manager. Python: d = Manager().dict(count=0); one process does d["count"] += 1 a thousand times,
 * another -= 1; without a Lock the result is anything.
 */

#define UPDATES 1000

enum how { HOW_WITHOUT, HOW_WITH_LOCK, HOW_ADD, HOWS };

struct account {
	struct manager *manager;
	struct mutex mutex;
	enum how how;
};

/* Two calls, as += is in Python: there, other processes run while one waits for the manager. */
static void get_and_set(struct manager *manager, int64_t difference)
{
	struct manager_value count = { 0 };

	manager_get(manager, "count", &count);
	sched_yield();
	manager_set_number(manager, "count", count.number + difference);
}

static void update(struct account *account, int64_t difference)
{
	if (account->how == HOW_ADD) {
		manager_add(account->manager, "count", difference, NULL);
		return;
	}
	if (account->how == HOW_WITH_LOCK) {
		mutex_lock(&account->mutex, NULL);
	}
	get_and_set(account->manager, difference);
	if (account->how == HOW_WITH_LOCK) {
		mutex_unlock(&account->mutex);
	}
}

static void update_often(struct lab *lab, void *shared, unsigned number)
{
	(void)lab;
	for (unsigned i = 0; i < UPDATES; i++) {
		update(shared, number == 0 ? 1 : -1);
	}
}

static int64_t count_after(struct lab *lab, struct account *account, enum how how)
{
	struct manager_value count = { 0 };

	account->how = how;
	manager_set_number(account->manager, "count", 0);
	lab_children_run(lab, 2, update_often, account);
	manager_get(account->manager, "count", &count);
	return count.number;
}

/* Without a lock it may come out right by luck, so there is more than one try. */
static int64_t count_without(struct lab *lab, struct account *account)
{
	int64_t count = 0;

	for (unsigned tries = 0; count == 0 && tries < 50; tries++) {
		count = count_after(lab, account, HOW_WITHOUT);
	}
	return count;
}

void lab_manager(struct lab *lab)
{
	struct account *account = lab_share(lab, sizeof(*account));

	lab_say(lab,
		"A dictionary has a count of 0. One process adds 1 to it %d times, another takes",
		UPDATES);
	lab_say(lab, "1 away as often: each gets it, and sets it to what follows.");
	account->manager = lab_share(lab, manager_size(4));
	manager_init(account->manager, 4);
	mutex_init(&account->mutex, MUTEX_PLAIN);
	long long without = count_without(lab, account);
	long long with = count_after(lab, account, HOW_WITH_LOCK);
	long long added = count_after(lab, account, HOW_ADD);
	lab_show(lab, "get and set", "%+lld", without);
	lab_show(lab, "get and set under a lock", "%lld", with);
	lab_show(lab, "add, in one call", "%lld", added);
	lab_expect(lab, without != 0, "without a lock, updates are lost");
	lab_expect(lab, with == 0, "with it, none is");
	lab_expect(lab, added == 0, "nor when getting and setting are one call");
}
