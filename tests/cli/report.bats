#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --report, --error-format json, --timing and -v: what sandrun says of a run, in every outcome.

load ../lib/common

setup() {
	require_cmd jq
}

sha() {
	sha256sum | cut -d' ' -f1
}

fields() {
	report "[$1] | map(tostring) | join(\" \")"
}

# Every report has these fields, whatever came of the run.
assert_shape() {
	assert_equal "$(report 'keys - ["project", "terminal", "stdout"] | join(" ")')" \
		"config enforced environment environmentDigest error exitCode inputs language limitHit limits manifest merged notes outcome outputs profile signal status stderr stdin strict usage violation"
}

@test "a program that exited" {
	echo 'import sys; print("out"); sys.stderr.write("error!\n"); sys.exit(3)' >"$T/a.py"
	sr --report "$T/report.json" "$T/a.py" <<<'unread'
	assert_status 3
	assert_shape
	assert_equal "$(fields '.outcome, .status, .exitCode, .signal, .limitHit, .error')" "exited 3 3 null null null"
	assert_equal "$(fields '.language, .environment, .profile, .merged')" "python host default false"
	assert_equal "$(fields '.stdout.bytes, .stdout.truncated, .stderr.bytes, .stderr.truncated')" "4 false 7 false"
	assert_equal "$(report .stdout.sha256)" "$(echo out | sha)"
	assert_equal "$(report .stderr.sha256)" "$(echo 'error!' | sha)"
}

@test "a program that a signal ended" {
	sr --report "$T/report.json" -- sh -c 'kill -SEGV $$'
	assert_status 139
	assert_shape
	assert_equal "$(fields '.outcome, .status, .exitCode, .signal, .limitHit, .error')" "signaled 139 null 11 null null"
}

@test "a run that a limit ended" {
	sr --report "$T/report.json" -t 200ms -- sh -c 'echo half; sleep 30'
	assert_status 124
	assert_shape
	assert_equal "$(fields '.outcome, .status, .exitCode, .signal, .limitHit, .error')" "limit 124 null 9 wall-time null"
	assert_equal "$(report .stdout.sha256)" "$(echo half | sha)"
}

@test "a run that could not be set up: before the sandbox and inside it" {
	sr --report "$T/report.json" -i "$T/missing" -- true
	assert_status 125
	assert_shape
	assert_equal "$(fields '.outcome, .status, .exitCode, .signal, .usage, .error.code')" "setup-failed 125 null null null E_INPUT"
	assert_equal "$(report '.error | keys | join(" ")')" "code hint message stage"
	sr --report "$T/report.json" -- no-such-program
	assert_status 127
	assert_equal "$(fields '.outcome, .status, .exitCode, .error.code')" "setup-failed 127 null E_EXEC_NOT_FOUND"
	echo data >"$T/plain"
	sr --report "$T/report.json" -i "$T/plain" -- ./plain
	assert_status 126
	assert_equal "$(fields '.outcome, .status, .error.code')" "setup-failed 126 E_EXEC_DENIED"
	# the same words as on standard error
	assert_contains "$stderr" "$(report .error.message)"
	assert_contains "$stderr" "$(report .error.hint)"
}

