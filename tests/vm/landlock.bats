#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# vm: mode=login
# Landlock on the kernel of the guest: 6.1 has ABI 2, 6.12 has ABI 6.

load ../lib/common

setup() {
	case $(uname -r) in
	6.1.*) abi=2 ;;
	6.12.*) abi=6 ;;
	*) abi=$(python3 -c "$calls"'print(create(None, 0, 1))') ;;
	esac
}

# Landlock's calls for python: create(attr, size, flags), restrict(fd), ruleset(rights)
calls='
import ctypes, errno, os, struct, sys
c = ctypes.CDLL(None, use_errno=True)
def create(attr, size, flags): return c.syscall(444, attr, ctypes.c_size_t(size), flags)
def ruleset(rights): return create(struct.pack("Q", rights), 8, 0)
def restrict(fd): return c.syscall(446, fd, 0)
'

# How many domains a process can still put on itself; a kernel allows 16 in all.
layers="$calls"'
c.prctl(38, 1, 0, 0, 0)
n = 0
while restrict(ruleset(1)) == 0:
    n += 1
print(n, errno.errorcode[ctypes.get_errno()])
'

@test "the kernel has the ABI that belongs to its version" {
	try python3 -c "$calls"'print(create(None, 0, 1))'
	assert_output "$abi"
	assert_contains "$(cat /sys/kernel/security/lsm)" landlock
}

@test "--explain and the report name the ABI" {
	sr --explain -- true
	assert_success
	assert_match "$output" "(^|"$'\n'")landlock +ABI $abi("$'\n'"|$)"
	sr --report "$T/report.json" -- true
	assert_success
	assert_stderr ''
	assert_equal "$(report .enforced.landlockAbi)" "$abi"
	assert_equal "$(report '[.notes[] | select(.what == "landlock")] | length')" 0
	sr --strict -m unlimited --pids unlimited --cpu-time unlimited -- true
	assert_success
}

@test "the payload is in a domain of sandrun's" {
	try python3 -c "$layers"
	assert_output "16 E2BIG"
	sr --lang python -c "$layers"
	assert_success
	assert_match "$output" '^1[0-5] E2BIG$'
}

@test "a program's own Landlock works inside, on top" {
	local code="$calls"'
c.prctl(38, 1, 0, 0, 0)
open("/tmp/before", "w").close()
assert restrict(ruleset(1 << 8 | 1 << 1)) == 0
try:
    open("/tmp/after", "w").close()
    print("made")
except PermissionError:
    print("refused")
'
	sr --lang python -c "$code"
	assert_success
	assert_output refused
}

@test "the fence: what may be done to files where" {
	local code='
import errno, os, sys
def tried(name, act, *args):
    try:
        act(*args)
        print(name, "ok")
    except OSError as e:
        print(name, errno.errorcode[e.errno])
for at in sys.argv[1:]:
    tried("make " + at, lambda: open(at + "/made", "x").close())
    tried("folder " + at, os.mkdir, at + "/folder")
    tried("link " + at, os.symlink, "x", at + "/link")
    tried("fifo " + at, os.mkfifo, at + "/fifo")
    tried("list " + at, os.listdir, at)
'
	canary "$T/shown/canary"
	mkdir "$T/own"
	sr --bind "$T/shown:/shown" --lang python -c "$code" / /dev /usr /etc /shown
	assert_success
	refute_contains "$(printf '%s\n' "$output" | grep -v '^list')" ok
	assert_equal "$(printf '%s\n' "$output" | grep -c '^list .* ok$')" 5
	sr --lang python -c "$code" /work /tmp /dev/shm
	assert_success
	assert_equal "$(printf '%s\n' "$output" | grep -c ' ok$')" 15
	try python3 -c "$code" "$T/own"
	assert_equal "$(printf '%s\n' "$output" | grep -c ' ok$')" 5
	assert_canaries
}

@test "files move between folders and are cut short, which the first versions of Landlock know nothing of or forbid" {
	sr --lang python -c '
import os
os.makedirs("/work/a/b"); os.mkdir("/work/c")
open("/work/a/b/f", "w").write("long text")
os.rename("/work/a/b/f", "/work/c/f")
os.link("/work/c/f", "/work/a/g")
os.rename("/work/a/b", "/work/c/b")
os.truncate("/work/a/g", 4)
print(open("/work/c/f").read(), sorted(os.listdir("/work/c")))
try:
    os.truncate("/usr/bin/env", 0); print("cut")
except OSError as e:
    print(e.strerror)'
	assert_success
	assert_match "$output" $'^long .\'b\', \'f\'.\n(Read-only file system|Permission denied)$'
}

@test "signals for PID 1 are refused from ABI 6 on and dropped before; it lives either way" {
	local sent=refused
	[ "$abi" -ge 6 ] || sent=taken
	sr -- sh -c '(kill -9 1) 2>/dev/null && echo taken || echo refused
		for s in 1 2 3 6 9 11 15 17 18 19 20 34; do kill -$s 1 2>/dev/null; done; sleep 0.3; echo alive; exit 5'
	assert_status 5
	assert_output "$sent"$'\nalive'
}
