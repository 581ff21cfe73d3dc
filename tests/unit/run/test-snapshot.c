/* SPDX-License-Identifier: MIT */
#include "run/snapshot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "taking.h"

static void input(const char *path, const char *name)
{
	tree_must(policy_add_file(&policy.inputs, path, name) == 0, "memory");
}

/* ---- inputs ------------------------------------------------------------------------------------------------------- */

static void test_inputs(void)
{
	char want[SR_DIGEST_HEX];

	fresh();
	tree_file("data.csv", "1,2\n");
	tree_bytes("tool", "#!/bin/sh\n", 10, 0710);
	tree_link("data.csv", "alias");
	tree_bytes("odd\xff\n", "odd", 3, 0600);
	input("data.csv", NULL);
	input("tool", "bin/deep//./tool");
	input("alias", NULL);
	input("./odd\xff\n", NULL);
	exec.script = strdup("print()");
	exec.script_len = 7;
	exec.script_name = strdup("main.py");
	IS_INT(take_in(), 0, "inputs and a script go in");
	IS_STR(err.text, "", "without an error");
	IS_STR(tree_text("work/data.csv"), "1,2\n", "a file has its bytes");
	IS_INT(tree_mode("work/data.csv"), 0444, "and is read-only");
	IS_STR(tree_text("work/bin/deep/tool"), "#!/bin/sh\n", "a name with folders makes them");
	IS_INT(tree_mode("work/bin/deep/tool"), 0555, "an execute bit is kept");
	IS_INT(tree_mode("work/bin"), 0755, "the folders are ordinary ones");
	IS_STR(tree_text("work/alias"), "1,2\n", "the user's own link is followed, once");
	IS_STR(tree_text("work/odd\xff\n"), "odd", "an odd name goes in byte for byte");
	IS_STR(tree_text("work/main.py"), "print()", "the script is there");
	IS_INT(tree_mode("work/main.py"), 0555, "and can be executed");
	digest_hex("1,2\n", 4, want);
	IS_INT(snap.count, 4, "four items are on record");
	IS_STR(snap.items[0].hex, want, "with the digest of the bytes");
	IS_INT(snap.items[0].bytes, 4, "their number");
	IS_STR(snap.items[1].name, "bin/deep/tool", "the tidy name");
	IS_INT(snap.items[0].fd, -1, "and the source is closed");
	free(exec.script);
	free(exec.script_name);
}

static void test_private(void)
{
	char want[SR_DIGEST_HEX];
	struct sr_salt salt;
	int work;

	fresh();
	tree_file("data.csv", "1,2\n");
	tree_file("open.csv", "1,2\n");
	input("data.csv", "in/data.csv");
	policy.inputs.items[0].is_private = true;
	input("open.csv", NULL);
	IS_INT(take_in(), -EINVAL, "without a salt no private file goes in");
	OK(!tree_has("work/in"), "nothing of it");
	IS_INT(salt_new(&salt), 0, "a salt");
	snap.salt = &salt;
	work = tree_open("work");
	IS_INT(snapshot_copy(&snap, &exec, work, geteuid(), getegid(), &err), 0, "with one it does");
	(void)close(work);
	IS_STR(tree_text("work/in/data.csv"), "1,2\n", "as it is");
	commitment_item(&salt, "input", "in/data.csv", "1,2\n", 4, want);
	OK(snap.items[0].is_private, "its record says that it is private");
	IS_STR(snap.items[0].hex, want, "and is the commitment");
	digest_hex("1,2\n", 4, want);
	OK(!snap.items[1].is_private, "that of another does not");
	IS_STR(snap.items[1].hex, want, "and is the digest");
	salt_free(&salt);
}

static void refused_name(const char *name, const char *text, const char *what)
{
	fresh();
	tree_file("a", "a");
	input("a", name);
	is_refused(take_in(), SR_E_INPUT, text, what);
	OK(err.hint[0] && !tree_has("work/a"), "with a hint, and nothing is made");
}

