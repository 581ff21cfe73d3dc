/* SPDX-License-Identifier: MIT */
/* The watchdog against trees of processes made for it: each test forks an "init", which forks what is to be seen. */
#include "run/watchdog.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../tap.h"
#include "base/str.h"

#define MB ((size_t)1 << 20)

static int ready[2]; /* one byte for every process that is as it should be */

static void say_ready(void)
{
	(void)!write(ready[1], "r", 1);
}

static void __attribute__((__noreturn__)) hold_still(void)
{
	say_ready();
	for (;;)
		pause();
}

/* Touched and kept. The compiler must not see through it. */
static char *private_memory(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		_exit(1);
	memset(p, 'x', bytes);
	return p;
}

/* Written and let go: nobody has it resident, it is there all the same. */
static char *shared_memory(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		_exit(1);
	memset(p, 'x', bytes);
	if (madvise(p, bytes, MADV_DONTNEED) < 0)
		_exit(1);
	return p;
}

static void burn_ms(long ms)
{
	struct timespec now;

	do
		(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < ms);
}

static pid_t fork_of(void (*run)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		run();
		_exit(0);
	}
	return pid;
}

static void (*the_payload)(void);

static void be_init(void)
{
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* what PID 1 of a namespace is by itself */
	(void)fork_of(the_payload);
	for (;;) {
		if (wait(NULL) < 0)
			pause();
	}
}

/* Returns when `count` processes said that they are ready. */
static pid_t start(void (*payload)(void), unsigned count)
{
	char c;
	pid_t pid;

	the_payload = payload;
	pid = fork_of(be_init);
	while (count-- > 0 && read(ready[0], &c, 1) == 1)
		;
	return pid;
}

static void end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static enum watchdog_verdict look(struct sr_watchdog *w, pid_t init, uint64_t memory, uint64_t cpu_ns)
{
	unsigned next_ms = 0;
	enum watchdog_verdict v;

	watchdog_init(w, init, memory, cpu_ns);
	v = watchdog_look(w, &next_ms);
	watchdog_done(w); /* keeps the figures */
	if (next_ms < 5 || next_ms > 50)
		tap_result(false, __FILE__, __LINE__, "the next look is in 5 to 50 ms");
	return v;
}

/* ---- payloads ---- */
static void idle(void)
{
	hold_still();
}

static void private_64(void)
{
	(void)private_memory(64 * MB);
	hold_still();
}

static void private_64_in_5(void)
{
	(void)private_memory(64 * MB);
	for (int i = 0; i < 4; i++)
		(void)fork_of(idle);
	hold_still();
}

static void reserved_64(void)
{
	if (mmap(NULL, 64 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED)
		_exit(1);
	hold_still();
}

static void shared_64(void)
{
	(void)shared_memory(64 * MB);
	hold_still();
}

static void shared_64_in_5(void)
{
	(void)shared_memory(64 * MB);
	for (int i = 0; i < 4; i++)
		(void)fork_of(idle);
	hold_still();
}

/* One object in eight pieces: every second one has other rights. */
static void shared_64_in_pieces(void)
{
	char *p = shared_memory(64 * MB);

	for (int i = 0; i < 8; i += 2) {
		if (mprotect(p + (size_t)i * 8 * MB, 8 * MB, PROT_READ) < 0)
			_exit(1);
	}
	hold_still();
}

static void shared_10(void)
{
	(void)shared_memory(10 * MB);
	hold_still();
}

static void eight_shared_10(void)
{
	for (int i = 0; i < 7; i++)
		(void)fork_of(shared_10);
	shared_10();
}

static void grandchild(void)
{
	(void)fork_of(idle);
	hold_still();
}

static void family(void)
{
	(void)fork_of(grandchild);
	hold_still();
}

static void *thread_that_forks(void *arg)
{
	pid_t *pid = arg;

	*pid = fork();
	if (*pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)private_memory(64 * MB);
		hold_still();
	}
	say_ready();
	for (;;)
		pause();
}

static void forked_by_thread(void)
{
	pthread_t t;
	pid_t pid;

	if (pthread_create(&t, NULL, thread_that_forks, &pid) != 0)
		_exit(1);
	hold_still();
}

static void burnt_200(void)
{
	burn_ms(200);
	hold_still();
}

static void *burning_thread(void *arg)
{
	burn_ms(100000);
	return arg;
}

static void burning_threads(void)
{
	pthread_t t[3];

	for (int i = 0; i < 3; i++) {
		if (pthread_create(&t[i], NULL, burning_thread, NULL) != 0)
			_exit(1);
	}
	burn_ms(300);
	hold_still();
}

static void burn_100_and_end(void)
{
	burn_ms(100);
	_exit(0);
}

static void waited_for_200(void)
{
	for (int i = 0; i < 2; i++)
		(void)waitpid(fork_of(burn_100_and_end), NULL, 0);
	hold_still();
}

/* Ends while its child burns on: init inherits and reaps it. */
static void orphan(void)
{
	(void)prctl(PR_SET_PDEATHSIG, 0);
	burn_ms(200);
	say_ready();
}

static void leave_orphan(void)
{
	(void)fork_of(orphan);
}

static void odd_name(void)
{
	(void)prctl(PR_SET_NAME, ") S 1 1 (x) R 9");
	burn_ms(200);
	hold_still();
}

