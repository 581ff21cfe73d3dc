# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What every .bats file starts with:    load ../lib/common
#
#   sr ARGS...                 runs sandrun ARGS; sets $status, $output (standard output), $stderr, $lines, $stderr_lines.
#                              Standard input is the caller's: sr --lang python <<<'print(1)'; empty by default.
#                              As with bats' `run`, $output and $stderr lose trailing newlines: compare bytes through files.
#   sr_raw ARGS...             sandrun itself, for pipes, background jobs and redirections: sr_raw a.py >"$T/out"
#   try COMMAND ARGS...        any command with the same $status, $output and $stderr
#   on_host COMMAND ARGS...    the positive control of a denial test: the same act where it must succeed; fails the
#                              test when it does not, because then the probe proves nothing
#   assert_status N            $status is N
#   assert_success             $status is 0
#   assert_output STR          $output is STR
#   assert_stderr STR          $stderr is STR
#   assert_equal A B           A (seen) is B (expected)
#   assert_contains HAY NEEDLE, refute_contains HAY NEEDLE     plain text, no pattern
#   assert_match STR REGEX     extended regular expression
#   assert_error STATUS [TEXT...]   that status, empty standard output, a message "sandrun: ..." that holds every TEXT
#   require_cmd NAME...        skips the test when a command is missing (in CI only what tests/skips lists may skip)
#   require_root, require_user skips the test unless it runs as root, or as an ordinary user
#   require_plain REASON       skips the test when sandrun was built with sanitizers, which do not bear REASON
#   probe NAME                 prints the path of the compiled tests/probes/NAME.c (a static program)
#   report KEY                 prints a field of "$T/report.json" (needs jq): sr --report "$T/report.json" ...
#   canary PATH [TEXT]         makes a file on the host, remembers its content, mode and owner
#   assert_canaries            every canary is as it was
#   wait_for SECONDS COMMAND   repeats COMMAND until it succeeds; fails the test after SECONDS (more where a test has more)
#
# $T is an empty folder of this test's own, removed afterwards; $TESTS is the tests folder, $TOP the source tree,
# $BUILD the build tree, $SANDRUN the program under test.
# The environment may set SANDRUN and SR_BUILDDIR; without them the tree's own build/ is tested.

bats_require_minimum_version 1.5.0

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TOP=$(dirname "$TESTS")
BUILD=${SR_BUILDDIR:-$TOP/build}
SANDRUN=${SANDRUN:-$BUILD/sandrun}
T=${BATS_TEST_TMPDIR:-${BATS_FILE_TMPDIR:-}}
export SANDRUN TESTS TOP BUILD T

# A test that hangs is a failed test. A file with longer ones sets its own value after loading this one.
BATS_TEST_TIMEOUT=${SR_TEST_TIMEOUT:-120}
export BATS_TEST_TIMEOUT

sr_canaries=()

# Descriptor 3 is bats' own; a process that keeps it open would hang the suite.
sr_raw() {
	"$SANDRUN" "$@" 3>&-
}

sr_plain() {
	"$@" 3>&-
}

# Not bats' `run`: it warns of every status 127, which is one of sandrun's answers.
sr_capture() {
	local errors
	errors=$(mktemp "$T/.stderr.XXXXXX") || return 1
	status=0
	output=$("$@" 2>"$errors") || status=$?
	stderr=$(cat "$errors")
	rm -f "$errors"
	lines=() stderr_lines=()
	[ -z "$output" ] || mapfile -t lines <<<"$output"
	[ -z "$stderr" ] || mapfile -t stderr_lines <<<"$stderr"
}

sr() {
	if [ -t 0 ]; then
		sr_capture sr_raw "$@" </dev/null
	else
		sr_capture sr_raw "$@"
	fi
}

try() {
	sr_capture sr_plain "$@"
}

sr_fail() {
	{
		printf '%s\n' "$@"
		if [ -n "${status+set}" ]; then
			printf 'status: %s\n' "$status"
			printf 'stdout: %s\n' "$(printf '%s' "${output-}" | head -c 4000)"
			printf 'stderr: %s\n' "$(printf '%s' "${stderr-}" | head -c 4000)"
		fi
	} >&2
	return 1
}

