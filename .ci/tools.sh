# Functions for .ci/run that install a browser, kubectl, Prometheus, Lua, Helm and a container engine; without them some tests
# are skipped. A tool that cannot be installed is printed by name, and so are the tests that need it. Nothing in this file
# fails the run.

# The number of seconds that apt-get may wait for the network in total.
limit=100

say() {
  echo ".ci/run: $*"
}

apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=20 -o Acquire::Retries=1)

# Runs the part of apt-get that waits for the network, with a time limit. It excludes dpkg, which must not be interrupted.
download() {
  local left=$((limit - SECONDS))
  [ "$left" -gt 0 ] || { echo "the time for downloads is used up" && return 1; }
  timeout --kill-after 5 "$left" "${apt[@]}" "$@" </dev/null
}

# Updates the package lists once. It may fail, because old lists are better than none.
lists() {
  [ -n "${listed:-}" ] || download update >/dev/null 2>&1 || true
  listed=yes
}

# install TOOL PACKAGE...
install() {
  local tool=$1 said
  shift
  lists
  if said=$({ download install --no-install-recommends --download-only "$@" &&
    "${apt[@]}" install --no-install-recommends "$@" </dev/null; } 2>&1); then
    say "$tool: installed $*"
  else
    say "skipped: $tool: apt-get has not installed $*: ${said##*$'\n'}"
    return 1
  fi
}

get_browser() {
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null && return
  done
  install "browser" chromium || true
}

# Debian's version may be too old for the manifests (docs/istio.md).
get_kubectl() {
  local candidate
  type -P kubectl >/dev/null && return
  lists
  candidate=$(apt-cache policy kubernetes-client 2>/dev/null | sed -n 's/^ *Candidate: *\([0-9]*:\)\{0,1\}//p') || true
  if dpkg --compare-versions "${candidate:-0}" ge 1.27 2>/dev/null; then
    install "kubectl" kubernetes-client || true
  else
    say "skipped: kubectl: 1.27 is needed, and Debian has ${candidate:-none}"
  fi
}

# The package also has promtool. Some systems start the server when they install it; the tests use their own.
get_prometheus() {
  type -P prometheus promtool >/dev/null && return
  install "prometheus" prometheus || true
}

# Argo CD's health checks are in this version of Lua.
get_lua() {
  type -P lua5.1 >/dev/null && return
  install "lua" lua5.1 || true
}

# Debian has no Helm, but Go can build it by its module's name, within two minutes.
get_helm() {
  local said
  type -P helm >/dev/null && return
  if ! type -P go >/dev/null; then
    say "skipped: helm: Debian has none, and Go, which could build it, is not installed"
  elif said=$(GOBIN=/usr/local/bin timeout --kill-after 5 150 \
    go install -buildvcs=false helm.sh/helm/v3/cmd/helm@v3.22.0 2>&1 </dev/null); then
    say "helm: built by Go"
  else
    say "skipped: helm: Go has not built it: ${said##*$'\n'}"
  fi
}

# Uses CONTAINER_ENGINE or a docker that already runs. Otherwise it starts a dockerd in a temporary folder, which ends with
# this run. podman and buildah do not count, because they have no compose.
get_engine() {
  [ -n "${CONTAINER_ENGINE:-}" ] && return
  docker info >/dev/null 2>&1 && return
  if ! type -P docker dockerd docker-init iptables docker-compose >/dev/null; then
    install "container engine" docker.io docker-compose iptables || return 0
    # Some systems start a daemon when they install it.
    docker info >/dev/null 2>&1 && return
  fi
  folder=$(mktemp -d)
  export DOCKER_HOST=unix://$folder/docker.sock
  # With `setpriv` it also ends if this shell is killed.
  setpriv --pdeathsig TERM dockerd --host "$DOCKER_HOST" --data-root "$folder/data" --exec-root "$folder/exec" \
    --pidfile "$folder/pid" >"$folder/log" 2>&1 </dev/null &
  daemon=$!
  if works; then
    say "container engine: started dockerd"
  else
    say "skipped: container engine: dockerd does not work here: $(tail -n 1 "$folder/log")"
    end_engine
  fi
}

# Whether dockerd answers within 20 s and can run a container with a published port.
works() {
  local end=$((SECONDS + 20))
  until docker info >/dev/null 2>&1; do
    kill -0 "$daemon" 2>/dev/null && [ "$SECONDS" -lt "$end" ] || return
    sleep 0.5
  done
  {
    tar --create --dereference --directory "$(dirname "$(type -P docker-init)")" docker-init | docker import - probe &&
      timeout 20 docker run --rm --read-only --publish 127.0.0.1::1 probe /docker-init --version &&
      docker rmi probe
  } >>"$folder/log" 2>&1
}

end_engine() {
  [ -n "${daemon:-}" ] || return 0
  kill "$daemon" 2>/dev/null || true
  for _ in $(seq 40); do
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.5
  done
  kill -KILL "$daemon" 2>/dev/null || true
  wait "$daemon" 2>/dev/null || true
  # The network namespaces of containers are mount points.
  umount "$folder"/exec/netns/* 2>/dev/null || true
  rm -rf --one-file-system "$folder" || true
  unset DOCKER_HOST daemon
}
