#include "shared/process/manager.h"

#include <string.h>

#include "shared/base/log.h"

static uint32_t *chain_of(struct manager *manager, const char *name)
{
	uint64_t hash = siphash(&manager->key, name, strlen(name));

	return &manager->chains[hash % manager->entries_max];
}

static void push(struct manager *manager, uint32_t *first, uint32_t index)
{
	manager->entries[index].next = *first;
	*first = index + 1;
}

/* Puts every entry into its chain, or among the free. */
static void link_all(struct manager *manager)
{
	uint32_t length = 0;

	memset(manager->chains, 0, manager->entries_max * sizeof(manager->chains[0]));
	manager->free = 0;
	for (uint32_t i = manager->entries_max; i-- > 0;) {
		const struct manager_entry *entry = &manager->entries[i];
		push(manager, entry->used ? chain_of(manager, entry->name) : &manager->free, i);
		length += entry->used;
	}
	manager->length = length;
}

static void repair(void *context, pid_t dead)
{
	(void)dead;
	link_all(context);
}

static void lock(struct manager *manager)
{
	const struct mutex_repair how = { .run = repair, .context = manager };

	mutex_lock(&manager->mutex, &how);
}

static size_t chains_offset(uint32_t entries_max)
{
	return sizeof(struct manager) + entries_max * sizeof(struct manager_entry);
}

size_t manager_size(uint32_t entries_max)
{
	if (entries_max == 0 || entries_max == UINT32_MAX) {
		bug("a manager of %u entries", (unsigned)entries_max);
	}
	return chains_offset(entries_max) + entries_max * sizeof(uint32_t);
}

void manager_init(struct manager *manager, uint32_t entries_max)
{
	memset(manager, 0, manager_size(entries_max));
	mutex_init(&manager->mutex, MUTEX_PLAIN);
	siphash_key_make(&manager->key);
	manager->entries_max = entries_max;
	manager->chains = (void *)((unsigned char *)manager + chains_offset(entries_max));
	link_all(manager);
}

/* What points to the entry NAME in its chain; to 0 when there is none. */
static uint32_t *find_link(struct manager *manager, const char *name)
{
	uint32_t *link = chain_of(manager, name);

	while (*link != 0 && strcmp(manager->entries[*link - 1].name, name) != 0) {
		link = &manager->entries[*link - 1].next;
	}
	return link;
}

static const struct manager_value *value_of(const struct manager_entry *entry)
{
	return &entry->values[entry->current];
}

/* The new value is written beside the old one; one store makes it the current one. */
static void replace(struct manager_entry *entry, const struct manager_value *value)
{
	uint32_t other = 1 - entry->current;

	entry->values[other] = *value;
	entry->current = other;
}

static enum manager_result insert(struct manager *manager, const char *name,
				  const struct manager_value *value)
{
	if (manager->free == 0) {
		return MANAGER_FULL;
	}
	uint32_t index = manager->free - 1;
	struct manager_entry *entry = &manager->entries[index];
	manager->free = entry->next;
	memcpy(entry->name, name, strlen(name) + 1);
	replace(entry, value);
	entry->used = true;
	push(manager, chain_of(manager, name), index);
	manager->length++;
	return MANAGER_DONE;
}

static enum manager_result put(struct manager *manager, const char *name,
			       const struct manager_value *value)
{
	uint32_t link = *find_link(manager, name);

	if (link == 0) {
		return insert(manager, name, value);
	}
	replace(&manager->entries[link - 1], value);
	return MANAGER_DONE;
}

static bool is_name(const char *name)
{
	size_t length = strnlen(name, MANAGER_NAME_SIZE);

	return length > 0 && length < MANAGER_NAME_SIZE;
}

static enum manager_result set(struct manager *manager, const char *name,
			       const struct manager_value *value)
{
	if (!is_name(name)) {
		return MANAGER_TOO_LONG;
	}
	lock(manager);
	enum manager_result result = put(manager, name, value);
	mutex_unlock(&manager->mutex);
	return result;
}

enum manager_result manager_set_number(struct manager *manager, const char *name, int64_t number)
{
	const struct manager_value value = { .kind = MANAGER_NUMBER, .number = number };

	return set(manager, name, &value);
}

enum manager_result manager_set_text(struct manager *manager, const char *name, const char *text)
{
	struct manager_value value = { .kind = MANAGER_TEXT };
	size_t length = strnlen(text, MANAGER_TEXT_SIZE);

	if (length == MANAGER_TEXT_SIZE) {
		return MANAGER_TOO_LONG;
	}
	memcpy(value.text, text, length);
	return set(manager, name, &value);
}

enum manager_result manager_get(struct manager *manager, const char *name,
				struct manager_value *value)
{
	if (!is_name(name)) {
		return MANAGER_TOO_LONG;
	}
	lock(manager);
	uint32_t link = *find_link(manager, name);
	if (link != 0) {
		*value = *value_of(&manager->entries[link - 1]);
	}
	mutex_unlock(&manager->mutex);
	return link == 0 ? MANAGER_MISSING : MANAGER_DONE;
}

/* With the mutex held. */
static enum manager_result add(struct manager *manager, const char *name, int64_t difference,
			       int64_t *sum)
{
	struct manager_value value = { .kind = MANAGER_NUMBER };
	uint32_t link = *find_link(manager, name);

	if (link != 0) {
		value = *value_of(&manager->entries[link - 1]);
	}
	if (value.kind != MANAGER_NUMBER) {
		return MANAGER_NO_NUMBER;
	}
	if (__builtin_add_overflow(value.number, difference, &value.number)) {
		return MANAGER_OVERFLOW;
	}
	enum manager_result result = put(manager, name, &value);
	if (result == MANAGER_DONE && sum) {
		*sum = value.number;
	}
	return result;
}

enum manager_result manager_add(struct manager *manager, const char *name, int64_t difference,
				int64_t *sum)
{
	if (!is_name(name)) {
		return MANAGER_TOO_LONG;
	}
	lock(manager);
	enum manager_result result = add(manager, name, difference, sum);
	mutex_unlock(&manager->mutex);
	return result;
}

/* With the mutex held. */
static enum manager_result take_out(struct manager *manager, const char *name)
{
	uint32_t *link = find_link(manager, name);

	if (*link == 0) {
		return MANAGER_MISSING;
	}
	uint32_t index = *link - 1;
	struct manager_entry *entry = &manager->entries[index];
	entry->used = false;
	*link = entry->next;
	push(manager, &manager->free, index);
	manager->length--;
	return MANAGER_DONE;
}

enum manager_result manager_remove(struct manager *manager, const char *name)
{
	if (!is_name(name)) {
		return MANAGER_TOO_LONG;
	}
	lock(manager);
	enum manager_result result = take_out(manager, name);
	mutex_unlock(&manager->mutex);
	return result;
}