static void test_names(void)
{
	char longer[300];

	refused_name("", "empty", "an empty name is refused");
	refused_name("/etc/passwd", "absolute", "an absolute one");
	refused_name("../x", "upwards", "one that leads out");
	refused_name("a/../../x", "upwards", "one that leads out later");
	refused_name("x/", "a folder's", "a folder's name for a file");
	refused_name(".", "work folder itself", "the work folder's own");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	refused_name(longer, "too long", "one that is too long");

	fresh();
	input("/", NULL);
	OK(take_in() < 0 && err.code == SR_E_INPUT, "'/' as an input is refused");
	fresh();
	tree_file("a", "a");
	tree_file("b", "b");
	input("a", "same");
	input("b", "./same");
	is_refused(take_in(), SR_E_INPUT, "cannot take in 'b' as 'same': the input 'a' is in its way", "a name given twice names both");
	fresh();
	tree_file("a", "a");
	tree_file("b", "b");
	input("a", "x/y");
	input("b", "x");
	is_refused(take_in(), SR_E_INPUT, "'a' is in its way", "a file where another needs a folder");
	fresh();
	tree_file("main.py", "a");
	exec.script = (char[]){ "x" };
	exec.script_len = 1;
	exec.script_name = (char[]){ "main.py" };
	exec.script_path = (char[]){ "src/main.py" };
	input("main.py", NULL);
	is_refused(take_in(), SR_E_INPUT, "the script 'src/main.py' is in its way", "the script's name is taken");
}

static void test_kinds(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int s;

	fresh();
	tree_must(mkfifo("fifo", 0644) == 0, "fifo");
	input("fifo", NULL);
	is_refused(take_in(), SR_E_INPUT, "cannot take in 'fifo': it is a FIFO", "a FIFO is refused at once");
	OK(strstr(err.hint, "standard input") != NULL, "with the way that works");
	fresh();
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	tree_must(s >= 0 && bind(s, (struct sockaddr *)&address, sizeof(address)) == 0, "socket");
	input("socket", NULL);
	is_refused(take_in(), SR_E_INPUT, "it is a socket", "a socket is refused");
	(void)close(s);
	fresh();
	input("/dev/zero", NULL);
	is_refused(take_in(), SR_E_INPUT, "it is a device", "a device is refused");
	fresh();
	input("none\x1b[31m", NULL);
	is_refused(take_in(), SR_E_INPUT, "cannot open input 'none\\x1b[31m': No such file", "a missing file, its name escaped");
	fresh();
	tree_bytes("closed", "x", 1, 0000);
	input("closed", NULL);
	if (geteuid() == 0)
		tap_skip("an unreadable file", "root reads everything");
	else
		is_refused(take_in(), SR_E_INPUT, "Permission denied", "an unreadable file");
	fresh();
	input("/proc/self/status", "status");
	is_refused(take_in(), SR_E_INPUT_CHANGED, "other bytes than its size says", "a file of /proc is no ordinary file");
}

static void test_folder_input(void)
{
	fresh();
	tree_folder("data");
	tree_folder("data/sub");
	tree_file("data/sub/a.csv", "a");
	tree_bytes("data/run", "r", 1, 0750);
	tree_file("data/.env", "SECRET=1");
	tree_link("sub/a.csv", "data/link");
	input("data/", "in/data");
	IS_INT(take_in(), 0, "a folder goes in");
	IS_STR(tree_text("work/in/data/sub/a.csv"), "a", "with what it holds");
	IS_INT(tree_mode("work/in/data/sub/a.csv"), 0444, "read-only");
	IS_INT(tree_mode("work/in/data/run"), 0555, "execute bits kept");
	IS_INT(tree_mode("work/in/data/sub"), 0755, "folders can be written beside them");
	IS_STR(tree_text("work/in/data/link"), "<link> sub/a.csv", "links stay links");
	OK(!tree_has("work/in/data/.env"), "secrets stay outside");
	OK(snap.hidden.count == 1 && strcmp(snap.hidden.items[0], "in/data/.env") == 0, "and are noted");
	IS_INT(snap.items[0].bytes, 2, "the item counts the bytes of its files");
	IS_INT(strlen(snap.items[0].hex), 64, "and has the manifest's digest");
	fresh();
	input(".", "x");
	is_refused(take_in(), SR_E_PROJECT, "home folder", "the home folder is no input either");
	fresh();
	tree_folder("data");
	(void)setenv("HOME", "/nowhere", 1);
	tree_must(chdir("data") == 0, "chdir");
	input("../data/.", NULL);
	is_refused(take_in(), SR_E_INPUT, "ends in no name", "a path without a last name needs one");
}

