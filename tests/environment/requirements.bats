#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --install: what a program requires, as a layer over its environment: made once in a sandbox with network, then used at once.
# Indexes are folders, and a registry on this machine (tests/lib/registry.py).

load ../lib/common

PIP_WHEELS=/usr/share/python-wheels
NPM=/usr/lib/node_modules/npm

# A root with this machine's python3 and node: what they load, and Python's library.
copy_program() {
	local root=$1 file=$2 lib
	mkdir -p "$root$(dirname "$file")"
	cp -L "$file" "$root$file"
	ldd "$file" 2>/dev/null | grep -oE '/[^ ]+' | while read -r lib; do
		mkdir -p "$root/usr$(dirname "${lib#/usr}")"
		[ -e "$root/usr${lib#/usr}" ] || cp -L "$lib" "$root/usr${lib#/usr}"
	done
}

make_root() {
	local root=$1 version name lib
	mkdir -p "$root"/usr/{bin,lib,lib64} "$root/etc" "$root/tmp"
	for name in bin lib lib64; do ln -s "usr/$name" "$root/$name"; done
	copy_program "$root" /usr/bin/python3
	[ ! -x /usr/bin/node ] || copy_program "$root" /usr/bin/node
	cp "$(command -v busybox)" "$root/usr/bin/busybox"
	for name in sh ls cat env touch; do ln -s busybox "$root/usr/bin/$name"; done
	version=$(/usr/bin/python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
	mkdir -p "$root/usr/lib/$version"
	tar -C "/usr/lib/$version" -cf - --exclude=__pycache__ --exclude=test --exclude='config-*' --exclude=idlelib . |
		tar -C "$root/usr/lib/$version" -xf -
	for lib in "$root/usr/lib/$version"/lib-dynload/*.so; do
		copy_program "$root" "${lib#"$root"}"
	done
}

setup_file() {
	[ "$(id -u)" != 0 ] || return 0
	command -v python3 busybox >/dev/null && [ -x /usr/bin/python3 ] || return 0
	export BASE=$BATS_FILE_TMPDIR/base
	make_root "$BASE/root"
	tar -C "$BASE/root" -cf "$BASE/root.tar" .
	rm -rf "$BASE/root"
	mkdir "$BASE/home"
	HOME=$BASE/home XDG_DATA_HOME=$BASE/data "$SANDRUN" environment import "$BASE/root.tar" --name pynode 3>&- >/dev/null
	rm "$BASE/root.tar"
}

teardown_file() {
	[ -z "${BASE-}" ] || rm -rf "$BASE"
}

setup() {
	require_user
	require_cmd python3 busybox
	[ -e "$BASE/data/sandrun/images/names/pynode.ini" ] || skip "no root could be made of this machine's python3"
	export HOME=$T/home XDG_CONFIG_HOME=$T/config XDG_STATE_HOME=$T/state XDG_DATA_HOME=$BASE/data
	mkdir -p "$HOME" "$T/p" "$T/wheels" "$T/npm"
	IMAGES=$XDG_DATA_HOME/sandrun/images
	cd "$T"
	unset PIP_INDEX_URL PIP_FIND_LINKS PIP_NO_INDEX npm_config_registry http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
}

teardown() {
	[ -z "${registry-}" ] || kill "$registry" 2>/dev/null || true
}

require_pip() {
	compgen -G "$PIP_WHEELS/pip-*.whl" >/dev/null || skip "no pip as a wheel on this machine"
}

require_npm() {
	[ -x /usr/bin/node ] && [ -d "$NPM/node_modules" ] || skip "no npm with all it needs on this machine"
}

wheel() {
	python3 "$TESTS/lib/wheel.py" "$T/wheels" "$@"
}

offline() {
	export PIP_NO_INDEX=1 PIP_FIND_LINKS=$T/wheels
}

# Starts the registry; $port is its port.
serve() {
	python3 "$TESTS/lib/registry.py" "$T" "$T/port" 3>&- &
	registry=$!
	wait_for 20 test -s "$T/port"
	port=$(cat "$T/port")
}

# package NAME VERSION INDEX_JS [MORE_JSON]
package() {
	mkdir -p "$T/npm/$1-$2"
	printf '{"name": "%s", "version": "%s", "main": "index.js"%s}\n' "$1" "$2" "${4-}" >"$T/npm/$1-$2/package.json"
	printf '%s\n' "$3" >"$T/npm/$1-$2/index.js"
}

installed() {
	sr -E pynode --install -C p "$@"
}

names() {
	ls "$IMAGES/names" "$IMAGES/layers" "$IMAGES/work"
}

@test "pip: a folder of wheels, without a network; the second start finds the layer" {
	require_pip
	wheel quux 2.1 'quux.py=def f(): return "quux"'
	wheel zork 1.0 'zork/__init__.py=value = 42' requires='quux>=2'
	echo 'zork==1.0' >p/requirements.txt
	echo 'import zork, quux; print(zork.value, quux.f())' >p/main.py
	sr -E pynode -C p main.py
	assert_status 1
	offline
	installed main.py
	assert_success
	assert_output '42 quux'
	unset PIP_NO_INDEX PIP_FIND_LINKS
	rm -r wheels
	export PIP_INDEX_URL=http://127.0.0.1:9/ # whoever asked anybody now would fail
	installed main.py
	assert_success
	assert_output '42 quux'
	sr -E pynode -C p main.py # without the option: as ever
	assert_status 1
	sr --explain -E pynode --install -C p main.py
	assert_success
	assert_match "$output" 'environment +requirements-[0-9a-f]{12}'
}

@test "pip: another list is another layer; includes and hashes count; nothing half-made is left" {
	require_pip
	local sum before
	sum=$(wheel alpha 1.0 'alpha.py=v = 1')
	wheel alpha 2.0 'alpha.py=v = 2'
	offline
	mkdir p/more
	echo '-r more/base.txt' >p/requirements.txt
	echo "alpha==1.0 --hash=sha256:$sum" >p/more/base.txt
	echo 'import alpha; print(alpha.v)' >p/main.py
	installed main.py
	assert_success
	assert_output 1
	echo 'alpha==2.0' >p/more/base.txt
	installed main.py
	assert_output 2
	echo "alpha==2.0 --hash=sha256:$sum" >p/more/base.txt
	before=$(names)
	installed main.py
	assert_error 125 "pip ended with status 1" "nothing of it was kept" "DO NOT MATCH"
	assert_equal "$(names)" "$before"
	echo 'alpha==3.0' >p/more/base.txt
	installed main.py
	assert_error 125 "cannot install over 'pynode'" "No matching distribution found for alpha==3.0"
	assert_equal "$(names)" "$before"
}

@test "pip: what is not a package of an index is refused before anything starts" {
	local line before
	before=$(names)
	echo 'print(1)' >p/main.py
	for line in './local' '-e .' '--editable=x' 'a @ file:///etc' '/etc/x' '-r ../other.txt' '-r /etc/passwd' '-r missing.txt' 'dir/pkg'; do
		printf 'fine\n%s\n' "$line" >p/requirements.txt
		installed main.py
		assert_error 125 "cannot install what 'requirements.txt' lists"
	done
	rm p/requirements.txt
	mkfifo p/requirements.txt
	installed main.py
	assert_error 125 "no regular file"
	rm p/requirements.txt
	ln -s /etc/passwd p/requirements.txt # it leads to the project's own /etc, which there is none of
	installed main.py
	assert_success
	assert_equal "$(names)" "$before"
}

@test "pip: the dependencies of a PEP 723 block, of a file and of -c" {
	require_pip
	wheel beta 1.0 'beta.py=v = "b"'
	offline
	printf '# /// script\n# dependencies = ["beta"]\n# ///\nimport beta; print(beta.v)\n' >s.py
	sr -E pynode --install s.py
	assert_success
	assert_output b
	sr -E pynode --install --lang python <s.py
	assert_success
	assert_output b
	printf '# /// script\n# dependencies = "beta"\n# ///\nprint(1)\n' >s.py
	sr -E pynode --install s.py
	assert_error 125 "cannot read the PEP 723 block in line 1"
}

@test "pip: an index of config.ini, with network for the installation alone" {
	require_pip
	wheel gamma 1.0 'gamma.py=v = "c"'
	serve
	mkdir -p "$XDG_CONFIG_HOME/sandrun"
	printf '[install]\nindex-url = http://127.0.0.1:%s/simple\n' "$port" >"$XDG_CONFIG_HOME/sandrun/config.ini"
	echo gamma >p/requirements.txt
	cat >p/main.py <<-PY
		import gamma, socket
		try:
		    socket.create_connection(("127.0.0.1", $port), 2)
		    print("reached")
		except OSError:
		    print(gamma.v, "alone")
	PY
	on_host python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 2)"
	installed main.py
	assert_success
	assert_output "c alone"
	assert_contains "$(cat requests)" "/simple/gamma/"
	printf '[install]\nindex-url = ftp://x\n' >"$XDG_CONFIG_HOME/sandrun/config.ini"
	installed main.py
	assert_error 125 "index-url"
}

@test "npm: packages of a registry; a lock file is honoured" {
	require_npm
	package one 1.0.0 'module.exports = "one 1.0"'
	package one 1.1.0 'module.exports = "one 1.1"'
	package two 1.0.0 'module.exports = "two with " + require("one")' ', "dependencies": {"one": "^1.0.0"}'
	serve
	export npm_config_registry=http://127.0.0.1:$port/
	echo '{"name": "p", "version": "1.0.0", "dependencies": {"two": "^1.0.0"}}' >p/package.json
	echo 'console.log(require("two"))' >p/main.js
	echo 'import two from "two"; console.log("module", two)' >p/main.mjs
	installed main.js
	assert_success
	assert_output "two with one 1.1"
	: >requests
	installed main.mjs
	assert_output "module two with one 1.1"
	assert_equal "$(cat requests)" ""
	python3 - "$port" <<-'PY'
		import json, sys, urllib.request
		ask = lambda n: json.load(urllib.request.urlopen("http://127.0.0.1:%s/%s" % (sys.argv[1], n)))
		def entry(n, v, deps):
		    d = ask(n)["versions"][v]["dist"]
		    return {"version": v, "resolved": d["tarball"], "integrity": d["integrity"], **({"dependencies": deps} if deps else {})}
		lock = {"name": "p", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": {
		    "": {"name": "p", "version": "1.0.0", "dependencies": {"two": "^1.0.0"}},
		    "node_modules/one": entry("one", "1.0.0", None), "node_modules/two": entry("two", "1.0.0", {"one": "^1.0.0"})}}
		json.dump(lock, open("p/package-lock.json", "w"))
	PY
	installed main.js
	assert_success
	assert_output "two with one 1.0"
	echo 'changed behind the lock' >>npm/one-1.0.0/index.js
	echo '{"name": "p", "version": "1.0.1", "dependencies": {"two": "^1.0.0"}}' >p/package.json
	installed main.js
	assert_error 125 "npm ended with status" "EINTEGRITY"
}

@test "npm: an install script runs inside the building sandbox, and what it changes elsewhere is dropped" {
	require_npm
	local id=$HOME/.ssh/id_ed25519
	canary "$id" "the private key"
	canary "$HOME/canary" "still here"
	on_host cat "$id"
	package bad 1.0.0 'module.exports = require("fs").readFileSync(__dirname + "/seen", "utf8")' \
		", \"scripts\": {\"postinstall\": \"sh ./script.sh\"}"
	cat >npm/bad-1.0.0/script.sh <<-SH
		(cat $id; cat ~/.ssh/id_ed25519; cat $HOME/canary; ls $IMAGES) >seen 2>/dev/null
		echo gone >$HOME/canary; echo gone >$id; rm -rf $HOME
		echo evil >/usr/bin/evil; echo evil >/etc/evil; echo evil >/opt/evil; mkdir -p /node_modules/evil
		echo ran >>seen
	SH
	serve
	export npm_config_registry=http://127.0.0.1:$port/
	echo '{"name": "p", "version": "1.0.0", "dependencies": {"bad": "1.0.0"}}' >p/package.json
	echo 'const fs = require("fs"); console.log(require("bad").trim(), ["/usr/bin/evil", "/etc/evil", "/opt/evil", "/sandrun-scratch"].filter(f => fs.existsSync(f)).length)' >p/main.js
	installed main.js
	assert_success
	assert_output "ran 0"
	assert_canaries
	[ ! -e "$HOME/seen" ]
}

@test "what was installed is an environment like others: its digest holds, it can be removed, and is made anew" {
	require_pip
	local name
	wheel delta 1.0 'delta.py=v = "d"'
	offline
	echo delta >p/requirements.txt
	echo 'import delta; print(delta.v)' >p/main.py
	installed main.py
	assert_output d
	sr --explain -E pynode --install -C p main.py
	name=$(grep -oE 'requirements-[0-9a-f]{12}' <<<"$output" | head -n 1)
	sr environment digest "$name"
	assert_success
	sr environment show "$name"
	assert_contains "$output" pynode
	echo 'import delta; open("/opt/sandrun-requirements/python/delta.py", "w").write("v = 0")' >p/change.py
	installed change.py # in memory, as ever
	installed main.py
	assert_output d
	sr environment remove "$name"
	assert_success
	installed main.py
	assert_output d
	! grep -q . <(find "$IMAGES/work" -mindepth 1 -maxdepth 1)
}

@test "--explain installs nothing, and a project without requirements needs nothing" {
	local before
	before=$(names)
	echo nothing_of_that_name >p/requirements.txt
	echo 'print(1)' >p/main.py
	sr --explain -E pynode --install -C p main.py
	assert_success
	assert_contains "$output" "not installed yet"
	echo '# only a comment' >p/requirements.txt
	sr -v -E pynode --install -C p main.py
	assert_success
	assert_output 1
	assert_contains "$stderr" "nothing was installed"
	assert_equal "$(names)" "$before"
}

@test "over host and over a folder there is nothing to install on: the refusal says what to do" {
	echo quux >p/requirements.txt
	echo 'print(1)' >p/main.py
	sr -E host --install -C p main.py
	assert_error 125 "cannot install over the environment 'host'" "sandrun environment build python"
	sr --install --lang python </dev/null
	assert_status 125
	mkdir -p root/usr
	sr -E ./root --install -C p main.py
	assert_status 125
	sr --install --build-layer x -E pynode -- true
	assert_error 125 "--build-layer"
}

@test "a signal to an installation under way leaves nothing of it" {
	require_pip
	local before pid
	serve
	before=$(names)
	export PIP_INDEX_URL=http://127.0.0.1:$port/hang
	echo quux >p/requirements.txt
	echo 'print(1)' >p/main.py
	setsid "$SANDRUN" -E pynode --install -C p main.py >out 2>&1 3>&- &
	pid=$!
	wait_for 30 grep -q hang requests
	kill -INT -- "-$pid"
	wait "$pid" || status=$?
	[ "$status" -ne 0 ]
	wait_for 20 test "$(names)" = "$before"
	assert_contains "$(cat out)" "interrupted"
}

@test "two installations of the same at once both run" {
	require_pip
	wheel omega 1.0 'omega.py=v = "o"'
	offline
	echo omega >p/requirements.txt
	echo 'import omega; print(omega.v)' >p/main.py
	sr_raw -E pynode --install -C p main.py >one 2>one.err &
	local first=$!
	sr_raw -E pynode --install -C p main.py >two 2>two.err
	wait "$first"
	assert_equal "$(cat one two)" $'o\no'
}

@test "without the option a project's list gets a hint, and no download" {
	local before
	before=$(names)
	echo quux_of_no_environment >p/requirements.txt
	echo 'import quux_of_no_environment' >p/main.py
	python3 "$TESTS/lib/pty.py" 3>&- <<-'PYTHON'
		t = Terminal([SANDRUN, "-E", "pynode", "-C", "p", "main.py"], cols=250)
		equal(t.wait(), 1)
		contains(t.output, b"hint: requirements.txt lists what the program requires; to install it, once and with network: "
		         b"sandrun --install -C p main.py")
	PYTHON
	assert_equal "$(names)" "$before"
}

@test "environment requirements makes the layer ahead of a run, and prints its name" {
	require_pip
	local name
	wheel ahead 1.0 'ahead.py=v = "a"'
	offline
	echo ahead >p/requirements.txt
	echo 'import ahead; print(ahead.v)' >p/main.py
	sr environment requirements --on pynode -C p --script main.py
	assert_success
	assert_match "$output" '^requirements-[0-9a-f]{12}$'
	name=$output
	unset PIP_NO_INDEX PIP_FIND_LINKS
	sr -E "$name" -C p main.py
	assert_output a
	installed main.py
	assert_output a
	sr environment requirements -C p --script main.py
	assert_error 125 "cannot install over the environment 'host'" "--on NAME"
	rm p/requirements.txt
	sr environment requirements --on pynode -C p --script main.py
	assert_error 125 "nothing that is required is listed"
}

# What `environment build` writes of an environment, for the one that was imported.
predicting() {
	sed '/^\[languages\]/,$d' "$IMAGES/names/pynode.ini" >"$IMAGES/names/$1.ini"
	printf '[languages]\npython = /usr/bin/python3\n[predict]\nimports = %s\n' "$2" >>"$IMAGES/names/$1.ini"
}

@test "a run is in the environment that its script's imports chose, and says so" {
	require_cmd jq
	predicting chosen 'zork'
	printf 'import os\ndef never():\n    import zork\nprint(os.path.exists("/usr/bin/busybox"), os.path.exists("/usr/bin/bash"))\n' >a.py
	sr -v --report "$T/report.json" --certificate "$T/c.json" a.py
	rm "$IMAGES/names/chosen.ini"
	assert_success
	assert_output "True False"
	assert_contains "$stderr" "environment chosen has what the script imports: zork"
	assert_equal "$(report .environment)" chosen
	assert_contains "$(report '.notes[].text')" "environment chosen has"
	assert_contains "$(jq -r '.dsseEnvelope.payload // .payload | @base64d' "$T/c.json")" '"name":"chosen"'
	sr a.py
	assert_success
	assert_output "True True"
}

@test "a line in the script, and --install without -E, take an environment of the store" {
	require_pip
	printf '# sandrun: environment=pynode\nimport os\nprint(os.path.exists("/usr/bin/bash"))\n' >a.py
	sr a.py
	assert_success
	assert_output False
	sr -E host a.py
	assert_output True
	predicting speaks nothing_of_that_name
	wheel eta 1.0 'eta.py=v = "e"'
	offline
	echo eta >p/requirements.txt
	echo 'import eta; print(eta.v)' >p/main.py
	sr -v --install -C p main.py
	rm "$IMAGES/names/speaks.ini"
	assert_success
	assert_output e
	assert_contains "$stderr" "the smallest that is built and has python"
}
