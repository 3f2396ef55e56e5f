#include "db/postgres/chat.h"

#include <string.h>
#include <unistd.h>

#define NODE_SIZE 256 /* bytes of a machine's name, a NUL counted in */

#define POSTED_MAX 512 /* statements, before their results are taken */

/* The machine's name: its chat is found again by it. */
static const char *node(void)
{
	static _Thread_local char name[NODE_SIZE];
	if (name[0] == '\0' && gethostname(name, sizeof(name) - 1) < 0) {
		name[0] = '?';
	}
	return name;
}

/* The parameters begin with whose chat it is. */
static struct parameters *begin(struct postgres_store *store)
{
	parameters_begin(&store->parameters);
	parameters_put_text(&store->parameters, node(), strlen(node()));
	return &store->parameters;
}

/* Nobody waits for each. */
static enum store_result post(struct postgres_store *store, enum postgres_query query)
{
	bool good = postgres_post(store, query);
	if (good && store->link.posted >= POSTED_MAX) {
		good = link_settle(&store->link);
	}
	return good ? STORE_OK : postgres_fail(store);
}

enum store_result postgres_room_put(struct store *base, const struct store_room *room, bool fresh)
{
	struct postgres_store *store = postgres_of(base);
	parameters_put_number(begin(store), room->place);
	if (fresh && post(store, POSTGRES_ROOM_FORGET) != STORE_OK) {
		return STORE_FAILED;
	}
	parameters_put_text(&store->parameters, room->name, strlen(room->name));
	parameters_put_text(&store->parameters, room->topic, strlen(room->topic));
	return post(store, POSTGRES_ROOM_PUT);
}

enum store_result postgres_message_add(struct store *base, const struct store_message *message)
{
	struct postgres_store *store = postgres_of(base);
	struct parameters *parameters = begin(store);
	parameters_put_number(parameters, message->room);
	parameters_put_number(parameters, (int64_t)message->number);
	parameters_put_number(parameters, message->wall_ns);
	parameters_put_text(parameters, message->text, message->length);
	return post(store, POSTGRES_MESSAGE_ADD);
}

enum store_result postgres_messages_trim(struct store *base, uint32_t room, unsigned keep)
{
	struct postgres_store *store = postgres_of(base);
	struct parameters *parameters = begin(store);
	parameters_put_number(parameters, room);
	parameters_put_number(parameters, keep);
	return post(store, POSTGRES_MESSAGES_TRIM);
}

enum store_result postgres_ban_put(struct store *base, const struct store_ban *ban, int64_t wall_ns)
{
	struct postgres_store *store = postgres_of(base);
	parameters_begin(&store->parameters);
	parameters_put_text(&store->parameters, ban->address, strlen(ban->address));
	parameters_put_number(&store->parameters, ban->until_ns);
	if (post(store, POSTGRES_BAN_PUT) != STORE_OK) {
		return STORE_FAILED;
	}
	parameters_begin(&store->parameters);
	parameters_put_number(&store->parameters, wall_ns);
	return post(store, POSTGRES_BANS_OVER);
}

/* Who sees what is there, each kind its own way. */
struct seeing {
	union {
		store_see_room *room;
		store_see_message *message;
		store_see_ban *ban;
	} see;
	void *context;
};

static enum store_result each(struct postgres_store *store, enum postgres_query query,
			      link_see_row *see, struct seeing *seeing)
{
	struct parameters *parameters = query == POSTGRES_BAN_ALL ? NULL : begin(store);
	bool good =
		link_post(&store->link, query, parameters) && link_each(&store->link, see, seeing);
	return good ? STORE_OK : postgres_fail(store);
}

static void see_room(void *context, const PGresult *row)
{
	const struct seeing *seeing = context;
	struct store_room room = { .place = (uint32_t)link_number(row, 0, 0) };
	link_text(row, 0, 1, room.name, sizeof(room.name));
	link_text(row, 0, 2, room.topic, sizeof(room.topic));
	seeing->see.room(seeing->context, &room);
}

static void see_message(void *context, const PGresult *row)
{
	const struct seeing *seeing = context;
	const struct store_message message = { .room = (uint32_t)link_number(row, 0, 0),
					       .number = (uint64_t)link_number(row, 0, 1),
					       .wall_ns = link_number(row, 0, 2),
					       .text = PQgetvalue(row, 0, 3),
					       .length = (size_t)PQgetlength(row, 0, 3) };
	seeing->see.message(seeing->context, &message);
}

static void see_ban(void *context, const PGresult *row)
{
	const struct seeing *seeing = context;
	struct store_ban ban = { .until_ns = link_number(row, 0, 1) };
	link_text(row, 0, 0, ban.address, sizeof(ban.address));
	seeing->see.ban(seeing->context, &ban);
}

enum store_result postgres_room_each(struct store *base, store_see_room *see, void *context)
{
	struct seeing seeing = { .see.room = see, .context = context };
	return each(postgres_of(base), POSTGRES_ROOM_ALL, see_room, &seeing);
}

enum store_result postgres_message_each(struct store *base, store_see_message *see, void *context)
{
	struct seeing seeing = { .see.message = see, .context = context };
	return each(postgres_of(base), POSTGRES_MESSAGE_ALL, see_message, &seeing);
}

enum store_result postgres_ban_each(struct store *base, store_see_ban *see, void *context)
{
	struct seeing seeing = { .see.ban = see, .context = context };
	return each(postgres_of(base), POSTGRES_BAN_ALL, see_ban, &seeing);
}
