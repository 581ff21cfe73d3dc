/* SPDX-License-Identifier: MIT */
/*
 * ids    who this process is and whether it can become somebody else.
 * ids exec PROGRAM ARG...    executes PROGRAM (to see what a set-id bit or a file capability gave).
 */
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

#ifndef PR_SET_SECUREBITS
#define PR_SET_SECUREBITS 28
#endif
#ifndef PR_CAP_AMBIENT
#define PR_CAP_AMBIENT 47
#endif

static void show(const char *key)
{
	char line[512];
	FILE *status = fopen("/proc/self/status", "re");

	while (status != NULL && fgets(line, sizeof(line), status) != NULL)
		if (strncmp(line, key, strlen(key)) == 0) {
			for (char *c = line; *c != '\0'; c++)
				if (*c == '\t')
					*c = ' ';
			fputs(line, stdout);
		}
	if (status != NULL)
		fclose(status);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct {
		unsigned int version;
		int pid;
	} header = { 0x20080522, 0 };
	unsigned int caps[6] = { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff };
	gid_t zero = 0;

	if (argc > 2 && strcmp(argv[1], "exec") == 0) {
		execv(argv[2], argv + 2);
		say("exec", -1);
		return 126;
	}
	printf("uid %u %u gid %u %u\n", (unsigned int)getuid(), (unsigned int)geteuid(), (unsigned int)getgid(),
	       (unsigned int)getegid());
	show("Cap");
	show("NoNewPrivs");
	show("Seccomp:");
	say("setuid 0", syscall(SYS_setuid, 0));
	say("setresuid 0", syscall(SYS_setresuid, 0, 0, 0));
	say("setgid 0", syscall(SYS_setgid, 0));
	say("setuid 65534", syscall(SYS_setuid, 65534));
	say("setgroups 0", syscall(SYS_setgroups, 1, &zero));
	say("capset all", syscall(SYS_capset, &header, caps));
	say("securebits 0", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
	say("ambient raise", prctl(PR_CAP_AMBIENT, 2, 21 /* CAP_SYS_ADMIN */, 0, 0));
	say("no_new_privs off", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	say("nice -5", setpriority(PRIO_PROCESS, 0, -5));
	show("Cap");
	return 0;
}
