#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# -E NAME: an environment of the store as the root. What is written vanishes, whatever its place and kind; nothing of a hostile
# layer leads to the host; a damaged store is refused.

load ../lib/common
load ../lib/store

setup() {
	require_user # the store of root is closed to the payload of root: root.bats
	export HOME=$T/home
	unset XDG_CACHE_HOME XDG_CONFIG_HOME
	mkdir "$HOME"
	require_cmd busybox jq
	file -L "$(command -v busybox)" | grep -q 'statically linked' || skip "busybox is not the static one"
	store_new
	cd "$T"
	image base
	mkdir -p top/opt top/bin
	echo top >top/opt/top
	printf '#!/bin/sh\necho "py $1"\n' >top/bin/py
	chmod 755 top/bin/py
	BASE=$(store_layer base) TOP_LAYER=$(store_layer top)
	store_name one "$BASE" </dev/null
	store_name two "$BASE" "$TOP_LAYER" <<'END'
[languages]
python = /bin/py
[predict]
imports = numpy
	scipy
[variables]
FLAVOUR = sour; sweet
HOME = /elsewhere
[run]
profile = ml
END
}

image() {
	local root=$1 name
	mkdir -p "$root/bin" "$root/etc" "$root/opt/tool/deep" "$root/home/somebody"
	cp "$(command -v busybox)" "$root/bin/busybox"
	for name in sh ls cat echo touch rm mv mkdir rmdir ln stat id grep readlink cp chmod head sleep env true find; do
		ln -s busybox "$root/bin/$name"
	done
	cp "$(probe act)" "$root/bin/act"
	echo own >"$root/etc/own"
	echo one >"$root/opt/tool/one"
	echo two >"$root/opt/tool/deep/two"
}

tree() {
	echo "$STORE/layers/${1#sha256:}/tree"
}

@test "-E NAME: its layers are the root, with its interpreters and variables" {
	sr -E two -- sh -c 'ls /opt; cat /opt/top /etc/own; echo $FLAVOUR; echo $HOME; id -un'
	assert_success
	assert_output $'tool\ntop\ntop\nown\nsour; sweet\n/work\nsandbox'
	sr -E two --lang python -c 'print(1)'
	assert_output "py -c"
	printf '#!/usr/bin/env python3\n' >s.py
	sr -E two s.py
	assert_output "py /work/s.py"
	sr -E two --setenv FLAVOUR=mine -- sh -c 'echo $FLAVOUR'
	assert_output mine
	sr -E one -- ls /opt
	assert_output tool
	sr -E one --lang python -c 'print(1)'
	assert_error 127 "'one'"
	mkdir -p more/opt
	echo more >more/opt/more
	sr -E two,./more -- ls /opt
	assert_output $'more\ntool\ntop'
}

@test "-E NAME,NAME: what they share is there once" {
	local other
	mkdir -p other/opt folder/opt/sub/usr folder/bin
	echo other >other/opt/other
	echo other >other/opt/top # over that of two
	other=$(store_layer other)
	store_name second "$BASE" "$other" </dev/null
	sr -E two,second --report "$T/report.json" -- sh -c 'cat /opt/top /etc/own; ls /opt'
	assert_success
	assert_output $'other\nown\nother\ntool\ntop'
	assert_equal "$(report .environment)" two,second
	assert_equal "$(report .environmentDigest)" "sha256:$(store_digest "$BASE" "$TOP_LAYER" "$other")"
	sr -E second,two,one -- cat /opt/top
	assert_success
	assert_output top
	flock -n -x "$(dirname "$(tree "$BASE")")" true # no lock of what was left out is left
	# folders likewise, by whatever name
	ln -s folder link
	echo folder >folder/opt/folder
	sr -E one,./folder,./link,"$T/folder" -- ls /opt
	assert_success
	assert_output $'folder\nsub\ntool'
	sr -E "two,$(tree "$BASE")" -- cat /opt/top
	assert_success
	assert_output top
}

@test "-E DIR,DIR: one folder in the other, or what is no layer" {
	mkdir -p folder/opt/sub/usr folder/bin beside/usr
	sr -E one,./folder,./beside -- true # the control
	assert_success
	sr -E one,./folder,./folder/opt/sub -- true
	assert_error 125 "cannot use '$T/folder' and '$T/folder/opt/sub' together" "copy the inner folder"
	sr -E ./folder/opt/sub,one,./folder -- true
	assert_error 125 "cannot use '$T/folder' and '$T/folder/opt/sub' together"
	sr -E "one,$(tree "$BASE")/opt" -- true
	assert_error 125 "one lies in the other"
	sr --build-layer folder/opt/layer -E one,./folder -- true
	assert_error 125 "$T/folder'" "one lies in the other"
	mkdir host
	for name in host,one one,host one,none; do
		sr -E "$name" -- true
		assert_error 125 "cannot put '" "it has no layers" "leave it out"
	done
}

