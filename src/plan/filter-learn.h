/* SPDX-License-Identifier: MIT */
/*
 * --learn: the payload's filter made over so that a refusal asks the supervisor (SECCOMP_RET_USER_NOTIF) where the ordinary
 * filter answers an errno, and a small machine for classic BPF, by which the supervisor finds out that errno: the ordinary
 * filter's own bytes say it, so a program sees the same with and without --learn.
 * Rests on seccomp(2), seccomp_unotify(2).
 */
#ifndef SR_PLAN_FILTER_LEARN_H
#define SR_PLAN_FILTER_LEARN_H

#include <linux/seccomp.h>

#include "plan/filter.h"

/* What the filter answers to a call: SECCOMP_RET_* with its data. KILL_PROCESS for a program that is none. */
uint32_t filter_answer(const struct sr_filter *f, const struct seccomp_data *data);

/*
 * Every RET_ERRNO with an errno in it becomes RET_USER_NOTIF. In front stands one refusal more: the payload may not make a
 * listener of its own. The kernel refuses a second one anyway (EBUSY), but only while sandrun's is open; were sandrun
 * killed, a payload with a listener could answer its own notifications with "go on" before the sandbox is dead.
 */
int filter_learn(const struct sr_filter *ordinary, struct sr_filter *ret, struct sr_error *err);

/* The flags of seccomp(2) for a filter with a listener that this kernel knows; error where it has none (before Linux 5.0). */
int filter_listener_flags(unsigned *ret, struct sr_error *err);

#endif
