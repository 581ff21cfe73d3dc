#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# vm: mode=nocpu
# Where the cgroup is missing, or a part of it: the limit falls to the next mechanism, limit by limit, says so, and --strict
# refuses. Never less isolated.

load ../lib/common
load cgroup

@test "without the cpu controller memory and processes are held, and cpu.max says so" {
	sr --report "$T/report.json" -- echo ran
	assert_success
	assert_equal "$(report .enforced.cgroup)" scope
	assert_equal "$(degraded)" cpu.max
	sr --strict -- echo ran
	assert_error 125 "cannot run with --strict: cpu.max: no cgroup v2 controller"
	sr --strict --cpu-max unlimited -- echo ran
	assert_success
	sr --report "$T/report.json" -m 64M "$(probe hog)" touch 1024
	assert_status 137
	assert_equal "$(report .usage.memoryPeakBytes.source)" cgroup-memory.peak
	# The kernel counts processor time without the controller too.
	sr --cpu-time 500ms --lang bash -c 'while :; do :; done'
	assert_status 124
}
