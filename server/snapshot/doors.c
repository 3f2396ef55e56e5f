/*
 * The doors: who may not come in or speak, from where passwords were guessed, which operators
 * signed in.
 */
#include "server/snapshot/doors.h"

#include <string.h>

static void ban_fields(struct ban *ban, struct admission *admission, struct records *records)
{
	RECORD_NUMBER(records, admission->bans_made);
	record_bytes(records, &ban->network.first, sizeof(ban->network.first));
	RECORD_NUMBER(records, ban->network.bits);
	RECORD_NUMBER(records, ban->until_ns);
	RECORD_NUMBER(records, ban->unsaved);
	RECORD_NUMBER(records, ban->made);
	records->broken |= ban->network.bits > PEER_ADDRESS_BITS;
}

static void guesses_fields(struct guesses *guesses, struct records *records)
{
	record_bytes(records, &guesses->owner, sizeof(guesses->owner));
	RECORD_NUMBER(records, guesses->until_ns);
	RECORD_NUMBER(records, guesses->wrong);
}

static void mute_fields(struct mute *mute, struct admission *admission, struct records *records)
{
	RECORD_NUMBER(records, admission->mutes_made);
	record_bytes(records, &mute->owner, sizeof(mute->owner));
	RECORD_NUMBER(records, mute->until_ns);
}

static void login_fields(struct login *login, struct records *records)
{
	record_bytes(records, &login->secret, sizeof(login->secret));
	RECORD_NUMBER(records, login->until_ns);
}

static void write_logins(struct logins *logins, struct records *records)
{
	for (size_t i = 0; i < LOGINS_MAX; i++) {
		if (logins->entries[i].until_ns != 0) {
			record_begin(records, SNAPSHOT_LOGIN);
			login_fields(&logins->entries[i], records);
			record_end(records);
		}
	}
}

void doors_write(struct shared_state *shared, struct records *records)
{
	struct admission *admission = shared->directory->admission;

	for (uint32_t i = 0; i < admission->ban_count; i++) {
		record_begin(records, SNAPSHOT_BAN);
		ban_fields(&admission->bans[i], admission, records);
		record_end(records);
	}
	for (uint32_t i = 0; i < admission->guesses_count; i++) {
		record_begin(records, SNAPSHOT_GUESSES);
		guesses_fields(&admission->guesses[i], records);
		record_end(records);
	}
	for (uint32_t i = 0; i < admission->mute_count; i++) {
		record_begin(records, SNAPSHOT_MUTE);
		mute_fields(&admission->mutes[i], admission, records);
		record_end(records);
	}
	write_logins(shared->logins, records);
}

/* Whether there is room for one more than COUNT of MOST. */
static bool has_room(struct records *records, uint32_t count, uint32_t most)
{
	records->broken |= count >= most;
	return !records->broken;
}

void ban_read(struct reading *reading, struct records *records)
{
	struct admission *admission = reading->shared->directory->admission;

	if (has_room(records, admission->ban_count, ADMISSION_BANS_MAX)) {
		struct ban *ban = &admission->bans[admission->ban_count++];

		ban_fields(ban, admission, records);
		admission->bans_unsaved += ban->unsaved;
	}
}

void guesses_read(struct reading *reading, struct records *records)
{
	struct admission *admission = reading->shared->directory->admission;

	if (has_room(records, admission->guesses_count, ADMISSION_GUESSES_MAX)) {
		guesses_fields(&admission->guesses[admission->guesses_count++], records);
	}
}

void mute_read(struct reading *reading, struct records *records)
{
	struct admission *admission = reading->shared->directory->admission;

	if (has_room(records, admission->mute_count, ADMISSION_MUTES_MAX)) {
		mute_fields(&admission->mutes[admission->mute_count++], admission, records);
	}
}

void login_read(struct reading *reading, struct records *records)
{
	struct logins *logins = reading->shared->logins;

	for (size_t i = 0; i < LOGINS_MAX; i++) {
		if (logins->entries[i].until_ns == 0) {
			login_fields(&logins->entries[i], records);
			return;
		}
	}
}
