#!/bin/sh
# `make up` and `make down`: runs envoy/docker-compose.yaml with the compose that is installed. `found` exits with 0 if
# there is one, and `running` if Envoy runs in it. `make` sets the variables. Run it in the repository's root.
set -eu

folder=${CANARY_COMPOSE:-target/compose}
project=${CANARY_PROJECT:-canary}

fail() {
  echo "compose: $*" >&2
  exit 1
}

engine=$(integration/engine.sh)

if [ "$1" = running ]; then
  label=label=com.docker.compose
  [ -n "$("$engine" ps -q --filter "$label.project=$project" --filter "$label.service=envoy")" ]
  exit
fi

# The compose of this engine: another engine's may not even run.
if "$engine" compose version >/dev/null 2>&1; then
  compose="$engine compose"
elif "$engine-compose" version >/dev/null 2>&1; then
  compose="$engine-compose"
else
  fail "$engine has no compose: install its compose plugin or $engine-compose"
fi
compose="$compose -p $project -f envoy/docker-compose.yaml"

case $1 in
found) ;;
up)
  # The engine would create a missing folder as root. Envoy runs as another user and has to read the file.
  mkdir -p "$folder"
  cp envoy/canary.yaml "$folder/canary.new"
  chmod a+r "$folder/canary.new"
  mv "$folder/canary.new" "$folder/canary.yaml"
  echo "${CANARY_ADMIN_PORT:-9901}" >"$folder/admin"
  $compose up -d || {
    $compose down >/dev/null 2>&1
    rm -f "$folder/canary.yaml"
    fail "the containers have not started, see above. If a port is taken, choose others:" \
      "make up PORT=9080 ADMIN_PORT=9902 BLUE_PORT=9081 GREEN_PORT=9082"
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
  rm -f "$folder/canary.yaml"
  ;;
*) fail "usage: compose.sh up | down | found | running" ;;
esac