/* ---- projects ----------------------------------------------------------------------------------------------------- */

static void build_project(void)
{
	tree_folder("p");
	tree_file("p/main.py", "import lib\n");
	tree_folder("p/lib");
	tree_bytes("p/lib/__init__.py", "x = 1\n", 6, 0600);
	tree_folder("p/empty");
	tree_must(chmod("p/empty", 01777) == 0, "chmod");
	tree_bytes("p/run.sh", "#!/bin/sh\n", 10, 04755);
	tree_link("/etc/passwd", "p/absolute");
	tree_link("lib/none", "p/dangling");
	tree_must(link("p/main.py", "p/hard.py") == 0, "link");
	tree_folder("p/.git");
	tree_file("p/.git/config", "[remote] url = https://token@host");
	tree_file("p/.git/HEAD", "ref: refs/heads/main\n");
	tree_must(mkfifo("p/fifo", 0644) == 0, "fifo");
}

static void test_project(void)
{
	struct timespec old = { .tv_sec = 1000000000 };
	char digest[SR_DIGEST_HEX];
	struct stat st;

	fresh();
	build_project();
	tree_must(utimensat(AT_FDCWD, "p/main.py", (struct timespec[2]){ old, old }, 0) == 0, "time");
	project("p");
	exec.entry = (char[]){ "main.py" };
	IS_INT(take_in(), 0, "a project goes in");
	IS_STR(err.text, "", "without an error");
	IS_STR(tree_text("work/main.py"), "import lib\n", "its files are there");
	IS_STR(tree_text("work/lib/__init__.py"), "x = 1\n", "those in folders too");
	IS_INT(tree_mode("work/lib/__init__.py"), 0600, "with their own mode");
	IS_INT(tree_mode("work/run.sh"), 0755, "but no set-user-id bit");
	IS_INT(tree_mode("work/empty"), 0777, "and no sticky bit on an empty folder");
	IS_STR(tree_text("work/absolute"), "<link> /etc/passwd", "a link is the text it holds");
	IS_STR(tree_text("work/dangling"), "<link> lib/none", "a dangling one too");
	IS_STR(tree_text("work/hard.py"), "import lib\n", "a hard link is a file of its own");
	OK(stat("work/hard.py", &st) == 0 && st.st_nlink == 1, "not linked to anything");
	OK(stat("work/main.py", &st) == 0 && st.st_mtime == 1000000000, "times of change are kept");
	OK(tree_has("work/.git/HEAD") && !tree_has("work/.git/config"), "of .git only the configuration stays outside");
	OK(!tree_has("work/fifo") && snap.skipped.count == 1, "a FIFO is left out and noted");
	IS_INT(snap.project_files, 5, "files are counted");
	IS_INT(snap.project_bytes, 11 + 6 + 10 + 11 + 21, "and their bytes");
	IS_INT(strlen(snap.project_sha256), 64, "the project has a digest");

	memcpy(digest, snap.project_sha256, sizeof(digest));
	tree_must(system("chmod -R u+w work && rm -rf work && mkdir work && mv p q && cp -a q p") == 0, "copy");
	snapshot_done(&snap);
	IS_INT(take_in(), 0, "a copy of it goes in");
	IS_STR(snap.project_sha256, digest, "and has the same digest");
	tree_must(system("chmod -R u+w work && rm -rf work && mkdir work && chmod 0700 p/main.py") == 0, "chmod");
	snapshot_done(&snap);
	OK(take_in() == 0 && strcmp(snap.project_sha256, digest) != 0, "another mode is another digest");
}

/* The documented format, computed here by hand. */
static void test_manifest(void)
{
	char link_hash[SR_DIGEST_HEX], file_hash[SR_DIGEST_HEX], want[SR_DIGEST_HEX], text[1024];
	int n;

	fresh();
	tree_folder("p");
	tree_folder("p/d");
	tree_bytes("p/d/f", "hello", 5, 0644);
	tree_link("d/f", "p/d-link");
	project("p");
	IS_INT(take_in(), 0, "a small project");
	digest_hex("d/f", 3, link_hash);
	digest_hex("hello", 5, file_hash);
	n = snprintf(text, sizeof(text), "sandrun-manifest-1%cd 0755 0 - d%cl 0000 3 %s d-link%cf 0644 5 %s d/f%c", 0, 0,
		     link_hash, 0, file_hash, 0);
	digest_hex(text, (size_t)n, want);
	IS_STR(snap.project_sha256, want, "its digest is that of the documented manifest");
}

