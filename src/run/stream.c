/* SPDX-License-Identifier: MIT */
#include "run/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"

#define BUFFER_BYTES ((size_t)256 << 10)
#define FIRST_BYTES 4096U /* most streams bring less, or nothing: a quarter of a megabyte is not mapped for them */
#define BUSY_PIPE_BYTES (1 << 20)

void stream_init(struct sr_stream *s, int from, int to)
{
	memset(s, 0, sizeof(*s));
	s->from = from;
	s->to = to;
	s->watch = -1;
	s->present = from >= 0;
	measure_plain(&s->measure);
}

void stream_private(struct sr_stream *s, const struct sr_salt *salt, const char *role)
{
	s->role = role;
	measure_private(&s->measure, salt, role, role);
}

/* A private one's is large from the start: growing would leave copies behind. */
static int make_buffer(struct sr_stream *s, size_t size)
{
	bool is_private = s->measure.is_private;
	char *bigger;

	if (s->buf && s->size >= size)
		return 0;
	if (is_private && size < BUFFER_BYTES)
		size = BUFFER_BYTES;
	bigger = is_private ? secret_alloc(size, &s->is_locked) : realloc(s->buf, size);
	if (!bigger)
		return -ENOMEM;
	if (is_private)
		secret_free(s->buf); /* there is none, or it is empty: see stream_preload() */
	s->buf = bigger;
	s->size = size;
	return 0;
}

int stream_preload(struct sr_stream *s, const void *data, size_t len)
{
	if (make_buffer(s, len > BUFFER_BYTES ? len : BUFFER_BYTES) < 0)
		return -ENOMEM;
	memcpy(s->buf, data, len);
	s->start = 0;
	s->len = len;
	s->present = true;
	s->accepted = len;
	measure_update(&s->measure, data, len);
	return 0;
}

static void close_from(struct sr_stream *s)
{
	if (s->owns_from)
		fd_close(&s->from);
	s->from = -1;
}

static void close_to(struct sr_stream *s)
{
	if (s->owns_to)
		fd_close(&s->to);
	s->to = -1;
}

void stream_close(struct sr_stream *s)
{
	close_from(s);
	close_to(s);
	if (s->measure.is_private)
		secret_free(s->buf);
	else
		free(s->buf);
	s->buf = NULL;
	s->len = 0;
}

unsigned stream_poll(const struct sr_stream *s, struct pollfd *fds)
{
	if (s->to >= 0 && s->len > 0) {
		fds[0] = (struct pollfd){ .fd = s->to, .events = POLLOUT };
		return 1;
	}
	if (s->from >= 0 && s->len == 0 && !s->paused) {
		fds[0] = (struct pollfd){ .fd = s->watch >= 0 ? s->watch : s->from, .events = POLLIN };
		return 1;
	}
	return 0;
}

/* The reader is gone, or the destination refuses: the payload must see that too, as it would see it outside. */
static void destination_lost(struct sr_stream *s, int errnum)
{
	if (errnum != EPIPE && errnum != ECONNRESET)
		s->error = errnum;
	s->len = 0;
	close_to(s);
	close_from(s);
}

/*
 * One write that does not block. A pipe that could not be opened anew is asked not to wait this once (RWF_NOWAIT, pipes
 * since Linux 6.4); where that is not known, PIPE_BUF bytes after POLLOUT do not block either, pipe(7).
 */
static ssize_t put(struct sr_stream *s)
{
	struct iovec iov = { .iov_base = s->buf + s->start, .iov_len = s->len };
	ssize_t n;

	if (s->to_is_socket)
		return send(s->to, iov.iov_base, iov.iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (!s->to_blocks)
		return write(s->to, iov.iov_base, iov.iov_len);
	n = (ssize_t)syscall(SYS_pwritev2, s->to, &iov, 1, -1L, -1L, 8 /* RWF_NOWAIT */);
	if (n >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL && errno != ESPIPE && errno != EPERM))
		return n;
	return write(s->to, iov.iov_base, iov.iov_len > PIPE_BUF ? PIPE_BUF : iov.iov_len);
}

