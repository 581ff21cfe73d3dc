/* SPDX-License-Identifier: MIT */
/*
 * Between sandrun and sandrun-scope: its argument is the scope's name without ".scope"; standard input brings one line, the
 * ids of two processes to put in; standard output gets one line, SR_SCOPE_DONE or why not.
 */
#ifndef SR_SCOPE_PROTOCOL_H
#define SR_SCOPE_PROTOCOL_H

#define SR_SCOPE_PROGRAM "sandrun-scope"
#define SR_SCOPE_DONE "done"

#endif
