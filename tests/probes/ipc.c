/* SPDX-License-Identifier: MIT */
/*
 * ipc make|find|drop KEY [FILE]    System V segment, queue and semaphore with KEY, POSIX queue /KEY, POSIX shared memory /KEY,
 * a flock(2) and a lease on FILE (the file both sides can see), an inotify watch on it.
 * make holds everything and waits for standard input's end, after "made"; drop removes what make left.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include "probe.h"

static void drop(key_t key, const char *name)
{
	shmctl(shmget(key, 0, 0), IPC_RMID, NULL);
	msgctl(msgget(key, 0), IPC_RMID, NULL);
	semctl(semget(key, 0, 0), 0, IPC_RMID);
	mq_unlink(name);
	shm_unlink(name);
}

int main(int argc, char **argv)
{
	int create, flags;
	key_t key;
	char name[64], byte;

	if (argc < 3)
		return 2;
	key = (key_t)number(argv[2]);
	snprintf(name, sizeof(name), "/probe-%d", (int)key);
	if (strcmp(argv[1], "drop") == 0) {
		drop(key, name);
		return 0;
	}
	create = strcmp(argv[1], "make") == 0;
	flags = create ? IPC_CREAT | IPC_EXCL | 0666 : 0;
	say("shm", shmget(key, create ? 4096 : 0, flags));
	say("msg", msgget(key, flags));
	say("sem", semget(key, create ? 1 : 0, flags));
	flags = create ? O_CREAT | O_EXCL | O_RDWR : O_RDWR;
	say("mqueue", mq_open(name, flags, 0666, NULL));
	say("posix shm", shm_open(name, flags, 0666));
	if (argc > 3) {
		int fd = open(argv[3], O_RDONLY | O_CLOEXEC);

		say("open", fd);
		say("flock", flock(fd, LOCK_EX | LOCK_NB));
		if (create)
			say("inotify", inotify_add_watch(inotify_init1(IN_CLOEXEC), argv[3], IN_ALL_EVENTS));
	}
	if (create) {
		puts("made");
		fflush(stdout);
		alarm(20);
		while (read(0, &byte, 1) > 0)
			;
	}
	return 0;
}
