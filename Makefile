# One target for each job; CI runs the same ones. `make` alone says what there is.

HOST := $(shell rustc -vV | sed -n 's/^host: //p')
STATIC := target/$(HOST)/release/cosmos
SECONDS_PER_TARGET ?= 60

.DEFAULT_GOAL := help
.PHONY: help build release demo test interop vm bench fuzz fmt lint deny doc generate

help: ## say what there is
	@echo "make TARGET, where TARGET is one of"
	@sed -nE 's/^([a-z]+):.*## (.*)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  %-10s %s\n' "$$name" "$$text"; done

build: release ## build the agent: ./target/release/cosmos, static and optimised

release: ## the binary that ships, is measured and is shown: static, one file
	RUSTFLAGS="$$(scripts/release-flags)" cargo build --release --target $(HOST) -p cosmos
	@mkdir -p target/release && ln -sf ../$(HOST)/release/cosmos target/release/cosmos
	@scripts/is-static $(STATIC)

demo: release ## a router and a node in network namespaces, explained line by line (KEEP=1 leaves them)
	@COSMOS=$(CURDIR)/$(STATIC) scripts/demo

test: ## everything CI runs; installs what the tests need, closes with "N passed, M failed"
	@scripts/test

interop: ## the whole matrix of real routers: BIRD, FRR, GoBGP, OpenBGPD, ExaBGP
	@scripts/install-test-deps
	@scripts/interop

vm: ## TCP-AO with BIRD 3, in a virtual machine whose kernel has it (the first time that is built: 5 minutes)
	@scripts/vm/test

bench: release ## the benchmarks: codec and RIB, then the agent beside BIRD and FRR
	cargo bench -p bgp-benches
	@scripts/install-test-deps bird2 frr gobgpd iproute2 tcpdump
	@COSMOS=$(CURDIR)/$(STATIC) benches/daemons/compare

fuzz: ## every fuzz target for SECONDS_PER_TARGET (60) seconds
	@scripts/fuzz-smoke $(SECONDS_PER_TARGET)

fmt: ## format everything
	cargo fmt --all

lint: ## clippy on everything, warnings denied
	cargo clippy --workspace --all-targets -- -D warnings

deny: ## licences, advisories and sources of the dependencies (installs cargo-deny when missing)
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check

doc: ## the documentation, warnings denied
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --workspace --no-deps --document-private-items

generate: ## write config/crd from the types
	@scripts/generate
