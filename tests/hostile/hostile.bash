# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For the files of this folder, after ../lib/common:
#
#   inside PROBE [ARG...]       the probe as sandrun's program; options of sandrun's in the array SR=()
#   outside PROBE [ARG...]      the same on the host, as this user: the positive control; sets $status and $output
#   outside_ns PROBE [ARG...]   the same as root of a fresh user namespace with every other kind, as a control for calls
#                               that ask for capabilities
#   image DIR                   a folder that passes as environment; probes run in it because they are static
#   mark                        prints a word that is nowhere else on this machine, to find processes by
#   alive MARK                  is there a process with the argument MARK?
#   gone MARK                   is there none?
#   A sandrun to be killed is started as  "$SANDRUN" ... 3>&- &  and not by sr_raw, whose $! would be a shell's.
#   start NAME COMMAND...       COMMAND in the background, its output in $T/NAME; waits for its first line. $started is its id.
#                               `stop_started` in teardown ends all of them (bats has a job of its own in the same shell).
#   now_ms                      a clock

SR=()

inside() {
	local name=$1
	shift
	sr "${SR[@]}" "$(probe "$name")" "$@"
}

outside() {
	local name=$1
	shift
	try "$(probe "$name")" "$@" </dev/null
}

outside_ns() {
	local name=$1
	shift
	try unshare -Urmpunif --mount-proc "$(probe "$name")" "$@" </dev/null
}

image() {
	mkdir -p "$1/usr/bin"
}

mark() {
	printf 'mark-%s-%s' "$$" "$RANDOM$RANDOM$RANDOM"
}

# A mark stands alone in an argv. The search has it from a pipe, so that its own argv does not match.
alive() {
	grep -qszxF -f <(printf '%s' "$1") /proc/[0-9]*/cmdline
}

gone() {
	! alive "$1"
}

sr_started=()

start() {
	local name=$1
	shift
	: >"$T/$name"
	"$@" >"$T/$name" </dev/null 3>&- &
	started=$!
	sr_started+=("$started")
	wait_for 5 test -s "$T/$name"
}

stop_started() {
	local pid
	for pid in "${sr_started[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
}

now_ms() {
	local t=${EPOCHREALTIME/./}
	printf '%s' "${t%???}"
}
