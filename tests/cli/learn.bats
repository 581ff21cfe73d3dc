#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --learn: what was refused is said, with what would allow it; the program gets the same answers as without, and the run is
# as isolated as any.

load ../lib/common

setup() {
	require_cmd jq
	cat >"$T/sockets.py" <<'PYTHON'
import socket
for family, kind in (socket.AF_NETLINK, socket.SOCK_RAW), (socket.AF_PACKET, socket.SOCK_RAW), (socket.AF_INET, socket.SOCK_RAW):
    for _ in range(3):
        try:
            socket.socket(family, kind)
        except OSError as e:
            print(e.errno)
PYTHON
}

# What --learn says of calls: one line each, "call errno layer count program allow".
calls() {
	report '.learned.calls | map([.call, .errno, .layer, .count, .program, .allow // "-"] | map(tostring) | join(" ")) | sort | join("\n")'
}

files() {
	report '.learned.files | map([.kind, .name, .errno, .layer, .option // "-"] | join(" ")) | unique | join("\n")'
}

@test "python: sockets of refused families, and which rule refused them" {
	sr "$T/sockets.py"
	assert_success
	local plain=$output
	assert_equal "$plain" $'97\n97\n97\n97\n97\n97\n93\n93\n93'
	sr --learn --report "$T/report.json" "$T/sockets.py"
	assert_success
	assert_output "$plain"
	assert_equal "$(calls)" "socket EAFNOSUPPORT seccomp-argument 3 python3 -
socket EAFNOSUPPORT seccomp-argument 3 python3 -
socket EPROTONOSUPPORT seccomp-argument 3 python3 -"
	assert_equal "$(report '.learned.calls | map(.arguments | .family + " " + .type) | join("\n")')" "AF_NETLINK SOCK_RAW
AF_PACKET SOCK_RAW
AF_INET SOCK_RAW"
	assert_contains "$stderr" 'sandrun: learned: socket(family AF_NETLINK, type SOCK_RAW, protocol 0): EAFNOSUPPORT to "python3", 3 times, by a rule of the filter about its arguments'
	assert_contains "$stderr" "no profile can allow it"
	assert_equal "$(report .learned.filesKnown)" true
	assert_equal "$(report '.learned.profile == null')" true
}

@test "a shell script: the program that a child was, and the reason of a group that no profile can allow" {
	printf 'unshare -r true\nunshare -n true\necho $?\n' >"$T/a.sh"
	sr --learn --report "$T/report.json" "$T/a.sh"
	assert_output 1
	assert_equal "$(report '.learned.calls | map([.call, .errno, .program, .arguments.flags] | join(" ")) | join("\n")')" \
		"unshare EPERM unshare CLONE_NEWUSER
unshare EPERM unshare CLONE_NEWNET"
	assert_contains "$(report '.learned.calls[0].why')" "a user namespace gives its maker every capability"
}

@test "nothing refused: that is said, and nothing else is learned" {
	sr --learn --report "$T/report.json" -- python3 -c 'print("fine")'
	assert_output fine
	assert_stderr "sandrun: learned: the filter refused no system call"
	assert_equal "$(report '.learned | [.calls, .files, .killed] | map(length) | join(" ")')" "0 0 0"
	sr --report "$T/report.json" -- true
	assert_equal "$(report 'has("learned") | not')" true
}

# Of the numbers on standard input, those that this kernel has no call for. Linux 6.1, the oldest, ends at 450; what came
# later does nothing with such arguments.
unknown_here() {
	python3 -c 'import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
for n in map(int, sys.stdin):
    if n > 450 and libc.syscall(ctypes.c_long(n), *[ctypes.c_long(-1)] * 6) == -1 and ctypes.get_errno() == 38:
        print(n)'
}

