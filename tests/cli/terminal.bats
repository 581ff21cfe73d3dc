#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# run-suite: alone
# sandrun at a terminal: a private one inside, keys and sizes go through, the caller's is as it was afterwards.

load ../lib/common

setup() {
	require_cmd python3
}

on_terminal() {
	python3 "$TESTS/lib/pty.py" 3>&-
}

@test "the program has a terminal of its own, with the caller's size" {
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "--", "sh", "-c",
              "tty; for n in 0 1 2; do test -t $n && echo yes $n; done; stty size; ls /dev/pts; echo typed >/dev/tty"],
             rows=33, cols=101)
equal(t.wait(), 0)
equal(t.output, b"/dev/pts/0\r\nyes 0\r\nyes 1\r\nyes 2\r\n33 101\r\n0\r\ntyped\r\n" if b"ptmx" not in t.output else
      b"/dev/pts/0\r\nyes 0\r\nyes 1\r\nyes 2\r\n33 101\r\n0  ptmx\r\ntyped\r\n")
equal(t.modes(), t.before)
PYTHON
}

@test "in a pipe there is none" {
	sr -- sh -c 'tty; for n in 0 1 2; do test -t $n && echo yes $n; done; (: >/dev/tty) 2>/dev/null || echo none'
	assert_output $'not a tty\nnone'
}

@test "a new size of the window arrives, with SIGWINCH" {
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "--", "python3", "-c", """
import os, signal, time
seen = []
signal.signal(signal.SIGWINCH, lambda *a: seen.append(os.write(1, b"now %d %d\\n" % os.get_terminal_size())))
print("up", flush=True)
while len(seen) < 3: time.sleep(0.02)
"""], rows=24, cols=80)
t.expect("up\r\n")
t.resize(50, 132)
t.expect("now 132 50\r\n")
t.resize(10, 20)
t.expect("now 20 10\r\n")
t.resize(11, 20)
t.expect("now 20 11\r\n")
equal(t.wait(), 0)
PYTHON
}

@test "Ctrl-C ends the program, and only it" {
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "echo up; exec sleep 30"])
t.expect("up")
t.send("\x03")
equal(t.wait(), 130)
equal(t.modes(), t.before)
# the shell that called sandrun gets no signal
t = Terminal(["sh", "-c", SANDRUN + " -q -- sh -c 'echo up; exec sleep 30'; echo status $?; echo still here"])
t.expect("up")
t.send("\x03")
t.expect("status 130\r\nstill here")
equal(t.wait(), 0)
# everything in the foreground inside gets it
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "echo up; sleep 30; echo not reached"])
t.expect("up")
time.sleep(0.3)  # the shell's child must be there
t.send("\x03")
equal(t.wait(), 130)
lacks(t.output, b"not reached")
PYTHON
}

@test "Ctrl-C is the program's to handle; Ctrl-backslash ends it harder" {
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "--", "python3", "-c", """
import os, signal, time
signal.signal(signal.SIGINT, lambda *a: os.write(1, b"caught\\n"))
print("up", flush=True)
time.sleep(30)
"""])
t.expect("up")
t.send("\x03")
t.expect("caught")
t.send("\x03")
t.expect("caught")
t.kill(signal.SIGKILL)
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "echo up; exec sleep 30"])
t.expect("up")
t.send("\x1c")
equal(t.wait(), 131)
# in raw mode it is a key like any other
t = Terminal([SANDRUN, "-q", "--", "python3", "-c", """
import os, tty
tty.setraw(0)
os.write(1, b"up\\r\\n")
print(repr(os.read(0, 10)), end="\\r\\n")
"""])
t.expect("up")
t.send("\x03")
t.expect("b'\\x03'")
equal(t.wait(), 0)
equal(t.modes(), t.before)
PYTHON
}

@test "what is typed is echoed once and arrives; Ctrl-D is the end of input" {
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "echo up; cat; echo ended"])
t.expect("up\r\n")
t.send("hello\r")
t.expect("hello\r\nhello\r\n")
t.send("x\x7fy\r")
t.expect("y\r\ny\r\n")
t.send("\x04")
t.expect("ended\r\n")
equal(t.wait(), 0)
PYTHON
}

