#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# vm: mode=service login nosession nocpu nested
# A run as such in every place a user can start it from: with a user manager and without, with a delegated cgroup and
# without, in a container's view of the cgroups.

load ../lib/common
load ../hostile/hostile

@test "this is the place that it is meant to be" {
	local cgroup bus=${DBUS_SESSION_BUS_ADDRESS-none}
	cgroup=$(cut -d: -f3 /proc/self/cgroup)
	require_user
	case $VM_MODE in
	service) assert_match "$cgroup" '/user@1000\.service/.*\.service$' ;;
	nocpu) assert_match "$cgroup" '/user@1002\.service/.*\.service$' ;;
	login) assert_match "$cgroup" '/session-.*\.scope$' ;;
	nosession) assert_match "$cgroup" '^/system\.slice/.*\.service$' ;;
	nested) assert_match "$cgroup" '^/(supervisor)?$' ;; # where a run before this one has moved what was there
	esac
	case $VM_MODE in
	service | nocpu | nested) on_host mkdir "/sys/fs/cgroup$cgroup/own" && rmdir "/sys/fs/cgroup$cgroup/own" ;;
	*) [ ! -w "/sys/fs/cgroup$cgroup" ] ;;
	esac
	case $VM_MODE in
	service | nocpu | login) on_host systemctl --user show --property=Version ;;
	*) assert_equal "$bus" none && [ ! -e "/run/user/$(id -u)/bus" ] ;;
	esac
	case $VM_MODE in
	nocpu) refute_contains "$(cat "/sys/fs/cgroup$cgroup/cgroup.controllers")" cpu ;;
	service) assert_equal "$(cat "/sys/fs/cgroup$cgroup/cgroup.controllers")" "cpuset cpu io memory pids" ;;
	nested) assert_equal "$(cat /sys/fs/cgroup/cgroup.controllers)" "cpuset cpu io memory pids" ;;
	esac
}

@test "a script, code, standard input, a command" {
	echo 'import sys; print(sys.version_info[0], sys.argv[1:], sys.stdin.read())' >"$T/a.py"
	sr "$T/a.py" one 'two  words' <<<data
	assert_success
	assert_output "3 ['one', 'two  words'] data"
	assert_stderr ''
	sr --lang bash -c 'echo "$0 $1"; echo err >&2; exit 7' x
	assert_status 7
	assert_output "bash x"
	assert_stderr err
	sr --lang python <<<'print(6 * 7)'
	assert_output 42
	sr -- sh -c 'kill -9 $$'
	assert_status 137
	sr -- no-such-program
	assert_error 127 no-such-program
}

@test "memory" {
	sr -m 64M -t 100s -- python3 -c 'b = bytearray(16 << 20); print(len(b))'
	assert_success
	assert_output $((16 << 20))
	sr -m 64M -t 100s -- python3 -c '
held = []
try:
    while len(held) < 400:
        held.append(bytearray(b"x" * (1 << 20)))
except MemoryError:
    print("refused after", len(held)); raise SystemExit(3)
print("held", len(held))'
	refute_contains "$output" held
	case $status in
	137) assert_contains "$stderr" "sandrun: memory limit 64M reached" ;;
	3) assert_contains "$output" refused ;;
	*) sr_fail "neither killed nor refused" ;;
	esac
}

@test "processes" {
	sr --pids 8 -t 100s -- python3 -c '
import os, time
made = 0
try:
    for i in range(50):
        if os.fork() == 0:
            time.sleep(100)
        made += 1
except BlockingIOError:
    print("refused"); print(made < 8)
'
	assert_output $'refused\nTrue'
	sr --pids 60 -t 100s -- python3 -c '
import os
for i in range(40):
    if os.fork() == 0:
        os._exit(0)
print("made")'
	assert_output made
}

@test "SIGKILL of sandrun leaves no process" {
	local mark pid
	mark=$(mark)
	"$SANDRUN" -- sh -c 'echo up; sleep 300; :' "$mark" >"$T/out" 3>&- &
	pid=$!
	wait_for 60 grep -q up "$T/out"
	alive "$mark"
	kill -KILL "$pid"
	wait "$pid" || true
	wait_for 60 gone "$mark"
}
