#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --trace: what was executed, opened and connected to, and how each process ended, is in the log, whose root the certificate
# holds; the program sees no difference. sandrun trace shows logs and proves lines.

load ../lib/common

setup() {
	require_cmd jq
	export XDG_STATE_HOME=$T/state XDG_DATA_HOME=$T/data
	LOG=$T/c.trace.jsonl
}

traced() {
	sr --trace --certificate "$T/c.intoto.jsonl" "$@"
}

# Events of those kinds, one line each: the named fields.
events() {
	jq -r "select(.event | IN($1)) | $2" "$LOG"
}

# A field of the execution statement.
certified() {
	sed -n 2p "$T/c.intoto.jsonl" | jq -r '.payload' | base64 -d | jq -r "$1"
}

# The root of RFC 6962 over a log's lines, by python; its proof path too.
reference() {
	python3 - "$@" <<'PYTHON'
import hashlib, sys
H = lambda b: hashlib.sha256(b).digest()
def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k
def root(d):
    if len(d) <= 1:
        return H(b"\0" + d[0]) if d else H(b"")
    k = split(len(d))
    return H(b"\1" + root(d[:k]) + root(d[k:]))
def path(m, d):
    if len(d) <= 1:
        return []
    k = split(len(d))
    return path(m, d[:k]) + [root(d[k:])] if m < k else path(m - k, d[k:]) + [root(d[:k])]
lines = open(sys.argv[1], "rb").read().split(b"\n")
assert lines.pop() == b""
print(root(lines).hex())
if len(sys.argv) > 2:
    print("\n".join(x.hex() for x in path(int(sys.argv[2]), lines)))
PYTHON
}

@test "files of every kind: what was opened, not what was said" {
	traced "$(probe traced)" files
	assert_success
	events '"open"' '[.path, .how, .asked // "-", .flags, .result, .deleted // false, .pathHex // "-"] | join(" ")' >"$T/seen"
	assert_equal "$(cat "$T/seen")" '/work/absolute descriptor - O_WRONLY|O_CREAT|O_EXCL 0 false -
/work/relative descriptor - O_RDWR|O_CREAT 0 false -
/work/sub/below descriptor - O_WRONLY|O_CREAT|O_TRUNC 0 false -
/work/sub/below descriptor /work/sub/../sub/below O_RDONLY 0 false -
/work/sub descriptor - O_RDONLY|O_DIRECTORY 0 false -
/work/sub/below descriptor - O_RDONLY 0 false -
/work/sub/below descriptor /work/link O_RDONLY 0 false -
/work/link claimed - O_RDONLY|O_NOFOLLOW ELOOP false -
/work/nowhere/at/all claimed - O_RDONLY ENOENT false -
/work/na�me descriptor - O_WRONLY|O_CREAT 0 false 2f776f726b2f6e61ef6d65
/work/quote"back\slash
line descriptor - O_WRONLY|O_CREAT 0 false -
/work/gone (deleted) descriptor - O_WRONLY|O_CREAT 0 false -
'"$(grep '^/work/#' "$T/seen")"'
/work/relative descriptor - O_RDONLY|O_CLOEXEC 0 false -'
	assert_match "$(grep '^/work/#' "$T/seen")" '^/work/#[0-9]+ descriptor /work O_RDWR\|O_TMPFILE 0 true -$'
	assert_equal "$(events '"exec"' '[.path, .how, .argc // "-", .result] | join(" ")')" "/work/traced exe 2 0
/nowhere/program claimed - ENOENT
/work/sub/below claimed - EACCES"
}

