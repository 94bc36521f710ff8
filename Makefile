# Formation: `make help` lists what there is to make.
SHELL := /bin/bash
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
PROFILE  ?= release
BUILD    ?= build/$(PROFILE)
BIN      ?= bin
CC       := gcc
V        ?= 0
Q        := $(if $(filter 1,$(V)),,@)

LIBS     := libcurl yajl yaml-0.1 openssl libevent_core libevent_extra
PKGS     := base codec loop api net kube formation controller
PROGRAMS := formation-controller kubectl-formation

# --- flags -------------------------------------------------------------
# OpenSSF's hardening guide, as far as the compiler knows each flag.
try       = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null 2>/dev/null && echo $(1))
WARNINGS := -Wall -Wextra -Wformat=2 -Wconversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wimplicit-fallthrough -Wvla -Wtrampolines \
	-Werror=format-security $(call try,-Wbidi-chars=any)
HARDEN   := -fstack-clash-protection -fstack-protector-strong -ftrivial-auto-var-init=zero \
	-fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing \
	$(call try,-fcf-protection=full) $(call try,-mbranch-protection=standard) \
	$(call try,-fstrict-flex-arrays=3)
LDHARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,nodlopen,--as-needed

FLAGS_release := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 $(HARDEN)
FLAGS_debug   := -O0 -g3 -fno-omit-frame-pointer
FLAGS_asan    := -O1 -g3 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
LDFLAGS_asan  := -fsanitize=address,undefined
FLAGS_fuzz    := -O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all -Wno-unknown-warning-option
LDFLAGS_fuzz  := -fsanitize=address,undefined

CPPFLAGS = -Ipkg -D_GNU_SOURCE -DFORMATION_VERSION='"$(VERSION)"' $(PKG_CFLAGS)
CFLAGS   = -std=gnu11 -fPIE $(WARNINGS) $(if $(CI),-Werror) $(FLAGS_$(PROFILE)) $(EXTRA_CFLAGS)
LDFLAGS  = $(LDHARDEN) $(LDFLAGS_$(PROFILE))
PKG_CFLAGS = $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
PKG_LIBS   = $(shell pkg-config --libs $(LIBS) 2>/dev/null)

