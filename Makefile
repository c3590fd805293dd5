# `make` alone lists the targets. They need make, Rust (rustup) and Python 3; nothing is installed outside
# target/ but the Rust toolchain's own parts.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# Whatever the environment says: the paths below, and Envoy's, are in here.
export CARGO_TARGET_DIR := $(CURDIR)/target

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
demo: wasm envoy ## two versions of a service behind Envoy, and the observed split; Ctrl-C ends it
	$(parts)
	@CANARY_COLOR="$${CANARY_COLOR:-target/release/color}" target/release/demo

.PHONY: weights
weights: rust ## change the running demo's weights: make weights BLUE=50 GREEN=50
	@test -n "$(BLUE)" && test -n "$(GREEN)" || \
	  { echo "give both weights: make weights BLUE=50 GREEN=50" >&2; exit 1; }
	@test -f $(weights_file) || { echo "the demo does not run: start it with make demo" >&2; exit 1; }
	@$(parts) -q
	@target/release/canary weights $(weights_file) color "blue-sub=$(BLUE)" "green-sub=$(GREEN)"

.PHONY: rollback
rollback: ## the running demo: everybody to blue
	@$(MAKE) --no-print-directory weights BLUE=100 GREEN=0

.PHONY: promotion
promotion: ## the running demo: everybody to green
	@$(MAKE) --no-print-directory weights BLUE=0 GREEN=100

# --- Checks ---
# Packages are built one by one where it matters: built together, the filter's feature `proxy` would be
# switched on in the `canary` command, too.

tools := -p canary -p color -p xtask -p fuzz -p integration

.PHONY: test
test: lint unit integration reproduce ## everything: format, lints, unit tests, real Envoy
	@echo "make test: format, lints, unit tests and the tests in a real Envoy have passed"

.PHONY: lint
lint: rust ## format and lints
	cargo fmt --all --check
	cargo clippy -q -p canary-filter --all-targets -- -D warnings
	cargo clippy -q -p canary-filter --lib --no-default-features -- -D warnings
	cargo clippy -q $(tools) --features integration/bench --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --log-level error check; \
	  else echo "skipped: cargo-deny is not installed"; fi

.PHONY: unit
unit: rust ## tests that need no Envoy
	cargo test -q -p canary-filter
	cargo test -q -p canary-filter --no-default-features
	cargo test -q -p canary -p color -p xtask -p fuzz
	cargo test -q -p integration --features bench --lib

.PHONY: reproduce
reproduce: wasm ## the same sources give the same module under another path
	cargo run -q -p xtask -- reproduce

.PHONY: fuzz
fuzz: rust ## look for bytes that break the filter: make fuzz FUZZ_SECONDS=60 (for each of two targets)
	@fuzz/run.sh $(FUZZ_SECONDS)

.PHONY: integration
integration: wasm envoy ## tests in a real Envoy
	cargo build -p color
	cargo test -p integration --test envoy

.PHONY: soak
soak: wasm envoy ## a thousand configurations under a million requests in a real Envoy, twice; takes minutes
	cargo test --release -p integration --test envoy -- --ignored --nocapture --test-threads 1 soak

.PHONY: bench
bench: wasm envoy ## what the filter costs, beside its alternatives, in a real Envoy, and its core alone; takes minutes
	cargo run -q --release -p integration --features bench --bin bench
	cargo bench -q -p canary-filter --no-default-features --bench core

.PHONY: clean
clean: ## remove everything that was built or downloaded
	rm -rf target dist
