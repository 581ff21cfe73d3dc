#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The store of environments: what `sandrun environment` finds, shows, checks and removes.

load ../lib/common

setup() {
	export XDG_DATA_HOME=$T/data
}

@test "the usage names every verb; a wrong one is refused with the way out" {
	sr environment --help
	assert_success
	assert_contains "$output" "  list [--json]"
	sr environment
	assert_error 125 "it needs a verb" "--help"
	sr environment lst
	assert_error 125 "cannot use 'sandrun environment lst'" "no such verb"
	sr environment list --bogus
	assert_error 125 "list --bogus" "no such option"
	sr environment list one
	assert_error 125 "too many operands"
}

@test "without the program of the environments sandrun says where it belongs" {
	cp "$SANDRUN" "$T/sandrun"
	try "$T/sandrun" environment list
	assert_error 125 "sandrun-environment is missing" "libexec/sandrun/sandrun-environment"
}

@test "an empty store lists nothing" {
	sr environment list
	assert_success
	assert_output ""
}
