#include "server/process/master.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/config/listener.h"
#include "server/config/listener_option.h"
#include "server/process/bind.h"
#include "server/process/chaos.h"
#include "server/process/copies.h"
#include "server/process/dispatch.h"
#include "server/process/fronts.h"
#include "server/process/launcher.h"
#include "server/process/lingering.h"
#include "server/process/notify.h"
#include "server/process/pid_file.h"
#include "server/process/reload.h"
#include "server/process/rolling.h"
#include "server/process/slot.h"
#include "server/process/start_up.h"
#include "server/process/tls.h"
#include "server/process/upgrade.h"
#include "server/session/session.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define HUNG_NS        (5 * NS_PER_SECOND) /* without a heartbeat */
#define HUNG_HOLDER_NS (2 * NS_PER_SECOND) /* likewise, of one that holds the store's lock */
#define SILENT_NS      (3 * NS_PER_SECOND) /* likewise: then the watchdog is not answered */
#define ADOPT_FAILURES                                                             \
	5 /* of workers, one after the other, until their connections are given up \
	   */
#define DRAIN_GRACE_NS NS_PER_SECOND /* for workers to end after their drain time */

#define SLOTS (OPTIONS_WORKERS_MAX + SCOREBOARD_OTHERS)

static const int signals[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2 };
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

struct master {
	struct options *options;
	struct shared_state shared;
	struct event_base *base;
	struct copies *copies; /* NULL with --adopt off */
	struct chaos *chaos;
	struct dispatch *dispatch; /* NULL where the workers accept all by themselves */
	int listeners[OPTIONS_LISTENERS_MAX];
	struct key_pair key_pair;
	struct event *tick_event;
	struct event *signal_events[SIGNALS];
	struct slot_owner slot_owner;
	struct slot slots[SLOTS]; /* by their row on the scoreboard; those not used are stopped */
	uint32_t slot_count;
	struct reload *reload;
	struct rolling rolling;
	bool reloads_again;        /* asked for while everything was being read */
	struct launcher *launcher; /* or NULL */
	struct lingering *lingering;
	struct upgrade *upgrade;
	struct takeover *takeover; /* from another master, until this one serves; or NULL */
	bool upgrades_next;        /* asked for while it is reloading */
	bool announced;            /* that it is ready */
	bool replaced;             /* another master serves */
	int status;                /* that it exits with */
	bool watched;              /* by the service manager */
	bool stopping;
	int64_t stop_until_ns;
};

/* Reloading (HUP) */

static void reload_now(struct master *master)
{
	char state[64];

	(void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
		       (long long)(clock_monotonic_ns() / NS_PER_US));
	notify_manager(state);
	reload_begin(master->reload);
}

/* WHAT: for the log; or NULL. */
static void end_reload(struct master *master, const char *what)
{
	if (what) {
		log_notice("%s", what);
	}
	if (master->announced) {
		notify_manager("READY=1");
	}
	if (master->upgrades_next) {
		master->upgrades_next = false;
		upgrade_begin(master->upgrade);
	} else if (master->reloads_again) {
		master->reloads_again = false;
		reload_now(master);
	}
}

static void nothing_changes(void *context, const char *problem)
{
	log_error("not reloaded, all stays as it was: %s", problem);
	end_reload(context, NULL);
}

static void set_idle(void *context, int socket)
{
	listener_set_idle(socket, *(unsigned *)context);
}

static void change_idle(const struct master *master, unsigned idle_seconds)
{
	for (size_t i = 0; i < master->options->listener_count; i++) {
		listener_set_idle(master->listeners[i], idle_seconds);
	}
	copies_each(master->copies, set_idle, &idle_seconds);
}

static void change_key_pair(struct master *master, const struct key_pair *key_pair)
{
	const struct tls_reload message = tls_reload_of(master->options);
	const int descriptors[] = { key_pair->certificate, key_pair->key };

	if (!options_have_tls(master->options)) {
		return;
	}
	struct slot *slot = &master->slots[SCOREBOARD_TLS];

	slot_set_key_pair(slot, key_pair);
	if (slot->process &&
	    channel_send(slot->channel, &message, sizeof(message), descriptors, 2) != CHANNEL_OK) {
		log_warning("tls goes on with certificate and options as they were: it cannot be "
			    "told");
	}
	key_pair_close(&master->key_pair);
	master->key_pair = *key_pair;
}