@test "digests and sizes are those of sha256sum and wc: streams, inputs, outputs" {
	mkdir "$T/results"
	head -c 300000 /dev/urandom >"$T/one.bin"
	head -c 100 /dev/urandom >"$T/two"
	sr_raw --report "$T/report.json" -i "$T/one.bin" -i "$T/two:second" -o 'o[12]' -O "$T/results" -- \
		sh -c 'cat one.bin; cat second >&2; cat >/dev/null; tr a b <one.bin >o1; : >o2' <"$T/one.bin" >"$T/out" 2>"$T/err"
	cmp "$T/one.bin" "$T/out"
	assert_equal "$(fields '.stdout.bytes, .stderr.bytes, .stdin.bytes')" "300000 100 300000"
	assert_equal "$(report .stdout.sha256)" "$(sha <"$T/one.bin")"
	assert_equal "$(report .stderr.sha256)" "$(sha <"$T/two")"
	assert_equal "$(report .stdin.sha256)" "$(sha <"$T/one.bin")"
	assert_equal "$(report '.inputs | map(.name + " " + (.bytes | tostring) + " " + .sha256) | join("\n")')" \
		"one.bin 300000 $(sha <"$T/one.bin")
second 100 $(sha <"$T/two")"
	assert_equal "$(report '.inputs | map(.path) | join(" ")')" "$T/one.bin $T/two"
	assert_equal "$(report '.outputs | sort_by(.name) | map(.name + " " + (.bytes | tostring) + " " + .sha256) | join("\n")')" \
		"o1 $(stat -c %s "$T/results/o1") $(sha <"$T/results/o1")
o2 0 $(sha </dev/null)"
}

@test "the script counts as what went in; a program from standard input too" {
	echo 'print(1)' >"$T/a.py"
	sr --report "$T/report.json" --lang python - <"$T/a.py"
	assert_success
	assert_equal "$(report .stdin.sha256)" "$(sha <"$T/a.py")"
	mkdir "$T/p"
	echo 'print(2)' >"$T/p/main.py"
	sr --report "$T/report.json" -C "$T/p" main.py
	assert_equal "$(fields '.project.files, .project.bytes')" "1 9"
	assert_match "$(report .project.sha256)" '^[0-9a-f]{64}$'
	local before
	before=$(report .project.sha256)
	echo 'print(3)' >"$T/p/main.py"
	sr --report "$T/report.json" -C "$T/p" main.py
	[ "$(report .project.sha256)" != "$before" ]
}

@test "usage: times and memory, and where each value comes from" {
	sr --report "$T/report.json" -- python3 -c '
import time
end = time.process_time() + 0.3
while time.process_time() < end: pass
x = bytearray(50 << 20)
time.sleep(0.3)'
	assert_success
	local wall user peak
	wall=$(report .usage.wallNs.value) user=$(report .usage.userNs.value) peak=$(report .usage.memoryPeakBytes.value)
	[ "$wall" -ge 600000000 ] && [ "$wall" -le 20000000000 ]
	[ "$user" -ge 200000000 ] && [ "$user" -le 2000000000 ]
	[ "$peak" -ge $((50 << 20)) ] && [ "$peak" -le $((100 << 20)) ]
	local cpu=rusage memory='^(rusage-maxrss-largest-process|watchdog-sampled-tree)$'
	[ "$(report .enforced.cgroup)" = none ] || cpu=cgroup-cpu.stat memory='^cgroup-memory\.peak$'
	assert_equal "$(fields '.usage.wallNs.source, .usage.userNs.source, .usage.systemNs.source')" "clock-monotonic $cpu $cpu"
	assert_match "$(report .usage.memoryPeakBytes.source)" "$memory"
}

@test "limits: all of them, with where they come from" {
	sr --report "$T/report.json" -m 100M --pids 20 -- true
	assert_equal "$(fields '.limits["memory.max"].value, .limits["memory.max"].source')" "100M command-line"
	assert_equal "$(fields '.limits["pids.max"].value, .limits["pids.max"].source')" "20 command-line"
	assert_equal "$(fields '.limits["cpu.time"].value, .limits["cpu.time"].source')" "60s profile"
	assert_equal "$(report '.limits | keys | join(" ")')" "bytes.max cpu.max cpu.time cpu.weight cpu.window files.max fsize io.weight memlock memory.high memory.max memory.swap.max msgqueue nofile pids.max shm.size sigpending stack stdio.max tmp.inodes tmp.size wall.time work.inodes work.size"
}

