#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# run-suite: alone
# Signals to sandrun reach the program; whatever happens, nothing of a run lives on.

load ../lib/common

# A word in the command line of what a test starts, so that what is left can be found on the host.
setup() {
	mark=srmark$$x$BATS_TEST_NUMBER
}

left() {
	pgrep -f "$mark" || true
}

none_left() {
	[ -z "$(left)" ]
}

some_left() {
	[ -n "$(left)" ]
}

teardown() {
	local pid
	for pid in $(left); do
		kill -KILL "$pid" 2>/dev/null || true
	done
}

# in_background ARGS...: sandrun with the signals that a shell's background job ignores put back; sets $pid
in_background() {
	rm -f "$T/out"
	env --default-signal=INT,QUIT "$SANDRUN" "$@" >"$T/out" 2>"$T/err" 3>&- </dev/null &
	pid=$!
}

said() {
	grep -qs "$1" "$T/out"
}

ended_with() {
	local rc=0
	wait "$pid" || rc=$?
	assert_equal "$rc" "$1"
}

ms_since() {
	local now=$EPOCHREALTIME
	echo $(((${now/./} - ${1/./}) / 1000))
}

forwarded() {
	local sig=$1 number=$2
	in_background -- python3 -c "
import os, signal, time
def stop(number, frame):
    os.write(1, b'got $sig')
    os._exit(7)
signal.signal(signal.SIG$sig, stop)
print('up', flush=True)
time.sleep(30)" "$mark"
	wait_for 10 said up
	kill -s "$sig" "$pid"
	ended_with 7
	assert_contains "$(cat "$T/out")" "got $sig"
	# the same without a trap: killed by it
	in_background -- bash -c "echo up; exec sleep 30" "$mark"
	wait_for 10 said up
	kill -s "$sig" "$pid"
	ended_with $((128 + number))
	none_left
}

@test "SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 reach the program; its end is sandrun's" {
	forwarded TERM 15
	forwarded INT 2
	forwarded HUP 1
	forwarded QUIT 3
	forwarded USR1 10
	forwarded USR2 12
}

@test "a program that kills itself: 128 plus the signal, for each" {
	local n
	for n in 1 2 3 4 6 8 9 10 11 12 13 14 15; do
		sr -- sh -c "kill -$n \$\$"
		assert_status $((128 + n))
		assert_stderr ''
	done
	sr -- sh -c 'exit 137'
	assert_status 137
}

@test "SIGINT reaches the children of a shell too, as a terminal's Ctrl-C does" {
	in_background -- sh -c 'echo up; sleep 30; echo after' "$mark"
	wait_for 10 said up
	sleep 0.2
	local before=$EPOCHREALTIME
	kill -INT "$pid"
	ended_with 130
	[ "$(ms_since "$before")" -lt 3000 ]
	refute_contains "$(cat "$T/out")" after
}

@test "an ignored SIGTERM is followed by the end after five seconds" {
	in_background -- bash -c "trap '' TERM; echo up; while :; do sleep 0.05; done" "$mark"
	wait_for 10 said up
	local before=$EPOCHREALTIME
	kill -TERM "$pid"
	ended_with 137
	local ms
	ms=$(ms_since "$before")
	[ "$ms" -ge 4900 ] && [ "$ms" -le 7000 ] || sr_fail "after $ms ms"
	none_left
}

@test "a second SIGTERM ends it at once; a SIGTERM that is obeyed needs none" {
	in_background -- bash -c "trap '' TERM; echo up; while :; do sleep 0.05; done" "$mark"
	wait_for 10 said up
	local before=$EPOCHREALTIME
	kill -TERM "$pid"
	sleep 0.2
	kill -0 "$pid"
	kill -TERM "$pid"
	ended_with 137
	[ "$(ms_since "$before")" -le 2000 ]
	none_left
	in_background -- bash -c "trap 'sleep 0.5; echo tidy; exit 0' TERM; echo up; while :; do sleep 0.05; done" "$mark"
	wait_for 10 said up
	kill -TERM "$pid"
	ended_with 0
	assert_contains "$(cat "$T/out")" tidy
}

@test "the report says that sandrun ended it" {
	require_cmd jq
	in_background --report "$T/report.json" -- bash -c "trap '' TERM; echo up; while :; do sleep 0.05; done" "$mark"
	wait_for 10 said up
	kill -TERM "$pid"
	sleep 0.2
	kill -TERM "$pid"
	ended_with 137
	assert_equal "$(report '.outcome + " " + (.signal | tostring) + " " + (.limitHit | tostring)')" "killed 9 null"
}

