#include "server/session/trail.h"

#include <stdio.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"

#define MINUTE_NS (60 * NS_PER_SECOND)
#define WHAT_SIZE 256 /* bytes, a NUL counted in; a longer one is cut */

static const char *const kind_names[TRAIL_KINDS] = {
	[TRAIL_SIGN_IN] = "signing in as operator",
	[TRAIL_WRONG_PASSWORD] = "wrong passwords",
	[TRAIL_UNSEEN_PASSWORD] = "passwords that were not looked at",
	[TRAIL_KICK] = "kicks",
	[TRAIL_MUTE] = "mutes",
	[TRAIL_BAN] = "bans",
	[TRAIL_CRASH] = "crashes",
	[TRAIL_EVENT] = "changes of events",
	[TRAIL_ADMIT] = "codes admitted",
	[TRAIL_HANDSHAKES] = "connections of too many TLS handshakes",
	[TRAIL_PROXY] = "connections without a PROXY header",
	[TRAIL_FULL] = "connections when the server was full",
	[TRAIL_ADDRESS_FULL] = "connections beyond an address's",
	[TRAIL_CUT_OFF] = "receivers cut off",
	[TRAIL_HELD] = "holds beyond an address's",
	[TRAIL_ROOMS] = "rooms beyond an address's",
};

bool trail_enter(struct trail *trail, enum trail_kind kind, int64_t now_ns)
{
	struct trail_minute *minute = &trail->minutes[kind];

	if (minute->said == 0) {
		minute->from_ns = now_ns;
	}
	if (minute->said < TRAIL_LINES_A_MINUTE) {
		minute->said++;
		return true;
	}
	minute->more++;
	return false;
}

uint32_t trail_end_minute(struct trail *trail, enum trail_kind kind, int64_t now_ns)
{
	struct trail_minute *minute = &trail->minutes[kind];
	uint32_t more = minute->more;

	if (minute->said == 0 || now_ns - minute->from_ns < MINUTE_NS) {
		return 0;
	}
	*minute = (struct trail_minute){ .said = 0 };
	return more;
}

static void say_more(struct trail *trail, enum trail_kind kind, int64_t now_ns)
{
	uint32_t more = trail_end_minute(trail, kind, now_ns);

	if (more > 0) {
		log_notice("%s: … %u more in the last minute", kind_names[kind], more);
	}
}

void trail_tick(struct trail *trail, int64_t now_ns)
{
	for (enum trail_kind kind = 0; kind < TRAIL_KINDS; kind++) {
		say_more(trail, kind, now_ns);
	}
}

void trail_finish(struct trail *trail)
{
	trail_tick(trail, INT64_MAX);
}

void trail_who(const char *nick, struct peer_address peer, char text[TRAIL_WHO_SIZE])
{
	char address[PEER_ADDRESS_TEXT_SIZE];

	peer_address_write(peer, address);
	if (*nick == '\0') {
		(void)snprintf(text, TRAIL_WHO_SIZE, "%s", address);
	} else {
		(void)snprintf(text, TRAIL_WHO_SIZE, "%s (%s)", nick, address);
	}
}

void trail_note(struct trail *trail, int64_t now_ns, const char *who, enum trail_kind kind,
		const char *format, va_list arguments)
{
	char what[WHAT_SIZE];

	say_more(trail, kind, now_ns);
	if (trail_enter(trail, kind, now_ns)) {
		(void)vsnprintf(what, sizeof(what), format, arguments);
		log_notice("%s %s", who, what);
	}
}
