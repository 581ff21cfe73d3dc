#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# vm: mode=login
# Where the cgroup is missing, or a part of it: the limit falls to the next mechanism, limit by limit, says so, and --strict
# refuses. Never less isolated.

load ../lib/common
load cgroup

@test "a bus that is not there, a bus that is no bus, a missing sandrun-scope" {
	sr --report "$T/report.json" -- echo ran
	assert_equal "$(report .enforced.cgroup)" scope
	export DBUS_SESSION_BUS_ADDRESS=unix:path=$T/nothing
	without_a_cgroup
	assert_contains "$(cat "$T/report.json")" "the systemd manager made no scope"
	mkfifo "$T/fifo"
	export DBUS_SESSION_BUS_ADDRESS=unix:path=$T/fifo
	without_a_cgroup
	unset DBUS_SESSION_BUS_ADDRESS
	mkdir "$T/alone"
	cp "$SANDRUN" "$T/alone/sandrun"
	SANDRUN=$T/alone/sandrun without_a_cgroup
	assert_contains "$(cat "$T/report.json")" "sandrun-scope is missing"
	XDG_RUNTIME_DIR= without_a_cgroup
}

@test "a bus that takes the call and never answers: no run goes on in between, and a signal ends the wait" {
	cat >"$T/bus.py" <<'PYTHON'
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
while True:
    c, _ = s.accept()
    c.recv(1000)
    time.sleep(60)
PYTHON
	python3 "$T/bus.py" "$T/bus" 3>&- &
	local server=$! pid
	wait_for 10 test -S "$T/bus"
	export DBUS_SESSION_BUS_ADDRESS=unix:path=$T/bus
	# Nothing was asked of it: the fallbacks hold.
	without_a_cgroup
	"$SANDRUN" -- echo ran >"$T/out" 2>"$T/err" </dev/null 3>&- &
	pid=$!
	sleep 1
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	kill "$server"
	assert_equal "$status $(cat "$T/out")" "125 "
	assert_contains "$(cat "$T/err")" "a signal came first"
}
