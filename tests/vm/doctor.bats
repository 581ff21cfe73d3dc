#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# vm: mode=service login nosession nocpu nested
# doctor where cgroup v2 and systemd are, in every place that a user can start it from: its rows say what a run's report says.

load ../lib/common

doctor() {
	sr doctor --json
	assert_match "$status" '^[01]$' || return 1
	printf '%s\n' "$output" >"$T/doctor.json"
}

row() {
	jq -r --arg id "$1" --arg field "$2" '.capabilities[] | select(.id == $id) | .[$field]' "$T/doctor.json"
}

bad() {
	jq -r '[.capabilities[] | select(.state != "ok") | .id] | join(" ")' "$T/doctor.json"
}

# What this kernel lacks: user xattrs on tmpfs before 6.6, Landlock's sixth ABI before 6.12.
kernel_lacks() {
	[ "$(printf '6.6\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.6 ] || printf 'overlay-tmpfs '
	[ "$(printf '6.12\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.12 ] || printf 'landlock '
}

@test "what is degraded is what this place and this kernel lack, and nothing else" {
	doctor
	local lacks
	lacks=$(kernel_lacks)
	case $VM_MODE in
	nosession) lacks+="cgroup cgroup-memory cgroup-pids cgroup-cpu cgroup-io cgroup-clone systemd-session" ;;
	nocpu) lacks+="cgroup cgroup-cpu" ;;
	esac
	# the io controller is handed out by some user managers only
	assert_equal "$(bad | sed -E 's/ ?cgroup-io//')" "$(sed -E 's/ ?cgroup-io//; s/ $//' <<<"$lacks")"
	assert_equal "$status" "$([ -n "$(bad)" ] && echo 1 || echo 0)"
}

@test "the cgroup's rows are those of a run" {
	doctor
	printf '[profile]\nextends = default\n[limits]\nio.weight = 100\n' >"$T/weighed.ini"
	sr --report "$T/report.json" -p "$T/weighed.ini" -- true
	assert_success
	local way pair id note
	way=$(report .enforced.cgroup)
	if [ "$way" = none ]; then
		assert_contains "$(row cgroup text)" "there is no systemd user manager to ask"
		assert_contains "$(row cgroup mend)" "Delegate=yes"
	else
		assert_match "$(row cgroup text)" "^$way "
	fi
	for pair in cgroup-memory=memory.max cgroup-pids=pids.max cgroup-cpu=cpu.max cgroup-io=io.weight; do
		id=${pair%=*}
		note=$(jq -r --arg what "${pair#*=}" '.notes[] | select(.what == $what) | .text' "$T/report.json")
		if [ -n "$note" ]; then
			assert_equal "$(row "$id" state) $(row "$id" text)" "degraded $note"
		else
			assert_equal "$id $(row "$id" state)" "$id ok"
		fi
	done
}

@test "finding 7: the words of a run with -E DIR" {
	doctor
	mkdir -p "$T/image/bin"
	cp "$(command -v busybox)" "$T/image/bin/sh"
	sr -E "$T/image" --report "$T/report.json" -- sh -c 'echo ran'
	assert_output ran
	local note
	note=$(jq -r '.notes[] | select(.what == "overlay-xattr") | .text' "$T/report.json")
	if [ -n "$note" ]; then
		assert_equal "$(row overlay-tmpfs state)" degraded
		assert_contains "$(row overlay-tmpfs text)" "$note (I/O error)"
		assert_equal "$(row overlay-tmpfs mend)" "update the kernel to Linux 6.6 or later"
	else
		assert_equal "$(row overlay-tmpfs state)" ok
	fi
	chmod -R u+w "$T/image"
}

@test "a session that was left by su: the variable that is missing" {
	[[ $VM_MODE == login ]] || return 0 # shown there
	unset XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS
	doctor
	assert_equal "$(row cgroup state)" degraded
	assert_contains "$(row systemd-session text)" "XDG_RUNTIME_DIR is not set"
	local mend
	mend=$(row systemd-session mend)
	assert_match "$mend" '^export XDG_RUNTIME_DIR='
	eval "$mend"
	doctor
	assert_equal "$(row cgroup state)" ok
}

traces() {
	find /sys/fs/cgroup -name 'sandrun-[0-9]*' -o -name 'sandrun-doctor*'
	pgrep -x sandrun || true
	pgrep -x sandrun-scope || true
}

no_traces() {
	[ -z "$(traces)" ]
}

@test "nothing is left behind, killed or not" {
	doctor
	wait_for 10 no_traces
	local i pid
	for ((i = 0; i < 15; i++)); do
		sr_raw doctor >/dev/null 2>&1 &
		pid=$!
		sleep "0.$((i * 2 + 1))"
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" || true
	done
	wait_for 20 no_traces
}
