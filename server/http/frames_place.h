/*
 * frames_place: where amid a peer's frames its bytes end just now (RFC 6455, 5.2), in a form that
 * another process can go on from: wslay's own state is in no such form.
 *
 * It follows bytes that wslay found good, and makes of a place some bytes that bring a new reader
 * there: frames that have nothing in them but what that reader has to have seen.
 */
#ifndef SERVER_HTTP_FRAMES_PLACE_H
#define SERVER_HTTP_FRAMES_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAMES_PLACE_HEADER_MOST  14  /* bytes */
#define FRAMES_PLACE_CONTROL_MOST 125 /* likewise, of a control frame's payload */
#define FRAMES_PLACE_TAIL_MOST    4   /* likewise, of a character */

/* All zero at the beginning of a message. */
struct frames_place {
	uint64_t left;     /* bytes of the frame's payload that have not come */
	uint64_t seen;     /* and that have */
	bool in_message;   /* its first frame is over, and its last one is not */
	bool header_whole; /* of the frame under way */
	uint8_t header_length;
	uint8_t tail_length;
	uint8_t header[FRAMES_PLACE_HEADER_MOST];
	uint8_t tail[FRAMES_PLACE_TAIL_MOST];       /* of the text: a character that is not whole */
	uint8_t control[FRAMES_PLACE_CONTROL_MOST]; /* payload of a control frame, as it came */
};

void frames_place_follow(struct frames_place *place, const char *bytes, size_t length);

/* Whether there is anything that a new reader would have to know. */
bool frames_place_is_amid(const struct frames_place *place);

/* Writes what brings a new reader there; returns how many bytes that is. */
#define FRAMES_PLACE_BYTES_MOST 256
size_t frames_place_bytes(const struct frames_place *place, char bytes[FRAMES_PLACE_BYTES_MOST]);

#endif