@test "enforced: what stood between the program and the host" {
	sr --report "$T/report.json" -- true
	assert_equal "$(fields '.enforced.noNewPrivileges, .enforced.capabilities, .enforced.network')" "true none none"
	assert_equal "$(report '.enforced.namespaces | sort | join(" ")')" "cgroup ipc mount network pid user uts"
	[ "$(report .enforced.seccompInstructions)" -gt 20 ]
}

@test "both streams at one place are one, and the report says so" {
	sr_raw --report "$T/report.json" -- sh -c 'echo out; echo err >&2' >"$T/both" 2>&1
	assert_equal "$(fields '.merged, .stdout.bytes, .stderr')" "true 8 null"
	assert_equal "$(report .stdout.sha256)" "$(sha <"$T/both")"
}

@test "--report -: on standard output, after the program's own" {
	sr --report - -- echo first
	assert_success
	assert_equal "${lines[0]}" first
	assert_equal "$(tail -n +2 <<<"$output" | jq -r .outcome)" exited
	sr --report - -- no-such-program
	assert_status 127
	assert_equal "$(jq -r .outcome <<<"$output")" setup-failed
}

@test "a report that cannot be written is refused before anything runs" {
	sr_refused() {
		sr --report "$1" -- sh -c 'echo ran'
		assert_error 125 "cannot write the report" "$2"
	}
	sr_refused "$T/missing/report.json" "No such file or directory"
	sr_refused "$T" "Is a directory"
	sr_refused "$T/" "Is a directory"
	mkdir -m 755 "$T/closed"
	if [ "$(id -u)" != 0 ]; then
		chmod 555 "$T/closed"
		sr_refused "$T/closed/report.json" "Permission denied"
		sr_refused /proc/report.json ""
	fi
	: >"$T/file"
	sr_refused "$T/file/report.json" "Not a directory"
	sr --report /dev/full -- echo ran
	assert_status 125
	assert_contains "$stderr" "cannot write the report /dev/full: No space left on device"
}

@test "the report is written whole or not at all, and replaces an older one" {
	echo 'not json' >"$T/report.json"
	chmod 600 "$T/report.json"
	ln "$T/report.json" "$T/other-name"
	sr --report "$T/report.json" -- true
	assert_equal "$(report .status)" 0
	assert_equal "$(cat "$T/other-name")" 'not json' # a new file took its place
	assert_equal "$(find "$T" -name '.sandrun*' | wc -l)" 0
	# a watcher of that name sees the old or the new one, never a part
	sr --report "$T/report.json" -- true
	for i in 1 2 3 4 5 6 7 8; do sr_raw --report "$T/report.json" -- true; done 3>&- &
	local pid=$!
	while kill -0 "$pid" 2>/dev/null; do assert_equal "$(report .status)" 0; done
	wait "$pid"
	# without a run there is none
	rm "$T/report.json"
	sr --report "$T/report.json" --explain -- true
	[ ! -e "$T/report.json" ]
	sr --report "$T/report.json" --no-such-option -- true
	assert_status 125
	[ ! -e "$T/report.json" ]
}

@test "a report to a pipe, by a name and by a descriptor" {
	mkfifo "$T/fifo"
	cat "$T/fifo" >"$T/report.json" 3>&- &
	local pid=$!
	sr --report "$T/fifo" -- true
	wait "$pid"
	assert_equal "$(report .status)" 0
	{ sr_raw --report /dev/stderr -- echo out >"$T/out"; } 2>&1 | cat >"$T/report.json"
	assert_equal "$(report .status) $(cat "$T/out")" "0 out"
}

@test "a report of names that are no text" {
	local name=$'a\xff\e[31m\n"b'
	echo data >"$T/$name"
	sr --report "$T/report.json" -i "$T/$name:plain" -- true
	assert_success
	jq -e . "$T/report.json" >/dev/null
	assert_contains "$(report '.inputs[0].path')" 'a\xff\x1b[31m'
}

