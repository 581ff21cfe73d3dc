#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Cases 40-50: the filter. The probes' arguments are such that a kernel without a filter gives another answer; what only
# init's capabilities reach has its control in root.bats.

load ../lib/common
load hostile

# differs GROUP NAME...: outside, each of these calls of the group gets past any filter.
differs() {
	local group=$1 name
	shift
	outside_ns calls "$group"
	for name in "$@"; do
		assert_match "$output" "(^|
)$name: " || return 1
		if [[ $'\n'$output$'\n' == *$'\n'"$name: EPERM"$'\n'* || $'\n'$output$'\n' == *$'\n'"$name: ENOSYS"$'\n'* ]]; then
			sr_fail "the control of $name is denied as well" || return 1
		fi
	done
}

@test "case 40: every call by x32's numbers kills the process" {
	[ "$(uname -m)" = x86_64 ] || skip "no x32 and i386 entries on this architecture"
	inside abi x32
	assert_success
	assert_equal "$(printf '%s\n' "$output" | grep -c ': SIGSYS$')" 19
	assert_equal "$(printf '%s\n' "$output" | wc -l)" 19
	inside abi x32-die
	assert_status 159
	assert_output alive
	outside abi x32
	refute_contains "$output" SIGSYS
}

@test "cases 40, 41: every call by the i386 entry kills the process" {
	[ "$(uname -m)" = x86_64 ] || skip "no x32 and i386 entries on this architecture"
	inside abi int80
	assert_success
	assert_equal "$(printf '%s\n' "$output" | grep -c ': SIGSYS$')" 19
	assert_equal "$(printf '%s\n' "$output" | wc -l)" 19
	inside abi int80-die
	assert_status 159
	assert_output alive
	outside abi int80
	refute_contains "$output" SIGSYS
}

@test "case 42: requests that type into a terminal or change its kind, with any bits above the 32 that count" {
	inside ioctls
	assert_success
	assert_output "open ptmx: OK
unlock: OK
number: OK
open slave: OK
TIOCSCTTY: OK
TCGETS: OK
TIOCGWINSZ: OK
TIOCSTI: EPERM
TIOCSTI high: EPERM
TIOCSTI higher: EPERM
TIOCLINUX: EPERM
TIOCLINUX high: EPERM
TIOCSETD: EPERM
TIOCSETD high: EPERM
TIOCCONS: EPERM
KDSIGACCEPT: EPERM
KDSKBENT: EPERM
VT_ACTIVATE: EPERM"
	outside ioctls
	assert_contains "$output" "TIOCSETD: OK
TIOCSETD high: OK"
	assert_contains "$output" "TIOCLINUX: ENOTTY"
	assert_contains "$output" "KDSIGACCEPT: ENOTTY"
}

@test "case 42: on a terminal, nothing that the payload does types into the caller's" {
	require_cmd script
	printf '%s -q %q stdin\nstty -a | tr " ;" "\\n\\n" | grep -x -e -echo -e echo\n' "$SANDRUN" "$(probe ioctls)" >"$T/run.sh"
	script -qec "sh $T/run.sh" "$T/typescript" </dev/null >/dev/null 3>&-
	assert_contains "$(tr -d '\r' <"$T/typescript")" "TIOCSTI: EPERM
TIOCSTI high: EPERM
TIOCSTI higher: EPERM
TIOCLINUX: EPERM
TIOCLINUX high: EPERM
TIOCSETD: EPERM
TIOCSETD high: EPERM"
	# The terminal echoes afterwards as before. (`script` may show the end of its own input there: ^@ or ^D.)
	assert_match "$(tr -d '\r' <"$T/typescript")" "[^-]echo
"
	script -qec "$(probe ioctls) stdin" "$T/typescript" </dev/null >/dev/null 3>&-
	assert_contains "$(tr -d '\r' <"$T/typescript")" "TIOCSETD high: OK"
}

@test "case 43: io_uring" {
	inside calls uring
	assert_output "io_uring_setup: ENOSYS
io_uring_enter: ENOSYS
io_uring_register: ENOSYS"
	[ "$(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null || echo 0)" != 0 ] ||
		differs uring io_uring_setup io_uring_enter io_uring_register
}

@test "case 44: keyrings" {
	inside calls keys
	assert_output "add_key: EPERM
request_key: EPERM
keyctl: EPERM"
	differs keys add_key request_key keyctl
}

@test "cases 11, 45: the mount interfaces, old and new" {
	inside calls mount
	assert_output "mount: EPERM
umount2: EPERM
pivot_root: EPERM
chroot: EPERM
open_tree: EPERM
move_mount: EPERM
fsopen: EPERM
fsconfig: EPERM
fsmount: EPERM
fspick: EPERM
mount_setattr: EPERM
statmount: ENOSYS
listmount: ENOSYS"
	differs mount mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr
}

