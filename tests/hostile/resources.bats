#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# run-suite: alone
# Cases 60-63 as far as a machine without cgroup v2 can: what a payload takes is bounded, reported, and given back.

load ../lib/common
load hostile

available_mib() {
	awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo
}

# over_memory KIND N: 64 MiB of memory end it, as what they are.
over_memory() {
	sr -m 64M --report "$T/report.json" "$(probe hog)" "$1" "$2"
	assert_status 137 || return 1
	assert_stderr "sandrun: memory limit 64M reached" || return 1
	assert_equal "$(report '.outcome + " " + .limitHit')" "limit memory"
}

@test "case 60: heap, mappings, shared mappings and many processes end at the memory limit" {
	local before
	before=$(available_mib)
	over_memory heap 2048
	over_memory touch 2048
	over_memory shared 2048
	over_memory forks 40
	[ "$(available_mib)" -gt $((before - 512)) ]
	# Below the limit the same probes come to their end, inside and outside.
	sr -m 256M "$(probe hog)" touch 32
	assert_output "touch: 32 of 32"
	outside hog touch 32
	assert_output "touch: 32 of 32"
}

@test "case 60: full tmpfs: ENOSPC inside, nothing on the host, and the run goes on" {
	local dir
	sr --work-size 8M "$(probe hog)" tmpfs /work/file 64
	assert_match "$output" "^tmpfs: 7 of 64 ENOSPC$"
	sr --tmp-size 8M "$(probe hog)" tmpfs /tmp/file 64
	assert_output "tmpfs: 8 of 64 ENOSPC"
	for dir in /dev/shm /tmp; do
		sr "$(probe hog)" tmpfs "$dir/file" 512
		assert_output "tmpfs: 64 of 512 ENOSPC"
	done
	sr "$(probe hog)" tmpfs /file 1
	assert_output "tmpfs: 0 of 1 EROFS"
	image "$T/img"
	sr -E "$T/img" "$(probe hog)" tmpfs /usr/file 4096
	assert_match "$output" "^tmpfs: [0-9]+ of 4096 (ENOSPC|EFBIG)$|^$"
	assert_equal "$(find "$T/img" -type f | wc -l)" 0
	sr --work-size 4M --lang sh -c 'cat /dev/zero >/work/full 2>/dev/null; echo "went on with $?"; echo x >/work/y || echo full'
	assert_contains "$output" "went on with 1"
	outside hog tmpfs "$T/file" 8
	assert_output "tmpfs: 8 of 8"
}

@test "case 60: a full tmpfs and outputs: what is there is copied out, whole" {
	cd "$T"
	sr --work-size 4M -o 'full' -O out --lang sh -c 'cat /dev/zero >full 2>/dev/null; wc -c <full'
	assert_success
	assert_equal "$(stat -c %s out/full)" "$output"
}

@test "case 60: inodes" {
	local dir
	for dir in /work /dev/shm; do
		sr "$(probe hog)" inodes "$dir" 80000
		assert_match "$output" "^inodes: 6553[0-9] of 80000 ENOSPC$"
	done
	mkdir "$T/dir"
	outside hog inodes "$T/dir" 2000
	assert_output "inodes: 2000 of 2000"
	rm -rf "$T/dir"
}

@test "case 60: pipes, sockets, epoll instances, inotify instances" {
	inside hog pipes 1000
	assert_output "pipes: 126 of 1000 EMFILE"
	inside hog sockets 1000
	assert_output "sockets: 126 of 1000 EMFILE"
	inside hog epolls 1000
	assert_match "$output" "^epolls: [0-9]+ of 1000 EMFILE$"
	# The user's own 128 instances are not what it takes.
	"$SANDRUN" -q "$(probe hog)" many-inotify 20 >"$T/out" </dev/null 3>&- &
	local pid=$!
	wait_for 10 grep -q held "$T/out"
	outside hog inotify 64
	assert_output "inotify: 64 of 64"
	wait "$pid"
	assert_match "$(cat "$T/out")" "many-inotify: ([0-9]|[1-5][0-9]) of 20"
	outside hog pipes 20
	assert_output "pipes: 20 of 20"
}

# The kernel gives it back after a while, and other tests use some meanwhile.
memory_is_back() {
	[ "$(available_mib)" -gt $(($1 - 600)) ]
}

@test "case 60: memory of sockets is given back when the run ends" {
	local before
	before=$(available_mib)
	sr -q -t 5 "$(probe hog)" many-sockets 20
	wait_for 30 memory_is_back "$before"
}

@test "case 60: processes and threads" {
	inside hog processes 500
	assert_match "$output" "^processes: 12[5-8] of 500 EAGAIN$"
	inside hog threads 500
	assert_match "$output" "^threads: 12[5-8] of 500 EAGAIN$"
	sr --pids 10 "$(probe hog)" processes 500
	assert_match "$output" "^processes: ([89]|10) of 500 EAGAIN$"
	# A limit of the run's and not of the user's: outside, the user goes on, also while one run is full.
	"$SANDRUN" -q --pids 100 "$(probe hog)" many-epolls 98 >"$T/out" </dev/null 3>&- &
	wait_for 10 grep -q held "$T/out"
	sr --pids 20 "$(probe hog)" processes 15
	assert_output "processes: 15 of 15"
	outside hog threads 150
	assert_output "threads: 150 of 150"
}

@test "case 60: a fork bomb ends with the run" {
	local start m
	start=$(now_ms)
	m=$(mark)
	sr -q -t 2 --lang bash -c 'bomb() { bomb "$1" | bomb "$1" & }; bomb; while :; do :; done' "$m"
	assert_status 124
	gone "$m"
	[ $(($(now_ms) - start)) -lt 6000 ] || sr_fail "took $(($(now_ms) - start)) ms"
}