@test "-E NAME: plan, report and certificate have the digests" {
	local stack seen
	stack=$(store_digest "$BASE" "$TOP_LAYER")
	sr -E two --explain -- true
	assert_success
	assert_contains "$output" "two, sha256:$stack"
	assert_contains "$output" $'\nlayer       '"$BASE"$'\nlayer       '"$TOP_LAYER"
	sr -E two --report "$T/report.json" --certificate c.json -- true
	assert_success
	assert_equal "$(report .environment)" two
	assert_equal "$(report .environmentDigest)" "sha256:$stack"
	sr verify --json c.json
	assert_equal "$(jq -r '[.checks[] | select(.result == "failed")] | length' <<<"$output")" 0
	seen=$(grep -oE '"payload": ?"[^"]+"' c.json | cut -d'"' -f4 | while read -r part; do base64 -d <<<"$part" | jq -c '.predicate.plan.environment // empty'; done)
	assert_equal "$seen" "{\"digest\":{\"sha256\":\"$stack\"},\"layers\":[{\"sha256\":\"${BASE#*:}\"},{\"sha256\":\"${TOP_LAYER#*:}\"}],\"name\":\"two\"}"
	sr --report "$T/report.json" -- true
	assert_equal "$(report '.environmentDigest == null')" true
}

@test "-E NAME: the profile that it is made for holds, unless the user names one" {
	sr -E two --explain -- true
	assert_contains "$output" "profile ml"
	sr -E two -p default --explain -- true
	assert_contains "$output" "profile default"
	assert_contains "$output" "made for the profile ml"
	sr -E one --explain -- true
	assert_contains "$output" "profile default"
	# one that does not ship has no say, also where the user has a file of that name
	mkdir -p "$HOME/.config/sandrun/profiles"
	printf '[profile]\nextends = default\n[limits]\nmemory.max = 100G\n' >"$HOME/.config/sandrun/profiles/wide.ini"
	store_name wide "$BASE" <<<$'[run]\nprofile = wide'
	sr -E wide --explain -- true
	assert_success
	assert_contains "$output" "profile default"
	assert_contains "$output" "made for the profile wide"
	sr -E wide -p wide --explain -- true # the control
	assert_contains "$output" "memory.max = 100G"
	# a project that names it gets no more than it had
	mkdir project
	printf '[run]\nenvironment = two\nentrypoint = s.sh\n' >project/sandrun.ini
	echo 'echo $FLAVOUR' >project/s.sh
	sr -C project --explain
	assert_contains "$output" "profile default"
}

@test "-E NAME: by config.ini and by a project's sandrun.ini, as a name alone" {
	mkdir -p "$HOME/.config/sandrun" project one/usr
	printf '[run]\nenvironment = two\nentrypoint = s.sh\n' >project/sandrun.ini
	echo 'echo $FLAVOUR' >project/s.sh
	sr -C project
	assert_success
	assert_output "sour; sweet"
	printf '[run]\nenvironment = one\n' >"$HOME/.config/sandrun/config.ini"
	sr -- ls /opt
	assert_output tool
	sed -i 's/two/nosuch/' project/sandrun.ini
	rm "$HOME/.config/sandrun/config.ini"
	mkdir -p nosuch/usr project/nosuch/usr # a folder of that name is no environment's
	sr -C project
	assert_error 125 "cannot find environment 'nosuch'" "sandrun.ini:2"
}

@test "-E NAME: unknown names: what there is, what is near, what can be built" {
	sr -E tow -- true
	assert_error 125 "cannot find environment 'tow'" "did you mean two?" "one, two"
	sr -E something -- true
	assert_error 125 "no such environment" "one, two" "-E ./FOLDER"
	mkdir -p "$HOME/.config/sandrun/environments" nice/usr
	printf '[environment]\ndescription = x\n' >"$HOME/.config/sandrun/environments/nice.ini"
	# what happens to lie here under the name of what was not built yet is not what is meant
	sr -E nice -- true
	assert_error 125 "not built yet" "sandrun environment build nice" "-E ./nice"
	rmdir nice/usr nice
	sr -E nice -- true
	assert_error 125 "not built yet" "sandrun environment build nice"
	sr -E torch -- true # it ships
	assert_error 125 "not built yet" "sandrun environment build torch"
	XDG_DATA_HOME=$T/none sr -E something -- true
	assert_error 125 "known is 'host'"
	[ ! -e "$T/none" ]
	# a name of the store comes before a folder, and ./ names the folder
	mkdir -p one/bin
	cp "$(command -v busybox)" one/bin/ls
	sr -E one -- ls /opt
	assert_output tool
	sr -E ./one -- ls -d /opt /bin/ls
	assert_output /bin/ls
}

