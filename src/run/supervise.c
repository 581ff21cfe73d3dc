/* SPDX-License-Identifier: MIT */
/*
 * One poll loop from the payload's exec to the last byte of its output.
 *
 * Descriptors: control socket (init's words), standard streams, signals, PID 1's pidfd. Timers are deadlines that bound
 * poll's timeout. Order of the end: the payload ends or a limit is hit -> init kills and reaps everything and reports ->
 * the pipes run dry -> PID 1's exit is waited for last (finding 37).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "policy/limit.h"
#include "run/run.h"
#include "stage/stage.h"
#include "sys/kernel.h"

#define GRACE_NS (5ULL * 1000000000ULL)         /* SIGTERM to SIGKILL */
#define INIT_PATIENCE_NS (500ULL * 1000000ULL)  /* for init to kill all, before it is killed itself */
#define FIRST_LOOK_NS (30ULL * 1000000ULL)
#define SIGNAL_PAUSE_NS (100ULL * 1000000ULL)   /* a frozen program gets that long to answer a signal */

/*
 * A descriptor for writing to the caller's stdout or stderr without ever blocking the loop and without setting O_NONBLOCK
 * on a file description that others share: the pipe or terminal is opened once more. Files keep the caller's description
 * (its offset counts); they do not block.
 */
static void open_output(struct sr_stream *s, int fd)
{
	char path[32] = "/proc/self/fd/0";
	struct stat st;

	s->to = fd;
	if (fstat(fd, &st) < 0)
		return;
	if (S_ISSOCK(st.st_mode)) {
		s->to_is_socket = true;
		return;
	}
	if (!S_ISFIFO(st.st_mode) && !isatty(fd))
		return;
	path[14] = (char)('0' + fd);
	s->to = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	s->owns_to = s->to >= 0;
	if (s->to < 0) { /* another user's pipe (sudo, su), or nobody reads it any more: in small pieces then */
		s->to = fd;
		s->to_blocks = true;
	}
}

/*
 * The same for reading from the caller's stdin: it may be shared, and who comes second would wait inside read(2), blind to
 * deadlines. The caller's descriptor is still the one to poll: one that is opened on a FIFO after its last writer has left
 * never sees the end of file (fifo(7)).
 */
static void open_input(struct sr_stream *s)
{
	struct stat st;
	int fd;

	if (s->from != 0 || fstat(0, &st) < 0)
		return;
	s->from_is_socket = S_ISSOCK(st.st_mode);
	if (!S_ISFIFO(st.st_mode) && !isatty(0))
		return;
	fd = open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return; /* another user's: as it is, then */
	s->from = fd;
	s->owns_from = true;
	s->watch = 0;
}

static void take(struct sr_stream *s, int from, int to)
{
	stream_init(s, from, to);
	s->owns_from = true;
	s->grow = true;
	open_output(s, to);
}

/* The output limit holds on terminals, files and where it was asked for; a pipe's reader is its own limit (finding 17). */
static bool budget_applies(const struct sr_run *run)
{
	const struct sr_limit *l = &run->policy->limits[SR_LIMIT_stdio_bytes];
	struct stat st;

	if (l->value == SR_UNLIMITED)
		return false;
	if (policy_is_asked(run->policy, SR_LIMIT_stdio_bytes))
		return true;
	return !(fstat(1, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)));
}

/* What a stream is called, and whether it is recorded by a commitment: before its first byte. */
static void name_stream(const struct sr_run *run, struct sr_stream *s, const char *role)
{
	bool is_private = s == &run->in ? run->policy->private_stdin : run->policy->private_outputs;

	s->role = role;
	if (is_private)
		stream_private(s, run->salt, role);
}

