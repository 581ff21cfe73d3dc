#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# sandrun profile list | show | check | diff: what they print is what a run does.

load ../lib/common

setup() {
	cd "$T"
	umask 022
	export XDG_CONFIG_HOME=$T/config
	own=$XDG_CONFIG_HOME/sandrun/profiles
	mkdir -p "$own"
}

profile() {
	printf "$2" >"$1"
}

# The row of one call in `show --json`, from $output.
call() {
	jq -r --arg name "$1" ".calls[] | select(.name == \$name) | $2" <<<"$output"
}

# found LINE LEVEL TEXT [MEND]: after `sr profile check`: that line among the findings, and its hint behind it
found() {
	local i
	for ((i = 0; i < ${#lines[@]}; i++)); do
		[[ ${lines[i]} == "$1 $2: "*"$3"* ]] || continue
		[ -z "${4-}" ] || assert_contains "${lines[i + 1]}" "$4"
		return
	done
	sr_fail "not found: $1 $2: $3"
}

# --- list ------------------------------------------------------------------------------------------------------------------

@test "list: the shipped ones with a description" {
	sr profile list
	assert_success
	assert_match "$output" $'(^|\n)default +compiled in +any interpreter'
	assert_match "$output" $'\nstrict +compiled in +computing only'
	assert_stderr ''
}

@test "list: the user's own, what it shadows, and a broken one that does not end it" {
	profile "$own/default.ini" '[profile]\nextends = default\ndescription = my default\n'
	profile "$own/broken.ini" '[limits]\npids.max = lots\n'
	profile "$own/zero.ini" '[profile]\nextends = strict\n'
	mkdir "$own/folder.ini"
	mkfifo "$own/fifo.ini"
	profile "$own/writable.ini" '[profile]\nextends = strict\n'
	chmod 666 "$own/writable.ini"
	touch "$own/not.txt" "$own/.hidden.ini" "$own/no word.ini"
	sr_capture timeout 20 "$SANDRUN" profile list 3>&-
	assert_success
	assert_match "$output" $'(^|\n)default +user +my default\n +'"$own"$'/default.ini\ndefault +compiled in +any interpreter[^\n]*\n +shadowed by '"$own/default.ini"
	assert_match "$output" $'broken +user +\(broken\)\n +'"$own"$'/broken.ini\n +error: cannot read profile '"$own"'/broken.ini:2: pids.max does not take "lots"'
	assert_contains "$output" "hint: pids.max takes"
	assert_contains "$output" "$own/fifo.ini: not a regular file"
	assert_contains "$output" "$own/folder.ini: not a regular file"
	assert_contains "$output" "$own/writable.ini: everybody may write it"
	assert_match "$output" $'\nzero +user +\(no description\)'
	refute_contains "$output" hidden
	refute_contains "$output" "no word"
	sr profile list --json
	assert_success
	assert_equal "$(jq -r '[.[] | select(.name == "default") | .place + " " + (.shadowed | tostring)] | join(", ")' <<<"$output")" \
		"user false, compiled in true"
	assert_equal "$(jq -r '.[] | select(.name == "broken") | .error.message' <<<"$output")" \
		"cannot read profile $own/broken.ini:2: pids.max does not take \"lots\""
	assert_equal "$(jq -r '.[] | select(.name == "zero") | .error, .description, .path' <<<"$output")" $'null\nnull\n'"$own/zero.ini"
}

@test "list: descriptions and paths are escaped, no folder is no error, an unreadable one is said" {
	profile "$own/a.ini" '[profile]\nextends = default\ndescription = red \033[31m\n'
	sr profile list
	assert_success
	assert_contains "$output" 'red \x1b[31m'
	assert_equal "$(tr -d -c '\033' <<<"$output" | wc -c)" 0
	sr profile list --json
	assert_equal "$(jq -r '.[] | select(.name == "a") | .description' <<<"$output")" 'red \x1b[31m'
	XDG_CONFIG_HOME=$T/nowhere sr profile list
	assert_success
	assert_stderr ''
	if [ "$(id -u)" != 0 ]; then
		chmod 0 "$own"
		sr profile list
		chmod 755 "$own"
		assert_success
		assert_contains "$stderr" "cannot list $own: Permission denied"
		assert_contains "$output" strict
	fi
}

# --- show ------------------------------------------------------------------------------------------------------------------

@test "show: head, limits with origin, calls by group with reasons, answers" {
	profile "$own/mine.ini" '[profile]\ndescription = mine\nextends = strict\n[limits]\npids.max = 7\n[seccomp]\nallow = io_setup\ndeny = mkdir\n'
	sr profile show mine
	assert_success
	assert_contains "$output" $'description mine\nfile        '"$own/mine.ini"$'\nextends     strict, compiled in\n'
	assert_match "$output" $'\n  pids.max +7 +'"$own/mine.ini:5"$'\n'
	assert_match "$output" $'\n  memory.max +256M +strict:[0-9]+\n'
	assert_match "$output" $'\n  memory.high +unlimited +built in\n'
	assert_match "$output" $'\nSystem calls allowed [^\n]*\n  @base: start and end of a process[^\n]* \[strict:[0-9]+\]\n    read +descriptors\n'
	assert_match "$output" $'\n    ioctl +terminals[^\n]*\n +arg1 = 0x5412: EPERM\n'
	assert_match "$output" $'\n    socket +AF_UNIX[^\n]*\n +arg0 = 0x1: allowed\n +otherwise: EAFNOSUPPORT\n'
	assert_match "$output" $'\n    sync +[^\n]*\n +always: success, not made\n'
	assert_match "$output" $'\n    io_setup +kernel AIO \['"$own/mine.ini:7"$'\]\n'
	local allowed=${output%%System calls answered EPERM*} eperm enosys
	eperm=${output#*System calls answered EPERM} enosys=${output#*System calls answered ENOSYS}
	eperm=${eperm%%System calls answered ENOSYS*}
	assert_match "$eperm" $'\n    mkdir +folders \[denied by '"$own/mine.ini:8"$'\]\n'
	assert_match "$eperm" $'\n  @mount: mounts and roots[^\n]*\n    mount +mounts\n'
	assert_match "$eperm" $'\n    ptrace +gdb, strace\n'
	assert_match "$enosys" $'\n    clone3 +threads and children\n'
	assert_match "$enosys" $'\n    inotify_init1 +'
	refute_contains "$allowed" $'\n    mkdir '
	refute_contains "$allowed" "@sockets-inet"
	assert_contains "${lines[-1]}" "Any other call: ENOSYS. Calls of another architecture, and of x32: killed."
}

@test "show: every call of the table stands there once, in text and in JSON" {
	require_cmd gcc
	local table
	table=$(printf '%s\n' '#define SR_SYSCALL(name, group, reason) CALL name' '#include "policy/syscalls.def"' |
		gcc -E -P -I"$TOP/src" -x c - | awk '/^CALL/ { print $2 }' | sort)
	[ "$(wc -l <<<"$table")" -gt 300 ]
	sr profile show default --json
	assert_success
	assert_equal "$(jq -r '.calls[].name' <<<"$output" | sort)" "$table"
	local here
	here=$(jq -r --arg arch "$(uname -m)" '.calls[] | select(.numbers[$arch] != null) | .name' <<<"$output" | sort)
	assert_equal "$(jq '[.calls[] | select(.reason == "")] | length' <<<"$output")" 0
	sr profile show default
	assert_equal "$(grep -E '^    [a-z_]' <<<"$output" | awk '{ print $1 }' | sort)" "$here"
}

@test "show says what a run does" {
	profile "$own/mine.ini" '[profile]\nextends = default\n[seccomp]\ndeny = mkdir mkdirat\n[rlimit]\nnofile = 33\n'
	sr profile show --json mine
	assert_success
	local number=() name answers=()
	for name in mkdirat io_destroy setns; do
		number+=("$(call "$name" ".numbers[\"$(uname -m)\"]")")
		answers+=("$(call "$name" .answer)")
	done
	assert_equal "${answers[*]}" "EPERM ENOSYS EPERM"
	assert_equal "$(jq -r '.limits.nofile | .value + " " + (.number | tostring) + " " + .origin' <<<"$output")" "33 33 $own/mine.ini:6"
	sr -p mine --lang python -c 'import ctypes, errno, resource, sys
libc = ctypes.CDLL(None, use_errno=True)
out = []
for n, args in ((int(sys.argv[1]), (-100, b"/work/d", 0o700)), (int(sys.argv[2]), (0,)), (int(sys.argv[3]), (-1, 0))):
    r = libc.syscall(n, *args)
    out.append("allowed" if r >= 0 else errno.errorcode[ctypes.get_errno()])
print(*out, resource.getrlimit(resource.RLIMIT_NOFILE)[0])' "${number[@]}"
	assert_success
	assert_output "EPERM ENOSYS EPERM 33"
	# the control: what denies mkdirat is that line
	sr --lang python -c 'import os; os.mkdir("/work/d"); print("made")'
	assert_output made
}

@test "show: where no memory cgroup counts, another answer" {
	sr profile show default --json
	assert_equal "$(call memfd_create '.answer + " " + .withoutMemoryCgroup')" "allowed ENOSYS"
	assert_equal "$(call read '.answer + " " + .withoutMemoryCgroup')" "allowed allowed"
	assert_equal "$(call socket '[.arguments[] | select(.when == null)] | .[0].answer')" EAFNOSUPPORT
	assert_equal "$(jq -r '.groups[] | select(.name == "@debug") | .kind, .allowedBy' <<<"$output")" $'guarded\nnull'
	assert_equal "$(jq -r '.otherCalls + " " + .otherArchitectures' <<<"$output")" "ENOSYS killed"
}

@test "show: a file by path, by its bare name; errors are those of a run" {
	profile mine.ini '[profile]\nextends = ./base.ini\n'
	profile base.ini '[profile]\nextends = default\n[limits]\npids.max = 3\n'
	sr profile show ./mine.ini
	assert_success
	assert_contains "$output" $'extends     ./base.ini, ./base.ini\nextends     default, compiled in\n'
	assert_match "$output" $'pids.max +3 +./base.ini:4\n'
	local text=$output
	sr profile show mine.ini
	assert_output "$text"
	sr profile show --json mine.ini
	assert_equal "$(jq -c '[.chain[] | [.name, .place, .path]]' <<<"$output")" \
		'[[null,null,"./mine.ini"],[null,null,"./base.ini"],["default","compiled in",null]]'
	local name run
	profile bad.ini '[limits]\npids.max = x\n'
	profile loop.ini '[profile]\nextends = ./loop.ini\n'
	profile open.ini '[profile]\nextends = default\n'
	chmod 666 open.ini
	for name in ./bad.ini ./loop.ini ./open.ini ./missing.ini nosuch '' $'\033'; do
		sr -p "$name" -- true
		run=$stderr
		sr profile show "$name"
		assert_error 125
		if [ -n "$name" ]; then
			assert_stderr "$run"
		fi
	done
}

@test "show: a closed pipe and a full disk are errors" {
	[ -w /dev/full ] || skip "no /dev/full"
	local what rc
	for what in "list" "show default" "show --json default" "diff default strict" "check --json ./bad.ini" "check ./bad.ini" "--help"; do
		profile bad.ini '[limits]\npids.max = x\n'
		rc=0
		# shellcheck disable=SC2086 # words
		sr_raw profile $what >/dev/full 2>"$T/err" || rc=$?
		assert_equal "$what: $rc" "$what: 125"
		assert_contains "$(cat "$T/err")" "sandrun: output: cannot write to standard output: No space left on device"
	done
	# the reader is gone before anything is written
	{ sleep 0.3; rc=0; sr_raw profile show default 2>"$T/err" || rc=$?; echo "$rc" >"$T/rc"; } | true
	wait_for 10 test -s "$T/rc"
	assert_equal "$(cat "$T/rc")" 125
	assert_contains "$(cat "$T/err")" "Broken pipe"
}

# --- check -----------------------------------------------------------------------------------------------------------------

@test "check: every shipped profile is clean, as a file and by name" {
	local name all=()
	for name in "$TOP"/profiles/*.ini; do
		cp "$name" "$T/" # the source tree's folders may be anybody's
		name=${name##*/}
		all+=("./$name" "${name%.ini}")
	done
	[ "${#all[@]}" -ge 4 ]
	sr profile check "${all[@]}"
	assert_success
	assert_output ''
	assert_stderr ''
}

@test "check: all that is wrong, each with its line and mend" {
	profile a.ini '[profile]\nextends = default\n[seccomp]\nallow = mkdir raed mount\n  @debug\ndeny = io_setup\n[limits]\npids.max = 1\nmemory.max = lots\nbad\n[limts]\n'
	sr profile check ./a.ini
	assert_status 1
	assert_stderr ''
	found ./a.ini:4: error 'unknown system call "raed"' 'hint: did you mean read?'
	found ./a.ini:4: error 'mount can never be allowed' 'hint: take mount out'
	found ./a.ini:4: warning 'mkdir is allowed already, by @files (default:' 'hint: take mkdir out'
	found ./a.ini:5: warning '@debug opens a large piece of the kernel' 'hint: leave @debug out'
	found ./a.ini:6: warning 'io_setup is denied but was never allowed' 'hint: take io_setup out'
	found ./a.ini:8: warning 'pids.max = 1' 'hint: '
	found ./a.ini:9: error 'memory.max does not take "lots"' 'hint: memory.max takes a size'
	found ./a.ini:10: error 'neither [section] nor key = value' 'hint: comments'
	found ./a.ini:11: error 'unknown section [limts]' '[rlimit], [filesystem]'
	assert_equal "$(grep -c '^\./a.ini:[0-9]*: \(error\|warning\): ' <<<"$output")" 9
	# in the order of the lines
	assert_equal "$(grep -o '^\./a.ini:[0-9]*' <<<"$output" | cut -d: -f2)" "$(grep -o '^\./a.ini:[0-9]*' <<<"$output" | cut -d: -f2 | sort -n)"
	local text=$output
	sr profile check a.ini
	assert_status 1
	assert_output "$text"
	sr profile check --json a.ini
	assert_status 1
	assert_equal "$(jq -r '.[] | .file + ":" + (.line | tostring) + ": " + .level + ": " + .text' <<<"$output")" "$(grep '^\./a' <<<"$text")"
	assert_equal "$(jq -r '.[0].hint' <<<"$output")" "did you mean read?"
}

@test "check: a warning alone is 1, nothing is 0, a file that cannot be read is 125 and the others are checked" {
	profile warn.ini '[profile]\nextends = default\n[limits]\npids.max = 1\n'
	profile good.ini '[profile]\nextends = default\n[limits]\npids.max = 12\n'
	sr profile check good.ini
	assert_success
	assert_output ''
	sr profile check --json good.ini
	assert_success
	assert_output '[]'
	sr profile check good.ini warn.ini
	assert_status 1
	assert_equal "${#lines[@]}" 2
	sr profile check missing.ini warn.ini
	assert_status 125
	assert_contains "$stderr" "sandrun: profile: cannot read profile ./missing.ini: No such file or directory"
	found ./warn.ini:4: warning 'pids.max = 1'
	mkdir folder
	mkfifo fifo
	sr_capture timeout 20 "$SANDRUN" profile check ./folder ./fifo nosuch 3>&-
	assert_status 125
	assert_equal "$(grep -c '^sandrun: profile: cannot' <<<"$stderr")" 3
	# a run takes what has warnings only, and refuses what has errors
	sr -p ./warn.ini -- true
	assert_success
	profile bad.ini '[profile]\nextends = default\n[limits]\npids.max = 0\n'
	sr profile check bad.ini
	found ./bad.ini:4: error 'pids.max must not be 0'
	sr -p ./bad.ini -- true
	assert_error 125 "bad.ini:4: pids.max must not be 0"
}

@test "check: a file or a folder that others may write" {
	mkdir own
	profile own/a.ini '[profile]\nextends = default\n[limits]\npids.max = x\n'
	chmod 606 own/a.ini
	sr profile check own/a.ini
	assert_status 1
	found own/a.ini:1: error 'everybody may write it' 'hint: chmod o-w own/a.ini'
	found own/a.ini:4: error 'pids.max'
	chmod 644 own/a.ini
	sr profile check own/a.ini
	refute_contains "$output" 'write'
	chmod 777 own
	sr profile check own/a.ini
	found own/a.ini:1: warning "everybody may write the folder $(realpath own)" 'hint: chmod go-w'
	chmod 1777 own
	sr profile check own/a.ini
	refute_contains "$output" 'write'
}

@test "check: what is wrong with a parent has the parent's name" {
	profile child.ini '[profile]\nextends = ./parent.ini\n'
	profile parent.ini '[limits]\npids.max = x\n[profile]\nextends = default\n'
	sr profile check child.ini
	assert_status 1
	assert_output $'./parent.ini:2: error: pids.max does not take "x"\nhint: pids.max takes a whole number, or unlimited'
	rm parent.ini
	sr profile check child.ini
	found ./child.ini:2: error 'parent.ini: No such file or directory'
	profile parent.ini '[profile]\n\nextends = ./child.ini\n'
	sr profile check child.ini
	found ./parent.ini:3: error 'it extends itself'
}

@test "check: odd names and bytes never reach the terminal" {
	printf '[limits]\n\033[31m = 1\n[\033]\nx\0y = 1\n[profile]\nextends = \033\n' >$'a\033.ini'
	sr profile check $'a\033.ini'
	assert_status 1
	assert_equal "$(tr -d -c '\033\0' <<<"$output" | wc -c)" 0
	assert_contains "$output" './a\x1b.ini:4: error: a NUL byte'
	sr profile check --json $'a\033.ini'
	assert_equal "$(jq -r '.[0].file' <<<"$output")" './a\x1b.ini'
}

# --- diff ------------------------------------------------------------------------------------------------------------------

@test "diff: calls and limits, both ways; the same is 0" {
	sr profile diff default default
	assert_success
	assert_output ''
	profile copy.ini '[profile]\nextends = default\n'
	sr profile diff default copy.ini
	assert_success
	assert_output ''
	profile b.ini '[profile]\nextends = default\n[limits]\nmemory.max = 1G\n[seccomp]\nallow = io_setup\ndeny = mkdir move_pages\n'
	sr profile diff default b.ini
	assert_status 1
	assert_stderr ''
	assert_match "$output" $'Limits, default -> ./b.ini\n  memory.max +512M -> 1G\n'
	assert_match "$output" $'System calls allowed by ./b.ini and not by default\n  @aio: kernel AIO[^\n]*\n    io_setup +kernel AIO\n'
	assert_match "$output" $'System calls allowed by default and not by ./b.ini\n  @files: [^\n]*\n    mkdir +folders\n'
	assert_match "$output" $'with another answer, default -> ./b.ini\n  @pages: [^\n]*\n    move_pages +ENOSYS -> EPERM; memory nodes'
	assert_equal "$(grep -c '^    ' <<<"$output")" 3
	sr profile diff b.ini default
	assert_status 1
	assert_contains "$output" "memory.max      1G -> 512M"
	assert_contains "$output" "System calls allowed by ./b.ini and not by default"
	sr profile diff --json default b.ini
	assert_status 1
	assert_equal "$(jq -c '[.same, .limits, [.onlyA[].name], [.onlyB[].name], [.answers[] | [.name, .a, .b]], .arguments]' <<<"$output")" \
		'[false,{"memory.max":{"a":"512M","b":"1G"}},["mkdir"],["io_setup"],[["move_pages","ENOSYS","EPERM"]],[]]'
	sr profile diff --json default copy.ini
	assert_success
	assert_equal "$(jq .same <<<"$output")" true
}

@test "diff: the group without calls shows as arguments" {
	profile b.ini '[profile]\nextends = default\n[seccomp]\ndeny = @sockets-inet\n'
	sr profile diff default b.ini
	assert_status 1
	assert_contains "$output" $'System calls allowed by default and not by ./b.ini\n  @sockets-inet: '
	assert_match "$output" $'with other arguments, default -> ./b.ini\n  @sockets-local: [^\n]*\n    socket +[^\n]*\n +only default: arg0 = 0x2, '
	sr profile diff --json default b.ini
	assert_equal "$(jq -c '[[.onlyAGroups[].name], [.onlyBGroups[].name], [.arguments[].name]]' <<<"$output")" \
		'[["@sockets-inet"],[],["socket","socketpair"]]'
	# a run agrees
	sr -p ./b.ini --lang python -c 'import socket; socket.socket(socket.AF_UNIX); socket.socket(socket.AF_INET)'
	assert_status 1
	assert_contains "$stderr" "Address family not supported"
	sr --lang python -c 'import socket; socket.socket(socket.AF_INET)'
	assert_success
}

@test "diff: one that cannot be read is 125, whichever it is" {
	profile bad.ini '[limits]\npids.max = x\n'
	sr profile diff bad.ini default
	assert_error 125 "./bad.ini:2: pids.max"
	sr profile diff default bad.ini
	assert_error 125 "./bad.ini:2: pids.max"
	sr profile diff default nosuch
	assert_error 125 'cannot find profile "nosuch"'
}

# --- words -----------------------------------------------------------------------------------------------------------------

@test "words: none, an unknown one, too few, too many, unknown options" {
	local words
	for words in "" "frob" "lists" "list x" "show" "show a b" "check" "diff a" "diff a b c" "list --frob" "-x" "show -p default" "list -"; do
		# shellcheck disable=SC2086 # words
		sr profile $words
		assert_error 125 "sandrun: options: cannot use 'sandrun profile" "hint: sandrun profile list | show NAME | check FILE... | diff A B"
	done
	sr profile $'\033'
	assert_error 125 '\x1b'
	assert_equal "$(tr -d -c '\033' <<<"$stderr" | wc -c)" 0
}

@test "words: help anywhere, -- ends the options, the word wins over a file" {
	local words
	for words in "--help" "-h" "show --help" "diff -h"; do
		# shellcheck disable=SC2086 # words
		sr profile $words
		assert_success
		assert_contains "$output" "Usage: sandrun profile list"
		assert_stderr ''
		[ "$(wc -L <<<"$output")" -le 80 ]
	done
	profile ./-x.ini '[profile]\nextends = default\n'
	sr profile check -- -x.ini
	assert_success
	sr --help
	assert_match "$output" $'\n  profile +list, show, check'
	printf 'echo from the file\n' >profile
	sr profile list
	assert_contains "$output" "compiled in"
	sr --lang sh ./profile
	assert_output "from the file"
}

@test "nothing of it runs a program or writes a file" {
	find "$T" -printf '%p %s %T@ %C@\n' | grep -v '\.stderr' | sort >"$BATS_FILE_TMPDIR/before"
	sr profile list
	sr profile show default
	sr profile check default
	sr profile diff default strict
	find "$T" -printf '%p %s %T@ %C@\n' | grep -v '\.stderr' | sort >"$BATS_FILE_TMPDIR/after"
	diff <(grep -v "^$T " "$BATS_FILE_TMPDIR/before") <(grep -v "^$T " "$BATS_FILE_TMPDIR/after")
}

@test "show and diff: the switches, and the group that rules depend on" {
	profile soft.ini '[profile]\nextends = strict\nstrict = no\n[seccomp]\nallow = @write-exec\n'
	sr profile show strict
	assert_match "$output" $'\nSwitches\n  strict +yes +strict:[0-9]+\n  quiet +no +built in\n'
	assert_match "$output" $'\n    mprotect +[^\n]*\n +arg2 & 0x6 = 0x6: EPERM\n'
	sr profile show soft.ini
	assert_match "$output" $'\n  strict +no +./soft.ini:3\n'
	refute_contains "$output" "arg2 & 0x6 = 0x6"
	assert_match "$output" $'\n  @write-exec: [^\n]* \[./soft.ini:5\]\n'
	sr profile show --json strict
	assert_equal "$(jq -r '.switches.strict.value + " " + .switches.quiet.value' <<<"$output")" "yes no"
	sr profile diff strict soft.ini
	assert_status 1
	assert_contains "$output" $'Switches, strict -> ./soft.ini\n  strict          yes -> no\n'
	assert_match "$output" $'\n    mprotect +[^\n]*\n +only strict: arg2 & 0x6 = 0x6: EPERM'
	sr profile diff --json strict soft.ini
	assert_equal "$(jq -c '[.switches, [.onlyBGroups[].name], .limits]' <<<"$output")" '[{"strict":{"a":"yes","b":"no"}},["@write-exec"],{}]'
	profile same.ini '[profile]\nextends = strict\nquiet = no\n'
	sr profile diff strict same.ini
	assert_success
}
