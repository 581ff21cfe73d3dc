/* SPDX-License-Identifier: MIT */
/*
 * bench: times commands against each other. Used by bench/start and bench/throughput; see bench/README.md.
 *
 *   bench latency    [-n ROUNDS] [-w WARMUP]            CONTESTANT...
 *   bench throughput [-j 1,2,4,8] [-n SLICES] [-s MS]   CONTESTANT...
 *   CONTESTANT:  NAME [@VIA...] COMMAND [ARG...] ::
 *
 * NAME "bare" is the program without a sandbox and "bwrap" the reference of the ratios. An argument that starts with
 * '@' is a setup script: COMMAND's launcher is then started by it ("SCRIPT LAUNCHER ARG..."), so that a contestant
 * which needs a prepared place (crun wants cgroup v2) pays for that place once and not in each round.
 *
 * How time is taken: each contestant has a launcher, a process that waits on a socket. A round asks every launcher
 * once, in an order shuffled anew each round, and only one is ever awake. The launcher reads CLOCK_MONOTONIC, starts
 * the command by posix_spawn(3) (vfork, so the launcher's size does not count), waits for its end and reads the clock
 * again. A command that ends with anything but status 0 ends the whole measurement: a failing program is quick and
 * proves nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONTESTANTS 16
#define MAX_PARALLEL 64
#define LAUNCHER_FD 100

struct request {
	uint32_t parallel;  /* 0: run once and time it; else keep so many running for slice_ns */
	uint64_t slice_ns;
};

struct answer {
	int32_t status;     /* of the first command that failed, else 0; -errno when one could not be started */
	uint64_t count;     /* commands that ended inside the slice */
	uint64_t ns;        /* time taken */
};

struct contestant {
	const char *name;
	char *via;          /* setup script or NULL */
	char **argv;
	int fd;             /* to the launcher */
	pid_t pid;
	double *samples;    /* ns (latency) or runs per second (throughput), one a round */
	size_t count;
};

extern char **environ;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) < 0)
		die("cannot read the clock: %s", strerror(errno));
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

/* ---- launcher ---- */

/* Starts argv with standard input and output on /dev/null; standard error stays, so that a failure shows its reason. */
static int start(char **argv, pid_t *ret_pid)
{
	static posix_spawn_file_actions_t actions;
	static bool ready;

	if (!ready) {
		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
		posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
		posix_spawn_file_actions_addclose(&actions, LAUNCHER_FD);
		ready = true;
	}
	return -posix_spawnp(ret_pid, argv[0], &actions, NULL, argv, environ);
}

