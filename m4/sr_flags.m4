dnl SPDX-License-Identifier: MIT

dnl SR_ADD_CFLAGS(VARIABLE, FLAG...)
dnl Appends to VARIABLE each FLAG that the compiler takes together with those already in it: -Wformat-security alone
dnl is refused by gcc under -Werror, behind -Wformat it is not.
AC_DEFUN([SR_ADD_CFLAGS], [
  AC_LANG_PUSH([C])
  for sr_flag in $2; do
    AS_VAR_PUSHDEF([sr_cache], [sr_cv_cflag_$sr_flag])
    AC_CACHE_CHECK([whether $CC takes $sr_flag], [sr_cache], [
      sr_saved_CFLAGS=$CFLAGS
      CFLAGS="$CFLAGS -Werror [$]$1 $sr_flag"
      AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <string.h>]], [[char b[16]; memset(b, 0, sizeof(b)); return b[0];]])],
        [AS_VAR_SET([sr_cache], [yes])], [AS_VAR_SET([sr_cache], [no])])
      CFLAGS=$sr_saved_CFLAGS
    ])
    AS_VAR_IF([sr_cache], [yes], [$1="[$]$1 $sr_flag"])
    AS_VAR_POPDEF([sr_cache])
  done
  AC_LANG_POP([C])
  AC_SUBST([$1])
])

dnl SR_ADD_LDFLAGS(VARIABLE, FLAG...): the same for the linker, on top of what VARIABLE and AM_LDFLAGS hold.
AC_DEFUN([SR_ADD_LDFLAGS], [
  AC_LANG_PUSH([C])
  for sr_flag in $2; do
    AS_VAR_PUSHDEF([sr_cache], [sr_cv_ldflag_$sr_flag])
    AC_CACHE_CHECK([whether the linker takes $sr_flag], [sr_cache], [
      sr_saved_LDFLAGS=$LDFLAGS
      LDFLAGS="$LDFLAGS [$]$1 $sr_flag -Wl,--fatal-warnings"
      AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AS_VAR_SET([sr_cache], [yes])], [AS_VAR_SET([sr_cache], [no])])
      LDFLAGS=$sr_saved_LDFLAGS
    ])
    AS_VAR_IF([sr_cache], [yes], [$1="[$]$1 $sr_flag"])
    AS_VAR_POPDEF([sr_cache])
  done
  AC_LANG_POP([C])
  AC_SUBST([$1])
])