@test "the prompt of an interpreter: lines, Ctrl-C, Ctrl-D" {
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "--lang", "python"])
t.expect(">>> ")
t.send("6 * 7\r")
t.expect("42\r\n>>> ")
t.send("import time; time.sleep(30)\r")
time.sleep(0.3)
t.send("\x03")
t.expect("KeyboardInterrupt")
t.expect(">>> ")
t.send("import os; os.getcwd()\r")
t.expect("'/work'\r\n>>> ")
t.send("\x04")
equal(t.wait(), 0)
equal(t.modes(), t.before)
PYTHON
}

@test "job control of a shell inside: Ctrl-Z, jobs, fg, bg" {
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "--", "bash", "--norc", "--noprofile", "-i"])
t.expect(re.compile("[$#] "))
lacks(t.output, b"no job control")
t.send("sleep 30\r")
time.sleep(0.3)
t.send("\x1a")
t.expect("Stopped")
t.send("jobs\r")
t.expect(re.compile(r"Stopped +sleep 30"))
t.send("bg\r")
t.expect("sleep 30 &")
t.send("fg\r")
t.expect("sleep 30\r\n")
time.sleep(0.2)
t.send("\x03")
t.expect(re.compile("[$#] "))
t.send("echo status $?\r")
t.expect("status 130")
t.send("exit 7\r")
equal(t.wait(), 7)
PYTHON
}

@test "input from a pipe, output on the terminal" {
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "cat; for n in 0 1 2; do test -t $n && echo yes $n; done"], stdin=b"data\n")
equal(t.wait(), 0)
equal(t.output, b"data\r\nyes 1\r\nyes 2\r\n")
# Ctrl-C comes as a signal of the caller's terminal here
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "echo up; exec sleep 30"], stdin=b"")
t.expect("up")
equal(t.raw(), False)
t.send("\x03")
equal(t.wait(), 130)
PYTHON
}

@test "output in a pipe, keys from the terminal" {
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "read line; echo got $line; test -t 0 && echo yes 0; test -t 1 || echo no 1; echo err >&2"],
             stdout="pipe")
time.sleep(0.3)
t.send("a line\r")
equal(t.wait(), 0)
equal(t.piped(1), b"got a line\nyes 0\nno 1\n")
equal(t.output, b"a line\r\nerr\r\n")
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "read line; echo got $line; echo err >&2"], stdout="pipe", stderr="pipe")
time.sleep(0.3)
t.send("a line\r")
equal(t.wait(), 0)
equal((t.piped(1), t.piped(2), t.output), (b"got a line\n", b"err\n", b"a line\r\n"))
t = Terminal([SANDRUN, "-q", "--", "cat"], stdout="pipe")
time.sleep(0.3)
t.send("one\rtwo\r\x04")
equal(t.wait(), 0)
equal(t.piped(1), b"one\ntwo\n")
PYTHON
}

@test "errors on the terminal alone; errors in a pipe alone" {
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "echo out; echo err >&2; test -t 2 && echo yes"], stdin=b"", stdout="pipe")
equal(t.wait(), 0)
equal((t.piped(1), t.output), (b"out\nyes\n", b"err\r\n"))
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "echo out; echo err >&2; test -t 2 || echo no"], stderr="pipe")
equal(t.wait(), 0)
equal((t.piped(2), t.output), (b"err\n", b"out\r\nno\r\n"))
PYTHON
}

@test "in a pipeline the other programs' lines look as always" {
	on_terminal <<'PYTHON'
t = Terminal(["sh", "-c", SANDRUN + " -q -- sh -c 'echo a; sleep 0.5; echo b' | cat"])
t.expect("a\r\n")
equal(t.raw(), False)
equal(t.wait(), 0)
equal(t.output, b"a\r\nb\r\n")
t = Terminal(["sh", "-c", SANDRUN + " -q -- sh -c 'echo up >&2; exec sleep 30' | cat; echo after"])
t.expect("up\r\n")
t.send("\x03")
t.until(lambda: t.poll() is not None, "the pipeline's end")
PYTHON
}