static int start_streams(struct sr_run *run, struct sr_error *err)
{
	const struct sr_exec *x = run->exec;

	if ((run->policy->private_stdin || run->policy->private_outputs) && !run->salt)
		return sr_error_set(err, SR_E_INTERNAL, EINVAL, "sandbox", "cannot pass private data on: there is no salt");
	if (run->payload_fd[0] >= 0) {
		stream_init(&run->in, run->stdio.closed[0] ? -1 : 0, SR_TAKE_FD(run->payload_fd[0]));
		name_stream(run, &run->in, "stdin");
		run->in.owns_to = true;
		run->in.grow = true;
		if (x->script && !x->script_name) { /* the program is standard input, read to its end already */
			run->in.from = -1;
			if (stream_preload(&run->in, x->script, x->script_len) < 0)
				return sr_error_oom(err, "sandbox");
		}
		open_input(&run->in);
		if (run->in.from < 0 && run->in.len == 0)
			stream_close(&run->in);
	}
	if (run->payload_fd[1] >= 0) {
		take(&run->out, SR_TAKE_FD(run->payload_fd[1]), 1);
		name_stream(run, &run->out, run->stdio.merged ? "stdout+stderr" : "stdout");
	}
	if (run->payload_fd[2] >= 0) {
		take(&run->err, SR_TAKE_FD(run->payload_fd[2]), 2);
		name_stream(run, &run->err, "stderr");
	}
	if (run->pty_master >= 0) {
		bool paused = run->tty_in.paused;
		/* one merged stream (finding 22), shown on the terminal that there is */
		struct sr_stream *s = run->stdio.tty[1] ? &run->out : &run->err;

		(void)fcntl(run->pty_master, F_SETFL, O_NONBLOCK); /* for all that are made of it: none may hold up the loop */
		if (run->stdio.tty[1] || run->stdio.tty[2]) {
			take(s, fcntl(run->pty_master, F_DUPFD_CLOEXEC, 3), run->stdio.tty[1] ? 1 : 2);
			name_stream(run, s, "terminal");
		}
		if (run->stdio.tty[0]) {
			stream_init(&run->tty_in, 0, fcntl(run->pty_master, F_DUPFD_CLOEXEC, 3));
			run->tty_in.owns_to = true;
			run->tty_in.paused = paused;
			open_input(&run->tty_in);
		}
		run->outcome.terminal = run->stdio.tty[1] || run->stdio.tty[2];
	}
	run->outcome.merged = run->stdio.merged;
	run->budget = policy_limit(run->policy, SR_LIMIT_stdio_bytes);
	run->budget_set = budget_applies(run);
	if (run->budget_set)
		run->out.budget = run->err.budget = &run->budget;
	return 0;
}

int run_watch_signals(struct sr_run *run, struct sr_error *err)
{
	static const int forwarded[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH, SIGUSR1, SIGUSR2 };
	struct sigaction now;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < SR_ELEMENTSOF(forwarded); i++) {
		/* what the caller has ignored (nohup) stays so: a blocked signal would be read although it is ignored */
		if (sigaction(forwarded[i], NULL, &now) < 0 || now.sa_handler != SIG_IGN)
			sigaddset(&set, forwarded[i]);
	}
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return sr_error_set(err, SR_E_SETUP, errno, "sandbox", "cannot block signals: %s", strerror(errno));
	run->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (run->signal_fd < 0)
		return sr_error_set(err, SR_E_SETUP, errno, "sandbox", "cannot watch signals: %s", strerror(errno));
	return 0;
}

/*
 * cpu.window: what is used up pauses the program; the clock of the wall limit goes on. A pause is said again at every look: a
 * payload can wake its processes by SIGCONT, and a cgroup's file may not have been to be written. What fails is tried again.
 */
static void freeze(struct sr_run *run, bool frozen, uint64_t now)
{
	if (!frozen && !run->frozen)
		return;
	if (run->cgroup->dir_fd < 0)
		(void)run_send(run, SR_MSG_SIGNAL_ALL, frozen ? SIGSTOP : SIGCONT);
	else if (frozen != run->frozen && cgroup_freeze(run->cgroup, frozen) < 0)
		return;
	if (frozen == run->frozen)
		return;
	run->frozen = frozen;
	if (frozen)
		run->frozen_at = now;
	else
		run->outcome.frozen_ns += now - run->frozen_at;
}

