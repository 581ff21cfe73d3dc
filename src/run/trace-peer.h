/* SPDX-License-Identifier: MIT */
/*
 * Addresses of sockets for the trace: as a program gave them, or as the socket itself has them.
 */
#ifndef SR_RUN_TRACE_PEER_H
#define SR_RUN_TRACE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SR_TRACE_ADDRESS 128

struct trace_peer {
	uint8_t address[SR_TRACE_ADDRESS]; /* struct sockaddr_* */
	size_t length;                     /* 0: none */
};

/* The process's descriptor, once more as ours (pidfd_getfd(2), Linux 5.6); the caller closes it. -1 where that cannot be. */
int trace_copy_fd(pid_t tgid, int fd);

/* From the thread's memory: another thread may have changed it since the kernel read it. */
void trace_peer_claimed(pid_t tid, uint64_t address, uint64_t length, struct trace_peer *ret);
/* Of the process's descriptor, getpeername(2) or with `own` getsockname(2). False where it has none or cannot be asked. */
bool trace_peer_of(pid_t tgid, int fd, bool own, struct trace_peer *ret);

struct sr_tracelog;
/* The fields of it: family, and address with port, path, or abstract. cwd: where a relative path begins, or NULL. */
void trace_peer_write(struct sr_tracelog *log, const struct trace_peer *peer, const char *cwd);

#endif