@test "the terminal is as it was: after an end, a limit, SIGTERM, a program that left it raw, a failure" {
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "stty raw -echo; echo up; exit 3"])
t.expect("up")
equal(t.wait(), 3)
equal(t.modes(), t.before)
t = Terminal([SANDRUN, "-q", "-t", "500ms", "--", "sh", "-c", "echo up; exec sleep 30"])
t.expect("up")
equal(t.raw(), True)
equal(t.wait(), 124)
equal(t.modes(), t.before)
for sig in signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT:
    t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "echo up; exec sleep 30"])
    t.expect("up")
    equal(t.raw(), True)
    t.kill(sig)
    equal(t.wait(), 128 + sig)
    equal(t.modes(), t.before)
t = Terminal([SANDRUN, "-q", "--", "bash", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"])
t.expect("up")
t.kill(signal.SIGTERM)
time.sleep(0.2)
t.kill(signal.SIGTERM)
equal(t.wait(), 137)
equal(t.modes(), t.before)
t = Terminal([SANDRUN, "--", "no-such-program"])
equal(t.wait(), 127)
equal(t.modes(), t.before)
PYTHON
}

@test "SIGTERM at any moment of the start leaves the terminal as it was" {
	on_terminal <<'PYTHON'
import random
for i in range(40):
    t = Terminal([SANDRUN, "-q", "--", "sleep", "30"])
    time.sleep(random.random() * 0.03)
    t.kill(signal.SIGTERM)
    equal(t.wait(), 143)
    equal(t.modes(), t.before)
PYTHON
}

@test "modes that the program sets are its own" {
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "stty -echo; echo up; read x; echo got $x; stty -a | grep -o -e '-echo '"])
t.expect("up\r\n")
t.send("secret\r")
t.expect("got secret\r\n-echo")
equal(t.wait(), 0)
lacks(t.output[:t.output.index(b"got")], b"secret")
equal(t.modes(), t.before)
PYTHON
}

@test "lines come when they are printed, not at the end" {
	on_terminal <<'PYTHON'
code = "import time; print('early'); time.sleep(30)"
t = Terminal([SANDRUN, "-q", "--", "python3", "-c", code])
t.expect("early\r\n", timeout=10)
t.send("\x03")
equal(t.wait(), 130)
# the control: into a pipe the same program's line is still in its buffer
t = Terminal([SANDRUN, "-q", "--", "python3", "-c", code], stdout="pipe")
for _ in range(10):
    t.pump(0.1)
equal(t.piped(1), b"")
PYTHON
}

@test "much output arrives whole, line ends are not doubled" {
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "--", "seq", "1", "100000"])
equal(t.wait(60), 0)
equal(t.output, b"".join(b"%d\r\n" % n for n in range(1, 100001)))
# a program in raw mode has its bytes as they are
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", r"stty -opost; printf 'a\nb\rc'"])
equal(t.wait(), 0)
equal(t.output, b"a\nb\rc")
PYTHON
}

@test "much that is typed ahead, and not read, does not hold up the limits" {
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "-t", "1500ms", "--", "sh", "-c", "stty raw -echo; echo up; exec sleep 30"], stdout="pipe")
t.until(lambda: b"up" in t.piped(1), "up")
fcntl.fcntl(t.master, fcntl.F_SETFL, os.O_NONBLOCK)
end = time.monotonic() + 1
while time.monotonic() < end:
    try:
        os.write(t.master, b"x" * 1000 + b"\r")
    except BlockingIOError:
        t.pump(0.01)
equal(t.wait(8), 124)
PYTHON
}

@test "one closing line; none with -q" {
	on_terminal <<'PYTHON'
line = re.compile(rb"^sandrun: exited 3; [0-9.]+ s, CPU [0-9.]+ s, memory [0-9]+ [kMG]B(; some limits by fallback \(-v\))?; certificate [0-9a-f]{8}-[0-9a-f]{4}\r\n$")
t = Terminal([SANDRUN, "--", "sh", "-c", "echo out; exit 3"])
equal(t.wait(), 3)
equal(t.output.count(b"\n"), 2)
contains(t.output, b"out\r\n")
assert line.match(t.output.split(b"out\r\n")[1]), t.output
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "echo out; exit 3"])
equal(t.wait(), 3)
equal(t.output, b"out\r\n")
t = Terminal([SANDRUN, "-t", "300ms", "--", "sleep", "30"])
equal(t.wait(), 124)
assert re.match(rb"^sandrun: time limit 300ms reached; [0-9.]+ s, ", t.output), t.output
equal(t.output.count(b"reached"), 1)
# standard error in a pipe: no line there and none on the terminal
t = Terminal([SANDRUN, "--", "sh", "-c", "echo out; exit 3"], stderr="pipe")
equal(t.wait(), 3)
equal((t.output, t.piped(2)), (b"out\r\n", b""))
PYTHON
}

