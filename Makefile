# `make` alone lists the targets. They need make, Rust (rustup), a C compiler and Python 3. Only parts of the Rust
# toolchain are installed outside of target/.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# Overrides the environment, because the paths below and Envoy's are in this folder.
export CARGO_TARGET_DIR := $(CURDIR)/target

# How many pairs of rules and requests `make oracle` compares, and the seed of its random numbers.
PAIRS ?= 200000
SEED ?= 1

# How long `make fuzz` runs, for each target.
FUZZ_SECONDS ?= 60

# The demo's ports: make demo PORT=9080. The environment does not change them, because PORT is often set there.
PORT := 8080
ADMIN_PORT := 9901
BLUE_PORT := 8081
GREEN_PORT := 8082

# `make demo NATIVE=1` takes the native module instead of the wasm module.
NATIVE :=

# The folders of `make demo` and `make up`, the name of the containers' project, and the folder of the programs. The
# tests choose others, so that they can run beside a demo.
DEMO := target/demo
COMPOSE := target/compose
PROJECT := canary
PROGRAMS := target/release

export CANARY_PORT = $(PORT)
export CANARY_ADMIN_PORT = $(ADMIN_PORT)
export CANARY_BLUE_PORT = $(BLUE_PORT)
export CANARY_GREEN_PORT = $(GREEN_PORT)
export CANARY_NATIVE = $(NATIVE)
export CANARY_DEMO = $(DEMO)
export CANARY_COMPOSE = $(COMPOSE)
export CANARY_PROJECT = $(PROJECT)
export CANARY_PROGRAMS = $(PROGRAMS)

# The demo's programs. One command builds all of them, because separate ones would build shared dependencies twice.
parts := cargo build --release -p color -p canary -p demo

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{ printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- What all other targets need ---

.PHONY: rust
rust:
	@command -v cargo >/dev/null && command -v rustup >/dev/null || \
	  { echo "Rust is missing: install rustup, which brings cargo, and run make again" >&2; exit 1; }
	@rustup target list --installed | grep -qx wasm32-wasip1 || rustup target add wasm32-wasip1

.PHONY: envoy
envoy:
	@integration/envoy.sh

# --- The module and the demo ---

.PHONY: wasm
wasm: rust ## build the module: dist/plugin.wasm
	cargo run -p xtask -- wasm

.PHONY: native
native: rust ## build the native module: dist/libcanary.so
	cargo run -p xtask -- native

.PHONY: demo
demo: rust envoy $(if $(filter-out 0,$(NATIVE)),native,wasm) ## run two versions of a service with Envoy and show the split; Ctrl-C ends it: make demo PORT=9080 (NATIVE=1: with the native module)
	$(parts)
	@CANARY_COLOR="$${CANARY_COLOR:-$(PROGRAMS)/color}" $(PROGRAMS)/demo

.PHONY: weights
weights: rust ## change the running demo's weights: make weights BLUE=50 GREEN=50
	@test -n "$(BLUE)" && test -n "$(GREEN)" || \
	  { echo "give both weights: make weights BLUE=50 GREEN=50" >&2; exit 1; }
	@$(parts) -q
	@integration/weights.sh "$(BLUE)" "$(GREEN)"

.PHONY: rollback
rollback: ## send all requests of the running demo to blue
	@$(MAKE) --no-print-directory weights BLUE=100 GREEN=0

.PHONY: promotion
promotion: ## send all requests of the running demo to green
	@$(MAKE) --no-print-directory weights BLUE=0 GREEN=100

# --- Images ---
# Nothing is pulled: the images are FROM scratch and hold only what is built here.

version := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
export COLOR_IMAGE ?= color:$(version)
export PLUGIN_IMAGE ?= canary-filter:$(version)
export COMMAND_IMAGE ?= canary:$(version)

# The architecture of the images, by the name that containers use; Rust uses another one.
ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,amd64)
musl := $(if $(filter arm64,$(ARCH)),aarch64,x86_64)-unknown-linux-musl

# The native module of a release must load where this version of glibc is, and needs nothing else.
GLIBC := 2.28
gnu := $(if $(filter arm64,$(ARCH)),aarch64,x86_64)-unknown-linux-gnu

