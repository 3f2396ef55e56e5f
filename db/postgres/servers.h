/*
 * postgres_servers: which servers are at work on the database, and what others changed there.
 *
 * Each server has a lease, by the database's clock, that it renews with its looks. One whose lease
 * is over is gone: what is tied to its connections lapses, whichever server comes to it.
 */
#ifndef DB_POSTGRES_SERVERS_H
#define DB_POSTGRES_SERVERS_H

#include "db/postgres/handle.h"

/* A lease for SERVER; true if no other has one. False, too, when it fails. */
bool postgres_serve(struct store *base, uint32_t server);

/* Renews it, and looks: who else has one, and whether anything changed. */
enum store_result postgres_renew(struct store *base, uint32_t server);

/* By the leases as they are now, or were at the last look. */
bool postgres_is_served_by(struct store *base, uint32_t server);
uint64_t postgres_servers(struct store *base);

bool postgres_changed_elsewhere(struct store *base);

/* At the opening: what is there now is no change. */
bool postgres_first_look(struct postgres_store *store);

#endif
