#!/bin/sh
# Builds Envoy Gateway, and runs it without Kubernetes: integration/envoy-gateway.sh missing | build | built | serve FOLDER
#
# `missing` prints what this machine lacks, and fails if it lacks nothing. `built` succeeds after `build`. `serve` reads
# manifests from FOLDER/resources and starts the Envoy of this repository, so nothing is downloaded. An installation in
# Kubernetes has a Secret with the certificates of the control plane, the same in /certs, and the control plane's server
# under a name of the cluster. `serve` writes the Secret, and makes the other two in a mount namespace of its own, so the
# machine does not change.
set -eu
cd "$(dirname "$0")/.."
version=v1.9.0
program=target/envoy-gateway/envoy-gateway-$version

missing() {
  if ! command -v go >/dev/null; then echo "Go is not installed"
  elif [ "$(uname -s)" != Linux ]; then echo "it needs Linux"
  elif ! unshare --mount true 2>/dev/null && ! unshare --map-root-user --mount true 2>/dev/null; then
    echo "this user cannot create mount namespaces"
  else return 1
  fi
}

built() {
  [ -x "$program" ]
}

build() {
  built && return
  mkdir -p target/envoy-gateway
  echo "building Envoy Gateway $version, which takes some minutes"
  GOBIN=$PWD/target/envoy-gateway go install -buildvcs=false github.com/envoyproxy/gateway/cmd/envoy-gateway@$version
  mv target/envoy-gateway/envoy-gateway "$program"
}

serve() {
  folder=$(cd "$1" && pwd)
  envoy=$(echo "$PWD"/target/envoy/lib/python3*/site-packages/envoy/_bin/envoy)
  mkdir -p "$folder/data/envoy-versions/1.40.0/bin" "$folder/root" "$folder/resources" "$folder/tmp"
  ln -sf "$envoy" "$folder/data/envoy-versions/1.40.0/bin/envoy"
  "$program" certgen --local --config-home "$folder/config" >"$folder/certgen.log" 2>&1
  cat >"$folder/envoy-gateway.yaml" <<EOF
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyGateway
gateway: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}
provider:
  type: Custom
  custom:
    resource: {type: File, file: {paths: ["$folder/resources"]}}
    infrastructure:
      type: Host
      host:
        configHome: "$folder/config"
        dataHome: "$folder/data"
        stateHome: "$folder/state"
        runtimeDir: "$folder/run"
logging: {level: {default: info}}
extensionApis: {enableBackend: true}
EOF
  certificate() { base64 -w 0 "$folder/config/certs/envoy/$1"; }
  cat >"$folder/resources/certificates.yaml" <<EOF
apiVersion: v1
kind: Secret
metadata: {name: envoy, namespace: envoy-gateway-system}
type: kubernetes.io/tls
data: {ca.crt: "$(certificate ca.crt)", tls.crt: "$(certificate tls.crt)", tls.key: "$(certificate tls.key)"}
EOF
  cp /etc/hosts "$folder/hosts"
  echo "127.0.0.1 envoy-gateway.envoy-gateway-system.svc.cluster.local" >>"$folder/hosts"
  if unshare --mount true 2>/dev/null; then set -- ; else set -- --map-root-user; fi
  exec unshare "$@" --mount sh -eu -c '
    program=$1 folder=$2 root=$2/root
    mount -t tmpfs tmpfs "$root"
    for entry in /*; do
      if [ -L "$entry" ]; then cp -P "$entry" "$root$entry"
      elif [ -d "$entry" ]; then mkdir "$root$entry" && mount --rbind "$entry" "$root$entry"
      fi
    done
    [ -d "$root/certs" ] || mkdir "$root/certs"
    mount --bind "$folder/config/certs/envoy" "$root/certs"
    mount --bind "$folder/hosts" "$root/etc/hosts"
    # Envoy keeps native modules that it has fetched here.
    export TMPDIR="$folder/tmp"
    exec chroot "$root" "$program" server --config-path "$folder/envoy-gateway.yaml"
  ' sh "$PWD/$program" "$folder"
}

"$@"
