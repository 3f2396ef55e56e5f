/*
 * experiments: the list of all of them; lab.c has a row for each.
 *
 * An experiment is one function. Its facts are counts, orders and states; a time is only ever
 * compared with a much longer one, so that they hold on a busy machine, too. It ends all the
 * processes that it starts.
 */
#ifndef CLIENT_LAB_EXPERIMENTS_H
#define CLIENT_LAB_EXPERIMENTS_H

struct lab;

/* process.c */
void lab_process(struct lab *lab);
void lab_isolation(struct lab *lab);
void lab_daemon(struct lab *lab);
void lab_zombie(struct lab *lab);
void lab_orphan(struct lab *lab);

/* start_methods.c */
void lab_start_methods(struct lab *lab);
/* What `turnstile lab --spawned DESCRIPTOR` does: start-methods starts itself so. */
int lab_spawned(int descriptor);

/* speed.c */
void lab_serial_or_parallel(struct lab *lab);
void lab_cpu_or_io(struct lab *lab);
void lab_counter(struct lab *lab);

/* sharing.c */
void lab_false_sharing(struct lab *lab);

/* coroutine.c */
void lab_coroutine(struct lab *lab);

/* limit.c */
void lab_limit(struct lab *lab);

/* pool.c */
void lab_pool(struct lab *lab);
void lab_callback(struct lab *lab);

/* manager.c */
void lab_manager(struct lab *lab);

/* lock.c */
void lab_lock(struct lab *lab);
void lab_rlock(struct lab *lab);
void lab_semaphore(struct lab *lab);

/* deadlock.c */
void lab_deadlock(struct lab *lab);

/* starvation.c */
void lab_starvation(struct lab *lab);

/* signal.c */
void lab_event(struct lab *lab);
void lab_condition(struct lab *lab);
void lab_barrier(struct lab *lab);

/* queue.c */
void lab_queue(struct lab *lab);
void lab_joinable_queue(struct lab *lab);
void lab_producer_consumer(struct lab *lab);

/* pipe.c */
void lab_pipe(struct lab *lab);
void lab_serialize(struct lab *lab);

/* tickets.c */
void lab_tickets(struct lab *lab);

/* network.c */
void lab_echo(struct lab *lab);

#endif