/* ---- tests ---- */
static void test_memory(void)
{
	struct sr_watchdog w;
	pid_t init = start(idle, 1);

	IS_INT(look(&w, init, 64 * MB, SR_UNLIMITED), WATCHDOG_OK, "an idle process is below every limit");
	IS_INT(w.processes, 1, "one process besides init");
	OK(w.peak_bytes < 16 * MB, "an idle process uses little");
	end(init);

	init = start(private_64, 1);
	IS_INT(look(&w, init, 32 * MB, SR_UNLIMITED), WATCHDOG_MEMORY, "private memory above the limit");
	IS_INT(look(&w, init, 128 * MB, SR_UNLIMITED), WATCHDOG_OK, "private memory below the limit");
	OK(w.peak_bytes >= 64 * MB && w.peak_bytes < 80 * MB, "the peak is what was touched");
	IS_INT(look(&w, init, SR_UNLIMITED, SR_UNLIMITED), WATCHDOG_OK, "no limit");
	OK(w.peak_bytes >= 64 * MB && w.peak_bytes < 80 * MB, "the peak is measured without a limit too");
	end(init);

	init = start(reserved_64, 1);
	IS_INT(look(&w, init, 32 * MB, SR_UNLIMITED), WATCHDOG_OK, "reserved and untouched is not used");
	end(init);

	init = start(private_64_in_5, 5);
	IS_INT(look(&w, init, 128 * MB, SR_UNLIMITED), WATCHDOG_OK, "pages of five processes after fork count once");
	IS_INT(w.processes, 5, "five processes");
	IS_INT(look(&w, init, 48 * MB, SR_UNLIMITED), WATCHDOG_MEMORY, "and do count");
	end(init);
}

static void test_shared(void)
{
	struct sr_watchdog w;
	pid_t init = start(shared_64, 1);

	IS_INT(look(&w, init, 32 * MB, SR_UNLIMITED), WATCHDOG_MEMORY, "shared memory that nobody has resident");
	IS_INT(look(&w, init, 128 * MB, SR_UNLIMITED), WATCHDOG_OK, "the same below the limit");
	end(init);

	init = start(shared_64_in_5, 5);
	IS_INT(look(&w, init, 128 * MB, SR_UNLIMITED), WATCHDOG_OK, "one object in five processes counts once");
	OK(w.peak_bytes >= 64 * MB && w.peak_bytes < 96 * MB, "with its size");
	end(init);

	init = start(shared_64_in_pieces, 1);
	IS_INT(look(&w, init, 48 * MB, SR_UNLIMITED), WATCHDOG_MEMORY, "an object that is mapped in pieces counts whole");
	end(init);

	init = start(eight_shared_10, 8);
	IS_INT(look(&w, init, 60 * MB, SR_UNLIMITED), WATCHDOG_MEMORY, "many small ones count together");
	IS_INT(look(&w, init, 160 * MB, SR_UNLIMITED), WATCHDOG_OK, "and not more than they are");
	end(init);
}

static void test_tree(void)
{
	struct sr_watchdog w;
	pid_t init = start(family, 3);

	(void)look(&w, init, SR_UNLIMITED, SR_UNLIMITED);
	IS_INT(w.processes, 3, "grandchildren are found");
	end(init);

	init = start(forked_by_thread, 3);
	IS_INT(look(&w, init, 32 * MB, SR_UNLIMITED), WATCHDOG_MEMORY, "a child of a thread is found");
	IS_INT(w.processes, 2, "as one process more");
	end(init);

	IS_INT(look(&w, init, 1, 1), WATCHDOG_OK, "an init that is gone");
	IS_INT(w.processes, 0, "has no processes");
}

static void test_cpu(void)
{
	const uint64_t ms = 1000000;
	struct sr_watchdog w;
	pid_t init = start(burnt_200, 1);

	IS_INT(look(&w, init, SR_UNLIMITED, 150 * ms), WATCHDOG_CPU, "CPU time above the limit");
	IS_INT(look(&w, init, SR_UNLIMITED, 900 * ms), WATCHDOG_OK, "CPU time below the limit");
	OK(w.cpu_ns >= 150 * ms && w.cpu_ns < 600 * ms, "as much as was used");
	IS_INT(look(&w, init, SR_UNLIMITED, SR_UNLIMITED), WATCHDOG_OK, "no CPU limit");
	end(init);

	init = start(burning_threads, 1);
	IS_INT(look(&w, init, SR_UNLIMITED, 250 * ms), WATCHDOG_CPU, "threads count together");
	end(init);

	init = start(waited_for_200, 1);
	IS_INT(look(&w, init, SR_UNLIMITED, 150 * ms), WATCHDOG_CPU, "children that ended count");
	IS_INT(w.processes, 1, "although they are gone");
	end(init);

	init = start(leave_orphan, 1);
	usleep(50000);
	IS_INT(look(&w, init, SR_UNLIMITED, 150 * ms), WATCHDOG_CPU, "what init reaped counts");
	IS_INT(w.processes, 0, "although nothing is left");
	end(init);

	init = start(odd_name, 1);
	IS_INT(look(&w, init, SR_UNLIMITED, 150 * ms), WATCHDOG_CPU, "a name that looks like fields deceives nobody");
	end(init);
}

static void test_pace(void)
{
	struct sr_watchdog w;
	unsigned far = 0, near = 0;
	pid_t init = start(private_64, 1);

	watchdog_init(&w, init, (uint64_t)4096 * MB, SR_UNLIMITED);
	(void)watchdog_look(&w, &far);
	watchdog_done(&w);
	IS_INT(far, 50, "far from the limit the next look is late");
	watchdog_init(&w, init, 80 * MB, SR_UNLIMITED);
	(void)watchdog_look(&w, &near);
	watchdog_done(&w);
	IS_INT(near, 5, "near the limit it is soon");
	end(init);
}

int main(void)
{
	if (pipe(ready) < 0)
		return 1;
	test_memory();
	test_shared();
	test_tree();
	test_cpu();
	test_pace();
	return tap_done();
}
