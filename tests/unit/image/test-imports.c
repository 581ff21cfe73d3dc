/* SPDX-License-Identifier: MIT */
/* What scripts import, and how long it takes to say so of a hostile one. */
#include "image/imports.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "../tap.h"

struct text {
	const char *text, *want;
};

/* "numpy pandas? typing~": wanted, optional, not at run time; what comes with the language is left out. */
static char *rendered(enum sr_script_language language, const char *text)
{
	static char out[1024];
	struct sr_imports i;
	size_t len = 0;

	out[0] = '\0';
	if (imports_read(language, text, strlen(text), &i) < 0)
		return NULL;
	for (size_t n = 0; n < i.count && len < sizeof(out); n++) {
		if (i.items[n].kind != SR_IMPORT_STANDARD)
			len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s%s", len ? " " : "", i.items[n].name,
						i.items[n].kind == SR_IMPORT_OPTIONAL ? "?" :
						i.items[n].kind == SR_IMPORT_TYPING   ? "~" :
											"");
	}
	imports_done(&i);
	return out;
}

static void check(enum sr_script_language language, const struct text *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "%.60s", cases[i].text);
		for (char *at = name; *at; at++)
			*at = *at == '\n' || *at == '#' ? ' ' : *at;
		IS_STR(rendered(language, cases[i].text), cases[i].want, name);
	}
}