@test "python: relative and absolute names, a program found in PATH, a folder's descriptor" {
	cat >"$T/a.py" <<'PYTHON'
import os, subprocess
open("out.txt", "w").close()
open("/work/out.txt").close()
os.mkdir("d")
d = os.open("d", os.O_RDONLY)
os.close(os.open("in", os.O_WRONLY | os.O_CREAT, dir_fd=d))
os.chdir("/work/d")
open("in").close()
subprocess.run(["true", "secret word"])
PYTHON
	traced "$T/a.py"
	assert_success
	assert_equal "$(events '"open"' 'select(.path | startswith("/work/") and (endswith(".py") | not)) | [.path, .how, .result] | join(" ")')" \
		"/work/out.txt descriptor 0
/work/out.txt descriptor 0
/work/d descriptor 0
/work/d/in descriptor 0
/work/d/in descriptor 0"
	assert_equal "$(events '"exec"' 'select(.result == 0) | [.pid, .ppid, (.path | sub("3[.][0-9]+$"; "3")), .how] | join(" ")')" "2 1 /usr/bin/python3 exe
3 2 /usr/bin/true exe"
	refute_contains "$(cat "$LOG")" "secret word"
	traced --record-args "$T/a.py"
	assert_equal "$(events '"exec"' 'select(.path == "/usr/bin/true" and .result == 0) | .argv | join(":")')" "true:secret word"
	# more than is kept, of bytes that need the most room
	traced --record-args -- python3 -c 'import os; os.execl("/bin/true", "true", *[chr(1) * 1000 + "\udcff"] * 100)'
	assert_success
	assert_equal "$(events '"exec"' 'select(.argc == 101) | .argvCut, (.argvHex | length)' | xargs)" "true 32768"
	assert_equal "$(certified .predicate.trace.dropped)" 0
}

@test "sockets: refused, of no file, without a file, and reached" {
	traced "$(probe traced)" sockets
	assert_success
	assert_equal "$(events '"connect", "bind", "send"' '[.event, .family, .address // .path // .abstract, .port // "-", .how, .result] | join(" ")')" \
		"connect inet 127.0.0.1 7 sockaddr ECONNREFUSED
connect inet 127.0.0.1 7 descriptor 0
bind unix /work/socket - descriptor 0
connect unix /work/socket - descriptor 0
connect unix /work/none - sockaddr ENOENT
connect unix name - sockaddr ECONNREFUSED
connect inet6 ::1 8 sockaddr ECONNREFUSED
send inet 127.0.0.1 9 sockaddr 0"
}

@test "processes and threads are told apart, and each end is there" {
	traced "$(probe traced)" processes
	assert_success
	assert_equal "$(events '"start", "exit"' '[.event, .kind, .pid, .tid, .ppid, .code // "-", .signal // "-"] | join(" ")' | sort)" \
		"exit process 2 2 1 0 -
exit process 4 4 2 7 -
exit process 5 5 2 0 -
exit process 6 6 2 - 15
exit process 7 7 2 0 -
exit process 8 8 7 9 -
exit process 9 9 2 0 -
exit thread 2 3 1 0 -
start process 2 2 1 - -
start process 4 4 2 - -
start process 5 5 2 - -
start process 6 6 2 - -
start process 7 7 2 - -
start process 8 8 7 - -
start process 9 9 2 - -
start thread 2 3 1 - -
start thread 9 10 2 - -"
	assert_equal "$(events '"open"' 'select(.path | startswith("/dev/")) | [.pid, .tid, .path, .how] | join(" ")')" \
		"2 3 /dev/null descriptor-shared
4 4 /dev/zero descriptor
8 8 /dev/full descriptor"
	# the thread that executed has its process's number now
	assert_equal "$(events '"exec"' '[.pid, .tid, .path] | join(" ")')" "2 2 /work/traced
5 5 /usr/bin/true
9 9 /work/traced"
	assert_equal "$(tail -n 1 "$LOG" | jq -c '[.event, .processes, .threads, .dropped, .complete]')" '["end",7,9,0,true]'
}