@test "case 45: calls that are the machine's administrator's" {
	inside calls kernel
	assert_output "bpf: EPERM
perf_event_open: EPERM
userfaultfd: EPERM
kexec_load: EPERM
init_module: EPERM
finit_module: EPERM
delete_module: EPERM
swapon: EPERM
swapoff: EPERM
quotactl: EPERM
acct: EPERM
syslog: EPERM
fanotify_init: EPERM
reboot: EPERM
settimeofday: EPERM
clock_settime: EPERM
sethostname: EPERM
setdomainname: EPERM
lookup_dcookie: EPERM
modify_ldt: EPERM
ioperm: EPERM
iopl: EPERM"
	differs kernel bpf perf_event_open userfaultfd settimeofday clock_settime sethostname setdomainname
}

@test "case 46: file handles" {
	inside calls handle
	assert_output "name_to_handle_at: EPERM
open_by_handle_at: EPERM"
	differs handle name_to_handle_at
}

@test "case 47: families of sockets: UNIX and the internet's, nothing else" {
	inside sockets
	assert_success
	assert_output "socket 1 stream: OK
socket 1 dgram: OK
socket 1 raw: OK
socket 1 rdm: ESOCKTNOSUPPORT
socket 1 seqpacket: OK
socket 2 stream: OK
socket 2 dgram: OK
socket 2 raw: EPROTONOSUPPORT
socket 2 rdm: EPROTONOSUPPORT
socket 2 seqpacket: EPROTONOSUPPORT
socket 10 stream: OK
socket 10 dgram: OK
socket 10 raw: EPROTONOSUPPORT
socket 10 rdm: EPROTONOSUPPORT
socket 10 seqpacket: EPROTONOSUPPORT
families refused with EAFNOSUPPORT: 43
high netlink 16 raw: EAFNOSUPPORT
high vsock 40 stream: EAFNOSUPPORT
high packet 17 raw: EAFNOSUPPORT
ping 2 dgram: EPROTONOSUPPORT
ping6 10 dgram: EPROTONOSUPPORT
mptcp 2 stream: EPROTONOSUPPORT
sctp 2 stream: EPROTONOSUPPORT
udplite 2 dgram: EPROTONOSUPPORT
socketpair unix: OK
socketpair tipc: EAFNOSUPPORT"
	outside sockets
	assert_contains "$output" "socket 16 raw: OK"
	assert_contains "$output" "udplite 2 dgram: OK"
	assert_contains "$output" "high netlink 16 raw: OK"
}

@test "case 48: a payload's own filters cannot loosen sandrun's" {
	inside filters allow
	assert_output "chroot: EPERM
mount: EPERM
keyctl: EPERM
seccomp allow: OK
prctl allow: OK
chroot: EPERM
mount: EPERM
keyctl: EPERM"
	outside_ns filters allow
	refute_contains "$output" EPERM
	inside filters errno
	assert_output "seccomp: OK
getppid: EACCES
chroot: EPERM
mount: EPERM
keyctl: EPERM"
	inside filters trace
	assert_output "seccomp: OK
getppid: ENOSYS
chroot: EPERM
mount: EPERM
keyctl: EPERM"
}

@test "case 48: a listener of the payload's is not asked about denied calls" {
	inside filters notify
	assert_output "listener: OK
chroot with listener: EPERM
getppid with listener: OK"
	outside filters notify
	assert_output "listener: OK
chroot with listener: OK
getppid with listener: OK"
}

@test "case 49: numbers that no kernel has given out are missing, not forbidden" {
	inside filters sweep
	assert_success
	assert_output "asked 444 unknown calls"
}

@test "case 50: personality, process settings and core limits" {
	inside person
	assert_success
	assert_output "personality query: OK
personality linux: OK
personality READ_IMPLIES_EXEC: EPERM
personality ADDR_NO_RANDOMIZE: EPERM
personality ADDR_COMPAT_LAYOUT: EPERM
personality MMAP_PAGE_ZERO: EPERM
personality linux32: EPERM
personality high bits: EPERM
core 0: EPERM
core 1: EPERM
core unlimited: EPERM
core by setrlimit: EPERM
core query: OK
nofile lower: OK
pipe larger: EPERM
pipe smaller: OK
dumpable 0: OK
dumpable 2: EINVAL
name: OK
bounding set drop: EPERM
mm exe: EPERM
timing tsc: EINVAL
seccomp strict off: EINVAL"
	outside person
	assert_contains "$output" "personality READ_IMPLIES_EXEC: OK"
	assert_contains "$output" "core 0: OK"
	assert_contains "$output" "core by setrlimit: OK"
	assert_contains "$output" "pipe larger: OK"
}

@test "memory that nothing here could count is refused where no cgroup counts it" {
	inside calls unaccounted
	# With a cgroup of its own the run has them all.
	[ "$(printf '%s\n' "$output" | head -n 1)" != "memfd_create: OK" ] || skip "this machine counts memory by cgroup"
	assert_output "memfd_create: ENOSYS
memfd_secret: ENOSYS
shmget: ENOSYS
msgget: ENOSYS
semget: ENOSYS"
	differs unaccounted memfd_create shmget msgget semget
}
