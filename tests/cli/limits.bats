#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# run-suite: alone
# Every limit: what goes past it is ended or refused, with its status, its line and its place in the report; what stays
# below runs to its end. The outside does not notice. Times are generous: the machine may be busy.

load ../lib/common

# as_limit HIT STATUS LINE: what the run before says, on standard error and in the report
as_limit() {
	assert_status "$2"
	assert_contains "$stderr" "$3"
	assert_equal "${stderr_lines[-1]}" "$3"
	assert_equal "$(report .outcome)" limit
	assert_equal "$(report .limitHit)" "$1"
	assert_equal "$(report .status)" "$2"
	assert_equal "$(report '.exitCode | tostring')" null
}

wall_ms() {
	echo $(($(report .usage.wallNs.value) / 1000000))
}

cpu_ms() {
	echo $((($(report .usage.userNs.value) + $(report .usage.systemNs.value)) / 1000000))
}

assert_between() {
	[ "$1" -ge "$2" ] && [ "$1" -le "$3" ] || sr_fail "$1 is not between $2 and $3 (${4-})"
}

@test "wall time: ended at the limit, not before and soon after" {
	require_cmd jq
	sr --report "$T/report.json" -t 300ms -- sleep 30
	as_limit wall-time 124 "sandrun: time limit 300ms reached"
	assert_between "$(wall_ms)" 300 1300 "wall ms"
	sr --report "$T/report.json" -t 20s -- sleep 0.3
	assert_success
	assert_stderr ''
	assert_between "$(wall_ms)" 300 5000 "wall ms"
	assert_equal "$(report '.limitHit | tostring')" null
}

@test "wall time: the whole command takes no longer than the limit and a little" {
	local before=$EPOCHREALTIME after
	sr -t 200ms -- sleep 30
	after=$EPOCHREALTIME
	assert_status 124
	assert_between $(((${after/./} - ${before/./}) / 1000)) 200 1700 "ms in all"
}

@test "wall time: for a program that stopped itself, ignores signals, or whose children stopped" {
	require_cmd jq
	sr --report "$T/report.json" -t 300ms -- sh -c 'kill -STOP $$; echo went on'
	as_limit wall-time 124 "sandrun: time limit 300ms reached"
	assert_output ''
	sr --report "$T/report.json" -t 300ms -- sh -c 'trap "" TERM INT HUP QUIT; while :; do sleep 30; done'
	as_limit wall-time 124 "sandrun: time limit 300ms reached"
	sr --report "$T/report.json" -t 300ms -- sh -c '(kill -STOP $(exec sh -c "echo \$PPID")) & wait'
	as_limit wall-time 124 "sandrun: time limit 300ms reached"
}

@test "wall time: children that ran away into sessions of their own end too" {
	sr -t 300ms -- sh -c 'for i in 1 2 3; do setsid sh -c "while :; do sleep 0.05; done" & done; echo up; wait'
	assert_status 124
	assert_output up
	[ -z "$(pgrep -u "$(id -u)" -f 'while :; do sleep 0.05' || true)" ]
}

@test "CPU time: one busy process" {
	require_cmd jq
	sr --report "$T/report.json" --cpu-time 300ms -t 60s -- sh -c 'while :; do :; done'
	as_limit cpu-time 124 "sandrun: CPU time limit 300ms reached"
	assert_between "$(cpu_ms)" 250 1500 "CPU ms"
}

@test "CPU time: threads count together" {
	require_cmd jq
	cat >"$T/a.py" <<'PYTHON'
import hashlib, threading
def burn():
    data = bytes(1 << 20)
    while True:
        hashlib.sha256(data).digest()
for _ in range(4):
    threading.Thread(target=burn).start()
PYTHON
	sr --report "$T/report.json" --cpu-time 800ms -t 60s "$T/a.py"
	as_limit cpu-time 124 "sandrun: CPU time limit 800ms reached"
	assert_between "$(cpu_ms)" 750 3000 "CPU ms"
}

