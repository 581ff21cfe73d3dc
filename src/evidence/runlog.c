/* SPDX-License-Identifier: MIT */
#include "evidence/runlog.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

/* Fixed places make the common read cheap: every value but the counter and the time has one length. */
#define COUNTER_MAX ((1LL << 53) - 2) /* the next one must be a number that every reader of JSON has */
#define RECORD "{\"at\":%" PRId64 ",\"counter\":%" PRIu64 ",\"digest\":\"%s\",\"id\":\"%s\"}"

static int format(uint64_t counter, int64_t at, const char *id, const char *digest, char out[static SR_RUNLOG_RECORD + 1])
{
	int n = snprintf(out, SR_RUNLOG_RECORD, RECORD, at, counter, digest, id);

	if (n < 0 || n >= SR_RUNLOG_RECORD)
		return -EOVERFLOW;
	memset(out + n, ' ', (size_t)(SR_RUNLOG_RECORD - 1 - n));
	out[SR_RUNLOG_RECORD - 1] = '\n';
	return 0;
}

static bool is_hex(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)s[i]) && (s[i] < 'a' || s[i] > 'f'))
			return false;
	}
	return strlen(s) == len;
}

/* "KEY" at *p, then decimal digits: there is one way to write a record, and format() has it. */
static bool number_after(const char **p, const char *key, int64_t *ret)
{
	size_t n = strlen(key);
	char *end;

	if (strncmp(*p, key, n) != 0 || !isdigit((unsigned char)(*p)[n]))
		return false;
	errno = 0;
	*ret = strtoll(*p + n, &end, 10);
	*p = end;
	return errno == 0;
}

static bool text_after(const char **p, const char *key, char *ret, size_t size)
{
	size_t n = strlen(key);

	if (strncmp(*p, key, n) != 0 || strlen(*p) < n + size - 1)
		return false;
	memcpy(ret, *p + n, size - 1);
	ret[size - 1] = '\0';
	*p += n + size - 1;
	return true;
}

int runlog_parse(const char line[static SR_RUNLOG_RECORD], struct sr_runlog_record *ret)
{
	char text[SR_RUNLOG_RECORD + 1], again[SR_RUNLOG_RECORD + 1];
	struct sr_runlog_record rec = { .counter = 0 };
	const char *p = text;
	int64_t counter;

	memcpy(text, line, SR_RUNLOG_RECORD);
	text[SR_RUNLOG_RECORD] = '\0';
	if (!number_after(&p, "{\"at\":", &rec.at) || !number_after(&p, ",\"counter\":", &counter) || counter < 1 || counter >= COUNTER_MAX ||
	    !text_after(&p, ",\"digest\":\"", rec.digest, sizeof(rec.digest)) || !is_hex(rec.digest, SR_DIGEST_HEX - 1) ||
	    !text_after(&p, "\",\"id\":\"", rec.run_id, sizeof(rec.run_id)))
		return -EBADMSG;
	rec.counter = (uint64_t)counter;
	if (format(rec.counter, rec.at, rec.run_id, rec.digest, again) < 0 || memcmp(line, again, SR_RUNLOG_RECORD) != 0)
		return -EBADMSG;
	*ret = rec;
	return 0;
}

int runlog_read(int fd, uint64_t index, struct sr_runlog_record *ret)
{
	char line[SR_RUNLOG_RECORD];
	ssize_t n = pread(fd, line, sizeof(line), (off_t)(index * SR_RUNLOG_RECORD));

	if (n < 0)
		return -errno;
	if (n == 0)
		return -ENOENT;
	return n == SR_RUNLOG_RECORD ? runlog_parse(line, ret) : -EBADMSG;
}

static int open_log(int state_fd, const char *name, struct stat *st)
{
	int fd = openat(state_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode) || st->st_uid != geteuid() || (st->st_mode & 022)) {
		(void)close(fd);
		return -EPERM;
	}
	return fd;
}

/* The newest record that can be read; what follows it was torn by a failure of the machine, and counts as numbers taken. */
static void find_last(struct sr_runlog *log, uint64_t records)
{
	struct sr_runlog_record last;

	for (uint64_t i = records; i > 0; i--) {
		if (runlog_read(log->fd, i - 1, &last) < 0)
			continue;
		log->damaged = log->damaged || i != records;
		log->counter = last.counter + (records - i) + 1;
		if (!log->damaged)
			memcpy(log->previous, last.digest, SR_DIGEST_HEX);
		return;
	}
	log->damaged = log->damaged || records > 0;
	log->counter = records + 1;
}

int runlog_begin(struct sr_runlog *log, int state_fd)
{
	struct stat st;
	uint64_t records;

	*log = (struct sr_runlog)SR_RUNLOG_INIT;
	log->fd = open_log(state_fd, SR_RUNLOG, &st);
	if (log->fd < 0)
		return log->fd;
	while (flock(log->fd, LOCK_EX) < 0) {
		if (errno != EINTR) {
			int e = errno;

			runlog_abandon(log);
			return -e;
		}
	}
	if (fstat(log->fd, &st) < 0) { /* its size now that nobody else writes */
		int e = errno;

		runlog_abandon(log);
		return -e;
	}
	records = (uint64_t)st.st_size / SR_RUNLOG_RECORD;
	if (st.st_size % SR_RUNLOG_RECORD) { /* a torn one counts, and its place is not used again */
		log->damaged = true;
		records++;
	}
	log->end = (off_t)(records * SR_RUNLOG_RECORD);
	find_last(log, records);
	return 0;
}

void runlog_abandon(struct sr_runlog *log)
{
	fd_close(&log->fd); /* and the lock goes with it */
}

static int write_record(int fd, off_t at, const char *line, bool durable)
{
	ssize_t n = pwrite(fd, line, SR_RUNLOG_RECORD, at);

	if (n != SR_RUNLOG_RECORD)
		return n < 0 ? -errno : -ENOSPC;
	return durable && fdatasync(fd) < 0 ? -errno : 0;
}

int runlog_commit(struct sr_runlog *log, const char *run_id, const char *digest, int64_t at, bool durable)
{
	char line[SR_RUNLOG_RECORD + 1];
	int r = format(log->counter, at, run_id, digest, line);

	if (r == 0)
		r = write_record(log->fd, log->end, line, durable);
	if (r < 0)
		(void)!ftruncate(log->fd, log->end); /* a full disk: nothing half-made stays */
	runlog_abandon(log);
	return r;
}

int runlog_end(int state_fd, uint64_t counter, const char *run_id, const char *digest, int64_t at, bool durable)
{
	char line[SR_RUNLOG_RECORD + 1];
	struct stat st;
	SR_AUTOCLOSE int fd = open_log(state_fd, SR_RUNLOG_ENDS, &st);
	int r = fd < 0 ? fd : format(counter, at, run_id, digest, line);

	if (r < 0)
		return r;
	/* the caller's signals wait while this does: not for ever, whoever holds it */
	for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; tries++) {
		const struct timespec pause = { .tv_nsec = 2000000 };

		if (errno != EINTR && (errno != EWOULDBLOCK || tries == 1000))
			return -errno;
		(void)nanosleep(&pause, NULL);
	}
	if (fstat(fd, &st) < 0)
		return -errno;
	return write_record(fd, (st.st_size + SR_RUNLOG_RECORD - 1) / SR_RUNLOG_RECORD * SR_RUNLOG_RECORD, line, durable);
}
