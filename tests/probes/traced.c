/* SPDX-License-Identifier: MIT */
/*
 * traced files          opens names of every kind, in an empty writable folder
 * traced sockets        connects, binds and sends
 * traced processes      a thread, fork, vfork with exec, a death by signal, a daemon, an exec by a thread
 * traced race N         opens N times a name that another process keeps changing in shared memory; prints what was opened
 * traced shared         opens in a child that shares the descriptors
 * traced untraced       opens in a child that was made with CLONE_UNTRACED
 * traced own            a filter of its own that asks for a tracer
 * traced many P N       P processes that open N files each
 * traced threads P N    the same with threads
 * traced replace N      a thread puts another file at the number that an open is about to return
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

#ifndef CLONE_UNTRACED
#define CLONE_UNTRACED 0x00800000
#endif

static void opens(const char *name, int flags)
{
	int fd = open(name, flags, 0600);

	if (fd >= 0)
		close(fd);
}

static void files(void)
{
	struct {
		unsigned long long flags, mode, resolve;
	} how = { O_RDONLY | O_CLOEXEC, 0, 0 };
	int dir;

	opens("/work/absolute", O_WRONLY | O_CREAT | O_EXCL);
	opens("relative", O_RDWR | O_CREAT);
	mkdir("sub", 0700);
	chdir("sub");
	opens("./below", O_WRONLY | O_CREAT | O_TRUNC);
	opens("../sub/below", O_RDONLY);
	chdir("..");
	dir = open("sub", O_RDONLY | O_DIRECTORY);
	close(openat(dir, "below", O_RDONLY));
	close(dir);
	symlink("sub/below", "link");
	opens("link", O_RDONLY);
	opens("link", O_RDONLY | O_NOFOLLOW);
	opens("nowhere/at/all", O_RDONLY);
	opens("na\xefme", O_WRONLY | O_CREAT);
	opens("quote\"back\\slash\nline", O_WRONLY | O_CREAT);
	opens("gone (deleted)", O_WRONLY | O_CREAT);
	opens("/work", O_TMPFILE | O_RDWR);
	close((int)syscall(437 /* openat2 */, AT_FDCWD, "relative", &how, sizeof(how)));
	execl("/nowhere/program", "program", (char *)NULL);
	execl("sub/below", "below", (char *)NULL);
}

static void meet_inet(int type)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(7) };
	int fd = socket(AF_INET, type, 0);

	inet_pton(AF_INET, "127.0.0.1", &in.sin_addr);
	say("inet", connect(fd, (struct sockaddr *)&in, sizeof(in)));
	close(fd);
}

static void sockets(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/work/socket" }, none = { .sun_family = AF_UNIX, .sun_path = "none" };
	struct sockaddr_un hidden = { .sun_family = AF_UNIX };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(8) };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int server = socket(AF_UNIX, SOCK_STREAM, 0), fd;

	meet_inet(SOCK_STREAM);
	meet_inet(SOCK_DGRAM);
	say("bind", bind(server, (struct sockaddr *)&un, sizeof(un)));
	listen(server, 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	say("unix", connect(fd, (struct sockaddr *)&un, sizeof(un)));
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	say("none", connect(fd, (struct sockaddr *)&none, sizeof(none)));
	memcpy(hidden.sun_path, "\0name", 5);
	say("abstract", connect(fd, (struct sockaddr *)&hidden, offsetof(struct sockaddr_un, sun_path) + 5));
	close(fd);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	in6.sin6_addr = in6addr_loopback;
	say("inet6", connect(fd, (struct sockaddr *)&in6, sizeof(in6)));
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	say("send", sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)));
	close(fd);
}

static void *open_as_thread(void *name)
{
	opens(name, O_RDONLY);
	return NULL;
}

static void *exec_as_thread(void *unused)
{
	(void)unused;
	execl("/proc/self/exe", "traced", "nothing", (char *)NULL);
	return NULL;
}

