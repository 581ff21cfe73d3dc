#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# run-suite: alone
# Standard input, output and error: byte for byte, in order, without deadlock, and without a trace on the caller's descriptors.

load ../lib/common

# A file of every byte value, the same for every test.
big() {
	python3 -c 'import sys, random
random.seed(5)
block = random.randbytes(1 << 20) + bytes(range(256))
for _ in range(int(sys.argv[1])): sys.stdout.buffer.write(block)' "$1"
}

sha() {
	sha256sum | cut -d' ' -f1
}

@test "64 MB of every byte, in and out, through pipes" {
	local want
	big 64 >"$T/big"
	want=$(sha <"$T/big")
	assert_equal "$(cat "$T/big" | sr_raw -- cat | sha)" "$want"
	assert_equal "$(cat "$T/big" | sr_raw -- sha256sum | cut -d' ' -f1)" "$want"
}

@test "the same with files as standard input and output" {
	big 16 >"$T/big"
	sr_raw --output-limit unlimited -- cat <"$T/big" >"$T/back"
	cmp "$T/big" "$T/back"
}

@test "the same through sockets" {
	big 8 >"$T/big"
	python3 - "$SANDRUN" "$T/big" <<'PYTHON'
import hashlib, socket, subprocess, sys, threading
a, b = socket.socketpair()
data = open(sys.argv[2], "rb").read()
p = subprocess.Popen([sys.argv[1], "--output-limit", "unlimited", "--", "cat"], stdin=b, stdout=b)
b.close()
def feed():
    a.sendall(data)
    a.shutdown(socket.SHUT_WR)
threading.Thread(target=feed).start()
back = b""
parts = []
while True:
    part = a.recv(1 << 16)
    if not part:
        break
    parts.append(part)
back = b"".join(parts)
assert p.wait() == 0
assert back == data, (len(back), len(data))
PYTHON
}

@test "order is kept where both streams go to one place" {
	cat >"$T/a.sh" <<'SHELL'
i=0
while [ $i -lt 2000 ]; do
	echo "out $i"; echo "err $i" >&2; i=$((i + 1))
done
SHELL
	sr_raw "$T/a.sh" >"$T/file" 2>&1
	assert_equal "$(sha <"$T/file")" "$(sh "$T/a.sh" 2>&1 | sha)"
	sr_raw "$T/a.sh" 2>&1 | cat >"$T/pipe"
	cmp "$T/file" "$T/pipe"
	sr_raw "$T/a.sh" >"$T/one" 2>"$T/two"
	assert_equal "$(wc -l <"$T/one") $(wc -l <"$T/two")" "2000 2000"
	[ "$(grep -c err "$T/one")" = 0 ] && [ "$(grep -c out "$T/two")" = 0 ]
}

@test "a slow reader gets everything" {
	assert_equal "$(big 4 | sr_raw -- cat | python3 -c '
import sys, time, hashlib
h = hashlib.sha256()
n = 0
while True:
    b = sys.stdin.buffer.read1(100000)
    if not b: break
    h.update(b)
    n += 1
    if n < 30: time.sleep(0.02)
print(h.hexdigest())')" "$(big 4 | sha)"
}

@test "a slow writer: each piece passes at once" {
	{
		for i in 1 2 3; do
			echo "$i"
			sleep 0.3
		done
	} | sr_raw -- python3 -c '
import sys, time
last = time.monotonic()
for line in sys.stdin.buffer:
    print(line.decode().strip(), time.monotonic() - last > 0.1 if line != b"1\n" else "-")
    last = time.monotonic()' >"$T/out"
	assert_equal "$(cat "$T/out")" $'1 -\n2 True\n3 True'
}

@test "output comes while the program runs" {
	mkfifo "$T/fifo"
	sr_raw -- sh -c 'echo first; sleep 20' >"$T/fifo" &
	local pid=$! line before=$EPOCHREALTIME after
	read -r line <"$T/fifo"
	after=$EPOCHREALTIME
	kill "$pid"
	wait "$pid" || true
	assert_equal "$line" first
	[ $(((${after/./} - ${before/./}) / 1000)) -lt 5000 ]
}

