#!/bin/sh
# gate.sh NAMESPACE/SELECTOR: fails unless every pod of the gateway has accepted its newest configuration and no version is
# rolled back. Start it some seconds after the change, because Istio needs a moment to bring it to the pods.
set -eu

canary status --kube "$1"
if canary status --kube "$1" --output json | grep -q '"rolledBack": true'; then
  echo "gate.sh: a version is rolled back" >&2
  exit 1
fi