static void test_secrets(void)
{
	static const char *const secret[] = { ".env", ".env.local", "a/b/.env", ".npmrc", ".netrc", ".git/config",
					      "x/.git/config", ".git/modules/m/config", "a.git/.git/modules/m/config",
					      ".ssh", "server.pem", "tls/server.key", "id_rsa", "id_rsa.old", "id_ed25519",
					      ".aws", ".pypirc", ".docker/config.json", ".kube", ".gnupg", ".bash_history",
					      ".cargo/credentials.toml", ".git-credentials" };
	static const char *const plain[] = { "env", "main.py", "config", "git/config", ".git/HEAD", ".git/refs/heads/config",
					     ".github/config", "a.pemx", "keys/readme", ".docker/other.json", "config.json",
					     "environment.yml", "x.git/modules/config", ".gitignore" };

	for (size_t i = 0; i < SR_ELEMENTSOF(secret); i++) {
		char name[80];

		(void)snprintf(name, sizeof(name), "%s stays outside", secret[i]);
		OK(project_is_hidden(secret[i], NULL), name);
	}
	for (size_t i = 0; i < SR_ELEMENTSOF(plain); i++) {
		char name[80];

		(void)snprintf(name, sizeof(name), "%s goes in", plain[i]);
		OK(!project_is_hidden(plain[i], NULL), name);
	}
}

static void build_secrets(void)
{
	tree_folder("p");
	tree_folder("p/conf");
	tree_folder("p/.ssh");
	tree_folder("p/.aws");
	tree_file("p/.env", "top");
	tree_file("p/conf/.env", "conf");
	tree_file("p/.ssh/known_hosts", "known");
	tree_file("p/.ssh/id_rsa", "key");
	tree_file("p/.aws/credentials", "aws");
}

static void test_show(void)
{
	fresh();
	build_secrets();
	project("p");
	IS_INT(take_in(), 0, "a project full of secrets goes in");
	OK(!tree_has("work/.env") && !tree_has("work/conf/.env") && !tree_has("work/.ssh") && !tree_has("work/.aws"),
	   "without any of them");
	IS_INT(snap.hidden.count, 4, "each is noted");

	fresh();
	build_secrets();
	project("p");
	show(".env");
	OK(take_in() == 0 && tree_has("work/.env") && tree_has("work/conf/.env") && !tree_has("work/.ssh"),
	   "--show by name lifts it everywhere");
	fresh();
	build_secrets();
	project("p");
	show("./conf/.env");
	OK(take_in() == 0 && !tree_has("work/.env") && tree_has("work/conf/.env"), "--show by path lifts that one");
	fresh();
	build_secrets();
	project("p");
	show(".ssh/known_hosts");
	OK(take_in() == 0 && tree_has("work/.ssh/known_hosts") && !tree_has("work/.ssh/id_rsa"),
	   "a file of a hidden folder can be lifted alone");
	fresh();
	build_secrets();
	project("p");
	show(".aws/");
	OK(take_in() == 0 && tree_has("work/.aws/credentials"), "a folder with all of its own");
	fresh();
	build_secrets();
	project("p");
	show(".envv");
	is_refused(take_in(), SR_E_PROJECT, "cannot show '.envv'", "a name that nothing has is an error");
	fresh();
	build_secrets();
	tree_file("p/.env.py", "print()");
	project("p");
	exec.entry = (char[]){ ".env.py" };
	is_refused(take_in(), SR_E_SCRIPT, "does not go in", "a hidden entry script is an error");
	OK(strstr(err.hint, "--show .env.py") != NULL, "that says how to lift it");
}

static void refused_folder(const char *path, const char *text, const char *what)
{
	policy_done(&policy);
	policy_init(&policy);
	snapshot_done(&snap);
	err = (struct sr_error)SR_ERROR_INIT;
	project(path);
	is_refused(take_in(), SR_E_PROJECT, text, what);
}

