#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Cases 30-36: namespaces, PID 1 and the host's processes, and payloads that want to stay.

load ../lib/common
load hostile

# ended PID STATUS: waits for a child and compares how it ended.
ended() {
	local rc=0
	wait "$1" || rc=$?
	assert_equal "$rc" "$2"
}

@test "case 30: no new namespace of any kind; clone3 is missing; processes and threads work" {
	inside spawn
	assert_success
	assert_output "unshare user: EPERM
clone user: EPERM
clone3 user: ENOSYS
unshare mnt: EPERM
clone mnt: EPERM
clone3 mnt: ENOSYS
unshare net: EPERM
clone net: EPERM
clone3 net: ENOSYS
unshare ipc: EPERM
clone ipc: EPERM
clone3 ipc: ENOSYS
unshare uts: EPERM
clone uts: EPERM
clone3 uts: ENOSYS
unshare cgroup: EPERM
clone cgroup: EPERM
clone3 cgroup: ENOSYS
unshare time: EPERM
clone3 time: ENOSYS
unshare pid: EPERM
clone pid: EPERM
clone3 pid: ENOSYS
unshare user+mnt+pid: EPERM
clone user+mnt+pid: EPERM
clone3 user+mnt+pid: ENOSYS
clone3 plain: ENOSYS
clone high bits: EPERM
fork: OK
vfork: OK
thread: OK"
	outside spawn
	assert_contains "$output" "unshare user: OK"
	assert_contains "$output" "clone user+mnt+pid: OK"
	assert_contains "$output" "clone3 user: OK"
	outside_ns spawn
	refute_contains "$output" EPERM
}

@test "case 30: the ceiling of user namespaces is 0 behind the filter" {
	sr -- /bin/cat /proc/sys/user/max_user_namespaces
	assert_output 0
	[ "$(cat /proc/sys/user/max_user_namespaces)" -gt 0 ]
}

# Landlock keeps signals in from ABI 6 on. Before, the kernel takes those for PID 1 and drops them: it has no handler, and its
# own processes cannot kill it. The probe's last lines, and its end, are the proof that it lives.
signals_are_fenced() {
	[ "$(report .enforced.landlockAbi)" -ge 6 ]
}

@test "cases 31-33: PID 1 shows nothing and takes no signal" {
	local sleeper sent=EPERM
	sr --report "$T/report.json" "$(probe reach)" attack 1
	signals_are_fenced || sent=OK
	assert_success
	assert_output "mem: ENOENT
environ: ENOENT
auxv: ENOENT
maps: ENOENT
io: ENOENT
stack: ENOENT
syscall: ENOENT
root: ENOENT
cwd: ENOENT
exe: ENOENT
fd: ENOENT
map_files: ENOENT
ns/user: ENOENT
ns/mnt: ENOENT
ns/pid: ENOENT
ns/net: ENOENT
ns/ipc: ENOENT
ns/uts: ENOENT
ns/cgroup: ENOENT
setgroups: ENOENT
uid_map: ENOENT
gid_map: ENOENT
oom_score_adj: ENOENT
clear_refs: ENOENT
timens_offsets: ENOENT
coredump_filter: ENOENT
pidfd_open: OK
vm_readv: EPERM
vm_writev: EPERM
setns pidfd: EPERM
prlimit: EPERM
sched_setaffinity: EPERM
ioprio_set: EPERM
setpriority: EPERM
ptrace seize: EPERM
kill 0: $sent
kill STOP: $sent
tgkill SEGV: $sent
pidfd KILL: $sent
kill KILL: $sent"
	assert_equal "$(report .outcome)" exited
	sr -- sh -c 'for s in 1 2 3 6 9 11 15 17 18 19 20 34; do kill -$s 1 2>/dev/null; done; sleep 0.3; echo alive; exit 5'
	assert_status 5
	assert_output alive
	sleep 60 3>&- &
	sleeper=$!
	outside reach attack "$sleeper"
	assert_contains "$output" "mem: OK
environ: OK"
	assert_contains "$output" "kill STOP: OK"
	assert_contains "$output" "kill KILL: OK"
	ended "$sleeper" 137
}

