dnl SPDX-License-Identifier: MIT
dnl
dnl Which C library the sandrun program is linked with. A run of a small program is dominated by process start-up, and
dnl a static position-independent musl program starts fastest; glibc's own is next, a dynamic program last. So
dnl --with-libc=auto takes the first of these three whose link AND run with every library passes.
dnl
dnl With musl the system's own static archives (built for glibc) are linked in; src/base/compat-musl.c supplies the few
dnl symbols that they expect of glibc. musl sees a private include folder, musl/include in the build tree, with nothing
dnl but those libraries' and the kernel's headers, so that no header of glibc's is read by mistake.
dnl
dnl Sets, for the targets that make up sandrun:
dnl   SR_CORE_CFLAGS    in front of the sources       SR_CORE_LDFLAGS   in front of the objects
dnl   SR_CORE_LIBS      behind the objects            sr_libc           musl, glibc-static or dynamic

dnl The folder that holds a header, as the compiler finds it; empty when it does not.
AC_DEFUN([SR_HEADER_DIR], [
  $1=$(printf '#include <%s>\n' "$2" | $CC $CPPFLAGS -E -M -x c - 2>/dev/null | tr ' ' '\n' | grep "/$2\$" | sed -n '1p')
  $1=${$1%/$2}
])

dnl SR_STATIC_ARCHIVE(VARIABLE, NAME): the path of libNAME.a, or empty.
AC_DEFUN([SR_STATIC_ARCHIVE], [
  $1=$($CC $CFLAGS $LDFLAGS -print-file-name=lib$2.a)
  AS_CASE([$$1], [/*], [], [$1=])
])

dnl SR_MUSL_INCLUDE: fills musl/include with links. Sets sr_musl_missing to what could not be found.
AC_DEFUN([SR_MUSL_INCLUDE], [
  sr_musl_missing=
  rm -rf musl && AS_MKDIR_P([musl/include])
  for sr_header in linux/types.h asm/types.h asm-generic/types.h nettle/sha2.h sodium/core.h; do
    SR_HEADER_DIR([sr_dir], [$sr_header])
    sr_name=${sr_header%/*}
    AS_IF([test -n "$sr_dir"], [ln -s "$sr_dir/$sr_name" "musl/include/$sr_name"],
          [sr_musl_missing="$sr_musl_missing $sr_header"])
  done
  for sr_header in ini.h jansson.h jansson_config.h seccomp.h seccomp-syscalls.h sodium.h; do
    SR_HEADER_DIR([sr_dir], [$sr_header])
    AS_IF([test -n "$sr_dir"], [ln -s "$sr_dir/$sr_header" "musl/include/$sr_header"],
          [sr_musl_missing="$sr_musl_missing $sr_header"])
  done
])

dnl SR_MUSL_SPECS: musl-gcc is gcc with a specs file. Ours is that file, changed to link a static-pie: the start file
dnl that relocates itself, no interpreter, no text relocations.
AC_DEFUN([SR_MUSL_SPECS], [
  sr_specs=
  AS_IF([test -n "$MUSL_GCC"], [
    sr_specs=$(sed -n 's/.*-specs[[ =]]*"\{0,1\}\([[^" ]]*\)"\{0,1\}.*/\1/p' "$MUSL_GCC" 2>/dev/null | sed -n '1p')
  ])
  AS_IF([test -n "$sr_specs" && test -r "$sr_specs"], [
    sed -e 's|Scrt1\.o|rcrt1.o|' \
        -e 's|^-dynamic-linker.*|-static -pie --no-dynamic-linker -z text -nostdlib|' "$sr_specs" >musl/static-pie.specs
  ], [sr_musl_missing="$sr_musl_missing musl-gcc"])
])

dnl SR_LIBC_TRY(FLAGS BEFORE, LIBS BEHIND, SOURCE..., IF-WORKS, IF-NOT): compiles, links and runs the program that uses
dnl every library once.
AC_DEFUN([SR_LIBC_TRY], [
  rm -rf conftest.libc && AS_MKDIR_P([conftest.libc])
  sr_works=no
  sr_command="$CC $1 -D_GNU_SOURCE $CPPFLAGS $CFLAGS $SR_HARDEN_CFLAGS -o conftest.libc/try $srcdir/m4/try-libraries.c $3 $LDFLAGS $2"
  AS_ECHO(["$as_me: trying: $sr_command"]) >&AS_MESSAGE_LOG_FD
  AS_IF([eval "$sr_command" >&AS_MESSAGE_LOG_FD 2>&1],
        [AS_IF([sh -c './conftest.libc/try; exit $?' >&AS_MESSAGE_LOG_FD 2>&1], [sr_works=yes])])
  rm -rf conftest.libc
  AS_IF([test "$sr_works" = yes], [$4], [$5])
])

