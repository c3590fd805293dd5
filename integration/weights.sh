#!/bin/sh
# `make weights`: changes the weights of the running demo, that of `make demo` and that of `make up`, and waits until they
# are in force. `make` sets the variables. Run it in the repository's root.
set -eu

changed=

change() {
  changed=yes
  updates=$("$CANARY_PROGRAMS/demo" updates "$1")
  said=$("$CANARY_PROGRAMS/canary" weights "$1/canary.yaml" color "blue-sub=$2" "green-sub=$3")
  echo "$said"
  case $said in
    *"(unchanged)") ;;
    *) "$CANARY_PROGRAMS/demo" settle "$1" "$updates" ;;
  esac
}

# The files may be left over from a demo that was killed, so ask what runs.
if "$CANARY_PROGRAMS/demo" running; then
  change "$CANARY_DEMO" "$1" "$2"
fi
if [ -f "$CANARY_COMPOSE/canary.yaml" ] && integration/compose.sh running 2>/dev/null; then
  change "$CANARY_COMPOSE" "$1" "$2"
fi
[ -n "$changed" ] || {
  echo "the demo does not run: start it with make demo or make up" >&2
  exit 1
}