static void test_refused_folders(void)
{
	char absolute[64];

	fresh();
	tree_folder("home/code");
	tree_file("home/code/a", "a");
	tree_folder("home/.config");
	tree_folder("home/.config/sandrun");
	tree_folder("home/.config/sandrun/profiles");
	tree_folder("home/.local");
	tree_folder("home/.local/share");
	tree_folder("home/.local/share/sandrun");
	tree_link("home", "alias");
	tree_link("home/code", "code");
	(void)snprintf(absolute, sizeof(absolute), "%s/home", tree_top);
	(void)setenv("HOME", absolute, 1);
	refused_folder("home", "home folder", "the home folder is refused");
	refused_folder("home/code/..", "home folder", "under another spelling");
	refused_folder("alias", "home folder", "through a link");
	refused_folder(".", "home folder", "and so is what contains it");
	refused_folder("/", "root of all", "and '/'");
	refused_folder("home/.config", "sandrun's own", "what contains sandrun's configuration");
	refused_folder("home/.config/sandrun", "sandrun's own", "that folder itself");
	refused_folder("home/.config/sandrun/profiles", "sandrun's own", "and what lies in it");
	refused_folder("home/.local/share/sandrun", "sandrun's own", "the same for its data");
	tree_folder("state");
	tree_folder("state/sandrun");
	tree_must(realpath("state", absolute) != NULL, "realpath");
	(void)setenv("XDG_STATE_HOME", absolute, 1);
	refused_folder("state/sandrun", "sandrun's own", "also where a variable moved it");
	refused_folder("none", "No such file", "a missing folder");
	tree_file("file", "x");
	refused_folder("file", "Not a directory", "a file");
	policy_done(&policy);
	policy_init(&policy);
	project("code");
	IS_INT(take_in(), 0, "a folder within the home folder is fine, through the user's own link too");
}

static void test_meeting_project(void)
{
	fresh();
	build_project();
	project("p");
	input("p/main.py", "main.py");
	is_refused(take_in(), SR_E_INPUT, "the project's 'main.py' is in its way", "an input may not replace a project's file");
	fresh();
	build_project();
	project("p");
	input("p/main.py", "lib");
	is_refused(take_in(), SR_E_INPUT, "the project's 'lib'", "nor a folder");
	fresh();
	build_project();
	project("p");
	input("p/main.py", "main.py/x");
	is_refused(take_in(), SR_E_INPUT, "the project's 'main.py'", "nor lie beneath a file");
	fresh();
	build_project();
	project("p");
	input("p/main.py", "absolute/x");
	is_refused(take_in(), SR_E_INPUT, "the project's 'absolute'", "nor go through the project's link");
	fresh();
	build_project();
	tree_file("env", "A=1");
	project("p");
	input("env", "lib/.env");
	IS_INT(take_in(), 0, "an input beside the project's files is fine");
	IS_STR(tree_text("work/lib/.env"), "A=1", "and lands there");
}

static void test_unreadable(void)
{
	if (geteuid() == 0) {
		tap_skip("unreadable files of a project", "root reads everything");
		return;
	}
	fresh();
	build_project();
	tree_bytes("p/lib/closed", "x", 1, 0000);
	project("p");
	is_refused(take_in(), SR_E_PROJECT, "cannot read 'lib/closed' of folder 'p': Permission denied",
		   "an unreadable file is an error that names it");
	OK(strstr(err.hint, "chmod") != NULL, "with the mend");
	fresh();
	build_project();
	tree_must(chmod("p/lib", 0000) == 0, "chmod");
	project("p");
	is_refused(take_in(), SR_E_PROJECT, "cannot read 'lib' of folder 'p'", "an unreadable folder too");
}

static void test_depth(void)
{
	int fd, next;

	fresh();
	tree_folder("p");
	fd = tree_open("p");
	for (int i = 0; i < 70; i++) {
		tree_must(mkdirat(fd, "d", 0755) == 0, "deep folder");
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(fd);
		fd = next;
	}
	(void)close(fd);
	project("p");
	is_refused(take_in(), SR_E_PROJECT, "more than 64 deep", "folders have a greatest depth");
}

/* ---- room --------------------------------------------------------------------------------------------------------- */

