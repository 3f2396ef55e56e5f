#include "server/clerk.h"

#include <pthread.h>
#include <stdlib.h>

#include "server/batch.h"
#include "server/unlocked.h"
#include "shared/log.h"

struct clerk {
	pthread_t thread;
	struct batcher batcher;
	bool (*serve)(struct batcher *batcher);
	_Atomic bool failed;
};

static void *run(void *argument)
{
	struct clerk *clerk = argument;
	struct batcher *batcher = &clerk->batcher;

	while (!batcher->stopping) {
		desk_wait(batcher->desk, batcher->worker, batch_wait_at_most(batcher->desk));
		if (!clerk->serve(batcher) && !batch_open_anew(batcher)) {
			clerk->failed = true;
			(void)waker_wake(&batcher->score->waker);
			break;
		}
	}
	return NULL;
}

struct clerk *clerk_start(struct commons *commons, uint32_t worker)
{
	struct clerk *clerk = calloc(1, sizeof(*clerk));

	if (!clerk) {
		die("out of memory");
	}
	clerk->serve = commons->options->serialize == SERIALIZE_NONE ? unlocked_serve : batch_serve;
	if (!batch_open(&clerk->batcher, commons, worker)) {
		free(clerk);
		return NULL;
	}
	if (pthread_create(&clerk->thread, NULL, run, clerk) != 0) {
		die("the clerk's thread cannot be started");
	}
	return clerk;
}

bool clerk_failed(const struct clerk *clerk)
{
	return clerk && clerk->failed;
}

void clerk_stop(struct clerk *clerk)
{
	if (clerk) {
		clerk->batcher.stopping = true;
		desk_ring_bell(clerk->batcher.desk, clerk->batcher.worker);
		pthread_join(clerk->thread, NULL);
		batch_close(&clerk->batcher);
		free(clerk);
	}
}