# Each line of the table is one run: what it does inside; afterwards the store is as it was, and another run sees none of it.
@test "-E NAME: writes of every kind work, and vanish" {
	local before act plain
	local -a acts=(
		'echo x >/new && [ -f /new ]'
		'mkdir -p /a/b/c && touch /a/b/c/d /usr-new /home/somebody/f'
		'echo more >>/etc/own && [ "$(cat /etc/own)" = "own
more" ]'
		'rm /etc/own && [ ! -e /etc/own ] && ls /etc | grep -v own'
		'rm -r /opt/tool && [ ! -e /opt/tool ]'
		'rm -r /opt/tool && mkdir /opt/tool && [ -z "$(ls /opt/tool)" ]'
		'rm -r /opt/tool && echo file >/opt/tool && [ -f /opt/tool ]'
		'rm /etc/own && mkdir /etc/own && [ -d /etc/own ]'
		'mv /etc/own /etc/other && [ "$(cat /etc/other)" = own ] && [ ! -e /etc/own ]'
		'mv /opt/tool /opt/moved && [ "$(cat /opt/moved/deep/two)" = two ] && [ ! -e /opt/tool ]'
		'mv /opt/tool/deep /home && [ "$(cat /home/deep/two)" = two ]'
		'echo new >/tmp/n && mv /tmp/n /opt/tool/one && [ "$(cat /opt/tool/one)" = new ]'
		'chmod 600 /opt/tool/one && chmod 700 /opt/tool && [ "$(stat -c %a /opt/tool /opt/tool/one)" = "700
600" ]'
		'ln /opt/tool/one /opt/tool/twin && echo more >>/opt/tool/twin && [ "$(cat /opt/tool/one)" = "one
more" ]'
		'ln -s /etc/own /etc/link && [ "$(cat /etc/link)" = own ]'
		'act setxattr /opt/tool/one user.mine yes && act getxattr /opt/tool/one user.mine | grep -q OK'
		'touch -d @1 /opt/tool/one && [ "$(stat -c %Y /opt/tool/one)" = 1 ]'
		'act truncate /opt/tool/one && act fifo /opt/fifo && [ -p /opt/fifo ]'
		'rm /bin/cat && cp /bin/busybox /bin/cat && [ "$(cat /etc/own)" = own ]'
		'rm -rf /bin /etc /opt /home 2>/dev/null; true'
	)
	before=$(store_state)
	plain='find / -xdev | grep -v "^/proc" && cat /etc/own /opt/tool/one /opt/tool/deep/two'
	sr -E one -- sh -c "$plain"
	plain=$output
	for act in "${acts[@]}"; do
		sr -E one --report "$T/report.json" -- sh -c "$act"
		if [ "$status" -ne 0 ] && [ "$(report '[.notes[].what] | index("overlay-xattr") != null')" = true ]; then
			assert_match "$stderr$output" "(I/O|Input/output) error|EOPNOTSUPP" # finding 7, and it was said
		else
			[ "$status" -eq 0 ] || sr_fail "this does not work: $act"
		fi
		assert_equal "$(store_state)" "$before"
	done
	sr -E one -- sh -c 'find / -xdev | grep -v "^/proc" && cat /etc/own /opt/tool/one /opt/tool/deep/two'
	assert_output "$plain"
	assert_equal "$(store_state)" "$before"
}

@test "-E NAME: two runs at once do not see each other" {
	local before first
	before=$(store_state)
	"$SANDRUN" -E two -- sh -c 'echo mine >/first; echo mine >/opt/tool/one; rm /etc/own; echo ready; sleep 100' >first 3>&- &
	first=$!
	wait_for 20 grep -q ready first
	sr -E two -- sh -c 'ls -d /first 2>/dev/null; cat /opt/tool/one /etc/own; echo theirs >/second'
	assert_output $'one\nown'
	kill "$first"
	wait "$first" || true
	assert_equal "$(store_state)" "$before"
}

