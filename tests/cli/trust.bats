#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the caller's surroundings could do to sandrun, and what of them could reach the program.

load ../lib/common

WITHOUT=$BUILD/tests/lib/without

setup() {
	cd "$T"
}

# A library, and files for the interpreters, that tell on themselves by writing $T/told.
tell_tales() {
	require_cmd gcc
	cat >tale.c <<END
#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void tell(void)
{
	char name[64] = "";
	FILE *f = fopen("/proc/self/comm", "r"), *out = fopen("$T/told", "a");

	if (f && fgets(name, sizeof(name), f) && out)
		fprintf(out, "%s", name);
	(void)!write(2, "TALE\n", 5);
	if (f)
		fclose(f);
	if (out)
		fclose(out);
}
unsigned la_version(unsigned v) { return v; }
END
	gcc -shared -fPIC -o tale.so tale.c
	echo 'import sys; sys.stderr.write("TALE\n")' >tale.py
	cp tale.py sitecustomize.py
	echo 'process.stderr.write("TALE\n")' >tale.js
	echo 'echo TALE >&2' >tale.sh
	echo 'print STDERR "TALE\n"; 1;' >tale.pm
	echo '$stderr.puts "TALE"' >tale.rb
	echo 'io.stderr:write("TALE\n")' >tale.lua
}

TALES=(LD_AUDIT PYTHONSTARTUP PYTHONPATH PYTHONHOME PYTHONINSPECT NODE_OPTIONS NODE_PATH BASH_ENV ENV PERL5OPT PERL5LIB
	GCONV_PATH RUBYOPT RUBYLIB LUA_INIT LUA_PATH LD_LIBRARY_PATH LD_DEBUG R_PROFILE PHPRC JAVA_TOOL_OPTIONS IFS TMPDIR
	GIT_DIR GIT_CONFIG_GLOBAL MALLOC_CHECK_ GLIBC_TUNABLES LOCPATH NLSPATH TERMINFO HOSTALIASES SHELLOPTS PS4 EDITOR)

# A sandrun that is not static is itself the loader's to start, with what the caller's variables say: that is the caller's affair.
dynamic() {
	file -L "$SANDRUN" | grep -q 'dynamically linked'
}

with_tales() {
	local loader=(LD_AUDIT="$T/tale.so" LD_DEBUG=all LD_DEBUG_OUTPUT="$T/debug")
	! dynamic || loader=(LD_AUDIT= LD_DEBUG=)
	env "${loader[@]}" PYTHONSTARTUP="$T/tale.py" PYTHONPATH="$T" PYTHONHOME=/nonexistent PYTHONINSPECT=1 \
		NODE_OPTIONS="--require $T/tale.js" NODE_PATH="$T" BASH_ENV="$T/tale.sh" ENV="$T/tale.sh" PERL5OPT="-I$T -Mtale" \
		PERL5LIB="$T" GCONV_PATH="$T" RUBYOPT="-r$T/tale.rb" RUBYLIB="$T" LUA_INIT="@$T/tale.lua" LUA_PATH="$T/?.lua" \
		LD_LIBRARY_PATH="$T" R_PROFILE="$T/tale.R" PHPRC="$T" JAVA_TOOL_OPTIONS=-version \
		IFS=x TMPDIR="$T" GIT_DIR="$T" GIT_CONFIG_GLOBAL="$T/tale.sh" MALLOC_CHECK_=3 GLIBC_TUNABLES=glibc.malloc.check=3 \
		LOCPATH="$T" NLSPATH="$T" TERMINFO="$T" HOSTALIASES="$T/tale.sh" PS4='$(echo TALE >&2)' EDITOR="$T/tale.sh" "$@" 3>&-
}

