/* SPDX-License-Identifier: MIT */
#include "environment/common.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

static const struct {
	const char *word, *operands;
} verbs[] = {
#define SR_VERB(word, function, operands, help) { #word, operands },
#include "environment/verbs.def"
};

mode_t verb_umask = 022;

/* --- the command line --------------------------------------------------------------------------------------------------- */

/* What stands behind a verb in its usage, or NULL. */
static const char *operands_of(const char *verb)
{
	for (size_t i = 0; i < SR_ELEMENTSOF(verbs); i++) {
		if (strcmp(verbs[i].word, verb) == 0)
			return verbs[i].operands;
	}
	return NULL;
}

int verb_misused(const char *verb, const char *what, const char *why)
{
	const char *operands = operands_of(verb), *near = NULL;
	struct sr_error err = SR_ERROR_INIT;

	for (size_t i = 0; i < SR_ELEMENTSOF(verbs); i++) {
		if (!operands && str_distance(verbs[i].word, strlen(verbs[i].word), verb, strlen(verb)) <= 2)
			near = verbs[i].word;
	}
	(void)sr_error_set(&err, SR_E_OPTION, EINVAL, "options", "cannot use 'sandrun environment%s%s%s%s': %s", *verb ? " " : "", verb,
			   what ? " " : "", what ? SHOWN(what) : "", why);
	if (operands)
		sr_error_hint(&err, "sandrun environment %s %s; sandrun environment --help says more", verb, operands);
	else if (near)
		sr_error_hint(&err, "did you mean %s? sandrun environment --help has the verbs", near);
	else
		sr_error_hint(&err, "sandrun environment --help has the verbs");
	return verb_fail(&err);
}

/* Whether word is this option; *ret_value is what stands behind '=', or NULL. */
static bool is_option(const char *word, const char *name, const char **ret_value)
{
	size_t len = strlen(name);

	if (strncmp(word, name, len) != 0 || (word[len] != '\0' && word[len] != '='))
		return false;
	*ret_value = word[len] == '=' ? word + len + 1 : NULL;
	return true;
}

/* Takes argv[*i], and the value behind it. -1, or the exit status of a refusal. */
static int take_option(int argc, char **argv, int *i, const struct verb_option *options, size_t count)
{
	const char *word = argv[*i], *value = NULL;

	for (size_t o = 0; o < count; o++) {
		if (!is_option(word, options[o].name, &value))
			continue;
		if (options[o].flag && value)
			return verb_misused(argv[0], word, "the option takes no value");
		if (options[o].flag) {
			*options[o].flag = true;
			return -1;
		}
		if (!value && *i + 1 >= argc)
			return verb_misused(argv[0], word, "the option takes a value");
		if (!value)
			value = argv[++*i];
		if (options[o].text)
			*options[o].text = value;
		else if (strv_add(options[o].list, value) < 0)
			return verb_misused(argv[0], word, "memory is out");
		return -1;
	}
	return verb_misused(argv[0], word, "no such option");
}

int verb_options(int *argc, char **argv, const struct verb_option *options, size_t count, int least, int most)
{
	bool only_words = false;
	int kept = 1;

	for (int i = 1; i < *argc; i++) {
		if (only_words || *argv[i] != '-' || !argv[i][1]) {
			argv[kept++] = argv[i];
		} else if (strcmp(argv[i], "--") == 0) {
			only_words = true;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			(void)printf("Usage: sandrun environment %s %s\n", argv[0], operands_of(argv[0]));
			return verb_flush(0);
		} else {
			int r = take_option(*argc, argv, &i, options, count);

			if (r >= 0)
				return r;
		}
	}
	*argc = kept;
	if (kept - 1 < least)
		return verb_misused(argv[0], NULL, "too few operands");
	if (kept - 1 > most)
		return verb_misused(argv[0], argv[most + 1], "too many operands");
	return -1;
}

/* --- words -------------------------------------------------------------------------------------------------------------- */

int verb_fail(const struct sr_error *err)
{
	bool color = isatty(2) && !getenv("NO_COLOR");

	progress_end();
	(void)fflush(stdout); /* what was found before comes before */
	(void)fprintf(stderr, "%ssandrun:%s %s: %s\n", color ? "\033[1;31m" : "", color ? "\033[0m" : "", err->stage, err->text);
	if (*err->hint)
		(void)fprintf(stderr, "hint: %s\n", err->hint);
	return err->status ? err->status : 125;
}