@test "SIGTSTP stops the whole tree and sandrun, SIGCONT lets both go on, and the wall limit waits" {
	in_background -t 2s -- bash -c '
		(while :; do echo child; sleep 0.05; done) &
		while :; do echo parent; sleep 0.05; done' "$mark"
	wait_for 10 said parent
	wait_for 10 said child
	kill -TSTP "$pid"
	is_stopped() { grep -q '^State:.T' "/proc/$pid/status"; }
	wait_for 5 is_stopped
	sleep 0.2
	local size
	size=$(stat -c %s "$T/out")
	sleep 2.2 # longer than the limit
	assert_equal "$(stat -c %s "$T/out")" "$size"
	kill -0 "$pid"
	kill -CONT "$pid"
	grew() { [ "$(stat -c %s "$T/out")" -gt "$((size + 20))" ]; }
	wait_for 5 grew
	ended_with 124
	none_left
}

@test "SIGKILL of sandrun at any moment leaves no process" {
	local i delay
	for i in $(seq 40); do
		delay=0.0$(printf '%02d' $((RANDOM % 40)))
		in_background -- sh -c 'setsid sleep 30 & sleep 30 & wait' "$mark"
		sleep "$delay"
		kill -KILL "$pid"
		wait "$pid" 2>/dev/null || true
	done
	wait_for 3 none_left
}

@test "SIGKILL of sandrun takes a running tree with it, within a second" {
	in_background -- bash -c "trap '' HUP TERM INT; setsid bash -c 'while :; do sleep 0.05; done' $mark & echo up; while :; do sleep 0.05; done" "$mark"
	wait_for 10 said up
	[ "$(left | wc -l)" -ge 3 ]
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || true
	sleep 1
	none_left
}

@test "SIGTERM while the sandbox is built leaves no process and no temporary file" {
	local i before
	mkdir "$T/tmp"
	for i in $(seq 30); do
		TMPDIR=$T/tmp in_background --report "$T/report.json" -- sh -c 'sleep 30 & wait' "$mark"
		sleep "0.0$(printf '%02d' $((RANDOM % 15)))"
		kill -TERM "$pid"
		wait "$pid" || true
	done
	wait_for 3 none_left
	assert_equal "$(find "$T/tmp" -mindepth 1 | wc -l)" 0
	assert_equal "$(find "$T" -name '.sandrun*' | wc -l)" 0
}

@test "daemons of the program are dead when sandrun ends" {
	cat >"$T/a.py" <<'PYTHON'
import os, signal, sys, time
for depth in range(5):
    if os.fork():
        if depth == 0:
            time.sleep(0.3)
            print("parent ends", flush=True)
        os._exit(0)
    os.setsid()
    for s in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(s, signal.SIG_IGN)
null = os.open("/dev/null", os.O_RDWR)
for fd in (0, 1, 2):
    os.dup2(null, fd)
while True:
    time.sleep(0.02)
PYTHON
	cp "$T/a.py" "$T/$mark.py"
	sr_raw "$T/$mark.py" >"$T/out"
	none_left
	assert_equal "$(cat "$T/out")" "parent ends"
}

@test "a daemon that keeps standard output open does not keep sandrun waiting" {
	local before=$EPOCHREALTIME
	sr -- sh -c 'setsid sh -c "sleep 30; echo late" & echo now' "$mark"
	assert_success
	assert_output now
	[ "$(ms_since "$before")" -lt 5000 ]
	none_left
}

@test "a flood of zombies and orphans is reaped" {
	cat >"$T/a.py" <<'PYTHON'
import os, time
for _ in range(600):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
time.sleep(0.3)
states = []
for name in os.listdir("/proc"):
    if name.isdigit() and name != "1":
        try:
            states.append(open("/proc/%s/stat" % name).read().rsplit(")", 1)[1].split()[0])
        except OSError:
            pass
print(states.count("Z"), "zombies")
PYTHON
	sr --pids 20 "$T/a.py"
	assert_success
	assert_output "0 zombies"
}

@test "zombies of the program's own do not hold up the end" {
	cat >"$T/a.py" <<'PYTHON'
import os
for _ in range(60):
    if os.fork() == 0:
        os._exit(0)
print("made", flush=True)
os._exit(3)
PYTHON
	sr "$T/a.py"
	assert_status 3
	assert_output made
}