@test "the report of a terminal: one stream, with what it showed" {
	require_cmd jq
	on_terminal <<'PYTHON'
import hashlib, json
t = Terminal([SANDRUN, "-q", "--report", T + "/report.json", "--", "sh", "-c", "echo out; echo err >&2"])
equal(t.wait(), 0)
equal(t.output, b"out\r\nerr\r\n")
r = json.load(open(T + "/report.json"))
equal(r["terminal"], {"bytes": len(t.output), "sha256": hashlib.sha256(t.output).hexdigest(), "truncated": False})
lacks(r, "stdout")
PYTHON
}

@test "a module beside the script: the hint is a command that works" {
	on_terminal <<'PYTHON'
os.mkdir(T + "/p")
write("p/helper.py", "value = 42\n")
script = write("p/main.py", "import helper\nprint('value', helper.value)\n")
def hint(argv, **more):
    t = Terminal([SANDRUN] + argv, **more)
    assert t.wait() != 0
    m = re.search(rb"hint: .*try: (sandrun .*)\r\n", t.output)
    return m and m.group(1).decode()
command = hint([script])
equal(command, "sandrun -C %s/p main.py" % T)
t = Terminal(["sh", "-c", command.replace("sandrun", SANDRUN, 1)])
equal(t.wait(), 0)
contains(t.output, b"value 42\r\n")
# a folder as a package, and from the script's own folder
os.mkdir(T + "/p/pack")
write("p/pack/__init__.py", "")
write("p/pack/part.py", "")
write("p/other.py", "import pack.part\n")
os.chdir(T + "/p")
equal(hint(["other.py"]), "sandrun -C . other.py")
# no hint: nothing of that name, -q, a pipe, a program that ended well
write("p/none.py", "import no_such_module\n")
equal(hint(["none.py"]), None)
equal(hint(["-q", "other.py"]), None)
equal(hint(["other.py"], stdout="pipe", stderr="pipe"), None)
write("p/fine.py", "print(\"No module named 'helper'\")\n")
t = Terminal([SANDRUN, "fine.py"])
equal(t.wait(), 0)
lacks(t.output, b"hint:")
PYTHON
}

@test "a data file beside the script: the hint is a command that works" {
	on_terminal <<'PYTHON'
write("data.csv", "1,2\n")
write("main.py", "print('read', open('data.csv').read().strip())\n")
os.chdir(T)
t = Terminal([SANDRUN, "main.py"])
equal(t.wait(), 1)
command = re.search(rb"hint: .*try: (sandrun .*)\r\n", t.output).group(1).decode()
equal(command, "sandrun -i data.csv main.py")
t = Terminal(["sh", "-c", command.replace("sandrun", SANDRUN, 1)])
equal(t.wait(), 0)
contains(t.output, b"read 1,2\r\n")
PYTHON
}

@test "hints for other languages" {
	on_terminal <<'PYTHON'
import shutil
os.chdir(T)
def hint(name):
    t = Terminal([SANDRUN, name])
    assert t.wait() != 0
    m = re.search(rb"hint: .*try: (sandrun .*)\r\n", t.output)
    assert m, t.output
    t = Terminal(["sh", "-c", m.group(1).decode().replace("sandrun", SANDRUN, 1)])
    equal(t.wait(), 0)
    contains(t.output, b"it works")
write("part.sh", "echo it works\n")
if shutil.which("node"):
    write("helper.js", "module.exports = 'it works';\n")
    write("main.js", "console.log(require('./helper'));\n")
    hint("main.js")
if shutil.which("ruby"):
    write("lib.rb", "puts 'it works'\n")
    write("main.rb", "require_relative 'lib'\n")
    hint("main.rb")
write("list.txt", "it works\n")
write("main.py", "print(open('list.txt').read())\n")
hint("main.py")
PYTHON
}