/* Those that are too many retire, with who is connected to them; there may be more than before. */
static void choose_workers(struct master *master)
{
	for (uint32_t i = 0; i < OPTIONS_WORKERS_MAX; i++) {
		if (i < master->options->workers) {
			slot_open(&master->slots[i]);
		} else if (!master->slots[i].stopped) {
			slot_retire(&master->slots[i]);
		}
	}
	shared_state_fit(&master->shared);
}

/* From here on whoever is started has it. */
static void change(void *context, const struct options *fresh, const struct key_pair *key_pair,
		   const char *names)
{
	struct master *master = context;

	if (*names) {
		log_warning("not changed, since that takes a restart: %s", names);
	}
	if (fresh->idle_seconds != master->options->idle_seconds) {
		change_idle(master, fresh->idle_seconds);
	}
	*master->options = *fresh;
	log_set(fresh->log_level, fresh->log_format);
	change_key_pair(master, key_pair);
	choose_workers(master);
	(void)rolling_begin(&master->rolling); /* there is one worker at least */
}

static void reload(struct master *master)
{
	if (!master->copies) {
		log_warning("not reloaded: with --adopt off connections would end");
	} else if (upgrade_is_under_way(master->upgrade)) {
		log_warning("not reloaded: an upgrade is under way");
	} else if (reload_is_under_way(master->reload)) {
		master->reloads_again = true;
	} else {
		reload_now(master);
	}
}

/* What happens in the slots */

static void tell_ready(void)
{
	notify_manager("READY=1");
}

static void announce_if_ready(struct master *master)
{
	for (uint32_t i = 0; i < master->slot_count; i++) {
		if (!master->slots[i].stopped && !master->slots[i].ready) {
			return;
		}
	}
	if (master->announced) {
		return;
	}
	master->announced = true;
	(void)printf("ready pid=%d workers=%u\n", (int)getpid(), master->options->workers);
	(void)fflush(stdout);
	if (master->takeover) {
		pid_file_write();
		lingering_begin(master->lingering);
		takeover_end(master->takeover, master->base, tell_ready);
		master->takeover = NULL;
	} else {
		tell_ready();
	}
}

static void worker_is_ready(struct master *master, struct slot *slot, uint32_t adopted)
{
	if (slot->role == SLOT_WORKER) {
		chaos_served(master->chaos, slot->number, adopted);
	}
	atomic_store(&master->shared.scoreboard->scores[slot->number].state,
		     slot->start.retires ? WORKER_RETIRING : WORKER_SERVING);
	if (master->dispatch && !master->stopping && slot->role == SLOT_WORKER &&
	    !slot->start.retires) {
		dispatch_add_worker(master->dispatch, slot->number, slot->channel);
	}
	announce_if_ready(master);
	if (rolling_ready(&master->rolling, slot)) {
		end_reload(master, "reloaded");
	}
}

/* A worker that accepts by itself gives us a copy of what it has. */
static bool keep_copy(struct master *master, const struct slot *slot,
		      const struct worker_message *message)
{
	const bool accepts = slot->role == SLOT_WORKER && slot->start.listener_count > 0;
	const bool none_came = slot->received.descriptor_count == 0;
	int socket = none_came ? -1 : slot->received.descriptors[0];

	if (none_came) {
		return accepts; /* we are out of them: that one ends with its worker */
	}
	if (!master->copies || !accepts) {
		close(socket);
		return false;
	}
	copies_add(master->copies, slot->number, message->seats[0], message->number, socket);
	return true;
}

static const int *sockets_of(void *context, const struct slot *slot, uint32_t *count)
{
	const struct master *master = context;

	return master->copies && slot->role == SLOT_WORKER
		       ? copies_of(master->copies, slot->number, count)
		       : NULL;
}

/*
 * The plain end of a TLS connection: to be handed to a worker like what we accepted. There may be
 * nobody to do so if it comes from a binary before this one, which had TLS listeners.
 */
static void take_plain_end(void *context, int plain, const struct arrival *arrival)
{
	const struct master *master = context;

	if (master->dispatch) {
		dispatch_take(master->dispatch, plain, arrival);
	} else {
		session_refuse(front_of(arrival->kind), plain);
	}
}

