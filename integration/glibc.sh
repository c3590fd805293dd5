#!/bin/sh
# Checks the newest version of glibc that a file needs: objdump -T FILE | integration/glibc.sh 2.28
set -eu

most=$1
newest=$(sed -n 's/.*GLIBC_\([0-9.]*\).*/\1/p' | sort -uV | tail -n 1)
[ -n "$newest" ] || { echo "the file needs no version of glibc: is it one that objdump can read?" >&2; exit 1; }
[ "$(printf '%s\n' "$newest" "$most" | sort -V | tail -n 1)" = "$most" ] || {
  echo "the file needs glibc $newest, but at most $most is allowed" >&2
  exit 1
}
echo "the file needs glibc $newest"