static void test_python(void)
{
	static const struct text cases[] = {
		{ "import numpy\n", "numpy" },
		{ "import a.b as c, d", "a d" },
		{ "import os, sys, numpy as np; import pandas\n", "numpy pandas" },
		{ "from x.y import (a,\n  b)\n", "x" },
		{ "from . import y\nfrom .z import q\nfrom ...w import e\nimport k\n", "k" },
		{ "from __future__ import annotations\nimport json", "" },
		{ "'''\nimport a\n'''\nimport b\n", "b" },
		{ "x = \"import a\\\nimport b\"\nimport c\n", "c" },
		{ "# import a\nx = 1 # import b\nimport c # import d\n", "c" },
		{ "import a, \\\n  b\n", "a b" },
		{ "x = (\nimport_a,\n'import z')\nimport c\n", "c" },
		{ "def f():\n\timport lazy\n\tfrom deep.er import x\n", "lazy deep" },
		{ "if x: import y\nelse: import z\n", "y z" },
		{ "class A: import y\nfor x in y: import z\n", "y z" },
		{ "try:\n  import a\nexcept ImportError:\n  a = None\nimport b", "a? b" },
		{ "try: import a\nexcept ImportError: pass\n", "a?" },
		{ "try:\n  import a\nexcept (ValueError, ModuleNotFoundError) as e:\n  pass\n", "a?" },
		{ "try:\n  import a\nexcept ValueError:\n  pass\n", "a" },
		{ "try:\n  import a\nexcept:\n  pass\n", "a?" },
		{ "try:\n  import a\nexcept ImportError:\n  print('pip install a')\n  sys.exit(1)\n", "a" },
		{ "try:\n  import a\nexcept ImportError as e:\n  raise SystemExit('no') from e\n", "a" },
		{ "try:\n  import a\nexcept ImportError:\n  import b\n", "a b?" },
		{ "try:\n  import tomllib\nexcept ImportError:\n  import tomli as tomllib\n", "tomli?" },
		{ "try:\n  import a\nexcept ImportError:\n  import json as a\n", "a?" },
		{ "try:\n import a\nexcept ImportError:\n try:\n  import b\n except ImportError:\n  b = 0\n", "a? b?" },
		{ "try:\n  import a\nfinally:\n  pass\n", "a" },
		{ "try:\n  import a\nexcept ImportError:\n  pass\nexcept ValueError:\n  import c\n", "a? c" },
		{ "with suppress(ImportError):\n  import a\nwith open('x'): import b\n", "a? b" },
		{ "if TYPE_CHECKING:\n  import a\nelse:\n  import b\n", "a~ b" },
		{ "if typing.TYPE_CHECKING: from a import A\n", "a~" },
		{ "if not TYPE_CHECKING:\n  import a\nelse:\n  import b\n", "a b~" },
		{ "if TYPE_CHECKING or X:\n  import a\n", "a" },
		{ "if False:\n  import a\nif 0: import b\nif x == 0: import c\n", "a~ b~ c" },
		{ "if sys.version_info < (3, 8):\n  import a\nelse:\n  import b\n", "a? b?" },
		{ "if sys.platform == 'win32': import winthing\nif os.name == 'nt':\n  import b\nelif x:\n  import c\n", "winthing? b? c?" },
		{ "m = __import__('numpy.linalg')\n", "numpy" },
		{ "import importlib\nimportlib.import_module(\"pandas.core\")\nimport_module('.rel', 'x')\n", "pandas" },
		{ "__import__(name)\n__import__('a' + b)\n__import__(f'b')\n__import__('c', globals())\n", "c" },
		{ "from importlib import import_module\nx = [import_module('q')]\n", "q" },
		{ "f\"{__import__('a').b}\"\n", "a" },
		{ "f'import {x:{w}} import y'\nimport z\n", "z" },
		{ "f\"{x[\"a\"]:>{w[\"b\"]}} {{import}}\"\nimport z\n", "z" },
		{ "f'''{\nx}\nimport no\n{y!r:'^10}'''\nimport z\n", "z" },
		{ "f'{a:%H:%M}' f\"{f'{f\"{1}\"}'}\"\nimport z\n", "z" },
		{ "r'\\' ; import no'\nimport z\n", "z" },
		{ "rb'''\\'''import no'''\nRb\"\"\"x\"\"\"\nimport z\n", "z" },
		{ "x = 'unclosed\nimport z\n", "z" },
		{ "\xef\xbb\xbf# -*- coding: latin-1 -*-\nimport z # \xe9\n", "z" },
		{ "import z\r\nimport y\rimport x\n", "z y x" },
		{ "\f\n\timport z\n", "z" },
		{ "x: int = 3\ny = lambda: 0\nimport z\n", "z" },
		{ "print('a', 'import b') ; import z\n", "z" },
		{ "@x\nasync def f():\n  import z\n", "z" },
		{ "yield from x\nraise X from y\nimport_x = 1\n", "" },
		{ "import\nfrom\nimport 3\nimport a b\nfrom x import\n", "x" },
		{ "\xc3\xa9 = 1\nimport \xc3\xa9t\xc3\xa9\n", "\xc3\xa9t\xc3\xa9" },
		{ "d = {'a': [1, (2, {3})]}\nimport z", "z" },
		{ "match x:\n  case 1:\n    import z\n", "z" },
	};

	check(SR_SCRIPT_PYTHON, cases, SR_ELEMENTSOF(cases));
}

