# `make` alone lists the targets. They need make, Rust (rustup) and Python 3; nothing is installed outside
# target/ but the Rust toolchain's own parts.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# Whatever the environment says: the paths below, and Envoy's, are in here.
export CARGO_TARGET_DIR := $(CURDIR)/target

# What `make oracle` compares, and its random numbers.
PAIRS ?= 200000
SEED ?= 1

# So long `make fuzz` looks, for each target.
FUZZ_SECONDS ?= 60

weights_file := target/demo/canary.yaml

# What the demo runs. One command for all of it: any other would build what they share once more.
parts := cargo build --release -p color -p canary -p integration --bins

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{ printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- What everything else needs ---

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

.PHONY: demo
demo: rust envoy wasm ## two versions of a service behind Envoy, and the observed split; Ctrl-C ends it
	$(parts)
	@CANARY_COLOR="$${CANARY_COLOR:-target/release/color}" target/release/demo

.PHONY: weights
weights: rust ## change the running demo's weights: make weights BLUE=50 GREEN=50
	@test -n "$(BLUE)" && test -n "$(GREEN)" || \
	  { echo "give both weights: make weights BLUE=50 GREEN=50" >&2; exit 1; }
	@test -f $(weights_file) || { echo "the demo does not run: start it with make demo or make up" >&2; exit 1; }
	@$(parts) -q
	@target/release/canary weights $(weights_file) color "blue-sub=$(BLUE)" "green-sub=$(GREEN)"

.PHONY: rollback
rollback: ## the running demo: everybody to blue
	@$(MAKE) --no-print-directory weights BLUE=100 GREEN=0

.PHONY: promotion
promotion: ## the running demo: everybody to green
	@$(MAKE) --no-print-directory weights BLUE=0 GREEN=100

# --- Images ---
# Nothing is pulled: both are FROM scratch, and what they hold is built here.

version := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
export COLOR_IMAGE ?= color:$(version)
export PLUGIN_IMAGE ?= canary-filter:$(version)

# Of the images, in containers' words; Rust has others.
ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,amd64)
musl := $(if $(filter arm64,$(ARCH)),aarch64,x86_64)-unknown-linux-musl

# Rust's own linker: no C compiler for the other architecture is needed.
.PHONY: color-static
color-static: rust
	@rustup target list --installed | grep -qx $(musl) || rustup target add $(musl)
	cargo build --release -p color --target $(musl) --config 'target.$(musl).linker="rust-lld"'
	@mkdir -p target/images/$(ARCH) && cp target/$(musl)/release/color target/images/$(ARCH)/color

.PHONY: images
images: wasm color-static ## build the images of the plugin and of Color: make images PLUGIN_IMAGE=... COLOR_IMAGE=...
	@engine=$$(integration/engine.sh) && \
	  $$engine build -q -t "$(PLUGIN_IMAGE)" -f istio/Dockerfile dist && \
	  $$engine build -q -t "$(COLOR_IMAGE)" -f color/Dockerfile --build-arg TARGETARCH=$(ARCH) target/images && \
	  echo "built by $$engine: $(PLUGIN_IMAGE) and $(COLOR_IMAGE), $(ARCH)"

.PHONY: up
up: images ## the demo under docker-compose, with Envoy's official image; make weights works there, too
	@integration/compose.sh up
	@echo "open http://127.0.0.1:8080/color; Envoy's admin page is http://127.0.0.1:9901; make down ends it"

.PHONY: down
down: ## end what make up has started
	@integration/compose.sh down

# --- Checks ---
# Packages are built one by one where it matters: built together, the filter's feature `proxy` would be
# switched on in the `canary` command, too.

tools := -p canary -p color -p xtask -p fuzz -p integration -p manifests

.PHONY: test
test: lint unit integration reproduce test-images ## everything: format, lints, unit tests, real Envoy
	@echo "make test: format, lints, unit tests and the tests in a real Envoy have passed"

.PHONY: lint
lint: rust ## format and lints
	cargo fmt --all --check
	cargo clippy -q -p canary-filter --all-targets -- -D warnings
	cargo clippy -q -p canary-filter --lib --no-default-features -- -D warnings
	cargo clippy -q $(tools) --features integration/bench --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --log-level error check bans licenses sources; \
	  else echo "skipped: cargo-deny is not installed"; fi

.PHONY: unit
unit: rust ## tests that need no Envoy
	cargo test -q -p canary-filter
	cargo test -q -p canary-filter --no-default-features
	cargo test -q -p canary -p color -p xtask -p fuzz
	cargo test -q -p integration --features bench --lib
	cargo test -q -p manifests

.PHONY: reproduce
reproduce: wasm ## the same sources give the same module under another path
	cargo run -q -p xtask -- reproduce

.PHONY: fuzz
fuzz: rust ## look for bytes that break the filter: make fuzz FUZZ_SECONDS=60 (for each of two targets)
	@fuzz/run.sh $(FUZZ_SECONDS)

.PHONY: integration
integration: wasm envoy ## tests in a real Envoy
	cargo build -p color
	cargo test -p integration --test envoy --test oracle

.PHONY: oracle
oracle: wasm envoy ## compare with Envoy's own router for longer: make oracle PAIRS=200000 SEED=1
	CANARY_ORACLE_PAIRS=$(PAIRS) CANARY_ORACLE_SEED=$(SEED) cargo test -p integration --test oracle -- --nocapture

.PHONY: soak
soak: wasm envoy ## a thousand configurations under a million requests in a real Envoy, twice; takes minutes
	cargo test --release -p integration --test envoy -- --ignored --nocapture --test-threads 1 soak

.PHONY: bench
bench: wasm envoy ## what the filter costs, beside its alternatives, in a real Envoy, and its core alone; takes minutes
	cargo run -q --release -p integration --features bench --bin bench
	cargo bench -q -p canary-filter --no-default-features --bench core

# Where there is no container engine the two say so, and nothing has failed.
without_engine = if ! integration/engine.sh >/dev/null 2>&1; then echo "skipped: $@: no container engine";

.PHONY: test-images
test-images: ## build both images and look into them
	@$(without_engine) \
	  else $(MAKE) -s images && cargo test -q -p integration --test containers -- images; fi

.PHONY: test-compose
test-compose: ## make up, make weights and make down, for real
	@$(without_engine) \
	  elif ! integration/compose.sh found >/dev/null 2>&1; then echo "skipped: $@: no compose for this engine"; \
	  else $(MAKE) -s envoy images && cargo test -q -p integration --test containers -- compose; fi

.PHONY: clean
clean: ## remove everything that was built or downloaded
	rm -rf target dist
