#include "server/echo/echo.h"

#include "server/session/session.h"

static void to_upper(char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		bytes[i] = (char)(byte - ((unsigned char)(byte - 'a') < 26 ? 'a' - 'A' : 0));
	}
}

static void take(struct session *session, char *bytes, size_t length)
{
	if (session->turn->shared->options->echo == ECHO_UPPER) {
		to_upper(bytes, length);
	}
	score_add(session->turn->score, COUNTER_ECHOED, length);
	session_send_now(session, bytes, length);
}

/* It says nothing that was not said to it. */
static size_t no_words(const struct message *event)
{
	(void)event;
	return 0;
}

static size_t write_nothing(const struct message *event, char *bytes)
{
	(void)event;
	(void)bytes;
	return 0;
}

const struct front echo_front = {
	.session_size = sizeof(struct session),
	.in_step = true,
	.busy = "",
	.take = take,
	.message_size = no_words,
	.write_message = write_nothing,
};
