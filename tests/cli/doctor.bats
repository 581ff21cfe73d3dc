#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# doctor tells what a machine can do by trying. With a thing taken away its row says so with the mend, and a run under the
# same conditions either goes on or is refused for the same reason with the same mend.

load ../lib/common
load ../lib/under

WITHOUT=$BUILD/tests/lib/without

setup() {
	require_cmd jq
	export HOME=$T/home
	unset XDG_CACHE_HOME XDG_RUNTIME_DIR
	mkdir "$HOME"
	PLAIN=$SANDRUN
	# run by root, the program's user owns nothing: what it is shown must be open to all
	[ "$(id -u)" != 0 ] || chmod o+x "$BATS_RUN_TMPDIR" "$(dirname "$T")" "$T"
}

untouched() {
	SANDRUN=$PLAIN
}

# doctor, its rows in $T/doctor.json; 0, 1 or 2 is its answer.
doctor() {
	sr doctor --json
	assert_match "$status" '^[012]$' || return 1
	assert_stderr "" || return 1
	printf '%s\n' "$output" >"$T/doctor.json"
	assert_equal "$(jq .status "$T/doctor.json")" "$status"
}

# row ID FIELD
row() {
	jq -r --arg id "$1" --arg field "$2" '.capabilities[] | select(.id == $id) | .[$field]' "$T/doctor.json"
}

ids() {
	jq -r '.capabilities[].id' "$T/doctor.json"
}

# What no test machine has: cgroup v2 with controllers and a systemd session. These rows may be anything here.
MACHINES_OWN='^(cgroup.*|systemd-session|swap|kernel-advisories)$'

# Rows that an older kernel has degraded: it is the version that says so, not doctor.
too_old() {
	local major minor
	IFS=.- read -r major minor _ < <(uname -r)
	((major * 1000 + minor >= 6006)) || echo overlay-tmpfs
	((major * 1000 + minor >= 6012)) || echo landlock
}

# Rows that must be ok on any machine that runs the suite.
sound() {
	ids | grep -vE "$MACHINES_OWN" | grep -vxF "$(too_old)"
}

# --- a machine as it is ---------------------------------------------------------------------------------------------------

@test "every capability that a run uses is ok here; the status counts those that are not" {
	doctor
	local id bad
	[ "$(sound | wc -l)" -ge 20 ]
	for id in $(sound); do
		assert_equal "$id: $(row "$id" state)" "$id: ok" || return 1
		assert_equal "$id: $(row "$id" mend)" "$id: null"
	done
	bad=$(jq -r '.capabilities[] | select(.state != "ok") | .id' "$T/doctor.json")
	assert_equal "$status" "$([ -n "$bad" ] && echo 1 || echo 0)"
	assert_equal "$(jq -r '.capabilities[] | select(.state == "missing") | .id' "$T/doctor.json")" ""
}

@test "text: one line a capability in the same order, hints below, a last line that judges" {
	doctor
	local want=$status
	sr doctor
	assert_status "$want"
	assert_stderr ""
	assert_equal "$(grep -E '^(ok|degraded|missing) +' <<<"$output" | awk '{ print $1, $2 }')" \
		"$(jq -r '.capabilities[] | .state + " " + .id' "$T/doctor.json")"
	assert_equal "$(grep -c '^ *hint: ' <<<"$output")" "$(jq '[.capabilities[] | select(.mend)] | length' "$T/doctor.json")"
	assert_match "${lines[-1]}" '^sandrun runs here'
	assert_equal "$(ids | sort | uniq -d)" ""
	refute_contains "$output" $'\033'
}