static void test_javascript(void)
{
	static const struct text cases[] = {
		{ "import a from 'a'", "a" },
		{ "import 'side'; import {x as y, z} from \"b\"\nimport * as c from 'c'\nimport d, {e} from 'd/e'", "b side c d" },
		{ "import x from '@scope/name/deep'; import y from '@bad'", "@scope/name" },
		{ "import fs from 'fs'; import p from 'node:test'; require('fs/promises')", "" },
		{ "import './local.js'; import '/abs'; import '#sub'; import 'https://x/y'; import 'data:text/x,1'", "" },
		{ "import data from './x.json' with { type: 'json' }\nimport q from 'pkg/x.json' assert {type: 'json'}", "pkg" },
		{ "const a = require('a'), {b} = require(\"b/c\")", "a b" },
		{ "x.require('no'); require(name); require('a' + b); require(`tpl`); require(`no${1}`)", "tpl" },
		{ "const m = await import('dyn'); import(x); import.meta.url", "dyn" },
		{ "export * from 'a'; export {b} from 'b'; export * as c from 'c'\nexport {d}\nconst e = 'no'", "a b c" },
		{ "export default 'no'; export const x = 'no'", "" },
		{ "// require('a')\n/* require('b')\n*/ require('c') // require('d')", "c" },
		{ "const s = \"require('a')\", t = 'import \\'b\\'', u = `require('c') ${require('d')} ${`${'e'}`}`", "d" },
		{ "const r = /require('a')/g, q = /['\"]/; require('b')", "b" },
		{ "x = a / b; require('c'); y = d / e", "c" },
		{ "if (x) /'/.test(y); require('c')", "c" },
		{ "x = (a + b) / 2; s = '/'; require('c')", "c" },
		{ "function f() { return 1 }\n/'/.test(x); require('c')", "c" },
		{ "x = {a: 1} / 2; s = '/'; require('c')", "c" },
		{ "i++ / 2; s = '/'; require('c')", "c" },
		{ "x = /[/'\"]/; require('c')", "c" },
		{ "return /'/; typeof /\"/; require('c')", "c" },
		{ "a = b\n/ 2 / require('c')", "c" },
		{ "#!/usr/bin/env node\n'use strict'\nrequire('c')", "c" },
		{ "try { x = require('a') } catch {}\nrequire('b')", "a? b" },
		{ "try { x = require('a') } catch (e) { throw e }", "a" },
		{ "try { x = require('a') } catch ({message}) { process.exit(1) }", "a" },
		{ "try { x = require('a') } catch (e) { x = require('b') }", "a b?" },
		{ "try { x = require('a') } finally { }", "a" },
		{ "p.catch(() => {}); require('a')", "a" },
		{ "import type {A} from 'a'; import {type B} from 'b'; import type from 'c'; import type, {D} from 'd'", "a~ b c d" },
		{ "import x = require('a')", "a" },
		{ "const o = { import: 1, require: 2, from: 'x' }; o.import", "" },
		{ "[...require('a')]; f(...x)", "a" },
		{ "const {promisify} = require('util'), React = require('react'), s = require('react-dom/server')", "react react-dom" },
		{ "`${a}${`${require('x')}`}` + require('y')", "x y" },
	};

	check(SR_SCRIPT_JAVASCRIPT, cases, SR_ELEMENTSOF(cases));
}

static void test_r(void)
{
	static const struct text cases[] = {
		{ "library(dplyr)\nlibrary(\"ggplot2\"); library('tidyr')", "dplyr ggplot2 tidyr" },
		{ "library(stats); library(parallel)", "" },
		{ "suppressPackageStartupMessages(library(data.table))", "data.table" },
		{ "suppressPackageStartupMessages({\n library(a)\n library(b)\n})", "a b" },
		{ "# library(a)\nx <- 'library(b)'; y <- \"library(c) \\\" library(d)\"", "" },
		{ "x <- r\"(library(a) \")\"; y <- R'---[library(b)]'---]---'; library(c)", "c" },
		{ "r(\"x\"); library(c)", "c" },
		{ "x <- jsonlite::fromJSON(y); z <- stats::sd(x); pkg:::hidden()", "jsonlite pkg" },
		{ "pkgs <- c('a', 'b'); for (p in pkgs) library(p, character.only = TRUE)", "" },
		{ "library('a', character.only = TRUE)", "a" },
		{ "if (!require(a)) install.packages('a')", "a" },
		{ "if (!requireNamespace('a', quietly = TRUE)) stop('no')\na::f()", "a" },
		{ "if (requireNamespace('a', quietly = TRUE)) { a::f() }", "a?" },
		{ "if (requireNamespace('a', quietly = TRUE)) a::f()\nlibrary(a)", "a" },
		{ "tryCatch(library(a), error = function(e) NULL); try(library(b)); library(c)", "a? b? c" },
		{ "library(package = a); library(help = b); library()", "a" },
		{ "pacman::p_load(a, b, install = TRUE)", "a b pacman" },
		{ "x$library(a); x@require(b)", "" },
		{ "f <- function(x) x %in% y; library(a)", "a" },
		{ "`library`(a); `odd name` <- 1", "a" },
		{ "loadNamespace(\"a\"); requireNamespace(b)", "a" },
		{ "library(a[1]); library(f(x)); library(b)", "b" },
		{ "x <- 1e5; y <- .5; z <- 5L; library(a)", "a" },
	};

	check(SR_SCRIPT_R, cases, SR_ELEMENTSOF(cases));
}

