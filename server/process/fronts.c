#include "server/process/fronts.h"

#include "server/echo/echo.h"
#ifdef TURNSTILE_WITH_HTTP
#include "server/http/http.h"
#endif
#include "server/lines/lines.h"

const struct front *front_of(enum listener_kind kind)
{
	static const struct front *const fronts[LISTENER_KINDS] = {
		[LISTENER_LINES] = &lines_front, [LISTENER_ECHO] = &echo_front,
#ifdef TURNSTILE_WITH_HTTP
		[LISTENER_HTTP] = &http_front,   [LISTENER_HTTPS] = &http_front,
#endif
		[LISTENER_TLS] = &lines_front,
	};

	return fronts[kind];
}
