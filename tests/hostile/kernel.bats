#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Cases 51-54: what /proc and /sys tell and take.

load ../lib/common
load hostile

@test "case 51: entries of /proc about the host's kernel are empty or closed" {
	inside act size /proc/kallsyms , size /proc/keys , size /proc/key-users , size /proc/interrupts , \
		size /proc/config.gz , size /proc/cmdline , size /proc/kcore , size /proc/kmsg , size /proc/timer_list , \
		size /proc/sched_debug , size /proc/latency_stats , size /proc/sysrq-trigger , size /proc/kpageflags , \
		size /proc/slabinfo , size /proc/vmallocinfo , ls /proc/acpi , ls /proc/scsi , ls /proc/asound
	assert_success
	# Nothing that holds a byte.
	refute_contains "$(printf '%s\n' "$output" | grep -E '^size .*: OK [1-9]')" OK
	refute_contains "$(printf '%s\n' "$output" | grep -E '^ls .*: OK .')" OK
	assert_equal "$(printf '%s\n' "$output" | grep -c -v -E ': (OK 0|OK|ENOENT|EACCES|EPERM|EIO)$')" 0
	outside act size /proc/kallsyms , size /proc/cmdline
	assert_match "$output" "size /proc/kallsyms: OK [1-9].*
size /proc/cmdline: OK [1-9]"
}

@test "case 51: there is no /sys and nothing of the cgroup tree" {
	inside act ls /sys , ls /sys/firmware , ls /sys/fs/cgroup , ls /sys/kernel/security , ls /sys/kernel/debug , \
		ls /proc/self/root/sys , read /proc/self/cgroup
	assert_match "$output" "^ls /sys: ENOENT
ls /sys/firmware: ENOENT
ls /sys/fs/cgroup: ENOENT
ls /sys/kernel/security: ENOENT
ls /sys/kernel/debug: ENOENT
ls /proc/self/root/sys: ENOENT
read /proc/self/cgroup: OK [0-9]+:[a-z=,_]*:/$"
	outside act ls /sys
	assert_contains "$output" "OK block"
}

@test "case 52: nothing of the kernel's settings can be written" {
	local before
	before=$(cat /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/overcommit_memory)
	inside act write /proc/sys/kernel/core_pattern , write /proc/sysrq-trigger , write /proc/sys/kernel/hostname , \
		write /proc/sys/user/max_user_namespaces , write /proc/sys/vm/overcommit_memory , write /proc/sys/net/ipv4/ip_forward , \
		write /proc/sys/kernel/modprobe , write /proc/sys/fs/binfmt_misc/register , write /proc/self/oom_score_adj , \
		write /proc/self/uid_map , write /proc/self/setgroups , write /proc/self/attr/current , \
		write /proc/self/mem , write /proc/self/coredump_filter , write /proc/irq/default_smp_affinity , write /proc/mtrr , \
		write /proc/self/comm , write /proc/self/timerslack_ns , write /proc/self/loginuid
	assert_success
	refute_contains "$(printf '%s\n' "$output" | grep OK)" OK
	assert_equal "$(printf '%s\n' "$output" | grep -c -E ': (EROFS|EACCES|EPERM|ENOENT)$')" 19
	assert_equal "$(cat /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/overcommit_memory)" "$before"
	outside act write /proc/self/comm
	assert_output "write /proc/self/comm: OK"
}

@test "case 52: no core file, and a limit that stops a core handler as well" {
	sr --report "$T/report.json" "$(probe daemon)" abort 5 none
	assert_status 134
	assert_equal "$(report .signal)" 6
	sr --lang bash -c 'ulimit -c; ulimit -Hc; ulimit -c 0 2>&1; ls -A /work'
	assert_contains "$output" "cannot modify limit"
	assert_equal "$(printf '%s\n' "$output" | grep -c core)" 1
	sr -- /bin/sh -c 'grep "core file" /proc/self/limits'
	assert_match "$output" "Max core file size +1 +1 +bytes"
}

