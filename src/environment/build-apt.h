/* SPDX-License-Identifier: MIT */
/*
 * Between the files that run the host's apt.
 */
#ifndef SR_ENVIRONMENT_BUILD_APT_H
#define SR_ENVIRONMENT_BUILD_APT_H

#include "environment/build.h"

/* Where a layer says, as dpkg's status does, what was left out of it and of those below. */
#define SR_DROPPED "usr/lib/sandrun/dropped"

/* What apt complained of, as an error "cannot WHAT: ..." with a mend. Returns a negative errno. */
int apt_explain(struct build *b, const char *what, struct sr_error *err);
/* Fetches the .debs that are kept and not yet in the cache; whatever is used has the digest that the signed lists name. */
int apt_download(struct build *b, struct sr_error *err);

#endif
