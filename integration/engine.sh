#!/bin/sh
# The container engine that works here, CONTAINER_ENGINE or one of docker, podman and buildah. A client whose daemon
# does not run is none.
for engine in ${CONTAINER_ENGINE:-docker podman buildah}; do
  if "$engine" info >/dev/null 2>&1; then
    echo "$engine"
    exit 0
  fi
done
echo "no container engine: start docker, podman or buildah, or name one by CONTAINER_ENGINE" >&2
exit 1
