#!/bin/sh
# `make up` and `make down`: envoy/docker-compose.yaml with whichever compose there is; `found` is whether there is one.
# Run it in the repository's root.
set -eu

fail() {
  echo "compose: $*" >&2
  exit 1
}

engine=$(integration/engine.sh)
# One that asks this engine, and no other that may not even run.
if "$engine" compose version >/dev/null 2>&1; then
  compose="$engine compose"
elif "$engine-compose" version >/dev/null 2>&1; then
  compose="$engine-compose"
else
  fail "no compose for $engine: install its compose plugin or $engine-compose"
fi
compose="$compose -p canary -f envoy/docker-compose.yaml"

case $1 in
found) ;;
up)
  # A folder before the engine makes one, which would be root's. Envoy runs as somebody else and reads the file.
  mkdir -p target/demo
  cp envoy/canary.yaml target/demo/canary.new
  chmod a+r target/demo/canary.new
  mv target/demo/canary.new target/demo/canary.yaml
  $compose up -d || {
    $compose down >/dev/null 2>&1
    rm -f target/demo/canary.yaml
    fail "it has not started, see above (a port that is taken? another demo has the same ones)"
  }
  envoy=$($compose ps -q envoy)
  for _ in $(seq 60); do
    [ "$($engine inspect --format '{{.State.Health.Status}}' "$envoy")" = healthy ] && exit 0
    sleep 0.5
  done
  $compose logs envoy | tail -n 20 >&2
  fail "Envoy is not healthy after 30 s; its last lines are above"
  ;;
down)
  $compose down
  rm -f target/demo/canary.yaml
  ;;
*) fail "up, down or found" ;;
esac