@test "case 61: output without end stops at the limit, byte for byte, and is told" {
	sr_raw --output-limit 1M --report "$T/report.json" "$(probe hog)" out 2000 >"$T/out" 2>"$T/err" || status=$?
	assert_equal "$status" 137
	assert_equal "$(stat -c %s "$T/out")" 1048576
	assert_equal "$(cat "$T/err")" "sandrun: output limit 1M reached"
	assert_equal "$(report '.outcome + " " + .limitHit')" "limit output"
	assert_equal "$(report .stdout.bytes)" 1048576
	assert_equal "$(report .stdout.sha256)" "$(sha256sum <"$T/out" | cut -d ' ' -f 1)"
	assert_equal "$(tr -d x <"$T/out" | wc -c)" 0
	sr_raw -q --output-limit 1M "$(probe hog)" both 2000 >"$T/out" 2>"$T/err" || true
	assert_equal $(($(stat -c %s "$T/out") + $(tr -cd x <"$T/err" | wc -c))) 1048576
}

@test "case 61: a slow reader loses nothing, a reader that is gone blocks nothing" {
	sr_raw -q --output-limit 40M "$(probe hog)" out 8 2>"$T/err" | { sleep 1; cat; } | wc -c >"$T/count"
	assert_equal "$(cat "$T/count")" 8388608
	assert_equal "$(cat "$T/err")" "out: 8 of 8"
	local start
	start=$(now_ms)
	sr_raw -q -t 20 "$(probe hog)" out 5 2>/dev/null | head -c 10 >"$T/head"
	assert_equal "$(cat "$T/head")" xxxxxxxxxx
	[ $(($(now_ms) - start)) -lt 5000 ]
}

@test "case 61: standard error that nobody reads: the payload ends at its limit, sandrun at a signal" {
	local m pid
	m=$(mark)
	mkfifo "$T/stuck"
	exec 7<>"$T/stuck"
	cp "$(probe hog)" "$T/$m"
	"$SANDRUN" -t 1 "$T/$m" both 8 >"$T/out" 2>&7 </dev/null 3>&- 7>&- &
	pid=$!
	wait_for 5 alive "/work/$m"
	wait_for 4 gone "/work/$m"
	# sandrun may wait for the reader with what it has to say, but it can be ended.
	kill -TERM "$pid" 2>/dev/null || true
	if ! wait_for 3 sh -c "! kill -0 $pid 2>/dev/null"; then
		kill -KILL "$pid"
		sr_fail "sandrun does not end on SIGTERM while it waits for a reader"
	fi
	exec 7>&-
	assert_match "$(head -c 3 "$T/out")" "^xxx$"
}

@test "case 62: processor time of one thread, of four, and of processes that take turns" {
	sr --cpu-time 1s --report "$T/report.json" "$(probe hog)" spin 20
	assert_status 124
	assert_stderr "sandrun: CPU time limit 1s reached"
	assert_equal "$(report '.outcome + " " + .limitHit')" "limit cpu-time"
	sr --cpu-time 1s "$(probe hog)" spin-threads 20
	assert_status 124
	assert_stderr "sandrun: CPU time limit 1s reached"
	sr --cpu-time 1s -t 10 --lang bash -c 'while :; do (for ((i = 0; i < 20000; i++)); do :; done); done'
	assert_status 124
	assert_stderr "sandrun: CPU time limit 1s reached"
	sr --cpu-time 20s "$(probe hog)" spin 1
	assert_output "spin: 1 of 1"
}

@test "case 62: wall time: sleeping, stopped, and to a tenth of a second" {
	local start took
	for what in "hog sleep 20" "daemon stop-self 20 none" "daemon stubborn 20 none"; do
		read -r -a words <<<"$what"
		start=$(now_ms)
		sr -t 1s "$(probe "${words[0]}")" "${words[@]:1}"
		took=$(($(now_ms) - start))
		assert_status 124
		assert_stderr "sandrun: time limit 1s reached"
		[ "$took" -ge 1000 ] && [ "$took" -lt 1400 ] || sr_fail "$what took $took ms"
	done
	sr -t 20 "$(probe hog)" sleep 1
	assert_success
	assert_output "sleep: 1 of 1"
}

@test "case 63: limits of a process cannot be raised" {
	inside person limits
	assert_success
	# EDOM: there is no limit to raise (address space and the like are bounded otherwise).
	assert_equal "$(printf '%s\n' "$output" | grep '^raise ' | grep -v -E ': (EPERM|EDOM)$')" ""
	assert_equal "$(printf '%s\n' "$output" | grep -c '^raise ')" 16
	for name in core cpu data fsize memlock msgqueue nice nofile nproc rtprio sigpending stack; do
		assert_contains "$output" "raise $name: EPERM"
	done
	assert_contains "$output" "nofile: 256"
	assert_contains "$output" "sigpending: 1024"
	assert_contains "$output" "core: 1
"
	on_host sh -c 'ulimit -Sn 64 && ulimit -Sn 128'
}

@test "case 63: descriptors and the size of a file" {
	inside hog fds 1000
	assert_output "fds: 253 of 1000 EMFILE"
	outside hog fds 300
	assert_output "fds: 300 of 300"
	sr --file-size 2M "$(probe hog)" fsize /work/file 10
	assert_status 153
	sr --file-size 20M "$(probe hog)" fsize /work/file 10
	assert_output "fsize: 10 of 10"
}
