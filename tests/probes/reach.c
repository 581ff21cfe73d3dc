/* SPDX-License-Identifier: MIT */
/*
 * reach attack PID    what this process can do to another: its entries in /proc, namespaces, memory, signals. Inside the
 * target is PID 1; outside, as the control, a process made for it (it is killed).
 * reach hunt TEXT     searches environ, cmdline, maps, mountinfo, memory ... of every process in /proc for TEXT, which is given
 * reversed so that this program's own arguments do not match, and prints where it was found.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "probe.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_send_signal 424
#define SYS_pidfd_open 434
#endif

/* The first byte of each entry; a namespace link that opens is entered too. */
static void open_entries(pid_t pid)
{
	static const char *const entries[] = { "mem", "environ", "auxv", "maps", "io", "stack", "syscall", "root", "cwd",
					       "exe", "fd", "map_files", "ns/user", "ns/mnt", "ns/pid", "ns/net", "ns/ipc",
					       "ns/uts", "ns/cgroup", "setgroups", "uid_map", "gid_map", "oom_score_adj",
					       "clear_refs", "timens_offsets", "coredump_filter" };
	char path[64], name[64];

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		int fd;
		char byte;

		snprintf(path, sizeof(path), "/proc/%d/%s", pid, entries[i]);
		snprintf(name, sizeof(name), "%s", entries[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || strncmp(entries[i], "ns/", 3) == 0) {
			say(name, fd);
			if (fd >= 0)
				say("setns", setns(fd, 0));
		} else if (strcmp(entries[i], "mem") == 0) {
			say(name, fd);
		} else {
			ssize_t n = read(fd, &byte, 1);

			if (n < 0 && errno == EISDIR)
				n = 0;
			say(name, n);
		}
		if (fd >= 0)
			close(fd);
	}
}

static void attack(pid_t pid)
{
	char byte = 0;
	struct iovec here = { &byte, 1 }, there = { &byte, 1 };
	struct {
		long soft, hard;
	} none = { 0, 0 };
	unsigned long first_cpu = 1;
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	say("pidfd_open", pidfd);
	say("vm_readv", process_vm_readv(pid, &here, 1, &there, 1, 0));
	say("vm_writev", process_vm_writev(pid, &here, 1, &there, 1, 0));
	say("setns pidfd", pidfd < 0 ? -1 : setns(pidfd, CLONE_NEWNS | CLONE_NEWPID));
	say("prlimit", syscall(SYS_prlimit64, pid, 4 /* core */, &none, NULL));
	say("sched_setaffinity", syscall(SYS_sched_setaffinity, pid, sizeof(first_cpu), &first_cpu));
	say("ioprio_set", syscall(SYS_ioprio_set, 1, pid, 3 << 13));
	say("setpriority", syscall(SYS_setpriority, 0, pid, 19));
	say("ptrace seize", syscall(SYS_ptrace, 0x4206, pid, 0, 0));
	say("kill 0", kill(pid, 0));
	say("kill STOP", kill(pid, SIGSTOP));
	say("tgkill SEGV", syscall(SYS_tgkill, pid, pid, SIGSEGV));
	say("pidfd KILL", pidfd < 0 ? -1 : syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0));
	say("kill KILL", kill(pid, SIGKILL));
}

static int search(const char *path, const char *text, size_t length)
{
	static char block[1 << 16];
	size_t kept = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), found = 0;

	if (fd < 0)
		return 0;
	while (!found && (n = read(fd, block + kept, sizeof(block) - kept)) > 0) {
		found = memmem(block, kept + (size_t)n, text, length) != NULL;
		kept = kept + (size_t)n < length ? kept + (size_t)n : length - 1;
		memmove(block, block + (n > 0 ? (size_t)n : 0), kept);
	}
	close(fd);
	return found;
}

/* Every mapping of a process through /proc/PID/mem. Our own memory is left out: the text is there. */
static int search_memory(int pid, const char *text, size_t length)
{
	static char block[1 << 20];
	char path[64], line[512];
	FILE *maps;
	int mem, found = 0;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = mem < 0 ? NULL : fopen(path, "re");
	while (maps != NULL && !found && fgets(line, sizeof(line), maps) != NULL) {
		unsigned long from = 0, to = 0;

		if (sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		for (; from < to && !found; from += sizeof(block) - length) {
			size_t want = to - from < sizeof(block) ? to - from : sizeof(block);
			ssize_t n = pread(mem, block, want, (off_t)from);

			found = n > 0 && memmem(block, (size_t)n, text, length) != NULL;
			if (n < (ssize_t)sizeof(block))
				break;
		}
	}
	if (maps != NULL)
		fclose(maps);
	if (mem >= 0)
		close(mem);
	return found;
}

static void hunt(const char *reversed)
{
	static const char *const entries[] = { "environ", "cmdline", "maps", "mountinfo", "mounts", "status", "stat",
					       "cgroup", "auxv", "comm", "limits", "net/unix" };
	char text[256], path[300];
	size_t length = strlen(reversed);
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	int seen = 0;

	for (size_t i = 0; i < length && i < sizeof(text) - 1; i++)
		text[i] = reversed[length - 1 - i];
	text[length] = '\0';
	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		int pid = atoi(entry->d_name);

		if (pid <= 0)
			continue;
		seen++;
		for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
			snprintf(path, sizeof(path), "/proc/%d/%s", pid, entries[i]);
			if (search(path, text, length))
				printf("found in %s of %s\n", entries[i], pid == getpid() ? "self" : pid == 1 ? "1" : "other");
		}
		if (pid != getpid() && search_memory(pid, text, length))
			printf("found in mem of %s\n", pid == 1 ? "1" : "other");
	}
	printf("processes seen: %d\n", seen);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "hunt") == 0 && strlen(argv[2]) < 256) {
		hunt(argv[2]);
		return 0;
	}
	if (argc != 3 || strcmp(argv[1], "attack") != 0)
		return 2;
	open_entries((pid_t)number(argv[2]));
	attack((pid_t)number(argv[2]));
	return 0;
}