@test "case 31: entering the namespaces of one's own changes nothing" {
	inside calls namespace
	assert_output "unshare: EPERM
setns: EPERM"
	outside calls namespace
	assert_output "unshare: EINVAL
setns: EBADF"
}

@test "case 32: kill(-1), and signals to every process id, reach nobody outside" {
	local m pid
	m=$(mark)
	(exec -a "$m" sleep 60) 3>&- &
	pid=$!
	wait_for 5 alive "$m"
	sr --lang bash -c 'trap "" TERM; kill -TERM -1; for ((p = 3; p < 40000; p += 7)); do kill -KILL $p; done 2>/dev/null
		kill -KILL '"$pid"' 2>&1; echo still here'
	assert_success
	assert_contains "$output" "No such process"
	assert_contains "$output" "still here"
	alive "$m"
	on_host kill -TERM "$pid"
}

@test "case 33: the secrets of sandrun's caller are nowhere inside" {
	local secret reversed
	secret=$(mark)
	reversed=$(printf '%s' "$secret" | rev)
	canary "$T/$secret/file"
	cd "$T/$secret"
	export AWS_SECRET_ACCESS_KEY=$secret SSH_AUTH_SOCK=/tmp/$secret PYTHONPATH=/$secret LD_LIBRARY_PATH=/$secret
	# Also as an argument of sandrun's own, and as the name of the folder.
	SR=(--report "$T/$secret/report.json")
	inside reach hunt "$reversed"
	assert_success
	assert_output "processes seen: 1"
	sr -- /usr/bin/env
	refute_contains "$output" "$secret"
	# The control finds it where it is.
	(exec -a "$secret" sleep 20) 3>&- &
	outside reach hunt "$reversed"
	assert_contains "$output" "found in environ of"
	assert_contains "$output" "found in cmdline of"
	kill $! || true
}

@test "case 33: siblings in the sandbox may be seen, not traced or read into" {
	inside calls process
	assert_output "ptrace: EPERM
process_vm_readv: EPERM
process_vm_writev: EPERM
pidfd_getfd: EPERM
kcmp: EPERM"
	outside calls process
	refute_contains "$output" EPERM
	refute_contains "$output" ENOSYS
}

leaves_nothing() {
	local m start
	m=$(mark)
	start=$(now_ms)
	sr -t 5 "$(probe daemon)" "$1" 30 "$m"
	assert_status "${2-0}" || return 1
	assert_equal "$output" started || return 1
	# All of it is dead when sandrun is, and sandrun does not wait for it.
	[ $(($(now_ms) - start)) -lt $((${3-3000} * BATS_TEST_TIMEOUT / 120)) ] || sr_fail "took $(($(now_ms) - start)) ms" || return 1
	gone "$m" || sr_fail "a process outlived the run"
}

@test "case 34: daemons die with the run: double fork, closed streams, stopped, subreaper, twenty" {
	local m
	leaves_nothing double
	leaves_nothing keep
	leaves_nothing stopped
	leaves_nothing subreaper
	leaves_nothing many
	m=$(mark)
	on_host "$(probe daemon)" double 2 "$m"
	alive "$m"
	wait_for 6 gone "$m"
}

dies_with_sandrun() {
	local m pid
	m=$(mark)
	"$SANDRUN" -q "$(probe daemon)" "$1" 30 "$m" >"$T/out" </dev/null 3>&- &
	pid=$!
	wait_for 5 grep -q started "$T/out"
	wait_for 5 alive "$m" || sr_fail "$1 did not start" || return 1
	kill -"$2" "$pid"
	wait "$pid" || true
	wait_for "${3-1}" gone "$m"
}

@test "case 34: SIGKILL of sandrun ends everything within a second, also what is stopped or in a session of its own" {
	dies_with_sandrun session KILL
	dies_with_sandrun stubborn KILL
	dies_with_sandrun stubborn-tree KILL
	dies_with_sandrun stop-self KILL
}