@test "a name that changes while it is used: the record says what was opened" {
	traced "$(probe traced)" race 1000
	assert_success
	assert_equal "$(sort -u <<<"$output" | xargs)" "/work/-a /work/-b"
	events '"open"' 'select(.path | startswith("/work/-")) | .path' | tail -n +3 >"$T/seen"
	cmp "$T/seen" - <<<"$output"
	assert_equal "$(events '"open"' .how | sort -u)" descriptor
}

@test "descriptors that others can replace are called shared, and one that was replaced is still no lie" {
	traced "$(probe traced)" shared
	assert_output "clone: OK"
	assert_equal "$(events '"open"' '.path + " " + .how')" "/dev/zero descriptor-shared"
	traced "$(probe traced)" replace 2000
	assert_success
	assert_equal "$(events '"open"' 'select(.how == "descriptor") | .path' | sort -u | xargs)" "$(events '"open"' 'select(.how == "descriptor") | .asked // .path' | sort -u | xargs)"
	[ "$(events '"open"' 'select(.how == "descriptor-shared" and (.asked // .path) == "/dev/null") | 1' | wc -l)" -gt 0 ]
}

@test "a program that nobody may read, or that made itself undumpable, hides nothing" {
	cat >"$T/a.py" <<'PYTHON'
import ctypes, os, shutil, subprocess
shutil.copy("/usr/bin/true", "/work/t")
os.chmod("/work/t", 0o111)
subprocess.run(["/work/t"])
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
os.chdir("/etc")
open("passwd").close()
PYTHON
	traced "$T/a.py"
	assert_success
	assert_equal "$(events '"exec"' 'select(.path == "/work/t") | .how')" exe
	assert_equal "$(events '"open"' 'select(.pid == 3) | .how' | sort -u)" descriptor
	assert_equal "$(events '"open"' 'select(.path == "/etc/passwd") | .how')" descriptor
}

@test "a child cannot leave the tracer, and a filter of the program's own has none" {
	sr "$(probe traced)" untraced
	assert_output "clone: OK"
	traced "$(probe traced)" untraced
	assert_output "clone: OK"
	assert_equal "$(events '"open"' '"\(.pid) \(.path)"')" "3 /dev/zero"
	sr "$(probe traced)" own
	local plain=$output
	assert_contains "$plain" "getppid: ENOSYS"
	traced "$(probe traced)" own
	assert_output "$plain"
}

@test "every call from 0 to 600 gets the same answer with and without" {
	local profile
	for profile in default strict; do
		sr -p "$profile" --no-strict "$(probe refused)" all
		assert_success
		local plain=$output
		[ "$(wc -l <<<"$plain")" -gt 590 ]
		traced -p "$profile" --no-strict "$(probe refused)" all
		assert_success
		assert_output "$plain"
		assert_equal "$(certified .predicate.trace.complete)" true
	done
	# but for this: a listener could let calls pass the tracer
	traced "$(probe refused)" listener
	assert_output $'plain filter: OK\nlistener: EBUSY\nlistener, flags with high bits: EBUSY\nlistener, by all threads: EBUSY'
	sr "$(probe fds)"
	plain=$output
	traced "$(probe fds)"
	assert_output "$plain"
}

@test "four processes and four threads at once: nothing is lost" {
	traced "$(probe traced)" many 4 2000
	assert_equal "$(events '"open"' 'select(.path == "/dev/null") | .pid' | sort | uniq -c | awk '{ print $1 ":" $2 }' | xargs)" \
		"2000:3 2000:4 2000:5 2000:6"
	traced "$(probe traced)" threads 4 2000
	assert_equal "$(events '"open"' 'select(.path == "/dev/null") | "\(.pid)/\(.tid)"' | sort | uniq -c | awk '{ print $1 ":" $2 }' | xargs)" \
		"2000:2/3 2000:2/4 2000:2/5 2000:2/6"
	assert_equal "$(certified '.predicate.trace.dropped')" 0
	# seq counts the lines, time does not run back
	assert_equal "$(jq -r .seq "$LOG" | sort -n | uniq | wc -l)" "$(wc -l <"$LOG")"
	jq -r .ns "$LOG" | sort -n -c
}

