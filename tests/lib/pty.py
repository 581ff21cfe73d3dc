# SPDX-License-Identifier: MIT
"""A person at a terminal: runs a command on a real pseudo-terminal, types, reads and looks at the terminal's modes.

    python3 tests/lib/pty.py <<'PYTHON'
    t = Terminal([SANDRUN, "--lang", "python"])
    t.expect(">>> ")
    t.send("6 * 7\\r")
    t.expect("42")
    t.send("\\x04")
    equal(t.wait(), 0)
    PYTHON

The program on standard input sees what is defined here, SANDRUN (from the environment) and T (the test's folder). A failed
check ends it with status 1 and what the terminal showed. Everything that was started is killed at the end.
"""
import errno
import fcntl
import linecache
import os
import re
import select
import signal
import struct
import sys
import termios
import time
import traceback

SANDRUN = os.environ.get("SANDRUN", "sandrun")
T = os.environ.get("T", "/tmp")
started = []


class Terminal:
    """argv on a terminal of its own, in the foreground of a session of its own.

    stdin:          "tty", or bytes that come through a pipe
    stdout, stderr: "tty", or "pipe": then t.piped() is what came out there
    """

    def __init__(self, argv, stdin="tty", stdout="tty", stderr="tty", rows=24, cols=80, env=None):
        self.master, self.slave = os.openpty()
        os.set_inheritable(self.slave, False)
        self.output = b""
        self.mark = 0
        self.status = None
        self.resize(rows, cols)
        self.before = self.modes()
        self.pipes = {}  # 1, 2: [descriptor or None at its end, bytes]
        feed = None
        fds = [self.slave, self.slave, self.slave]
        close = []
        if stdin != "tty":
            fds[0], feed = os.pipe()
            close.append(fds[0])
        for i, kind in ((1, stdout), (2, stderr)):
            if kind == "pipe":
                ours, fds[i] = os.pipe()
                close.append(fds[i])
                self.pipes[i] = [ours, b""]
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
                for i, fd in enumerate(fds):
                    os.dup2(fd, i + 100)
                for i in range(3):
                    os.dup2(i + 100, i)
                os.closerange(3, 200)
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                os.execvpe(argv[0], argv, dict(os.environ, TERM="dumb", PS1="$ ", **(env or {})))
            finally:
                os._exit(111)
        started.append(self)
        for fd in close:
            os.close(fd)
        if feed is not None:
            if isinstance(stdin, bytes):
                os.write(feed, stdin)
            os.close(feed)

    # ---- keys and sizes ----
    def send(self, text):
        data = text.encode() if isinstance(text, str) else text
        while data:
            data = data[os.write(self.master, data):]

    def resize(self, rows, cols):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def hang_up(self):
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    # ---- what there is to see ----
    def modes(self):
        return termios.tcgetattr(self.slave)

    def raw(self):
        return not self.modes()[3] & termios.ICANON

    def pump(self, seconds):
        """Reads what comes within the time; returns at the first piece."""
        ends = {pipe[0]: pipe for pipe in self.pipes.values() if pipe[0] is not None}
        fds = list(ends) + ([self.master] if self.master >= 0 else [])
        for fd in select.select(fds, [], [], seconds)[0]:
            try:
                data = os.read(fd, 1 << 16)
            except OSError as e:
                if e.errno not in (errno.EIO, errno.EAGAIN):
                    raise
                data = b""
            if fd == self.master:
                self.output += data
            elif data:
                ends[fd][1] += data
            else:
                os.close(fd)
                ends[fd][0] = None

    def seen(self):
        return len(self.output) + sum(len(pipe[1]) for pipe in self.pipes.values())

    def piped(self, which=1):
        return self.pipes[which][1]

    def expect(self, pattern, timeout=15):
        """Waits until the pattern shows after the last match. Text is taken literally; re.compile() is a pattern."""
        if isinstance(pattern, str):
            pattern = re.compile(re.escape(pattern))
        pattern = re.compile(pattern.pattern.encode(), pattern.flags & ~re.UNICODE)
        deadline = time.monotonic() + timeout
        while True:
            m = pattern.search(self.output, self.mark)
            if m:
                self.mark = m.end()
                return m
            left = deadline - time.monotonic()
            if left <= 0 or self.status is not None:
                raise AssertionError("%r did not show" % pattern.pattern)
            self.pump(min(left, 0.1))
            self.poll()

    def quiet(self, seconds):
        """Nothing may show for that long."""
        size = len(self.output)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.pump(0.05)
        equal(self.output[size:], b"")

    def until(self, condition, what, timeout=10):
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("not in time: " + what)
            self.pump(0.02)

    # ---- the end ----
    def poll(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                before = -1
                while before != self.seen():  # what it left in the terminal and in pipes
                    before = self.seen()
                    self.pump(0.02)
                self.status = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
        return self.status

    def wait(self, timeout=20):
        """Exit status as a shell says it."""
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise AssertionError("it did not end")
            self.pump(0.05)
        return self.status

    def kill(self, sig):
        os.kill(self.pid, sig)

    def end(self):
        if self.status is None:
            for pid in [p for p in children_of(self.pid)] + [self.pid]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            os.waitpid(self.pid, 0)


def children_of(pid):
    """All descendants, the nearest first."""
    found = []
    try:
        for task in os.listdir("/proc/%d/task" % pid):
            found += [int(n) for n in open("/proc/%d/task/%s/children" % (pid, task)).read().split()]
    except OSError:
        pass
    return found + [g for child in found for g in children_of(child)]


def equal(seen, wanted):
    if seen != wanted:
        raise AssertionError("seen %r, expected %r" % (seen, wanted))


def contains(text, part):
    if part not in text:
        raise AssertionError("%r is missing in %r" % (part, text))


def lacks(text, part):
    if part in text:
        raise AssertionError("%r is in %r" % (part, text))


def write(name, text):
    """A file of the test's folder; its path."""
    path = os.path.join(T, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def main():
    code = sys.stdin.read()
    status = 0
    linecache.cache["test"] = (len(code), None, code.splitlines(True), "test")
    signal.alarm(90)
    try:
        exec(compile(code, "test", "exec"), globals())
    except BaseException:
        traceback.print_exc()
        for t in started:
            print("the terminal showed: %r" % t.output[-3000:], file=sys.stderr)
        status = 1
    for t in started:
        t.end()
    return status


if __name__ == "__main__":
    sys.exit(main())