@test "variables that make an interpreter or the loader run something reach nothing inside" {
	tell_tales
	# the controls: outside each of these tells
	try env BASH_ENV="$T/tale.sh" bash -c true
	assert_contains "$stderr" TALE
	try env PYTHONPATH="$T" python3 -c 1
	assert_contains "$stderr" TALE
	try env LD_PRELOAD="$T/tale.so" /bin/true
	assert_contains "$stderr" TALE
	assert_contains "$(cat told)" true
	rm told
	local want
	want=$(printf '%s\n' "${TALES[@]}" | LC_ALL=C sort)
	assert_equal "$(with_tales bash -c 'compgen -e' 2>/dev/null | grep -cxFf <(echo "$want"))" "$((${#TALES[@]} - 1))" # SHELLOPTS is the shell's
	rm -f told debug*

	sr_capture with_tales "$SANDRUN" -- env
	assert_success
	assert_equal "$(grep -oE '^[A-Z_0-9]+' <<<"$output" | grep -xFf <(echo "$want"))" TMPDIR
	assert_contains "$output" TMPDIR=/tmp
	assert_stderr ''
	sr_capture with_tales "$SANDRUN" --lang bash -c 'set -x; : here'
	refute_contains "$stderr" TALE
	sr_capture with_tales "$SANDRUN" --lang python -c 'import sys; print(sys.prefix)'
	assert_success
	assert_output /usr
	assert_stderr ''
	local lang
	for lang in "sh true" "perl 1" "node 1" "ruby 1" "lua x=1"; do
		command -v "${lang%% *}" >/dev/null || continue
		sr_capture with_tales "$SANDRUN" --lang "${lang%% *}" -c "${lang#* }"
		assert_success
		assert_stderr ''
	done
	[ ! -e told ]
	assert_equal "$(find . -name 'debug*')" ""
}

@test "the helper that writes archives gets none of them either" {
	tell_tales
	[ -x "$BUILD/sandrun-archive" ] || skip "no sandrun-archive in the build tree"
	local library preload=(LD_PRELOAD="$T/tale.so")
	library=$(ldd "$BUILD/sandrun-archive" | sed -n 's/^[[:space:]]*\(libarchive[^ ]*\) =>.*/\1/p')
	! dynamic || preload=()
	mkdir lib
	[ -z "$library" ] || cp tale.so "lib/$library"
	if ! dynamic; then # the control
		try env LD_PRELOAD="$T/tale.so" "$BUILD/sandrun-archive" </dev/null
		assert_contains "$stderr" TALE
		rm told
	fi
	try env "${preload[@]}" LD_LIBRARY_PATH="$T/lib" "$SANDRUN" -o f --output-archive "$T/out.tar.gz" -- sh -c 'echo x >f'
	assert_success
	assert_equal "$(tar -xzOf out.tar.gz f)" x
	[ ! -e told ]
}

@test "the caller's PATH and folder offer programs that are not used" {
	mkdir bin
	local name
	for name in python3 sh env sandrun-archive tar gzip cc gcc; do
		printf '#!/bin/sh\necho TALE >&2\n' >"bin/$name"
		chmod 755 "bin/$name"
		cp "bin/$name" .
	done
	PATH=$T/bin:.:$PATH try "$(command -v env)" -- "$T/bin/sh" -c 1
	assert_contains "$stderr" TALE # the control
	sr_capture /usr/bin/env PATH="$T/bin:.:$PATH" "$SANDRUN" -o f --output-archive o.tar.gz --lang python -c 'open("f", "w").write("x"); print(1)' 3>&-
	assert_success
	assert_output 1
	assert_stderr ''
	assert_equal "$(tar -xzOf o.tar.gz f)" x
}

@test "inside itself it refuses, in every form" {
	cp "$SANDRUN" inner
	# a build with sanitizers wants address space, core limits and ptrace; others ignore the variable
	local form sanitizer=(--setenv ASAN_OPTIONS=disable_coredump=0:detect_leaks=0)
	for form in "-- true" "--lang sh -c true" "--proc none -- true" "-q -E host -- true"; do
		# shellcheck disable=SC2086  # words
		sr -m unlimited "${sanitizer[@]}" -i inner -- ./inner --error-format=json $form
		assert_status 125
		assert_equal "$(jq -r .code <<<"$stderr")" E_NESTED
		assert_contains "$(jq -r .hint <<<"$stderr")" "isolated already"
	done
	sr -m unlimited "${sanitizer[@]}" -i inner -- ./inner --version
	assert_success
	sr -m unlimited "${sanitizer[@]}" -i inner -- env -u SANDRUN ./inner -- true
	assert_error 125 "inside a sandrun sandbox"
	try env SANDRUN=1 "$SANDRUN" -- true # the name alone makes no sandbox
	assert_success
}

