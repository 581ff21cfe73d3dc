#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# vm: mode=login
# What does not depend on the place but may on the kernel: files, times, system calls, the terminal, signals.

load ../lib/common
load ../hostile/hostile

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
	local mark pid rc=0
	mark=$(mark)
	"$SANDRUN" -- sh -c 'echo up; sleep 300; :' "$mark" >"$T/out" 3>&- &
	pid=$!
	wait_for 60 grep -q up "$T/out"
	alive "$mark"
	kill "$pid"
	wait "$pid" || rc=$?
	assert_equal "$rc" 143
	gone "$mark"
	sr -- echo next
	assert_output next
}
