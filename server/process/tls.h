/*
 * tls: the process that does TLS, where there are TLS listeners.
 *
 * It accepts from them by itself, and it alone has the key's bytes. The plain end of each
 * connection goes to the master, which hands it to a worker as any other socket. When this process
 * ends, its connections do; the master starts another.
 */
#ifndef SERVER_PROCESS_TLS_H
#define SERVER_PROCESS_TLS_H

/* The process's whole life: returns its exit status. START is a worker_start. */
int tls_run(void *start);

#endif
