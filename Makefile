# seqd: one makefile, no recursion. `make help` lists the targets, docs/HACKING.md explains them.
#
#   VARIANT=release|debug|asan|tsan   what to build; objects lie in build/<variant>/, the release binary is build/seqd
#   ONLY=text                         run only the test programs whose path contains `text`
#   ARGS='...'                        further arguments of `make run`
#   SWAGGER_UI=flasgger|npm           what /docs/ shows the interface with: Debian's, or the newest that npm has
#   GRPC=yes|no                       with the gRPC front, or without it and its libraries
#   V=1                               show whole commands
#   NO_APT=1                          never install a package; say what is missing and stop
#
# CC, CFLAGS, CPPFLAGS and LDFLAGS are taken from the environment and kept.

VARIANT ?= release
ifneq ($(filter coverage check-coverage,$(MAKECMDGOALS)),)
override VARIANT := coverage
endif
ifneq ($(filter check-fuzzers check-fuzzers-planted,$(MAKECMDGOALS)),)
override VARIANT := fuzz
endif
B    := build/$(VARIANT)
BINARIES := $(if $(filter release,$(VARIANT)),build,$(B))
SEQD     := $(BINARIES)/seqd
SEQCTL   := $(BINARIES)/seqctl

SWAGGER_UI ?= flasgger
ifeq ($(filter flasgger npm,$(SWAGGER_UI)),)
$(error SWAGGER_UI=$(SWAGGER_UI) is none of flasgger, npm)
endif

GRPC ?= yes
ifeq ($(filter yes no,$(GRPC)),)
$(error GRPC=$(GRPC) is none of yes, no)
endif

# seqd keeps no data in memory, where some systems have /tmp.
ifeq ($(or $(TMPDIR),$(shell stat -f -c %T /tmp)),tmpfs)
export TMPDIR := /var/tmp
endif

# --- Debian packages: the name, and why we need it is said by packaging/install-packages -----------------------

# Debian 13 has no grpc-proto any more; what it held came to lie beside the Go implementation.
GRPC_PROTO_PACKAGE := $(if $(filter 12,$(shell . /etc/os-release && echo $$VERSION_ID)),grpc-proto,golang-google-grpc-dev)
RUN_PACKAGES   := gcc libc6-dev liblmdb-dev libmicrohttpd-dev libgnutls28-dev libinih-dev libsystemd-dev \
                  libcurl4-gnutls-dev libjansson-dev \
                  python3-yaml $(if $(filter npm,$(SWAGGER_UI)),npm,python3-flasgger) \
                  $(if $(filter yes,$(GRPC)),libnghttp2-dev libprotobuf-c-dev protobuf-c-compiler \
                      protobuf-compiler $(GRPC_PROTO_PACKAGE))
TEST_PACKAGES  := libcmocka-dev curl faketime
LINT_PACKAGES  := clang-format mandoc prometheus
MAN_PACKAGES   := scdoc
BENCH_PACKAGES := wrk nginx-light golang-go
GRPC_BENCH_PACKAGES := nghttp2-client libgrpc-dev golang-go golang-google-grpc-dev
GRPC_PACKAGES  := nodejs npm python3-grpcio python3-protobuf
COVERAGE_PACKAGES := gcovr
MODEL_PACKAGES := spin
FUZZ_PACKAGES  := clang libclang-rt-dev
LAB_PACKAGES   := python3 libfuse3-dev fuse3 e2fsprogs xfsprogs mount util-linux
POWER_PACKAGES := python3 qemu-system-x86 nbdkit busybox-static kmod cpio e2fsprogs
DEB_PACKAGES   := dpkg-dev debhelper
CHECK_DEB_PACKAGES := lintian mmdebstrap systemd-container piuparts autopkgtest faketime
OPENAPI_PACKAGES := python3-jsonschema npm
BROWSER_PACKAGES := chromium npm
CLIENTS_PACKAGES := curl nodejs golang-go postgresql
INSTALL        := CC='$(CC)' CPPFLAGS='$(CPPFLAGS)' NO_APT='$(NO_APT)' packaging/install-packages

# --- Flags -----------------------------------------------------------------------------------------------------

ifeq ($(origin CC),default)
CC := gcc
endif
# libFuzzer comes with clang, and with no other.
ifeq ($(VARIANT)$(findstring clang,$(CC)),fuzz)
override CC := clang
endif
CFLAGS ?= -O2 -g

# -UNDEBUG comes last: the asserts ship.
OURS := -std=c17 -D_GNU_SOURCE -Iinclude -pthread -Wall -Wextra -Wshadow -Wstrict-prototypes \
        -Wmissing-prototypes -Wwrite-strings -Wvla -Wformat=2 -Wconversion -UNDEBUG

FLAGS_release  :=
FLAGS_debug    := -O1 -g -Werror
FLAGS_asan     := -O1 -g -Werror -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_tsan     := -O1 -g -Werror -fno-omit-frame-pointer -fsanitize=thread
# The counters are atomic, for the tests have threads; without optimisation, so that each branch is one of the source.
FLAGS_coverage := -O0 -g --coverage -fprofile-update=atomic
FLAGS_fuzz     := $(FLAGS_asan) -fsanitize=fuzzer-no-link
ifeq ($(origin FLAGS_$(VARIANT)),undefined)
$(error VARIANT=$(VARIANT) is none of release, debug, asan, tsan)
endif

ALL_FLAGS  = $(CPPFLAGS) $(CFLAGS) $(OURS) $(FLAGS_$(VARIANT))
TEST_FLAGS = -Isrc -Itests -Itests/lib
COMPILE    = $(SAY) CC $<; $(CC) $(ALL_FLAGS) -MMD -MP -c -o $@ $<
LINK       = $(SAY) LD $@; $(CC) $(CFLAGS) $(FLAGS_$(VARIANT)) -pthread $(LDFLAGS) -o $@
# One short line for a command; V=1 shows all of it.
SAY        = $(if $(V),:,@printf '  %s %s\n')