/* Ends the run: init kills everything and reports; if it does not within its time, it dies itself and all with it. */
static void stop(struct sr_run *run)
{
	if (run->stop_asked)
		return;
	run->stop_asked = true;
	freeze(run, false, run_now()); /* or init could not hear of it */
	run->kill_deadline = run_now() + INIT_PATIENCE_NS;
	(void)run_send(run, SR_MSG_KILL, 0); /* EPIPE: it is dead, which poll tells */
}

static void hit_limit(struct sr_run *run, enum sr_limit_hit hit)
{
	/* a program may end before the output that passes the limit is read: cut off is cut off */
	if (run->stop_asked || (run->exited && hit != SR_HIT_OUTPUT))
		return;
	run->outcome.hit = hit;
	if (!run->exited)
		stop(run);
}

/* Ctrl-Z from outside, or `kill -TSTP`: the tree stops, then sandrun, and the clock of the wall limit with them. */
static void suspend(struct sr_run *run)
{
	uint64_t before = run_now(), away;

	(void)run_send(run, SR_MSG_SIGNAL_ALL, SIGSTOP);
	terminal_restore(run);
	(void)raise(SIGSTOP);
	away = run_now() - before;
	if (run->wall_deadline)
		run->wall_deadline += away;
	run->outcome.phases.started += away; /* wall time does not count what was spent stopped */
	(void)run_send(run, SR_MSG_SIGNAL_ALL, SIGCONT);
	if (run->pty_master >= 0)
		terminal_start(run);
}

static void on_signal(struct sr_run *run, int sig)
{
	if (run->frozen) { /* whoever signals wants it heard now */
		freeze(run, false, run_now());
		run->next_look = run_now() + SIGNAL_PAUSE_NS;
	}
	switch (sig) {
	case SIGTSTP:
		suspend(run);
		break;
	case SIGCONT:
		(void)run_send(run, SR_MSG_SIGNAL_ALL, SIGCONT);
		if (run->pty_master >= 0)
			terminal_start(run);
		break;
	case SIGWINCH:
		terminal_resize(run);
		break;
	case SIGTERM:
	case SIGHUP:
		(void)run_send(run, SR_MSG_SIGNAL, sig);
		if (++run->terms > 1) {
			run->outcome.kind = SR_OUTCOME_KILLED;
			stop(run);
		} else {
			run->grace_deadline = run_now() + GRACE_NS;
		}
		break;
	case SIGINT:
	case SIGQUIT:
		/* Ctrl-C of a terminal reaches everyone in the foreground; a shell inside waits for its child to die of it */
		(void)run_send(run, SR_MSG_SIGNAL_GROUP, sig);
		break;
	default:
		(void)run_send(run, SR_MSG_SIGNAL, sig);
		break;
	}
}

static void read_signals(struct sr_run *run)
{
	struct signalfd_siginfo info;

	while (read(run->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (!run->exited)
			on_signal(run, (int)info.ssi_signo);
		else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT || info.ssi_signo == SIGHUP)
			run->terms += 2; /* the program is over; whoever reads its output is not: give up on the rest */
	}
}