static bool hear(void *context, struct slot *slot, const struct worker_message *message)
{
	struct master *master = context;

	if (message->kind == MESSAGE_READY) {
		worker_is_ready(master, slot, message->count);
		return true;
	}
	if (message->kind == MESSAGE_CRASH) {
		return slot->role == SLOT_WORKER && chaos_heard(master->chaos, slot->number);
	}
	if (message->kind == MESSAGE_ACCEPTED) {
		return keep_copy(master, slot, message);
	}
	if (message->kind == MESSAGE_SOCKETS) {
		for (size_t i = 0; i < slot->received.descriptor_count; i++) {
			take_plain_end(master, slot->received.descriptors[i],
				       &message->arrivals[i]);
		}
		return true;
	}
	return master->dispatch && slot->role == SLOT_WORKER &&
	       dispatch_answered(master->dispatch, slot->number, message);
}

/*
 * Once no worker is left the joiner has nothing more to do, and goes with the master; tls has the
 * last words of connections still to say, and then the bus what people said last.
 */
static void end_if_all_ended(struct master *master)
{
	struct slot *bus = &master->slots[SCOREBOARD_BUS];

	for (uint32_t i = 0; i < master->slot_count; i++) {
		if (slot_is_alive(&master->slots[i]) && master->slots[i].role != SLOT_JOINER &&
		    master->slots[i].role != SLOT_BUS) {
			return;
		}
	}
	if (lingering_count(master->lingering) > 0) {
		return;
	}
	if (slot_is_alive(bus) && !bus->killed) {
		slot_drain(bus);
	} else {
		event_base_loopbreak(master->base);
	}
}

static void on_lingerer_ended(void *context)
{
	struct master *master = context;

	if (master->stopping) {
		end_if_all_ended(master);
	}
}

/* What a worker held that ended is freed and handed on. */
static void bury(void *context, struct slot *slot)
{
	struct master *master = context;
	struct score *score = &master->shared.scoreboard->scores[slot->number];

	atomic_store(&score->pid, 0);
	atomic_store(&score->state, WORKER_DOWN);
	atomic_store(&score->connections, 0);
	if (master->dispatch && slot->role == SLOT_WORKER) {
		dispatch_remove_worker(master->dispatch, slot->number);
	}
	if (master->copies && slot->role == SLOT_WORKER && slot->failures >= ADOPT_FAILURES) {
		log_error("%s ended %u times before it was ready: its connections are given up",
			  slot_name(slot), slot->failures);
		copies_drop(master->copies, slot->number);
	}
	booking_queue_bury(master->shared.queue, slot->number);
	upgrade_slot_ended(master->upgrade);
	if (master->stopping) {
		end_if_all_ended(master);
	} else if (!slot->has_let_go) {
		atomic_fetch_add(&score->deaths, 1);
	}
}

static struct slot *make_slot(struct master *master, enum slot_role role, uint32_t number,
			      bool is_used)
{
	struct slot *slot = &master->slots[number];

	slot_init(slot, &master->slot_owner, &master->shared, role, number);
	slot->stopped = !is_used;
	return slot;
}

static void make_slots(struct master *master)
{
	const struct options *options = master->options;

	master->slot_owner = (struct slot_owner){ hear, bury, sockets_of, master, master->base };
	master->slot_count = SLOTS;
	for (uint32_t i = 0; i < OPTIONS_WORKERS_MAX; i++) {
		struct slot *slot = make_slot(master, SLOT_WORKER, i, i < options->workers);

		if (options->dispatch == DISPATCH_ACCEPT) {
			slot_accepts(slot, master->listeners, &master->key_pair);
		}
	}
	(void)make_slot(master, SLOT_JOINER, SCOREBOARD_JOINER,
			options->serialize == SERIALIZE_JOIN);
	(void)make_slot(master, SLOT_BUS, SCOREBOARD_BUS, options->bus_server_count > 0);
	slot_accepts(make_slot(master, SLOT_TLS, SCOREBOARD_TLS, options_have_tls(options)),
		     master->listeners, &master->key_pair);
}

/* Watching over them */

