#include "tests/db/chat.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/store/chat.h"
#include "shared/base/clock.h"

#define BANS_MAX 16

static char text[1 << 16];
static struct store_ban bans[BANS_MAX];
static size_t ban_count;

void chat_put_room(struct store *store, uint32_t place, const char *name, const char *topic,
		   bool fresh)
{
	struct store_room room = { .place = place };
	snprintf(room.name, sizeof(room.name), "%s", name);
	snprintf(room.topic, sizeof(room.topic), "%s", topic);
	cr_assert_eq(store_room_put(store, &room, fresh), STORE_OK, "%s", store_error(store));
}

void chat_say(struct store *store, uint32_t room, uint64_t number, const char *words)
{
	const struct store_message message = { .room = room,
					       .number = number,
					       .wall_ns = CHAT_WALL_NS + (int64_t)number,
					       .text = words,
					       .length = strlen(words) };
	cr_assert_eq(store_message_add(store, &message), STORE_OK, "%s", store_error(store));
}

static void note_room(void *context, const struct store_room *room)
{
	fprintf(context, "%" PRIu32 " %s [%s]\n", room->place, room->name, room->topic);
}

static void note_message(void *context, const struct store_message *message)
{
	fprintf(context, "%" PRIu32 ".%" PRIu64 " %.*s\n", message->room, message->number,
		(int)message->length, message->text);
}

static void note_ban(void *context, const struct store_ban *ban)
{
	(void)context;
	cr_assert_lt(ban_count, BANS_MAX);
	bans[ban_count++] = *ban;
}

static int compare_bans(const void *one, const void *other)
{
	return strcmp(((const struct store_ban *)one)->address,
		      ((const struct store_ban *)other)->address);
}

const char *chat_within(struct store *store)
{
	FILE *stream = fmemopen(text, sizeof(text), "w");
	ban_count = 0;
	cr_assert(stream != NULL);
	cr_assert_eq(store_room_each(store, note_room, stream), STORE_OK);
	cr_assert_eq(store_message_each(store, note_message, stream), STORE_OK);
	cr_assert_eq(store_ban_each(store, note_ban, NULL), STORE_OK);
	qsort(bans, ban_count, sizeof(*bans), compare_bans);
	for (size_t i = 0; i < ban_count; i++) {
		fprintf(stream, "ban %s %" PRId64 "\n", bans[i].address, bans[i].until_ns);
	}
	fputc('\0', stream);
	cr_assert_eq(fclose(stream), 0);
	return text;
}

const char *chat_of(struct store *store)
{
	cr_assert(store_take(store, 5 * NS_PER_SECOND));
	chat_within(store);
	store_give(store);
	return text;
}

static void note_date(void *context, const struct store_message *message)
{
	*(int64_t *)context = message->wall_ns;
}

int64_t chat_newest_ns(struct store *store)
{
	int64_t date_ns = 0;
	cr_assert(store_take(store, 5 * NS_PER_SECOND));
	cr_assert_eq(store_message_each(store, note_date, &date_ns), STORE_OK);
	store_give(store);
	return date_ns;
}