assert_status() {
	[ "${status-unset}" = "$1" ] || sr_fail "expected status $1, got ${status-none}"
}

assert_success() {
	assert_status 0
}

assert_output() {
	[ "${output-}" = "$1" ] || sr_fail "unexpected standard output" "expected: $1"
}

assert_stderr() {
	[ "${stderr-}" = "$1" ] || sr_fail "unexpected standard error" "expected: $1"
}

assert_equal() {
	[ "$1" = "$2" ] || sr_fail "not equal" "seen:     $1" "expected: $2"
}

assert_contains() {
	[[ $1 == *"$2"* ]] || sr_fail "missing text" "text:    $1" "missing: $2"
}

refute_contains() {
	[[ $1 != *"$2"* ]] || sr_fail "text that must not be there" "text:  $1" "found: $2"
}

assert_match() {
	[[ $1 =~ $2 ]] || sr_fail "no match" "text:    $1" "pattern: $2"
}

# assert_error STATUS [NEEDLE...]: after `sr`: that status, nothing on standard output, a first line
# "sandrun: ...cannot|..." on standard error, and every NEEDLE somewhere in it.
assert_error() {
	local want=$1 needle
	shift
	assert_status "$want" || return 1
	[ -z "${output-}" ] || sr_fail "an error that left something on standard output" || return 1
	[[ ${stderr-} == "sandrun: "* ]] || sr_fail "the first line does not start with 'sandrun: '" || return 1
	for needle in "$@"; do
		assert_contains "$stderr" "$needle" || return 1
	done
}

on_host() {
	local text rc=0
	text=$("$@" 2>&1 3>&-) || rc=$?
	if [ "$rc" -ne 0 ]; then
		printf 'positive control failed with status %s: %s\n%s\n' "$rc" "$*" "$text" >&2
		return 1
	fi
}

require_cmd() {
	local name
	for name in "$@"; do
		command -v "$name" >/dev/null 2>&1 || skip "no $name on this machine"
	done
}

require_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

require_user() {
	[ "$(id -u)" != 0 ] || skip "needs an ordinary user"
}

require_plain() {
	! grep -q __asan_init "$SANDRUN" || skip "a build with sanitizers: $1"
}

probe() {
	local path=$BUILD/tests/probes/$1
	if [ ! -x "$path" ]; then
		printf 'the probe %s has not been built (make check-probes)\n' "$1" >&2
		return 1
	fi
	printf '%s\n' "$path"
}

report() {
	jq -er "$1" "$T/report.json"
}

sr_canary_state() {
	printf '%s %s' "$(stat -c '%f %u %g %s %h' "$1" 2>/dev/null || echo gone)" "$(cksum <"$1" 2>/dev/null)"
}

canary() {
	local path=$1
	mkdir -p "$(dirname "$path")" && printf '%s\n' "${2-canary $RANDOM$RANDOM}" >"$path" || return 1
	sr_canaries+=("$path" "$(sr_canary_state "$path")")
}

assert_canaries() {
	local i
	[ "${#sr_canaries[@]}" -gt 0 ] || sr_fail "no canary was set: this test cannot fail" || return 1
	for ((i = 0; i < ${#sr_canaries[@]}; i += 2)); do
		assert_equal "$(sr_canary_state "${sr_canaries[i]}")" "${sr_canaries[i + 1]}" || return 1
	done
}

# etc_settled [FOLDER]: no mask is made of an /etc that changed within the last two seconds.
etc_settled() {
	local changed=0 t
	while :; do
		for t in $(stat -c '%Y %Z' "${1-/etc}"); do
			[ "$t" -le "$changed" ] || changed=$t
		done
		[ "$(($(date +%s) - changed))" -lt 2 ] || return 0
		sleep 0.2
	done
}

wait_for() {
	local deadline=$((SECONDS + $1 * BATS_TEST_TIMEOUT / 120))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || sr_fail "not in time: $*" || return 1
		sleep 0.05
	done
}