@test "CPU time: processes count together, those that ended too" {
	require_cmd jq
	sr --report "$T/report.json" --cpu-time 600ms -t 60s -- sh -c 'for i in 1 2 3; do (while :; do :; done) & done; wait'
	as_limit cpu-time 124 "sandrun: CPU time limit 600ms reached"
	assert_between "$(cpu_ms)" 550 2500 "CPU ms"
	# each child uses far less than the limit and is gone before the next starts
	cat >"$T/a.sh" <<'SHELL'
while :; do
	(i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done)
done
SHELL
	sr --report "$T/report.json" --cpu-time 500ms -t 60s "$T/a.sh"
	as_limit cpu-time 124 "sandrun: CPU time limit 500ms reached"
}

@test "CPU time: waiting uses none" {
	require_cmd jq
	sr --report "$T/report.json" --cpu-time 300ms -- sh -c 'sleep 1; exit 5'
	assert_status 5
	assert_stderr ''
	assert_between "$(wall_ms)" 1000 20000 "wall ms"
	assert_between "$(cpu_ms)" 0 300 "CPU ms"
}

@test "memory: above the limit, the exact line, 137; below it, nothing" {
	require_cmd jq
	echo 'import sys; print("began", flush=True); x = bytearray(int(sys.argv[1]) << 20); print(len(x) >> 20)' >"$T/a.py"
	sr --report "$T/report.json" -m 100M "$T/a.py" 300
	as_limit memory 137 "sandrun: memory limit 100M reached"
	assert_output began
	assert_equal "$(report .signal)" 9
	sr --report "$T/report.json" -m 100M "$T/a.py" 60
	assert_success
	assert_output $'began\n60'
	assert_stderr ''
	assert_between "$(($(report .usage.memoryPeakBytes.value) >> 20))" 60 100 "peak MB"
	sr -m 1G "$T/a.py" 300
	assert_success
}

@test "memory: reserved and not touched is not used" {
	echo 'import mmap; m = mmap.mmap(-1, 150 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); print(len(m) >> 20)' >"$T/a.py"
	sr -m 100M "$T/a.py"
	assert_success
	assert_output 150
}

@test "memory: many processes, each below the limit, together above it" {
	require_cmd jq
	cat >"$T/a.py" <<'PYTHON'
import os, sys, time
count, each = int(sys.argv[1]), int(sys.argv[2])
for _ in range(count):
    if os.fork() == 0:
        hold = bytearray(each << 20)
        time.sleep(20 if count > 2 else 0.3)
        os._exit(0)
for _ in range(count):
    os.wait()
print("all ended")
PYTHON
	sr --report "$T/report.json" -m 150M -t 60s "$T/a.py" 8 40
	as_limit memory 137 "sandrun: memory limit 150M reached"
	sr -m 150M -t 60s "$T/a.py" 2 40
	assert_success
	assert_output "all ended"
}

@test "memory: what a parent and its children share is counted once, also while they come and go" {
	cat >"$T/a.py" <<'PYTHON'
import os, sys, time
hold = bytearray(b"x") * (60 << 20)
rounds, seconds = int(sys.argv[1]), float(sys.argv[2])
for _ in range(rounds):
    for _ in range(6):
        if os.fork() == 0:
            time.sleep(seconds)
            os._exit(0)
    for _ in range(6):
        os.wait()
print("all ended")
PYTHON
	sr -m 150M "$T/a.py" 1 0.5
	assert_success
	assert_output "all ended"
	sr -m 150M "$T/a.py" 60 0.01
	assert_success
	assert_output "all ended"
}