static bool is_hung(const struct master *master, const struct slot *slot, int64_t now_ns)
{
	const struct score *score = &master->shared.scoreboard->scores[slot->number];
	int64_t silent_ns = now_ns - score->heartbeat_ns;
	int64_t held_ns = 0;
	bool holds =
		mutex_owner(master->shared.store_lock, &held_ns) == process_pid(slot->process) &&
		held_ns >= HUNG_HOLDER_NS;

	return silent_ns >= (holds ? HUNG_HOLDER_NS : HUNG_NS);
}

static void kill_all(struct master *master)
{
	for (uint32_t i = 0; i < master->slot_count; i++) {
		slot_kill(&master->slots[i], "had to stop");
	}
	lingering_kill(master->lingering);
}

/* One whose place is empty for now has no heart: that is for the pauses of slot.c. */
static bool hearts_beat(const struct master *master, int64_t now_ns)
{
	for (uint32_t i = 0; i < master->slot_count; i++) {
		const struct score *score = &master->shared.scoreboard->scores[i];

		if (master->slots[i].process && now_ns - score->heartbeat_ns >= SILENT_NS) {
			return false;
		}
	}
	return true;
}

/* A master that goes on while its workers hang, and cannot replace them, is not well either. */
static void answer_watchdog(const struct master *master, int64_t now_ns)
{
	if (master->watched && master->announced && hearts_beat(master, now_ns)) {
		notify_manager("WATCHDOG=1");
	}
}

static void on_tick(evutil_socket_t descriptor, short what, void *argument)
{
	struct master *master = argument;
	int64_t now_ns = clock_monotonic_ns();

	(void)descriptor;
	(void)what;
	log_tick();
	for (uint32_t i = 0; i < master->slot_count; i++) {
		struct slot *slot = &master->slots[i];

		if (slot->process && is_hung(master, slot, now_ns)) {
			slot_kill(slot, "hung");
		}
		slot_look(slot);
	}
	if (master->copies) {
		copies_sweep(master->copies);
	}
	launcher_look(master->launcher);
	lingering_look(master->lingering, now_ns);
	process_reap_strangers();
	answer_watchdog(master, now_ns);
	if (master->stopping && now_ns >= master->stop_until_ns) {
		log_warning("not all workers ended in time: they are killed");
		kill_all(master);
		end_if_all_ended(master);
	}
}

/* Ending */

static void stop_reload(struct master *master)
{
	master->reloads_again = false;
	reload_stop(master->reload);
	rolling_stop(&master->rolling);
}

static void close_listeners(struct master *master)
{
	if (master->dispatch) {
		dispatch_stop(master->dispatch);
	}
	for (size_t i = 0; i < master->options->listener_count; i++) {
		close(master->listeners[i]);
		master->listeners[i] = -1;
	}
}

static void stop_slots(struct master *master)
{
	master->stopping = true;
	stop_reload(master);
	for (uint32_t i = 0; i < master->slot_count; i++) {
		slot_stop(&master->slots[i]);
	}
}

static void drain(struct master *master)
{
	if (!upgrade_give_up(master->upgrade, "the server is to stop")) {
		return; /* too late: it is another's now */
	}
	log_info("draining: no new connections, those here are told and let go");
	notify_manager("STOPPING=1");
	master->stopping = true;
	stop_reload(master);
	master->stop_until_ns = clock_monotonic_ns() + master->options->drain_ns + DRAIN_GRACE_NS;
	close_listeners(master);
	for (uint32_t i = 0; i < master->slot_count; i++) {
		struct slot *slot = &master->slots[i];

		if (slot->role == SLOT_JOINER) {
			slot_stop(slot);
		} else if (slot->role != SLOT_BUS) {
			slot_drain(slot);
		}
	}
	lingering_drain(master->lingering);
	end_if_all_ended(master);
}

/* Upgrading */

static void on_replaced(void *context, bool cleanly)
{
	struct master *master = context;

	master->replaced = true;
	master->status = cleanly ? EXIT_SUCCESS : EXIT_FAILURE;
	event_base_loopbreak(master->base);
}

static void make_upgrade(struct master *master)
{
	master->upgrade = upgrade_create(&(struct upgrade_owner){ .shared = &master->shared,
								  .base = master->base,
								  .slots = master->slots,
								  .slot_count = master->slot_count,
								  .dispatch = master->dispatch,
								  .copies = master->copies,
								  .listeners = master->listeners,
								  .launcher = master->launcher,
								  .lingering = master->lingering,
								  .replaced = on_replaced,
								  .context = master });
}