static void test_ruby(void)
{
	static const struct text cases[] = {
		{ "require 'nokogiri'\nrequire \"json\"\nrequire('rack/utils')", "nokogiri rack/utils" },
		{ "require_relative 'x'\nrequire './y'\nload 'z.rb'", "" },
		{ "require 'net/http'; require 'net/ssh'; require 'io/console'", "net/ssh" },
		{ "gem 'rails', '~> 7'\ngem \"pg\" if x", "rails pg" },
		{ "# require 'a'\n=begin\nrequire 'b'\n=end\nrequire 'c'\n__END__\nrequire 'd'\n", "c" },
		{ "x = <<~EOS\n  require 'a'\n  EOS\nrequire 'b'\n", "b" },
		{ "f(<<-A, <<~'B')\nrequire 'x'\n  A\nrequire 'y'\n B\nrequire 'z'\n", "z" },
		{ "puts <<EOS\nrequire 'a'\nEOS\nrequire 'b'\n", "b" },
		{ "x << y\nclass << self\nend\na <<B\nrequire 'b'\n", "b" },
		{ "x = \"require 'a' #{require 'b'} #{h[\"x}\"]}\"\nrequire 'c'", "b c" },
		{ "x = %w[require 'a'] + %q(it's (nested) ') + %(a 'b')\nrequire 'c'", "c" },
		{ "x = 5 % 3; y = x %2\nrequire 'c'", "c" },
		{ "x = /require 'a' \\/ \"/i; y = a / b; s = '/'\nrequire 'c'", "c" },
		{ "x =~ /'/ ? 1 : 2\nrequire 'c'", "c" },
		{ "if x / 2 > y / 3 then require 'c' end", "c" },
		{ "split /'/\nrequire 'c'", "c" },
		{ "x.split /'/\ny.z / 2; w = '/'\nrequire 'c'", "c" },
		{ "x = ?' ; y = ?a\nrequire 'c'", "c" },
		{ "$' + $\" + $/ + $0\nrequire 'c'", "c" },
		{ "s = :\"quoted '\"; t = :'a b'; u = [:/, :%, :<<, :+]\nrequire 'c'", "c" },
		{ "require \"a#{x}\"; require \"a\" + b; require name", "" },
		{ "x.require 'no'; require: 'no'", "" },
		{ "autoload :X, 'lazy'", "lazy?" },
		{ "begin\n  require 'a'\nrescue LoadError\n  nil\nend\nrequire 'b'", "a? b" },
		{ "begin; require 'a'; rescue LoadError; end", "a?" },
		{ "begin\n  require 'a'\nrescue LoadError => e\n  abort 'gem install a'\nend", "a" },
		{ "begin\n  require 'a'\nrescue LoadError\n  require 'b'\nend", "a b?" },
		{ "begin\n  require 'a'\nrescue StandardError\nend", "a" },
		{ "require 'a' rescue nil", "a" },
		{ "def f\n  require 'a'\nrescue LoadError\n  false\nend\nrequire 'b'", "a? b" },
		{ "a.each { |x| x / 2 }; puts [1].map { |y| \"#{y}\" }\nrequire 'c'", "c" },
		{ "def /(other)\n  other\nend\ndef `(cmd)\nend\nrequire 'c'", "c" },
		{ "require 'active_support/core_ext'\nrequire 'a.rb'", "active_support/core_ext a" },
	};

	check(SR_SCRIPT_RUBY, cases, SR_ELEMENTSOF(cases));
}