@test "memory: shared mappings whose pages nobody has resident" {
	require_cmd jq
	cat >"$T/a.py" <<'PYTHON'
import mmap, os, resource, sys, time
processes, each = int(sys.argv[1]), int(sys.argv[2])
def hold():
    m = mmap.mmap(-1, each << 20, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    for at in range(0, each << 20, 1 << 20):
        m[at:at + (1 << 20)] = b"x" * (1 << 20)
        m.madvise(mmap.MADV_DONTNEED, at, 1 << 20)
    return m
for _ in range(processes - 1):
    if os.fork() == 0:
        keep = hold()
        time.sleep(20)
        os._exit(0)
keep = hold()
time.sleep(0.5 if processes == 1 else 20)
print("held", keep[0], flush=True)
os._exit(0)
PYTHON
	# the positive control: what was let go is still there, so it is memory that somebody has
	sr -m 150M -t 60s "$T/a.py" 1 100
	assert_success
	assert_output "held 120"
	sr --report "$T/report.json" -m 150M -t 60s "$T/a.py" 1 300
	as_limit memory 137 "sandrun: memory limit 150M reached"
	# each process far below the limit
	sr --report "$T/report.json" -m 250M -t 10s "$T/a.py" 16 25
	as_limit memory 137 "sandrun: memory limit 250M reached"
}

@test "processes: a fork bomb stays inside and the outside does not notice" {
	cat >"$T/a.py" <<'PYTHON'
import os, sys, time
made = 0
try:
    while made < 1000:
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        made += 1
except OSError as e:
    print(e.errno == 11, made, flush=True)
os._exit(0)
PYTHON
	sr --pids 40 "$T/a.py"
	assert_success
	assert_output "True 39"
	sr_raw --pids 40 -t 3s -- bash -c 'srbomb() { srbomb | srbomb & }; echo up; srbomb; sleep 20' >"$T/out" 2>"$T/err" &
	local pid=$! most=0 now rc=0
	wait_for 10 test -s "$T/out"
	for _ in 1 2 3 4 5 6 7 8; do
		on_host sh -c 'sh -c "exit 0" & wait'
		now=$(pgrep -c -f srbomb || true)
		[ "$now" -le "$most" ] || most=$now
	done
	wait "$pid" || rc=$?
	assert_equal "$rc" 124
	assert_between "$most" 5 45 "processes of the bomb seen outside"
}

@test "processes: threads count" {
	cat >"$T/a.py" <<'PYTHON'
import threading, time
made = 0
try:
    while made < 1000:
        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
        made += 1
except RuntimeError:
    pass
print(made, flush=True)
import os; os._exit(0)
PYTHON
	sr --pids 20 "$T/a.py"
	assert_success
	assert_output 19
}

@test "processes: the limit is exact, and one run's does not count against another's" {
	echo 'for i in $(seq "$1"); do sleep 5 & done; echo all; kill $(jobs -p)' >"$T/a.bash"
	sr --pids 12 "$T/a.bash" 10
	assert_success
	assert_output all
	sr --pids 12 "$T/a.bash" 12
	refute_contains "$output" all
	sr_raw --pids 12 -- bash -c 'for i in $(seq 10); do sleep 20 & done; echo up; wait' >"$T/out" &
	local pid=$!
	wait_for 10 test -s "$T/out"
	sr --pids 12 "$T/a.bash" 10
	kill "$pid"
	wait "$pid" || true
	assert_success
	assert_output all
}

@test "file size" {
	echo 'import os, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    with open("f", "wb") as f: f.write(bytes(int(sys.argv[1]) << 20))
except OSError as e: print(e.strerror)
print(os.stat("f").st_size >> 20)' >"$T/a.py"
	sr --file-size 2M "$T/a.py" 5
	assert_success
	assert_output $'File too large\n2'
	sr --file-size 2M "$T/a.py" 2
	assert_output 2
	sr --file-size 2M -- dd if=/dev/zero of=/tmp/f bs=1M count=5 status=none
	assert_status 153 # 128 + SIGXFSZ
}

@test "open files" {
	echo 'import os
n = 0
try:
    while True: os.dup(0); n += 1
except OSError as e: print(e.strerror, n + 3)' >"$T/a.py"
	sr --nofile 40 "$T/a.py"
	assert_success
	assert_output "Too many open files 40"
	sr --nofile 80 "$T/a.py"
	assert_output "Too many open files 80"
}

@test "space in /work, /tmp and /dev/shm: full, and usable again after a removal" {
	echo 'd=$1; dd if=/dev/zero of=$d/f bs=64K count=$2 status=none; stat -c %s $d/f; rm $d/f; echo again >$d/g && cat $d/g' >"$T/a.sh"
	sr --work-size 1M "$T/a.sh" /work 64
	assert_success
	assert_contains "$stderr" "No space left on device"
	assert_between "${lines[0]}" 900000 1048576
	assert_equal "${lines[1]}" again
	sr --work-size 16M "$T/a.sh" /work 64
	assert_success
	assert_stderr ''
	assert_output $'4194304\nagain'
	sr --tmp-size 1M "$T/a.sh" /tmp 64
	assert_contains "$stderr" "No space left on device"
	assert_between "${lines[0]}" 1048576 1048576
	sr --tmp-size 16M "$T/a.sh" /tmp 64
	assert_output $'4194304\nagain'
	sr "$T/a.sh" /dev/shm 2000
	assert_contains "$stderr" "No space left on device"
	assert_equal "${lines[0]}" $((64 << 20))
}

@test "space: a full /work does not take the script, and the number of files is bounded" {
	printf '[profile]\nextends = default\n[filesystem]\nwork.inodes = 50\ntmp.inodes = 60\n' >"$T/few.ini"
	echo 'import sys
n = 0
try:
    while n < 1000: open(sys.argv[1] + "/f%d" % n, "w").close(); n += 1
except OSError as e: print(e.strerror)
print(n < 60, n > 30)' >"$T/a.py"
	sr -p "$T/few.ini" "$T/a.py" /work
	assert_success
	assert_output $'No space left on device\nTrue True'
	sr -p "$T/few.ini" "$T/a.py" /tmp
	assert_output $'No space left on device\nTrue True'
	sr "$T/a.py" /tmp
	assert_output 'False True'
}

@test "output: the exact number of bytes comes out, 137, the line, and the report says truncated" {
	require_cmd jq
	local rc=0
	sr_raw --report "$T/report.json" --output-limit 100000 -- sh -c 'yes 0123456' >"$T/out" 2>"$T/err" || rc=$?
	assert_equal "$rc" 137
	assert_equal "$(cat "$T/err")" "sandrun: output limit 100000 reached"
	assert_equal "$(stat -c %s "$T/out")" 100000
	cmp "$T/out" <(yes 0123456 | head -c 100000)
	assert_equal "$(report .outcome) $(report .limitHit) $(report .stdout.truncated) $(report .stdout.bytes)" \
		"limit output true 100000"
	assert_equal "$(report .stdout.sha256)" "$(sha256sum <"$T/out" | cut -d' ' -f1)"
}

@test "output: exactly at the limit is within it; one byte more is not, even from a program that has ended" {
	require_cmd jq
	sr --report "$T/report.json" --output-limit 6 -- printf 123456
	assert_success
	assert_output 123456
	assert_equal "$(report '.stdout.truncated | tostring')" false
	sr --report "$T/report.json" --output-limit 6 -- printf 1234567
	assert_output 123456
	as_limit output 137 "sandrun: output limit 6 reached"
	# most of it is still in the pipe when the program exits, because nobody reads yet
	sr_raw --report "$T/report.json" --output-limit 1900000 -- head -c 2200000 /dev/zero 2>"$T/err" |
		{ sleep 1; cat >"$T/out"; }
	assert_equal "$(stat -c %s "$T/out")" 1900000
	assert_equal "$(report .limitHit) $(report .status)" "output 137"
	assert_equal "$(cat "$T/err")" "sandrun: output limit 1900000 reached"
}

@test "output: both streams count together, and merged ones too" {
	require_cmd jq
	sr --report "$T/report.json" --output-limit 1000 -- sh -c 'head -c 600 /dev/zero | tr "\0" o; sleep 0.2; head -c 600 /dev/zero | tr "\0" e >&2; sleep 20'
	assert_status 137
	assert_equal "${#output}" 600
	assert_equal "$(report .stderr.bytes) $(report .stderr.truncated)" "400 true"
	sr_raw --output-limit 1000 -- sh -c 'yes & yes >&2; wait' >"$T/both" 2>&1 || true
	assert_equal "$(grep -av '^sandrun: ' "$T/both" | tr -d '\n' | tr -d s | wc -c)" 500
}

@test "output: the profile's limit holds for a file and not for a pipe; a limit that was asked for holds for both" {
	printf '[profile]\nextends = default\n[output]\nstdio.max = 64K\n' >"$T/small.ini"
	local rc=0
	sr_raw -p "$T/small.ini" -- head -c 300000 /dev/zero >"$T/file" 2>"$T/err" || rc=$?
	assert_equal "$rc $(stat -c %s "$T/file")" "137 65536"
	assert_equal "$(cat "$T/err")" "sandrun: output limit 64K reached"
	assert_equal "$(sr_raw -p "$T/small.ini" -- head -c 300000 /dev/zero | wc -c)" 300000
	assert_equal "$(sr_raw --output-limit 64K -- head -c 300000 /dev/zero 2>/dev/null | wc -c)" 65536
	sr_raw --output-limit unlimited -p "$T/small.ini" -- head -c 300000 /dev/zero >"$T/file"
	assert_equal "$(stat -c %s "$T/file")" 300000
}

@test "what came out before a limit is kept, whatever the limit" {
	sr -t 500ms -- sh -c 'echo one; echo two >&2; sleep 30'
	assert_status 124
	assert_output one
	assert_stderr $'two\nsandrun: time limit 500ms reached'
	sr --cpu-time 200ms -- sh -c 'echo one; while :; do :; done'
	assert_status 124
	assert_output one
	sr -m 100M -- python3 -c 'print("one", flush=True); x = bytearray(300 << 20)'
	assert_status 137
	assert_output one
}

@test "outputs of a run that a limit ended are brought out" {
	mkdir "$T/results"
	sr -t 500ms -o '*.txt' -O "$T/results" -- sh -c 'echo half >a.txt; sleep 30'
	assert_status 124
	assert_equal "$(cat "$T/results/a.txt")" half
}

# The limits that need a cgroup, given up; what is left is held by the kernel in every case. Swap is the machine's own matter.
held=(-m unlimited --pids unlimited --cpu-max unlimited --cpu-time unlimited)
if [ "$(awk '/^SwapTotal:/ { print $2 }' /proc/meminfo)" != 0 ]; then
	printf '[profile]\nextends = default\n[limits]\nmemory.swap.max = unlimited\n' >"$BATS_TEST_TMPDIR/swap.ini"
	held+=(-p "$BATS_TEST_TMPDIR/swap.ini")
fi

@test "--strict refuses what only a fallback holds, and runs where there is none" {
	require_cmd jq
	sr --strict --report "$T/report.json" -- echo ran
	assert_error 125 "cannot run with --strict: memory limit: no cgroup v2 controller" "hint: sandrun doctor says what this machine lacks; leave --strict out"
	assert_equal "$(report .outcome) $(report .error.code) $(report .status)" "setup-failed E_LIMIT_FALLBACK 125"
	sr --strict -m unlimited -- echo ran
	assert_error 125 "process limit"
	sr --strict -m unlimited --pids unlimited -- echo ran
	assert_error 125 "cpu.max: no cgroup v2 controller"
	sr --strict -m unlimited --pids unlimited --cpu-max unlimited -- echo ran
	assert_error 125 "CPU time limit"
	sr --strict "${held[@]}" --cpu-window 1s/2s -- echo ran
	assert_error 125 "cpu.window: no cgroup v2; held by"
	sr --strict "${held[@]}" -- echo ran
	assert_success
	assert_output ran
}

@test "cpu.window: a program that has used its share of the stretch pauses, and goes on" {
	require_cmd jq
	local loop='import time
t = time.process_time
while t() < 0.9: pass
print("done")'
	sr --report "$T/report.json" --cpu-window 300ms/1s --lang python -c "$loop"
	assert_success
	assert_output "done"
	# 0.9 s of processor time at 0.3 in any second: two pauses at least. Without the window there is none.
	[ "$(report .usage.pausedNs)" -gt 500000000 ]
	[ "$(wall_ms)" -gt 1500 ]
	sr --report "$T/report.json" --lang python -c "$loop"
	assert_success
	assert_equal "$(report .usage.pausedNs)" 0
	# What is paused can be ended: by a limit, and by a signal.
	sr -t 1s --cpu-window 100ms/1h --lang python -c "$loop"
	assert_status 124
	try timeout -s INT 1 "$SANDRUN" --cpu-window 100ms/1h --lang python -c "$loop" </dev/null
	assert_contains "$stderr" KeyboardInterrupt
}

@test "cpu.window counts the time of all processes together" {
	require_cmd jq
	sr --report "$T/report.json" --cpu-window 400ms/1s --lang bash -c '
		loop() { local i; for ((i = 0; i < 200000; i++)); do :; done; }
		loop & loop & loop & wait; echo end'
	assert_success
	assert_output end
	[ "$(report .usage.pausedNs)" -gt 0 ] || [ "$(cpu_ms)" -lt 400 ]
}

@test "-v and the report name the fallbacks; without them there is silence" {
	require_cmd jq
	sr -v --report "$T/report.json" -- true
	assert_success
	assert_contains "$stderr" "sandrun: note: memory limit: no cgroup v2 controller"
	assert_contains "$stderr" "sandrun: note: process limit"
	assert_contains "$stderr" "sandrun: note: CPU time limit"
	assert_match "${stderr_lines[-1]}" '^sandrun: exited 0; [0-9.]+ s, CPU [0-9.]+ s, memory [0-9]+ [kMG]B; some limits by fallback \(-v\); certificate [0-9a-f]{8}-[0-9a-f]{4}$'
	assert_equal "$(report '[.notes[] | select(.degraded and .what != "memory.swap.max") | .what] | sort | join(" ")')" "cpu.max cpu.time memory.max pids.max"
	sr -- true
	assert_stderr ''
	sr -v "${held[@]}" -- true
	refute_contains "$stderr" "note:"
	refute_contains "$stderr" "fallback"
}

@test "limits come from the profile, and the command line is stronger; both are in the report" {
	require_cmd jq
	printf '[profile]\nextends = default\n[limits]\nwall.time = 300ms\n' >"$T/short.ini"
	sr -p "$T/short.ini" --report "$T/report.json" -- sleep 30
	as_limit wall-time 124 "sandrun: time limit 300ms reached"
	assert_equal "$(report '.limits["wall.time"] | .value + " " + .source')" "300ms profile"
	sr -p "$T/short.ini" --report "$T/report.json" -t 20s -- sleep 0.6
	assert_success
	assert_equal "$(report '.limits["wall.time"] | .value + " " + .source')" "20s command-line"
}

@test "no program can raise its own limits" {
	cat >"$T/a.py" <<'PYTHON'
import resource as r
for name in ("NPROC", "NOFILE", "FSIZE", "DATA", "CPU", "MEMLOCK"):
    which = getattr(r, "RLIMIT_" + name)
    soft, hard = r.getrlimit(which)
    try:
        r.setrlimit(which, (soft, hard - 1)); r.setrlimit(which, (soft if soft < hard else hard - 1, hard)); print(name, "raised")
    except (ValueError, PermissionError) as e:
        print(name, hard != r.RLIM_INFINITY, "refused")
PYTHON
	sr "$T/a.py"
	assert_success
	assert_output "$(printf '%s True refused\n' NPROC NOFILE FSIZE DATA CPU MEMLOCK)"
}
