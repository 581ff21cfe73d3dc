#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The shipped profiles, each with what it must let through and what it must refuse; every refusal with the same act
# where it succeeds. --no-strict, for machines that hold limits by a fallback; strict and ci without it come first.

load ../lib/common

BATS_TEST_TIMEOUT=${SR_TEST_TIMEOUT:-300}

setup() {
	cd "$T"
	umask 022
	export XDG_CONFIG_HOME=$T/config
	mkdir -p "$XDG_CONFIG_HOME/sandrun/profiles"
}

# fallbacks PROFILE: this machine has some for it.
fallbacks() {
	[ -n "$(sr_raw --explain -p "$1" -- true | grep '^refused ')" ]
}

# as PROFILE PROBE ARG...: a probe inside, whatever this machine holds by a fallback.
as() {
	local profile=$1 name=$2
	shift 2
	sr -p "$profile" --no-strict "$(probe "$name")" "$@"
}

@test "all six are there, and each runs" {
	local name
	sr -p nosuch -- true
	assert_error 125 "cannot find profile"
	for name in default strict service ci ml build; do
		assert_contains "$stderr" " $name"
	done
	for name in default strict service ci ml build; do
		sr -p "$name" --no-strict -- echo "$name"
		assert_success
		assert_output "$name"
	done
}

@test "strict and ci refuse a fallback, say how to accept it, and run where there is none" {
	local name
	require_cmd jq
	for name in strict ci; do
		sr -p "$name" --report "$T/report.json" -- echo ran
		if fallbacks "$name"; then
			assert_error 125 "cannot run: profile $name takes no fallback" "--no-strict accepts the fallback"
			assert_equal "$(report .error.code) $(report .strict)" "E_LIMIT_FALLBACK true"
		else
			assert_success
			assert_output ran
		fi
		sr -p "$name" --no-strict --report "$T/report.json" -- echo ran
		assert_success
		assert_output ran
		assert_equal "$(jq .strict "$T/report.json")" false
	done
	# a kernel without Landlock is one on every machine
	try "$BUILD/tests/lib/without" landlock=ENOSYS -- "$SANDRUN" -p strict -- echo ran
	assert_error 125 "cannot run: profile strict takes no fallback"
	try "$BUILD/tests/lib/without" landlock=ENOSYS -- "$SANDRUN" -p strict --no-strict -- echo ran
	assert_success
	for name in default service ml build; do
		sr -p "$name" --report "$T/report.json" -- echo ran
		assert_success
		assert_equal "$(jq .strict "$T/report.json")" false
	done
}

@test "who made it strict stands in the plan; a profile takes it back, the command line comes last" {
	sr -p ci --explain -- true
	assert_match "$output" "(^|
)strict +yes, by the profile: every fallback is refused"
	sr -p ci --no-strict --explain -- true
	refute_contains "$output" "every fallback"
	refute_contains "$output" "refused "
	sr --strict --explain -- true
	assert_contains "$output" "yes, by --strict: every fallback is refused"
	sr -p ci --strict --explain -- true
	assert_contains "$output" "yes, by --strict"
	sr --explain -- true
	refute_contains "$output" "every fallback"
	printf '[profile]\nextends = strict\nstrict = no\n' >loose.ini
	sr -p ./loose.ini -- echo ran
	assert_success
	assert_output ran
	printf '[profile]\nextends = default\nstrict = yes\n' >tight.ini
	sr -p ./tight.ini --explain -- true
	assert_contains "$output" "yes, by the profile"
	printf '[profile]\nextends = ./tight.ini\n' >child.ini
	sr -p ./child.ini --explain -- true
	assert_contains "$output" "yes, by the profile"
	mkdir -p "$XDG_CONFIG_HOME/sandrun"
	printf '[run]\nstrict = yes\n' >"$XDG_CONFIG_HOME/sandrun/config.ini"
	sr --explain -- true
	assert_contains "$output" "yes, by a configuration file: every fallback"
	sr --no-strict -- echo ran
	assert_output ran
	rm "$XDG_CONFIG_HOME/sandrun/config.ini"
	sr --strict --no-strict -- true
	assert_error 125 "'--strict' with '--no-strict'"
	sr -p ci --no-strict -o 'no*' -- true
	assert_success
	sr -p ./tight.ini -m unlimited --pids unlimited --cpu-time unlimited --cpu-max unlimited -o 'no*' -- true
	if [[ $stderr != *"takes no fallback"* ]]; then
		assert_error 125 "the pattern matched nothing" "with --no-strict this is a warning"
	fi
}

