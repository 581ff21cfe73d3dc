#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs CPython's own tests inside sandrun, outside, or compares two such runs.

    cpython.py inside SANDRUN DIR [MODULE...]     run them in sandboxes, a few at a time
    cpython.py outside DIR [MODULE...]            run them without
    cpython.py compare OUTSIDE-DIR INSIDE-DIR     tests that fail or are skipped inside and not outside
    cpython.py known SANDRUN DIR                  is known-differences true? Runs what it says to fail
    cpython.py list                               the modules

In DIR there is then MODULE.log (what it printed), MODULE.xml (each test, JUnit's format) and MODULE.status.
The tests named in known-differences are left out inside (with --all they are not). The tests come from Debian's
libpython3.11-testsuite; regrtest's extra resources (network, largefile, ...) are off.
"""
import concurrent.futures
import fnmatch
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"
AT_A_TIME = int(os.environ.get("SR_REAL_JOBS", "4"))

# The default profile is 512M, 128 processes, 60 s of CPU, 256 open files, 64M of /tmp. What needs more says so here.
MORE_CPU = ["--cpu-time", "10m"]
MANY = ["--pids", "1024", "-m", "4G", *MORE_CPU]
FILES = ["--nofile", "4096"]
SPACE = ["--tmp-size", "1G", "--file-size", "4G", "-m", "4G"]

# Slow ones first: they then overlap with the rest.
MODULES = {
    "test_concurrent_futures": MANY,
    "test_multiprocessing_spawn": MANY + FILES,
    "test_multiprocessing_forkserver": MANY + FILES,
    "test_multiprocessing_fork": MANY + FILES,
    "test_asyncio": MANY + FILES,
    "test_signal": MORE_CPU,
    "test_ssl": MORE_CPU,
    "test_io": MANY + SPACE,
    "test_socket": MANY,
    "test_xmlrpc": [],
    "test_subprocess": MANY,
    "test_faulthandler": [],
    "test_selectors": [],
    "test_poll": [],
    "test_threading": MANY,
    "test_ftplib": [],
    "test_venv": SPACE + MORE_CPU,
    "test_compileall": MORE_CPU,
    "test_queue": [],
    "test_eintr": [],
    "test_fork1": [],
    "test_wait3": [],
    "test_wait4": [],
    "test_threadsignals": [],
    "test_zipfile": SPACE,
    "test_lzma": ["-m", "2G"],
    "test_pickle": ["-m", "2G"],
    "test_tarfile": SPACE,
    "test_bz2": ["-m", "2G"],
    "test_bisect": [],
    "test_cmd_line": [],
    "test_collections": [],
    "test_configparser": [],
    "test_contextlib": [],
    "test_csv": [],
    "test_ctypes": [],
    "test_dbm": [],
    "test_decimal": MORE_CPU,
    "test_epoll": [],
    "test_fcntl": [],
    "test_fileio": [],
    "test_getpass": [],
    "test_glob": [],
    "test_grp": [],
    "test_gzip": [],
    "test_hashlib": ["-m", "2G"],
    "test_heapq": [],
    "test_httplib": [],
    "test_imaplib": [],
    "test_import": [],
    "test_ioctl": [],
    "test_json": ["-m", "2G"],
    "test_locale": [],
    "test_mailbox": [],
    "test_math": [],
    "test_mmap": ["-m", "2G", "--file-size", "8G"],
    "test_openpty": [],
    "test_os": MANY + FILES,
    "test_pathlib": [],
    "test_platform": [],
    "test_popen": [],
    "test_posix": [],
    "test_posixpath": [],
    "test_pty": [],
    "test_pwd": [],
    "test_random": [],
    "test_re": ["-m", "2G"],
    "test_resource": ["--cpu-time", "300h"],
    "test_runpy": [],
    "test_sched": [],
    "test_select": [],
    "test_shelve": [],
    "test_shutil": SPACE,
    "test_site": [],
    "test_smtplib": [],
    "test_socketserver": [],
    "test_stat": [],
    "test_struct": [],
    "test_sys": [],
    "test_syslog": [],
    "test_tempfile": FILES,
    "test_thread": [],
    "test_time": [],
    "test_unicodedata": [],
    "test_urllib2_localnet": [],
    "test_uuid": [],
    "test_xml_etree": [],
    "test_zlib": ["-m", "2G"],
}


def known_differences():
    """{test id or pattern: "fails", "varies" or "skipped"} of the written list."""
    found = {}
    for number, line in enumerate((HERE / "known-differences").read_text(encoding="utf-8").splitlines(), 1):
        words = line.split(None, 2)
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 3 or not words[0].startswith("test.test_") or words[1] not in ("fails", "varies", "skipped"):
            sys.exit(f"known-differences:{number}: not ID fails|varies|skipped REASON")
        found[words[0]] = words[1]
    return found


def known_to_fail(module, kinds):
    return [name for name, kind in known_differences().items() if kind in kinds and name.split(".")[1] == module]


def regrtest(module):
    # -w: what fails is run once more by itself; much of CPython's suite is about time, and the machine is busy.
    return [PYTHON, "-m", "test", "-w", "--timeout", "400", "--junit-xml", "result.xml", module]


def run(command, directory, module, cwd):
    begin = time.monotonic()
    with open(directory / f"{module}.log", "wb") as log:
        done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
    status = done.returncode
    (directory / f"{module}.status").write_text(f"{status} {time.monotonic() - begin:.1f}\n", encoding="utf-8")
    print(f"{module} {status} {time.monotonic() - begin:.1f}", flush=True)
    return status


def run_inside(sandrun, directory, module, ignored=(), only=()):
    """Runs a module in a sandbox, without the tests `ignored` or with nothing but `only`."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [sandrun, "-q", "-t", "15m", "-o", "result.xml", "-O", scratch, *MODULES[module]]
        test = regrtest(module)
        for option, names in (("--ignorefile", ignored), ("--matchfile", only)):
            if names:
                (pathlib.Path(scratch) / option[2:]).write_text("\n".join(names) + "\n", encoding="utf-8")
                command += ["-i", f"{scratch}/{option[2:]}"]
                test[-1:-1] = [option, f"/work/{option[2:]}"]
        status = run([*command, "--", *test], directory, module, scratch)
        keep_result(scratch, directory, module)
    return status


def run_outside(directory, module):
    with tempfile.TemporaryDirectory() as scratch:
        status = run(regrtest(module), directory, module, scratch)
        keep_result(scratch, directory, module)
    return status


def keep_result(scratch, directory, module):
    result = pathlib.Path(scratch) / "result.xml"
    if result.exists():
        (directory / f"{module}.xml").write_bytes(result.read_bytes())


def run_all(one, directory, modules):
    directory.mkdir(parents=True, exist_ok=True)
    unknown = set(modules) - set(MODULES)
    if unknown:
        sys.exit(f"no such module: {' '.join(sorted(unknown))}")
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        return max(pool.map(one, modules or MODULES))


def outcomes(directory):
    """{test id: (passed|failed|skipped, text)} of a run."""
    found = {}
    for path in sorted(directory.glob("*.xml")):
        for case in xml.etree.ElementTree.parse(path).iter("testcase"):
            kind, text = "passed", ""
            for child in case:
                if child.tag in ("failure", "error"):
                    kind, text = "failed", child.get("message") or (child.text or "")
                elif child.tag == "skipped" and kind == "passed":
                    kind, text = "skipped", child.text or child.get("message") or ""
            if case.get("name"):
                found[case.get("name")] = (kind, " ".join(text.split())[-200:])
    # A test whose sub-tests fail has no name in the XML, but the log has it.
    for path in sorted(directory.glob("*.log")):
        log = path.read_text(errors="replace")
        for name in re.findall(r"^(?:ERROR|FAIL): \w+ \((test\.[\w.]+)\)", log, re.MULTILINE):
            found.setdefault(name, ("failed", "a sub-test"))
    return found


def compare(outside, inside):
    before, after = outcomes(outside), outcomes(inside)
    known = known_differences()
    new = 0
    for name, (kind, _) in sorted(before.items()):
        now, text = after.get(name, ("missing", ""))
        if kind == "passed" and now != "passed":
            listed = any(fnmatch.fnmatchcase(name, pattern) for pattern in known)
            new += not listed
            print(f"{name}\t{now}\t{'known' if listed else 'NEW'}\t{text}")
    print(f"# {len(before)} tests outside, {len(after)} inside; {new} differences not on the list", file=sys.stderr)
    return 1 if new else 0


def check_known(sandrun, directory):
    """Each line of known-differences that says "fails" must name tests, and each of these must fail."""
    patterns = [name for name, kind in known_differences().items() if kind == "fails"]
    modules = sorted({name.split(".")[1] for name in patterns})
    run_all(lambda module: run_inside(sandrun, directory, module, only=known_to_fail(module, {"fails"})),
            directory, modules)
    seen = outcomes(directory)
    wrong = 0
    for pattern in patterns:
        kinds = {kind for name, (kind, _) in seen.items() if fnmatch.fnmatchcase(name, pattern)}
        if kinds != {"failed"}:
            wrong += 1
            print(f"{pattern}: {', '.join(sorted(kinds)) or 'no such test'}")
    return 1 if wrong else 0


def main(arguments):
    everything = "--all" in arguments
    if everything:
        arguments.remove("--all")
    match arguments:
        case ["list"]:
            print("\n".join(MODULES))
            return 0
        case ["inside", sandrun, directory, *modules]:
            target = pathlib.Path(directory).resolve()
            kinds = set() if everything else {"fails", "varies"}
            program = os.path.abspath(sandrun)
            return run_all(lambda module: run_inside(program, target, module, known_to_fail(module, kinds)),
                           target, modules)
        case ["outside", directory, *modules]:
            target = pathlib.Path(directory).resolve()
            return run_all(lambda module: run_outside(target, module), target, modules)
        case ["compare", outside, inside]:
            return compare(pathlib.Path(outside), pathlib.Path(inside))
        case ["known", sandrun, directory]:
            return check_known(os.path.abspath(sandrun), pathlib.Path(directory).resolve())
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