/* "dependency@line ...; requires; problem" */
static char *metadata(const char *text)
{
	static char out[1024];
	struct sr_imports i;
	size_t len = 0;

	out[0] = '\0';
	if (imports_read(SR_SCRIPT_PYTHON, text, strlen(text), &i) < 0)
		return NULL;
	for (size_t n = 0; n < i.dependency_count; n++)
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s=%s@%u ", i.dependencies[n].name, i.dependencies[n].module,
					i.dependencies[n].line);
	(void)snprintf(out + len, sizeof(out) - len, "%s%s%s", i.requires_python ? i.requires_python : "",
		       i.metadata_problem ? "; " : "", i.metadata_problem ? i.metadata_problem : "");
	imports_done(&i);
	return out;
}

static void test_metadata(void)
{
	static const struct text cases[] = {
		{ "# /// script\n# dependencies = [\"Pillow>=9\", 'scikit.learn[x]']\n# ///\n", "pillow=PIL@2 scikit-learn=sklearn@2 " },
		{ "# /// script\r\n# requires-python = \">=3.11\"\r\n# dependencies = [\r\n#   \"rich\", # c\r\n#   \"PyYAML\",\r\n# ]\r\n# ///\r\n",
		  "rich=rich@4 pyyaml=yaml@5 >=3.11" },
		{ "# /// script\n# dependencies = []\n# ///\n", "" },
		{ "# /// script\n# dependencies = ['a']\n", "" },
		{ "# /// script\n# dependencies = ['a']\n\n# ///\n", "" },
		{ "# /// script\n#dependencies = ['a']\n# ///\n", "" },
		{ " # /// script\n# dependencies = ['a']\n# ///\n", "" },
		{ "# /// script \n# dependencies = ['a']\n# ///\n", "" },
		{ "# /// other\n# dependencies = ['a']\n# ///\n", "" },
		{ "# /// script\n# ///\n", "" },
		{ "# /// script\n# dependencies = ['a']\n# ///", "a=a@2 " },
		{ "# /// script\n# dependencies = ['a']\n# [tool.x]\n# y = { odd\n# ///\n", "a=a@2 " },
		{ "# /// script\n# dependencies = ['a']\n#\n# ///\nx = 1\n# /// script\n# ///\n# ///\n", "; there are several script blocks" },
		{ "# /// script\n# dependencies = 'a'\n# ///\n", "; its dependencies and requires-python are not as PEP 723 has them" },
		{ "# /// script\n# dependencies = ['']\n# ///\n", "; its dependencies and requires-python are not as PEP 723 has them" },
		{ "# /// script\n# dependencies = ['-r x']\n# ///\n", "; its dependencies and requires-python are not as PEP 723 has them" },
		{ "# /// script\n# name = 'x'\n# ///\n", "; its dependencies and requires-python are not as PEP 723 has them" },
		{ "# /// script\n# dependencies = ['a']\n# ///\n# tail\n# ///\n", "; its dependencies and requires-python are not as PEP 723 has them" },
	};

	for (size_t i = 0; i < SR_ELEMENTSOF(cases); i++)
		IS_STR(metadata(cases[i].text), cases[i].want, "a PEP 723 block");
}

static char *directive(const char *text)
{
	static char out[300];
	struct sr_imports i;

	if (imports_read(SR_SCRIPT_OTHER, text, strlen(text), &i) < 0)
		return NULL;
	(void)snprintf(out, sizeof(out), "%s@%u", i.environment ? i.environment : "", i.environment_line);
	imports_done(&i);
	return out;
}

static void test_directive(void)
{
	char late[256];

	IS_STR(directive("#!/bin/sh\n# sandrun: environment=torch\n"), "torch@2", "a line for sandrun");
	IS_STR(directive("  #sandrun:environment = torch  # why\n"), "torch@1", "with other blanks");
	IS_STR(directive("// sandrun: environment=node\n"), "node@1", "in JavaScript");
	IS_STR(directive("x = '# sandrun: environment=torch'\n"), "@0", "not in a line of code");
	IS_STR(directive("# sandrun: environment\n# sandrun: environ=x\n/ sandrun: environment=x\n"), "@0", "not what is near to it");
	(void)snprintf(late, sizeof(late), "%.*s# sandrun: environment=torch", 19, "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n");
	IS_STR(directive(late), "torch@20", "in line 20");
	(void)snprintf(late, sizeof(late), "%.*s# sandrun: environment=torch", 20, "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n");
	IS_STR(directive(late), "@0", "not in line 21");
}

