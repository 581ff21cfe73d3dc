/* SPDX-License-Identifier: MIT */
/* One direction of a standard stream: bytes, order, limits, slow, vanished and refusing destinations, without blocking. */
#include "run/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../tap.h"
#include "base/fd.h"

#define EMPTY_HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct path {
	struct sr_stream s;
	int in;  /* what is written here ... */
	int out; /* ... comes out here */
};

static void make_pipe(int *ret_read, int *ret_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		_exit(1);
	*ret_read = fds[0];
	*ret_write = fds[1];
}

static void open_path(struct path *p)
{
	int from, to;

	make_pipe(&from, &p->in);
	make_pipe(&p->out, &to);
	stream_init(&p->s, from, to);
	p->s.owns_from = p->s.owns_to = true;
}

static void close_path(struct path *p)
{
	stream_close(&p->s);
	fd_close(&p->in);
	fd_close(&p->out);
}

/* One turn of a poll loop that waits for nothing. */
static enum stream_event turn(struct sr_stream *s)
{
	struct pollfd fds[2];
	unsigned n = stream_poll(s, fds);

	if (n)
		(void)poll(fds, n, 0);
	return stream_step(s, fds, n);
}

static void feed(struct path *p, const char *text)
{
	if (write(p->in, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(1);
}

/* What came out, as text. */
static const char *drained(struct path *p)
{
	static char buf[4096];
	ssize_t n = read(p->out, buf, sizeof(buf) - 1);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static void test_plain(void)
{
	struct sr_stream_result r;
	struct path p;

	open_path(&p);
	IS_INT(turn(&p.s), STREAM_OK, "nothing to do is no event");
	OK(!stream_finished(&p.s), "an open stream is not finished");
	feed(&p, "abc");
	(void)turn(&p.s);
	IS_STR(drained(&p), "abc", "bytes pass at once");
	fd_close(&p.in);
	(void)turn(&p.s);
	OK(stream_finished(&p.s), "finished at the end of file");
	char c;
	IS_INT(read(p.out, &c, 1), 0, "which is passed on");
	stream_result(&p.s, &r);
	OK(r.present && !r.truncated, "present and whole");
	IS_INT(r.bytes, 3, "bytes are counted");
	IS_STR(r.hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "and hashed");
	IS_INT(p.s.written, 3, "what was written is counted");
	close_path(&p);
}

/* A private one: the same bytes, a commitment, memory out of reach, and no key in the context afterwards. */
static void test_private(void)
{
	static const struct sr_commitment zero;
	struct sr_stream_result r;
	char want[SR_DIGEST_HEX];
	struct sr_salt salt;
	struct path p;

	IS_INT(salt_new(&salt), 0, "a salt");
	open_path(&p);
	stream_private(&p.s, &salt, "stdout");
	feed(&p, "abc");
	(void)turn(&p.s);
	IS_STR(drained(&p), "abc", "private bytes pass");
	OK(p.s.buf && p.s.size >= 256 << 10, "through a buffer that never grows, for growing would leave copies");
	fd_close(&p.in);
	(void)turn(&p.s);
	stream_result(&p.s, &r);
	commitment_item(&salt, "stdout", "stdout", "abc", 3, want);
	OK(r.is_private, "the result says so");
	IS_STR(r.hex, want, "and is the commitment");
	IS_STR(r.role, "stdout", "under its name");
	OK(memcmp(&p.s.measure.as.commitment, &zero, sizeof(zero)) == 0, "the key is wiped");
	close_path(&p);
	OK(!p.s.buf, "and the buffer gone");
	salt_free(&salt);
}

static void test_absent(void)
{
	struct sr_stream_result r;
	struct pollfd fds[2];
	struct sr_stream s;

	stream_init(&s, -1, -1);
	IS_INT(stream_poll(&s, fds), 0, "a stream that is not there is not polled");
	OK(stream_finished(&s), "and is finished");
	stream_result(&s, &r);
	OK(!r.present && r.bytes == 0, "and not present");
	IS_STR(r.hex, EMPTY_HEX, "its digest is that of nothing");
	stream_close(&s);
	stream_close(&s);
	OK(true, "closed twice");
}

/* 8 MB in changing pieces with a reader that takes odd amounts: same bytes, same digest, never more than is in buffers. */
static void test_many_bytes(void)
{
	const size_t total = (size_t)8 << 20;
	uint8_t *data = malloc(total), *back = malloc(total);
	char want[SR_DIGEST_HEX];
	struct sr_stream_result r;
	size_t in = 0, out = 0;
	uint32_t x = 1;
	struct path p;

	if (!data || !back)
		_exit(1);
	for (size_t i = 0; i < total; i++) {
		x = x * 1664525U + 1013904223U;
		data[i] = (uint8_t)(x >> 24);
	}
	open_path(&p);
	p.s.grow = true;
	for (unsigned round = 0; out < total && round < 1000000; round++) {
		size_t piece = (size_t)(round * 7919U % 70000U) + 1;
		ssize_t n;

		if (in < total) {
			n = write(p.in, data + in, piece < total - in ? piece : total - in);
			in += n > 0 ? (size_t)n : 0;
			if (in == total)
				fd_close(&p.in);
		}
		(void)turn(&p.s);
		if (round % 3 == 0) {
			n = read(p.out, back + out, piece < total - out ? piece : total - out);
			out += n > 0 ? (size_t)n : 0;
		}
	}
	OK(out == total && memcmp(data, back, total) == 0, "every byte in its place");
	stream_result(&p.s, &r);
	digest_hex(data, total, want);
	IS_STR(r.hex, want, "with the digest of the whole");
	IS_INT(r.bytes, total, "and its length");
	close_path(&p);
	free(data);
	free(back);
}

/* Nobody reads: the stream takes one buffer and then no more, and does not wait. */
static void test_slow_reader(void)
{
	static char block[4096];
	uint64_t in = 0, before;
	struct pollfd fds[2];
	struct path p;
	ssize_t n;

	open_path(&p);
	for (int i = 0; i < 5000; i++) {
		n = write(p.in, block, sizeof(block));
		in += n > 0 ? (uint64_t)n : 0;
		(void)turn(&p.s);
	}
	OK(in > 0 && in < 2U << 20, "a reader that does not read stops the writer");
	IS_INT(stream_poll(&p.s, fds), 1, "one descriptor is polled");
	OK(fds[0].fd == p.s.to && fds[0].events == POLLOUT, "the one that is full");
	before = p.s.accepted;
	(void)turn(&p.s);
	IS_INT(p.s.accepted, before, "nothing more is accepted");
	fd_close(&p.in);
	for (uint64_t got = 0; got < in;) {
		n = read(p.out, block, sizeof(block));
		if (n == 0)
			break;
		got += n > 0 ? (uint64_t)n : 0;
		(void)turn(&p.s);
	}
	IS_INT(p.s.written, in, "all that was accepted comes out later");
	(void)turn(&p.s);
	OK(stream_finished(&p.s), "and then the stream is finished");
	close_path(&p);
}

static void test_vanished_reader(void)
{
	struct path p;

	open_path(&p);
	fd_close(&p.out);
	feed(&p, "abc");
	(void)turn(&p.s);
	OK(stream_finished(&p.s), "without a reader the stream ends");
	IS_INT(p.s.error, 0, "which is no error");
	IS_INT(write(p.in, "d", 1), -1, "and the writer learns it");
	IS_INT(errno, EPIPE, "as it would from the reader itself");
	close_path(&p);
}

static void test_refusing_destination(void)
{
	struct path p;

	open_path(&p);
	fd_close(&p.s.to);
	p.s.to = open("/dev/full", O_WRONLY | O_CLOEXEC);
	feed(&p, "abc");
	(void)turn(&p.s);
	IS_INT(p.s.error, ENOSPC, "a full disk is an error");
	OK(stream_finished(&p.s), "and the end");
	IS_INT(write(p.in, "d", 1), -1, "for the writer too");
	close_path(&p);
}

static void test_budget(void)
{
	struct sr_stream_result r;
	uint64_t budget = 5;
	struct path p, q;

	open_path(&p);
	p.s.budget = &budget;
	feed(&p, "abcde");
	IS_INT(turn(&p.s), STREAM_OK, "exactly the budget is within it");
	OK(!p.s.truncated, "and not cut");
	feed(&p, "f");
	IS_INT(turn(&p.s), STREAM_LIMIT, "one byte more is not");
	IS_STR(drained(&p), "abcde", "what was accepted was delivered");
	IS_INT(turn(&p.s), STREAM_OK, "with nothing new nothing is said again");
	stream_result(&p.s, &r);
	OK(r.truncated, "the result says that it was cut");
	IS_INT(r.bytes, 5, "and how much was accepted");
	close_path(&p);

	budget = 5;
	open_path(&p);
	open_path(&q);
	p.s.budget = q.s.budget = &budget;
	feed(&p, "abc");
	feed(&q, "xyz");
	IS_INT(turn(&p.s), STREAM_OK, "two streams share a budget: the first is within");
	IS_INT(turn(&q.s), STREAM_LIMIT, "the second is not");
	IS_STR(drained(&q), "xy", "and gets what was left");
	OK(!p.s.truncated && q.s.truncated, "only one was cut");
	close_path(&p);
	close_path(&q);
}

static void test_preload(void)
{
	struct sr_stream_result r;
	struct path p;

	open_path(&p);
	fd_close(&p.s.from);
	IS_INT(stream_preload(&p.s, "abc", 3), 0, "a text is put in before");
	OK(!stream_finished(&p.s), "it still has to go out");
	(void)turn(&p.s);
	IS_STR(drained(&p), "abc", "and does");
	OK(stream_finished(&p.s), "then the stream is finished");
	char c;
	IS_INT(read(p.out, &c, 1), 0, "and closed");
	stream_result(&p.s, &r);
	IS_STR(r.hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "it was hashed");
	close_path(&p);
}

static void test_large_preload(void)
{
	const size_t len = (size_t)3 << 20;
	char *data = calloc(1, len), block[65536];
	size_t got = 0;
	struct path p;

	if (!data)
		_exit(1);
	data[len - 1] = 'z';
	open_path(&p);
	fd_close(&p.s.from);
	IS_INT(stream_preload(&p.s, data, len), 0, "a text larger than the buffer");
	for (int i = 0; i < 100000 && !stream_finished(&p.s); i++) {
		ssize_t n;

		(void)turn(&p.s);
		while ((n = read(p.out, block, sizeof(block))) > 0) {
			got += (size_t)n;
			if (got == len)
				OK(block[n - 1] == 'z', "comes out to its last byte");
		}
	}
	IS_INT(got, len, "and not more");
	close_path(&p);
	free(data);
}

static void test_paused(void)
{
	struct pollfd fds[2];
	struct path p;

	open_path(&p);
	p.s.paused = true;
	feed(&p, "abc");
	IS_INT(stream_poll(&p.s, fds), 0, "a paused stream reads nothing");
	p.s.paused = false;
	(void)turn(&p.s);
	IS_STR(drained(&p), "abc", "until it goes on");
	close_path(&p);
}

static void test_socket(void)
{
	static char block[4096];
	int pair[2];
	struct path p;
	uint64_t in = 0;

	open_path(&p);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		_exit(1);
	fd_close(&p.s.to);
	fd_close(&p.out);
	p.s.to = pair[0]; /* blocking, as the caller's is */
	p.out = pair[1];
	p.s.to_is_socket = true;
	feed(&p, "abc");
	(void)turn(&p.s);
	IS_STR(drained(&p), "abc", "a socket");
	for (int i = 0; i < 2000; i++) {
		ssize_t n = write(p.in, block, sizeof(block));

		in += n > 0 ? (uint64_t)n : 0;
		(void)turn(&p.s);
	}
	OK(in > 0 && in < 4U << 20, "that nobody reads does not block");
	IS_INT(fcntl(pair[0], F_GETFL) & O_NONBLOCK, 0, "and keeps its flags");
	fd_close(&p.out);
	for (int i = 0; i < 10; i++)
		(void)turn(&p.s);
	OK(stream_finished(&p.s) && p.s.error == 0, "a socket whose other end is gone");
	close_path(&p);
}

/* A pipe that could not be opened once more: it blocks, so only what fits for certain is written. */
static void test_blocking_pipe(void)
{
	static char block[PIPE_BUF];
	struct path p;
	uint64_t in = 0;

	open_path(&p);
	(void)fcntl(p.s.to, F_SETFL, 0);
	p.s.to_blocks = true;
	alarm(20);
	for (int i = 0; i < 1000; i++) {
		ssize_t n = write(p.in, block, sizeof(block));

		in += n > 0 ? (uint64_t)n : 0;
		(void)turn(&p.s);
		(void)turn(&p.s);
	}
	alarm(0);
	OK(in > 0 && in < 2U << 20, "a full pipe without O_NONBLOCK does not block the loop");
	fd_close(&p.in);
	for (int i = 0; i < 100000 && !stream_finished(&p.s); i++) {
		(void)!read(p.out, block, sizeof(block));
		(void)turn(&p.s);
	}
	IS_INT(p.s.written, in, "and loses nothing");
	close_path(&p);
}

/* A terminal's master whose last slave is closed answers EIO: that is the end, not an error. */
static void test_end_of_pty(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave, unlock = 0;
	struct path p;

	open_path(&p);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0 ||
	    (slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) {
		tap_skip("end of a pty", "no pty here");
		tap_skip("the last words of a pty", "no pty here");
		fd_close(&master);
		close_path(&p);
		return;
	}
	fd_close(&p.s.from);
	p.s.from = master;
	(void)fcntl(master, F_SETFL, O_NONBLOCK);
	(void)!write(slave, "last", 4);
	fd_close(&slave);
	(void)turn(&p.s);
	IS_STR(drained(&p), "last", "the last words of a pty");
	(void)turn(&p.s);
	OK(stream_finished(&p.s) && p.s.error == 0, "end of a pty");
	close_path(&p);
}

int main(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	test_plain();
	test_private();
	test_absent();
	test_many_bytes();
	test_slow_reader();
	test_vanished_reader();
	test_refusing_destination();
	test_budget();
	test_preload();
	test_large_preload();
	test_paused();
	test_socket();
	test_blocking_pipe();
	test_end_of_pty();
	return tap_done();
}