@test "every call from 0 to 600 gets the same answer with and without, and every refusal is listed once" {
	local profile
	for profile in default strict; do
		sr -p "$profile" --no-strict "$(probe refused)" all
		assert_success
		local plain=$output
		[ "$(wc -l <<<"$plain")" -gt 590 ]
		sr -p "$profile" --no-strict --learn --report "$T/report.json" "$(probe refused)" all
		assert_success
		assert_output "$plain"
		# The kernel itself answers ENOSYS to few calls of its table: futex and map_shadow_stack, with such arguments;
		# and to what is newer than it is.
		report '.learned.calls[] | select(.errno == "ENOSYS") | .number' | sort >"$T/learned"
		sed -n 's/^\([0-9]*\): ENOSYS$/\1/p' <<<"$plain" | sort >"$T/plain"
		assert_equal "$(comm -23 "$T/learned" "$T/plain")" ""
		comm -13 "$T/learned" "$T/plain" >"$T/kernels"
		[ "$(grep -cvxF "$(unknown_here <"$T/kernels")" "$T/kernels")" -le 3 ]
		assert_equal "$(report '.learned.calls | map(.count) | max')" 1
		[ "$(report '.learned.calls | map(select(.errno == "EPERM")) | length')" -gt 40 ]
	done
}

@test "many refusals from many threads at once: each is answered and counted" {
	sr --learn -t 10m --cpu-time 10m --report "$T/report.json" "$(probe refused)" flood 8 10000
	assert_success
	assert_output "answered: 80000"
	assert_equal "$(report '.learned.calls | map(select(.call == "io_setup") | .count) | add')" 80000
}

@test "more kinds than are kept apart: the rest is counted; names of threads cannot steer a terminal" {
	sr --learn --report "$T/report.json" "$(probe refused)" names 600
	assert_success
	assert_equal "$(report '.learned.calls | length')" 512
	assert_equal "$(report '.learned.callsNotListed')" 88
	assert_contains "$stderr" "88 further refusals are not listed"
	refute_contains "$stderr" $'\033'
	assert_contains "$stderr" 'n\x1b[1m7'
}

@test "a run that ends while calls wait for their answer: a limit, and the program's own end" {
	sr --learn -t 3s "$(probe refused)" forever 8
	assert_status 124
	assert_contains "$stderr" "time limit 3s reached"
	assert_contains "$stderr" "learned: io_setup: ENOSYS"
	sr --learn -i "$(probe refused)" -- sh -c './refused forever 4 >/dev/null & sleep 0.3; exit 7'
	assert_status 7
}

@test "sandrun is killed: the program dies with it" {
	local m=refused-$RANDOM$RANDOM pid
	"$SANDRUN" --learn -i "$(probe refused):$m" -- "./$m" forever 4 >"$T/out" 2>&1 3>&- &
	pid=$!
	wait_for 10 grep -q running "$T/out"
	pgrep -f "^\./$m forever" >/dev/null
	kill -KILL "$pid"
	gone() {
		! pgrep -f "^\./$m forever" >/dev/null
	}
	wait_for 5 gone
}

@test "stopped and continued children, and a child that is traced no more than once" {
	sr --learn -- bash -c 'stopped() { until grep -q "^State:.[tT]" /proc/$1/status; do sleep 0.05; done; }
sleep 2 & kill -STOP $!; stopped $!; kill -CONT $!; wait $!; echo $?
(kill -STOP $BASHPID; echo on) & stopped $!; kill -CONT $!; wait $!
timeout 0.2 sleep 9; echo $?; trap "echo caught" USR1; kill -USR1 $$; sleep 30 & exec true'
	assert_success
	assert_output $'0\non\n124\ncaught'
}

@test "threads that execute, children by the hundred, and all of them killed at once" {
	cat >"$T/a.py" <<'PYTHON'
import os, sys, threading
n = int(sys.argv[1])
if n == 0:
    for i in range(300):
        if os.fork() == 0:
            try:
                open("/usr/x%d" % (i % 3), "w")
            except OSError:
                os._exit(0)
        os.wait()
    for i in range(20):
        if os.fork() == 0:
            while True:
                os.path.exists("/nowhere")
    print("done", flush=True)
    os._exit(5)
threading.Thread(target=os.execv, args=(sys.executable, [sys.executable, __file__, str(n - 1)])).start()
threading.Event().wait()
PYTHON
	sr --learn --report "$T/report.json" "$T/a.py" 20
	assert_status 5
	assert_output "done"
	assert_equal "$(report '.learned.files | map(select(.errno == "EROFS") | .count) | add')" 300
}