@test "what holds the limits is what the report of a run says" {
	doctor
	printf '[profile]\nextends = default\n[limits]\nio.weight = 100\n' >"$T/weighed.ini"
	sr --report "$T/report.json" -p "$T/weighed.ini" -- true
	assert_success
	local pair id what text
	for pair in cgroup-memory=memory.max cgroup-pids=pids.max cgroup-cpu=cpu.max cgroup-io=io.weight; do
		id=${pair%=*} what=${pair#*=}
		text=$(jq -r --arg what "$what" '.notes[] | select(.what == $what) | .text' "$T/report.json")
		if [ -n "$text" ]; then
			assert_equal "$(row "$id" state) $(row "$id" text)" "degraded $text"
		else
			assert_equal "$(row "$id" state)" ok
		fi
	done
	assert_equal "$(report .enforced.cgroup | grep -c none)" "$(row cgroup text | grep -c 'held by rlimits')"
	assert_contains "$(row landlock text)" "ABI $(report .enforced.landlockAbi)"
}

@test "libseccomp: the version that built the tables, and that the filters are sandrun's own" {
	doctor
	assert_match "$(row libseccomp text)" '^version [0-9]+\.[0-9]+\.[0-9]+ .*own.*2\.6\.1'
}

# --- with one thing taken away ----------------------------------------------------------------------------------------------

# goes_on ROW TEXT MEND: the row is degraded with these words, nothing else is, and a run still works.
goes_on() {
	doctor
	assert_status 1
	assert_equal "$1: $(row "$1" state)" "$1: degraded" || return 1
	assert_contains "$(row "$1" text)" "$2" || return 1
	assert_contains "$(row "$1" mend)" "$3" || return 1
	assert_equal "$(row run state)" ok
	assert_equal "$(jq -r '.capabilities[] | select(.state != "ok") | .id' "$T/doctor.json" | grep -vE "$MACHINES_OWN" |
		grep -vxF "$(too_old | grep -vx "$1")")" "$1" || return 1
	sr -- echo ran
	assert_success
	assert_output ran
}

# refused ROW TEXT MEND CODE: the row is missing, and a run is refused in the same words with the same mend.
refused() {
	doctor
	assert_status 2
	assert_equal "$1: $(row "$1" state)" "$1: missing" || return 1
	assert_contains "$(row "$1" text)" "$2" || return 1
	assert_contains "$(row "$1" mend)" "$3" || return 1
	assert_equal "$(row run state)" missing
	assert_equal "$(row "$1" tried)" true
	sr --error-format=json -- true
	assert_status 125
	assert_output ""
	assert_equal "$(jq -r .code <<<"$stderr")" "$4" || return 1
	assert_equal "$(jq -r .message <<<"$stderr")" "$(row "$1" text)" || return 1
	assert_equal "$(jq -r 'if .hint == "" then null else .hint end' <<<"$stderr")" "$(row "$1" mend)"
}

FILTERED='forbids it' # a container's filter or another one, by where the suite runs

@test "calls that a run can do without" {
	local call answer id lost
	while read -r call answer id lost; do
		without "$call=$answer"
		goes_on "$id" "$lost" "$FILTERED" || sr_fail "$call=$answer" || return 1
	done <<-'END'
		clone3 ENOSYS clone3 clone is used instead
		clone3 EPERM clone3 clone is used instead
		openat2 ENOSYS openat2 walked component by component
		openat2 EPERM openat2 walked component by component
		close_range ENOSYS close-range one by one
		close_range EPERM close-range one by one
		pidfd_send_signal ENOSYS pidfd closing its control socket
	END
}

@test "without Landlock: the words of the run's report" {
	local answer
	for answer in ENOSYS EPERM; do
		without landlock=$answer
		goes_on landlock "" "$FILTERED"
		sr --report "$T/report.json" -- true
		assert_equal "$(report '.notes[] | select(.what == "landlock") | .text')" "$(row landlock text)"
	done
}

@test "without mount_setattr: what is lost is refused by a run, with the same mend" {
	without mount_setattr=ENOSYS
	goes_on mount-setattr "--bind of a single file" "$FILTERED"
	echo data >"$T/data"
	sr --error-format=json --bind "$T/data:/data" -- cat /data
	assert_status 125
	assert_equal "$(jq -r .hint <<<"$stderr")" "$(row mount-setattr mend)"
	untouched
	sr --bind "$T/data:/data" -- cat /data
	assert_output data
}

