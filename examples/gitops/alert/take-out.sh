#!/bin/sh
# take-out.sh RULE VERSION: gives a version no weight, first in the cluster and then in Git.
# REPOSITORY is the repository's URL, and LIVE the plugin in the cluster, such as kube:istio-system/canary; without LIVE,
# only Git is changed, and the weights arrive with the next synchronization.
set -eu
rule=$1
version=$2

if [ -n "${LIVE-}" ]; then
  canary weights "$LIVE" "$rule" "$version=0"
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git clone --quiet --depth 1 "$REPOSITORY" "$folder"
cd "$folder"
canary weights deploy/plugin.yaml "$rule" "$version=0"
# Alertmanager repeats an alert.
if ! git diff --quiet; then
  git -c user.name=canary -c user.email=canary@example.com commit --quiet --all \
    --message "$rule: take $version out, because it is worse than stable"
  git push --quiet origin HEAD
fi