@test "the listener is not to be had inside" {
	sr "$(probe refused)" listener
	assert_output $'plain filter: OK\nlistener: OK\nlistener, flags with high bits: EBUSY\nlistener, by all threads: EBUSY'
	sr --learn "$(probe refused)" listener
	assert_output $'plain filter: OK\nlistener: EBUSY\nlistener, flags with high bits: EBUSY\nlistener, by all threads: EBUSY'
	sr --learn "$(probe fds)"
	local learned=$output
	sr "$(probe fds)"
	assert_equal "$learned" "$output"
	sr --learn -- sh -c 'ls /proc/*/fd/ 2>/dev/null; ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c -i seccomp; ls /proc/1/fd'
	assert_equal "$(grep -c seccomp <<<"$output")" 0
	assert_contains "$stderr" "cannot access '/proc/1/fd'"
}

@test "what was learned goes into a profile of its own, and then the program works" {
	cat >"$T/server.py" <<'PYTHON'
import ctypes, os, socket
server = socket.create_server(("127.0.0.1", 0))
print("serving")
libc = ctypes.CDLL(None)
raise SystemExit(libc.process_vm_readv(os.getpid(), None, 0, None, 0, 0) != 0)
PYTHON
	sr -p strict --no-strict "$T/server.py"
	assert_status 1
	local base=strict round
	for round in 1 2; do # the second call is reached only when the first is allowed
		sr -p "$base" --no-strict --learn --report "$T/report.json" "$T/server.py"
		assert_status 1
		report .learned.profile >"$T/round$round.ini"
		assert_contains "$stderr" "$(cat "$T/round$round.ini")"
		base=$T/round$round.ini
	done
	assert_equal "$(cat "$T/round1.ini")" "[profile]
extends = strict

[seccomp]
allow = @sockets-inet"
	assert_contains "$(cat "$T/round2.ini")" "allow = @debug"
	sr -p "$T/round2.ini" --no-strict "$T/server.py"
	assert_success
	assert_output serving
}

@test "missing files: the options that let them in, and then the program works" {
	require_user # run by root, a --bind needs folders that are open to all
	mkdir -p "$T/p" "$T/elsewhere"
	echo one >"$T/p/one.txt"
	echo two >"$T/elsewhere/two words.txt"
	printf 'print(open("one.txt").read() + open("%s").read())\n' "$T/elsewhere/two words.txt" >"$T/p/a.py"
	sr --learn --report "$T/report.json" "$T/p/a.py"
	assert_status 1
	assert_equal "$(files)" "file /work/one.txt ENOENT missing -i $T/p/one.txt"
	assert_contains "$stderr" "hint: options that let in what was missing: -i $T/p/one.txt"
	sr --learn --report "$T/report.json" -i "$T/p/one.txt" "$T/p/a.py"
	assert_status 1
	assert_equal "$(files)" "file $T/elsewhere/two words.txt ENOENT missing --bind '$T/elsewhere/two words.txt'"
	eval "sr -i \"\$T/p/one.txt\" $(report '.learned.files[0].option') \"\$T/p/a.py\""
	assert_success
	assert_output $'one\ntwo'
}

@test "a folder beside the script: -C instead of its single files" {
	mkdir -p "$T/p/sub"
	echo one >"$T/p/one.txt"
	echo two >"$T/p/sub/two.txt"
	cat >"$T/p/a.py" <<'PYTHON'
for name in "one.txt", "sub/two.txt", "nowhere.txt":
    try:
        print(open(name).read())
    except OSError as e:
        print(e.errno)
PYTHON
	sr --learn "$T/p/a.py"
	assert_output $'2\n2\n2'
	assert_contains "$stderr" "hint: options that let in what was missing: -C $T/p (names of the command line are then those in that folder)"
	refute_contains "$stderr" nowhere
	sr -C "$T/p" a.py
	assert_output $'one\n\ntwo\n\n2'
}

