#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --explain: the plan as text, compared with tests/golden/explain-*; nothing is run and nothing is left.
# After a wanted change: SR_GOLDEN=write bats tests/cli/explain.bats, then read the difference.

load ../lib/common

setup() {
	mkdir "$T/w"
	cd "$T/w"
	mkdir home p
	mkdir -p image/bin
	cp /bin/true image/bin/true
	echo 'print("it" + "ran"); open("/work/ran", "w")' >a.py
	echo 'import a' >p/main.py
	echo text >data
	# what stays of a plan: every file, its time of change included
	tree >"$T/before"
}

tree() {
	find "$T/w" -printf '%p %y %s %m %T@ %C@\n' | sort
}

explain() {
	sr_capture env -i HOME="$T/w/home" PATH=/usr/bin:/bin LANG=C.UTF-8 TERM=dumb SECRET=hidden "$SANDRUN" --explain "$@" 3>&- </dev/null
}

# A run where explain() explains: without the caller's session, which could hold limits.
strict() {
	sr_capture env -i HOME="$T/w/home" PATH=/usr/bin:/bin LANG=C.UTF-8 TERM=dumb "$SANDRUN" --strict "$@" 3>&- </dev/null
}

# What differs from machine to machine: this test's folder, the kernel's Landlock, the cgroup, who runs it, what it cannot enforce.
normalised() {
	sed -e "s|$T/w|@T@|g" -e 's/^landlock    .*/landlock    @ABI@/' -e 's/^cgroup      .*/cgroup      @CGROUP@/' \
		-e '/^note  /d' -e '/^refused  /d' \
		-e "s/inside, an unused one outside/inside, the caller's outside/" <<<"$1"
}

golden() {
	local file=$TESTS/golden/explain-$1
	assert_success
	assert_stderr ''
	if [ "${SR_GOLDEN:-}" = write ]; then
		normalised "$output" >"$file"
	fi
	diff -u "$file" <(normalised "$output") >&2
	assert_equal "$(tree)" "$(cat "$T/before")"
}

@test "a script" {
	explain a.py one 'two words' $'\033[31m'
	golden script
}

@test "code, and a program on standard input" {
	explain --lang bash -c 'echo $0' one
	golden code
	sr_capture env -i HOME="$T/w/home" PATH=/usr/bin:/bin LANG=C.UTF-8 "$SANDRUN" --explain --lang python - x 3>&- <a.py
	golden stdin
}

@test "a command with limits" {
	explain -t 2s --cpu-time 1500ms -m 64M --pids 7 --work-size 1G --tmp-size 8K --nofile 20 --file-size unlimited \
		--output-limit 100 -- sort -n
	golden limits
}

@test "a project folder" {
	explain -C p main.py --flag
	golden project
}

@test "files in and out, binds, variables" {
	explain -i data -i data:in/other --bind data:/data --bind p:/opt/p -o 'out/*.png' -o '**/*.txt' -O home \
		--setenv X=1 --setenv SECRET -- true
	golden files
	refute_contains "$(explain -- true; echo "$output")" hidden
}

@test "a folder as environment, without /proc, in another profile" {
	explain -E image --proc none -p strict --bind data:/data -- true
	golden environment
}

@test "names are escaped" {
	mkdir $'p\033[31m'
	tree >"$T/before"
	explain --bind $'p\033[31m:/\033x' -o $'\033*' -C $'p\033[31m' -- true $'\033'
	assert_success
	assert_equal "$(tr -d -c '\033\r' <<<"$output" | wc -c)" 0
	assert_contains "$output" '\x1b'
}

@test "the subcommand is the option" {
	explain a.py x
	local text=$output
	sr_capture env -i HOME="$T/w/home" PATH=/usr/bin:/bin LANG=C.UTF-8 TERM=dumb "$SANDRUN" explain a.py x 3>&- </dev/null
	assert_output "$text"
}

@test "with a mask of /etc and without, before the first run and after" {
	explain a.py
	local text=$output
	[ ! -e home/.cache ]
	HOME=$T/w/home XDG_CACHE_HOME='' sr a.py
	assert_success
	assert_output itran
	if [ "$(id -u)" != 0 ]; then
		[ -n "$(ls home/.cache/sandrun)" ]
	fi
	explain a.py
	assert_output "$text"
}

@test "an output folder is not made, a report is refused, errors are as in a run" {
	explain -o x -O new -- true
	assert_success
	[ ! -e new ]
	explain --report r.json -- true
	assert_error 125 "--report" "--explain"
	explain missing.py
	assert_error 127 "missing.py"
	explain -p ./missing.ini a.py
	assert_error 125
	explain -i missing -- true
	assert_error 125
	explain -- nosuch
	assert_error 127
	assert_equal "$(tree)" "$(cat "$T/before")"
}

@test "limits that this machine holds by a fallback stand in the notes" {
	explain -- true
	if ! grep -q '^note ' <<<"$output"; then
		strict -- true
		assert_success
	else
		assert_contains "$output" "limit: "
		strict -- true
		assert_error 125 "--strict"
	fi
}

@test "into a full disk is an error" {
	[ -w /dev/full ] || skip "no /dev/full"
	local rc=0
	sr_raw --explain -- true >/dev/full 2>"$T/err" || rc=$?
	assert_equal "$rc" 125
	assert_contains "$(cat "$T/err")" "cannot write to standard output"
}
