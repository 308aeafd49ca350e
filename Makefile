# `make run` starts the example gateway, `make test` runs every suite.

.PHONY: build run test full-test unit asan lint valgrind fuzz chaos fresh deb matrix nginx-tests bench bench-full bench-idle modules cli install uninstall version dist clean distclean help

.DEFAULT_GOAL := build

build:      ## nginx, the modules and wgw, in build/bin and build/modules
	@tools/deps.sh build
	@mkdir -p build
	@flock -n build/lock true || \
	    echo "another make is at work in this checkout: waiting for it"
	@flock build/lock sh -c 'tools/build.sh && \
	    exec $(MAKE) --no-print-directory cli-files grid-files \
	    ledger-files'

run: build  ## start nginx.conf.example in the foreground; Ctrl-C stops it
	@exec tools/run.sh

test: build ## every suite, on two versions of nginx; T=t/run.t for some
	@tools/deps.sh test
ifdef T
	@$(if $(filter t/00-unit.t,$(T)),$(MAKE) --no-print-directory \
	    -j $$(nproc) unit)
	@tools/test.sh build $(T)
else
	@$(MAKE) --no-print-directory -j $$(nproc) unit
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tools/test-all.sh $(OLD_SUITES)
endif

full-test:  ## all there is, for hours, and a table at the end; FULL= for some
	@tools/full-test.sh $(FULL)

asan:       ## the suites with sanitizers, modules linked in; T= as above
	@tools/deps.sh build
	@tools/deps.sh test
	@tools/build.sh asan
	@$(MAKE) --no-print-directory cli-unit grid-unit ledger-unit \
	    build/bin/siwe-token
	@tools/test.sh build/asan $(or $(T),$(ASAN_SUITES))

lint: build ## cppcheck and clang-tidy, which say nothing
	@tools/deps.sh lint
	@tools/lint.sh

valgrind: build ## suites under memcheck, nginx and the programs; T= for some
	@tools/deps.sh test
	@tools/deps.sh valgrind
	@tools/valgrind.sh $(T)

fuzz:       ## the fuzz targets, FUZZ_SECONDS=10 each
	@tools/deps.sh build
	@tools/deps.sh test
	@tools/fuzz.sh $(FUZZ_SECONDS) $(FUZZ_TARGETS)

chaos: build ## load, kills and reloads for CHAOS_SECONDS=300, then figures
	@tools/deps.sh test
	@$(if $(CHAOS_LOSE),PLANTED=$(if $(FLEET),lease,addition)) \
	    tools/test.sh build $(if $(CHAOS_LOSE),t/full/planted.t,\
	    $(if $(FLEET),t/chaos/fleet.t,t/chaos/chaos.t))

fresh:      ## fresh Debians, by debootstrap, run make run and make test
	@tools/deps.sh roots
	@tools/fresh.sh "$(RELEASES)" "$(HOLES)" $(or $(T),$(FRESH_SUITES))

matrix:     ## nginx trees, compilers, flags: 8 builds of each; T= as above
	@tools/deps.sh build
	@tools/deps.sh test
	@tools/matrix.sh "$(or $(T),$(ASAN_SUITES))" $(SRC)

nginx-tests: build ## TESTS=DIR: nginx's own, without the modules, with, metered
	@tools/deps.sh nginx-tests
	@tools/nginx-tests.sh "$(TESTS)" $(T)

bench: build ## against nginx and peers, ten minutes; see bench/README.md
	@tools/deps.sh bench
	@tools/peers.sh
	@bench/all short

bench-full: build ## all rows and contenders, some hours
	@tools/deps.sh bench
	@tools/peers.sh
	@bench/all full

bench-idle: build ## modules that are loaded and unused cost nothing
	@tools/deps.sh bench
	@bench/idle/run

modules:    ## the modules for Debian's installed nginx, in build/installed
	@tools/deps.sh modules
	@tools/build.sh installed

cli:        ## the command wgw, its completion and man pages; needs no nginx
	@tools/deps.sh cli
	@$(MAKE) --no-print-directory cli-files

install: modules cli ## put these where that nginx loads them; DESTDIR= for a root
	@tools/install.sh

deb:        ## packages for RELEASES="bookworm trixie", in build/deb
	@tools/deps.sh roots
	@tools/deb.sh $(RELEASES)

uninstall:  ## take them away from there; names and counters stay
	@tools/install.sh remove

version:    ## which wgw this is
	@sed -n 's/^\#define WGW_VERSION *"\(.*\)"/\1/p' src/core/version.h

dist:       ## the tarball of this version; built and tested from it alone
	@tools/dist.sh $(T)

clean:      ## remove build/; run/ with names and counters stays
	rm -rf build

distclean: clean ## remove run/, too
	rm -rf run

help:       ## this list
	@sed -n 's/^\([a-z-]*\):.*## /    make \1 /p' Makefile | \
	    awk '{ t = $$2; $$1 = $$2 = ""; printf "    make %-11s%s\n", t, $$0 }'
	@sed -n 's/^#=//p' Makefile

