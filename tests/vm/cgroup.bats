#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# vm: mode=service login nested
# Limits held by cgroup v2, rootless: through a scope of the user manager, and in a cgroup that was delegated. Each limit has
# a run that stays below it, and the cgroup's own files are looked at from outside.

load ../lib/common

# The folder where the runs' cgroups are made.
tops() {
	case $VM_MODE in
	nested) echo /sys/fs/cgroup ;;
	*) echo "/sys/fs/cgroup/user.slice/user-$(id -u).slice/user@$(id -u).service" ;;
	esac
}

# Cgroups of runs.
cgroups() {
	find "$(tops)" -type d -name 'sandrun-*' 2>/dev/null
}

none_left() {
	[ -z "$(cgroups)" ]
}

# A run in the background; $inner is its innermost cgroup.
start() {
	"$SANDRUN" -q "$@" >"$T/out" 2>"$T/err" </dev/null 3>&- &
	pid=$!
	wait_for 30 there "$pid"
	inner=$(cgroups | grep -E "/sandrun-$pid-[0-9a-f]+$")
}

there() {
	local dir
	dir=$(cgroups | grep -E "/sandrun-$1-[0-9a-f]+$") && [ "$(wc -l <"$dir/cgroup.procs" 2>/dev/null)" -ge 2 ]
}

over() {
	sr --report "$T/report.json" "$@"
	assert_status 137
	assert_equal "$(report .outcome)" limit
	assert_equal "$(report .limitHit)" memory
	assert_equal "$(report .usage.memoryPeakBytes.source)" cgroup-memory.peak
}

@test "the way in is named, nothing is degraded, --strict runs" {
	local way=scope
	[ "$VM_MODE" != nested ] || way=delegated
	sr --strict --report "$T/report.json" -- echo ran
	assert_success
	assert_output ran
	assert_stderr ''
	assert_equal "$(report .enforced.cgroup)" "$way"
	assert_equal "$(report '[.notes[] | select(.degraded)] | length')" 0
	assert_equal "$(report .usage.userNs.source)" cgroup-cpu.stat
	sr --explain -- echo
	assert_match "$output" "cgroup +(delegated /: .*memory pids cpu|a scope of the systemd user manager)"
}

@test "the program sees its own cgroup as the top, and nothing to write to" {
	sr --lang bash -c 'cat /proc/self/cgroup; ls /sys/fs/cgroup 2>&1; mount -t cgroup2 x /tmp 2>&1 | head -n 1'
	assert_equal "${lines[0]}" "0::/"
	assert_contains "$output" "cannot access"
	refute_contains "$output" sandrun-
	refute_contains "$output" user@
	assert_match "$(cat /proc/self/cgroup)" '^0::/'
}

@test "what is set is in the cgroup's files" {
	start -m 96M --pids 33 --cpu-max 150% -- sleep 60
	assert_equal "$(cat "$inner/memory.max")" $((96 << 20))
	assert_equal "$(cat "$inner/memory.swap.max")" 0
	assert_equal "$(cat "$inner/memory.oom.group")" 1
	assert_equal "$(cat "$inner/memory.high")" max
	assert_equal "$(cat "$inner/pids.max")" 34
	assert_equal "$(cat "$inner/cpu.max")" "150000 100000"
	kill "$pid" && wait "$pid" || true
	printf '[profile]\nextends = default\n[limits]\nmemory.high = 64M\nmemory.swap.max = 8M\ncpu.weight = 42\ncpu.max = unlimited\n' >"$T/own.ini"
	start -p "$T/own.ini" -- sleep 60
	assert_equal "$(cat "$inner/memory.high")" $((64 << 20))
	assert_equal "$(cat "$inner/memory.swap.max")" $((8 << 20))
	assert_equal "$(cat "$inner/cpu.weight")" 42
	assert_equal "$(cat "$inner/cpu.max")" "max 100000"
	kill "$pid" && wait "$pid" || true
	wait_for 10 none_left
}

@test "memory: a hog is killed at the limit and named, whatever it is made of" {
	local kind
	for kind in heap touch shared memfd; do
		over -m 64M "$(probe hog)" "$kind" 1024
		[ "$(report .usage.memoryPeakBytes.value)" -le $((64 << 20)) ]
	done
	over -m 64M "$(probe hog)" forks 40
	sr -m 64M "$(probe hog)" touch 32
	assert_output "touch: 32 of 32"
}

@test "case 60: memory that no process maps any more counts as well" {
	local kind
	for kind in in-flight dontneed detached; do
		over -m 64M --nofile 1024 "$(probe hog)" "$kind" 300
		sr -m 64M --nofile 1024 "$(probe hog)" "$kind" 20
		assert_output "$kind: 20 of 20"
	done
}