@test "the certificate holds root, size and digest of the log beside it" {
	traced -- sh -c 'echo out; cat /etc/passwd >/dev/null'
	assert_output out
	assert_equal "$(certified .predicate.trace.digest.sha256)" "$(sha256sum <"$LOG" | cut -d' ' -f1)"
	assert_equal "$(certified .predicate.trace.rootHash)" "$(reference "$LOG")"
	assert_equal "$(certified .predicate.trace.treeSize)" "$(wc -l <"$LOG")"
	assert_equal "$(certified '.predicate.trace | [.complete, .dropped, .mediaType, .tree, .mechanisms[0]] | join(" ")')" \
		"true 0 application/vnd.sandrun.trace.v1+jsonl rfc6962-sha256 ptrace"
	assert_equal "$(certified '.predicate.trace.coverage | join(" ")')" "start exec open connect bind send exit"
	assert_contains "$(certified '.predicate.trace.races | join("\n")')" "descriptor-shared: "
	assert_equal "$(certified .predicate.plan.trace)" true
	assert_equal "$(stat -c %a "$LOG")" 600
	jq -e . "$LOG" >/dev/null
	sr verify "$T/c.intoto.jsonl" --key "$XDG_DATA_HOME/sandrun/identity.pub.pem"
	assert_success
	assert_match "$output" '(^|'$'\n'')ok +trace '
	sed -i 's/"exec"/"open"/' "$LOG"
	sr verify "$T/c.intoto.jsonl" --key "$XDG_DATA_HOME/sandrun/identity.pub.pem"
	assert_status 1
	assert_match "$output" '(^|'$'\n'')FAILED +trace '
	sr --certificate "$T/c.intoto.jsonl" -- true
	assert_equal "$(certified '.predicate | [.trace, .plan.trace] | tojson')" "[null,false]"
}

