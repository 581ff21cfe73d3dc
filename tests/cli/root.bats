#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Run by root (CI containers are): every form works, the program owns nothing on the host (finding 13), and sandrun refuses
# to be given rights by its file. tests/hostile/root.bats attacks; here is what a user sees.

load ../lib/common
load ../lib/store

setup() {
	require_root
	cd "$T"
	mkdir p
	echo 'value = 7' >p/helper.py
	echo 'import helper, sys; print(helper.value, open("data").read().strip(), sys.argv[1:])' >p/main.py
	echo data >p/data
	echo text >input
	chmod 600 p/* input
	chmod 700 p "$T"
}

# An ordinary user's run: user COMMAND...
user() {
	setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all --bounding-set=-all \
		env -i HOME="$T/home" PATH=/usr/bin:/bin LANG=C.UTF-8 "$@" 3>&-
}

# A folder that the user reaches, with a copy of sandrun in it.
open_to_user() {
	chmod o+x "$BATS_RUN_TMPDIR" "$(dirname "$T")" "$T"
	cp "$SANDRUN" "$T/own"
	mkdir "$T/home"
	chown 54321:54321 "$T/home"
}

@test "script, code, standard input, command, project of mode 0700 with files of mode 0600" {
	echo 'import sys, os; print(sys.argv, os.getuid(), os.getgid(), os.getgroups())' >a.py
	chmod 600 a.py
	sr a.py one
	assert_success
	assert_output "['/work/a.py', 'one'] 1000 1000 []"
	sr --lang python - x <<<'import sys; print(sys.argv)'
	assert_output "['-', 'x']"
	sr --lang bash -c 'echo $0 $1; cat' one <<<'data'
	assert_output $'bash one\ndata'
	sr -- sort -n < <(printf '3\n1\n2\n')
	assert_output $'1\n2\n3'
	sr -C p main.py a
	assert_success
	assert_output "7 data ['a']"
	sr -C "$T/p" -- sh -c 'echo changed >data && cat data && rm helper.py && touch new && ls'
	assert_success
	assert_output $'changed\n__pycache__\ndata\nmain.py\nnew' || assert_output $'changed\ndata\nmain.py\nnew'
	assert_equal "$(cat p/data)" data
	assert_equal "$(stat -c '%a %u' p p/data)" $'700 0\n600 0'
}

@test "inputs of mode 0600 go in, outputs come out as root's" {
	sr -i input -i input:in/other -o 'out/*' -O "$T" -- sh -c 'mkdir out; cat input in/other | tr a-z A-Z >out/f; chmod 777 out/f'
	assert_success
	assert_equal "$(cat f 2>/dev/null || cat out/f)" $'TEXT\nTEXT'
	local made
	made=$(find . -name f)
	assert_equal "$(stat -c '%u:%g' "$made")" 0:0
	[ "$((0$(stat -c %a "$made") & 07022))" -eq 0 ] || sr_fail "mode $(stat -c %a "$made")"
	sr -o f --output-archive a.tar.gz -- sh -c 'echo x >f'
	assert_success
	assert_equal "$(stat -c '%u:%g' a.tar.gz)" 0:0
	assert_equal "$(tar -tf a.tar.gz)" f
	sr --report "$T/report.json" -- true
	assert_equal "$(stat -c '%u:%g' report.json)" 0:0
}

@test "standard streams: opened again by name, to pipes and files of root's" {
	sr --lang sh -c 'echo one >/dev/stdout; echo two >/dev/stderr; cat /dev/stdin' <<<'three'
	assert_success
	assert_output $'one\nthree'
	assert_stderr two
	(umask 077; : >log)
	sr_raw --lang sh -c 'echo one; echo two >/dev/stdout; echo three >&2' >log 2>&1
	assert_equal "$(cat log)" $'one\ntwo\nthree'
	assert_equal "$(stat -c '%a %u' log)" "600 0"
	sr_raw --lang sh -c 'cat' <input >out
	assert_equal "$(cat out)" text
}

@test "limits and signals" {
	sr -t 300ms -- sleep 100
	assert_status 124
	sr -- sh -c 'kill -9 $$'
	assert_status 137
	sr -m 64M --lang python -c 'x = bytearray(300 << 20)'
	[ "$status" -ne 0 ]
	sr --pids 5 --lang python -c 'import subprocess
for i in range(20): subprocess.Popen(["sleep", "5"])'
	[ "$status" -ne 0 ]
	"$SANDRUN" -- sh -c 'echo ready; sleep 100' >log 3>&- &
	local pid=$! rc=0
	wait_for 10 grep -q ready log
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	assert_equal "$rc" 143
}

@test "another id on the host for each run: high, owner of nothing, without groups" {
	local i pid child ids=()
	for i in 1 2 3; do
		"$SANDRUN" -- sh -c 'echo ready; sleep 100' >"log$i" 3>&- &
		pid=$!
		wait_for 10 grep -q ready "log$i"
		child=$(pgrep -P "$pid")
		assert_equal "$(wc -w <<<"$child")" 1
		ids+=("$(awk '/^Uid:/ { print $2 }' "/proc/$child/status")")
		assert_equal "$(awk '/^Uid:/ { print ($2 == $3 && $3 == $4 && $4 == $5) }' "/proc/$child/status")" 1
		assert_equal "$(awk '/^Gid:/ { print ($2 == $3 && $3 == $4 && $4 == $5) }' "/proc/$child/status")" 1
		assert_equal "$(awk '/^Groups:/ { print NF }' "/proc/$child/status")" 1
		assert_equal "$(awk '{ print $1, $2, $3 }' "/proc/$child/uid_map")" "1000 ${ids[-1]} 1"
		kill "$pid"
		wait "$pid" || true
	done
	for i in "${ids[@]}"; do
		[ "$i" -ge 30000 ]
		[ -z "$(getent passwd "$i")" ]
	done
	assert_equal "$(printf '%s\n' "${ids[@]}" | sort -u | wc -l)" 3
	sr --report "$T/report.json" -- true
	[ "$(report .enforced.hostUid)" -ge 30000 ]
}

@test "root's files are neither read nor changed, shown or not" {
	umask 077
	canary secret "root's secret"
	umask 022
	chmod o+x "$BATS_RUN_TMPDIR" "$(dirname "$T")" "$T"
	mkdir shown
	cp secret shown/secret
	echo open >shown/open
	chmod 600 shown/secret
	chmod 755 shown
	sr --bind "$T/shown:/shown" -- sh -c 'cat /shown/open; cat /shown/secret; echo x >>/shown/open'
	assert_output open
	assert_contains "$stderr" "Permission denied"
	assert_equal "$(cat shown/open)" open
	sr --bind "$T/secret:/secret" -- cat /secret
	[ "$status" -ne 0 ]
	assert_output ''
	sr -- cat "$T/secret" /root/.bashrc /etc/shadow
	[ "$status" -ne 0 ]
	assert_output ''
	assert_canaries
	# a folder that is closed on the way is named, with the mend
	chmod 700 "$T"
	sr --bind "$T/shown:/shown" -- true
	assert_error 125 "Permission denied" "chmod o+x"
}

@test "processes of root's: no signal arrives" {
	sleep 100 3>&- &
	local victim=$!
	sr --lang sh -c 'for p in $(seq 2 3000) '"$victim"'; do kill -9 $p 2>/dev/null && [ $p -ne $$ ] && echo hit $p; done; kill -9 -1; echo end'
	kill -0 "$victim"
	kill "$victim"
	wait "$victim" || true
}

@test "the mask of /etc is where the program's user can reach it, root's, and used by every run" {
	etc_settled
	sr -- ls -A /etc
	assert_success
	local names=$output
	refute_contains "$names" shadow
	sr -- ls -A /etc
	assert_output "$names"
	assert_equal "$(stat -c '%u %a' /run/sandrun)" "0 755"
	[ -n "$(find /run/sandrun -mindepth 1 -maxdepth 1 -name 'etc-*' -uid 0 ! -perm /022)" ]
	assert_equal "$(find "$HOME/.cache" -newer p -path '*sandrun*' 2>/dev/null)" ""
}

@test "a user's mask of /etc that belongs to somebody else is not used" {
	etc_settled
	open_to_user
	sr_capture user ./own -- ls -A /etc
	assert_success
	local names=$output name cache=home/.cache/sandrun
	name=$(ls "$cache")
	assert_match "$name" '^etc-'
	rm -rf "${cache:?}/$name"
	mkdir "$cache/$name" # root's, empty: nothing of /etc would be hidden
	touch -r /etc "$cache/$name"
	sr_capture user ./own -- ls -A /etc
	assert_success
	assert_output "$names"
	# the folder above is somebody else's
	rm -rf "${cache:?}"
	mkdir -p "$cache/$name"
	chown 54321:54321 "$cache/$name"
	touch -r /etc "$cache/$name"
	chmod 755 "$cache"
	sr_capture user ./own -- ls -A /etc
	assert_success
	assert_output "$names"
	# the control: that very folder, where all of it is the user's, is used and hides nothing
	chown 54321:54321 "$cache"
	sr_capture user ./own -- ls -A /etc
	assert_success
	assert_contains "$output" machine-id
}

@test "set-user-id, set-group-id, file capabilities: refused, whoever owns the file" {
	require_cmd setcap
	open_to_user
	sr_capture user ./own -- true
	assert_success
	local mode
	for mode in 4755 2755 6755; do
		chmod "$mode" own
		sr_capture user ./own --error-format=text -- true
		assert_error 125 "set-user-id" "chmod 0755"
	done
	chmod 755 own
	chown 12345:12345 own
	chmod 4755 own
	sr_capture user ./own -- true
	assert_error 125 "set-user-id"
	sr_capture user ./own --help
	assert_error 125 "set-user-id"
	chmod 755 own
	setcap cap_net_raw+ep own
	sr_capture setpriv --reuid 54321 --regid 54321 --clear-groups env -i ./own -- true 3>&-
	assert_error 125 "file capabilities"
	setcap -r own
	sr_capture user ./own -- true
	assert_success
	# root itself calling a set-user-id copy of an ordinary user's
	chmod 4755 own
	sr_capture ./own -- true
	assert_error 125 "set-user-id"
}

@test "as a user with capabilities left and supplementary groups: the program has no capability" {
	open_to_user
	# the control
	sr_capture setpriv --reuid 54321 --regid 54321 --inh-caps=+net_raw,+chown --ambient-caps=+net_raw,+chown --clear-groups \
		grep CapEff /proc/self/status 3>&-
	refute_contains "$output" 0000000000000000
	sr_capture setpriv --reuid 54321 --regid 54321 --groups 4,27 --inh-caps=+net_raw,+chown --ambient-caps=+net_raw,+chown \
		env -i HOME="$T/home" PATH=/usr/bin:/bin ./own -- sh -c 'grep -E "^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs)" /proc/self/status' 3>&-
	assert_success
	assert_output $'CapInh:\t0000000000000000
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t0000000000000000
CapAmb:\t0000000000000000
NoNewPrivs:\t1'
}

@test "environments of the store, and builds, are an ordinary user's" {
	mkdir -p layer/bin
	store_new
	store_name mine "$(store_layer layer)" </dev/null
	sr -E mine -- true
	assert_error 125 "as root" "ordinary user"
	mkdir -p root/bin
	sr --build-layer built -E root -- true
	assert_error 125 "as root" "ordinary user"
	[ ! -e built ]
}

@test "a store, a layer or a name of another user's is not used" {
	local place
	open_to_user
	mkdir -p layer/bin
	cp "$(probe act)" layer/bin/act
	store_new
	store_name mine "$(store_layer layer)" </dev/null
	chown -R 54321:54321 "$XDG_DATA_HOME"
	try user XDG_DATA_HOME="$XDG_DATA_HOME" "$T/own" -E mine -- act say it
	assert_success
	assert_output "say it: OK"
	for place in "$STORE" "$STORE"/layers/* "$STORE"/layers/*/tree "$STORE/names/mine.ini"; do
		chown 54322 "$place"
		chmod go+rx "$place"
		try user XDG_DATA_HOME="$XDG_DATA_HOME" "$T/own" -E mine -- act say it
		assert_error 125 "belongs to another user"
		chmod go-rx "$place"
		chown 54321 "$place"
	done
	chmod 755 "$STORE"/layers/*/tree
	try user XDG_DATA_HOME="$XDG_DATA_HOME" "$T/own" -E mine -- act say it
	assert_success
}