@test "strict: python, node and a compiled program compute what they compute outside" {
	require_cmd python3 node cc
	cat >a.py <<'END'
import ctypes, decimal, fractions, hashlib, json, math, re, sqlite3, threading
results = [None] * 4
def work(n):
    results[n] = hashlib.sha256(str(math.factorial(500 + n)).encode()).hexdigest()[:12]
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for t in threads: t.start()
for t in threads: t.join()
values = (ctypes.c_int * 5)(5, 3, 1, 4, 2)
compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
ctypes.CDLL(None).qsort(values, 5, 4, compare(lambda a, b: a[0] - b[0]))
print(json.dumps([results, list(values), str(sum(fractions.Fraction(1, n) for n in range(1, 30))),
                  str(decimal.Decimal(2).sqrt()), re.sub(r"(\w+) (\w+)", r"\2 \1", "one two"),
                  sqlite3.connect(":memory:").execute("select 1 + 2 + 3").fetchone()]))
END
	cat >a.js <<'END'
function mix(n) { let s = 0; for (let i = 0; i < n; i++) s = (s * 31 + i) | 0; return s; }
for (let i = 0; i < 2000; i++) mix(1000);
let big = 1n; for (let i = 1n; i < 200n; i++) big *= i;
console.log(mix(1000), String(big).length, "a-b".replace(/(\w)-(\w)/g, "$2-$1"),
	require("crypto").createHash("sha256").update("x").digest("hex"), [3, 1, 2].sort().join());
new (require("worker_threads").Worker)("require('worker_threads').parentPort.postMessage(6 * 7)", { eval: true })
	.on("message", m => console.log(m));
END
	cat >a.c <<'END'
#include <math.h>
#include <pthread.h>
#include <stdio.h>
static double part[4];
static void *work(void *n) { long k = (long)n; for (int i = 1; i < 100000; i++) part[k] += sin(i * (k + 1)); return NULL; }
int main(void)
{
	pthread_t t[4];
	for (long i = 0; i < 4; i++) pthread_create(&t[i], NULL, work, (void *)i);
	for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
	printf("%.9f\n", part[0] + part[1] + part[2] + part[3]);
	return 0;
}
END
	cc -O2 -o a.out a.c -lm -pthread
	local file
	sr -p strict --no-strict a.py
	assert_success
	assert_output "$(python3 a.py)"
	assert_stderr ''
	sr -p strict --no-strict a.js
	assert_success
	assert_output "$(node a.js)"
	assert_stderr ''
	sr -p strict --no-strict ./a.out
	assert_success
	assert_output "$(./a.out)"
	sr -p strict --no-strict -- node -e 'console.log([1, 2].map(x => x * 2).join())'
	assert_success
	assert_output 2,4
	printf '#include <stdio.h>\nint main(void) { puts("compiled inside"); }\n' >b.c
	sr -p strict --no-strict b.c
	assert_success
	assert_output "compiled inside"
}

@test "strict: other languages that compute" {
	local name code
	while IFS='|' read -r name code; do
		command -v "${name%% *}" >/dev/null || continue
		sr -p strict --no-strict -- ${name} "$code"
		assert_success
		assert_output 5050
		assert_stderr ''
	done <<'END'
perl -e|$s += $_ for 1..100; print "$s\n" if "aab" =~ /a+b/
ruby -e|puts (1..100).sum
php -dpcre.jit=0 -r|echo preg_match("/a+b/", "aab") * array_sum(range(1, 100)), "\n";
Rscript -e|if (grepl("a+b", "aab", perl = TRUE)) cat(sum(1:100), "\n", sep = "")
lua -e|local s = 0 for i = 1, 100 do s = s + i end print(s)
luajit -e|local s = 0 for j = 1, 1000 do s = 0 for i = 1, 100 do s = s + i end end print(s)
awk|BEGIN { for (i = 1; i <= 100; i++) s += i; print s }
bash -c|s=0; for i in {1..100}; do s=$((s + i)); done; echo "$s" | grep -P '^\d+$'
END
	if command -v php >/dev/null; then # sandrun gives the flag
		sr -p strict --no-strict --lang php -c 'echo preg_match("/a+b/", "aab") * array_sum(range(1, 100)), "\n";'
		assert_output 5050
		assert_stderr ''
	fi
}