@test "the profile's wall limit does not hold where somebody sits at a terminal; one that was asked for does" {
	printf '[profile]\nextends = default\n[limits]\nwall.time = 300ms\n' >"$T/short.ini"
	sr -p "$T/short.ini" -- sleep 0.8
	assert_status 124
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "-p", T + "/short.ini", "--", "sleep", "0.8"])
equal(t.wait(), 0)
t = Terminal([SANDRUN, "-q", "-p", T + "/short.ini", "-t", "400ms", "--", "sleep", "30"])
equal(t.wait(), 124)
PYTHON
}

@test "the output limit holds on a terminal" {
	printf '[profile]\nextends = default\n[output]\nstdio.max = 20K\n' >"$T/small.ini"
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-p", T + "/small.ini", "--", "yes"])
equal(t.wait(), 137)
contains(t.output, b"sandrun: output limit 20K reached")
equal(len(t.output.split(b"sandrun:")[0].rstrip(b"y\r\n")), 0)
assert 20480 <= len(t.output.split(b"sandrun:")[0]) <= 20484, len(t.output)
PYTHON
}

@test "stopped by a signal and continued in the foreground, by a shell's job control" {
	on_terminal <<'PYTHON'
t = Terminal(["bash", "--norc", "--noprofile", "-i"])
t.expect("$ ")
# a program that leaves its modes as they are, and one that has its own
for modes, shown in (("", "typed\r\ntyped\r\n"), ("stty -echo;", "typed\r\n")):
    t.send(SANDRUN + " -q -- sh -c '%s echo up; cat'\r" % modes)
    t.expect("up\r\n")
    t.until(t.raw, "raw")
    (pid,) = [p for p in children_of(t.pid) if open("/proc/%d/stat" % p).read().split()[3] == str(t.pid)]
    os.kill(pid, signal.SIGTSTP)
    t.expect("Stopped")
    t.expect("$ ")
    t.send("echo cooked\r")
    t.expect("cooked\r\ncooked\r\n")
    t.send("fg\r")
    t.expect("cat'\r\n")
    time.sleep(0.3)
    t.send("typed\r")
    t.expect(shown)
    equal(t.output.endswith(b"cat'\r\n" + shown.encode()), True)
    t.send("\x04")
    t.expect("$ ")
    t.send("echo status $?\r")
    t.expect("status 0")
    t.expect("$ ")
t.send("exit\r")
equal(t.wait(), 0)
PYTHON
}

@test "in the background of a terminal: it runs, writes and leaves the keyboard alone" {
	on_terminal <<'PYTHON'
t = Terminal(["bash", "--norc", "--noprofile", "-i"])
t.expect("$ ")
t.send(SANDRUN + " -q -- sh -c 'sleep 0.5; echo from inside; exit 5' &\r")
t.expect("$ ")
t.send("echo $((6 * 7))\r")
t.expect("\r\n42\r\n")
t.expect(re.compile("from inside\r+\n"))
t.send("wait $!; echo status $?\r")
t.expect(re.compile("status 5\r\n"))
t.send("exit\r")
equal(t.wait(), 0)
PYTHON
}

@test "a terminal that goes away takes the program with it" {
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "echo up; sleep 30; echo after"])
t.expect("up")
t.until(lambda: len(children_of(t.pid)) >= 3, "PID 1, the shell and its child")
inside = children_of(t.pid)
t.hang_up()
equal(t.wait(10) >= 128, True)
for pid in inside:
    assert not os.path.exists("/proc/%d" % pid) or open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0] == "Z"
PYTHON
}

@test "SIGKILL of sandrun at a terminal leaves no process" {
	on_terminal <<'PYTHON'
t = Terminal([SANDRUN, "-q", "--", "sh", "-c", "echo up; sleep 30; echo after"])
t.expect("up")
t.until(lambda: len(children_of(t.pid)) >= 3, "PID 1, the shell and its child")
inside = children_of(t.pid)
t.kill(signal.SIGKILL)
equal(t.wait(), 137)
deadline = time.monotonic() + 1
def lives(pid):
    try:
        return open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
while any(map(lives, inside)):
    assert time.monotonic() < deadline
    time.sleep(0.02)
PYTHON
}
