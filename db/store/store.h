/*
 * store: a handle on a store, its lock and its transactions, whatever kind of store it is.
 *
 * What is in a store: events and tickets (tickets.h), what is kept of chat (chat.h), and which
 * batch of each server was committed last (batches.h); all of it changes within transactions of
 * this handle. db/open.h opens one. Beside the store's file lies its lock file (lock_file.h): every
 * write, checkpoint and closing of a handle happens under that lock, here and in every other
 * process that opens the store. A handle belongs to one thread of one process and is not carried
 * across a fork. What can fail says so by store_result; after STORE_FAILED the transaction is gone,
 * and the handle is to be closed and opened anew before it is trusted again.
 *
 * The order of calls: store_take, store_begin, any reads and changes, store_commit (or
 * store_rollback), store_tend, store_give. The rules of selling are not here: see booking.h.
 */
#ifndef DB_STORE_STORE_H
#define DB_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "db/store/needs.h"
#include "db/store/records.h"
#include "shared/base/siphash.h"
#include "shared/sync/mutex.h"

/* Closes the handle, under the lock. NULL is fine. */
void store_close(struct store *store);

/* The lock beside the store: to look who holds it, and how long. Its memory stays mapped. */
struct mutex *store_mutex(struct store *store);

/*
 * Takes the lock, waiting TIMEOUT_NS at most, and what its last holder left undone is put in order;
 * false if it could not be had. store_give gives it back.
 */
bool store_take(struct store *store, int64_t timeout_ns);
void store_give(struct store *store);

/*
 * Why the last store_take or store_begin failed, where it failed only since somebody else has the
 * store: nothing is wrong with the handle then, and it is to be tried again. STORE_FREE: for
 * another reason, or not at all.
 */
enum store_hindrance store_hindrance(const struct store *store);

/*
 * Whether what can wait should not be written now: there is room for so much until a reader ends,
 * and sales need it.
 */
bool store_is_pressed(const struct store *store);

/*
 * Whether the files that this handle has open still have their names; if not, store_error says
 * which has not. A commit looks, too: what went into a file without a name would be lost.
 */
bool store_is_in_place(struct store *store);

/*
 * Whether the store is the faster for knowing what a transaction will need; and what the next one
 * will, which is to stay as it is until that is over. Who does not tell sees, where other machines
 * change the store meanwhile, all of one moment, and may have to try again.
 */
bool store_asks_needs(const struct store *store);
void store_foresee(struct store *store, const struct store_needs *needs);

/*
 * A transaction, with the lock held. After a failed commit nothing of it is in the store, unless
 * store_is_unclear: then who opens the store anew, now or after a crash, finds all of it or
 * nothing.
 */
enum store_result store_begin(struct store *store);
enum store_result store_commit(struct store *store);
bool store_is_unclear(const struct store *store);
void store_rollback(struct store *store);

/* Whether the transaction under way has changed anything: if not, there is nothing to commit. */
bool store_has_changes(const struct store *store);

/*
 * With the lock held and no transaction under way: what keeps the store in shape (checkpoints), if
 * it is time for it.
 */
enum store_result store_tend(struct store *store);

/* What went wrong last on this handle, for a log: one line, the store's to keep. */
const char *store_error(const struct store *store);

/*
 * Notes that this process serves the store as SERVER, until it has ended. True if nobody else does:
 * then what the store holds of connections (tied holds) is of servers that are gone. With the lock
 * held; once a process.
 */
bool store_serve(struct store *store, uint32_t server);

/*
 * Says once more that SERVER does, where others know it by that alone: to be called each second,
 * with the lock held and no transaction under way.
 */
enum store_result store_renew(struct store *store, uint32_t server);

/* Whether that server still does; and a number that is another one when a server came or went. */
bool store_is_served_by(struct store *store, uint32_t server);
uint64_t store_servers(struct store *store);

/* The key from which this store's ticket codes are made; with the first of them it is fixed. */
const struct siphash_key *store_code_key(const struct store *store);

/*
 * Gives a store that has no tickets yet another's key, so that its tickets keep their codes. With
 * the lock held and no transaction under way.
 */
enum store_result store_set_code_key(struct store *store, const struct siphash_key *key);

/*
 * The store's wall time, by which holds end for all who have it open, as of the begin of the
 * transaction; LOCAL_NS, this machine's, where it has no clock of its own.
 */
int64_t store_wall_ns(const struct store *store, int64_t local_ns);

/*
 * Whether the store tells by itself when others write to it; and whether it has, since it was asked
 * last. Costs no waiting.
 */
bool store_tells(const struct store *store);
bool store_was_told(struct store *store);

/*
 * Whether another process wrote to the store since this handle last looked (by this call). A cheap
 * question; needs the lock.
 */
bool store_changed_elsewhere(struct store *store);

#endif