@test "without user xattrs on tmpfs (finding 7): -E DIR says so with the same words" {
	[[ $(too_old) != *overlay-tmpfs* ]] || skip "this kernel lacks them"
	without setxattr=EPERM
	goes_on overlay-tmpfs "removing or renaming a folder of the image fails" "$FILTERED"
	mkdir -p "$T/image/usr/bin" "$T/image/bin"
	cp "$(command -v busybox)" "$T/image/bin/sh"
	sr -E "$T/image" --report "$T/report.json" -- /bin/sh -c 'echo ran'
	assert_success
	assert_contains "$(row overlay-tmpfs text)" "$(report '.notes[] | select(.what == "overlay-xattr") | .text')"
}

@test "a mount below /usr: no overlay of it, which the report of a run says too" {
	[ -d /usr/games ] || skip "no /usr/games to mount on"
	without tmpfs:/usr/games
	goes_on overlay "/usr is a read-only bind" "unmount"
	sr --report "$T/report.json" -- true
	assert_contains "$(row overlay text)" "$(report '.notes[] | select(.what == "overlay") | .text')"
}

@test "what no sandbox can do without is missing, and refused in the same words" {
	without userns
	refused user-namespaces "cannot make the sandbox's namespaces: Operation not permitted" "$FILTERED" E_USERNS_DENIED
	without mount=EPERM
	refused mounts "cannot make mounts private: Operation not permitted" "$FILTERED" E_MOUNT
	without pivot_root=EPERM
	refused pivot-root "cannot change to the new root: Operation not permitted" "$FILTERED" E_MOUNT
	without sethostname=EPERM
	refused namespaces "cannot set the host name: Operation not permitted" "$FILTERED" E_NAMESPACE
	without seccomp=ENOSYS
	refused seccomp "cannot install the seccomp filter" "$FILTERED" E_SECCOMP
	without seccomp=EPERM
	refused seccomp "cannot install the seccomp filter: Operation not permitted" "$FILTERED" E_SECCOMP
	without signalfd4=EPERM
	refused run "cannot watch signals: Operation not permitted" "" E_SETUP
}

@test "rows behind one that is missing were not tried, and say so" {
	without pivot_root=EPERM
	doctor
	local id
	for id in user-namespaces namespaces uid-map mounts procfs overlay; do # its steps come first
		assert_equal "$id $(row $id state)" "$id ok"
	done
	for id in network pty capabilities landlock seccomp; do
		assert_equal "$id $(row $id state) $(row $id tried) $(row $id mend)" "$id missing false null"
		assert_contains "$(row $id text)" "not tried"
	done
}

@test "a masked /proc, as in Docker: the mend with --proc none, which works; all else is known" {
	without null:/proc/keys
	refused procfs "cannot mount a fresh /proc: Operation not permitted" "systempaths=unconfined" E_PROC
	assert_contains "$(row procfs mend)" "--proc none"
	assert_contains "$(row run text)" "--proc none"
	local id
	for id in $(sound | grep -vE '^(procfs|run)$'); do
		assert_equal "$id $(row "$id" state)" "$id ok" || return 1
	done
	sr --proc none -- true
	assert_success
	without readonly:/proc/sys
	refused procfs "cannot mount a fresh /proc: Operation not permitted" "--proc none" E_PROC
	assert_equal "$(row namespace-ceilings state)" degraded
	sr --proc none --report "$T/report.json" -- true
	assert_contains "$(row namespace-ceilings text)" "$(report 'first(.notes[] | select(.what == "user-sysctl") | .text)')"
}

@test "no /proc at all: doctor answers" {
	require_plain "no /proc"
	without tmpfs:/proc
	if [ "$(id -u)" = 0 ]; then
		refused run "cannot find an unused user id" "as an ordinary user" E_NAMESPACE
	else
		refused uid-map "cannot map the user id" "mount -t proc" E_USERNS_DENIED
		assert_equal "$(row uid-map needsRoot)" true
	fi
	sr doctor --apparmor
	assert_error 125 "cannot find out where sandrun is"
}