@test "memory: what lies in /work, /tmp and /dev/shm is charged to the run" {
	local dir
	for dir in /work /tmp /dev/shm; do
		over -m 48M --work-size 200M --tmp-size 200M "$(probe hog)" tmpfs "$dir/file" 60
	done
	sr -m 64M --work-size 200M "$(probe hog)" tmpfs /work/file 30
	assert_output "tmpfs: 30 of 30"
}

@test "memory: what a run has left counts when outputs are not wanted and when they are" {
	mkdir "$T/results"
	sr --report "$T/report.json" -m 64M -o '*.txt' -O "$T/results" --lang bash -c 'echo half >a.txt; head -c 100M /dev/zero | tail'
	assert_status 137
	assert_equal "$(cat "$T/results/a.txt")" half
}

@test "processes: a fork bomb stays below the limit, and the machine does not notice" {
	sr --report "$T/report.json" --pids 20 -t 10s --lang bash -c 'f() { sleep 2 & }; for ((i = 0; i < 60; i++)); do f; done 2>/dev/null; wait; echo end'
	[ "$(report .usage.processesPeak)" -le 20 ]
	[ "$(report .usage.processesPeak)" -ge 10 ]
	on_host true
	sr --report "$T/report.json" --pids 20 "$(probe hog)" processes 10
	assert_output "processes: 10 of 10"
}

@test "cpu.max: half a processor is half a processor" {
	local code='import time
t, c = time.time(), time.process_time()
while time.time() - t < 3: pass
print(int(100 * (time.process_time() - c) / (time.time() - t)))'
	sr --report "$T/report.json" --cpu-max 50% --lang python -c "$code"
	assert_success
	[ "$output" -le 65 ]
	[ "$(report .usage.throttledNs)" -gt 500000000 ]
	sr --report "$T/report.json" --cpu-max unlimited --lang python -c "$code"
	assert_success
	assert_equal "$(report .usage.throttledNs)" 0
}

@test "cpu.time: all processes together, and those that nobody waits for" {
	sr --report "$T/report.json" --cpu-time 1s --cpu-max unlimited --lang bash -c 'trap "" CHLD; while :; do (for ((i = 0; i < 3000; i++)); do :; done); done'
	assert_status 124
	assert_contains "$stderr" "CPU time limit 1s reached"
	[ $((($(report .usage.userNs.value) + $(report .usage.systemNs.value)) / 1000000)) -ge 1000 ]
	sr --cpu-time 30s -- true
	assert_success
}

@test "cpu.window: frozen by the cgroup, and ended all the same" {
	local code='import time
while time.process_time() < 0.9: pass
print("done")'
	sr --report "$T/report.json" --cpu-window 300ms/1s --lang python -c "$code"
	assert_success
	assert_output "done"
	[ "$(report .usage.pausedNs)" -gt 300000000 ]
	sr -t 3s --cpu-window 100ms/1h --lang python -c "$code"
	assert_status 124
}

@test "an ordinary end, a limit, a failure and a signal leave no cgroup behind" {
	sr -- true
	assert_success
	sr -- false
	assert_status 1
	sr -t 300ms -- sleep 60
	assert_status 124
	sr -- /nowhere/program
	assert_status 127
	start -- sleep 60
	kill -TERM "$pid" && wait "$pid" || true
	wait_for 10 none_left
	case $VM_MODE in
	nested) ;;
	*) assert_equal "$(systemctl --user list-units --all --no-legend 'sandrun-*')" "" ;;
	esac
}

@test "SIGKILL of sandrun: its processes die, and its cgroup goes with the next run at the latest" {
	local i pid inner
	for i in 1 2 3; do
		start -- sleep 60
		kill -KILL "$pid" && wait "$pid" || true
	done
	sr -- true
	assert_success
	wait_for 10 none_left
	start -- sleep 60
	# A run that lives is not swept away by another.
	sr -- true
	[ -d "$inner" ]
	[ "$(wc -l <"$inner/cgroup.procs")" -ge 2 ]
	kill "$pid" && wait "$pid" || true
	wait_for 10 none_left
}

@test "eight at a time: each has its own, each ends by its own limit" {
	local i pids=()
	for i in 1 2 3 4 5 6 7 8; do
		if [ $((i % 2)) = 0 ]; then
			"$SANDRUN" -q -m 32M "$(probe hog)" touch 100 >"$T/out-$i" 2>&1 </dev/null 3>&- &
		else
			"$SANDRUN" -q -m 64M "$(probe hog)" touch 20 >"$T/out-$i" 2>&1 </dev/null 3>&- &
		fi
		pids+=("$!")
	done
	for i in 1 2 3 4 5 6 7 8; do
		status=0
		wait "${pids[i - 1]}" || status=$?
		if [ $((i % 2)) = 0 ]; then
			assert_equal "$i: $status" "$i: 137"
		else
			assert_equal "$i: $status $(cat "$T/out-$i")" "$i: 0 touch: 20 of 20"
		fi
	done
	wait_for 10 none_left
}