static void test_room(void)
{
	fresh();
	tree_folder("p");
	tree_file("p/a", "a");
	tree_must(truncate("p/a", 3 << 20) == 0, "size");
	project("p");
	policy_set_limit(&policy, SR_LIMIT_work_bytes, 2 << 20, SR_FROM_COMMAND_LINE);
	is_refused(take_in(), SR_E_PROJECT, "3M do not fit into a work folder of 2M", "a project beyond the work folder's size");
	OK(strstr(err.hint, "--work-size 3M") != NULL && !tree_has("work/a"), "is refused before a byte is copied, with the size");
	fresh();
	tree_file("big", "a");
	tree_must(truncate("big", 1LL << 40) == 0, "size");
	input("big", NULL);
	is_refused(take_in(), SR_E_INPUT, "1024G do not fit", "so is an input of 1 TiB");
	fresh();
	tree_folder("p");
	for (int i = 0; i < 50; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "p/%d", i);
		tree_file(name, "");
	}
	project("p");
	policy_set_limit(&policy, SR_LIMIT_work_inodes, 50, SR_FROM_COMMAND_LINE);
	is_refused(take_in(), SR_E_PROJECT, "51 files and folders, and the work folder takes 50", "so are too many files");
	OK(strstr(err.hint, "work.inodes") != NULL, "which names the profile's key");
	policy_set_limit(&policy, SR_LIMIT_work_inodes, 51, SR_FROM_COMMAND_LINE);
	IS_INT(take_in(), 0, "exactly as many as fit go in");
}

/* ---- sources that change ------------------------------------------------------------------------------------------ */

static atomic_bool stop;

static void *writer(void *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	while (fd >= 0 && !atomic_load(&stop)) {
		if (write(fd, "more\n", 5) != 5)
			break;
	}
	(void)close(fd);
	return NULL;
}

static void test_changing_input(void)
{
	char path[] = "log";
	bool seen = false;
	pthread_t t;

	fresh();
	tree_file("log", "x");
	tree_must(truncate("log", 8 << 20) == 0, "size");
	input("log", NULL);
	atomic_store(&stop, false);
	tree_must(pthread_create(&t, NULL, writer, path) == 0, "thread");
	for (int i = 0; i < 50 && !seen; i++) {
		snapshot_done(&snap);
		(void)unlink("work/log");
		seen = take_in() < 0 && err.code == SR_E_INPUT_CHANGED && strstr(err.text, "'log': it changes while read");
	}
	atomic_store(&stop, true);
	(void)pthread_join(t, NULL);
	OK(seen, "an input that is written to meanwhile is an error");
}

/* Grown between the two steps: the name's file is still the one that was opened. */
static void test_changed_between(void)
{
	int work;

	fresh();
	tree_file("a", "before");
	tree_folder("p");
	tree_file("p/f", "file");
	tree_file("canary", "canary");
	input("a", NULL);
	project("p");
	IS_INT(snapshot_open(&policy, &exec, &snap, &err), 0, "opened");
	tree_must(unlink("a") == 0 && unlink("p/f") == 0, "unlink");
	tree_link("../canary", "a");
	tree_link("../canary", "p/f");
	work = tree_open("work");
	is_refused(snapshot_copy(&snap, &exec, work, geteuid(), getegid(), &err), SR_E_INPUT_CHANGED, "'f' of folder 'p'",
		   "a project's file that became a link is not followed");
	OK(!tree_has("work/f"), "nothing of it is there");
	(void)close(work);

	fresh();
	tree_file("a", "before");
	input("a", NULL);
	IS_INT(snapshot_open(&policy, &exec, &snap, &err), 0, "opened");
	tree_must(unlink("a") == 0, "unlink");
	tree_file("a", "after");
	work = tree_open("work");
	IS_INT(snapshot_copy(&snap, &exec, work, geteuid(), getegid(), &err), 0, "an input is what was opened");
	IS_STR(tree_text("work/a"), "before", "whatever has its name by now");
	(void)close(work);
}

static void *swapper(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		(void)rename("p/d", "p/d2");
		(void)rename("link", "p/d");
		(void)rename("p/d", "link");
		(void)rename("p/d2", "p/d");
	}
	return NULL;
}

