#include "server/process/chaos.h"

#include <stdlib.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/process/channel.h"

struct chaos {
	struct shared_state *shared;
	struct slot *slots;
	/* By who asked and who got the signal: when, monotonic; 0: nobody waits for a successor. */
	int64_t since_ns[OPTIONS_WORKERS_MAX][OPTIONS_WORKERS_MAX];
};

struct chaos *chaos_create(struct shared_state *shared, struct slot *slots)
{
	struct chaos *chaos = calloc(1, sizeof(*chaos));

	if (!chaos) {
		die("out of memory");
	}
	chaos->shared = shared;
	chaos->slots = slots;
	return chaos;
}

static struct crash *order_of(const struct chaos *chaos, uint32_t asker)
{
	return &chaos->shared->scoreboard->scores[asker].crash;
}

static bool is_over(const struct chaos *chaos, uint32_t asker)
{
	uint32_t place = 0;

	while (place < OPTIONS_WORKERS_MAX && chaos->since_ns[asker][place] == 0) {
		place++;
	}
	return place == OPTIONS_WORKERS_MAX;
}

/* If it is, who serves the one that asked looks at it; a new one does so by itself. */
static void answer_if_over(const struct chaos *chaos, uint32_t asker)
{
	const struct worker_message message = { .kind = MESSAGE_CRASH };

	if (is_over(chaos, asker)) {
		atomic_store_explicit(&order_of(chaos, asker)->state, CRASH_DONE,
				      memory_order_release);
		if (chaos->slots[asker].process) {
			(void)channel_send(chaos->slots[asker].channel, &message,
					   offsetof(struct worker_message, seats), NULL, 0);
		}
	}
}

static void hit(struct chaos *chaos, uint32_t asker, uint32_t place, int signal)
{
	struct crash_end *end = &order_of(chaos, asker)->ends[place];
	struct slot *slot = &chaos->slots[place];

	if (slot->process) {
		end->pid = process_pid(slot->process);
		process_signal(slot->process, signal);
		chaos->since_ns[asker][place] = crash_is_ignored(signal) ? 0 : clock_monotonic_ns();
	}
}

bool chaos_heard(struct chaos *chaos, uint32_t asker)
{
	struct crash *order = order_of(chaos, asker);
	const uint32_t workers = chaos->shared->options->workers;
	const uint32_t target = order->target;
	const int signal = order->signal;

	if (!chaos->shared->options->chaos || !crash_has_signal(signal) ||
	    (target != CRASH_ALL && target >= workers)) {
		return false;
	}
	if (order->state != CRASH_NOTED) {
		return true; /* its predecessor has told us */
	}
	for (uint32_t place = 0; place < OPTIONS_WORKERS_MAX; place++) {
		order->ends[place] = (struct crash_end){ .pid = 0 };
		if (place < workers && (target == CRASH_ALL || target == place)) {
			hit(chaos, asker, place, signal);
		}
	}
	order->state = CRASH_ASKED;
	answer_if_over(chaos, asker);
	return true;
}

void chaos_served(struct chaos *chaos, uint32_t place, uint32_t adopted)
{
	for (uint32_t asker = 0; asker < OPTIONS_WORKERS_MAX; asker++) {
		const int64_t since_ns = chaos->since_ns[asker][place];

		if (since_ns != 0) {
			struct crash_end *end = &order_of(chaos, asker)->ends[place];

			end->adopted = adopted;
			end->took_ns = clock_monotonic_ns() - since_ns;
			chaos->since_ns[asker][place] = 0;
			answer_if_over(chaos, asker);
		}
	}
}