@test "a likely secret is named, and not among the options to copy" {
	canary "$T/home/.ssh/id_rsa" secret
	echo text >"$T/home/plain"
	sr --learn -- sh -c "cat '$T/home/.ssh/id_rsa' '$T/home/plain' 2>/dev/null"
	assert_contains "$stderr" "it may hold a secret; --bind $T/home/.ssh/id_rsa would let it in"
	assert_contains "$stderr" "hint: options that let in what was missing: --bind $T/home/plain"
	assert_equal "$(grep -c "id_rsa" <<<"$(grep '^hint:' <<<"$stderr")")" 0
	refute_contains "$output" secret
	assert_canaries
}

@test "read-only mounts, the network, sockets and programs" {
	printf '#!/bin/sh\n' >"$T/tool"
	chmod +x "$T/tool"
	cat >"$T/a.py" <<PYTHON
import os, socket, subprocess
def attempt(f, *args):
    try:
        f(*args)
        print("OK")
    except OSError as e:
        print(e.errno)
attempt(open, "/usr/new", "w")
attempt(os.mkdir, "$T/new")
attempt(subprocess.run, ["$T/tool"])
attempt(socket.socket().connect, ("192.0.2.1", 80))
attempt(socket.socket().connect, ("127.0.0.1", 9))
attempt(socket.socket(socket.AF_INET6).connect, ("2001:db8::1", 80))
attempt(socket.socket(socket.AF_UNIX).connect, "\\0name")
attempt(socket.socket(socket.AF_UNIX).connect, "$T/socket")
attempt(open, "/work/new", "w")
PYTHON
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$T/socket"
	sr "$T/a.py"
	local plain=$output
	assert_equal "$(tail -n 1 <<<"$plain")" OK
	sr --learn --report "$T/report.json" "$T/a.py"
	assert_output "$plain"
	assert_equal "$(files)" "address 127.0.0.1:9 ECONNREFUSED network -
address 192.0.2.1:80 ENETUNREACH network -
address [2001:db8::1]:80 ENETUNREACH network -
file $T/new ENOENT missing -
file $T/tool ENOENT missing --bind $T/tool
file /usr/new EROFS read-only -
socket $T/socket ENOENT missing -
socket @name ECONNREFUSED network -"
	[ ! -e "$T/new" ]
}

@test "a search through many names: what means something is found among them, and the terminal is not flooded" {
	echo here >"$T/wanted"
	mkdir "$T/many"
	(cd "$T/many" && touch $(seq 150))
	cat >"$T/a.py" <<PYTHON
import os
for i in range(3000):
    os.path.exists("/usr/lib/nowhere/%d" % i)
os.path.exists("$T/wanted")
for i in range(1, 151):
    os.path.exists("$T/many/%d" % i)
PYTHON
	sr --learn --report "$T/report.json" "$T/a.py"
	assert_success
	assert_contains "$stderr" "$T/wanted: ENOENT"
	refute_contains "$stderr" nowhere
	assert_contains "$stderr" "51 further refusals of files are in the report only"
	assert_equal "$(report '.learned.files | length')" 151
	assert_equal "$(report .learned.filesNotListed)" 0
}

@test "where the machine forbids tracing, files are unknown and calls are learned all the same" {
	require_user
	require_plain "a run without ptrace, which the leak checker needs"
	try "$BUILD/tests/lib/without" ptrace=EPERM -- "$SANDRUN" --learn --report "$T/report.json" "$T/sockets.py"
	assert_success
	assert_contains "$stderr" "which files and sockets were refused is unknown: cannot trace the program: Operation not permitted"
	assert_equal "$(report '.learned.filesKnown | not')" true
	assert_equal "$(report '.learned.calls | length')" 3
}

@test "a kernel without notifications: refused with the mend, not run without them" {
	require_user
	sr --learn -- echo ran
	assert_output ran
	try "$BUILD/tests/lib/without" seccomp=EINVAL -- "$SANDRUN" --learn -- echo ran
	assert_error 125 "cannot learn here" "Linux 5.0"
}