static void on_exited(struct sr_run *run, const struct sr_msg *msg)
{
	struct sr_outcome *o = &run->outcome;

	run->exited = true;
	o->phases.exited = run_now();
	o->wall_ns = o->phases.exited - o->phases.started;
	o->user_us = msg->user_us;
	o->system_us = msg->system_us;
	o->cpu_source = "rusage";
	o->memory_peak_bytes = msg->max_rss_kb * 1024;
	o->memory_source = "rusage-maxrss-largest-process";
	if (run->watchdog.cpu_ns / 1000 > o->user_us + o->system_us + 20000) { /* children whose parent ignored SIGCHLD */
		o->user_us = run->watchdog.cpu_ns / 1000 - o->system_us;
		o->cpu_source = "watchdog-sampled-lower-bound";
	}
	if (run->watchdog.peak_bytes > o->memory_peak_bytes) {
		o->memory_peak_bytes = run->watchdog.peak_bytes;
		o->memory_source = "watchdog-sampled-tree";
	}
	if (WIFSIGNALED(msg->wait_status)) {
		o->signal = WTERMSIG(msg->wait_status);
		if (o->kind != SR_OUTCOME_KILLED)
			o->kind = SR_OUTCOME_SIGNALED;
	} else {
		o->exit_code = WEXITSTATUS(msg->wait_status);
		if (o->kind != SR_OUTCOME_KILLED)
			o->kind = SR_OUTCOME_EXITED;
	}
}

/* PID 1 is gone without a word: killed from outside, say by the kernel's OOM killer. Nothing of the sandbox lives. */
static void on_silence(struct sr_run *run)
{
	if (run->exited)
		return;
	run->exited = true;
	run->outcome.phases.exited = run_now();
	run->outcome.wall_ns = run->outcome.phases.exited - run->outcome.phases.started;
	run->outcome.kind = SR_OUTCOME_KILLED;
	run->outcome.lost = true;
	run->outcome.signal = SIGKILL;
	run->outcome.cpu_source = run->outcome.memory_source = "lost";
	if (run->watchdog.peak_bytes || run->watchdog.cpu_ns) {
		run->outcome.memory_peak_bytes = run->watchdog.peak_bytes;
		run->outcome.user_us = run->watchdog.cpu_ns / 1000;
		run->outcome.cpu_source = run->outcome.memory_source = "watchdog-sampled-tree";
	}
}

static void read_control(struct sr_run *run)
{
	struct sr_msg msg;
	int fd, r = run_receive(run, &msg, &fd);

	fd_close(&fd);
	if (r == 0 && msg.type == SR_MSG_EXITED) {
		on_exited(run, &msg);
	} else {
		/* end of file, or something init never says: in either case it must be dead before it counts as dead */
		(void)sys_pidfd_send_signal(run->pidfd, SIGKILL);
		on_silence(run);
	}
	fd_close(&run->ctl);
}

/* Memory and processor time as the watchdog samples them, where no cgroup holds the memory limit. */
static enum sr_limit_hit sample(struct sr_run *run, unsigned *ret_next_ms)
{
	switch (watchdog_look(&run->watchdog, ret_next_ms)) {
	case WATCHDOG_MEMORY:
		return SR_HIT_MEMORY;
	case WATCHDOG_HOST_MEMORY:
		return SR_HIT_HOST_MEMORY;
	case WATCHDOG_CPU:
		return SR_HIT_CPU;
	default:
		return SR_HIT_NONE;
	}
}

/* When processor time could be used up at the earliest, if every processor works at it. */
static unsigned soonest_ms(uint64_t left_ns)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t ms = left_ns / (uint64_t)(processors > 0 ? processors : 1) / 1000000;

	return ms < 5 ? 5 : ms > 50 ? 50 : (unsigned)ms;
}