@test "a reader that vanishes: the program gets SIGPIPE, sandrun says 141 and nothing else" {
	local codes
	sr_raw -- yes 2>"$T/err" | head -n 1 >"$T/out" && codes=("${PIPESTATUS[@]}") || codes=("${PIPESTATUS[@]}")
	assert_equal "${codes[0]}" 141
	assert_equal "$(cat "$T/out") $(cat "$T/err")" "y "
	# a program that ignores it gets the error
	sr_raw -- python3 -c '
import signal, sys
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
try:
    while True: sys.stdout.write("x" * 1000); sys.stdout.flush()
except BrokenPipeError:
    sys.stderr.write("EPIPE\n")
import os; os._exit(8)' 2>"$T/err" | head -c 1 >"$T/out" && codes=("${PIPESTATUS[@]}") || codes=("${PIPESTATUS[@]}")
	assert_equal "${codes[0]} $(cat "$T/err")" "8 EPIPE"
}

@test "a reader of standard output that vanishes leaves standard error alone" {
	local codes
	sr_raw -- sh -c 'sleep 0.3; echo lost; sleep 0.3; (echo lost) 2>/dev/null; echo "still here" >&2; exit 3' 2>"$T/err" | true &&
		codes=("${PIPESTATUS[@]}") || codes=("${PIPESTATUS[@]}")
	assert_equal "${codes[0]}" 3
	assert_equal "$(cat "$T/err")" "still here"
}

@test "much on both streams at once, read one after the other" {
	cat >"$T/a.py" <<'PYTHON'
import os, threading
def pour(fd, byte):
    for _ in range(300): os.write(fd, byte * 10000)
a = threading.Thread(target=pour, args=(1, b"o"))
b = threading.Thread(target=pour, args=(2, b"e"))
a.start(); b.start(); a.join(); b.join()
PYTHON
	sr_raw "$T/a.py" >"$T/out" 2>"$T/err"
	assert_equal "$(wc -c <"$T/out") $(wc -c <"$T/err")" "3000000 3000000"
	python3 - "$SANDRUN" "$T/a.py" <<'PYTHON'
import subprocess, sys, threading
p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
err = []
t = threading.Thread(target=lambda: err.append(p.stderr.read()))
t.start()           # standard error is read at once, output only after it is complete ... of what fits
import time; time.sleep(0.5)
out = p.stdout.read()
t.join()
assert p.wait() == 0
assert (len(out), len(err[0])) == (3000000, 3000000), (len(out), len(err[0]))
PYTHON
}

@test "more input than the program reads does not hang, nor does output before input" {
	big 4 | sr_raw -- head -c 10 | cmp - <(big 1 | head -c 10)
	big 4 | sr_raw -- sh -c 'exec <&-; sleep 0.2; exit 4' || [ $? = 4 ]
	big 4 | sr_raw -- true
	# both directions full at the same time: cat of more than all buffers hold, into a reader that starts late
	assert_equal "$(big 6 | sr_raw -- cat | { sleep 0.5; sha; })" "$(big 6 | sha)"
}

@test "a reader that never reads: limits still hold" {
	mkfifo "$T/fifo"
	exec 8<>"$T/fifo"
	local rc=0
	"$SANDRUN" -t 500ms -- yes >"$T/fifo" 2>"$T/err" 3>&- 8>&- &
	local pid=$!
	yes_lives() { pgrep -P "$(pgrep -P "$pid" || echo 0)" yes; }
	wait_for 5 yes_lives
	yes_is_dead() { ! yes_lives; }
	wait_for 5 yes_is_dead
	# what was accepted is kept for the reader, until sandrun is told to let go
	kill -0 "$pid"
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	exec 8<&-
	assert_equal "$rc" 124
	assert_contains "$(cat "$T/err")" "time limit 500ms reached"
}

@test "seekable input: what the program did not read is there for the next command" {
	seq 1 5 >"$T/list"
	while read -r line; do
		sr_raw -- sh -c 'echo "run $1"' sh "$line"
	done <"$T/list" >"$T/out"
	assert_equal "$(cat "$T/out")" "$(printf 'run %s\n' 1 2 3 4 5)"
	seq 1 200000 >"$T/list"
	{
		sr_raw -- head -c 100
		head -c 20
	} <"$T/list" >"$T/out"
	# head reads a block and does not put it back: the same as outside
	{
		head -c 100
		head -c 20
	} <"$T/list" >"$T/want"
	assert_equal "$(head -c 100 "$T/out" | sha)" "$(head -c 100 "$T/want" | sha)"
	{
		sr_raw -- dd bs=100 count=1 status=none
		head -c 20
	} <"$T/list" >"$T/out"
	head -c 120 "$T/list" | cmp - "$T/out"
}