# --- The house: a floor is a folder of src/ and an archive ------------------------------------------------------

FLOORS := base store core front
GRPC_LIBS := $(if $(filter yes,$(GRPC)),-lnghttp2 -lprotobuf-c)
LIBS   := -lmicrohttpd -lgnutls -ljansson $(GRPC_LIBS) -llmdb -linih -lsystemd
# seqctl is a roof of its own over base.
CTL_LIBS := -lcurl -ljansson -lgnutls

# An optional part is a pair: with it, or absent. What is left out is neither built nor tested.
GRPC_PART   := $(wildcard src/front/grpc*.c tests/unit/front/test_grpc*.c tests/lib/grpc*.c tests/bench/grpc*.c \
                 tests/fuzz/fuzz_grpc*.c)
GRPC_ABSENT := src/front/grpc_absent.c tests/unit/front/test_grpc_absent.c
LEFT_OUT    := $(if $(filter yes,$(GRPC)),$(GRPC_ABSENT),$(filter-out $(GRPC_ABSENT),$(GRPC_PART)))

sources = $(filter-out $(LEFT_OUT),$(sort $(wildcard $(1))))
objects = $(patsubst %.c,$(B)/%.o,$(call sources,$(1)))

ROOF    := $(call objects,src/*.c)
PRODUCT := $(ROOF) $(foreach f,$(FLOORS) ctl,$(call objects,src/$f/*.c))
# Linked upside down, so that each archive stands before those it calls.
HOUSE   := $(B)/libfront.a $(B)/libcore.a $(B)/libstore.a $(B)/libbase.a

.PHONY: all
all: $(SEQD) $(SEQCTL)          ## build the daemon and seqctl (the default; installs nothing)

# libmicrohttpd has to find our epoll_wait() before any other: src/front/epoll.c says why. As an object, not out of
# its archive, for a sanitizer's library, which comes first, has one too.
EPOLL := $(B)/src/front/epoll.o

$(SEQD): $(ROOF) $(EPOLL) $(HOUSE)
	$(LINK) $^ $(LIBS)

$(SEQCTL): $(B)/src/ctl/seqctl.o $(B)/libctl.a $(B)/libbase.a
	$(LINK) $^ $(CTL_LIBS)

# The folder itself is a prerequisite, so that a file that was removed leaves the archive, too.
archive = $(eval $(B)/lib$(1).a: $(wildcard $(2)) $(call objects,$(2)/*.c))
$(foreach f,$(FLOORS) ctl,$(call archive,$f,src/$f))
$(call archive,test,tests/lib)
$(B)/lib%.a: $(B)/flags
	@mkdir -p $(@D) && rm -f $@
	$(SAY) AR $@; $(AR) rcs $@ $(filter %.o,$^)

$(B)/src/%.o: src/%.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE)

$(B)/tests/%.o: tests/%.c $(B)/tests/flags
	@mkdir -p $(@D)
	$(COMPILE) $(TEST_FLAGS)

# --- What is served from memory: the description of the interface, and the pages that show it ---------------------

# Debian's own interpreter, which sees Debian's modules, also where another one stands first in PATH.
PYTHON   := /usr/bin/python3
# None of ours leaves compiled files beside its source.
export PYTHONDONTWRITEBYTECODE := 1
ASSETS   := build/assets/$(SWAGGER_UI)
FLASGGER := /usr/lib/python3/dist-packages/flasgger/ui3/static
EMBEDDED := src/front/assets/docs.html src/front/assets/start.js docs/openapi.yaml $(ASSETS)/openapi.json \
            $(ASSETS)/swagger-ui-bundle.js.gz $(ASSETS)/swagger-ui.css.gz

$(B)/libfront.a: $(B)/src/front/http_assets_data.o
$(B)/src/front/http_assets_data.o: src/front/http_assets_data.s $(EMBEDDED) $(ASSETS)/tag $(B)/flags
	@mkdir -p $(@D)
	$(SAY) AS $<; $(CC) $(CFLAGS) -Wa,-I$(ASSETS) -c -o $@ $<

$(ASSETS)/openapi.json: docs/openapi.yaml | $(B)/flags
	@mkdir -p $(@D)
	$(SAY) JSON $@; $(PYTHON) -c 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin.buffer), sys.stdout)' <$< >$@

# -n leaves the time out, so that the same files give the same bytes.
$(ASSETS)/%.gz: $(ASSETS)/%
	$(SAY) GZIP $@; gzip -n -9 <$< >$@

build/assets/flasgger/swagger-ui-bundle.js build/assets/flasgger/swagger-ui.css: | $(B)/flags
	@mkdir -p $(@D)
	@cp $(FLASGGER)/$(@F) $@

# One archive with both files; nothing in it is run, and what it depends on is not fetched.
build/assets/npm/swagger-ui-bundle.js build/assets/npm/swagger-ui.css &: | $(B)/flags
	@rm -rf build/assets/npm/package && mkdir -p build/assets/npm/package
	$(SAY) NPM swagger-ui-dist; cd build/assets/npm/package && npm pack --silent --ignore-scripts swagger-ui-dist >archive
	@cd build/assets/npm && tar -xzf package/$$(cat package/archive) package/swagger-ui-bundle.js package/swagger-ui.css
	@mv build/assets/npm/package/*.js build/assets/npm/package/*.css build/assets/npm/ && rm -rf build/assets/npm/package

# The tag by which a browser asks whether what it keeps is still right: it changes when any of them does.
$(ASSETS)/tag: $(EMBEDDED)
	@cat $^ | sha256sum | head -c 16 >$@

# --- What protoc and protoc-c make of the descriptions of the gRPC services ----------------------------------------

ifeq ($(GRPC),yes)
# The descriptions of health checking and reflection, as either of Debian's packages has them; where neither is there
# yet, as the one that is about to be installed will.
GRPC_PROTO_grpc-proto := /usr/share/grpc-proto
GRPC_PROTO_golang-google-grpc-dev := /usr/share/gocode/src/google.golang.org/grpc/debian/missing-sources/grpc/grpc-proto/master
GRPC_PROTO := $(firstword $(wildcard $(GRPC_PROTO_grpc-proto) $(GRPC_PROTO_golang-google-grpc-dev)) \
                  $(GRPC_PROTO_$(GRPC_PROTO_PACKAGE)))
GENERATED  := build/grpc
PROTOS     := seqd/v1/seqd grpc/health/v1/health grpc/reflection/v1/reflection
PB_HEADERS := $(PROTOS:%=$(GENERATED)/%.pb-c.h)
# What protoc-c writes is not ours to keep to our warnings.
OURS       += -isystem $(GENERATED)
DESCRIBED  := seqd/v1/seqd.proto grpc/health/v1/health.proto grpc/reflection/v1/reflection.proto \
              grpc/reflection/v1alpha/reflection.proto

$(B)/libfront.a: $(PROTOS:%=$(B)/grpc/%.pb-c.o) $(B)/src/front/grpc_descriptor_data.o
$(patsubst %.c,$(B)/%.o,$(call sources,$(filter-out $(GRPC_ABSENT),$(GRPC_PART)))): | $(PB_HEADERS)
check-headers: | $(PB_HEADERS)
$(GRPC_PROTO)/%.proto: ;

# protoc-c knows no `optional` of proto3. Its meaning, also in bytes, is a oneof of one field.
build/proto/seqd/%.proto: include/seqd/%.proto
	@mkdir -p $(@D)
	@sed -E 's/^( *)optional ([A-Za-z0-9_.]+) ([a-z0-9_]+) = ([0-9]+);/\1oneof \3_is { \2 \3 = \4; }/' $< >$@

$(GENERATED)/seqd/%.pb-c.c $(GENERATED)/seqd/%.pb-c.h &: build/proto/seqd/%.proto | $(B)/flags
	@mkdir -p $(GENERATED)
	$(SAY) PROTO $<; protoc-c -Ibuild/proto --c_out=$(GENERATED) $<
$(GENERATED)/grpc/%.pb-c.c $(GENERATED)/grpc/%.pb-c.h &: $(GRPC_PROTO)/grpc/%.proto | $(B)/flags
	@mkdir -p $(GENERATED)
	$(SAY) PROTO $<; protoc-c -I$(GRPC_PROTO) --c_out=$(GENERATED) $<
$(B)/grpc/%.pb-c.o: $(GENERATED)/%.pb-c.c $(B)/flags
	@mkdir -p $(@D)
	$(SAY) CC $<; $(CC) $(CPPFLAGS) $(CFLAGS) $(FLAGS_$(VARIANT)) -w -I$(GENERATED) -c -o $@ $<

# What reflection gives out.
$(GENERATED)/descriptors: include/seqd/v1/seqd.proto | $(B)/flags
	@mkdir -p $(@D)
	$(SAY) PROTO $@; protoc -Iinclude -I$(GRPC_PROTO) --descriptor_set_out=$@ $(DESCRIBED)
$(B)/src/front/grpc_descriptor_data.o: src/front/grpc_descriptor_data.s $(GENERATED)/descriptors $(B)/flags
	@mkdir -p $(@D)
	$(SAY) AS $<; $(CC) $(CFLAGS) -Wa,-I$(GENERATED) -c -o $@ $<
endif

# The flags a variant was built with. When they change, all of it is built again; when they are written for
# the first time, the packages are looked for, so that a missing one is named before any compiler error.
quote = '$(subst ','\'',$(1))'
$(B)/flags: WANTED = $(CC) $(ALL_FLAGS) $(SWAGGER_UI) $(GRPC)
$(B)/flags: NEEDED = $(RUN_PACKAGES)
$(B)/tests/flags: WANTED = $(CC) $(ALL_FLAGS) $(TEST_FLAGS)
$(B)/tests/flags: NEEDED = $(TEST_PACKAGES)
$(B)/flags $(B)/tests/flags: FORCE
	@printf '%s\n' $(call quote,$(WANTED)) | cmp -s - $@ || { \
	    $(INSTALL) --check $(NEEDED) && mkdir -p $(@D) && printf '%s\n' $(call quote,$(WANTED)) >$@; }
.PHONY: FORCE
FORCE:

# Goals that install do so before anything is compiled.
ifneq ($(filter run,$(MAKECMDGOALS)),)
$(B)/flags: | deps
endif
ifneq ($(filter test check coverage check-coverage,$(MAKECMDGOALS)),)
$(B)/flags $(B)/tests/flags: | test-deps
endif
ifneq ($(filter check-openapi,$(MAKECMDGOALS)),)
$(B)/flags build/openapi/node_modules: | openapi-deps
endif
ifneq ($(filter check-browser,$(MAKECMDGOALS)),)
$(B)/flags build/browser/node_modules: | browser-deps
endif
ifneq ($(filter check-grpc,$(MAKECMDGOALS)),)
$(B)/flags build/check-grpc/node_modules: | grpc-deps
endif
ifneq ($(filter check-clients,$(MAKECMDGOALS)),)
$(B)/flags: | clients-deps
endif
ifneq ($(filter check-fuzzers check-fuzzers-planted,$(MAKECMDGOALS)),)
$(B)/flags $(B)/tests/flags: | fuzz-deps
endif
ifneq ($(filter check-states check-power,$(MAKECMDGOALS)),)
$(B)/flags $(B)/tests/flags: | lab-deps
endif
ifneq ($(filter bench,$(MAKECMDGOALS)),)
$(B)/flags $(B)/tests/flags: | bench-deps
endif

# --- Test programs: a floor's tests link that floor and those below, so one that needs more has found a broken
#     floor. tests/lib is an archive too: only what a test uses of it is pulled in. -----------------------------

# Functions of the C library that a test replaces by its own __wrap_NAME(): WRAP_<program> := name ...
WRAP_test_grpc_connection := clock_now
WRAP_test_grpc_health := clock_now
WRAP_test_http_show := clock_now
WRAP_test_no_memory := calloc aligned_alloc reallocarray pthread_mutex_init pthread_mutex_destroy \
    pthread_condattr_init pthread_condattr_destroy pthread_condattr_setclock pthread_cond_init pthread_cond_destroy \
    pthread_create open_memstream ferror fclose
WRAP_test_watchdog := accept4
WRAP_test_change_log := log_line
STORE_CALLS := $(addprefix mdb_,env_create env_set_mapsize env_set_maxdbs env_set_maxreaders env_open env_get_fd env_info \
    env_stat txn_begin txn_commit dbi_open stat get put drop cursor_open cursor_get cursor_del) fstat stat \
    fstatat statx faccessat fsync fdatasync unlinkat renameat flock open openat fcntl pwrite pread getrandom fdopendir \
    readdir posix_memalign calloc
WRAP_test_store_refused := $(STORE_CALLS)

wraps = $(foreach w,$(WRAP_$(@F)),-Wl,--wrap=$w)

# programs FOLDER,FILES,FLOORS,LIBRARIES: each file becomes a program, linked with these floors.
define program_rules
$(patsubst %.c,$(B)/%,$(call sources,$(2))): $(B)/$(1)/%: $(B)/$(1)/%.o $(B)/libtest.a $(foreach f,$(3),$(B)/lib$f.a)
	$$(LINK) $$(wraps) $$(filter %.o,$$^) $$(filter %.a,$$^) $(4)
endef
programs = $(eval $(call program_rules,$(strip $(1)),$(strip $(2)),$(3),$(4)))

$(call programs, tests/unit/base,  tests/unit/base/test_*.c,  base, -lcmocka)
$(call programs, tests/unit/store, tests/unit/store/test_*.c, store base, -lcmocka -llmdb)
$(call programs, tests/unit/core,  tests/unit/core/test_*.c,  core store base, -lcmocka)
$(call programs, tests/unit/front, tests/unit/front/test_*.c, front core store base, -lcmocka -lmicrohttpd -lgnutls -ljansson $(GRPC_LIBS))
$(call programs, tests/unit/roof,  tests/unit/roof/test_*.c,  front core store base, -lcmocka $(LIBS))
$(call programs, tests/unit/ctl,   tests/unit/ctl/test_*.c,   ctl base, -lcmocka $(CTL_LIBS))
$(call programs, tests/contract,   tests/contract/test_*.c,   store base, -lcmocka -llmdb)
$(call programs, tests/fault,      tests/fault/test_*.c,      core store base, -lcmocka -llmdb)
$(call programs, tests/system,     tests/system/test_*.c,     base, -lcmocka -lgnutls)
$(call programs, tests/crash,      tests/crash/*.c,           base,)
$(call programs, tests/load,       tests/load/*.c,            base,)
$(call programs, tests/flood,      tests/flood/*.c,           base, -lgnutls)
$(call programs, tests/bench,      tests/bench/*.c,           core store base, -lcmocka -lmicrohttpd -llmdb $(GRPC_LIBS))
$(patsubst %.o,%,$(call objects,tests/unit/front/test_*.c tests/unit/roof/test_*.c)): $(EPOLL)
# The roof's own tests link its files too, all but main().
$(patsubst %.o,%,$(call objects,tests/unit/roof/test_*.c)): $(filter-out $(B)/src/main.o,$(ROOF))
# What tests load into a program: no sanitizer in it, whatever the variant.
$(B)/tests/system/test_isolation: | $(B)/tests/system/slow_disk.so
$(B)/tests/system/test_data_directory: | $(B)/tests/system/sick_disk.so
$(B)/tests/%.so: tests/%.c $(B)/tests/flags
	@mkdir -p $(@D)
	$(SAY) LD $@; $(CC) $(CPPFLAGS) $(CFLAGS) $(OURS) -shared -fPIC -o $@ $<

# The simulation: the core's own source, and the store in memory, on ground that one seed moves (tests/sim/seam.h).
SIM         := $(B)/tests/sim/check_sim
SIM_OBJECTS := $(patsubst %.c,$(B)/sim/%.o,$(call sources,src/core/*.c tests/lib/store_memory*.c \
                 tests/sim/check_sim.c tests/sim/judge.c tests/sim/draw.c))
$(SIM): $(SIM_OBJECTS) $(B)/tests/sim/fiber.o $(B)/libtest.a $(B)/libstore.a $(B)/libbase.a
	$(LINK) $^
$(SIM_OBJECTS): $(B)/sim/%.o: %.c $(B)/tests/flags
	@mkdir -p $(@D)
	$(COMPILE) $(TEST_FLAGS) -Itests/sim -include tests/sim/seam.h $(if $(filter src/%,$<),-DSIM_MEMORY)
# It leaves by longjmp() between stacks, which fortified headers take for a mistake.
$(B)/tests/sim/fiber.o: OURS += -U_FORTIFY_SOURCE

# Every call of the store's life that may fail, failing: the program itself defines those calls. Memory is a
# sanitizer's own.
FAULTS_CHECK   := $(B)/tests/faults/check_faults
FAULTS_MEMORY  := $(if $(filter asan tsan,$(VARIANT)),,$(B)/tests/faults/calls_memory.o)
FAULTS_OBJECTS := $(patsubst %,$(B)/tests/faults/%.o,check_faults apart life calls calls_kernel) $(FAULTS_MEMORY)
$(FAULTS_CHECK): $(FAULTS_OBJECTS) $(B)/libtest.a $(B)/libstore.a $(B)/libbase.a
	$(LINK) $^ -lcmocka -llmdb
# Everything that may have become of a data directory.
DAMAGES_CHECK := $(B)/tests/faults/check_damages
$(DAMAGES_CHECK): $(patsubst %,$(B)/tests/faults/%.o,check_damages apart damage damage_judge) \
                  $(B)/libtest.a $(B)/libstore.a $(B)/libbase.a
	$(LINK) $^ -lcmocka -llmdb
# The daemon without memory; a sanitizer has its own.
FAULTS_DAEMON := $(if $(filter asan tsan,$(VARIANT)),,$(B)/tests/faults/failing_memory.so)
# Its own versions of them are no redefinition of what fortified headers make of them.
$(FAULTS_OBJECTS): OURS += -U_FORTIFY_SOURCE

# The crash lab: the real store on a disk that logs, and what looks into every state that a cut could leave.
$(call programs, tests/crashlab, tests/crashlab/store_*.c, store base, -llmdb)
LAB_DIR := $(B)/tests/crashlab
LAB     := $(addprefix $(LAB_DIR)/,logdisk store_life store_look lying_disk.so)
$(LAB_DIR)/logdisk: tests/crashlab/logdisk.c $(B)/tests/flags
	@mkdir -p $(@D)
	$(SAY) LD $@; $(CC) $(ALL_FLAGS) -isystem /usr/include/fuse3 -D_FILE_OFFSET_BITS=64 -o $@ $< -lfuse3 -lpthread

# The fuzzers: what each feeds is linked as it is; that of the HTTP front with a libmicrohttpd that is played.
FUZZ_LINKS := -fsanitize=fuzzer
$(call programs, tests/fuzz, tests/fuzz/fuzz_config.c, front core store base, $(LIBS) $(FUZZ_LINKS))
$(call programs, tests/fuzz, tests/fuzz/fuzz_stored.c tests/fuzz/fuzz_decode.c, store base, -llmdb $(FUZZ_LINKS))
$(call programs, tests/fuzz, tests/fuzz/fuzz_ledger.c, ctl store base, $(CTL_LIBS) $(FUZZ_LINKS))
$(call programs, tests/fuzz, tests/fuzz/fuzz_tokens.c, front base, -lgnutls $(FUZZ_LINKS))
$(call programs, tests/fuzz, tests/fuzz/fuzz_request.c tests/fuzz/fuzz_json.c, front core store base, -lgnutls -ljansson $(GRPC_LIBS) $(FUZZ_LINKS))
$(call programs, tests/fuzz, tests/fuzz/fuzz_grpc.c, front base, $(GRPC_LIBS) $(FUZZ_LINKS))
$(call programs, tests/fuzz, tests/fuzz/fuzz_verify.c, ctl base, $(CTL_LIBS) $(FUZZ_LINKS))
$(call programs, tests/fuzz, tests/fuzz/fuzz_grpc_frames.c, front core store base, -lcmocka -lgnutls -lmicrohttpd -ljansson $(GRPC_LIBS) $(FUZZ_LINKS))
FUZZERS := $(patsubst %.o,%,$(call objects,tests/fuzz/fuzz_*.c))
$(FUZZERS): $(B)/tests/fuzz/law.o
$(B)/tests/fuzz/fuzz_config: $(filter-out $(B)/src/main.o,$(ROOF)) $(EPOLL)
$(addprefix $(B)/tests/fuzz/fuzz_,request json): $(addprefix $(B)/tests/fuzz/,false_http.o front.o)

only      = $(if $(ONLY),$(foreach p,$(1),$(if $(findstring $(ONLY),$p),$p)),$(1))
tests_in  = $(call only,$(patsubst %.o,%,$(call objects,$(1))))
UNIT     := $(call tests_in,tests/unit/*/test_*.c)
CONTRACT := $(call tests_in,tests/contract/test_*.c)
FAULT    := $(call tests_in,tests/fault/test_*.c)
SYSTEM   := $(call tests_in,tests/system/test_*.c)
CRASH    := $(B)/tests/crash/check_crash
LOAD     := $(B)/tests/load/check_load
FLOOD    := $(B)/tests/flood/check_flood
FUZZ     := $(B)/tests/load/check_fuzz
BENCH    := $(call tests_in,tests/bench/*.c)

# --- What one types -------------------------------------------------------------------------------------------

# ThreadSanitizer of gcc 12 cannot bear the address layout of some kernels: switch its randomness off where we may.
RUN_tsan  = $(shell setarch -R true 2>/dev/null && echo setarch -R)
# A sanitizer is some ten times slower, as counting is: a tenth of the clock schedules then, unless more are asked for.
SCHEDULES_asan := 10000
SCHEDULES_tsan := 10000
SCHEDULES_coverage := 10000
RUN_TESTS = SCHEDULES="$${SCHEDULES:-$(SCHEDULES_$(VARIANT))}" SEQD='$(abspath $(SEQD))' SEQCTL='$(abspath $(SEQCTL))' $(RUN_$(VARIANT)) tests/run $(B)/logs

.PHONY: run test build-tests check check-unit check-contract check-fault check-system check-docs
run: deps $(SEQD)               ## install what is missing, build, serve on 127.0.0.1:8080 with build/data
	@mkdir -m 0700 -p build/data
	@exec $(SEQD) -d build/data $(ARGS)

test: test-deps $(SEQD) $(SEQCTL) $(UNIT) $(CONTRACT) $(FAULT) $(SYSTEM)  ## install what is missing, run every test
	@$(RUN_TESTS) $(UNIT) $(CONTRACT) $(FAULT) $(SYSTEM)

build-tests: $(SIM) $(FAULTS_CHECK) $(DAMAGES_CHECK) $(SEQD) $(SEQCTL) $(UNIT) $(CONTRACT) $(FAULT) $(SYSTEM) $(CRASH) $(LOAD) $(FLOOD) $(FUZZ) $(BENCH)  ## build every test program, run none

check: lint test check-docs     ## all that a commit must pass: lint, test, check-docs

check-unit: $(UNIT)             ## each floor's tests, linked with that floor and those below
	@$(RUN_TESTS) $^
check-contract: $(CONTRACT)     ## one suite over every store
	@$(RUN_TESTS) $^
check-fault: $(FAULT)           ## disks that fail, fill up and lie
	@$(RUN_TESTS) $^
check-system: $(SEQD) $(SEQCTL) $(SYSTEM) ## the real daemon, from outside
	@$(RUN_TESTS) $(SYSTEM)

.PHONY: check-jitter
check-jitter: $(B)/tests/jitter/jitter.so $(SEQD) $(SEQCTL) $(UNIT) $(CONTRACT) $(FAULT) $(SYSTEM) ## the tests again, while their threads sleep at random (ROUNDS=3, ONLY=)
	@$(RUN_PROGRAM) tests/jitter/check.sh $(B) $(UNIT) $(CONTRACT) $(FAULT) $(SYSTEM)

DOCUMENTS = $(call sources,README.md docs/*.md)
check-docs: $(SEQD) $(SEQCTL)   ## the commands that README and docs show print what they say
	@SEQD='$(abspath $(SEQD))' SEQCTL='$(abspath $(SEQCTL))' tests/docs/console.sh $(DOCUMENTS)

# Programs that prove something about the whole service. They take their knobs from the environment.
RUN_PROGRAM = SEQD='$(abspath $(SEQD))' SEQCTL='$(abspath $(SEQCTL))' $(RUN_$(VARIANT))

.PHONY: check-crash check-planted check-load check-flood check-fuzz check-model check-sim check-sim-planted check-states check-power proof proof-quote bench bench-plot bench-core bench-ledger bench-timestamps
check-crash: $(SEQD) $(SEQCTL) $(CRASH)   ## kill the daemon under load again and again; no number may come twice
	@$(RUN_PROGRAM) $(CRASH)
check-planted: $(SEQD) $(SEQCTL) $(CRASH) ## ... and what check-crash must find when a fault is planted
	@$(RUN_PROGRAM) $(CRASH) --plant=rewind
	@$(RUN_PROGRAM) $(CRASH) --plant=gap
check-fuzz: $(SEQD) $(FUZZ)     ## random bytes in every field of many requests (REQUESTS=20000)
	@$(RUN_PROGRAM) $(FUZZ)
.PHONY: check-fuzzers check-fuzzers-planted
check-fuzzers: fuzz-deps $(FUZZERS)  ## install what is missing, have libFuzzer feed whatever reads foreign bytes (FUZZ_SECONDS=10 each)
	@tests/fuzz/check.sh $(B) $(FUZZERS)
check-fuzzers-planted: fuzz-deps $(FUZZERS) ## ... and the errors that it must find, planted one by one
	@CC='$(CC)' GRPC='$(GRPC)' tests/fuzz/planted.sh $(B)
check-load: $(SEQD) $(LOAD)     ## millions of numbers over many connections, each checked
	@$(RUN_PROGRAM) $(LOAD)
check-flood: $(SEQD) $(FLOOD)   ## slow, many, huge and rubbish: refused, and nobody else is touched
	@$(RUN_PROGRAM) $(FLOOD)
.PHONY: check-faults check-damages check-faults-planted
check-faults: $(FAULTS_CHECK) $(FAULTS_DAEMON) $(SEQD) ## every call of the store fails, and every allocation (FAULTS=2000, SEED=)
	@$(if $(FAULTS_DAEMON),tests/faults/complete.sh $(B))
	@$(RUN_PROGRAM) $(FAULTS_CHECK)
	@$(if $(FAULTS_DAEMON),$(RUN_PROGRAM) tests/faults/check_memory.py $(FAULTS_DAEMON))
check-damages: $(DAMAGES_CHECK) ## every damage to the files of a data directory, and what a start makes of it
	@$(RUN_PROGRAM) $<
check-faults-planted: $(FAULTS_CHECK) $(DAMAGES_CHECK) ## ... and the errors that those two must find, planted one by one
	@CC='$(CC)' tests/faults/planted.sh $(B)
check-sim: $(SIM)               ## the real core under simulated threads, time, faults and crashes (SEEDS=, SEED=)
	@$<
check-sim-planted: $(SIM)       ## ... and the errors that it must find, planted one by one
	@CC='$(CC)' tests/sim/planted.sh $(B)
check-states: lab-deps $(LAB)   ## install what is missing, open the store on thousands of disks as a power cut could leave them
	@tests/crashlab/check.sh $(LAB_DIR)
check-power: lab-deps $(SEQD) $(LAB)  ## install what is missing, cut the power of a virtual machine that runs seqd (CUTS=)
	@$(INSTALL) $(POWER_PACKAGES)
	@tests/crashlab/cuts.sh '$(abspath $(B))/guest' '$(abspath $(SEQD))' '$(abspath $(LAB_DIR))/lying_disk.so'
check-model:                    ## install what is missing, search the model of a lease's life whole (FULL=1: wider)
	@$(INSTALL) $(MODEL_PACKAGES)
	@CC='$(CC)' tests/model/check.sh
proof: all                      ## every rig at full size, about 45 minutes, and a report in build/proof (SCALE=100, RIGS=power,sim: a slice)
	@tests/proof/prove.py $(if $(SCALE),--scale $(SCALE)) $(if $(RIGS),--only $(RIGS))
proof-quote:                    ## put its report into docs/RELIABILITY.md
	@tests/proof/prove.py --quote
bench: bench-deps $(SEQD) $(BENCH)  ## install what is missing, compare with other servers
	@BENCH_DIR=$(B)/tests/bench $(RUN_PROGRAM) tests/bench/http.sh
bench-grpc: grpc-bench-deps $(SEQD) $(BENCH)  ## install what is missing, compare gRPC with other servers
	@BENCH_DIR=$(B)/tests/bench $(RUN_PROGRAM) tests/bench/grpc.sh
bench-plot:                     ## draw docs/figures/http.svg from what make bench measured last
	@tests/bench/plot.sh
bench-timestamps: bench-deps $(SEQD) ## timestamps over HTTP: what the layout allows, and against a counter
	@$(RUN_PROGRAM) tests/bench/timestamps.sh
bench-core: $(B)/tests/bench/bench_core ## the fast path in process, against a bare compare-and-swap
	@$(RUN_PROGRAM) $<
bench-ledger: $(B)/tests/bench/bench_ledger ## a commit with a row in the ledger, against one without
	@for sequences in 1 100 1000; do $(RUN_$(VARIANT)) $< 1000 $$sequences || exit; done

# What else than Debian's packages a check needs: what the lock file says, byte for byte, with no script of it run.
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=5
build/%/node_modules: tests/%/package.json tests/%/package-lock.json
	@mkdir -p $(@D) && cp $^ $(@D)
	$(SAY) NPM $(@D); cd $(@D) && $(NPM_CI)
	@touch $@

.PHONY: check-openapi check-browser check-clients
check-openapi: $(SEQD) build/openapi/node_modules ## install what is missing, hold docs/openapi.yaml and the daemon together
	@build/openapi/node_modules/.bin/spectral lint --fail-severity hint -r tests/openapi/spectral.yaml docs/openapi.yaml
	@$(RUN_PROGRAM) tests/openapi/check_contract.py
check-browser: $(SEQD) build/browser/node_modules ## install what is missing, use /docs/ in Chromium
	@$(RUN_PROGRAM) node tests/browser/check_browser.mjs
check-clients: $(SEQD)          ## install what is missing, run the programs of docs/CLIENTS.md
	@$(RUN_PROGRAM) GOCACHE='$(abspath build/clients/go)' tests/clients/check_clients.py docs/CLIENTS.md

.PHONY: check-grpc check-grpc-planted
check-grpc: $(SEQD) build/check-grpc/node_modules build/check-grpc/python ## install what is missing, ask over gRPC with others' clients
	@build/check-grpc/node_modules/.bin/buf lint include
	@$(RUN_PROGRAM) $(PYTHON) tests/grpc/check_grpc.py build/check-grpc/node_modules build/check-grpc/python
check-grpc-planted: $(filter $(B)/tests/unit/front/test_grpc_%,$(UNIT)) ## errors planted in the gRPC front, each found by the test that is there for it
	@COMPILE='$(CC) $(ALL_FLAGS) $(TEST_FLAGS)' LIBS='-lmicrohttpd -lgnutls -ljansson $(GRPC_LIBS)' tests/grpc/planted.sh $(B)
build/check-grpc/node_modules: tests/grpc/package.json tests/grpc/package-lock.json
	@mkdir -p $(@D) && cp $^ $(@D)/
	$(SAY) NPM $@; cd $(@D) && $(NPM_CI) && touch node_modules
build/check-grpc/python: include/seqd/v1/seqd.proto | $(B)/flags
	@mkdir -p $@ && touch $@
	$(SAY) PROTO $@; protoc -Iinclude --python_out=$@ $<

# --- Man pages, and all of it in its place ----------------------------------------------------------------------

# The option tables come from docs/CONFIGURATION.md. The date in a page is that of the last commit, or what
# SOURCE_DATE_EPOCH says, so that the same source gives the same bytes.
MAN := $(patsubst docs/man/%.scd,build/man/%,$(call sources,docs/man/*.scd))
build/man/%: docs/man/%.scd docs/man/tables.awk docs/CONFIGURATION.md
	@$(INSTALL) --check $(MAN_PACKAGES) && mkdir -p $(@D)
	$(SAY) MAN $@; awk -f docs/man/tables.awk docs/CONFIGURATION.md $< >$@.scd && \
	    SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 0)} scdoc <$@.scd >$@
	@rm $@.scd

DESTDIR ?=
prefix  ?= /usr/local

.PHONY: man install
man: $(MAN)                     ## build the man pages (needs scdoc), in build/man
install: all man                ## install binaries, man pages and completion: prefix=/usr/local, DESTDIR=
	install -D -m 0755 $(SEQD) '$(DESTDIR)$(prefix)/sbin/seqd'
	install -D -m 0755 $(SEQCTL) '$(DESTDIR)$(prefix)/bin/seqctl'
	for page in $(MAN); do install -D -m 0644 -t '$(DESTDIR)$(prefix)'/share/man/man$${page##*.} $$page || exit; done
	install -D -m 0644 packaging/completion/seqctl '$(DESTDIR)$(prefix)/share/bash-completion/completions/seqctl'
	$(if $(filter yes,$(GRPC)),install -D -m 0644 include/seqd/v1/seqd.proto '$(DESTDIR)$(prefix)/include/seqd/v1/seqd.proto')

.PHONY: deps test-deps fuzz-deps lint-deps bench-deps openapi-deps browser-deps clients-deps
deps:                           ## install what building and running needs
	@$(INSTALL) $(RUN_PACKAGES)
test-deps:                      ## ... and what testing needs
	@$(INSTALL) $(RUN_PACKAGES) $(TEST_PACKAGES)
lint-deps:                      ## ... and what lint needs
	@$(INSTALL) $(RUN_PACKAGES) $(TEST_PACKAGES) $(LINT_PACKAGES) $(MAN_PACKAGES)
fuzz-deps:                      ## ... and what the fuzzers need
	@$(INSTALL) $(RUN_PACKAGES) $(TEST_PACKAGES) $(FUZZ_PACKAGES)
lab-deps:                       ## ... and what the crash lab needs
	@$(INSTALL) $(RUN_PACKAGES) $(TEST_PACKAGES) $(LAB_PACKAGES)
bench-deps:                     ## ... and what the benchmarks need
	@$(INSTALL) $(RUN_PACKAGES) $(TEST_PACKAGES) $(BENCH_PACKAGES)
openapi-deps:                   ## ... and what check-openapi needs
	@$(INSTALL) $(RUN_PACKAGES) $(OPENAPI_PACKAGES)
browser-deps:                   ## ... and what check-browser needs
	@$(INSTALL) $(RUN_PACKAGES) $(BROWSER_PACKAGES)
.PHONY: grpc-deps grpc-bench-deps bench-grpc
grpc-bench-deps:                ## ... and what bench-grpc needs
	@$(INSTALL) $(RUN_PACKAGES) $(TEST_PACKAGES) $(GRPC_BENCH_PACKAGES)
grpc-deps:                      ## ... and what check-grpc needs
	@$(INSTALL) $(RUN_PACKAGES) $(GRPC_PACKAGES)
clients-deps:                   ## ... and what check-clients needs
	@$(INSTALL) $(RUN_PACKAGES) $(CLIENTS_PACKAGES)

# --- Lint: each refuses with file:line, what, and what to do instead; tests/lint/selftest.sh proves that it does ----

LINTS := check-lints check-format check-layers check-cycles check-atomics check-discouraged check-headers \
         check-options check-man check-size check-ratio
.PHONY: lint $(LINTS)
lint: $(LINTS)                  ## every lint below
check-lints:                    ## the lints themselves refuse and accept what they should, and so does the proof
	@tests/lint/selftest.sh
	@tests/proof/selftest.py
check-format:                   ## clang-format would change nothing
	@tests/lint/format.sh
check-layers:                   ## no #include climbs a floor (docs/floors)
	@tests/lint/layers.sh
check-cycles: $(PRODUCT)        ## no circle of calls between files
	@tests/lint/cycles.sh $^
check-atomics:                  ## every atomic states its order, and why
	@tests/lint/atomics.sh
check-discouraged:              ## no function that has a better one, no branch without braces
	@tests/lint/discouraged.sh
check-headers: $(B)/tests/flags ## every header compiles alone
	@tests/lint/headers.sh $(CC) $(ALL_FLAGS) $(TEST_FLAGS)
check-options:                  ## options in code, conf/seqd.conf and docs/CONFIGURATION.md agree
	@tests/lint/options.sh
check-man: $(if $(shell command -v scdoc),$(MAN)) ## the man pages build, mandoc has no warning, no option is left out
	@tests/lint/man.sh $^
check-size:                     ## files to 500 lines, functions to 70, lines to 100 columns
	@tests/lint/size.sh
check-ratio:                    ## lines of test code over product code, at least 0.8
	@tests/lint/ratio.sh

# --- The Debian package ----------------------------------------------------------------------------------------

.PHONY: deb deb-deps check-deb check-deb-slice check-deb-deps
deb: deb-deps                   ## install what is missing, build the Debian packages into build/dist
	@packaging/make-deb
check-deb: check-deb-deps       ## install what is missing, try the package under systemd in Debian 12 and 13
	@tests/deb/check
check-deb-slice: check-deb-deps ## ... the shortest part of it: Debian 12, install, kill, restart, purge
	@tests/deb/check --slice

deb-deps:                       ## install what building the package needs
	@$(INSTALL) $(RUN_PACKAGES) $(TEST_PACKAGES) $(MAN_PACKAGES) $(DEB_PACKAGES)
check-deb-deps: deb-deps        ## ... and what trying it needs
	@$(INSTALL) $(CHECK_DEB_PACKAGES)

# Which branches of base, store and core their own tests take, and the inline functions of their headers. The floors
# above do not count, for a test has to be able to fail where the fault is. Asserts are for our own mistakes, which no
# test makes: their branches are left out, and no other.
COVERED  := base store core
COVERING := $(call tests_in,$(COVERED:%=tests/unit/%/test_*.c)) $(CONTRACT) $(FAULT)
.PHONY: coverage check-coverage format clean help
coverage: test-deps $(COVERING) ## which branches of base, store and core the tests take, in build/coverage/index.html
	@$(INSTALL) $(COVERAGE_PACKAGES)
	@find $(B) -name '*.gcda' -delete
	@$(RUN_TESTS) $(COVERING)
	@gcovr --root . $(foreach f,$(COVERED),--filter 'src/$f/' --filter 'include/$f/') --exclude-throw-branches \
	    --exclude-branches-by-pattern ' *(static_)?assert\(.*' --json $(B)/branches.json --html-details $(B)/index.html \
	    $(COVERED:%=$(B)/src/%) $(COVERED:%=$(B)/tests/unit/%)
	@tests/coverage/report.py $(B)/branches.json >$(B)/summary.txt && cat $(B)/summary.txt
check-coverage: coverage        ## ... and that they are 95 % of them
	@tests/coverage/report.py $(B)/branches.json 95 >/dev/null

FORMATTED = $(shell find src include tests -name '*.[ch]')
format:                         ## format every C file
	clang-format -i $(FORMATTED)

clean:                          ## remove all that was built, but not build/data
	@for entry in build/* build/.[!.]*; do [ "$$entry" = build/data ] || rm -rf "$$entry"; done

help:                           ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' Makefile

.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell [ ! -d $(B) ] || find $(B) -name '*.d')