static void write_some(struct sr_stream *s)
{
	while (s->len > 0 && s->to >= 0) {
		ssize_t n = put(s);

		if (n < 0) {
			if (errno == EAGAIN)
				return;
			if (errno == EINTR)
				continue;
			destination_lost(s, errno);
			return;
		}
		s->start += (size_t)n;
		s->len -= (size_t)n;
		s->written += (uint64_t)n;
		if (s->to_blocks)
			return; /* one piece for each POLLOUT */
	}
	if (s->len == 0 && s->from < 0)
		close_to(s); /* end of file for whoever reads */
}

/* A pipe that was found full once is worth a larger one: fewer switches between payload and pump. */
static void grow_pipe(struct sr_stream *s)
{
	s->grow = false;
	(void)fcntl(s->from, F_SETPIPE_SZ, BUSY_PIPE_BYTES); /* EPERM past the user's pipe pages: stays as it is */
	(void)fcntl(s->to, F_SETPIPE_SZ, BUSY_PIPE_BYTES);   /* EBADF where it is no pipe */
}

static void end_of_file(struct sr_stream *s)
{
	close_from(s);
	if (s->len == 0)
		close_to(s);
}

static enum stream_event read_some(struct sr_stream *s)
{
	enum stream_event event = STREAM_OK;
	char first[FIRST_BYTES], *to = first;
	size_t size = sizeof(first);
	ssize_t n;

	if (s->measure.is_private && make_buffer(s, BUFFER_BYTES) < 0) { /* nothing of it on the stack */
		destination_lost(s, ENOMEM);
		return STREAM_OK;
	}
	if (s->buf) {
		to = s->buf;
		size = s->size;
	}
	n = s->from_is_socket ? recv(s->from, to, size, MSG_DONTWAIT) : read(s->from, to, size);
	if (n < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return STREAM_OK;
		n = 0; /* EIO: the last slave of a pty is closed, or a terminal hung up */
	}
	if (n == 0) {
		end_of_file(s);
		return STREAM_OK;
	}
	/* whoever fills what there was gets the whole; what is in a buffer that is there stays when it grows */
	if (make_buffer(s, (size_t)n == size ? BUFFER_BYTES : FIRST_BYTES) < 0) {
		destination_lost(s, ENOMEM);
		return STREAM_OK;
	}
	if (to == first)
		memcpy(s->buf, first, (size_t)n);
	if (s->budget) {
		if ((uint64_t)n > *s->budget) {
			n = (ssize_t)*s->budget;
			s->truncated = true;
			event = STREAM_LIMIT;
		}
		*s->budget -= (uint64_t)n;
	}
	s->start = 0;
	s->len = (size_t)n;
	s->accepted += (uint64_t)n;
	if (s->grow && n >= 65536)
		grow_pipe(s);
	if (!s->to_blocks)
		write_some(s); /* first on its way, then hashed: the reader works meanwhile */
	measure_update(&s->measure, s->buf, (size_t)n);
	return event;
}

enum stream_event stream_step(struct sr_stream *s, const struct pollfd *fds, unsigned count)
{
	if (count == 0 || fds[0].revents == 0)
		return STREAM_OK;
	if (s->len > 0) {
		write_some(s);
		return STREAM_OK;
	}
	if (!(fds[0].revents & POLLIN) && (fds[0].revents & POLLHUP)) { /* nothing is left in it: no need for a buffer */
		end_of_file(s);
		return STREAM_OK;
	}
	return read_some(s);
}

bool stream_finished(const struct sr_stream *s)
{
	return s->from < 0 && (s->len == 0 || s->to < 0);
}

void stream_result(struct sr_stream *s, struct sr_stream_result *ret)
{
	ret->present = s->present;
	ret->truncated = s->truncated;
	ret->bytes = s->accepted;
	ret->role = s->role;
	ret->is_private = s->measure.is_private;
	measure_final_hex(&s->measure, ret->hex);
}