.PHONY: native-release
native-release: rust
	@rustup target list --installed | grep -qx $(gnu) || rustup target add $(gnu)
	CANARY_NATIVE_TARGET=$(gnu).$(GLIBC) cargo run -p xtask -- native
	@objdump -T dist/libcanary.so | integration/glibc.sh $(GLIBC)
	@mv dist/libcanary.so dist/libcanary-$(ARCH).so

# Rust's own linker needs no C compiler for the other architecture.
.PHONY: color-static canary-static
color-static canary-static: %-static: rust
	@rustup target list --installed | grep -qx $(musl) || rustup target add $(musl)
	cargo build --release -p $* --target $(musl) --config 'target.$(musl).linker="rust-lld"'
	@mkdir -p target/images/$(ARCH) && cp target/$(musl)/release/$* target/images/$(ARCH)/$*

# What a release has of the command. The completions and the manual pages are printed by a build for this machine.
archive := canary-$(version)-linux-$(ARCH)
pages := target/archive/$(archive)

.PHONY: archive
archive: canary-static ## pack the command with completions and manual pages: dist/canary-*.tar.gz, make archive ARCH=arm64
	cargo build -q -p canary
	@rm -rf $(pages) && mkdir -p $(pages)/completions $(pages)/man dist
	@cp target/images/$(ARCH)/canary LICENSE $(pages)
	@target/debug/canary man --directory $(pages)/man
	@target/debug/canary completions bash >$(pages)/completions/canary.bash
	@target/debug/canary completions zsh >$(pages)/completions/_canary
	@target/debug/canary completions fish >$(pages)/completions/canary.fish
	@tar --create --gzip --file dist/$(archive).tar.gz --directory target/archive \
	  --sort=name --owner=0 --group=0 --numeric-owner $(archive)
	@echo "packed: dist/$(archive).tar.gz"

.PHONY: images
images: wasm color-static canary-static ## build the images of the plugin, of Color and of the command: make images PLUGIN_IMAGE=...
	@engine=$$(integration/engine.sh) && \
	  $$engine build -q -t "$(PLUGIN_IMAGE)" -f istio/Dockerfile dist && \
	  $$engine build -q -t "$(COLOR_IMAGE)" -f color/Dockerfile --build-arg TARGETARCH=$(ARCH) target/images && \
	  $$engine build -q -t "$(COMMAND_IMAGE)" -f cli/Dockerfile --build-arg TARGETARCH=$(ARCH) target/images && \
	  echo "built by $$engine: $(PLUGIN_IMAGE), $(COLOR_IMAGE) and $(COMMAND_IMAGE), $(ARCH)"

.PHONY: up
up: images ## run the demo under docker-compose, with Envoy's official image: make up PORT=9080
	@integration/compose.sh up
	@echo "open http://127.0.0.1:$(PORT)/color/wall; Envoy's admin page is http://127.0.0.1:$(ADMIN_PORT); make down ends it"

.PHONY: down
down: ## end the demo that make up has started
	@integration/compose.sh down

# --- Checks ---
# The filter is built separately from the other packages: cargo would otherwise enable its feature `proxy` in the
# `canary` command, too.

tools := -p canary -p color -p native -p fake-envoy -p xtask -p fuzz -p manifests -p launch -p harness -p demo -p bench -p integration

.PHONY: test
test: lint unit integration reproduce test-images ## check everything: format, lints, unit tests, tests in a real Envoy
	@echo "make test: format, lints, unit tests and the tests in a real Envoy have passed"

.PHONY: lint
lint: rust ## check format and lints
	cargo fmt --all --check
	cargo clippy -q -p canary-filter --all-targets -- -D warnings
	cargo clippy -q -p canary-filter --lib --no-default-features -- -D warnings
	cargo clippy -q $(tools) --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --log-level error check bans licenses sources; \
	  else echo "cargo-deny is not installed: make unit checks licences, sources and versions by deny.toml"; \
	    echo "skipped: advisories: they need cargo-deny and the network (cargo deny check advisories)"; fi

.PHONY: unit
unit: rust ## run the tests that need no Envoy
	cargo test -q -p canary-filter
	cargo test -q -p canary-filter --no-default-features
	cargo test -q -p canary -p color -p native -p xtask -p fuzz
	cargo test -q -p manifests -p launch -p harness -p bench
	cargo test -q -p demo --bins