AC_DEFUN([SR_LIBC], [
  AC_ARG_WITH([libc],
    [AS_HELP_STRING([--with-libc=auto|musl|glibc-static|dynamic],
      [what the sandrun program is linked with: a static-pie with musl, one with glibc, or shared libraries; auto
       takes the first that works])],
    [], [with_libc=auto])
  AS_CASE([$with_libc], [auto|musl|glibc-static|dynamic], [],
    [AC_MSG_ERROR([--with-libc takes auto, musl, glibc-static or dynamic, not "$with_libc"])])
  AS_IF([test "$sr_instrumented" = yes], [
    AS_CASE([$with_libc], [auto|dynamic], [with_libc=dynamic],
      [AC_MSG_ERROR([sanitizers and coverage need --with-libc=dynamic])])
  ])

  AC_ARG_VAR([MUSL_GCC], [musl's compiler wrapper, of the package musl-tools])
  AC_PATH_PROG([MUSL_GCC], [musl-gcc])
  sr_libc=
  sr_libc_why=
  sr_archives=
  sr_archives_missing=
  for sr_lib in inih jansson seccomp sodium nettle; do
    SR_STATIC_ARCHIVE([sr_path], [$sr_lib])
    AS_IF([test -n "$sr_path"], [sr_archives="$sr_archives $sr_path"],
          [sr_archives_missing="$sr_archives_missing lib$sr_lib.a"])
  done

  AS_CASE([$with_libc], [auto|musl], [
    AC_MSG_CHECKING([whether a static musl program with all libraries links and runs])
    SR_MUSL_INCLUDE
    SR_MUSL_SPECS
    sr_musl_cflags="-specs=$(pwd)/musl/static-pie.specs -isystem $(pwd)/musl/include -fPIE"
    AS_IF([test -n "$sr_musl_missing$sr_archives_missing"],
      [sr_libc_why="musl: missing$sr_musl_missing$sr_archives_missing"],
      [SR_LIBC_TRY([$sr_musl_cflags], [$sr_archives], [$srcdir/src/base/compat-musl.c $sr_archives],
        [sr_libc=musl], [sr_libc_why="musl: the trial program does not link or run, see config.log"])])
    AC_MSG_RESULT([${sr_libc:-no (${sr_libc_why})}])
  ])
  AS_CASE([$sr_libc:$with_libc], [:auto|:glibc-static], [
    AC_MSG_CHECKING([whether a static glibc program with all libraries links and runs])
    AS_IF([test -n "$sr_archives_missing"], [sr_libc_why="glibc-static: missing$sr_archives_missing"],
      [SR_LIBC_TRY([-static-pie -fPIE], [$sr_archives], [],
        [sr_libc=glibc-static], [sr_libc_why="glibc-static: the trial program does not link or run, see config.log"])])
    AC_MSG_RESULT([${sr_libc:-no (${sr_libc_why})}])
  ])
  AS_CASE([$sr_libc:$with_libc], [:auto|:dynamic], [sr_libc=dynamic],
    [:*], [AC_MSG_ERROR([--with-libc=$with_libc does not work here: $sr_libc_why])])

  AS_CASE([$sr_libc],
    [musl], [
      SR_CORE_CFLAGS=$sr_musl_cflags
      SR_CORE_LDFLAGS= # automake links with the compiler's flags as well, and gcc takes a specs file only once
      SR_CORE_LIBS=$sr_archives
    ],
    [glibc-static], [
      SR_CORE_CFLAGS="-fPIE"
      SR_CORE_LDFLAGS="-static-pie"
      SR_CORE_LIBS=$sr_archives
    ],
    [
      SR_CORE_CFLAGS="$INIH_CFLAGS $JANSSON_CFLAGS $LIBSECCOMP_CFLAGS $LIBSODIUM_CFLAGS $NETTLE_CFLAGS"
      SR_CORE_LDFLAGS=
      SR_CORE_LIBS="$INIH_LIBS $JANSSON_LIBS $LIBSECCOMP_LIBS $LIBSODIUM_LIBS $NETTLE_LIBS"
    ])
  AC_SUBST([SR_CORE_CFLAGS])
  AC_SUBST([SR_CORE_LDFLAGS])
  AC_SUBST([SR_CORE_LIBS])
  AM_CONDITIONAL([LIBC_MUSL], [test "$sr_libc" = musl])
])