static double cpu_seconds(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6;
}

/* Pieces that, repeated, make a careless reader start over: 2 MiB of each must not take longer than a reader of lines. */
static void test_hostile(void)
{
	static const char *const pieces[] = {
		"(", "[{", "f'{", "f\"{x:{", "'''", "'", "\\\n", "#\n", "import a\n", "import ", "from . ", "try:\n", "try:\n import a\n",
		"if x:\n ", "/", "=/[", "`${", "`", "=/", "{", "}", "r\"---(", "x::", "library(", "<<A ", "x=<<A,<<A\nA\n", "%w[", "\"#{",
		"begin\n", "rescue LoadError\n", "# /// a\n", "# /// script\n#\n", "# ///\n", "\0", "\xff", "require('a')\n", "require 'a'\n",
		"import('a'", "=begin\n", "if (requireNamespace('a')) a::b\n", "library(x,", "p_load(a,", "export {", "import {a,",
		"x = <<~A\n", "<<A", "?", "$", ":/", "try{require('a')}catch{", "def f\nrescue LoadError\n",
	};
	const size_t size = 2UL << 20;
	char *text = malloc(size);

	for (size_t i = 0; text && i < SR_ELEMENTSOF(pieces); i++) {
		size_t n = strlen(pieces[i]) ? strlen(pieces[i]) : 1;
		double began = cpu_seconds();
		bool good = true;

		for (size_t at = 0; at < size; at++)
			text[at] = pieces[i][at % n];
		for (int language = 0; language < SR_SCRIPT_LANGUAGES; language++) {
			struct sr_imports found;

			good = good && imports_read((enum sr_script_language)language, text, size, &found) == 0 && found.cut &&
			       found.count <= SR_IMPORTS_MAX;
			imports_done(&found);
		}
		/* five readers, each some 10 ms; a quadratic one takes minutes */
		OK(good && cpu_seconds() - began < 30, "2 MiB of one piece");
		tap_note("%zu: %.0f ms", i, (cpu_seconds() - began) * 1000);
	}
	free(text);
}

static void test_limits(void)
{
	struct sr_imports i;
	char *text = malloc(1UL << 20);
	size_t len = 0;

	if (!text)
		return;
	for (unsigned n = 0; n < 300; n++)
		len += (size_t)snprintf(text + len, 64, "import m%u\n", n);
	IS_INT(imports_read(SR_SCRIPT_PYTHON, text, len, &i), 0, "300 modules");
	OK(i.cut && i.count == SR_IMPORTS_MAX, "are more than are looked at, which is told");
	imports_done(&i);
	IS_INT(imports_read(SR_SCRIPT_PYTHON, "import a\n\0import b\n", 19, &i), 0, "a NUL byte");
	OK(i.count == 2, "is a blank");
	imports_done(&i);
	free(text);
}

static void test_names(void)
{
	struct sr_strv have = { 0 };

	OK(strv_add(&have, "net-ssh") == 0 && strv_add(&have, "nokogiri") == 0, "a list");
	OK(import_is_in(SR_SCRIPT_RUBY, "net/ssh", &have) && import_is_in(SR_SCRIPT_RUBY, "nokogiri/xml", &have), "features of gems");
	OK(!import_is_in(SR_SCRIPT_RUBY, "nokogir", &have) && !import_is_in(SR_SCRIPT_PYTHON, "nokogiri/xml", &have), "and no others");
	strv_done(&have);
}

int main(void)
{
	test_python();
	test_javascript();
	test_r();
	test_ruby();
	test_metadata();
	test_directive();
	test_names();
	test_limits();
	test_hostile();
	return tap_done();
}
