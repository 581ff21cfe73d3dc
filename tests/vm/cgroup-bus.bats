#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# vm: mode=login
# Where the cgroup is missing, or a part of it: the limit falls to the next mechanism, limit by limit, says so, and --strict
# refuses. Never less isolated.

load ../lib/common
load cgroup

@test "a bus that is not there, a bus that is no bus, a missing sandrun-scope" {
	sr --report "$T/report.json" -- echo ran
	assert_equal "$(report .enforced.cgroup)" scope
	export DBUS_SESSION_BUS_ADDRESS=unix:path=$T/nothing
	without_a_cgroup
	assert_contains "$(cat "$T/report.json")" "the systemd manager made no scope"
	mkfifo "$T/fifo"
	export DBUS_SESSION_BUS_ADDRESS=unix:path=$T/fifo
	without_a_cgroup
	unset DBUS_SESSION_BUS_ADDRESS
	mkdir "$T/alone"
	cp "$SANDRUN" "$T/alone/sandrun"
	SANDRUN=$T/alone/sandrun without_a_cgroup
	assert_contains "$(cat "$T/report.json")" "sandrun-scope is missing"
	XDG_RUNTIME_DIR= without_a_cgroup
}