@test "a filter that kills: doctor survives and says so" {
	without openat2=KILL
	doctor
	assert_status 2
	assert_equal "$(row openat2 state)" missing
	assert_contains "$(row openat2 text)" "kills"
	assert_contains "$(row run text)" "a seccomp filter killed it"
	sr -- true
	[ "$status" -ne 0 ]
}

# --- why there are no user namespaces -----------------------------------------------------------------------------------------

# no_userns TEXT MEND CODE ROOT: refused() by the row user-namespaces
no_userns() {
	refused user-namespaces "$1" "$2" "$3"
	assert_equal "$(row user-namespaces needsRoot)" "$4"
}

# A folder over /proc/sys/kernel with one file in it.
kernel_sysctl() {
	rm -rf "$T/kernel"
	mkdir "$T/kernel"
	echo "$2" >"$T/kernel/$1"
}

# In a namespace that maps nobody, clone answers EPERM and no filter is in sight.
@test "the sysctls, AppArmor, an id that is not mapped and a filter are told apart" {
	require_user
	under unshare -U
	no_userns "cannot make the sandbox's namespaces: Operation not permitted" "does not map its user" E_USERNS_DENIED false
	kernel_sysctl apparmor_restrict_unprivileged_userns 1
	under "$WITHOUT" "bind:$T/kernel:/proc/sys/kernel" -- unshare -U
	no_userns "AppArmor restricts them" "sandrun doctor --apparmor >/etc/apparmor.d/sandrun" E_APPARMOR true
	kernel_sysctl apparmor_restrict_unprivileged_userns 0
	no_userns "Operation not permitted" "does not map its user" E_USERNS_DENIED false
	kernel_sysctl unprivileged_userns_clone 0
	no_userns "Operation not permitted" "sysctl -w kernel.unprivileged_userns_clone=1" E_USERNS_DENIED true
	kernel_sysctl unprivileged_userns_clone 1
	no_userns "Operation not permitted" "does not map its user" E_USERNS_DENIED false
	# a filter is proven by a call that the kernel would answer otherwise: the sysctl is not blamed for it
	kernel_sysctl apparmor_restrict_unprivileged_userns 1
	without "bind:$T/kernel:/proc/sys/kernel" userns
	no_userns "Operation not permitted" "$FILTERED" E_USERNS_DENIED false
	# nor AppArmor for a /proc that is masked
	without "bind:$T/kernel:/proc/sys/kernel"
	refused procfs "cannot mount a fresh /proc" "--proc none" E_PROC
}

# An ordinary user of a new user namespace with these lines written in its /proc/sys/user: SYSCTL=VALUE...
under_ceilings() {
	printf '%s\n' '#!/bin/bash' 'while [ "$1" != -- ]; do echo "${1#*=}" >/proc/sys/user/${1%%=*} || exit 99; shift; done; shift' \
		'exec setpriv --inh-caps=-all --ambient-caps=-all "$@"' >"$T/ceilings"
	chmod +x "$T/ceilings"
	under unshare -U --map-current-user --keep-caps "$T/ceilings" "$@" --
}

@test "ceilings of namespaces: none allowed, or all used up" {
	require_user
	under_ceilings max_user_namespaces=100
	sr -- true
	assert_success
	under_ceilings max_user_namespaces=0
	no_userns "cannot make the sandbox's namespaces: No space left" "sysctl -w user.max_user_namespaces" E_USERNS_DENIED true
	under_ceilings max_net_namespaces=0
	doctor
	assert_status 2
	assert_equal "$(row user-namespaces state)" ok
	assert_contains "$(row namespaces text)" "(the network namespace)"
	sr --error-format=json -- true
	assert_equal "$(jq -r .hint <<<"$stderr")" "$(row namespaces mend)"
	assert_contains "$(row namespaces text)" "$(jq -r .message <<<"$stderr")"
}