#=
#=    NGX_SRC=DIR     build this nginx tree instead of Debian 13's
#=    SRC="DIR ..."   trees for make matrix besides Debian 12's and 13's;
#=                    T= the suites of six; MATRIX=build none, cover: only six
#=    TESTS=DIR       nginx-tests of make nginx-tests; T="proxy.t h2.t" of these
#=    CC=clang        another compiler
#=    PORT_HTTP=8080 PORT_TLS=8443 PORT_ADMIN=8642 PORT_INNER=8444
#=    PORT_DIN=8545 PORT_ROUTER=8546 PORT_DEMO_HTTP=9080 PORT_DEMO_HTTPS=9443
#=    PORT_DEMO_TLS=9444 PORT_DEMO_RPC=9545
#=                    the ports of make run
#=    IPV6=off        make run without ::1
#=    FULL="lint chaos"  parts of make full-test, see tools/full-test.sh
#=    FUZZ_SECONDS=10 of each fuzz target; 0: the corpus only
#=    FUZZ_TARGETS="claims/token ..."  of these only
#=    CHAOS_SECONDS=300 CHAOS_SEED=N; CHAOS_LOSE=1: a planted loss is seen
#=    CHAOS="slow clock" some actors of t/lib/Wgw/Chaos: disk kills http http2
#=                    websocket tcp slow loris hostile oversize clock full
#=                    names backends claims signin router
#=    WGW_SERVERS=valkey  or redis: other servers for T="t/fleet/leases.t" and
#=                    such, those that tools/servers.sh has fetched
#=    FLEET=4         make chaos of so many nodes that share caps by a Redis
#=    CHROMIUM=PATH   the browser of make full-test
#=    RELEASES="bookworm trixie" HOLES="none dsc sources other nginx"
#=                    of make fresh; the former of make deb; ROOTS=DIR
#=    RUN_USER=NAME   who the workers of make run are, when root starts it


# Debian's releases, for make deb and make fresh; of the holes in its mirror,
# and of the suites that are run then, tools/fresh.sh tells.

RELEASES ?= bookworm trixie
HOLES ?= none dsc sources other nginx
FRESH_SUITES = t/run.t t/names/names.t t/route/route.t t/meter/meter.t


# What is not about nginx runs once only.

FUZZ_SECONDS ?= 10
OLD_SUITES = $(filter-out t/00-unit.t t/docs.t t/house.t t/start.t t/full/% \
    t/chaos/% t/grid/%, \
    $(wildcard t/*.t t/*/*.t))
ASAN_SUITES = $(filter-out t/run.t t/examples.t,$(OLD_SUITES)) \
    $(wildcard t/grid/*.t)


# The parts of src/ that need no nginx, in an archive for each use: a program
# names none of them, the linker takes what it needs.

PARTS := $(shell grep -L 'ngx_' src/*/*.c)
PARTS_LIBS = -lyajl -lcrypto -llmdb -lpthread -lsecp256k1 -lz -lhiredis

PLAIN = $(CC) -O2 -g -Wall -Wextra -Werror -Isrc

UNIT = $(CC) -g -O1 -Wall -Wextra -Werror -fno-omit-frame-pointer \
    -fsanitize=address,undefined -fno-sanitize-recover=undefined -I. -Isrc

FUZZ = clang -g -O1 -fno-omit-frame-pointer -I. -Isrc \
    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined

# ARCHIVE NAME,COMPILER,FOLDER,SOURCES

define ARCHIVE
build/parts/$(1)/%.o: $(3)%.c Makefile
	@mkdir -p $$(@D)
	@$(2) -MMD -MP -MF $$(@:.o=.d) -MT $$@ -c -o $$@.new $$<
	@mv $$@.new $$@

build/parts/$(1).a: $(4:$(3)%.c=build/parts/$(1)/%.o)
	@rm -f $$@.new
	@ar rcs $$@.new $$^
	@mv $$@.new $$@
endef

FUZZED = $(subst fuzzer,fuzzer-no-link,$(FUZZ))

$(eval $(call ARCHIVE,plain,$(PLAIN),src/,$(PARTS)))
$(eval $(call ARCHIVE,unit,$(UNIT),src/,$(PARTS)))
$(eval $(call ARCHIVE,fuzz,$(FUZZED),src/,$(PARTS)))

-include $(shell find build/parts build/unit build/fuzz -name '*.d' 2> /dev/null)


# Each program in t/unit and fuzz is one file.

UNITS = $(patsubst t/unit/%.c,build/unit/%,$(wildcard t/unit/*/*.c))
TARGETS = $(patsubst fuzz/%.c,build/fuzz/%,$(wildcard fuzz/*/*.c))

.PHONY: fuzz-targets

unit: $(UNITS)
	@:

fuzz-targets: $(TARGETS)
	@:

build/unit/%: t/unit/%.c build/parts/unit.a
	@echo "unit test: $*"
	@mkdir -p $(@D)
	@$(UNIT) -MMD -MP -MF $@.d -MT $@ -o $@.new $< build/parts/unit.a \
	    $(PARTS_LIBS) && mv $@.new $@

