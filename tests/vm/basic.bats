#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# vm: mode=service login nosession nocpu nested
# A run as such in every place a user can start it from: with a user manager and without, with a delegated cgroup and
# without, in a container's view of the cgroups.

load ../lib/common

@test "this is the place that it is meant to be" {
	local cgroup bus=${DBUS_SESSION_BUS_ADDRESS-none}
	cgroup=$(cut -d: -f3 /proc/self/cgroup)
	require_user
	case $VM_MODE in
	service) assert_match "$cgroup" '/user@1000\.service/.*\.service$' ;;
	nocpu) assert_match "$cgroup" '/user@1002\.service/.*\.service$' ;;
	login) assert_match "$cgroup" '/session-.*\.scope$' ;;
	nosession) assert_match "$cgroup" '^/system\.slice/.*\.service$' ;;
	nested) assert_equal "$cgroup" / ;;
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
	service | nested) assert_equal "$(cat "/sys/fs/cgroup$cgroup/cgroup.controllers")" "cpuset cpu io memory pids" ;;
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

@test "files go in and come out, and nothing else does" {
	canary "$T/home/canary"
	echo text >"$T/data"
	sr -i "$T/data" -o copy -O "$T/out" --lang sh -c "cat data >copy; echo x >/tmp/x; echo x >'$T/home/canary'; ls /sys '$T' 2>/dev/null"
	assert_output ''
	assert_equal "$(cat "$T/out/copy")" text
	assert_canaries
}

@test "wall time" {
	sr -t 1s -- sleep 60
	assert_status 124
	assert_contains "$stderr" "sandrun: time limit 1s reached"
	sr -t 60s -- sleep 0.1
	assert_success
}

@test "CPU time" {
	sr --cpu-time 1s -t 100s -- sh -c 'while :; do :; done'
	assert_status 124
	assert_contains "$stderr" "sandrun: CPU time limit 1s reached"
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

@test "system calls: refused inside, allowed outside" {
	local code='
import ctypes, errno
c = ctypes.CDLL(None, use_errno=True)
def call(name, *args):
    ctypes.set_errno(0)
    r = getattr(c, name)(*args)
    print(name, "ok" if r >= 0 else errno.errorcode[ctypes.get_errno()])
call("ptrace", 0, 0, 0, 0)
call("keyctl", 0, -3, 0) if hasattr(c, "keyctl") else None
call("syscall", 425, 1, ctypes.create_string_buffer(120))
call("unshare", 0x10000000)
'
	sr -- python3 -c "$code"
	assert_success
	refute_contains "$output" ok
	assert_match "$output" $'ptrace (EPERM|ENOSYS)\nsyscall (EPERM|ENOSYS)\nunshare (EPERM|ENOSYS)'
	try python3 -c "$code"
	assert_output $'ptrace ok\nsyscall ok\nunshare ok'
}

@test "a terminal" {
	python3 "$TESTS/lib/pty.py" 3>&- <<'PYTHON'
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "tty; stty size; read line; echo got $line"], rows=33, cols=101)
t.expect("33 101\r\n")
t.send("word\r")
t.expect("got word\r\n")
equal(t.wait(), 0)
equal(t.modes(), t.before)
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "echo up; exec sleep 300"])
t.expect("up")
t.send("\x03")
equal(t.wait(), 130)
PYTHON
}

@test "SIGTERM of sandrun ends everything, and the next run works" {
	local mark=300.$RANDOM$RANDOM pid rc=0
	"$SANDRUN" -- sh -c "sleep $mark & echo up; wait" >"$T/out" 3>&- &
	pid=$!
	wait_for 60 grep -q up "$T/out"
	kill "$pid"
	wait "$pid" || rc=$?
	assert_equal "$rc" 143
	[ -z "$(pgrep -f "sleep $mark" || true)" ]
	sr -- echo next
	assert_output next
}

@test "SIGKILL of sandrun leaves no process" {
	local mark=300.$RANDOM$RANDOM pid
	"$SANDRUN" -- sh -c "sleep $mark & echo up; wait" >"$T/out" 3>&- &
	pid=$!
	wait_for 60 grep -q up "$T/out"
	[ -n "$(pgrep -x sleep)" ]
	kill -KILL "$pid"
	wait "$pid" || true
	wait_for 60 sh -c "! pgrep -f 'sleep $mark' >/dev/null"
}
