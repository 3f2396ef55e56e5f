/*
 * replay: records what a store writes, and makes the files again as they would be had the power
 * gone in the middle.
 *
 * The recording is of writes, truncations, renames, removals and syncs of files in one folder, in
 * the order in which they were done (tests/db/faults.c calls replay_note_*). It is in memory shared
 * with the children that are forked while it goes on: what they write is recorded, too. A replay
 * makes that folder's files anew: either with everything up to some byte of some write, as a system
 * that writes in order would leave them; or with only what was synced by then, as the laziest
 * would; or with what was synced and any mixture of the rest.
 */
#ifndef TESTS_DB_REPLAY_H
#define TESTS_DB_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts and ends a recording of the files in FOLDER. */
void replay_record(const char *folder);
void replay_stop(void);

/* Notes, between two steps, that so many sales are acknowledged. */
void replay_acknowledge(int sales);

size_t replay_steps(void);

/* How many bytes the step writes; 0 if it is not a write. */
size_t replay_step_bytes(size_t step);

/* What had been acknowledged before the step was begun. */
int replay_acknowledged(size_t step);

/* Makes the files with STEPS steps done, and BYTES of the next. */
void replay_make(const char *folder, size_t steps, size_t bytes);

/* Makes them with what was synced in the first STEPS steps alone. */
void replay_make_synced(const char *folder, size_t steps);

/*
 * Makes them with what was synced in the first STEPS steps, and of the other steps each lost, or
 * done, or torn: of a write each sector of 512 bytes for itself. What is new in the folder, renamed
 * or removed since the folder was synced may be so or not. SEED draws the lots.
 */
void replay_make_mixture(const char *folder, size_t steps, uint64_t seed);

/* Called by what stands in front of the C library's functions, once each has succeeded. */
void replay_note_write(int descriptor, const void *bytes, size_t length, long offset);
void replay_note_truncate(int descriptor, long length);
void replay_note_sync(int descriptor);
void replay_note_rename(const char *from, const char *to);
void replay_note_remove(const char *path);

#endif