@test "strict: no internet sockets, no file watching, no message queues, which default has" {
	cat >a.py <<'END'
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def word(name, result):
    print(name, "OK" if result >= 0 else errno.errorcode[ctypes.get_errno()])
for name, family in ("inet", socket.AF_INET), ("inet6", socket.AF_INET6), ("unix", socket.AF_UNIX):
    word(name, libc.socket(family, socket.SOCK_STREAM, 0))
word("inotify", libc.inotify_init1(0))
word("mq_open", libc.syscall(240, b"q", os.O_CREAT | os.O_RDWR, 0o600, None) if os.uname().machine == "x86_64" else
     libc.syscall(180, b"q", os.O_CREAT | os.O_RDWR, 0o600, None))
END
	require_cmd python3
	sr -p strict --no-strict a.py
	assert_success
	assert_output "inet EAFNOSUPPORT
inet6 EAFNOSUPPORT
unix OK
inotify ENOSYS
mq_open ENOSYS"
	sr a.py
	assert_success
	assert_match "$output" "inet OK
inet6 (OK|EAFNOSUPPORT)
unix OK
inotify OK
mq_open (OK|EMFILE)"
}

@test "strict: no memory that is writable and executable at once; exactly that" {
	local machine allowed='mmap rwx: OK
mmap wx: OK
mmap rwx high: OK
mprotect rwx: OK
mprotect wx: OK
pkey_mprotect rwx: OK
one file twice runs: 42
mmap of a file: OK
writable, then executable runs: 42'
	try "$(probe mappings)"
	assert_contains "$output" "$allowed"
	assert_contains "$output" "read implies exec: OK"
	as default mappings
	assert_contains "$output" "$allowed"
	assert_contains "$output" "read implies exec: EPERM"
	as strict mappings
	assert_success
	assert_output 'mmap rwx: EPERM
mmap wx: EPERM
mmap rwx high: EPERM
mprotect rwx: EPERM
mprotect wx: EPERM
pkey_mprotect rwx: EPERM
one file twice runs: 42
mmap of a file: EPERM
writable, then executable runs: 42
shmget: ENOSYS
read implies exec: EPERM'
	printf '[profile]\nextends = strict\nstrict = no\n[seccomp]\nallow = @write-exec\n' >jit.ini
	as ./jit.ini mappings
	assert_contains "$output" "$allowed"
	printf '[profile]\nextends = default\n[seccomp]\ndeny = @write-exec\n' >none.ini
	as ./none.ini mappings
	assert_contains "$output" "mprotect rwx: EPERM"
	assert_contains "$output" "writable, then executable runs: 42"
}

@test "strict: what refuses such memory is named, and the lines that would allow it" {
	sr --learn -p strict --no-strict "$(probe mappings)"
	assert_contains "$stderr" 'learned: mprotect(protection 0x7): EPERM to "mappings"'
	# where a cgroup counts memory, nothing but this profile's list stands in the way of shmget
	assert_match "$stderr" '(^|
)allow = @write-exec( shmget)?($|
)'
	sed -n '/^\[profile\]/,$p' <<<"$stderr" >learned.ini
	as ./learned.ini mappings
	assert_contains "$output" "mprotect rwx: OK"
}

@test "where such memory is refused, node is told to do without, by any way it is started; and not elsewhere" {
	require_cmd node
	local ask='console.log(typeof WebAssembly, process.execArgv.includes("--jitless"), process.env.NODE_OPTIONS)'
	echo "$ask" >a.js
	sr -p strict --no-strict a.js
	assert_output "undefined true --jitless"
	sr -v -p strict --no-strict a.js
	assert_contains "$stderr" "node runs without its just-in-time compiler: the profile has no @write-exec"
	sr -p strict --no-strict --lang node -c "$ask"
	assert_output "undefined true --jitless"
	sr -p strict --no-strict --lang node - <a.js
	assert_output "undefined true --jitless"
	sr -p strict --no-strict -i a.js -- node /work/a.js
	assert_output "undefined false --jitless"
	sr -p strict --no-strict --setenv NODE_OPTIONS='--jitless --no-deprecation' a.js
	assert_output "undefined true --jitless --no-deprecation"
	# the control: V8 does end where nothing tells it
	sr -p strict --no-strict --setenv NODE_OPTIONS= -- node -e 'for (let i = 0; i < 3e6; i++) Math.imul(i, i)'
	[ "$status" -ge 128 ]
	local name
	for name in default service ci ml build; do
		sr -p "$name" --no-strict a.js
		assert_output "object false undefined"
	done
	printf '[profile]\nextends = strict\nstrict = no\n[seccomp]\nallow = @write-exec\n' >jit.ini
	sr -p ./jit.ini a.js
	assert_output "object false undefined"
}