static void look(struct sr_run *run, uint64_t now)
{
	const uint64_t limit = policy_limit(run->policy, SR_LIMIT_cpu_ns);
	enum sr_limit_hit hit = SR_HIT_NONE;
	unsigned next_ms = 50, ms;
	uint64_t used;

	if (!run->looked) {
		struct sr_error ignored = SR_ERROR_INIT;

		run->looked = true;
		(void)run_check_sight(run, &ignored); /* what could be refused for it has been, at the gate */
	}
	if (!run->box->counted && !run->blind)
		hit = sample(run, &next_ms);
	used = run->cgroup->dir_fd >= 0 ? cgroup_cpu_ns(run->cgroup) : run->watchdog.cpu_ns;
	if (run->cgroup->dir_fd >= 0 && hit == SR_HIT_NONE && limit != SR_UNLIMITED) { /* else the watchdog has judged it */
		hit = used >= limit ? SR_HIT_CPU : SR_HIT_NONE;
		ms = soonest_ms(used < limit ? limit - used : 0);
		next_ms = ms < next_ms ? ms : next_ms;
	}
	if (run->quota.budget_ns && !run->stop_asked) {
		freeze(run, quota_exceeded(&run->quota, now, used), now);
		ms = run->frozen ? 50 : soonest_ms(quota_left(&run->quota, now, used));
		next_ms = ms < next_ms ? ms : next_ms;
	}
	if (run->box->disk_fd >= 0) {
		hit = hit == SR_HIT_NONE && environment_disk_is_full(run->box->disk_fd) ? SR_HIT_DISK : hit;
		next_ms = next_ms < 20 ? next_ms : 20;
	}
	run->next_look = now + next_ms * 1000000ULL;
	if (hit != SR_HIT_NONE)
		hit_limit(run, hit);
}

static void on_time(struct sr_run *run)
{
	uint64_t now = run_now();

	if (run->exited)
		return;
	if (run->wall_deadline && now >= run->wall_deadline)
		hit_limit(run, SR_HIT_WALL);
	if (run->next_look && now >= run->next_look)
		look(run, now);
	if (run->grace_deadline && now >= run->grace_deadline && !run->stop_asked) {
		run->outcome.kind = SR_OUTCOME_KILLED;
		stop(run);
	}
	if (run->stop_asked && now >= run->kill_deadline) {
		(void)sys_pidfd_send_signal(run->pidfd, SIGKILL);
		run->kill_deadline = now + INIT_PATIENCE_NS;
	}
}

static int timeout_ms(const struct sr_run *run)
{
	const uint64_t deadlines[] = { run->wall_deadline, run->next_look, run->grace_deadline,
				       run->stop_asked ? run->kill_deadline : 0 };
	uint64_t now = run_now(), first = UINT64_MAX;

	if (run->exited)
		return -1;
	for (size_t i = 0; i < SR_ELEMENTSOF(deadlines); i++) {
		if (deadlines[i] && deadlines[i] < first)
			first = deadlines[i];
	}
	if (first == UINT64_MAX)
		return -1;
	return first <= now ? 0 : (int)((first - now + 999999) / 1000000);
}

static bool all_done(const struct sr_run *run)
{
	return run->exited && stream_finished(&run->out) && stream_finished(&run->err);
}

/*
 * The payload is dead: what it did not read stays unread. A seekable stdin is put back to what was really consumed, so that
 * the caller's next command finds the rest (`while read line; do sandrun ...; done < list`).
 */
static void end_of_input(struct sr_run *run)
{
	int unread = 0;

	/* more in the pipe than ever went in: the payload wrote to it itself, and the caller's offset is not its to move */
	if (run->in_probe >= 0 && run->in.present && ioctl(run->in_probe, FIONREAD, &unread) == 0 && unread >= 0 &&
	    (uint64_t)unread + run->in.len <= run->in.accepted && run->in.written >= (uint64_t)unread)
		(void)lseek(0, -(off_t)((uint64_t)unread + run->in.len), SEEK_CUR);
	fd_close(&run->in_probe);
	run->in.len = 0;
	stream_close(&run->in);
	stream_close(&run->tty_in);
}

/* Keeps the end of the program's messages: a missing module's name stands in their last lines. */
static void keep_tail(struct sr_run *run, const struct sr_stream *s, uint64_t before)
{
	size_t n = (size_t)(s->accepted - before), room = sizeof(run->tail) - 1;
	const char *data = s->buf;

	if (n == 0 || !data)
		return;
	if (n > room) {
		data += n - room;
		n = room;
	}
	if (run->tail_len + n > room) {
		size_t drop = run->tail_len + n - room;

		memmove(run->tail, run->tail + drop, run->tail_len - drop);
		run->tail_len -= drop;
	}
	memcpy(run->tail + run->tail_len, data, n);
	run->tail_len += n;
	run->tail[run->tail_len] = '\0';
}