.PHONY: reproduce
reproduce: wasm ## check that the same sources give the same module under another path
	cargo run -q -p xtask -- reproduce

.PHONY: fuzz
fuzz: rust ## search for bytes that break the filter: make fuzz FUZZ_SECONDS=60 (for each of three targets)
	@fuzz/run.sh $(FUZZ_SECONDS)

.PHONY: tsan
tsan: rust ## check with ThreadSanitizer what the workers of a native proxy share; takes minutes
	@native/tsan.sh

# A test in Envoy mostly waits, so more of them run at once than there are processors.
threads := --test-threads $(shell echo $$(( 2 * $$(nproc) )))

.PHONY: integration
integration: wasm native envoy ## run the tests in a real Envoy
	cargo build -p color -p canary
	cargo test -p demo --test runner
	cargo test -p integration --test envoy -- $(threads)
	cargo test -p integration --test oracle --test convert

# Not part of `make test`, because it would take as long again, twice.
.PHONY: test-native
test-native: wasm native envoy ## run the tests in a real Envoy with the native module, in two of its forms; takes minutes
	cargo build -p color -p canary
	CANARY_FILTER=native cargo test -p integration --test envoy -- $(threads)
	CANARY_FILTER=native cargo test -p integration --test oracle
	CANARY_FILTER=both cargo test -p integration --test envoy -- $(threads)

.PHONY: dashboard
dashboard: wasm envoy ## draw docs/dashboard.svg from the answers of a real Prometheus; takes a minute
	@command -v prometheus >/dev/null || { echo "prometheus is missing: install it and run make again" >&2; exit 1; }
	CANARY_PICTURE=docs/dashboard.svg cargo test -p integration --test envoy prometheus

.PHONY: oracle
oracle: wasm envoy ## compare the filter with Envoy's own router for longer: make oracle PAIRS=200000 SEED=1
	CANARY_ORACLE_PAIRS=$(PAIRS) CANARY_ORACLE_SEED=$(SEED) cargo test -p integration --test oracle -- --nocapture

.PHONY: soak
soak: wasm envoy ## simulate 80 days, and load a thousand configurations under a million requests in a real Envoy; takes minutes
	cargo test --release -p canary-filter --no-default-features --lib -- --ignored --nocapture soak
	cargo test --release -p integration --test envoy -- --ignored --nocapture --test-threads 1 soak

.PHONY: bench
bench: wasm native envoy ## measure the filter and its alternatives in a real Envoy, and its core; takes half an hour (some parts: make bench BENCH_PARTS="start memory")
	cargo build -q --release -p canary
	cargo run -q --release -p bench
	$(if $(BENCH_PARTS),,cargo bench -q -p canary-filter --no-default-features --bench core)

# Without a container engine, the next two targets print that they are skipped, and succeed.
without_engine = if ! integration/engine.sh >/dev/null 2>&1; then echo "skipped: $@: no container engine";

.PHONY: test-images
test-images: ## build the images and check their contents
	@$(without_engine) \
	  else $(MAKE) -s images && cargo test -q -p integration --test containers -- images; fi

.PHONY: test-compose
test-compose: ## run make up, make weights and make down and check the demo in containers
	@$(without_engine) \
	  elif ! integration/compose.sh found >/dev/null 2>&1; then echo "skipped: $@: no compose for this engine"; \
	  else $(MAKE) -s envoy images && cargo test -q -p integration --test containers -- compose; fi

.PHONY: picture
picture: wasm envoy ## take the picture of the wall for the README, docs/wall.png, with Chromium
	cargo build -p color
	cargo test -p integration --test envoy -- --ignored the_picture_of_the_readme

.PHONY: test-envoy-gateway
test-envoy-gateway: wasm native envoy ## run the manifests of gateway-api/ in Envoy Gateway, which is built first; takes minutes
	@if reason=$$(integration/envoy-gateway.sh missing); then echo "skipped: $@: $$reason"; \
	  else integration/envoy-gateway.sh build && cargo build -p canary && \
	    cargo test -p integration --test envoy_gateway -- --nocapture; fi

.PHONY: clean
clean: ## remove everything that was built or downloaded
	rm -rf target dist
