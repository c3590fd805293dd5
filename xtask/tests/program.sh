#!/bin/sh
# A stand-in for the programs that .ci/run calls, under their names. It records each call in $CALLS and acts as the test
# says.
name=${0##*/}
echo "$name $*" >>"$CALLS"
case $name in
id) echo "$IS" ;;
apt-get | go) [ "$INSTALLS" = yes ] || { echo "E: no network" >&2 && exit 100; } ;;
dpkg) exit 1 ;;
apt-cache) [ "$INSTALLS" = yes ] || exit 1; echo "  Candidate: 1.20.5+really1.20.2-1.1" ;;
# docker works as long as its daemon runs.
docker)
  [ "$1" != import ] || cat >/dev/null
  [ -e "$CALLS.daemon" ]
  ;;
dockerd)
  [ "$STARTS" = yes ] || { echo "no cgroups" >&2 && exit 1; }
  trap 'rm "$CALLS.daemon"; echo "dockerd ended" >>"$CALLS"; exit' TERM
  touch "$CALLS.daemon"
  while :; do sleep 0.1; done
  ;;
make) [ "$1" != "$FAILS" ] ;;
esac
