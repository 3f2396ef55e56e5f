/*
 * WebSockets: turnstile's /ws, and nchan, whose members listen at /listen and whose speakers
 * publish at /speak. A message has no end of a line: it is a frame (RFC 6455).
 */
#include <arpa/inet.h>
#include <string.h>

#include "bench/peer.h"

#define HANDSHAKE                                         \
	"Upgrade: websocket\r\nConnection: Upgrade\r\n"   \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" \
	"Sec-WebSocket-Version: 13\r\n\r\n"
#define WHOLE_TEXT    0x81
#define MASKED        0x80
#define LENGTH_OF_TWO 126 /* from so many bytes on the length stands in two more */
#define HEAD_END      "\r\n\r\n"
#define ROOM          "#" PEER_ROOM

static void put_handshake(struct bench_text *text, const struct bench_plan *plan, const char *path)
{
	bench_put_string(text, "GET ");
	bench_put_string(text, path);
	bench_put_string(text, " HTTP/1.1\r\n");
	bench_put_host(text, plan);
	bench_put_string(text, HANDSHAKE);
}

/* A client's frame, of less than LENGTH_OF_TWO bytes. Its mask is four zeroes. */
static void put_frame(struct bench_text *text, const char *bytes, size_t length)
{
	const char header[] = { (char)WHOLE_TEXT, (char)(MASKED | length), 0, 0, 0, 0 };

	bench_put(text, header, sizeof(header));
	bench_put(text, bytes, length);
}

static void put_line(struct bench_text *text, const char *line)
{
	put_frame(text, line, strlen(line));
}

/* The length of the head of a server's frame, and of what comes behind; false: not whole. */
static bool read_header(const unsigned char *bytes, size_t length, size_t *header, size_t *payload)
{
	*header = length >= 2 && bytes[1] == LENGTH_OF_TWO ? 4 : 2;
	if (length < *header) {
		return false;
	}
	*payload = *header == 2 ? bytes[1] : (size_t)(bytes[2] << 8 | bytes[3]);
	return *header + *payload <= length;
}

static enum bench_take take_answer(const char *bytes, size_t length, size_t *used)
{
	const char *end = memmem(bytes, length, HEAD_END, sizeof(HEAD_END) - 1);

	if (!end) {
		return BENCH_MORE;
	}
	*used = (size_t)(end - bytes) + sizeof(HEAD_END) - 1;
	return memcmp(bytes, "HTTP/1.1 101", 12) == 0 ? BENCH_DONE : BENCH_REFUSED;
}

static enum bench_take judge(const char *text, size_t length)
{
	static const char greeting[] = "+turnstile";
	size_t most = sizeof(greeting) - 1;

	if (length == 0 || (*text != '+' && *text != '-')) {
		return BENCH_OTHER;
	}
	if (*text == '-') {
		return BENCH_REFUSED;
	}
	return length >= most && memcmp(text, greeting, most) == 0 ? BENCH_OTHER : BENCH_DONE;
}

static enum bench_take take(const struct bench_plan *plan, const char *bytes, size_t length,
			    size_t *used)
{
	size_t header, payload;

	(void)plan;
	if (length > 0 && *bytes == 'H') {
		return take_answer(bytes, length, used);
	}
	if (!read_header((const unsigned char *)bytes, length, &header, &payload)) {
		return BENCH_MORE;
	}
	*used = header + payload;
	return judge(bytes + header, payload);
}

static void hello(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		  unsigned step)
{
	char name[32] = "/nick bench-";
	struct bench_text nick = { name, sizeof(name), strlen(name) };

	if (step == 0) {
		put_handshake(text, plan, "/ws");
	} else if (step == 1) {
		bench_put_number(&nick, client);
		put_frame(text, nick.bytes, nick.length);
	} else if (step == 2) {
		put_line(text, "/join " ROOM);
	}
}

static void hello_nchan(struct bench_text *text, const struct bench_plan *plan, unsigned client,
			unsigned step)
{
	if (step == 0) {
		put_handshake(text, plan, client < plan->clients ? "/listen" : "/speak");
	}
}

static const struct bench_protocol room = {
	.name = "turnstile", .hello = hello, .take = take, .say = put_frame, .framed = true
};

static const struct bench_protocol nchan = { .name = "nchan",
					     .hello = hello_nchan,
					     .take = take,
					     .say = put_frame,
					     .speakers_apart = true,
					     .framed = true };

const struct bench_protocol *websocket_protocol(enum bench_kind kind)
{
	return kind == BENCH_CHAT ? &room : NULL;
}

const struct bench_protocol *nchan_protocol(enum bench_kind kind)
{
	return kind == BENCH_CHAT ? &nchan : NULL;
}