@test "--error-format json: one object a line on standard error" {
	sr --error-format json "$T/missing.py"
	assert_status 127
	assert_equal "${#stderr_lines[@]}" 1
	assert_equal "$(jq -r '[.code, (.status | tostring), .stage] | join(" ")' <<<"$stderr")" "E_SCRIPT 127 script"
	assert_equal "$(jq -r 'keys | join(" ")' <<<"$stderr")" "code hint message stage status"
	sr --error-format json -- no-such-program
	assert_equal "$(jq -r '[.code, (.status | tostring)] | join(" ")' <<<"$stderr")" "E_EXEC_NOT_FOUND 127"
	sr --error-format json -t nonsense -- true
	assert_equal "$(jq -r '[.code, (.status | tostring)] | join(" ")' <<<"$stderr")" "E_OPTION 125"
	# the program's own words stay as they are
	sr --error-format json -- sh -c 'echo plain >&2; exit 2'
	assert_stderr plain
}

@test "--error-format json: a name with escapes and broken UTF-8 is still one valid object" {
	sr --error-format json "$T/"$'m\xff\e[31m\n.py'
	assert_status 127
	assert_equal "${#stderr_lines[@]}" 1
	assert_contains "$(jq -r .message <<<"$stderr")" 'm\xff\x1b[31m\x0a.py'
}

@test "--timing prints the phases in their order, and a sum" {
	sr --timing -i "$TOP/LICENSE" -- sleep 0.2
	assert_success
	local names
	# the sandbox waits at its gate only when there is something to judge first
	names=$(sed -n -e '/timing: at the gate/d' -e 's/^sandrun: timing: \(.*[a-z]\) *\([0-9.]*\) ms$/\1/p' <<<"$stderr")
	assert_equal "$names" "plan
clone
work folder
files in
exec
run
torn down
in all"
	local run all
	run=$(sed -n 's/^sandrun: timing: run *\([0-9]*\)\..*/\1/p' <<<"$stderr")
	all=$(sed -n 's/^sandrun: timing: in all *\([0-9]*\)\..*/\1/p' <<<"$stderr")
	[ "$run" -ge 100 ] && [ "$all" -ge "$run" ] && [ "$all" -lt 20000 ]
}

@test "-v: one closing line, and nothing of it without -v in a pipe" {
	sr -v -- sh -c 'exit 4'
	assert_status 4
	assert_match "${stderr_lines[-1]}" '^sandrun: exited 4; [0-9.]+ s, CPU [0-9.]+ s, memory [0-9]+ [kMG]B'
	sr -v -- sh -c 'kill -TERM $$'
	assert_match "${stderr_lines[-1]}" '^sandrun: killed by signal 15 \(Terminated\); '
	sr -v -t 200ms -- sleep 30
	assert_match "${stderr_lines[-1]}" '^sandrun: time limit 200ms reached; '
	sr -- sh -c 'exit 4'
	assert_stderr ''
}

@test "-q leaves the line for a limit and errors, and drops warnings" {
	sr -q -t 200ms -- sleep 30
	assert_status 124
	assert_stderr "sandrun: time limit 200ms reached"
	mkdir "$T/results"
	sr -o 'nothing*' -O "$T/results" -- true
	assert_success
	assert_contains "$stderr" "nothing*"
	sr -q -o 'nothing*' -O "$T/results" -- true
	assert_success
	assert_stderr ''
	sr -q "$T/missing.py"
	assert_error 127 "hint: "
}

@test "--color: only where it is asked for, and never in JSON" {
	sr --color always "$T/missing.py"
	assert_contains "$stderr" $'\e[1;31msandrun:\e[0m'
	sr --color never "$T/missing.py"
	refute_contains "$stderr" $'\e'
	sr "$T/missing.py"
	refute_contains "$stderr" $'\e'
	sr --color always --error-format json "$T/missing.py"
	refute_contains "$stderr" $'\e'
}
