/* SPDX-License-Identifier: MIT */
/*
 * overwrite PATH...    opens each for writing in every way there is, without truncating, and writes nothing: "EROFS", "ETXTBSY".
 * overwrite watch      a script's trick: executes /proc/self/exe of others by way of "#!/proc/self/exe" and keeps a descriptor to
 *                      the running program, to write through it when the program is gone.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

static void attempt(const char *path)
{
	char name[4200];
	int fd;

	snprintf(name, sizeof(name), "%s write", path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	say(name, fd);
	if (fd >= 0)
		close(fd);
	snprintf(name, sizeof(name), "%s read-write", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	say(name, fd);
	if (fd >= 0)
		close(fd);
	snprintf(name, sizeof(name), "%s chmod", path);
	say(name, chmod(path, 0777));
	snprintf(name, sizeof(name), "%s utimens", path);
	say(name, utimensat(AT_FDCWD, path, NULL, 0));
}

static void watch(void)
{
	char script[] = "/tmp/probe-script", self[64];
	char *argv[] = { script, NULL }, *envp[] = { NULL };
	int fd = open(script, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755), program, status;
	pid_t pid;

	if (fd < 0 || write(fd, "#!/proc/self/exe\n", 17) != 17)
		exit(1);
	close(fd);
	pid = fork();
	if (pid == 0) {
		execve(script, argv, envp);
		_exit(99);
	}
	waitpid(pid, &status, 0);
	printf("script by /proc/self/exe: %s\n", WIFEXITED(status) && WEXITSTATUS(status) == 99 ? "refused" : "ran");
	program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	say("program by path", program);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", program);
	say("program reopened for writing", open(self, O_WRONLY | O_CLOEXEC));
	unlink(script);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "watch") == 0) {
		watch();
		return 0;
	}
	for (int i = 1; i < argc; i++)
		attempt(argv[i]);
	return argc < 2 ? 2 : 0;
}
