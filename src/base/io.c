/* SPDX-License-Identifier: MIT */
#include "base/io.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/macros.h"

int io_write_full(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

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

ssize_t io_read_full(int fd, void *buf, size_t len)
{
	char *p = buf;
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, p + done, len - done);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int io_read_all(int fd, size_t max, char **ret_data, size_t *ret_len)
{
	SR_AUTOFREE char *data = NULL;
	size_t size = 0, len = 0;

	for (;;) {
		ssize_t n;

		if (len + 1 >= size) {
			size_t want = size ? size * 2 : 16384;
			char *bigger = realloc(data, want);

			if (!bigger)
				return -ENOMEM;
			data = bigger;
			size = want;
		}
		n = io_read_full(fd, data + len, size - len - 1);
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
	}
	data[len] = '\0';
	*ret_data = SR_TAKE_PTR(data);
	*ret_len = len;
	return 0;
}
