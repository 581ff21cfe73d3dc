#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# vm: mode=nosession
# Where the cgroup is missing, or a part of it: the limit falls to the next mechanism, limit by limit, says so, and --strict
# refuses. Never less isolated.

load ../lib/common
load cgroup

@test "no session, no user manager: none of it, and every limit says so" {
	without_a_cgroup
	sr --explain -- echo
	assert_contains "$output" "there is no systemd user manager to ask"
	sr -m 64M "$(probe hog)" touch 1024
	assert_status 137
	assert_contains "$stderr" "memory limit 64M reached"
}
