# Everything a developer or CI runs. `make test` prepares a fresh Debian machine for the tests.
.PHONY: build test lint format bench clean

build:
	swift build -c release

# The tests need nothing but Swift; gzip, which reads compressed data sets, is on every Debian.
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

.PHONY: tools
tools:
	@command -v gzip >/dev/null || { apt-get update -qq && apt-get install -y -qq gzip; }

clean:
	rm -rf .build
