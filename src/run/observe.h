/* SPDX-License-Identifier: MIT */
/*
 * What the supervisor sees of a sandbox from outside, in /proc: namespaces before the child makes itself undumpable,
 * no_new_privs, capability sets and the filter of the payload once it runs. The certificate's `enforced` says "observed" of
 * these (finding 19); a layer that is seen to be missing ends the run before or at its first breath.
 */
#ifndef SR_RUN_OBSERVE_H
#define SR_RUN_OBSERVE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

enum sr_namespace { SR_NS_USER, SR_NS_PID, SR_NS_MOUNT, SR_NS_NETWORK, SR_NS_IPC, SR_NS_UTS, SR_NS_CGROUP, SR_NS_MAX };

struct sr_observed {
	bool namespaces_seen;       /* /proc showed them all, and each is another than ours */
	bool status_seen;           /* of the payload, or where that had ended already, of PID 1, whose sets it inherited */
	bool payload_seen;          /* it was the payload's: seccomp is its filter's mode */
	int no_new_privs, seccomp;
	char cap_inh[17], cap_prm[17], cap_eff[17], cap_bnd[17], cap_amb[17]; /* 16 hex digits */
	char uid_map[48], gid_map[48]; /* "1000 1003 1"; "" when not seen */
};

/* "user", "pid", ... as the certificate names them. */
const char *observe_namespace_name(enum sr_namespace ns);

/*
 * Compares the child's namespaces with this process'. 0 also where /proc does not show them (namespaces_seen stays false);
 * -EPERM with E_NAMESPACE for one that both share.
 */
int observe_namespaces(pid_t init, struct sr_observed *ret, struct sr_error *err);
/* The id maps, once they are written, and the status lines. E_SECCOMP or E_SETUP for a layer that is not there. */
int observe_payload(pid_t init, struct sr_observed *ret, struct sr_error *err);

#endif