/* A folder of the project is swapped for a link to a folder outside, thousands of times. */
static void test_race(void)
{
	unsigned good = 0, bad = 0, leaked = 0;
	pthread_t t;

	fresh();
	tree_folder("p");
	tree_folder("p/d");
	tree_file("p/d/f", "inside");
	tree_folder("outside");
	tree_file("outside/f", "canary");
	tree_link("../outside", "link");
	project("p");
	atomic_store(&stop, false);
	tree_must(pthread_create(&t, NULL, swapper, NULL) == 0, "thread");
	for (int i = 0; i < 4000 || (i < 100000 && !(good && bad)); i++) {
		int r;

		snapshot_done(&snap);
		for (int k = 0; k < 2; k++) { /* a link first: what it points to stays */
			(void)unlink(k ? "work/d2" : "work/d");
			(void)unlink(k ? "work/d2/f" : "work/d/f");
			(void)rmdir(k ? "work/d2" : "work/d");
		}
		r = take_in();
		if (r == 0)
			good++;
		else
			bad++;
		if (strcmp(tree_text("work/d"), "<folder>") == 0 && strcmp(tree_text("work/d/f"), "canary") == 0)
			leaked++;
	}
	atomic_store(&stop, true);
	(void)pthread_join(t, NULL);
	IS_INT(leaked, 0, "4,000 snapshots in a race took nothing in through a link");
	OK(good > 0 && bad > 0, "and the race was one");
	tap_note("%u succeeded, %u were refused", good, bad);
	IS_STR(tree_text("outside/f"), "canary", "the file outside is as it was");
}

/* ---- as root ------------------------------------------------------------------------------------------------------ */

static void test_other_owner(void)
{
	struct stat st;
	int work;

	if (geteuid() != 0) {
		tap_skip("files belong to the payload's host id", "needs root");
		return;
	}
	fresh();
	build_project();
	tree_must(chmod("p/lib", 0700) == 0 && chown("work", 1234567, 1234568) == 0, "chown");
	project("p");
	tree_file("data", "d");
	input("data", "x/data");
	work = tree_open("work");
	IS_INT(snapshot_open(&policy, &exec, &snap, &err), 0, "root opens");
	IS_INT(snapshot_copy(&snap, &exec, work, 1234567, 1234568, &err), 0, "and copies as another id");
	(void)close(work);
	OK(stat("work/x/data", &st) == 0 && st.st_uid == 1234567 && st.st_gid == 1234568, "a file belongs to that id");
	OK(stat("work/lib", &st) == 0 && st.st_uid == 1234567 && st.st_gid == 1234568, "a folder too");
	OK(lstat("work/absolute", &st) == 0 && st.st_uid == 1234567, "and a link");
	tree_file("after", "x");
	OK(stat("after", &st) == 0 && st.st_uid == 0 && st.st_gid == 0, "afterwards root creates as root again");
}

static void test_full(void)
{
	int work;

	if (geteuid() != 0 || system("mkdir -p small && mount -t tmpfs -o size=64k,nr_inodes=10 none small 2>/dev/null") != 0) {
		tap_skip("a full work folder", "no tmpfs can be mounted here");
		return;
	}
	policy_set_limit(&policy, SR_LIMIT_work_bytes, SR_UNLIMITED, SR_FROM_COMMAND_LINE);
	work = tree_open("small");
	IS_INT(snapshot_open(&policy, &exec, &snap, &err), 0, "a file larger than the work folder");
	is_refused(snapshot_copy(&snap, &exec, work, geteuid(), getegid(), &err), SR_E_INPUT, "it is full", "fails when that is full");
	OK(strstr(err.hint, "--work-size 1M") != NULL, "with the size that would do");
	(void)close(work);
	tree_must(system("umount small") == 0, "umount");
}

int main(void)
{
	tree_start();
	policy_init(&policy);
	snap = (struct sr_snapshot)SR_SNAPSHOT_INIT;
	test_inputs();
	test_private();
	test_names();
	test_kinds();
	test_folder_input();
	test_project();
	test_manifest();
	test_secrets();
	test_show();
	test_refused_folders();
	test_meeting_project();
	test_unreadable();
	test_depth();
	test_room();
	test_changing_input();
	test_changed_between();
	test_race();
	test_other_owner();
	fresh();
	tree_bytes("big", (char[200000]){ 1 }, 200000, 0644);
	input("big", NULL);
	test_full();
	snapshot_done(&snap);
	policy_done(&policy);
	tree_end();
	return tap_done();
}
