/* The bare echo (bare_echo.c): what is asked of turnstile comes back as it is. */
#include <string.h>

#include "bench/peer.h"

static void hello(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		  unsigned step)
{
	(void)text;
	(void)plan;
	(void)client;
	(void)step;
}

static void request(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		    int64_t number)
{
	(void)plan;
	(void)client;
	(void)number;
	bench_put(text, "/ping\n", 6);
}

static enum bench_take take(const struct bench_plan *plan, const char *bytes, size_t length,
			    size_t *used)
{
	const char *end = memchr(bytes, '\n', length);

	(void)plan;
	if (!end) {
		return BENCH_MORE;
	}
	*used = (size_t)(end - bytes) + 1;
	return BENCH_DONE;
}

static const struct bench_protocol bare = {
	.name = "bare echo", .hello = hello, .request = request, .take = take
};

const struct bench_protocol *bare_protocol(enum bench_kind kind)
{
	return kind == BENCH_BOOK || kind == BENCH_CHAT ? NULL : &bare;
}
