/*
 * MQTT 3.1.1, as mosquitto speaks it: a room is a topic, and a line is published at quality 0, at
 * most once. Who has subscribed to the topic would hear what it says itself, so speakers are apart.
 */
#include <string.h>

#include "bench/peer.h"

/* A packet begins with its kind and flags. */
#define CONNECT   0x10
#define CONNACK   0x20
#define PUBLISH   0x30
#define SUBSCRIBE 0x82
#define SUBACK    0x90

#define LENGTH_BYTES_MOST 4

/* Lengths here are all below 128, one byte. */
static void put_packet(struct bench_text *text, int kind, const char *bytes, size_t length)
{
	const char header[] = { (char)kind, (char)length };

	bench_put(text, header, sizeof(header));
	bench_put(text, bytes, length);
}

/* "MQTT", level 4, a clean session, no time after which silence ends it, and a name. */
static void put_connect(struct bench_text *text, unsigned client)
{
	char body[64] = "\0\4MQTT\4\2\0\0\0\0b";
	struct bench_text packet = { body, sizeof(body), 13 };

	bench_put_number(&packet, client);
	body[11] = (char)(packet.length - 12);
	put_packet(text, CONNECT, body, packet.length);
}

static void hello(struct bench_text *text, const struct bench_plan *plan, unsigned client,
		  unsigned step)
{
	static const char subscription[] = "\0\1\0\5" PEER_ROOM; /* its NUL is the quality */

	if (step == 0) {
		put_connect(text, client);
	} else if (step == 1 && client < plan->clients) {
		put_packet(text, SUBSCRIBE, subscription, sizeof(subscription));
	}
}

static enum bench_take take(const struct bench_plan *plan, const char *bytes, size_t length,
			    size_t *used)
{
	size_t body = 0;
	size_t at = 1;

	(void)plan;
	for (unsigned shift = 0; at <= LENGTH_BYTES_MOST; shift += 7) {
		if (at >= length) {
			return BENCH_MORE;
		}
		body |= (size_t)(bytes[at] & 0x7F) << shift;
		if ((bytes[at++] & 0x80) == 0) {
			break;
		}
	}
	*used = at + body;
	if (*used > length) {
		return BENCH_MORE;
	}
	int kind = (unsigned char)bytes[0] & 0xF0;

	return kind == CONNACK || kind == SUBACK ? BENCH_DONE : BENCH_OTHER;
}

static void say(struct bench_text *text, const char *line, size_t length)
{
	char body[BENCH_MESSAGE_MAX] = "\0\5" PEER_ROOM;
	struct bench_text packet = { body, sizeof(body), 2 + sizeof(PEER_ROOM) - 1 };

	bench_put(&packet, line, length);
	put_packet(text, PUBLISH, body, packet.length);
}

static const struct bench_protocol room = { .name = "mosquitto",
					    .hello = hello,
					    .take = take,
					    .say = say,
					    .speakers_apart = true,
					    .framed = true };

const struct bench_protocol *mqtt_protocol(enum bench_kind kind)
{
	return kind == BENCH_CHAT ? &room : NULL;
}