@test "processes: strict and service stop at 32, ci at 64, default at 128, ml and build at 512" {
	local name limit low
	while read -r name limit; do
		as "$name" hog processes 600
		low=$((limit - 2))
		assert_match "$output" "^processes: [0-9]+ of 600 EAGAIN$"
		[[ $output =~ ^processes:\ ([0-9]+) ]]
		[ "${BASH_REMATCH[1]}" -ge "$low" ] && [ "${BASH_REMATCH[1]}" -le "$limit" ] || sr_fail "$name: not $limit"
	done <<'END'
strict 32
service 32
ci 64
default 128
ml 512
build 512
END
	try setsid -w "$(probe hog)" processes 600 # it ends its process group
	assert_output "processes: 600 of 600"
}

@test "service: 100M of work, ten seconds of any minute" {
	as service hog tmpfs /work/f 90
	assert_output "tmpfs: 90 of 90"
	as service hog tmpfs /work/f 200
	assert_match "$output" "^tmpfs: (99|100) of 200 (ENOSPC|EFBIG)$"
	sr -p service -- sh -c 'head -c 60M /dev/zero >a && head -c 60M /dev/zero >b; du -sm . | cut -f 1'
	assert_output 100
	assert_contains "$stderr" "No space left"
	sr -- sh -c 'head -c 60M /dev/zero >a && head -c 60M /dev/zero >b; du -sm . | cut -f 1'
	assert_output 120
	assert_stderr ''
	sr -p service --explain -- true
	assert_contains "$output" "limit       cpu.window = 10s/60s"
	assert_contains "$output" "limit       memory.max = 512M"
	sr --explain -- true
	refute_contains "$output" cpu.window
}

@test "ci: the default's calls, half of its limits, nothing said but errors" {
	require_cmd python3 script
	sr -p ci --no-strict --lang python -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(socket.create_connection(s.getsockname()) and "ok")'
	assert_success
	assert_output ok
	sr -p ci --no-strict -o 'no*' -- true
	assert_success
	assert_stderr ''
	sr -o 'no*' -- true
	assert_success
	assert_contains "$stderr" "matched nothing"
	sr -p ci --no-strict -v -o 'no*' -- true
	assert_contains "$stderr" "matched nothing"
	printf '[profile]\nextends = ci\nstrict = no\nquiet = no\n' >loud.ini
	sr -p ./loud.ini -o 'no*' -- true
	assert_contains "$stderr" "matched nothing"
	# an error is no chatter
	sr -p ci --no-strict -- nosuch
	assert_error 127 "nosuch"
	local line="$SANDRUN -p PROFILE --no-strict -- true; echo status=\$?"
	script -qec "${line/PROFILE/default}" out </dev/null >/dev/null 3>&-
	assert_contains "$(cat out)" "exited 0"
	script -qec "${line/PROFILE/ci}" out </dev/null >/dev/null 3>&-
	refute_contains "$(cat out)" "exited 0"
	assert_contains "$(cat out)" "status=0"
	script -qec "${line/PROFILE/ci -v}" out </dev/null >/dev/null 3>&-
	assert_contains "$(cat out)" "exited 0"
	sr -p ci --explain -- true
	assert_contains "$output" "memory.max = 256M"
}