@test "case 53: the payload's /proc holds its own processes and no more" {
	inside act ls /proc/self/task , readlink /proc/self , readlink /proc/self/root , readlink /proc/self/cwd , ls /proc/1 , \
		stat /proc/1 , read /proc/1/cmdline , read /proc/1/environ
	assert_output "ls /proc/self/task: OK 2
readlink /proc/self: OK 2
readlink /proc/self/root: OK /
readlink /proc/self/cwd: OK /work
ls /proc/1: ENOENT
stat /proc/1: ENOENT
read /proc/1/cmdline: ENOENT
read /proc/1/environ: ENOENT"
	sr --lang sh -c 'ls -d /proc/[0-9]* | wc -l; cat /proc/self/mounts' # sh, ls, wc
	[ "${lines[0]}" -le 4 ]
	assert_match "$output" "proc /proc proc ro,nosuid,nodev,noexec,relatime,hidepid=ptraceable"
	[ "$(find /proc -maxdepth 1 -name '[0-9]*' | wc -l)" -gt 4 ]
}

@test "case 54: the host's name, machine id, users, environment and sockets are not visible" {
	export AWS_SECRET_ACCESS_KEY=aws-secret SSH_AUTH_SOCK=/run/agent GITHUB_TOKEN=gh-secret DISPLAY=:9 DBUS_SESSION_BUS_ADDRESS=x
	export HOSTNAME=outer PYTHONSTARTUP=/x BASH_ENV=/x ENV=/x NODE_OPTIONS=--x PERL5OPT=-x
	sr -- /usr/bin/env
	assert_success
	assert_equal "$(printf '%s\n' "$output" | sed 's/=.*//' | grep -v -E '^(LANG|LC_[A-Z]*|TERM|COLORTERM|TZ|NO_COLOR)$' | sort |
		tr '\n' ' ')" "HOME LOGNAME PATH SANDRUN SHELL TMPDIR USER "
	sr -- /bin/hostname
	[ "$status" -eq 127 ] || assert_output sandrun
	inside act read /proc/sys/kernel/hostname , read /etc/machine-id , read /var/lib/dbus/machine-id , read /etc/shadow , \
		read /etc/hostname , ls /home , ls /root , ls /var/run , ls /run , ls /var/lib , read /etc/fstab , ls /opt , ls /boot , \
		ls /mnt , ls /media , ls /srv , read /etc/ssh/sshd_config
	assert_output "read /proc/sys/kernel/hostname: OK sandrun
read /etc/machine-id: ENOENT
read /var/lib/dbus/machine-id: ENOENT
read /etc/shadow: ENOENT
read /etc/hostname: OK sandrun
ls /home: ENOENT
ls /root: ENOENT
ls /var/run: ENOENT
ls /run: OK
ls /var/lib: ENOENT
read /etc/fstab: ENOENT
ls /opt: ENOENT
ls /boot: ENOENT
ls /mnt: ENOENT
ls /media: ENOENT
ls /srv: ENOENT
read /etc/ssh/sshd_config: ENOENT"
	sr -- /usr/bin/awk -F: '{ print $1 ":" $3 }' /etc/passwd
	assert_output "root:0
sandbox:1000
nobody:65534"
	refute_contains "$output" "$(id -un)"
}

@test "case 54: what sandrun keeps in its cache about /etc is not believed once somebody changed it" {
	local mask name=
	etc_settled
	export HOME=$T/home XDG_CACHE_HOME=
	mkdir "$HOME"
	for name in machine-id fstab login.defs shells passwd-; do
		[ ! -e "/etc/$name" ] || break
	done
	[ -e "/etc/$name" ] # the control: there is something to hide
	inside act stat "/etc/$name" , read /etc/passwd
	assert_output "stat /etc/$name: ENOENT
read /etc/passwd: OK root:x:0:0:root:/root:/usr/sbin/nologin"
	mask=$(find "$HOME/.cache/sandrun" -mindepth 1 -maxdepth 1 -name 'etc-*' 2>/dev/null)
	[ -n "$mask" ] || skip "this sandrun keeps nothing of the kind here"
	# As a cleaner of caches would: some of its files are gone.
	rm -rf "${mask:?}/$name" "$mask/passwd"
	inside act stat "/etc/$name" , read /etc/passwd
	assert_output "stat /etc/$name: ENOENT
read /etc/passwd: OK root:x:0:0:root:/root:/usr/sbin/nologin"
	# And where others may write, nothing there is believed.
	chmod 777 "$mask"
	inside act stat "/etc/$name"
	assert_output "stat /etc/$name: ENOENT"
}
