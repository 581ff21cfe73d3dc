/* SPDX-License-Identifier: MIT */
/*
 * Why a machine refuses what a sandbox needs, and the exact mend. One table for the messages of a run that fails and for
 * `sandrun doctor`, so that both name the same cause. Looked at only after a failure: nothing here costs a run anything.
 *
 * The step that a mend leaves to root is written behind MEND_ROOT; no other mend holds these words.
 */
#ifndef SR_RUN_MEND_H
#define SR_RUN_MEND_H

#include <stdbool.h>

#define MEND_ROOT "as root: "

enum mend_id {
	MEND_NONE,
	MEND_NESTED,
	MEND_APPARMOR,
	MEND_USERNS_CLONE,
	MEND_USERNS_MAX,
	MEND_USERNS_USED_UP,
	MEND_USERNS_KERNEL,
	MEND_CHROOT,
	MEND_UNMAPPED,
	MEND_CONTAINER,
	MEND_FILTER,
	MEND_SECURITY_MODULE,
	MEND_KERNEL,
	MEND_PROC_MASKED,
	MEND_PROC_MISSING,
	MEND_MAX
};

/* The text of a row, never NULL; "" for MEND_NONE. */
const char *mend_text(enum mend_id id);
/* Whether the mend is for root to do. */
bool mend_needs_root(const char *text);

/* Why no new namespaces could be made: clone(2) answered errnum. */
enum mend_id mend_for_clone(int errnum);
/*
 * Why the first use of a right in a fresh user namespace failed. AppArmor on Ubuntu lets the namespace be made and takes
 * every right in it away.
 */
enum mend_id mend_for_rights(int errnum);
/* Why a call was refused that a sandbox may make: EPERM, EACCES and ENOSYS have general causes, others MEND_NONE. */
enum mend_id mend_for_refusal(int errnum);

#endif