static void one_turn(struct sr_run *run)
{
	struct sr_stream *streams[] = { &run->in, &run->out, &run->err, &run->tty_in };
	unsigned counts[SR_ELEMENTSOF(streams)];
	struct pollfd fds[3 + SR_ELEMENTSOF(streams)];
	nfds_t n = 2, asked;

	fds[0] = (struct pollfd){ .fd = run->ctl, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = run->signal_fd, .events = POLLIN };
	for (size_t i = 0; i < SR_ELEMENTSOF(streams); i++) {
		counts[i] = stream_poll(streams[i], &fds[n]);
		n += counts[i];
	}
	asked = learn_poll(run->learn, &fds[n]);
	if (poll(fds, n + asked, timeout_ms(run)) < 0) {
		if (errno == EINTR)
			return;
		(void)sys_pidfd_send_signal(run->pidfd, SIGKILL); /* out of memory: unsupervised nothing may go on */
		on_silence(run);
		stream_close(&run->out);
		stream_close(&run->err);
		return;
	}
	if (fds[1].revents)
		read_signals(run);
	if (asked)
		learn_answer(run->learn, &fds[n]);
	n = 2;
	for (size_t i = 0; i < SR_ELEMENTSOF(streams); i++) {
		uint64_t before = streams[i]->accepted;

		if (stream_step(streams[i], &fds[n], counts[i]) == STREAM_LIMIT)
			hit_limit(run, SR_HIT_OUTPUT);
		if (streams[i] == &run->tty_in && run->tty_in.present && run->tty_in.from < 0 && !run->raw && !run->input_ended) {
			run->input_ended = true;
			terminal_end_of_input(run);
		}
		if (streams[i] == &run->err || (streams[i] == &run->out && run->outcome.terminal))
			keep_tail(run, streams[i], before);
		n += counts[i];
	}
	if (fds[0].revents)
		read_control(run);
	on_time(run);
	if (run->exited && (run->in.from >= 0 || run->in.to >= 0 || run->in_probe >= 0 || run->tty_in.from >= 0))
		end_of_input(run);
	if (run->exited && run->terms > 1) {
		run->outcome.gave_up = true;
		run->cut[0] = !stream_finished(&run->out);
		run->cut[1] = !stream_finished(&run->err);
		stream_close(&run->out);
		stream_close(&run->err);
	}
}

static int exit_status(const struct sr_outcome *o)
{
	switch (o->hit) {
	case SR_HIT_WALL:
	case SR_HIT_CPU:
		return 124;
	case SR_HIT_NONE:
		return o->signal ? 128 + o->signal : o->exit_code;
	default:
		return 137;
	}
}

/* What the kernel counted, and whether it killed the run for its memory: then PID 1 died with the rest, without a word. */
static void by_cgroup(struct sr_run *run)
{
	struct sr_outcome *o = &run->outcome;
	struct sr_cgroup_usage u;

	cgroup_usage(run->cgroup, &u);
	if (u.user_us != SR_UNLIMITED && u.system_us != SR_UNLIMITED) {
		o->user_us = u.user_us;
		o->system_us = u.system_us;
		o->cpu_source = "cgroup-cpu.stat";
	}
	if (u.memory_peak_bytes != SR_UNLIMITED) {
		o->memory_peak_bytes = u.memory_peak_bytes;
		o->memory_source = "cgroup-memory.peak";
	}
	o->pids_peak = u.pids_peak == SR_UNLIMITED ? 0 : u.pids_peak;
	o->forks_refused = u.forks_refused;
	o->throttled_us = u.throttled_us;
	if (u.oom_kills && o->hit == SR_HIT_NONE && o->signal == SIGKILL) {
		o->hit = u.own_ooms ? SR_HIT_MEMORY : SR_HIT_HOST_MEMORY;
		o->lost = false;
	}
}

