/* SPDX-License-Identifier: MIT */
/*
 * One direction of the payload's standard streams: read, hash, write on, byte for byte. A buffer of its own: nothing more
 * is read before the last byte went out, so a slow reader slows the payload and never the supervisor.
 * Not for use outside run/.
 */
#ifndef SR_RUN_STREAM_H
#define SR_RUN_STREAM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "evidence/measure.h"
#include "run/outcome.h"

struct sr_stream {
	int from, to;          /* -1: closed on that side. Borrowed or owned as `owns_*` says */
	bool owns_from, owns_to;
	int watch;             /* polled in place of `from`, -1: none. See open_input() in supervise.c */
	bool from_is_socket;   /* recv(2) and send(2) with MSG_DONTWAIT instead of read(2) and write(2) */
	bool to_is_socket;
	bool to_blocks;        /* no descriptor of our own for it: at most PIPE_BUF bytes after POLLOUT (pipe(7)) */
	bool paused;           /* do not read now */
	bool present;
	bool truncated;
	bool grow;             /* enlarge the pipe once it turns out to be busy */
	int error;             /* errno of a destination that failed for another reason than a vanished reader */
	uint64_t *budget;      /* bytes that may still be accepted; shared by stdout and stderr; NULL: no limit */
	char *buf;             /* made at first use */
	size_t size;           /* of it */
	size_t start, len;
	const char *role;      /* outcome.h; NULL: not recorded */
	struct sr_measure measure;
	bool is_locked;        /* a private one's buffer: see secret_alloc() */
	uint64_t accepted;     /* bytes read and hashed */
	uint64_t written;
};

enum stream_event {
	STREAM_OK,
	STREAM_LIMIT, /* the budget is used up */
};

void stream_init(struct sr_stream *s, int from, int to);
/* From the first byte on it is recorded by a commitment, and its buffer is wiped. After stream_init(). */
void stream_private(struct sr_stream *s, const struct sr_salt *salt, const char *role);
/* Preloads the buffer (a program that is standard input); data is copied. 0 or -ENOMEM. */
int stream_preload(struct sr_stream *s, const void *data, size_t len);
/* Fills up to two entries; returns how many. revents are handed back to stream_step(). */
unsigned stream_poll(const struct sr_stream *s, struct pollfd *fds);
/* Moves what can be moved without blocking. */
enum stream_event stream_step(struct sr_stream *s, const struct pollfd *fds, unsigned count);
/* True when nothing will come any more and nothing is left to write. */
bool stream_finished(const struct sr_stream *s);
void stream_close(struct sr_stream *s);
void stream_result(struct sr_stream *s, struct sr_stream_result *ret);

#endif