static void upgrade(struct master *master)
{
	if (reload_is_under_way(master->reload)) {
		master->upgrades_next = true;
		return;
	}
	rolling_stop(&master->rolling);
	master->reloads_again = false;
	upgrade_begin(master->upgrade);
}

static void on_signal(evutil_socket_t number, short what, void *argument)
{
	struct master *master = argument;

	(void)what;
	if (number == SIGHUP && !master->stopping) {
		reload(master);
		return;
	}
	if (number == SIGUSR2 && !master->stopping) {
		upgrade(master);
		return;
	}
	if (number == SIGHUP || number == SIGUSR1 || number == SIGUSR2) {
		log_warning("SIG%s: nothing is done", sigabbrev_np((int)number));
		return;
	}
	if (number != SIGQUIT && !master->stopping) {
		drain(master);
		return;
	}
	log_info("out at once");
	(void)upgrade_give_up(master->upgrade, "the server is to stop");
	stop_slots(master);
	kill_all(master);
	end_if_all_ended(master);
}

/* Beginning */

static void make_events(struct master *master)
{
	const struct timeval second = { .tv_sec = 1 };

	master->base = event_base_new();
	if (!master->base) {
		die("the event loop cannot be made");
	}
	for (size_t i = 0; i < SIGNALS; i++) {
		master->signal_events[i] =
			evsignal_new(master->base, signals[i], on_signal, master);
		event_add(master->signal_events[i], NULL);
	}
	master->tick_event = event_new(master->base, -1, EV_PERSIST, on_tick, master);
	event_add(master->tick_event, &second);
	bool accepts = master->options->dispatch == DISPATCH_HANDOFF;

	if (accepts || options_have_tls(master->options)) {
		master->dispatch = dispatch_create(master->base, &master->shared, master->listeners,
						   accepts ? master->options->listener_count : 0,
						   master->copies);
	}
	master->lingering = lingering_create(
		master->base, &master->shared.plain_ends,
		&(struct lingering_owner){ take_plain_end, on_lingerer_ended, master });
}

static void make_reload(struct master *master, int argc, char **argv)
{
	const struct reload_owner owner = { change, nothing_changes, master };

	master->reload = reload_create(master->base, master->options, argc, argv, &owner);
	master->rolling = (struct rolling){ .slots = master->slots,
					    .count = SCOREBOARD_BUS + 1,
					    .dispatch = master->dispatch };
}

/* Workers that the old master had, beyond those of the options: their connections are here. */
static void retire_those_taken_over(struct master *master)
{
	for (uint32_t i = master->options->workers; i < master->shared.workers; i++) {
		slot_open(&master->slots[i]);
		slot_retire(&master->slots[i]);
	}
}

static void begin(struct master *master, int argc, char **argv)
{
	const struct options *options = master->options;

	master->launcher = launcher_create(argv);
	start_up(options, master->takeover, &master->shared, master->listeners, &master->key_pair);
	master->copies = options->adopt ? copies_create(&master->shared) : NULL;
	make_events(master);
	make_slots(master);
	make_upgrade(master);
	master->chaos = chaos_create(&master->shared, master->slots);
	make_reload(master, argc, argv);
	(void)bind_to_role(SANDBOX_MASTER, options);
	if (master->takeover) {
		takeover_run(master->takeover, &master->shared, master->copies, master->dispatch,
			     master->lingering);
		retire_those_taken_over(master);
	}
}

int master_run(struct options *options, int argc, char **argv, struct takeover *takeover)
{
	struct master *master = calloc(1, sizeof(*master));

	if (!master) {
		die("out of memory");
	}
	log_rename("master");
	(void)signal(SIGPIPE, SIG_IGN);
	master->options = options;
	master->takeover = takeover;
	master->watched = notify_is_watched();
	begin(master, argc, argv);
	for (uint32_t i = 0; i < master->slot_count; i++) {
		if (!master->slots[i].stopped) {
			slot_start(&master->slots[i]);
		}
	}
	(void)event_base_dispatch(master->base);
	if (*options->pid_file && !master->replaced) {
		(void)unlink(options->pid_file);
	}
	log_info("ended");
	return master->status;
}