# --- sources -----------------------------------------------------------
SOURCES  := $(foreach p,$(PKGS),$(wildcard pkg/$(p)/*.c))
OBJECTS  := $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY  := $(BUILD)/libformation.a
SUPPORT  := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/unit/support*.c))
UNIT     := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
GOLDEN   := $(BUILD)/tests/golden/golden
SIM      := $(BUILD)/tests/sim/world/sim
FUZZ     := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_MAIN = $(if $(filter fuzz,$(PROFILE)),,$(BUILD)/tests/fuzz/driver.o)
EXPLORE  := $(BUILD)/tests/sim/permit/explore
PROG_OUT := $(if $(filter release,$(PROFILE)),$(PROGRAMS:%=$(BIN)/%),$(PROGRAMS:%=$(BUILD)/bin/%))
DEPFILES := $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: all programs deps FORCE
all: deps programs ## Build bin/formation-controller and bin/kubectl-formation (PROFILE=release|debug|asan, V=1 shows commands)

programs: $(PROG_OUT)

deps:
	$(Q)hack/deps build

$(BUILD)/%.o: %.c $(BUILD)/flags
	@echo "  CC   $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/cmd/kubectl-formation/shipped_sizes.o: $(wildcard deploy/base/sizes/*.yaml)

# Objects are made again when a flag or the version changes.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS)' | sed "s/-DFORMATION_VERSION='[^']*'//" | cmp -s - $@ || \
		echo '$(CC) $(CPPFLAGS) $(CFLAGS)' | sed "s/-DFORMATION_VERSION='[^']*'//" >$@

$(LIBRARY): $(OBJECTS)
	@echo "  AR   $@"
	@rm -f $@
	$(Q)ar rcs $@ $(OBJECTS)

.SECONDEXPANSION:
$(PROG_OUT): $$(patsubst %.c,$(BUILD)/%.o,$$(wildcard cmd/$$(notdir $$@)/*.c)) $(LIBRARY)
	@echo "  LD   $@"
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(PKG_LIBS) -o $@

$(UNIT): $(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(SUPPORT) $(LIBRARY)
	@echo "  LD   $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(PKG_LIBS) -lcmocka -o $@

$(GOLDEN): $$(patsubst %.c,$(BUILD)/%.o,$$(wildcard tests/golden/*.c)) $(LIBRARY)
	@echo "  LD   $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(PKG_LIBS) -o $@

# With clang and PROFILE=fuzz libFuzzer drives them, else tests/fuzz/driver.c.
$(FUZZ): $(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $$(FUZZ_MAIN) \
		$(patsubst %,$(BUILD)/tests/golden/%.o,world merge plan_json) $(LIBRARY)
	@echo "  LD   $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(if $(filter fuzz,$(PROFILE)),-fsanitize=fuzzer) $^ $(PKG_LIBS) -o $@

# The simulator brings its own loop and chance, and the key of the maps' hash.
$(SIM): $$(patsubst %.c,$(BUILD)/%.o,$$(wildcard tests/sim/world/*.c)) $(LIBRARY)
	@echo "  LD   $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--wrap=getauxval $^ $(PKG_LIBS) -o $@

$(EXPLORE): $$(patsubst %.c,$(BUILD)/%.o,$$(wildcard tests/sim/permit/*.c)) $(LIBRARY)
	@echo "  LD   $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(PKG_LIBS) -o $@

-include $(DEPFILES)
.SECONDARY:

# --- running it --------------------------------------------------------
.PHONY: demo cluster-up cluster-down install uninstall image
demo: all ## The main job, from nothing to running dynos (KEEP=1 leaves it running, CLUSTER=FILE uses that kubeconfig)
	$(Q)hack/demo

cluster-up: ## Start a real Kubernetes on this machine and print its KUBECONFIG
	$(Q)hack/cluster/up

cluster-down: ## End it and leave nothing behind
	$(Q)hack/cluster/down

install: ## Install CRDs, RBAC, sizes and the controller into the cluster of $KUBECONFIG
	$(Q)hack/install

uninstall: ## Take the controller out again, apps go on running (PURGE=1 removes CRDs and so the apps)
	$(Q)hack/uninstall

image: programs ## Make the controller's container image for the cluster of `make cluster-up`
	$(Q)hack/image

# --- tests -------------------------------------------------------------
.PHONY: test check unit golden sim fuzz fuzz-programs integration e2e asan memcheck bench lint fmt
test: deps-test ## Everything: unit, golden, integration, end to end; closes with `N passed, N failed, N skipped`
	$(Q)tests/run all

check: deps-test programs $(UNIT) $(GOLDEN) $(SIM) $(EXPLORE) ## Unit and golden tests, part of the simulation: no network, no root, seconds
	$(Q)BUILD=$(BUILD) tests/run check

deps-test:
	$(Q)hack/deps build test

unit golden: check

test-programs: programs $(UNIT) $(GOLDEN) $(SIM) $(EXPLORE)

SEEDS ?= 100
sim: deps-test $(SIM) ## Every fault in every place of a simulated cluster, and SEEDS=100 random walks a scenario
	$(Q)$(SIM) --seeds $(SEEDS)

integration: all ## Tests against a real control plane
	$(Q)tests/run integration

e2e: all ## Tests with a real node (root)
	$(Q)tests/run e2e

TIME ?= 60
fuzz: ## libFuzzer on everything that reads what others wrote, TIME=60 seconds each (needs clang)
	$(Q)hack/deps build fuzz
	$(Q)$(MAKE) --no-print-directory PROFILE=fuzz CC=clang fuzz-programs
	$(Q)BUILD=build/fuzz tests/fuzz/run -max_total_time=$(TIME)

fuzz-programs: $(FUZZ)

asan: ## Unit and golden tests under the address and undefined-behaviour sanitizers
	$(Q)$(MAKE) --no-print-directory PROFILE=asan check

memcheck: deps-test $(UNIT) ## Unit tests under valgrind
	$(Q)hack/deps memcheck
	$(Q)BUILD=$(BUILD) tests/run memcheck

bench: all ## Speed and memory, with the machine they were measured on
	$(Q)tests/bench/run
	$(Q)tests/bench/singletons
	$(Q)tests/bench/sizes

lint: ## Layers, includes, sizes, comments: where the code stands against docs/style
	$(Q)hack/lint

fmt: ## Format the C code
	$(Q)hack/deps lint
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h')

.PHONY: clean help
clean: ## Remove everything that was built
	$(Q)rm -rf build $(BIN)

help: ## This list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## */\1\t/' | \
		awk -F'\t' '{printf "  %-14s %s\n", $$1, $$2}'