@test "what the filter kills for is named; without --learn the line, the report and the hint say so" {
	[ "$(uname -m)" = x86_64 ] || skip "no x32 and i386 entries on this architecture"
	sr --report "$T/report.json" "$(probe abi)" x32-die
	assert_status 159
	assert_output alive
	assert_stderr "sandrun: killed by the system call filter: a call of a foreign architecture or x32 (or by one of its own)
hint: run it again with --learn, which names the call"
	assert_equal "$(report '.violation | keys | join(" ")')" "hint signal text"
	assert_equal "$(report .violation.signal)" SIGSYS
	sr --learn --report "$T/report.json" "$(probe abi)" x32-die
	assert_status 159
	assert_output alive
	assert_equal "$(report '.learned.killed | map([.architecture, .program, .count] | map(tostring) | join(" ")) | join(" ")')" "x32 abi 1"
	assert_match "$stderr" 'learned: x32 call [0-9]+: "abi" was killed, 1 time'
	refute_contains "$stderr" "hint: run it again"
	sr --learn --report "$T/report.json" "$(probe abi)" int80-die
	assert_status 159
	assert_equal "$(report '.learned.killed[0].architecture')" i386
	assert_contains "$stderr" "killed by the system call filter: a call of a foreign architecture or x32"$'\n'
	sr --report "$T/report.json" -- true
	assert_equal "$(report '.violation == null')" true
	# a signal that the program sends itself looks the same, but not to who watches
	sr --report "$T/report.json" -- sh -c 'kill -SYS $$'
	assert_status 159
	assert_contains "$stderr" "(or by one of its own)"
	sr --learn --report "$T/report.json" -- sh -c 'kill -SYS $$'
	assert_status 159
	refute_contains "$stderr" "killed by"
	assert_equal "$(report '.violation == null')" true
}

@test "--error-format json: one line; -q does not silence what was asked for; --explain says it" {
	sr -q --learn --error-format json "$T/sockets.py"
	assert_success
	assert_equal "${#stderr_lines[@]}" 1
	assert_equal "$(jq -r '.learned.calls | length' <<<"$stderr")" 3
	sr -q --learn "$T/sockets.py"
	assert_contains "$stderr" "learned: socket"
	sr --explain --learn "$T/sockets.py"
	assert_contains "$output" $'\nlearn       refused calls are noted and refused'
	sr --explain "$T/sockets.py"
	refute_contains "$output" $'\nlearn '
}

@test "a process that leaves the tracer: what files it was refused is said to be unknown" {
	cat >"$T/a.py" <<'PYTHON'
import ctypes, os, platform, signal, sys
number = {"x86_64": 56, "aarch64": 220}[platform.machine()]
untraced = 0x00800000 if sys.argv[1] == "leave" else 0
if ctypes.CDLL(None).syscall(number, untraced | signal.SIGCHLD, 0, 0, 0, 0) == 0:
    os._exit(0)
os.wait()
print("made")
PYTHON
	sr --learn --report "$T/report.json" "$T/a.py" stay
	assert_output made
	assert_equal "$(report .learned.filesKnown)" true
	refute_contains "$stderr" "left the tracer"
	sr --learn --report "$T/report.json" "$T/a.py" leave
	assert_output made
	assert_equal "$(report '.learned.filesKnown | not')" true
	assert_contains "$stderr" "a process left the tracer"
}

@test "the learned profile extends the one that was used: by its full path, or as a project named it" {
	printf '[profile]\nextends = strict\n' >"$T/mine.ini"
	printf 'import socket\nsocket.socket(socket.AF_INET)\n' >"$T/a.py"
	cd "$T"
	sr -p ./mine.ini --no-strict --learn --report "$T/report.json" "$T/a.py"
	assert_contains "$(report .learned.profile)" "extends = $(realpath "$T")/mine.ini"
	mkdir "$T/p"
	cp "$T/a.py" "$T/p/a.py"
	printf '[run]\nprofile = strict\n' >"$T/p/sandrun.ini"
	sr -C "$T/p" --no-strict --learn --report "$T/report.json" a.py
	assert_contains "$(report .learned.profile)" "extends = strict"
}

@test "profile learn is another word for it" {
	local code='import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)'
	printf '%s\n' "$code" >"$T/netlink.py"
	sr profile learn -- "$T/netlink.py"
	assert_status 1
	assert_contains "$stderr" "socket(family AF_NETLINK"
	sr profile learn -q "$T/netlink.py"
	assert_contains "$stderr" "socket(family AF_NETLINK"
	sr "$T/netlink.py"
	refute_contains "$stderr" "sandrun: learned"
}
