# `make` prints what there is. Build output goes to build/PRESET, Python's oracles to .venv.
SHELL := /bin/bash
.DEFAULT_GOAL := help
JOBS ?= $(shell nproc)
PYTHON := .venv/bin/python
CALQUE := build/release/calque
FUZZ_SECONDS ?= 60
REPORTS := build/reports
PREFIX ?= /usr/local
KERNEL_TESTS := attention gemm low_precision rows

# Objects are shared between checkouts in different folders.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
export PYTHONHASHSEED := 0
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

build-preset = cmake --preset $(1) $(2) >build/$(1).configure.log || { cat build/$(1).configure.log; exit 1; }; \
  cmake --build build/$(1) -j $(JOBS) $(3)

# A first build takes ten files at a time, which is sooner done; one that is there goes on as it is.
together = $(if $(wildcard build/release/CMakeCache.txt),,-DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=10)

.PHONY: help
help:  ## this table
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup:  ## install what the build and the tests need (Debian 12; root or sudo)
	@tools/setup.sh test

.PHONY: build
build:  ## the library and the command, build/release/calque
	@tools/setup.sh build
	@$(call build-preset,release,-DCALQUE_BUILD_TESTS=OFF $(together))

.PHONY: demo
demo: build  ## MiniLM: export, inspect, load, run, similarity table, time per call
	@tools/demo.sh

.PHONY: test
test:  ## set-up, release build, unit tests, Python suites (checks of layers and format included)
	@tools/setup.sh test
	@$(call build-preset,release,-DCALQUE_BUILD_TESTS=ON -DCMAKE_UNITY_BUILD=OFF)
	@tools/run_tests.sh release
	@python/build.sh
	@tools/run_pytest.sh

.PHONY: asan
asan:  ## unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/setup.sh sanitize
	@$(call build-preset,asan)
	@tools/run_tests.sh asan

.PHONY: asan-full
asan-full:  ## the same, and the Python suites on the programs of that build
	@$(MAKE) asan
	@ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 CALQUE_COMMAND=$(CURDIR)/build/asan/calque \
	  CALQUE_TOK_TOOL=$(CURDIR)/build/asan/tok_tool CALQUE_MODELS_TOOL=$(CURDIR)/build/asan/models_tool tools/run_pytest.sh

.PHONY: tsan
tsan:  ## the unit tests that use threads, under ThreadSanitizer
	@tools/setup.sh sanitize
	@$(call build-preset,tsan,,--target thread_tests)
	@tools/run_tests.sh tsan -L threads

.PHONY: aarch64
aarch64: build  ## cross build for 64-bit ARM; unit tests of the kernels and MiniLM in emulation
	@tools/setup.sh aarch64
	@$(call build-preset,aarch64,,--target calque_command base_test tensor_test $(foreach part,$(KERNEL_TESTS),kernels_$(part)_test))
	@tools/run_tests.sh aarch64 -R '^(base|tensor|kernels_.*)_test$$'
	@tests/aarch64/run.sh

.PHONY: lint
lint:  ## clang-format and clang-tidy over the whole tree
	@tools/setup.sh lint
	@$(call build-preset,lint,,--target help >/dev/null)
	@$(PYTHON) tools/check_format.py
	@$(PYTHON) tools/lint.py --build build/lint -j $(JOBS)

.PHONY: fuzz
fuzz:  ## each libFuzzer target for FUZZ_SECONDS (60)
	@tools/setup.sh fuzz
	@$(call build-preset,fuzz,,--target fuzzers)
	@tools/run_fuzzers.sh $(FUZZ_SECONDS) $(JOBS)

.PHONY: fuzz-long
fuzz-long:  ## the same for an hour each
	@$(MAKE) fuzz FUZZ_SECONDS=3600

# Options for bench/compare.py, for example BENCH_ARGS="--model bert-base --threads 1 --against onnxruntime".
BENCH_ARGS ?=
BENCH := build/bench/venv/bin/python bench

.PHONY: bench-peers
bench-peers:  ## the engines that the benchmark compares with, pinned, in build/bench/venv
	@bench/setup_peers.sh

.PHONY: bench-build
bench-build: bench-peers
	@$(call build-preset,release,-DCALQUE_BUILD_BENCHMARKS=ON -DCALQUE_BUILD_TESTS=ON -DCMAKE_UNITY_BUILD=OFF)

.PHONY: bench
bench: bench-build  ## against PyTorch, ONNX Runtime, OpenVINO, CTranslate2 on MiniLM and BERT-base; BENCH_ARGS has options
	@$(BENCH)/compare.py --study default $(BENCH_ARGS)

.PHONY: bench-full
bench-full: bench-build  ## the same at batch 1, 8, 32 and lengths 8 to 512; hours
	@$(BENCH)/compare.py --study full $(BENCH_ARGS)

.PHONY: bench-readme
bench-readme: bench-build  ## the README's tables, printed as Markdown, and its plots in docs/images
	@$(BENCH)/compare.py --study readme $(BENCH_ARGS)
	@$(BENCH)/report.py

.PHONY: bench-costs
bench-costs: bench-build  ## memory and time of loading a 440 MB archive, a call from Python
	@python/build.sh
	@bench/costs.sh

.PHONY: bench-decoder
bench-decoder:  ## one-token steps of a translation decoder against the speed of memory
	@tools/setup.sh test
	@$(call build-preset,release,-DCALQUE_BUILD_BENCHMARKS=ON -DCALQUE_BUILD_TESTS=ON -DCMAKE_UNITY_BUILD=OFF,--target decoder_step)
	@$(PYTHON) -W ignore bench/decoder_step/decoder_step.py $(BENCH_ARGS)

.PHONY: bench-quality
bench-quality: bench-build  ## label agreement and embedding cosine of a low-precision run on 10 000 real sentences
	@$(BENCH)/quality/quality.py $(BENCH_ARGS)

.PHONY: conformance-full
conformance-full:  ## the differential tests at full size, libtorch 1.13 and Netron
	@tools/setup.sh full
	@$(call build-preset,release,-DCALQUE_BUILD_TESTS=ON -DCMAKE_UNITY_BUILD=OFF)
	@python/build.sh
	@CALQUE_FULL=1 tools/run_pytest.sh tests/conformance tests/python
	@tests/full/run.sh

.PHONY: conformance-sweep
conformance-sweep:  ## PyTorch's archives on each instruction set, with each pass left out in turn
	@tools/setup.sh test
	@$(call build-preset,release,-DCALQUE_BUILD_TESTS=ON -DCMAKE_UNITY_BUILD=OFF)
	@python/build.sh
	@CALQUE_SWEEP=1 tools/run_pytest.sh tests/conformance/test_sweep.py

.PHONY: wheel
wheel:  ## the Python package as one file, build/wheel/calque-*.whl
	@$(PYTHON) -m pip wheel -q --no-deps --disable-pip-version-check -w build/wheel .
	@ls -l build/wheel/*.whl

.PHONY: install
install: build  ## the command, headers and CMake package below PREFIX (/usr/local)
	@cmake --install build/release --strip --prefix $(PREFIX)

.PHONY: clean
clean:  ## remove build output and the demo (keeps .venv)
	@rm -rf build demo