void verb_say(const char *fmt, ...)
{
	va_list ap;

	progress_end();
	(void)fflush(stdout);
	(void)fputs("sandrun: " STAGE ": ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

int verb_flush(int status)
{
	struct sr_error err = SR_ERROR_INIT;

	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	(void)sr_error_set(&err, SR_E_OUTPUT, errno ? errno : EIO, "output", "cannot write to standard output: %s",
			   strerror(errno ? errno : EIO));
	return verb_fail(&err);
}

int verb_print_json(json_t *o, int status)
{
	struct sr_error err = SR_ERROR_INIT;
	char *text = o ? json_dumps(o, JSON_INDENT(1) | JSON_ENSURE_ASCII) : NULL;

	json_decref(o);
	if (!text) {
		(void)sr_error_oom(&err, STAGE);
		return verb_fail(&err);
	}
	(void)printf("%s\n", text);
	free(text);
	return verb_flush(status);
}

void verb_size(uint64_t bytes, char out[static 16])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 999.5 && unit + 1 < SR_ELEMENTSOF(units)) {
		value /= 1000;
		unit++;
	}
	(void)snprintf(out, 16, "%.*f %s", unit == 0 || value >= 99.5 ? 0 : value >= 9.95 ? 1 : 2, value, units[unit]);
}

static bool line_is_shown;

void progress_show(const char *fmt, ...)
{
	va_list ap;

	if (!isatty(2))
		return;
	(void)fputs("\r\033[K", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fflush(stderr);
	line_is_shown = true;
}

void progress_end(void)
{
	if (line_is_shown)
		(void)fputs("\r\033[K", stderr);
	line_is_shown = false;
}

/* --- the engine ----------------------------------------------------------------------------------------------------------- */

void child_ready(const int fds[3], pid_t parent)
{
	int from[3];
	sigset_t none;

	(void)sigemptyset(&none);
	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL); /* refused for SIGKILL, SIGSTOP and the C library's own */
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < 3; i++) {
		int fd = fds[i] >= 0 ? fds[i] : open("/dev/null", O_RDWR | O_CLOEXEC);

		from[i] = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* above the three, for none of them must be overwritten too early */
		if (from[i] < 0)
			_exit(125);
	}
	for (int i = 0; i < 3; i++) {
		if (dup2(from[i], i) < 0)
			_exit(125);
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(125);
}

int engine_start(const struct sr_strv *words, const int fds[3], pid_t *ret, struct sr_error *err)
{
	SR_AUTOFREE char **argv = calloc(words->count + 2, sizeof(*argv));
	char *program = getenv("SANDRUN_PROGRAM");
	pid_t parent = getpid(), pid;

	if (!argv)
		return sr_error_oom(err, STAGE);
	if (!program || *program != '/') {
		(void)sr_error_set(err, SR_E_ENVIRONMENT, ENOENT, STAGE, "cannot start a sandbox: this program was not started by sandrun");
		sr_error_hint(err, "sandrun environment ... starts it");
		return -ENOENT;
	}
	argv[0] = program;
	for (size_t i = 0; i < words->count; i++)
		argv[i + 1] = words->items[i];
	(void)fflush(NULL);
	pid = fork();
	if (pid < 0)
		return sr_error_set(err, SR_E_ENVIRONMENT, errno, STAGE, "cannot start %s: %s", SHOWN(program), strerror(errno));
	if (pid == 0) {
		child_ready(fds, parent);
		(void)execv(argv[0], argv);
		_exit(127);
	}
	*ret = pid;
	return 0;
}

int engine_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static volatile sig_atomic_t interrupted;

static void note_signal(int number)
{
	interrupted = number;
}

int verb_interrupted(void)
{
	return interrupted;
}

void verb_catch_signals(void)
{
	const struct sigaction note = { .sa_handler = note_signal };

	(void)sigaction(SIGINT, &note, NULL);
	(void)sigaction(SIGTERM, &note, NULL);
	(void)sigaction(SIGHUP, &note, NULL);
}

int verb_give_up(const char *what, struct sr_error *err)
{
	return sr_error_set_status(err, interrupted ? 128 + interrupted : 125, SR_E_ENVIRONMENT, EINTR, STAGE,
				   "cannot %s: interrupted; nothing of it is left", what);
}