@test "seekable input that was read to its end is at its end" {
	seq 1 100000 >"$T/list"
	{
		sr_raw -- wc -l
		cat
	} <"$T/list" >"$T/out"
	assert_equal "$(cat "$T/out")" 100000
}

@test "input from the middle of a file starts there" {
	seq 1 10 >"$T/list"
	{
		read -r _
		read -r _
		sr_raw -- cat
	} <"$T/list" >"$T/out"
	assert_equal "$(cat "$T/out")" "$(seq 3 10)"
}

@test "no input: /dev/null, an empty file, an empty pipe, closed" {
	assert_equal "$(sr_raw -- wc -c </dev/null)" 0
	: >"$T/empty"
	assert_equal "$(sr_raw -- wc -c <"$T/empty")" 0
	assert_equal "$(: | sr_raw -- wc -c)" 0
	assert_equal "$(sr_raw -- wc -c <&-)" 0
}

@test "input that never comes does not keep a program that does not want it" {
	mkfifo "$T/fifo"
	exec 8<>"$T/fifo"
	local before=$EPOCHREALTIME after
	sr_raw -- echo hi <"$T/fifo" >"$T/out" 8>&-
	after=$EPOCHREALTIME
	exec 8<&-
	assert_equal "$(cat "$T/out")" hi
	[ $(((${after/./} - ${before/./}) / 1000)) -lt 5000 ]
}

@test "sandboxes that share one pipe as input: one that gets nothing is not held" {
	mkfifo "$T/fifo"
	exec 8<>"$T/fifo"
	local pids=() i rc
	for i in 1 2 3 4; do
		"$SANDRUN" -t 3s -- cat <"$T/fifo" >"$T/out$i" 2>"$T/err$i" 3>&- 8>&- &
		pids+=($!)
	done
	sleep 0.5
	# all of them see that there is something to read, one gets it
	for i in $(seq 100); do
		kill -STOP "${pids[@]}"
		echo x >&8
		kill -CONT "${pids[@]}"
	done
	# one that waits inside read(2) for what another took does not see its own deadline
	for i in "${pids[@]}"; do
		rc=0
		timeout 10 tail --pid="$i" -f /dev/null || kill -KILL "$i"
		wait "$i" || rc=$?
		assert_equal "$rc" 124
	done
	exec 8<&-
	assert_equal "$(cat "$T"/out? | wc -l)" 100
}

@test "a named FIFO whose writer has already left ends" {
	mkfifo "$T/fifo"
	(echo hi >"$T/fifo") 3>&- &
	{ sleep 0.3; timeout 10 "$SANDRUN" -- sh -c 'cat; echo end' 3>&-; } <"$T/fifo" >"$T/out"
	assert_equal "$(cat "$T/out")" $'hi\nend'
}

@test "output to a full disk: E_OUTPUT, status 125, and the program learns it" {
	require_cmd jq
	sr_full() {
		status=0
		"$SANDRUN" "$@" >/dev/full 2>"$T/err" 3>&- </dev/null || status=$?
		stderr=$(cat "$T/err")
	}
	sr_full -- echo hi
	assert_status 125
	assert_contains "$stderr" "sandrun: output: cannot write the program's output: No space left on device"
	sr_full --error-format json -- echo hi
	assert_status 125
	assert_equal "$(jq -r .code <<<"$stderr")" E_OUTPUT
	sr_full --report "$T/report.json" -- yes
	assert_status 125
	assert_equal "$(report .status) $(report .error.code)" "125 E_OUTPUT"
	assert_equal "$(report .signal)" 13
	# without a word on it nothing is wrong
	sr_full -- true
	assert_status 0
}