static void run_once(char **argv, struct answer *answer)
{
	uint64_t begin = now_ns();
	int status = 0;
	pid_t pid;
	int r = start(argv, &pid);

	if (r < 0) {
		answer->status = r;
		return;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("cannot wait: %s", strerror(errno));
	answer->ns = now_ns() - begin;
	answer->count = 1;
	answer->status = status;
}

/* Keeps `parallel` commands running until the slice is over, then waits for the last ones; the time includes them. */
static void run_slice(char **argv, const struct request *request, struct answer *answer)
{
	uint64_t begin = now_ns();
	uint32_t running = 0;

	while (running || now_ns() - begin < request->slice_ns) {
		int status;
		pid_t pid;

		if (running < request->parallel && now_ns() - begin < request->slice_ns) {
			int r = start(argv, &pid);

			if (r < 0) {
				answer->status = r;
				return;
			}
			running++;
			continue;
		}
		if (waitpid(-1, &status, 0) < 0)
			die("cannot wait: %s", strerror(errno));
		running--;
		answer->count++;
		if (status && !answer->status)
			answer->status = status;
	}
	answer->ns = now_ns() - begin;
}

static int launcher(char **argv)
{
	struct request request;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(LAUNCHER_FD, &request, sizeof(request)) == (ssize_t)sizeof(request)) {
		struct answer answer = { 0 };

		if (request.parallel)
			run_slice(argv, &request, &answer);
		else
			run_once(argv, &answer);
		if (write(LAUNCHER_FD, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
			return 1;
	}
	return 0;
}

static void exec_launcher(const struct contestant *c, int fd, char *self)
{
	char *argv[64];
	size_t n = 0;

	if (dup2(fd, LAUNCHER_FD) < 0)
		_exit(127);
	if (c->via)
		argv[n++] = c->via;
	argv[n++] = self;
	argv[n++] = (char *)"launcher";
	for (char **arg = c->argv; *arg; arg++) {
		if (n + 1 >= sizeof(argv) / sizeof(argv[0]))
			_exit(127);
		argv[n++] = *arg;
	}
	argv[n] = NULL;
	execv(argv[0], argv);
	fprintf(stderr, "bench: cannot execute %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void open_launcher(struct contestant *c, char *self)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		die("cannot make a socket pair: %s", strerror(errno));
	c->pid = fork();
	if (c->pid < 0)
		die("cannot fork: %s", strerror(errno));
	if (c->pid == 0)
		exec_launcher(c, pair[1], self);
	close(pair[1]);
	c->fd = pair[0];
}

/* ---- asking ---- */

static void explain_failure(const struct contestant *c, int32_t status)
{
	if (status < 0)
		die("%s: cannot start %s: %s", c->name, c->argv[0], strerror(-status));
	if (WIFSIGNALED(status))
		die("%s: the command was killed by signal %d", c->name, WTERMSIG(status));
	die("%s: the command ended with status %d", c->name, WEXITSTATUS(status));
}

static struct answer ask(struct contestant *c, uint32_t parallel, uint64_t slice_ns)
{
	struct request request = { .parallel = parallel, .slice_ns = slice_ns };
	struct answer answer;

	if (send(c->fd, &request, sizeof(request), MSG_NOSIGNAL) != (ssize_t)sizeof(request))
		die("%s: its launcher is gone", c->name);
	if (read(c->fd, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
		die("%s: its launcher did not answer", c->name);
	if (answer.status)
		explain_failure(c, answer.status);
	return answer;
}

static void shuffle(size_t *order, size_t n)
{
	static uint64_t state = 0x9e3779b97f4a7c15U;

	for (size_t i = n; i > 1; i--) {
		size_t j, t;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		j = state % i;
		t = order[i - 1];
		order[i - 1] = order[j];
		order[j] = t;
	}
}

static void rounds(struct contestant *list, size_t n, size_t count, uint32_t parallel, uint64_t slice_ns, bool keep)
{
	size_t order[MAX_CONTESTANTS];

	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t round = 0; round < count; round++) {
		shuffle(order, n);
		for (size_t i = 0; i < n; i++) {
			struct contestant *c = &list[order[i]];
			struct answer answer = ask(c, parallel, slice_ns);

			if (!keep)
				continue;
			c->samples[c->count++] = parallel ? (double)answer.count * 1e9 / (double)answer.ns :
							    (double)answer.ns;
		}
	}
}

/* ---- printing ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value below which `share` of the sorted samples lie (nearest rank). */
static double quantile(const struct contestant *c, double share)
{
	size_t rank = (size_t)(share * (double)c->count + 0.999999);

	if (rank < 1)
		rank = 1;
	if (rank > c->count)
		rank = c->count;
	return c->samples[rank - 1];
}

static const struct contestant *find(const struct contestant *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

static void sort_samples(struct contestant *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		qsort(list[i].samples, list[i].count, sizeof(double), compare);
}

static void cell(bool known, double value)
{
	if (known)
		printf(" %10.2f", value);
	else
		printf(" %10s", "-");
}

static void print_latency(struct contestant *list, size_t n)
{
	const struct contestant *bare, *bwrap;

	sort_samples(list, n);
	bare = find(list, n, "bare");
	bwrap = find(list, n, "bwrap");
	printf("%-22s %6s %10s %10s %10s %10s %10s\n", "contestant", "rounds", "median ms", "p95 ms", "min ms",
	       "x bwrap", "over bare");
	for (size_t i = 0; i < n; i++) {
		double median = quantile(&list[i], 0.5);

		printf("%-22s %6zu %10.3f %10.3f %10.3f", list[i].name, list[i].count, median / 1e6,
		       quantile(&list[i], 0.95) / 1e6, list[i].samples[0] / 1e6);
		cell(bwrap, bwrap ? median / quantile(bwrap, 0.5) : 0);
		cell(bare && bwrap && &list[i] != bare,
		     bare && bwrap ? (median - quantile(bare, 0.5)) / (quantile(bwrap, 0.5) - quantile(bare, 0.5)) : 0);
		putchar('\n');
	}
}

static void print_throughput(struct contestant *list, size_t n, uint32_t parallel)
{
	const struct contestant *bwrap;

	sort_samples(list, n);
	bwrap = find(list, n, "bwrap");
	for (size_t i = 0; i < n; i++) {
		double median = quantile(&list[i], 0.5);

		printf("%-22s %8" PRIu32 " %10.0f %10.0f %10.0f", list[i].name, parallel, median, list[i].samples[0],
		       list[i].samples[list[i].count - 1]);
		cell(bwrap, bwrap ? median / quantile(bwrap, 0.5) : 0);
		putchar('\n');
	}
}

/* ---- command line ---- */

static size_t to_count(const char *text, const char *what)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value < 1 || value > 1000000)
		die("%s takes a number from 1 to 1000000, not '%s'", what, text);
	return value;
}

static size_t parse_contestants(char **argv, struct contestant *list)
{
	size_t n = 0;

	while (*argv) {
		struct contestant *c = &list[n];

		if (n == MAX_CONTESTANTS)
			die("more than %d contestants", MAX_CONTESTANTS);
		c->name = *argv++;
		if (*argv && **argv == '@')
			c->via = *argv++ + 1;
		c->argv = argv;
		while (*argv && strcmp(*argv, "::") != 0)
			argv++;
		if (!*argv || argv == c->argv)
			die("%s: a contestant is NAME COMMAND [ARG...] ::", c->name);
		*argv++ = NULL;
		n++;
	}
	if (n == 0)
		die("no contestants");
	return n;
}

static void latency(struct contestant *list, size_t n, size_t count, size_t warmup)
{
	rounds(list, n, warmup, 0, 0, false);
	rounds(list, n, count, 0, 0, true);
	print_latency(list, n);
}

static void throughput(struct contestant *list, size_t n, size_t slices, uint64_t slice_ms, char *parallels)
{
	printf("%-22s %8s %10s %10s %10s %10s\n", "contestant", "parallel", "runs/s", "least", "most", "x bwrap");
	rounds(list, n, 3, 0, 0, false);
	for (char *save = NULL, *word = strtok_r(parallels, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		uint32_t parallel = (uint32_t)to_count(word, "-j");

		if (parallel > MAX_PARALLEL)
			die("-j takes at most %d", MAX_PARALLEL);
		for (size_t i = 0; i < n; i++)
			list[i].count = 0;
		rounds(list, n, slices, parallel, slice_ms * 1000000U, true);
		print_throughput(list, n, parallel);
	}
}

int main(int argc, char **argv)
{
	static struct contestant list[MAX_CONTESTANTS];
	static char self[4096], default_parallels[] = "1,2,4,8";
	size_t n, count = 200, warmup = 5, slice_ms = 1000;
	char *parallels = default_parallels;
	bool is_throughput;
	int option;

	if (argc > 2 && strcmp(argv[1], "launcher") == 0)
		return launcher(argv + 2);
	if (argc < 2 || (strcmp(argv[1], "latency") != 0 && strcmp(argv[1], "throughput") != 0))
		die("usage: bench latency|throughput [OPTION...] NAME COMMAND... :: ...");
	is_throughput = strcmp(argv[1], "throughput") == 0;
	if (is_throughput)
		count = 5;
	optind = 2;
	while ((option = getopt(argc, argv, "+n:w:j:s:")) != -1) {
		if (option == 'n')
			count = to_count(optarg, "-n");
		else if (option == 'w')
			warmup = to_count(optarg, "-w");
		else if (option == 's')
			slice_ms = to_count(optarg, "-s");
		else if (option == 'j')
			parallels = optarg;
		else
			return 1;
	}
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		die("cannot read /proc/self/exe: %s", strerror(errno));
	n = parse_contestants(argv + optind, list);
	for (size_t i = 0; i < n; i++) {
		list[i].samples = calloc(count, sizeof(double));
		if (!list[i].samples)
			die("out of memory");
		open_launcher(&list[i], self);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (is_throughput)
		throughput(list, n, count, slice_ms, parallels);
	else
		latency(list, n, count, warmup);
	return 0;
}
