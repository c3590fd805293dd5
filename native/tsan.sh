#!/bin/sh
# Runs the tests of what the workers of a proxy share with ThreadSanitizer. Run it in the repository's root, with
# CARGO_TARGET_DIR set. It needs the standard library's sources, so that the library is built with the sanitizer, too: it
# would otherwise report races that are none, and miss others.
set -eu

host=$(rustc -vV | sed -n 's/^host: //p')
case $host in
x86_64-unknown-linux-gnu | aarch64-unknown-linux-gnu) ;;
*)
  echo "skipped: tsan: Rust has no ThreadSanitizer for $host"
  exit 0
  ;;
esac
if ! rustup component list --installed | grep -qx rust-src && ! rustup component add rust-src; then
  echo "skipped: tsan: rustup cannot install the standard library's sources"
  exit 0
fi

# A folder of its own, because cargo does not keep builds with different flags apart. The pinned compiler is the right one,
# but a stable compiler needs to be told to take flags that may change.
export CARGO_TARGET_DIR="$CARGO_TARGET_DIR/tsan" RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=thread
export TSAN_OPTIONS=halt_on_error=1
cargo test -q -Zbuild-std --target "$host" --config profile.dev.package.native.opt-level=1 \
  -p native --lib --test workers