@test "open descriptors of the caller: none inside, with close_range and without" {
	local fds without
	fds=$(probe fds)
	cp "$fds" fds
	# the control: they are inherited
	try "$fds" serve "$fds"
	[ "${#lines[@]}" -ge 198 ]
	try "$fds" serve "$SANDRUN" -i fds -- ./fds
	assert_success
	assert_output $'0 pipe\n1 pipe\n2 pipe'
	for without in close_range=ENOSYS close_range=EPERM; do
		try "$fds" serve "$WITHOUT" "$without" -- "$SANDRUN" -i fds -- ./fds
		assert_success
		assert_output $'0 pipe\n1 pipe\n2 pipe'
	done
	# at the far end of a high limit, and where the limit was lowered below them afterwards
	try bash -c 'ulimit -n "$(ulimit -Hn)"; top=$(($(ulimit -n) - 1)); [ $top -lt 60000 ] || top=60000
		eval "exec $top</etc/passwd 900</etc/hosts"; ulimit -n 64; exec "$@"' - \
		"$WITHOUT" close_range=ENOSYS -- "$SANDRUN" -i fds -- ./fds
	assert_success
	assert_output $'0 pipe\n1 pipe\n2 pipe'
}

@test "no descriptor of sandrun's own is left in the program's helper processes" {
	sr --lang python -c 'import os, subprocess
print(sorted(os.listdir("/proc/self/fd"))[:3])
print(subprocess.run(["ls", "/proc/self/fd"], capture_output=True, text=True, close_fds=False).stdout.split())'
	assert_success
	assert_output "['0', '1', '2']
['0', '1', '2', '3']"
}

@test "secrets in the caller's variables and arguments are not visible inside" {
	cat >look.py <<'END'
import os, sys
needle = "".join(reversed("4f2e-terces-ym"))
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in "environ", "cmdline", "mountinfo", "status", "maps":
        try:
            if needle.encode() in open(f"/proc/{pid}/{name}", "rb").read() and not (name == "cmdline" and int(pid) == os.getpid()):
                print("found in", name, "of", pid)
        except OSError:
            pass
print("looked", needle in "".join(os.environ.values()))
END
	# the control: outside the caller's variable is found
	MY=my-secret-e2f4 try python3 look.py
	assert_contains "$output" "found in environ"
	MY=my-secret-e2f4 SANDRUN_X=my-secret-e2f4 sr -t 10s look.py
	assert_success
	assert_output "looked False"
	# options of sandrun's own: names of folders, of outputs, of the profile
	[ "$(id -u)" != 0 ] || chmod o+x "$BATS_RUN_TMPDIR" "$(dirname "$T")" "$T" # what a bind shows must be open to all then
	mkdir my-secret-e2f4
	cp look.py my-secret-e2f4/
	printf '[profile]\nextends = default\n' >my-secret-e2f4.ini
	sr -p ./my-secret-e2f4.ini -C my-secret-e2f4 -o 'my-secret-e2f4*' -O my-secret-e2f4 --bind my-secret-e2f4:/data look.py
	assert_success
	assert_output "looked False"
}

@test "configuration that others may write is not read" {
	mkdir -p config/sandrun
	printf '[upper]\nextension = up\ninterpreter = sed,-e,s/.*/\\U&/\nfile = %%i %%f\n' >config/sandrun/languages.ini
	echo hello >a.up
	chmod 644 config/sandrun/languages.ini
	XDG_CONFIG_HOME=$T/config sr a.up
	assert_success
	assert_output HELLO
	chmod 666 config/sandrun/languages.ini
	XDG_CONFIG_HOME=$T/config sr a.up
	assert_error 125 languages.ini
}

@test "sandrun leaves the caller's process as it found it" {
	# signals that the caller ignores stay ignored for the caller and are default inside
	sr_capture bash -c 'trap "" HUP PIPE INT; "$SANDRUN" --lang python -c "import signal
print([signal.getsignal(s) == signal.SIG_DFL for s in (signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM)])
print(len(signal.pthread_sigmask(0, [])))"' 3>&-
	assert_success
	assert_output $'[True, True, True]\n0'
	sr -- sh -c 'umask; nice; cat /proc/self/oom_score_adj'
	assert_success
	assert_equal "${lines[0]}" 0022
}
