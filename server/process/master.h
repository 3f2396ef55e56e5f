/*
 * master: the process that opens the ports, starts the workers and keeps them going.
 *
 * It reads no byte that a client sent and opens no store while workers run, so nothing that a
 * client does can break it. It notices a worker's end through its pidfd, reaps it, hands on what it
 * had not taken, and starts another; one that does not even become useful is started again after a
 * pause that doubles. One that hangs is killed.
 */
#ifndef SERVER_PROCESS_MASTER_H
#define SERVER_PROCESS_MASTER_H

#include "server/config/options.h"
#include "server/process/takeover.h"

/*
 * The server's whole life: returns its exit status. OPTIONS must outlive it, and change when they
 * are read once more from what ARGC and ARGV say, with which the program was started. TAKEOVER:
 * from another master (takeover.h); or NULL.
 */
int master_run(struct options *options, int argc, char **argv, struct takeover *takeover);

#endif
