# make            build everything
# make run        guard this machine with a demo config and show a kill
# make test       all tests that need no cluster (root, BTF)
# make test-long  the same with ten times as much of what is tried at random or over and over
# make check      lint, types and the tests that need no privileges
# make bench      speed and memory, side by side
# make test-cluster   the operator's page on a real Kubernetes
# make test-hub       the console's actions at a real JupyterHub
# make test-kernels   the guard on Debian's other kernels, emulated
#
# Each installs what it needs on a bare Debian or Ubuntu (tools/install-packages).

SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: all build run test test-long check bench test-cluster test-hub test-kernels clean packages

CLANG ?= clang
ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
MULTIARCH := $(shell gcc -print-multiarch 2>/dev/null)
BPF_CFLAGS := -g -O2 -Wall -Werror -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -I/usr/include/$(MULTIARCH)
CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -fPIC -fvisibility=hidden

all: build

packages:
	@tools/install-packages

node_modules/.installed: package.json package-lock.json $(wildcard */package.json)
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

build: packages
	@$(MAKE) --no-print-directory compile

TEST_OBJECTS := $(patsubst test/bpf/%.bpf.c,build/test/bpf/%.bpf.o,$(wildcard test/bpf/*.bpf.c))

# What `build` makes once the packages are there.
.PHONY: compile
compile: build/bpf/execwhacker.bpf.o build/bpf/flowkiller.bpf.o build/bpf/monero.bpf.o build/bpf/names.bpf.o $(TEST_OBJECTS) build/native/cryptnono.node build/agent/cryptnono.mjs build/console/console.mjs

.SECONDEXPANSION:
build/bpf/%.bpf.o: bpf/$$*/$$*.bpf.c $$(wildcard bpf/$$*/*.h) $(wildcard bpf/lib/*.h)
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c $< -o $@
	llvm-strip -g $@ 2>/dev/null || true

# Flowkiller's second object.
build/bpf/names.bpf.o: bpf/flowkiller/names.bpf.c $(wildcard bpf/flowkiller/names*.h) $(wildcard bpf/lib/*.h)
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c $< -o $@
	llvm-strip -g $@ 2>/dev/null || true

# What the tests load.
build/test/bpf/%.bpf.o: test/bpf/%.bpf.c $(wildcard test/bpf/*.h bpf/lib/*.h bpf/monero/*.h)
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c $< -o $@
	llvm-strip -g $@ 2>/dev/null || true

# libbpf.a names `stderr` in a way that only programs can link (native/src/elf-tls.c has the other half).
build/native/libbpf.a:
	@mkdir -p $(@D)
	objcopy --redefine-sym stderr=libbpf_stderr "$$(gcc -print-file-name=libbpf.a)" $@

build/native/cryptnono.node: $(wildcard native/src/*.c native/src/*.h) build/native/libbpf.a node_modules/.installed
	gcc $(CFLAGS) -shared -Inode_modules/node-api-headers/include native/src/*.c build/native/libbpf.a -o $@ \
	  -Wl,--exclude-libs,ALL -Wl,--wrap=bpf_btf_get_next_id $$(tools/static-libraries) -lpthread

TYPESCRIPT := $(shell find matcher native agent deployer console test -name '*.ts' -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
build/.types: node_modules/.installed $(TYPESCRIPT) $(wildcard */tsconfig.json) tsconfig.base.json
	@mkdir -p $(@D)
	npx tsc -b
	@touch $@

build/agent/cryptnono.mjs: build/.types agent/tools/bundle.mjs
	node agent/tools/bundle.mjs

build/console/console.mjs: build/.types console/tools/bundle.mjs console/src/client/page.css console/src/client/icon.svg
	node console/tools/bundle.mjs

run: build
	@tools/demo

check: build
	npx biome check
	tools/run-tests --unprivileged

test: build
	tools/install-test-tools
	npx biome check
	tools/with-go helm-charts/check
	tools/run-tests

test-long:
	@TEST_ROUNDS=$${TEST_ROUNDS:-10} $(MAKE) --no-print-directory test

bench: build
	node test/dist/bench/main.js

test-kernels: build
	nice test/vm/run

test-hub: build
	test/jupyterhub/run

test-cluster: build
	tools/with-go test/cluster/run

clean:
	rm -rf build matcher/dist native/dist agent/dist deployer/dist console/dist test/dist
