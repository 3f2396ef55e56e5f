#include "server/config/options_change.h"

#include <stdio.h>
#include <string.h>

#define FIELD(name, field)                                                                     \
	{                                                                                      \
		name, offsetof(struct options, field), sizeof(((struct options *)NULL)->field) \
	}

/*
 * Ports and what goes with the rights that were given up; what lies in the store, or in memory that
 * was laid out for it; who is served by whom.
 */
static const struct {
	const char *name;
	size_t offset, size;
} fixed[] = {
	FIELD("dispatch", dispatch),   FIELD("adopt", adopt),     FIELD("user", user),
	FIELD("pid-file", pid_file),   FIELD("sandbox", sandbox), FIELD("store", store),
	FIELD("serialize", serialize), FIELD("node", node),       FIELD("bus", bus_servers),
};

static void add_name(char *names, const char *name)
{
	size_t length = strlen(names);

	(void)snprintf(names + length, OPTIONS_NAMES_SIZE - length, "%s%s", length > 0 ? ", " : "",
		       name);
}

static bool listens_alike(const struct options *fresh, const struct options *options)
{
	bool alike = fresh->listener_count == options->listener_count;

	for (size_t i = 0; alike && i < options->listener_count; i++) {
		alike = fresh->listeners[i].kind == options->listeners[i].kind &&
			strcmp(fresh->listeners[i].text, options->listeners[i].text) == 0;
	}
	return alike;
}

/* Events are made at a start; one that is gone from the file stays in the store. */
static bool has_new_event(const struct options *fresh, const struct options *options)
{
	bool found = true;

	for (size_t i = 0; found && i < fresh->event_count; i++) {
		found = false;
		for (size_t j = 0; !found && j < options->event_count; j++) {
			found = strcmp(fresh->events[i].name, options->events[j].name) == 0;
		}
	}
	return !found;
}

void options_keep_fixed(struct options *fresh, const struct options *options, char *names)
{
	names[0] = '\0';
	if (!listens_alike(fresh, options)) {
		add_name(names, "listen");
	}
	memcpy(fresh->listeners, options->listeners, sizeof(fresh->listeners));
	fresh->listener_count = options->listener_count;
	if (has_new_event(fresh, options)) {
		add_name(names, "event");
	}
	memcpy(fresh->events, options->events, sizeof(fresh->events));
	fresh->event_count = options->event_count;
	memcpy(fresh->state, options->state, sizeof(fresh->state)); /* the store says it all */
	fresh->seats = options->seats;
	fresh->bus_server_count = options->bus_server_count; /* goes with them */
	if (fresh->max_connections > options->seats) {
		add_name(names, "max-connections");
		fresh->max_connections = options->max_connections;
	}
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		char *mine = (char *)fresh + fixed[i].offset;
		const char *theirs = (const char *)options + fixed[i].offset;

		if (memcmp(mine, theirs, fixed[i].size) != 0) {
			add_name(names, fixed[i].name);
			memcpy(mine, theirs, fixed[i].size);
		}
	}
}