@test "in a chroot: the mend names it" {
	require_user
	require_plain "a root of its own"
	file "$PLAIN" | grep -q static || skip "a build that is not static cannot start in an empty chroot"
	mkdir -p "$T/root/proc" "$T/root/dev" "$T/root/tmp" "$T/root/usr/bin"
	cp "$PLAIN" "$T/root/sandrun"
	printf '%s\n' '#!/bin/bash' 'shift # the program outside' \
		"mount --rbind /proc '$T/root/proc' && mount --rbind /dev '$T/root/dev' && mount --rbind /usr '$T/root/usr' || exit 99" \
		"ln -sf usr/lib '$T/root/lib'; ln -sf usr/lib64 '$T/root/lib64'; ln -sf usr/bin '$T/root/bin'" \
		"PATH=\$PATH:/usr/sbin:/sbin exec chroot '$T/root' /sandrun \"\$@\"" >"$T/chrooted"
	chmod +x "$T/chrooted"
	under unshare -Urm "$T/chrooted"
	doctor
	assert_status 2
	assert_contains "$(row user-namespaces mend)" "chroot"
}

@test "inside sandrun: says that it is" {
	require_plain "a sandbox"
	local options
	for options in "--proc fresh" "--proc none"; do
		# shellcheck disable=SC2086
		sr $options --bind "$SANDRUN:/inner" -- /inner doctor --json
		[ "$status" != 127 ] || skip "a build that is not static does not start inside"
		assert_status 2
		printf '%s\n' "$output" >"$T/doctor.json"
		assert_contains "$(row user-namespaces text)" "inside a sandrun sandbox"
		assert_equal "$(row user-namespaces mend)" "run the inner program directly: it is isolated already"
		# shellcheck disable=SC2086
		sr $options --bind "$SANDRUN:/inner" -- /inner --error-format=json -- true
		assert_equal "$(jq -r .message <<<"$stderr")" "$(row user-namespaces text)"
		assert_equal "$(jq -r .hint <<<"$stderr")" "$(row user-namespaces mend)"
	done
}

# --- other rows -----------------------------------------------------------------------------------------------------------------

@test "hidepid: found every time" {
	require_user
	printf '%s\n' '#!/bin/bash' 'mount -o remount,hidepid=invisible /proc || exit 99' \
		'exec unshare -U --map-user=1000 --map-group=1000 "$@"' >"$T/hiding"
	chmod +x "$T/hiding"
	under unshare -Urpfm --mount-proc "$T/hiding"
	local i
	for i in 1 2 3 4 5; do
		goes_on proc-visible "hidepid" "as root: mount -o remount,hidepid=0 /proc" || return 1
		# A run says so as well, whether or not it started before PID 1 was hidden.
		sr -v -- sleep 0.3
		assert_success
		assert_contains "$stderr" "/proc here hides the sandbox" || return 1
	done
}

@test "swap is named" {
	echo 'Filename				Type		Size		Used		Priority' >"$T/swaps"
	without "bind:$T/swaps:/proc/swaps"
	doctor
	[ "$(row cgroup-memory state)" != ok ] || skip "a cgroup keeps runs out of the swap here"
	jq -e . "$T/doctor.json" | grep -q 'this machine swaps' && skip "this machine swaps"
	assert_equal "$(row swap state)" ok
	printf '/dev/\033[31mdisk\\040a partition 1000 0 -2\n/dev/sdb2 partition 1000 0 -3\n' >>"$T/swaps"
	doctor
	assert_equal "$(row swap state) $(row swap needsRoot)" "degraded true"
	assert_contains "$(row swap text)" '/dev/\x1b[31mdisk'
	assert_contains "$(row swap mend)" "swapoff -a"
}

@test "a systemd session: none, a bus that does not answer, a bus without a manager" {
	[ ! -S "/run/user/$(id -u)/bus" ] || skip "this machine has a session"
	doctor
	[ "$(row systemd-session state)" != ok ] || skip "this machine has a session"
	assert_equal "$(row systemd-session state)" degraded
	assert_contains "$(row systemd-session mend)" "loginctl enable-linger"
	mkdir "$T/run"
	python3 - "$T/run/bus" <<'END' &
import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(5); time.sleep(100)
END
	local bus=$!
	wait_for 10 test -S "$T/run/bus"
	export XDG_RUNTIME_DIR=$T/run
	doctor
	assert_contains "$(row systemd-session text)" "answers at $T/run/bus, but no scope came of it"
	kill "$bus"
	wait "$bus" || true
	doctor
	assert_contains "$(row systemd-session text)" "Connection refused"
	assert_contains "$(row systemd-session mend)" "loginctl enable-linger"
}