@test "-E NAME: a layer in use is locked, and free afterwards" {
	local folder first
	folder=$(dirname "$(tree "$TOP_LAYER")")
	flock -n -x "$folder" true
	"$SANDRUN" -E two -- sh -c 'echo ready; sleep 100' >first 3>&- &
	first=$!
	wait_for 20 grep -q ready first
	try flock -n -x "$folder" true
	assert_status 1
	flock -n -s "$folder" true # another run can have it
	kill "$first"
	wait "$first" || true
	wait_for 20 flock -n -x "$folder" true
	# while it is being removed nothing starts
	flock -x "$folder" sleep 100 3>&- &
	first=$!
	wait_for 20 sh -c "! flock -n -s '$folder' true"
	sr -E two -- true
	assert_error 125 "being removed"
	sr -E one -- true
	assert_success
	pkill -P "$first" || true
	kill "$first" 2>/dev/null || true
	wait "$first" || true
}

@test "-E NAME: on a kernel or in a container without openat2" {
	local without=$BUILD/tests/lib/without
	try "$without" openat2=ENOSYS -- "$SANDRUN" -E two --lang python -c 'print(1)'
	assert_success
	assert_output "py -c"
	rm -r "$(tree "$TOP_LAYER")/bin"
	ln -s "$T" "$(tree "$TOP_LAYER")/bin"
	cp "$(command -v busybox)" "$T/py"
	try "$without" openat2=EPERM -- "$SANDRUN" -E two --lang python -c 'print(1)'
	assert_error 127
}

@test "-E NAME: a hostile layer leads nowhere" {
	canary "$T/host/secret" "host secret"
	local name before
	mkdir -p evil/opt
	for name in dev proc work tmp etc run var usr lib home root; do
		ln -s "$T/host" "evil/$name"
	done
	chmod 777 "$T/host"
	cat evil/usr/secret evil/tmp/secret >seen # the control: outside they lead there
	assert_equal "$(sort -u seen)" "host secret"
	name=$(store_layer evil)
	store_name evil "$BASE" "$name" </dev/null
	before=$(store_state)
	sr -E evil -- sh -c 'for n in dev proc work tmp etc run var usr lib home root; do echo x 2>/dev/null >/$n/planted; cat /$n/secret 2>/dev/null; done; ls -d /work /etc/passwd /dev/null /proc/self'
	assert_output $'/dev/null\n/etc/passwd\n/proc/self\n/work'
	assert_equal "$(ls -A "$T/host")" secret
	# as files, FIFOs and sockets under sandrun's names; set-id programs; an interpreter that leads out
	mkdir -p odd/opt odd/bin
	echo x >odd/tmp
	mkfifo odd/work
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("odd/proc")'
	echo x >odd/dev
	ln -s "$T/host" odd/etc
	cp "$(command -v busybox)" odd/bin/id
	chmod 6755 odd/bin/id
	ln -s "$(command -v busybox)" odd/bin/out
	ln -s ../../../../../../../../bin/busybox odd/bin/env
	name=$(store_layer odd)
	store_name odd "$BASE" "$name" <<<$'[languages]\npython = /bin/out'
	try timeout 20 "$SANDRUN" -E odd -- sh -c 'touch /work/f /tmp/f && cat /etc/secret 2>/dev/null; ls /proc/self/comm; echo x >/dev/null; /bin/id -u; /bin/env id -u; ls -L /bin/out'
	assert_contains "$output" $'/proc/self/comm\n1000\n1000'
	refute_contains "$output" secret
	assert_contains "$stderr" "/bin/out"
	sr -E odd --lang python -c x
	assert_error 127
	assert_canaries
	assert_equal "$(ls -A "$T/host")" secret
}

# What overlayfs would hide is hidden from the look before the run as well.
@test "-E NAME: whiteouts, opaque folders and files in a folder's place" {
	mkdir -p hide/opt hide/sbin
	cp "$(command -v busybox)" hide/sbin/tac
	python3 - hide 3>&- <<'END'
import os, stat, sys
root = sys.argv[1]
os.mkdir(root + "/bin")
os.mknod(root + "/bin/act", stat.S_IFCHR | 0o000, 0)  # a whiteout
os.mkdir(root + "/opt/tool")
os.setxattr(root + "/opt/tool", "user.overlay.opaque", b"y")
open(root + "/home", "w").close()
END
	store_name hide "$BASE" "$(store_layer hide)" </dev/null
	sr -E hide -- sh -c 'ls /opt/tool; stat -c %F /home; ls /bin | grep -c act; echo last | tac'
	assert_output $'regular empty file\n0\nlast'
	sr -E hide -- act say x
	assert_error 127 "'act'"
	sr -E one -- act say x # the control
	assert_output "say x: OK"
	sr -E hide -- /bin/../sbin/../bin/sh -c 'echo through'
	assert_output through
}

