# Everything a developer or CI runs. `make test` prepares a fresh Debian machine for the tests.
.PHONY: build test lint format bench rtl-lint rtl-formal synth clean

build:
	swift build -c release

# Besides Swift the tests use gzip, which reads compressed data sets, and Verilator, which runs the
# benches of the hardware.
test: tools
	swift build --build-tests
	swift test --skip-build

lint:
	swift format lint --strict --recursive Sources Tests Package.swift

format:
	swift format --in-place --recursive Sources Tests Package.swift

# Kernels against the peak of this machine, and whole training steps.
bench: build
	.build/release/swpu bench layers
	.build/release/swpu bench step

# Every module of the hardware by itself, with its parameters as they come, and every bench.
rtl-lint: tools
	@for module in $(patsubst %.sv,%,$(notdir $(filter-out %_pkg.sv,$(wildcard rtl/src/*.sv rtl/baselines/*.sv)))); do \
	  verilator --lint-only -Wall --top-module $$module rtl/lint/verilator.vlt -F rtl/swpu.f || exit 1; \
	done
	@for bench in $(patsubst %.sv,%,$(notdir $(wildcard rtl/test/*.sv))); do \
	  verilator --lint-only --timing -Wall --top-module $$bench rtl/lint/verilator.vlt -F rtl/swpu.f \
	    rtl/test/$$bench.sv || exit 1; \
	done

# Proves the compress network for 8 and 16 lanes; needs Python, and installs pyosys from PyPI beside
# the build.
rtl-formal: .build/formal/bin/python
	$< rtl/formal/prove_compress.py 8 16

.build/formal/bin/python:
	python3 -m venv .build/formal
	.build/formal/bin/pip install --quiet pyosys==0.70 || { rm -rf .build/formal; exit 1; }

# Area, delay and energy of the units for Liberty files: LIBERTY="a-folder another.lib.gz". Needs Python,
# and installs pyosys from PyPI beside the build.
synth: .build/synth/bin/python
	$< -m unittest discover rtl/syn
	$< rtl/syn/characterise.py $(foreach path,$(LIBERTY),--liberty $(path)) \
	  --output docs/results/processor/synthesis.json
	$< rtl/syn/reading28.py docs/results/processor/synthesis.json

.build/synth/bin/python:
	python3 -m venv .build/synth
	.build/synth/bin/pip install --quiet pyosys==0.70 || { rm -rf .build/synth; exit 1; }

.PHONY: tools
tools:
	@for tool in gzip verilator g++; do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	  [ -z "$$missing" ] || { apt-get update -qq && apt-get install -y -qq $$missing; }

clean:
	rm -rf .build