/* A limit that the kernel enforced shows only in how the program died. */
static void classify(struct sr_run *run)
{
	struct sr_outcome *o = &run->outcome;
	uint64_t cpu_limit = policy_limit(run->policy, SR_LIMIT_cpu_ns);

	if (run->cgroup->dir_fd >= 0)
		by_cgroup(run);
	/* the kernel counts a process' time for RLIMIT_CPU in whole ticks, rusage to the nanosecond: they may differ by some */
	if (o->hit == SR_HIT_NONE && o->kind == SR_OUTCOME_SIGNALED && cpu_limit != SR_UNLIMITED &&
	    (o->signal == SIGXCPU || o->signal == SIGKILL) &&
	    (o->user_us + o->system_us) * 1000 >= cpu_limit - cpu_limit / (o->signal == SIGXCPU ? 4 : 20))
		o->hit = SR_HIT_CPU;
	if (o->hit != SR_HIT_NONE)
		o->kind = SR_OUTCOME_LIMIT;
	o->status = exit_status(o);
}

static int wait_for_init(struct sr_run *run, struct sr_error *err)
{
	siginfo_t info;

	while (waitid((idtype_t)3 /* P_PIDFD, waitid(2) */, (id_t)run->pidfd, &info, WEXITED) < 0) {
		if (errno == ECHILD)
			break; /* somebody had SIGCHLD ignored: it is dead and reaped */
		if (errno != EINTR)
			return sr_error_set(err, SR_E_INTERNAL, errno, "sandbox", "cannot see the sandbox's end: %s",
					    strerror(errno));
	}
	run->init = -1;
	run->outcome.phases.reaped = run_now();
	return 0;
}

int run_supervise(struct sr_run *run, struct sr_error *err)
{
	const struct sr_policy *p = run->policy;
	const struct sr_limit *wall = &p->limits[SR_LIMIT_wall_ns];
	int r;

	r = start_streams(run, err);
	if (r < 0)
		return r;
	run->outcome.cgroup = cgroup_way_name(run->cgroup->way);
	watchdog_init(&run->watchdog, run->init, policy_limit(p, SR_LIMIT_memory_bytes),
		      run->cgroup->dir_fd >= 0 ? SR_UNLIMITED : policy_limit(p, SR_LIMIT_cpu_ns));
	if (policy_limit(p, SR_LIMIT_cpu_window) != SR_UNLIMITED) {
		struct sr_window w = limit_window(policy_limit(p, SR_LIMIT_cpu_window));

		quota_init(&run->quota, w.budget_ns, w.length_ns, run->outcome.phases.started);
	}
	if (!run->blind || run->cgroup->dir_fd >= 0 || run->box->disk_fd >= 0)
		run->next_look = run->outcome.phases.started + FIRST_LOOK_NS;
	/* somebody sits at a terminal and can end it himself: only a limit that was asked for holds there (finding 17) */
	if (wall->value != SR_UNLIMITED && (policy_is_asked(p, SR_LIMIT_wall_ns) || !run->outcome.terminal))
		run->wall_deadline = run->outcome.phases.started + wall->value;
	if (run->at_start)
		run->at_start(run->hook_data);
	while (!all_done(run))
		one_turn(run);
	terminal_restore(run);
	stream_result(&run->in, &run->outcome.in);
	stream_result(&run->out, &run->outcome.out);
	stream_result(&run->err, &run->outcome.err);
	run->outcome.out.truncated |= run->cut[0];
	run->outcome.err.truncated |= run->cut[1];
	classify(run);
	if (run->before_wait && !run->out.error && !run->err.error)
		run->before_wait(run->hook_data);
	r = wait_for_init(run, err);
	learn_finish(run->learn);
	trace_record_finish(run->trace);
	if (run->out.error || run->err.error) {
		int e = run->out.error ? run->out.error : run->err.error;

		return sr_error_set(err, SR_E_OUTPUT, e, "output", "cannot write the program's output: %s", strerror(e));
	}
	return r;
}