flags_before_and_after() {
	python3 - "$SANDRUN" "$1" <<'PYTHON'
import fcntl, os, subprocess, sys, termios
kind = sys.argv[2]
if kind == "pipe":
    a, b = os.pipe()
    c, d = os.pipe()
elif kind == "socket":
    import socket
    s, t = socket.socketpair(); b, a = s.detach(), t.detach()
    s, t = socket.socketpair(); d, c = s.detach(), t.detach()
else:
    c, d = os.openpty()
    a, b = d, c
before = [fcntl.fcntl(x, fcntl.F_GETFL) for x in (a, d)]
modes = termios.tcgetattr(d) if kind == "pty" else None
script = "echo out; echo err >&2; sleep 0.4; exit 3"
p = subprocess.Popen([sys.argv[1], "--", "sh", "-c", script], stdin=a, stdout=d, stderr=d)
import time; time.sleep(0.2)
during = [fcntl.fcntl(x, fcntl.F_GETFL) for x in (a, d)]
assert p.wait() == 3
after = [fcntl.fcntl(x, fcntl.F_GETFL) for x in (a, d)]
assert before == during == after, (before, during, after)
assert modes is None or modes == termios.tcgetattr(d)
assert b"out" in os.read(c, 1000)
PYTHON
}

@test "the caller's descriptors keep their flags, also while the program runs: pipe, socket, terminal" {
	flags_before_and_after pipe
	flags_before_and_after socket
	flags_before_and_after pty
}

@test "output appended to a file, and written at an offset" {
	echo first >"$T/log"
	sr_raw -- sh -c 'echo second; echo third >&2' >>"$T/log" 2>>"$T/log"
	assert_equal "$(cat "$T/log")" $'first\nsecond\nthird'
	{
		echo before
		sr_raw -- echo inside
		echo after
	} >"$T/log"
	assert_equal "$(cat "$T/log")" $'before\ninside\nafter'
	printf 'xxxxxxxxxx' >"$T/log"
	{ sr_raw -- printf abc; } 1<>"$T/log"
	assert_equal "$(cat "$T/log")" abcxxxxxxx
}

@test "the program cannot touch the files behind its descriptors" {
	echo content >"$T/in"
	echo old >"$T/log"
	sr_raw -- bash -c '
		echo bad >/proc/self/fd/0
		: >/proc/self/fd/1
		truncate -s 0 /dev/stdin
		echo fine' <"$T/in" >>"$T/log" 2>/dev/null
	assert_equal "$(cat "$T/in")" content
	assert_equal "$(cat "$T/log")" $'old\nfine'
	# the positive control: outside, that redirection does empty the file
	on_host bash -c ': >/proc/self/fd/1' >>"$T/log"
	bash -c ': >/proc/self/fd/1' >>"$T/log"
	assert_equal "$(stat -c %s "$T/log")" 0
}

@test "standard descriptors are distinct pipes inside, and nothing else is open" {
	sr -- sh -c 'ls -l /proc/self/fd | sed -n "s/.* \([0-9]\) -> \(pipe\).*/\1 \2/p"; ls /proc/self/fd | wc -l' </dev/null
	assert_output $'0 pipe\n1 pipe\n2 pipe\n4'
	exec 7<"$TOP/LICENSE"
	sr -- sh -c 'cat <&7' 2>/dev/null
	exec 7<&-
	assert_status 2
	assert_output ''
}

@test "a program that closes its output goes on" {
	sr -- sh -c 'exec >&- 2>&-; sleep 0.3; exit 6'
	assert_status 6
	local before=$EPOCHREALTIME after
	sr -- sh -c 'exec >&- 2>&- <&-; sleep 0.3; exit 6'
	after=$EPOCHREALTIME
	assert_status 6
	[ $(((${after/./} - ${before/./}) / 1000)) -ge 300 ]
}

@test "the supervisor idles while nothing happens" {
	require_cmd jq
	local ticks
	{ sleep 3; } | sr_raw -m unlimited --cpu-time unlimited -- sh -c 'exec >&- 2>&-; sleep 1.5' &
	local pid=$!
	sleep 1.2
	ticks=$(awk '{ print $14 + $15 }' "/proc/$(pgrep -n -f "^$SANDRUN -m unlimited --cpu-time unlimited")/stat")
	wait "$pid" || true
	[ "$ticks" -lt 30 ] || sr_fail "$ticks ticks of CPU in a second of waiting"
}
