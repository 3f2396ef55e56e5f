/*
 * bus: the process that joins this machine's rooms to the others', where there is a bus.
 *
 * It alone speaks to NATS: one thread reads the stream (bus/reader.h), the other one publishes
 * (bus/publisher.h). No client's connection depends on it. When it ends, the master starts another,
 * which reads on from where it was. While the stream is away it is tried again and again; people
 * are told when that has lasted two seconds (chat/cut.h).
 */
#ifndef SERVER_PROCESS_BUS_H
#define SERVER_PROCESS_BUS_H

/* The process's whole life: returns its exit status. START is a worker_start. */
int bus_run(void *start);

#endif
