/* Any IRC server: a room is a channel. */
#include <string.h>

#include "bench/peer.h"

static void hello(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		  unsigned step)
{
	if (step == 0) {
		bench_put_string(text, "NICK b");
		bench_put_number(text, client);
		bench_put_string(text, "\r\nUSER bench 0 * :bench\r\n");
	} else if (step == 1 && plan->kind == BENCH_CHAT) {
		bench_put_string(text, "JOIN #" PEER_ROOM "\r\n");
	}
}

static bool is_word(const char *word, const char *end, const char *wanted)
{
	size_t length = strlen(wanted);

	return (size_t)(end - word) > length && memcmp(word, wanted, length) == 0 &&
	       word[length] == ' ';
}

/* Welcome, and the end of the names in a room that was joined; a nick in use, and the last word. */
static enum bench_take meaning(const char *line, const char *end)
{
	const char *space = *line == ':' ? memchr(line, ' ', (size_t)(end - line)) : NULL;
	const char *word = space ? space + 1 : line;

	if (is_word(word, end, "001") || is_word(word, end, "366") || is_word(word, end, "PONG")) {
		return BENCH_DONE;
	}
	if (is_word(word, end, "ERROR") || is_word(word, end, "433") || is_word(word, end, "451")) {
		return BENCH_REFUSED;
	}
	return BENCH_OTHER;
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
	return meaning(bytes, end);
}

static void request_ping(struct bench_text *text, const struct bench_plan *plan, unsigned client,
			 int64_t number)
{
	(void)plan;
	(void)client;
	(void)number;
	bench_put_string(text, "PING :x\r\n");
}

static void say(struct bench_text *text, const char *line, size_t length)
{
	bench_put_string(text, "PRIVMSG #" PEER_ROOM " :");
	bench_put(text, line, length);
	bench_put_string(text, "\r\n");
}

static const struct bench_protocol irc = {
	.name = "irc", .hello = hello, .request = request_ping, .take = take, .say = say
};

const struct bench_protocol *irc_protocol(enum bench_kind kind)
{
	return kind == BENCH_CHAT || kind == BENCH_IDLE || kind == BENCH_PING ? &irc : NULL;
}