static void processes(void)
{
	pthread_t thread;
	pid_t pid;

	pthread_create(&thread, NULL, open_as_thread, "/dev/null");
	pthread_join(thread, NULL);
	pid = fork();
	if (pid == 0) {
		opens("/dev/zero", O_RDONLY);
		_exit(7);
	}
	waitpid(pid, NULL, 0);
	pid = vfork();
	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	pid = fork();
	if (pid == 0) {
		signal(SIGTERM, SIG_DFL);
		raise(SIGTERM);
	}
	waitpid(pid, NULL, 0);
	pid = fork();
	if (pid == 0) { /* a daemon */
		setsid();
		if (fork() == 0) {
			opens("/dev/full", O_RDONLY);
			_exit(9);
		}
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	usleep(100000);
	pid = fork();
	if (pid == 0) {
		pthread_create(&thread, NULL, exec_as_thread, NULL);
		for (;;)
			pause();
	}
	waitpid(pid, NULL, 0);
}

static char stack[65536] __attribute__((__aligned__(16)));
static volatile char *name;
static volatile int over;

/* The two differ in one byte: there is no moment when the name is neither. */
static int flip(void *unused)
{
	(void)unused;
	while (!over) {
		name[7] = 'b';
		name[7] = 'a';
	}
	return 0;
}

static void race(long n)
{
	char path[64], text[128];
	pid_t pid;

	opens("/work/-a", O_WRONLY | O_CREAT);
	opens("/work/-b", O_WRONLY | O_CREAT);
	name = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	strcpy((char *)name, "/work/-a");
	pid = clone(flip, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	for (long i = 0; i < n; i++) {
		int fd = open((const char *)name, O_RDONLY);
		ssize_t len;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		len = readlink(path, text, sizeof(text) - 1);
		printf("%.*s\n", (int)len, text);
		close(fd);
	}
	over = 1;
	waitpid(pid, NULL, 0);
}

static int open_in_child(void *arg)
{
	opens(arg, O_RDONLY);
	return 0;
}

static void in_child(int flags)
{
	pid_t pid = clone(open_in_child, stack + sizeof(stack), flags | SIGCHLD, "/dev/zero");

	say("clone", pid);
	waitpid(pid, NULL, 0);
}

static void own_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	say("filter", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog));
	say("getppid", syscall(SYS_getppid));
	say("openat", syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY));
	say("getpid", syscall(SYS_getpid));
}

static long rounds;

static void *open_many(void *unused)
{
	(void)unused;
	for (long i = 0; i < rounds; i++)
		opens("/dev/null", O_RDONLY);
	return NULL;
}

static void many(long n, int threads)
{
	pthread_t ids[64];

	for (long i = 0; i < n; i++) {
		if (threads) {
			pthread_create(&ids[i], NULL, open_many, NULL);
		} else if (fork() == 0) {
			open_many(NULL);
			_exit(0);
		}
	}
	for (long i = 0; i < n; i++) {
		if (threads)
			pthread_join(ids[i], NULL);
		else
			wait(NULL);
	}
}

static void *replace(void *unused)
{
	int other = open("/dev/zero", O_RDONLY);

	(void)unused;
	while (!over)
		dup2(other, 40);
	return NULL;
}

/* Fills the numbers below 40, so that opens return 40. */
static void replaced(long n)
{
	pthread_t thread;
	int fd = open("/dev/full", O_RDONLY);

	while (fd >= 0 && fd < 39)
		fd = dup(fd);
	pthread_create(&thread, NULL, replace, NULL);
	for (long i = 0; i < n; i++) {
		close(40);
		open("/dev/null", O_RDONLY);
	}
	over = 1;
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long a = argc > 2 ? number(argv[2]) : 0;

	rounds = argc > 3 ? number(argv[3]) : 0;
	if (strcmp(what, "files") == 0)
		files();
	else if (strcmp(what, "sockets") == 0)
		sockets();
	else if (strcmp(what, "processes") == 0)
		processes();
	else if (strcmp(what, "race") == 0)
		race(a);
	else if (strcmp(what, "shared") == 0)
		in_child(CLONE_FILES);
	else if (strcmp(what, "untraced") == 0)
		in_child(CLONE_UNTRACED);
	else if (strcmp(what, "own") == 0)
		own_filter();
	else if (strcmp(what, "many") == 0 || strcmp(what, "threads") == 0)
		many(a, what[0] == 't');
	else if (strcmp(what, "replace") == 0)
		replaced(a);
	return 0;
}
