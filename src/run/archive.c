/* SPDX-License-Identifier: MIT */
#include "run/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "archive/protocol.h"
#include "base/fd.h"
#include "base/io.h"
#include "base/str.h"
#include "run/filecopy.h"
#include "run/helper.h"

#define STAGE "archive"

int archive_find(char **ret_path, struct sr_error *err)
{
	SR_AUTOFREE char *path = NULL;
	int r = helper_find(SR_ARCHIVE_PROGRAM, &path);

	if (!path)
		return sr_error_oom(err, STAGE);
	if (r < 0) {
		(void)sr_error_set(err, SR_E_OUTPUT, -r, STAGE, "cannot write an archive: the program " SR_ARCHIVE_PROGRAM
				   " is missing");
		sr_error_hint(err, "install it as %s, or take the files out with -O DIR", path);
		return r;
	}
	*ret_path = SR_TAKE_PTR(path);
	return 0;
}

int archive_start(struct sr_archive *a, const char *program, int out_fd, struct sr_error *err)
{
	SR_AUTOCLOSE int in = -1, ours = -1, words = -1, words_end = -1;
	char *const argv[] = { (char[]){ SR_ARCHIVE_PROGRAM }, NULL };
	char *const envp[] = { NULL };
	int pair[2], line[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return sr_error_set(err, SR_E_OUTPUT, errno, STAGE, "cannot start %s: %s", program, strerror(errno));
	ours = pair[0];
	in = pair[1];
	if (pipe2(line, O_CLOEXEC) < 0)
		return sr_error_set(err, SR_E_OUTPUT, errno, STAGE, "cannot start %s: %s", program, strerror(errno));
	words = line[0];
	words_end = line[1];
	r = helper_start(program, argv, envp, (const int[3]){ in, out_fd, words_end }, &a->pid);
	if (r < 0)
		return sr_error_set(err, SR_E_OUTPUT, -r, STAGE, "cannot start %s: %s", program, strerror(-r));
	a->socket_fd = SR_TAKE_FD(ours);
	a->words_fd = SR_TAKE_FD(words);
	return 0;
}

int archive_file(struct sr_archive *a, const char *name, uint64_t bytes)
{
	const struct sr_archive_record record = {
		.magic = SR_ARCHIVE_MAGIC,
		.name_len = (uint32_t)strlen(name),
		.bytes = bytes,
	};
	int r = filecopy_send(a->socket_fd, &record, sizeof(record));

	return r < 0 ? r : filecopy_send(a->socket_fd, name, record.name_len);
}

int archive_finish(struct sr_archive *a, struct sr_error *err)
{
	const struct sr_archive_record end = { .magic = SR_ARCHIVE_MAGIC };
	char words[512], shown[512];
	ssize_t n;

	(void)filecopy_send(a->socket_fd, &end, sizeof(end)); /* a program that is gone has said why */
	fd_close(&a->socket_fd);
	n = io_read_full(a->words_fd, words, sizeof(words) - 1);
	fd_close(&a->words_fd);
	if (n == (ssize_t)sizeof(words) - 1)
		(void)kill(a->pid, SIGKILL); /* it talks too much to be ours; not yet reaped, so the id is its own */
	helper_reap(&a->pid);
	words[n < 0 ? 0 : n] = '\0';
	if (strcmp(words, SR_ARCHIVE_DONE) == 0)
		return 0;
	words[strcspn(words, "\n")] = '\0';
	(void)sr_error_set(err, SR_E_OUTPUT, EIO, STAGE, "cannot write the archive: %s",
			   *words ? str_escape(words, shown, sizeof(shown)) : SR_ARCHIVE_PROGRAM " failed without a word");
	sr_error_hint(err, "nothing was written; -O DIR brings the files out without an archive");
	return -EIO;
}

void archive_abort(struct sr_archive *a)
{
	fd_close(&a->socket_fd);
	fd_close(&a->words_fd);
	helper_end(&a->pid);
}