build/fuzz/%: fuzz/%.c build/parts/fuzz.a
	@echo "fuzz target: $*"
	@mkdir -p $(@D)
	@$(FUZZ) -MMD -MP -MF $@.d -MT $@ -o $@.new $< build/parts/fuzz.a \
	    $(PARTS_LIBS) && mv $@.new $@

# PROGRAM NAME,FOLDER,FLAGS,LIBRARIES: one of several files, in a folder of its
# own.  What it links but does not use itself is not named (--as-needed).

FLAGS = -D_GNU_SOURCE -I.
LINKED = -Wl,--as-needed $(1) -lssl $(PARTS_LIBS)

define PROGRAM
$(call ARCHIVE,plain/$(2),$(PLAIN) $(3),$(2)/,$(wildcard $(2)/*.c))
$(call ARCHIVE,unit/$(2),$(UNIT) $(3),$(2)/,$(wildcard $(2)/*.c))
$(call ARCHIVE,fuzz/$(2),$(FUZZED) $(3),$(2)/,$(wildcard $(2)/*.c))

build/bin/$(1): build/parts/plain/$(2).a build/parts/plain.a
	@mkdir -p $$(@D)
	@$(PLAIN) -o $$@.new $$^ $(call LINKED,$(4)) && mv $$@.new $$@

build/asan/bin/$(1): build/parts/unit/$(2).a build/parts/unit.a
	@mkdir -p $$(@D)
	@$(UNIT) -o $$@.new $$^ $(call LINKED,$(4)) && mv $$@.new $$@

build/unit/$(2)/%: t/unit/$(2)/%.c build/parts/unit/$(2).a build/parts/unit.a
	@echo "unit test: $(2)/$$*"
	@mkdir -p $$(@D)
	@$(UNIT) -D_GNU_SOURCE -MMD -MP -MF $$@.d -MT $$@ -o $$@.new \
	    $$(filter %.c %.a,$$^) $(call LINKED,$(4)) && mv $$@.new $$@

build/fuzz/$(2)/%: fuzz/$(2)/%.c build/parts/fuzz/$(2).a build/parts/fuzz.a
	@echo "fuzz target: $(2)/$$*"
	@mkdir -p $$(@D)
	@$(FUZZ) -D_GNU_SOURCE -MMD -MP -MF $$@.d -MT $$@ -o $$@.new \
	    $$(filter %.c %.a,$$^) $(call LINKED,$(4)) && mv $$@.new $$@

.PHONY: $(2)-files $(2)-unit

$(2)-unit: build/asan/bin/$(1)
	@:
endef

# the command

MAN_PAGES = wgw.8 wgw-acme.8 wgw-certs-hook.8 wgw.conf.5 \
    ngx_wgw_route_module.5 ngx_wgw_meter_module.5 ngx_wgw_auth_module.5

$(eval $(call PROGRAM,wgw,cli,$(FLAGS),-lcurl))

cli-files: build/bin/wgw build/completion/wgw $(MAN_PAGES:%=build/man/%)
	@:

# the daemon of the grid

$(eval $(call PROGRAM,wgw-grid,grid,$(FLAGS),-lsodium -lsqlite3 -lcurl))

grid-files: build/bin/wgw-grid build/man/wgw-grid.8
	@:

# the ledger

LEDGER_FLAGS = $(FLAGS) -Ibuild/parts -I$(shell pg_config --includedir \
    2> /dev/null || echo /usr/include/postgresql)

.PHONY: ledger

$(eval $(call PROGRAM,wgw-ledger,ledger,$(LEDGER_FLAGS),-lpq))

ledger:     ## the daemon wgw-ledger; needs no nginx
	@tools/deps.sh ledger
	@$(MAKE) --no-print-directory ledger-files

ledger-files: build/bin/wgw-ledger build/man/wgw-ledger.8
	@:

build/parts/plain/ledger/schema.o build/parts/unit/ledger/schema.o \
build/parts/fuzz/ledger/schema.o: build/parts/ledger_schema.h

build/parts/ledger_schema.h: ledger/schema/*.sql
	@mkdir -p $(@D)
	@tools/embed.sh $(foreach file,$(sort $^),\
	    schema_$(basename $(notdir $(file)))=$(file)) > $@.new && mv $@.new $@

build/completion/wgw: cli/wgw.bash
	@mkdir -p $(@D)
	@cp $< $@

build/man/%: tools/man.pl docs/*.md tools/wgw-* src/core/version.h
	@mkdir -p $(@D)
	@perl tools/man.pl $* > $@.new && mv $@.new $@

build/bin/%: tools/%.c build/parts/plain.a
	@mkdir -p $(@D)
	@$(PLAIN) -MMD -MP -MF build/parts/$*.d -MT $@ -o $@.new $< \
	    build/parts/plain.a $(PARTS_LIBS) && mv $@.new $@