@test "ml: numpy with forty threads at once, and not with ten processes" {
	/usr/bin/python3 -c 'import numpy' 2>/dev/null || skip "no numpy on this machine"
	cat >a.py <<'END'
import threading
import numpy as np
barrier = threading.Barrier(40)
sums = [0] * 40
def work(n):
    a = np.random.default_rng(n).integers(0, 100, (60, 60))
    barrier.wait(60)  # all forty are there at once, or none goes on
    sums[n] = int(np.trace(a @ a))
threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(40)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(sum(sums), round(float(np.linalg.norm(np.linalg.inv(np.eye(300) * 4 + 1))), 6))
END
	local outside
	outside=$(/usr/bin/python3 a.py)
	sr -p ml -i a.py -- /usr/bin/python3 /work/a.py
	assert_success
	assert_output "$outside"
	sr -p ml --pids 10 -i a.py -- timeout 60 /usr/bin/python3 /work/a.py
	[ "$status" -ne 0 ]
	assert_contains "$stderr" "can't start new thread"
	sr -p ml --explain -- true
	assert_contains "$output" "memory.max = 4G"
	assert_contains "$output" "wall.time = 1h"
	assert_contains "$output" "cpu.max = unlimited"
}

@test "ml: memory, shared memory and descriptors beyond the default's" {
	as ml hog touch 700
	assert_output "touch: 700 of 700"
	as default hog touch 700
	assert_status 137
	as ml hog tmpfs /dev/shm/f 200
	assert_output "tmpfs: 200 of 200"
	as default hog tmpfs /dev/shm/f 200
	assert_match "$output" "^tmpfs: 6[34] of 200 ENOSPC$"
	as ml hog pipes 1000
	assert_output "pipes: 1000 of 1000"
	as default hog pipes 1000
	assert_match "$output" "^pipes: [0-9]+ of 1000 EMFILE$"
}

@test "build: a C project of sixty files with make -j8, and the tests of another one" {
	require_cmd make gcc
	mkdir many
	local i calls=''
	for i in $(seq 60); do
		printf '#include "all.h"\n#include <stdio.h>\nint f%d(int x) { return x + %d; }\n' "$i" "$i" >"many/f$i.c"
		printf 'int f%d(int);\n' "$i" >>many/all.h
		calls+=" + f$i(0)"
	done
	printf '#include "all.h"\n#include <stdio.h>\nint main(void) { printf("%%d\\n", 0%s); }\n' "$calls" >many/main.c
	printf 'O = $(patsubst %%.c,%%.o,$(wildcard *.c))\nall: sum\n\t./sum\nsum: $(O)\n\t$(CC) -o $@ $(O)\n%%.o: %%.c all.h\n\t@$(CC) -O1 -c -o $@ $<\n' >many/Makefile
	sr -p build -C many -o sum -O "$T" -- make -s -j8
	assert_success
	assert_output 1830
	assert_equal "$(find many -name '*.o' | wc -l)" 0 # the host's folder is as it was
	chmod +x sum
	on_host test "$(./sum)" = 1830
	sr -p build -C "$TESTS/real/cproject" -- make -s -j4 check
	assert_success
}

@test "build: its limits are larger than the default's, and hold" {
	as build hog inodes /work 70000
	assert_output "inodes: 70000 of 70000"
	as default hog inodes /work 70000
	assert_match "$output" "^inodes: 65[0-9]+ of 70000 ENOSPC$"
	sr -p build -- sh -c 'ulimit -n; ulimit -s; truncate -s 1023M /tmp/f && echo fits; truncate -s 1025M /tmp/f || echo over' </dev/null
	assert_output "1024
65536
fits
over"
	sr -- sh -c 'ulimit -n; ulimit -s; truncate -s 1023M /tmp/f || echo over' </dev/null
	assert_output "256
8192
over"
	sr -p build -t 1s -- sleep 30
	assert_status 124
}

@test "pipes: may be made smaller and as large again, not larger" {
	require_cmd python3
	cat >a.py <<'END'
import errno, fcntl, os
def ask(size):
    r, w = os.pipe()
    try:
        return fcntl.fcntl(w, 1031, size)
    except OSError as e:
        return errno.errorcode[e.errno]
r, w = os.pipe()
steps = [fcntl.fcntl(w, 1031, 8192), fcntl.fcntl(w, 1031, 65536)]
print(ask(4096) <= 65536, steps, ask(65537), ask(1 << 20), ask(2**31 - 1))
END
	on_host python3 -c 'import fcntl, os; assert fcntl.fcntl(os.pipe()[1], 1031, 1 << 20) == 1 << 20'
	local name
	for name in default strict; do
		sr -p "$name" --no-strict a.py
		assert_success
		assert_output "True [8192, 65536] EPERM EPERM EPERM"
	done
}