@test "in the state folder: beside the certificate, under its run id; show finds it" {
	sr --trace -- true
	assert_success
	local id
	id=$(basename "$XDG_STATE_HOME"/sandrun/certificates/*.intoto.jsonl .intoto.jsonl)
	assert_equal "$(ls -A "$XDG_STATE_HOME/sandrun/certificates" | xargs)" "$id.intoto.jsonl $id.trace.jsonl"
	sr trace show
	assert_success
	assert_contains "$output" "exec     /usr/bin/true"
	local all=$output
	sr trace show "${id:0:13}"
	assert_output "$all"
	sr trace show "$XDG_STATE_HOME/sandrun/certificates/$id.trace.jsonl"
	assert_output "$all"
	sr trace show nowhere
	assert_error 125 "cannot find a trace nowhere" "sandrun --trace"
}

@test "prove and check: every line, against an independent tree; anything else is refused" {
	traced -- sh -c 'ls / >/dev/null'
	local root count n
	root=$(certified .predicate.trace.rootHash)
	count=$(wc -l <"$LOG")
	for n in 0 1 $((count / 2)) $((count - 2)) $((count - 1)); do
		sr trace prove --json "$LOG" "$n"
		assert_success
		echo "$output" >"$T/$n.json"
		assert_equal "$(jq -r '.rootHash, .path[]' "$T/$n.json")" "$(reference "$LOG" "$n")"
		assert_equal "$(jq -r .leaf "$T/$n.json")" "$(sed -n $((n + 1))p "$LOG")"
		assert_equal "$(jq '[.index, .treeSize, .version] | tojson' -r "$T/$n.json")" "[$n,$count,1]"
	done
	sr trace check "$T"/[0-9]*.json "$root" "$count"
	assert_success
	assert_equal "$(grep -c 'is in the trace of that root' <<<"$output")" 5
	sr trace check "$T/1.json" "$root" "$count"
	assert_output "$T/1.json: line 1 of $count is in the trace of that root: $(sed -n 2p "$LOG")"
	sr trace check "$T/1.json" "$root" $((count + 1))
	assert_status 1
	assert_contains "$output" "is not proven: the trace has $((count + 1)) lines"
	sr trace check "$T/1.json" "$root" "$root"
	assert_error 125 "as a size: it takes a number of lines" "treeSize"
	sr trace check "$T/1.json" "$root"
	assert_error 125 "cannot understand"
	sr trace prove "$LOG" 1
	assert_contains "$output" "root   $root"
	# the last line of an odd tree, said to be the second of two: the same root, and another line than it is
	python3 - <<'END' >"$T/moved.json"
import hashlib, json
def leaf(x): return hashlib.sha256(b"\0" + x).digest()
def node(a, b): return hashlib.sha256(b"\1" + a + b).digest()
left = node(leaf(b"a"), leaf(b"b"))
print(json.dumps({"format": "sandrun-trace-proof", "index": 1, "leaf": "c", "path": [left.hex()], "rootHash": node(left, leaf(b"c")).hex(),
                  "tree": "rfc6962-sha256", "treeSize": 2, "version": 1}))
END
	sr trace check "$T/moved.json" "$(jq -r .rootHash "$T/moved.json")" 3
	assert_status 1
	jq -c '.index = 2 | .treeSize = 3' "$T/moved.json" >"$T/last.json"
	sr trace check "$T/last.json" "$(jq -r .rootHash "$T/moved.json")" 3
	assert_success
	local change
	for change in '.index = 2' '.leaf |= sub("start"; "exec")' '.path[0] = .path[1]' '.path |= .[1:]' '.path += [.path[0]]' '.treeSize = 2'; do
		jq -c "$change" "$T/1.json" >"$T/bad.json"
		sr trace check "$T/bad.json" "$root" "$count"
		assert_status 1
		assert_contains "$output" "not proven"
	done
	sr trace check "$T/1.json" "${root//[0-9]/a}" "$count"
	assert_status 1
	for change in 'del(.leaf)' '.path[0] = "00"' '.path[0] |= sub("^.."; "zz")' '.index = -1' '.index = 1.5' '.index = 99999' '.version = 2' \
		'.format = "x"' '.tree = "x"' '.leaf += "\n"' '.path = {}' '[.]' '.rootHash = 7'; do
		jq -c "$change" "$T/1.json" >"$T/bad.json"
		sr trace check "$T/bad.json" "$root" "$count"
		assert_status 2
	done
	jq -c . "$T/1.json" | sed 's/"index":1,/"index":1,"index":1,/' >"$T/bad.json"
	sr trace check "$T/0.json" "$T/bad.json" "$root" "$count"
	assert_status 2
	sr trace check "$T/1.json" "${root%?}" "$count"
	assert_error 125 "takes 64 hex digits"
	sr trace prove "$LOG" "$count"
	assert_error 125 "it has $count lines"
	printf 'no end' >>"$LOG"
	sr trace prove "$LOG" 1
	assert_error 125 "its last line has no end"
	sr trace show "$LOG"
	assert_status 125
	assert_contains "$stderr" "its last line has no end"
	printf '{"seq":0,"ns":"1","event":"open","path":"\\u001b[31mred\\u202e"}\n' >"$T/evil"
	sr trace show "$T/evil"
	assert_success
	assert_contains "$output" '\x1b[31mred\xe2\x80\xae'
	head -c 3000000 /dev/zero | tr '\0' x >"$T/long"
	sr trace show "$T/long"
	assert_error 125 "a line is too long"
	sr trace
	assert_error 125 "cannot understand 'sandrun trace '"
}

@test "a /proc that hides others' processes: no line is nobody's, and what is missing is counted" {
	require_user # root needs to see who is there, to take an id that nobody has
	hidden() {
		unshare -U --map-current-user --keep-caps -p -f -m --mount-proc sh -c '
			mount -o remount,hidepid=2 /proc && exec setpriv --ambient-caps=-all --inh-caps=-all "$@"' sh "$@" 3>&-
	}
	hidden true 2>/dev/null || skip "no /proc of one's own with hidepid here"
	sr_capture hidden "$SANDRUN" -- echo ran
	assert_success
	assert_output ran
	sr_capture hidden "$SANDRUN" --trace --certificate "$T/hidden.jsonl" -- echo ran
	assert_success
	assert_contains "$stderr" "the trace is not complete"
	LOG=$T/hidden.jsonl.trace.jsonl
	assert_equal "$(jq -c 'select(.pid == 0 or .tid == 0)' "$LOG")" ""
	[ "$(jq -s 'map(select(.event == "exec" and .pid > 1)) | length' "$LOG")" -ge 1 ]
	assert_equal "$(jq -c 'select(.event == "end") | [.complete, .dropped > 0]' "$LOG")" '[false,true]'
	assert_equal "$(sed -n 2p "$T/hidden.jsonl" | jq -j .payload | base64 -d | jq -c '.predicate.trace | [.complete, .dropped > 0]')" '[false,true]'
}

@test "exit status, limits, signals and set-up failures are what they are without" {
	traced -- sh -c 'exit 3'
	assert_status 3
	traced -- sh -c 'kill -SEGV $$'
	assert_status 139
	assert_equal "$(events '"exit"' '[.pid, .signal] | join(" ")')" "2 11"
	traced -t 1s -- sh -c 'sleep 50 & while :; do :; done'
	assert_status 124
	assert_contains "$stderr" "time limit 1s reached"
	assert_equal "$(events '"exit"' '[.pid, .signal] | join(" ")' | sort)" $'2 9\n3 9'
	assert_equal "$(certified '.predicate.result.limitHit')" wall-time
	traced -- /nowhere/program
	assert_status 127
	traced --pids 5 "$(probe traced)" many 4 1
	assert_success
	traced --strict -p strict --memory unlimited -- sh -c 'echo fine'
	local strict=$status
	sr --no-certificate --strict -p strict --memory unlimited -- sh -c 'echo fine'
	assert_status "$strict"
}

@test "Ctrl-C, stopped and continued children, a pipe" {
	env --default-signal=INT,QUIT "$SANDRUN" --trace --certificate "$T/c.intoto.jsonl" -- \
		sh -c 'trap "echo caught; exit 9" INT; echo up; while :; do sleep 0.1; done' >"$T/out" 2>&1 3>&- </dev/null &
	local pid=$! rc=0
	wait_for 10 grep -q up "$T/out"
	kill -INT "$pid"
	wait "$pid" || rc=$?
	assert_equal "$rc $(xargs <"$T/out")" "9 up caught"
	traced -- bash -c 'stopped() { until grep -q "^State:.[tT]" /proc/$1/status; do sleep 0.05; done; }
sleep 2 & kill -STOP $!; stopped $!; kill -CONT $!; wait $!; echo $?
timeout 0.2 sleep 9; echo $?; trap "echo caught" USR1; kill -USR1 $$; seq 3 | tac | xargs'
	assert_success
	assert_output $'0\n124\ncaught\n3 2 1'
}

@test "sandrun is killed: the program dies with it, and no half of a log stays" {
	local m=traced-$RANDOM$RANDOM pid
	mkdir "$T/d"
	"$SANDRUN" --trace --certificate "$T/d/c.intoto.jsonl" -i "$(probe daemon):$m" -- "./$m" stay 60 x >"$T/out" 2>&1 3>&- &
	pid=$!
	wait_for 10 pgrep -f "^\./$m stay"
	kill -KILL "$pid"
	gone() {
		! pgrep -f "^\./$m stay" >/dev/null
	}
	wait_for 5 gone
	assert_equal "$(ls -A "$T/d")" ""
}

@test "a language's own tests behave the same" {
	cat >"$T/a.py" <<'PYTHON'
import concurrent.futures, json, multiprocessing, os, subprocess, sys, tempfile, threading, urllib.request
with tempfile.TemporaryDirectory() as d:
    open(os.path.join(d, "x"), "w").write("x")
    print(len(os.listdir(d)))
def square(n):
    return n * n
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(3) as pool:
        print(pool.map(square, range(5)))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        print(sum(pool.map(lambda n: len(open("/etc/passwd").read()) > 0, range(50))))
    print(subprocess.run([sys.executable, "-c", "raise SystemExit(4)"]).returncode)
    try:
        urllib.request.urlopen("http://127.0.0.1:9", timeout=2)
    except OSError as e:
        print(e.reason.errno)
PYTHON
	sr "$T/a.py"
	assert_success
	local plain=$output
	traced "$T/a.py"
	assert_success
	assert_output "$plain"
	assert_equal "$(certified .predicate.trace.complete)" true
}

@test "combinations that make no sense, and places that cannot be" {
	sr --trace --learn -- true
	assert_error 125 "'--trace' with '--learn'" "it can have one"
	sr --trace --no-certificate -- true
	assert_error 125 "'--trace' with '--no-certificate'"
	mkfifo "$T/fifo"
	sr --trace --certificate "$T/fifo" -- true
	assert_error 125 "no regular file"
	sr --trace --certificate "$T/none/c" -- true
	assert_error 125 "$T/none"
	sr --trace --explain -- true
	assert_success
	assert_contains "$output" "trace       programs, files and sockets are recorded from outside, by ptrace"
	[ ! -e "$XDG_STATE_HOME/sandrun/certificates" ] || assert_equal "$(ls -A "$XDG_STATE_HOME/sandrun/certificates")" ""
	HOME='' XDG_STATE_HOME='' sr --trace -- true
	assert_error 125 "cannot write the trace" "--certificate FILE"
}

@test "where no key can be made, --trace is an error and nothing runs" {
	require_user
	mkdir -p "$XDG_DATA_HOME"
	chmod 500 "$XDG_DATA_HOME"
	sr -- echo ran
	assert_success
	assert_contains "$stderr" "no certificate was kept"
	sr --trace -- echo ran
	assert_error 125 "cannot"
	assert_equal "$(ls -A "$XDG_STATE_HOME/sandrun/certificates")" ""
}

@test "a tracer that is refused: an error with a mend, and nothing runs" {
	require_plain "ptrace(2) taken away, which the leak check needs"
	# a filter around sandrun that answers ptrace with EPERM, as containers have them
	sr_capture "$BUILD/tests/lib/without" ptrace=EPERM -- "$SANDRUN" --trace --certificate "$T/c.intoto.jsonl" -- echo ran
	assert_error 125 "cannot trace the program: Operation not permitted" "leave --trace out"
	assert_equal "$(certified '.predicate.result.outcome')" setup-failed
}

@test "more events than there is room on the disk: counted, said, and the rest of the log is whole" {
	(ulimit -f 2000; exec "$SANDRUN" --trace --certificate "$T/c.intoto.jsonl" -i "$(probe traced)" -- ./traced many 1 20000) \
		>"$T/out" 2>"$T/err" 3>&- </dev/null
	assert_contains "$(cat "$T/err")" "the trace is not complete"
	assert_contains "$(cat "$T/err")" "File too large"
	assert_equal "$(certified '.predicate.trace.complete')" false
	[ "$(certified '.predicate.trace.dropped')" -gt 1000 ]
	assert_equal "$(certified .predicate.trace.rootHash)" "$(reference "$LOG")"
	assert_equal "$(certified .predicate.trace.treeSize)" "$(wc -l <"$LOG")"
}
