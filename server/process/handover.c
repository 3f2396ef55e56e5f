#include "server/process/handover.h"

#include <stddef.h>
#include <string.h>

_Static_assert(sizeof(struct handover_message) <= CHANNEL_MESSAGE_MAX, "a channel carries it");

bool handover_take(struct handover_page *page)
{
	uint32_t owner = HANDOVER_OFFERED;

	return atomic_compare_exchange_strong(&page->owner, &owner, HANDOVER_TAKEN);
}

bool handover_take_back(struct handover_page *page)
{
	uint32_t owner = HANDOVER_OFFERED;

	return atomic_compare_exchange_strong(&page->owner, &owner, HANDOVER_TAKEN_BACK);
}

bool handover_is_taken(const struct handover_page *page)
{
	return atomic_load(&page->owner) == HANDOVER_TAKEN;
}

size_t handover_length(const struct handover_message *message)
{
	const size_t head = offsetof(struct handover_message, hello);

	switch (message->kind) {
	case HANDOVER_HELLO: return head + sizeof(message->hello);
	case HANDOVER_WELCOME: return head + sizeof(message->welcome);
	case HANDOVER_SOCKETS: return head + message->count * sizeof(message->sockets[0]);
	case HANDOVER_ACCEPTED: return head + message->count * sizeof(message->arrivals[0]);
	case HANDOVER_TLS: return head + sizeof(message->tls);
	default: return head;
	}
}

bool handover_read(const struct channel_message *received, struct handover_message *message)
{
	const size_t head = offsetof(struct handover_message, hello);

	memset(message, 0, sizeof(*message));
	if (received->length < head || received->length > sizeof(*message)) {
		return false;
	}
	memcpy(message, received->bytes, received->length);
	const uint32_t most =
		message->kind == HANDOVER_TLS ? PLAIN_ENDS_USERS : CHANNEL_DESCRIPTORS_MAX;

	return message->count <= most && received->length == handover_length(message);
}
