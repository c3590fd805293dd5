#!/bin/sh
# Searches for bytes that break a property of `fuzz/src`, for the given number of seconds per target. Run it in the
# repository's root. It keeps such bytes as target/fuzz/TARGET-crash-…: fix the bug and add the file to fuzz/seeds/TARGET.
set -eu

seconds=$1
version=0.13.2
export PATH="$PWD/target/tools/bin:$PATH"

if ! command -v c++ >/dev/null; then
  echo "skipped: fuzzing needs a C++ compiler for libFuzzer (Debian: apt-get install g++)"
  exit 0
fi
if [ "$(cargo fuzz --version 2>/dev/null)" != "cargo-fuzz $version" ]; then
  cargo install --locked --root target/tools "cargo-fuzz@$version"
fi

for target in config request native; do
  corpus=target/fuzz/corpus/$target
  mkdir -p "$corpus"
  log=target/fuzz/$target.log
  echo "fuzz: $target for $seconds s, log in $log"
  # The core has no unsafe code, so it needs no sanitizer. The native module takes and gives pointers, which AddressSanitizer
  # checks; the pinned compiler has it, but a stable compiler needs to be told to take a flag that may change. Link-time
  # optimization would remove what the sanitizer refers to.
  if [ "$target" = native ]; then
    export RUSTC_BOOTSTRAP=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_STRIP=none
    sanitizer=address
  else
    unset RUSTC_BOOTSTRAP CARGO_PROFILE_RELEASE_LTO CARGO_PROFILE_RELEASE_STRIP
    sanitizer=none
  fi
  if ! cargo fuzz run --sanitizer "$sanitizer" --features libfuzzer "$target" "$corpus" "fuzz/seeds/$target" -- \
    -max_total_time="$seconds" -max_len=4096 -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="target/fuzz/$target-" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    exit 1
  fi
  grep '^stat::' "$log"
done
