#include "server/http/frames.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#include "shared/base/log.h"

#define KEY_LENGTH        24 /* 16 bytes in base64 */
#define DIGEST_SIZE       20
#define SHORT_MOST        125 /* bytes whose length stands in the header's second byte */
#define LENGTH_IS_16_BITS 126
#define TEXT_AND_LAST     0x81
#define FIN_BIT           0x80
#define CONTROL_BIT       0x08 /* of a frame's kind */

struct frames {
	wslay_event_context_ptr context;
	struct frames_place place;
	const char *bytes; /* that are being read */
	size_t length;
	struct reply *lines;
	struct reply *control;
	bool in_control;  /* the frame that is being read is wslay's business */
	bool unsupported; /* a message is binary, or has a LF in it */
};

/* What every server answers a key with: RFC 6455, 4.2.2. */
bool frames_accept(struct span key, char accept[FRAMES_ACCEPT_SIZE])
{
	static const char suffix[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char text[KEY_LENGTH + sizeof(suffix)], digest[DIGEST_SIZE];
	unsigned char nonce[KEY_LENGTH];

	if (key.length != KEY_LENGTH || key.text[KEY_LENGTH - 2] != '=' ||
	    key.text[KEY_LENGTH - 3] == '=') {
		return false;
	}
	memcpy(text, key.text, KEY_LENGTH);
	memcpy(text + KEY_LENGTH, suffix, sizeof(suffix));
	if (EVP_DecodeBlock(nonce, text, KEY_LENGTH) < 0 ||
	    EVP_Digest(text, sizeof(text) - 1, digest, NULL, EVP_sha1(), NULL) != 1) {
		return false;
	}
	(void)EVP_EncodeBlock((unsigned char *)accept, digest, DIGEST_SIZE);
	return true;
}

static ssize_t give_bytes(wslay_event_context_ptr context, uint8_t *buffer, size_t room, int flags,
			  void *user_data)
{
	struct frames *frames = user_data;
	size_t length = frames->length < room ? frames->length : room;

	(void)flags;
	if (length == 0) {
		wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	memcpy(buffer, frames->bytes, length);
	frames->bytes += length;
	frames->length -= length;
	return (ssize_t)length;
}

static ssize_t take_control(wslay_event_context_ptr context, const uint8_t *bytes, size_t length,
			    int flags, void *user_data)
{
	struct frames *frames = user_data;

	(void)context;
	(void)flags;
	reply_bytes(frames->control, (const char *)bytes, length);
	return (ssize_t)length;
}

static bool is_control(uint8_t opcode)
{
	return opcode >= WSLAY_CONNECTION_CLOSE;
}

static void start_frame(wslay_event_context_ptr context,
			const struct wslay_event_on_frame_recv_start_arg *frame, void *user_data)
{
	struct frames *frames = user_data;

	(void)context;
	frames->in_control = is_control(frame->opcode);
	frames->unsupported |= frame->opcode == WSLAY_BINARY_FRAME;
}

static void take_chunk(wslay_event_context_ptr context,
		       const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *user_data)
{
	struct frames *frames = user_data;

	(void)context;
	if (frames->in_control || chunk->data_length == 0) {
		return;
	}
	frames->unsupported |= memchr(chunk->data, '\n', chunk->data_length) != NULL;
	if (!frames->unsupported) {
		reply_bytes(frames->lines, (const char *)chunk->data, chunk->data_length);
	}
}

static void end_message(wslay_event_context_ptr context,
			const struct wslay_event_on_msg_recv_arg *message, void *user_data)
{
	struct frames *frames = user_data;

	(void)context;
	if (!is_control(message->opcode) && !frames->unsupported) {
		reply_bytes(frames->lines, "\n", 1);
	}
}

struct frames *frames_create(void)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = give_bytes,
		.send_callback = take_control,
		.on_frame_recv_start_callback = start_frame,
		.on_frame_recv_chunk_callback = take_chunk,
		.on_msg_recv_callback = end_message,
	};
	struct frames *frames = calloc(1, sizeof(*frames));

	if (!frames || wslay_event_context_server_init(&frames->context, &callbacks, frames) != 0) {
		die("out of memory");
	}
	wslay_event_config_set_no_buffering(frames->context, 1);
	return frames;
}

void frames_destroy(struct frames *frames)
{
	if (frames) {
		wslay_event_context_free(frames->context);
		free(frames);
	}
}

static void send_queued(struct frames *frames, struct reply *control)
{
	frames->control = control;
	(void)wslay_event_send(frames->context);
}

bool frames_read(struct frames *frames, const char *bytes, size_t length, struct reply *lines,
		 struct reply *control)
{
	frames->bytes = bytes;
	frames->length = length;
	frames->lines = lines;
	frames->control = control;
	bool good = wslay_event_recv(frames->context) == 0;

	if (frames->unsupported) {
		frames_close(frames, FRAMES_UNSUPPORTED, control);
	}
	send_queued(frames, control);
	bool goes_on = good && !frames->unsupported && wslay_event_want_read(frames->context);

	if (goes_on) {
		frames_place_follow(&frames->place, bytes, length);
	}
	return goes_on;
}

size_t frames_saved_size(const struct frames *frames)
{
	return frames_place_is_amid(&frames->place) ? FRAMES_SAVED_SIZE : 0;
}

void frames_save(const struct frames *frames, void *bytes)
{
	memcpy(bytes, &frames->place, FRAMES_SAVED_SIZE);
}

void frames_load(struct frames *frames, const void *bytes)
{
	char way[FRAMES_PLACE_BYTES_MOST];
	struct frames_place place;
	struct reply nothing;

	memcpy(&place, bytes, sizeof(place));
	reply_init(&nothing, NULL, NULL);
	(void)frames_read(frames, way, frames_place_bytes(&place, way), &nothing, &nothing);
	reply_finish(&nothing);
	frames->place = place;
}

void frames_ping(struct frames *frames, struct reply *control)
{
	const struct wslay_event_msg ping = { .opcode = WSLAY_PING };

	(void)wslay_event_queue_msg(frames->context, &ping);
	send_queued(frames, control);
}

void frames_close(struct frames *frames, enum frames_close code, struct reply *control)
{
	if (!wslay_event_get_close_sent(frames->context)) {
		(void)wslay_event_queue_close(frames->context, (uint16_t)code, NULL, 0);
		send_queued(frames, control);
	}
}

size_t frames_header(size_t length, char header[FRAMES_HEADER_MOST])
{
	header[0] = (char)TEXT_AND_LAST;
	if (length <= SHORT_MOST) {
		header[1] = (char)length;
		return 2;
	}
	header[1] = LENGTH_IS_16_BITS;
	header[2] = (char)(length >> 8);
	header[3] = (char)(length & 0xFF);
	return 4;
}

bool frames_is_control(char first)
{
	return ((unsigned char)first & (FIN_BIT | CONTROL_BIT)) == (FIN_BIT | CONTROL_BIT);
}

bool frames_is_pong(char first)
{
	return (unsigned char)first == (FIN_BIT | WSLAY_PONG);
}

/* Ours are not masked, and a line is never so long that its length needs 64 bits. */
size_t frames_length(const char *bytes, size_t length)
{
	const unsigned char *header = (const unsigned char *)bytes;

	if (length < 2) {
		return length + 1;
	}
	if (header[1] < LENGTH_IS_16_BITS) {
		return 2U + header[1];
	}
	return length < 4 ? length + 1 : 4U + (size_t)(header[2] << 8) + header[3];
}
