/* SPDX-License-Identifier: MIT */
/*
 * --learn: what was refused in a run, and by what (finding 23).
 *
 * Calls: the payload's filter asks instead of refusing; learn_answer() records the call and answers with exactly the errno
 * that the ordinary filter has for it. Never with SECCOMP_USER_NOTIF_FLAG_CONTINUE: whatever could be looked at, another
 * thread could change before the kernel looks.
 *
 * What is kept is bounded; the payload chooses names and arguments. Everything here is plain data for cli/learn.c.
 */
#ifndef SR_RUN_LEARN_H
#define SR_RUN_LEARN_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "plan/build.h"
#include "run/trace.h"

#define SR_LEARN_MAX 512 /* different calls kept apart */
#define SR_LEARN_PROGRAM SR_TRACE_PROGRAM

/* How the value of an argument is best shown. */
enum sr_learn_form { SR_LEARN_DECIMAL, SR_LEARN_HEX, SR_LEARN_FAMILY, SR_LEARN_TYPE, SR_LEARN_CLONE };

/* An argument that says what a call was about: no pointers, no descriptors. */
struct sr_learn_arg {
	int call; /* enum sr_syscall_id */
	uint8_t arg;
	uint8_t form; /* enum sr_learn_form */
	const char *name;
};

extern const struct sr_learn_arg sr_learn_args[];
extern const size_t sr_learn_arg_count;

struct sr_learned_call {
	int call;         /* enum sr_syscall_id; -1: not in the table */
	int number;
	int errnum;       /* what the program was answered */
	uint64_t args[6]; /* those of sr_learn_args; the others are 0 */
	char program[SR_LEARN_PROGRAM]; /* the thread's name; untrusted */
	uint64_t count;
};

struct sr_learn {
	const struct sr_plan_box *box;
	int listener;
	struct sr_learned_call calls[SR_LEARN_MAX];
	size_t call_count;
	uint64_t calls_lost;   /* refused like the others, but not kept apart */
	void *request, *reply; /* of the sizes that this kernel wants */
	size_t request_size, reply_size;
	struct sr_trace *trace;
	struct sr_trace_result traced; /* files and sockets; after learn_finish() */
};

/* A fresh one for the box's run, whose PID 1 stands at its first gate; or NULL with the error set. */
struct sr_learn *learn_new(pid_t init, const struct sr_plan_box *box, struct sr_error *err);
/* Takes the listener. */
int learn_take(struct sr_learn *l, int fd, struct sr_error *err);
/* For the supervisor's loop: fills at most one pollfd and returns how many (l may be NULL); then answers what came. */
nfds_t learn_poll(const struct sr_learn *l, struct pollfd *fd);
void learn_answer(struct sr_learn *l, const struct pollfd *fd);
/* The table's call of that number of this machine's architecture, or -1. */
int learn_call_of(int number);
/* The thread's name: what it gave itself, else its program's. It must stand still, so that its id is its own. */
void learn_program_of(pid_t tid, char out[static SR_LEARN_PROGRAM]);
/* When the sandbox is gone: `traced` is complete. */
void learn_finish(struct sr_learn *l);
void learn_free(struct sr_learn *l);

#endif