@test "PID 1 inside cannot be hurt from inside" {
	sr -- bash -c 'for s in $(seq 1 31); do kill -$s 1 2>/dev/null; done; sleep 0.2; echo alive'
	assert_success
	assert_output alive
	sr -- bash -c 'kill -9 -1; echo alive' "$mark"
	# bash is not told of its own signal by kill -1
	assert_success
	assert_output alive
}

# Runs sandrun from python with the signal state that the code sets up.
with_signals() {
	python3 -c '
import os, signal, sys
exec(sys.argv[1])
os.execv(sys.argv[2], sys.argv[2:])' "$1" "$SANDRUN" "${@:2}" 3>&-
}

@test "what the caller ignored or blocked is default again inside" {
	cat >"$T/a.py" <<'PYTHON'
for line in open("/proc/self/status"):
    if line.startswith(("SigBlk", "SigIgn")):
        print(line.split()[0], int(line.split()[1], 16) & 0x7fffffff & ~0x1001000)  # python itself ignores PIPE and XFSZ
PYTHON
	local all='for s in range(1, 32):
    if s not in (9, 19): signal.signal(s, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())'
	# the positive control: a program started that way does inherit both
	try python3 -c "import os, signal
$all
os.execvp('cat', ['cat', '/proc/self/status'])"
	assert_match "$output" 'SigBlk:.*[7f]ffbfeff'
	assert_match "$output" 'SigIgn:.*[7f]ffbfeff' # a caller may ignore signal 32 too
	try with_signals "$all" "$T/a.py"
	assert_success
	assert_output $'SigBlk: 0\nSigIgn: 0'
	try with_signals "$all" -- sh -c 'kill -TERM $$; echo not reached'
	assert_status 143
	assert_output ''
	try with_signals "$all" -- sh -c 'sh -c "exit 4"; echo $?'
	assert_output 4
}

@test "an ignored SIGCHLD of the caller does not confuse sandrun" {
	try with_signals 'signal.signal(signal.SIGCHLD, signal.SIG_IGN)' -- sh -c 'exit 6'
	assert_status 6
	assert_stderr ''
	try with_signals 'signal.signal(signal.SIGCHLD, signal.SIG_IGN)' -t 300ms -- sleep 30
	assert_status 124
}

@test "an ignored SIGPIPE of the caller: the program still gets its own" {
	try with_signals 'signal.signal(signal.SIGPIPE, signal.SIG_IGN)' -- bash -c 'yes | head -n 1; echo "${PIPESTATUS[0]}"'
	assert_output $'y\n141'
}

@test "a signal that the caller ignores for sandrun stays ignored: nohup" {
	nohup env --default-signal=INT "$SANDRUN" -- bash -c 'echo up; sleep 1; echo done' "$mark" >"$T/out" 2>"$T/err" 3>&- </dev/null &
	pid=$!
	wait_for 10 said up
	kill -HUP "$pid"
	ended_with 0
	said "done"
}

@test "a child process that the caller had already is not mistaken for the sandbox" {
	# the shell's own child exits while sandrun, which took its place, waits for the sandbox
	try bash -c '(sleep 0.2; exit 3) & exec "$0" "$@"' "$SANDRUN" -- sh -c 'sleep 0.5; exit 9'
	assert_status 9
}

@test "standard descriptors that the caller closed" {
	sr_closed() {
		status=0
		"$@" 3>&- || status=$?
	}
	sr_closed "$SANDRUN" -- sh -c 'cat; echo out; echo err >&2; exit 5' <&- >"$T/out" 2>"$T/err"
	assert_status 5
	assert_equal "$(cat "$T/out") $(cat "$T/err")" "out err"
	sr_closed "$SANDRUN" -- sh -c 'echo out; echo err >&2; exit 5' </dev/null >&- 2>"$T/err"
	assert_status 5
	assert_equal "$(cat "$T/err")" err
	sr_closed "$SANDRUN" -- sh -c 'echo out; echo err >&2; exit 5' </dev/null >"$T/out" 2>&-
	assert_status 5
	assert_equal "$(cat "$T/out")" out
	sr_closed "$SANDRUN" -- sh -c 'exit 5' <&- >&- 2>&-
	assert_status 5
	# no file that sandrun opens may land in a closed descriptor
	echo 'import os; print([os.path.exists("/proc/self/fd/%d" % n) for n in range(4)])' >"$T/a.py"
	sr_closed "$SANDRUN" --report "$T/report.json" "$T/a.py" <&- >"$T/out" 2>&-
	assert_status 0
	assert_equal "$(cat "$T/out")" "[True, True, True, False]"
	head -c 1 "$T/report.json" | grep -q '{'
}
