# SPDX-License-Identifier: MIT
# Where the cgroup is missing, or a part of it. Loaded, not run.

# What the report of a run says is held by a fallback.
degraded() {
	report '[.notes[] | select(.degraded) | .what] | sort | join(" ")'
}

# without_a_cgroup [OPTION...]: a run works by its fallbacks, says so, and --strict refuses it.
without_a_cgroup() {
	sr --report "$T/report.json" "$@" -- echo ran
	assert_success
	assert_output ran
	assert_equal "$(report .enforced.cgroup)" none
	assert_equal "$(degraded)" "cpu.max cpu.time memory.max pids.max"
	sr --strict "$@" -- echo ran
	assert_error 125 "cannot run with --strict: memory limit: no cgroup v2 controller"
}
