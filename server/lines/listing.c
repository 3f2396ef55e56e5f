#include "server/lines/listing.h"

#include <stdlib.h>

#include "server/lines/lines_session.h"
#include "shared/base/log.h"

#define PIECE_SIZE (16 * 1024) /* bytes; the last row goes beyond */

struct listing *listing_of(struct session *session)
{
	struct lines_session *own = lines_session_of(session);

	if (!own->listing) {
		own->listing = calloc(1, sizeof(*own->listing));
		if (!own->listing) {
			die("out of memory");
		}
	}
	return own->listing;
}

void listing_finish(struct session *session)
{
	struct lines_session *own = lines_session_of(session);

	free(own->listing);
	own->listing = NULL;
}

bool listing_is_full(const struct reply *reply)
{
	return reply->length - reply->complete >= PIECE_SIZE;
}