# --- surroundings -----------------------------------------------------------------------------------------------------------------

@test "without HOME, in an empty environment, with closed descriptors" {
	doctor
	local want=$status
	under env -u HOME
	doctor
	assert_status "$want"
	under env -i
	doctor
	assert_status "$want"
	untouched
	sr_raw doctor <&- >"$T/seen" 2>"$T/err" || assert_equal "$?" "$want"
	assert_contains "$(cat "$T/seen")" "sandrun runs here"
	sr_raw doctor >&- 2>&- || assert_equal "$?" "$want"
}

@test "standard input is not touched" {
	printf 'one\ntwo\n' >"$T/in"
	{
		sr_raw doctor >/dev/null || true
		cat
	} <"$T/in" >"$T/rest"
	assert_equal "$(cat "$T/rest")" $'one\ntwo'
}

@test "a full disk and a reader that left are no success" {
	local form
	for form in "" --json --apparmor; do
		# shellcheck disable=SC2086
		sr_raw doctor $form >/dev/full 2>"$T/err" && status=0 || status=$?
		assert_equal "$form $status" "$form 125"
		assert_contains "$(cat "$T/err")" "sandrun: output: cannot write to standard output: No space left"
	done
	{ sleep 0.2; sr_raw doctor 2>"$T/err" || echo "$?" >"$T/status"; } | true
	assert_equal "$(cat "$T/status")" 125
	assert_contains "$(cat "$T/err")" "Broken pipe"
}

@test "options that doctor does not have" {
	local word
	for word in --jsno -j x --json=1 ''; do
		sr doctor "$word"
		assert_error 125 "no such option of doctor" "sandrun doctor [--json | --apparmor]"
	done
	sr doctor --json --apparmor
	assert_error 125 "--apparmor"
	sr -q doctor
	assert_error 125 "a subcommand stands first"
	sr doctor $'\033[31m'
	refute_contains "$stderr" $'\033'
	sr --help
	assert_contains "$output" "doctor"
}

@test "a profile and settings of the user's that cannot be read: said by doctor as by a run" {
	mkdir -p "$HOME/.config/sandrun/profiles"
	local file message
	for file in profiles/default.ini config.ini; do
		echo '[nonsense]' >"$HOME/.config/sandrun/$file"
		sr --error-format=json -- true
		assert_status 125
		message=$(jq -r .message <<<"$stderr")
		assert_contains "$message" "$file"
		doctor
		assert_status 2
		assert_equal "$(row run text)" "$message"
		rm "$HOME/.config/sandrun/$file"
	done
}

# --- AppArmor ---------------------------------------------------------------------------------------------------------------------

# The profile of a text, its program called @SANDRUN@.
profile_of() {
	sed -n '/^abi <abi/,/^}/p' | sed -E 's,^(profile sandrun )/[^ ]+ ,\1@SANDRUN@ ,'
}

@test "--apparmor: the shipped text with the path of this very sandrun; the README's is the same" {
	sr doctor --apparmor
	assert_success
	assert_stderr ""
	assert_contains "$output" "profile sandrun $(realpath "$SANDRUN") flags=(unconfined) {"
	local shipped
	shipped=$(grep -v '^#' "$TOP/apparmor/sandrun.in")
	assert_contains "$shipped" "userns,"
	assert_equal "$(profile_of <<<"$output")" "$shipped"
	assert_equal "$(profile_of <"$TOP/README.md")" "$shipped"
}

