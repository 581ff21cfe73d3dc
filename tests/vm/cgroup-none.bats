#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# vm: mode=nosession
# Where the cgroup is missing, or a part of it: the limit falls to the next mechanism, limit by limit, says so, and --strict
# refuses. Never less isolated.

load ../lib/common

degraded() {
	report '[.notes[] | select(.degraded) | .what] | sort | join(" ")'
}

without_a_cgroup() {
	sr --report "$T/report.json" "$@" -- echo ran
	assert_success
	assert_output ran
	assert_equal "$(report .enforced.cgroup)" none
	assert_equal "$(degraded)" "cpu.max cpu.time memory.max pids.max"
	sr --strict "$@" -- echo ran
	assert_error 125 "cannot run with --strict: memory limit: no cgroup v2 controller"
}

@test "no session, no user manager: none of it, and every limit says so" {
	without_a_cgroup
	sr --explain -- echo
	assert_contains "$output" "there is no systemd user manager to ask"
	sr -m 64M "$(probe hog)" touch 1024
	assert_status 137
	assert_contains "$stderr" "memory limit 64M reached"
}