# The look before the run is under no limit of the sandbox's.
@test "-E NAME: a link that winds through thousands of folders does not keep the host busy" {
	local i deep wind
	local -a all=("$BASE")
	deep=$(printf 'd/%.0s' {1..250})
	wind="/$deep$(printf '../d/%.0s' {1..690})"
	for ((i = 0; i < 30; i++)); do
		mkdir -p "layer$i/$deep" "layer$i/bin"
		if ((i == 29)); then
			cp "$(command -v busybox)" "layer$i/${deep}prog"
			ln -s "${wind}prog" "layer$i/bin/prog"
			ln -s "${wind}prog" "layer$i/bin/python3"
			for name in {100..400}; do
				ln -s "${wind}prog" "layer$i/bin/python$name"
			done
		fi
		all+=("$(store_layer "layer$i")")
	done
	store_name evil "${all[@]}" </dev/null
	try timeout 60 "$SANDRUN" -E evil -- prog
	assert_error 127 prog
	try timeout 60 "$SANDRUN" -E evil --lang python -c 'print(1)'
	assert_error 127
	try timeout 60 "$SANDRUN" -E evil -- echo still
	assert_output still
}

@test "-E NAME: a damaged store is refused" {
	local ini=$STORE/names/two.ini folder keep
	folder=$(dirname "$(tree "$TOP_LAYER")")
	cp "$ini" keep
	mv "$folder" "$folder.gone"
	sr -E two -- true
	assert_error 125 "it is missing" "sandrun environment remove two"
	ln -s "$folder.gone" "$folder"
	sr -E two -- true
	assert_error 125 "layers/"
	rm "$folder"
	mv "$folder.gone" "$folder"
	mv "$folder/tree" "$folder/elsewhere"
	ln -s elsewhere "$folder/tree"
	sr -E two -- true
	assert_error 125 "tree"
	rm "$folder/tree"
	echo x >"$folder/tree"
	sr -E two -- true
	assert_error 125 "tree"
	rm "$folder/tree"
	mv "$folder/elsewhere" "$folder/tree"
	chmod 707 "$folder"
	sr -E two -- true
	assert_error 125 "everybody may write it" "chmod o-w"
	chmod 700 "$folder"
	chmod 701 "$STORE"
	sr -E two -- true
	assert_error 125 "others can enter it" "chmod 700"
	chmod 700 "$STORE"
	chmod 666 "$ini"
	sr -E two -- true
	assert_error 125 "everybody may write it"
	chmod 600 "$ini"
	sr -E two -- true
	assert_success
	for keep in '[image' '' '[image]' "$(sed 's/^digest.*/digest = sha256:0/' keep)" "$(sed 's/sha256:/sha512:/g' keep)" \
		"$(sed 's/^layers.*/layers = ..\/..\/x/' keep)" "$(sed "s/^digest.*/digest = sha256:$(printf x | sha256sum | cut -d' ' -f1)/" keep)" \
		"$(cat keep; printf '[languages]\nnode = bin/relative\n')" "$(cat keep; printf '[variables]\n1 2 = x\n')" \
		"$(cat keep; printf '[unheard]\nof = x\n')" "$(printf '[image]\ndigest = %s\nlayers = %s %s\n' "$BASE" "$BASE" "$BASE")" \
		"$(cat keep; printf '[run]\nprofile = %s\n' "$(printf '%0300d' 0)")"; do
		printf '%s\n' "$keep" >"$ini"
		sr -E two -- true
		assert_error 125 "two.ini" "sandrun environment remove two"
	done
	{
		cat keep
		head -c 70000 /dev/zero
	} >"$ini"
	sr -E two -- true
	assert_error 125 "too large"
	rm "$ini"
	mkfifo "$ini"
	try timeout 20 "$SANDRUN" -E two -- true
	assert_error 125 "not a regular file"
	rm "$ini"
	ln -s "$T/keep" "$ini"
	sr -E two -- true
	assert_error 125 "link"
	rm "$ini"
	mkdir "$ini"
	sr -E two -- true
	assert_error 125 "not a regular file"
	rmdir "$ini"
	cp keep "$ini"
	sr -E two -- true
	assert_success
}

@test "-E NAME: two hundred layers are all there, or that is said" {
	local -a all=("$BASE")
	local i
	for ((i = 1; i < 200; i++)); do
		mkdir -p "l/n"
		echo "$i" >"l/n/$i"
		echo "$i" >l/last
		all+=("$(store_layer l)")
	done
	store_name many "${all[@]}" </dev/null
	sr -E many -- sh -c 'cat /last; set -- /n/*; echo $#'
	assert_success
	assert_output $'199\n199'
	ulimit -Sn 200
	sr -E many -- true
	assert_error 125 "ulimit -n"
}