@test "--apparmor: by a link the program itself is named; a path that AppArmor would read otherwise is refused" {
	mkdir "$T/bin"
	cp "$SANDRUN" "$T/bin/sandrun"
	ln -s bin/sandrun "$T/link"
	SANDRUN=$T/link
	sr doctor --apparmor
	assert_contains "$output" "profile sandrun $T/bin/sandrun flags"
	local name
	for name in 'a b' 'a*' 'a{b,c}' 'a"b' '@{HOME}' $'a\nb' 'ä'; do
		mkdir "$T/$name"
		cp "$T/bin/sandrun" "$T/$name/sandrun"
		SANDRUN=$T/$name/sandrun
		sr doctor --apparmor
		assert_error 125 "cannot write an AppArmor profile" "/usr/local/bin/sandrun" || return 1
	done
}

@test "make install puts the profile where configure was told, and nowhere by default" {
	[ -x "$TOP/configure" ] || skip "no configure beside the sources"
	require_cmd make gcc
	assert_equal "$(sed -n 's/^apparmordir = //p' "$BUILD/Makefile")" no
	mkdir "$T/b"
	cd "$T/b"
	on_host "$TOP/configure" -q --prefix=/usr --sysconfdir=/etc --with-apparmordir
	on_host make install-apparmorDATA DESTDIR="$T/root"
	assert_equal "$(cd "$T/root" && find . -type f)" ./etc/apparmor.d/sandrun
	assert_equal "$(cat "$T/root/etc/apparmor.d/sandrun")" "$(grep -v '^#' "$TOP/apparmor/sandrun.in" | sed 's,@SANDRUN@,/usr/bin/sandrun,')"
}

# --- nothing is left ----------------------------------------------------------------------------------------------------------------

# What a doctor could leave: files, mounts, cgroups, processes.
traces() {
	find "$HOME" "$T/tmp" "$T/run" /dev/shm 2>/dev/null | sort
	find /tmp /run/sandrun -maxdepth 1 -newer "$T/before" -name '*sandrun*' ! -path "$BATS_RUN_TMPDIR*" 2>/dev/null | sort
	awk '{ print $5, $9 }' /proc/self/mountinfo
	find /sys/fs/cgroup -name 'sandrun-doctor*' 2>/dev/null
	pgrep -f "^$T/own" || true
}

own_copy() {
	cp "$PLAIN" "$T/own"
	SANDRUN=$T/own
	mkdir "$T/tmp" "$T/run"
	export TMPDIR=$T/tmp XDG_RUNTIME_DIR=$T/run
	touch "$T/before"
}

@test "nothing is left behind" {
	own_copy
	local before
	before=$(traces)
	sr doctor
	assert_match "$status" '^[01]$'
	assert_equal "$(traces)" "$before"
}

gone() {
	! pgrep -f "^$T/own" >/dev/null
}

@test "nothing is left behind by a doctor that is ended anywhere on its way" {
	own_copy
	local before i pid signals=(KILL TERM HUP KILL TERM) hits=0 rc
	before=$(traces)
	for ((i = 0; i < 60; i++)); do
		"$T/own" doctor >"$T/out" 2>&1 3>&- &
		pid=$!
		sleep "0.0$(printf '%02d' "$((i % 30))")"
		kill -"${signals[i % 5]}" "$pid" 2>/dev/null || true
		rc=0
		wait "$pid" 2>/dev/null || rc=$?
		[ "$rc" -le 128 ] || hits=$((hits + 1))
	done
	[ "$hits" -gt 5 ] || sr_fail "only $hits of 60 were ended on their way: this test shows nothing" || return 1
	wait_for 10 gone
	assert_equal "$(traces)" "$before"
}

@test "two at a time do not disturb each other" {
	doctor
	local want=$status i pids=() rc
	for i in {1..6}; do
		sr_raw doctor --json >"$T/out.$i" &
		pids+=("$!")
	done
	for i in {1..6}; do
		rc=0
		wait "${pids[i - 1]}" || rc=$?
		assert_equal "$rc" "$want"
		assert_equal "$(jq -c '[.capabilities[].state]' "$T/out.$i")" "$(jq -c '[.capabilities[].state]' "$T/doctor.json")"
	done
}
