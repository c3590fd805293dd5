#!/bin/sh
# Prints the container engine that works here: CONTAINER_ENGINE, or the first of docker, podman and buildah. A client
# without a running daemon does not count.
for engine in ${CONTAINER_ENGINE:-docker podman buildah}; do
  if "$engine" info >/dev/null 2>&1; then
    echo "$engine"
    exit 0
  fi
done
echo "no container engine: start docker, podman or buildah, or name one in CONTAINER_ENGINE" >&2
exit 1