@test "case 35: 10,000 orphans are reaped as they die" {
	SR=(--cpu-time unlimited -t $((110 * BATS_TEST_TIMEOUT / 120))s) # a machine without hardware's help takes a minute
	inside orphans 10000
	assert_success
	assert_output "orphans: 10000"
	outside orphans 100
	assert_output "orphans: 100"
}

@test "case 36: a payload that ignores every signal ends at the time limit" {
	local start m
	m=$(mark)
	start=$(now_ms)
	sr -t 1 "$(probe daemon)" stubborn 30 "$m"
	assert_status 124
	[ $(($(now_ms) - start)) -lt $((4000 * BATS_TEST_TIMEOUT / 120)) ] || sr_fail "$(($(now_ms) - start)) ms"
	gone "$m"
	m=$(mark)
	sr -t 1 "$(probe daemon)" stubborn-tree 30 "$m"
	assert_status 124
	gone "$m"
	m=$(mark)
	sr -t 1 "$(probe daemon)" stop-self 30 "$m"
	assert_status 124
	gone "$m"
}

@test "case 36: a payload that ignores every signal ends when sandrun is terminated twice" {
	local m pid
	m=$(mark)
	"$SANDRUN" -q "$(probe daemon)" stubborn 30 "$m" >"$T/out" </dev/null 3>&- &
	pid=$!
	wait_for 5 grep -q started "$T/out"
	kill -TERM "$pid"
	sleep 0.3
	kill -TERM "$pid" 2>/dev/null || true
	wait_for 3 gone "$m"
	wait "$pid" || [ "$?" -ge 125 ]
	# The control: a payload that does not ignore it dies of the first.
	"$SANDRUN" -q -- sh -c 'echo started; exec sleep 30' >"$T/control" </dev/null 3>&- &
	pid=$!
	wait_for 5 grep -q started "$T/control"
	kill -TERM "$pid"
	ended "$pid" 143
}

@test "a payload that outlives its parent: sandrun's caller dies, sandrun is told, the payload ends" {
	local m pid
	m=$(mark)
	sh -c '"$0" -q "$1" session 30 "$2" >"$3" </dev/null & wait' "$SANDRUN" "$(probe daemon)" "$m" "$T/out" 3>&- &
	pid=$!
	wait_for 5 grep -q started "$T/out"
	kill -KILL "$pid"
	# sandrun itself goes on (as nohup would want it); killed, it takes all along.
	pid=$(pgrep -f -- "^$SANDRUN -q .* $m\$" | head -n 1)
	[ -n "$pid" ]
	kill -KILL "$pid"
	wait_for 1 gone "$m"
}

@test "identity: one user, no capabilities, no way to others" {
	inside ids
	assert_success
	assert_output "uid 1000 1000 gid 1000 1000
CapInh: 0000000000000000
CapPrm: 0000000000000000
CapEff: 0000000000000000
CapBnd: 0000000000000000
CapAmb: 0000000000000000
NoNewPrivs: 1
Seccomp: 2
setuid 0: EINVAL
setresuid 0: EINVAL
setgid 0: EINVAL
setuid 65534: EINVAL
setgroups 0: EPERM
capset all: EPERM
securebits 0: EPERM
ambient raise: EPERM
no_new_privs off: EINVAL
nice -5: EACCES
CapInh: 0000000000000000
CapPrm: 0000000000000000
CapEff: 0000000000000000
CapBnd: 0000000000000000
CapAmb: 0000000000000000"
	outside_ns ids
	assert_contains "$output" "uid 0 0 gid 0 0"
	assert_contains "$output" "setuid 0: OK"
	assert_contains "$output" "capset all: OK"
}

@test "sandrun inside itself refuses, and says so" {
	local unset
	for unset in "" "-u SANDRUN"; do
		# shellcheck disable=SC2086  # two words or none
		sr --bind "$SANDRUN:/mnt/sandrun" -- /usr/bin/env $unset /mnt/sandrun -- /bin/true
		# A sanitizer wants to set the core limit first, and ends the program where it may not.
		[[ $status -eq 1 && $stderr == *"AddressSanitizer setrlimit() failed"* ]] || assert_error 125 "inside"
	done
}
