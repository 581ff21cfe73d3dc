#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# sandrun is killed while it starts: nothing stays.

load ../lib/common
load hostile

# Everything of the host's that a start could leave something in.
footprint() {
	wc -l </proc/self/mountinfo
	find /dev/shm "$here" ! -path "$here/home/.local*" -printf '%p\n' | sort # certificates are meant to stay
	wc -l </proc/sysvipc/shm
}

running() {
	local exe
	for exe in /proc/[0-9]*/exe; do
		[ "$(readlink "$exe" 2>/dev/null)" != "$copy" ] || return 0
	done
	return 1
}

not_running() {
	! running
}

# kill_at_random SIGNAL N: N starts, each ended by the signal after 0 to a little over the time that a whole start takes.
kill_at_random() {
	local before m window
	m=$(mark)
	here=$T/here-$1
	mkdir -p "$here/cwd" "$here/tmp" "$here/home"
	# A copy, so that another test's sandrun is not mistaken for ours.
	copy=$here/sandrun
	cp "$SANDRUN" "$copy"
	cd "$here/cwd" || return 1
	# With a home of its own: what sandrun keeps in its cache is made by the first run.
	export TMPDIR=$here/tmp HOME=$here/home XDG_CACHE_HOME=
	on_host "$copy" -q -- /bin/true
	window=${EPOCHREALTIME/./}
	on_host "$copy" -q -- /bin/true
	window=$((${EPOCHREALTIME/./} - window))
	: >"$here/out"
	before=$(footprint)
	try "$(probe during)" "$1" "$2" $((window + 4000)) "$here/out" "$copy" -q "$(probe daemon)" stay 30 "$m"
	assert_match "$output" '^early [0-9]+ late [0-9]+ slow 0$'
	# Moments of both kinds, or the loop did not meet the start.
	refute_contains " $output " " 0 late"
	refute_contains "$output" "late 0"
	wait_for 2 gone "$m"
	wait_for 2 not_running
	assert_equal "$(footprint)" "$before"
	# What is kept of runs is whole. A file on its way has a name that nobody takes for one; only SIGKILL leaves it there.
	assert_equal $(($(stat -c %s "$here/home/.local/state/sandrun/run-log") % 256)) 0
	find "$here/home/.local" -name '*.intoto.jsonl' | while read -r m; do
		assert_equal "$(wc -l <"$m")" 3
	done
	[ "$1" = 9 ] || assert_equal "$(find "$here/home/.local" -name '.?*' ! -name .local)" ""
}

@test "SIGKILL at 50 random moments of a start leaves no process, mount or file" {
	kill_at_random 9 50
}

@test "SIGTERM, SIGINT and SIGHUP at 30 random moments each are obeyed and leave nothing" {
	kill_at_random 15 30
	kill_at_random 2 30
	kill_at_random 1 30
}

@test "SIGKILL at 50 random moments of the very first start is no hindrance to the next" {
	local i m left stamps=
	m=$(mark)
	etc_settled
	export XDG_CACHE_HOME=
	for ((i = 0; i < 50; i++)); do
		export HOME=$T/home-$i
		mkdir "$HOME"
		stamps+=$(stat -c '%y %z' /etc)$'\n'
		try "$(probe during)" 9 1 20000 "$T/out" "$SANDRUN" -q "$(probe daemon)" stay 30 "$m"
		sr -q -- /bin/cat /etc/hostname
		assert_success
		assert_output sandrun
	done
	wait_for 2 gone "$m"
	# The cache may hold something half-made under a name that nobody looks at and that goes when it is old; nothing else.
	left=$(find "$T"/home-* -mindepth 1 -maxdepth 3 ! -path '*/.cache' ! -path '*/.cache/sandrun' ! -name 'etc-*' ! -name '.etc-*' ! -path '*/.local*')
	assert_equal "$left" ""
	# One name for one state of /etc, which somebody may change meanwhile.
	stamps+=$(stat -c '%y %z' /etc)
	left=$(find "$T"/home-*/.cache/sandrun -maxdepth 1 -name 'etc-*' | sed 's,.*/,,' | sort -u | wc -l)
	[ "$left" -ge 1 ]
	[ "$left" -le "$(sort -u <<<"$stamps" | wc -l)" ]
}

@test "SIGKILL of sandrun with inputs, a project and outputs under way leaves nothing half-made" {
	local i pid
	mkdir -p "$T/project" "$T/results"
	head -c 3000000 /dev/zero >"$T/project/data"
	head -c 3000000 /dev/zero >"$T/input"
	canary "$T/results/kept" "kept"
	printf 'cp data data2; cp data data3; echo done\n' >"$T/project/main.sh"
	mkfifo "$T/clock"
	exec 7<>"$T/clock"
	for ((i = 0; i < 30; i++)); do
		"$SANDRUN" -q -C "$T/project" -i "$T/input" -o 'data*' -O "$T/results" --force main.sh >/dev/null 2>&1 </dev/null 3>&- 7>&- &
		pid=$!
		printf -v us '0.%06d' $((RANDOM % 30000))
		read -r -t "$us" -u 7 || true
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	exec 7>&-
	# A file under its own name is whole.
	for i in data data2 data3; do
		[ ! -e "$T/results/$i" ] || assert_equal "$(stat -c %s "$T/results/$i")" 3000000
	done
	assert_canaries
	# The next run is not in the way of what a killed one may have left under a temporary name.
	sr -q -C "$T/project" -i "$T/input" -o 'data*' -O "$T/results" --force main.sh
	assert_success
	assert_equal "$(stat -c %s "$T/results/data3")" 3000000
}
