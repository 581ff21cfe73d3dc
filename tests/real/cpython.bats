#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# run-suite: alone
#
# CPython's own tests inside sandrun, all of Debian's python3 that need no network and no terminal. cpython.py runs
# them, four modules at a time; what is known to differ, and why, stands in known-differences.

load ../lib/common

setup_file() {
	export SR_REAL_CPYTHON=$BATS_FILE_TMPDIR/inside
	[ -d /usr/lib/python3.11/test/test_json ] || return 0
	/usr/bin/python3 "$TESTS/real/cpython.py" inside "$SANDRUN" "$SR_REAL_CPYTHON" \
		>/dev/null 2>"$BATS_FILE_TMPDIR/driver" 3>&- || true
}

setup() {
	[ -d /usr/lib/python3.11/test/test_json ] || skip "no libpython3.11-testsuite on this machine"
}

passes() {
	local status
	read -r status _ <"$SR_REAL_CPYTHON/$1.status" || sr_fail "$1 did not run: $(cat "$BATS_FILE_TMPDIR/driver")"
	[ "$status" = 0 ] && return 0
	grep -aE '^(ERROR|FAIL|sandrun|hint):' "$SR_REAL_CPYTHON/$1.log" | sort -u | head -n 20 >&2
	tail -n 40 "$SR_REAL_CPYTHON/$1.log" >&2
	return 1
}

@test "cpython: every module that runs has a test here" {
	assert_equal "$(sed -n 's/^@test "cpython: \(test_[a-z0-9_]*\)".*/\1/p' "$BATS_TEST_FILENAME" | sort)" \
		"$(/usr/bin/python3 "$TESTS/real/cpython.py" list | sort)"
}

@test "cpython: the list of known differences is true" {
	/usr/bin/python3 "$TESTS/real/cpython.py" known "$SANDRUN" "$T/known" >&2
}

@test "cpython: test_asyncio" {
	passes test_asyncio
}

@test "cpython: test_bisect" {
	passes test_bisect
}

@test "cpython: test_bz2" {
	passes test_bz2
}

@test "cpython: test_cmd_line" {
	passes test_cmd_line
}

@test "cpython: test_collections" {
	passes test_collections
}

@test "cpython: test_compileall" {
	passes test_compileall
}

@test "cpython: test_concurrent_futures" {
	passes test_concurrent_futures
}

@test "cpython: test_configparser" {
	passes test_configparser
}

@test "cpython: test_contextlib" {
	passes test_contextlib
}

@test "cpython: test_csv" {
	passes test_csv
}

@test "cpython: test_ctypes" {
	passes test_ctypes
}

@test "cpython: test_dbm" {
	passes test_dbm
}

@test "cpython: test_decimal" {
	passes test_decimal
}

@test "cpython: test_eintr" {
	passes test_eintr
}

@test "cpython: test_epoll" {
	passes test_epoll
}

@test "cpython: test_faulthandler" {
	passes test_faulthandler
}

@test "cpython: test_fcntl" {
	passes test_fcntl
}

@test "cpython: test_fileio" {
	passes test_fileio
}

@test "cpython: test_fork1" {
	passes test_fork1
}

@test "cpython: test_ftplib" {
	passes test_ftplib
}

@test "cpython: test_getpass" {
	passes test_getpass
}

@test "cpython: test_glob" {
	passes test_glob
}

@test "cpython: test_grp" {
	passes test_grp
}

@test "cpython: test_gzip" {
	passes test_gzip
}

@test "cpython: test_hashlib" {
	passes test_hashlib
}

@test "cpython: test_heapq" {
	passes test_heapq
}

@test "cpython: test_httplib" {
	passes test_httplib
}

@test "cpython: test_imaplib" {
	passes test_imaplib
}

@test "cpython: test_import" {
	passes test_import
}

@test "cpython: test_io" {
	passes test_io
}

@test "cpython: test_ioctl" {
	passes test_ioctl
}

@test "cpython: test_json" {
	passes test_json
}

@test "cpython: test_locale" {
	passes test_locale
}

@test "cpython: test_lzma" {
	passes test_lzma
}

@test "cpython: test_mailbox" {
	passes test_mailbox
}

@test "cpython: test_math" {
	passes test_math
}

@test "cpython: test_mmap" {
	passes test_mmap
}

@test "cpython: test_multiprocessing_fork" {
	passes test_multiprocessing_fork
}

@test "cpython: test_multiprocessing_forkserver" {
	passes test_multiprocessing_forkserver
}

@test "cpython: test_multiprocessing_spawn" {
	passes test_multiprocessing_spawn
}

@test "cpython: test_openpty" {
	passes test_openpty
}

@test "cpython: test_os" {
	passes test_os
}

@test "cpython: test_pathlib" {
	passes test_pathlib
}

@test "cpython: test_pickle" {
	passes test_pickle
}

@test "cpython: test_platform" {
	passes test_platform
}

@test "cpython: test_poll" {
	passes test_poll
}

@test "cpython: test_popen" {
	passes test_popen
}

@test "cpython: test_posix" {
	passes test_posix
}

@test "cpython: test_posixpath" {
	passes test_posixpath
}

@test "cpython: test_pty" {
	passes test_pty
}

@test "cpython: test_pwd" {
	passes test_pwd
}

@test "cpython: test_queue" {
	passes test_queue
}

@test "cpython: test_random" {
	passes test_random
}

@test "cpython: test_re" {
	passes test_re
}

@test "cpython: test_resource" {
	passes test_resource
}

@test "cpython: test_runpy" {
	passes test_runpy
}

@test "cpython: test_sched" {
	passes test_sched
}

@test "cpython: test_select" {
	passes test_select
}

@test "cpython: test_selectors" {
	passes test_selectors
}

@test "cpython: test_shelve" {
	passes test_shelve
}

@test "cpython: test_shutil" {
	passes test_shutil
}

@test "cpython: test_signal" {
	passes test_signal
}

@test "cpython: test_site" {
	passes test_site
}

@test "cpython: test_smtplib" {
	passes test_smtplib
}

@test "cpython: test_socket" {
	passes test_socket
}

@test "cpython: test_socketserver" {
	passes test_socketserver
}

@test "cpython: test_ssl" {
	passes test_ssl
}

@test "cpython: test_stat" {
	passes test_stat
}

@test "cpython: test_struct" {
	passes test_struct
}

@test "cpython: test_subprocess" {
	passes test_subprocess
}

@test "cpython: test_sys" {
	passes test_sys
}

@test "cpython: test_syslog" {
	passes test_syslog
}

@test "cpython: test_tarfile" {
	passes test_tarfile
}

@test "cpython: test_tempfile" {
	passes test_tempfile
}

@test "cpython: test_thread" {
	passes test_thread
}

@test "cpython: test_threading" {
	passes test_threading
}

@test "cpython: test_threadsignals" {
	passes test_threadsignals
}

@test "cpython: test_time" {
	passes test_time
}

@test "cpython: test_unicodedata" {
	passes test_unicodedata
}

@test "cpython: test_urllib2_localnet" {
	passes test_urllib2_localnet
}

@test "cpython: test_uuid" {
	passes test_uuid
}

@test "cpython: test_venv" {
	passes test_venv
}

@test "cpython: test_wait3" {
	passes test_wait3
}

@test "cpython: test_wait4" {
	passes test_wait4
}

@test "cpython: test_xml_etree" {
	passes test_xml_etree
}

@test "cpython: test_xmlrpc" {
	passes test_xmlrpc
}

@test "cpython: test_zipfile" {
	passes test_zipfile
}

@test "cpython: test_zlib" {
	passes test_zlib
}
