/* SPDX-License-Identifier: MIT */
/*
 * What comes with a language itself. Python: sys.stdlib_module_names of 3.11 with what later and earlier versions of 3 add;
 * node: module.builtinModules of 20; R: the base packages; Ruby: the default libraries of 3.x, which is more than the
 * default gems. Sorted by bytes.
 */
#include "image/imports-internal.h"

static const char *const python[] = {
	"__future__", "__main__", "_abc", "_ast", "_asyncio", "_bisect", "_codecs", "_collections_abc",
	"_compat_pickle", "_csv", "_ctypes", "_curses", "_datetime", "_decimal", "_functools", "_hashlib", "_heapq",
	"_io", "_json", "_locale", "_markupbase", "_multiprocessing", "_operator", "_pickle", "_posixsubprocess",
	"_py_abc", "_pydecimal", "_queue", "_random", "_signal", "_sitebuiltins", "_socket", "_sqlite3", "_ssl",
	"_stat", "_string", "_strptime", "_struct", "_thread", "_threading_local", "_tkinter", "_typeshed",
	"_typing", "_warnings", "_weakref", "_weakrefset", "_winapi", "abc", "aifc", "annotationlib", "antigravity",
	"argparse", "array", "ast", "asynchat", "asyncio", "asyncore", "atexit", "audioop", "base64", "bdb",
	"binascii", "bisect", "builtins", "bz2", "cProfile", "calendar", "cgi", "cgitb", "chunk", "cmath", "cmd",
	"code", "codecs", "codeop", "collections", "colorsys", "compileall", "compression", "concurrent",
	"configparser", "contextlib", "contextvars", "copy", "copyreg", "crypt", "csv", "ctypes", "curses",
	"dataclasses", "datetime", "dbm", "decimal", "difflib", "dis", "distutils", "doctest", "email", "encodings",
	"ensurepip", "enum", "errno", "faulthandler", "fcntl", "filecmp", "fileinput", "fnmatch", "fractions",
	"ftplib", "functools", "gc", "genericpath", "getopt", "getpass", "gettext", "glob", "graphlib", "grp",
	"gzip", "hashlib", "heapq", "hmac", "html", "http", "idlelib", "imaplib", "imghdr", "imp", "importlib",
	"inspect", "io", "ipaddress", "itertools", "json", "keyword", "lib2to3", "linecache", "locale", "logging",
	"lzma", "mailbox", "mailcap", "marshal", "math", "mimetypes", "mmap", "modulefinder", "msilib", "msvcrt",
	"multiprocessing", "netrc", "nis", "nntplib", "nt", "ntpath", "nturl2path", "numbers", "opcode", "operator",
	"optparse", "os", "ossaudiodev", "pathlib", "pdb", "pickle", "pickletools", "pipes", "pkgutil", "platform",
	"plistlib", "poplib", "posix", "posixpath", "pprint", "profile", "pstats", "pty", "pwd", "py_compile",
	"pyclbr", "pydoc", "pydoc_data", "pyexpat", "queue", "quopri", "random", "re", "readline", "reprlib",
	"resource", "rlcompleter", "runpy", "sched", "secrets", "select", "selectors", "shelve", "shlex", "shutil",
	"signal", "site", "smtpd", "smtplib", "sndhdr", "socket", "socketserver", "spwd", "sqlite3", "sre_compile",
	"sre_constants", "sre_parse", "ssl", "stat", "statistics", "string", "stringprep", "struct", "subprocess",
	"sunau", "symtable", "sys", "sysconfig", "syslog", "tabnanny", "tarfile", "telnetlib", "tempfile", "termios",
	"textwrap", "this", "threading", "time", "timeit", "tkinter", "token", "tokenize", "tomllib", "trace",
	"traceback", "tracemalloc", "tty", "turtle", "turtledemo", "types", "typing", "unicodedata", "unittest",
	"urllib", "uu", "uuid", "venv", "warnings", "wave", "weakref", "webbrowser", "winreg", "winsound", "wsgiref",
	"xdrlib", "xml", "xmlrpc", "zipapp", "zipfile", "zipimport", "zlib", "zoneinfo",
};

static const char *const node[] = {
	"assert", "async_hooks", "buffer", "child_process", "cluster", "console", "constants", "crypto", "dgram",
	"diagnostics_channel", "dns", "domain", "events", "fs", "http", "http2", "https", "inspector", "module",
	"net", "os", "path", "perf_hooks", "process", "punycode", "querystring", "readline", "repl", "stream",
	"string_decoder", "sys", "timers", "tls", "trace_events", "tty", "url", "util", "v8", "vm", "wasi",
	"worker_threads", "zlib",
};

static const char *const r[] = {
	"base", "compiler", "datasets", "grDevices", "graphics", "grid", "methods", "parallel", "splines", "stats",
	"stats4", "tcltk", "tools", "translations", "utils",
};

static const char *const ruby[] = {
	"English", "abbrev", "base64", "benchmark", "bigdecimal", "bundler", "cgi", "complex", "continuation",
	"coverage", "csv", "date", "dbm", "debug", "delegate", "did_you_mean", "digest", "drb", "enumerator", "erb",
	"error_highlight", "etc", "expect", "fcntl", "fiber", "fiddle", "fileutils", "find", "forwardable", "gdbm",
	"getoptlong", "io/console", "io/nonblock", "io/wait", "ipaddr", "irb", "json", "kconv", "logger", "matrix",
	"mkmf", "monitor", "mutex_m", "net/http", "net/https", "net/protocol", "nkf", "objspace", "observer",
	"open-uri", "open3", "openssl", "optionparser", "optparse", "ostruct", "pathname", "pp", "prettyprint",
	"prime", "prism", "pstore", "psych", "pty", "racc/parser", "random/formatter", "rational", "rbconfig",
	"readline", "reline", "resolv", "resolv-replace", "rinda", "ripper", "rubygems", "securerandom", "set",
	"shellwords", "singleton", "socket", "sorted_set", "stringio", "strscan", "syntax_suggest", "syslog",
	"tempfile", "thread", "thwait", "time", "timeout", "tmpdir", "tracer", "tsort", "un", "unicode_normalize",
	"uri", "weakref", "win32ole", "yaml", "zlib",
};

static bool is_in(const char *const *table, size_t count, const char *name, size_t len)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = strncmp(table[mid], name, len);

		if (order == 0 && !table[mid][len])
			return true;
		if (order < 0)
			low = mid + 1;
		else /* the same with more behind it is greater */
			high = mid;
	}
	return false;
}

/* net/http is Ruby's, net/ssh is not; json/add/core is. */
static bool is_ruby(const char *name, size_t len)
{
	for (size_t n = 1; n <= len; n++) {
		if ((n == len || name[n] == '/') && is_in(ruby, SR_ELEMENTSOF(ruby), name, n))
			return true;
	}
	return false;
}

bool import_is_standard(enum sr_script_language language, const char *name, size_t len)
{
	switch (language) {
	case SR_SCRIPT_PYTHON:
		return is_in(python, SR_ELEMENTSOF(python), name, len);
	case SR_SCRIPT_JAVASCRIPT:
		return is_in(node, SR_ELEMENTSOF(node), name, len);
	case SR_SCRIPT_R:
		return is_in(r, SR_ELEMENTSOF(r), name, len);
	case SR_SCRIPT_RUBY:
		return is_ruby(name, len);
	default:
		return false;
	}
}
