/* SPDX-License-Identifier: MIT */
#include "run/filecopy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/io.h"

#define HOLE_BLOCK 4096U

int filecopy_send(int socket_fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = send(socket_fd, p, len, MSG_NOSIGNAL);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static bool is_zero(const char *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* Writes with holes: runs of zero blocks are seeked over. The caller sets the final size. */
static int write_sparse(int fd, const char *p, size_t len)
{
	while (len > 0) {
		size_t n = len < HOLE_BLOCK ? len : HOLE_BLOCK;
		int r = 0;

		if (is_zero(p, n)) {
			if (lseek(fd, (off_t)n, SEEK_CUR) < 0)
				return -errno;
		} else {
			r = io_write_full(fd, p, n);
		}
		if (r < 0)
			return r;
		p += n;
		len -= n;
	}
	return 0;
}

static int put(const struct sr_filecopy *c, size_t len)
{
	int r = 0;

	if (c->dst_fd >= 0)
		r = c->sparse ? write_sparse(c->dst_fd, c->buffer, len) : io_write_full(c->dst_fd, c->buffer, len);
	if (r == 0 && c->socket_fd >= 0)
		r = filecopy_send(c->socket_fd, c->buffer, len);
	return r;
}

char *filecopy_buffer(bool is_private)
{
	bool is_locked;

	return is_private ? secret_alloc(SR_FILECOPY_BUFFER, &is_locked) : malloc(SR_FILECOPY_BUFFER);
}

void filecopy_buffer_free(char *buffer, bool is_private)
{
	if (is_private)
		secret_free(buffer);
	else
		free(buffer);
}

static int copy_bytes(int src_fd, struct sr_filecopy *c)
{
	for (;;) {
		ssize_t n = read(src_fd, c->buffer, SR_FILECOPY_BUFFER);
		int r;

		if (n < 0) {
			if (errno == EINTR)
				continue;
			c->is_source = true;
			return -errno;
		}
		if (n == 0)
			break;
		if ((uint64_t)n > c->max - c->bytes) {
			c->is_source = true;
			return -EFBIG;
		}
		measure_update(c->measure, c->buffer, (size_t)n);
		r = put(c, (size_t)n);
		if (r < 0)
			return r;
		c->bytes += (uint64_t)n;
	}
	if (c->sparse && c->dst_fd >= 0 && ftruncate(c->dst_fd, (off_t)c->bytes) < 0)
		return -errno;
	return 0;
}

int filecopy(int src_fd, struct sr_filecopy *c)
{
	int r;

	c->bytes = 0;
	c->is_source = false;
	r = copy_bytes(src_fd, c);
	measure_final_hex(c->measure, c->hex);
	if (r < 0)
		c->hex[0] = '\0';
	return r;
}
