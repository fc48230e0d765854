# Everything that is run on this repository; CI calls these targets and nothing else. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The library and the examples are two modules in one workspace.
MODULES  := . examples
PACKAGES := ./... ./examples/...

# Packages whose tests drive a database server, and the one that only puts together what has been under the race detector.
DATABASES := /(mongostore|dynamostore)$$|/examples/
TOGETHER  := /crossstore$$

# More flags for go test, say TESTFLAGS='-count=1 -v'.
TESTFLAGS ?=
# Many tests wait for a server or a disk: twice as many run at a time as there are processors.
SIDE_BY_SIDE := $(shell n=$$(getconf _NPROCESSORS_ONLN 2> /dev/null || echo 1); echo "-p $$((2 * n)) -parallel $$((2 * n))")
# How long each fuzz target runs.
FUZZTIME  ?= 10s
# What `make bench` runs, how often, and a file of an earlier run to compare with.
BENCH      ?= .
BENCHCOUNT ?= 6
BASE       ?=
# How long `make explore` runs, and the order of the scenarios. TABLE is one of pairs, sequences, windows, handovers and
# triples, all of them if empty; CUT bounds the schedules of a scenario. What is done is kept in .cache/explore, and the next run goes
# on from there, as long as the code, SEED and CUT stay the same.
EXPLORE ?= 10m
SEED    ?= 1
TABLE   ?=
CUT     ?=
# Flags for the programs that `make examples` runs, apart from those in examples/mongodb and examples/dynamodb.
EXAMPLEFLAGS ?=

# Tools are built once per machine and version, outside the checkout and apart from this module's dependencies.
TOOLS       := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/dualwrite/tools
LINT        := $(TOOLS)/golangci-lint-v2.15.0/golangci-lint
GOVULNCHECK := $(TOOLS)/govulncheck-v1.9.0/govulncheck
BENCHSTAT   := $(TOOLS)/benchstat-v0.0.0-20260908200009-22c9c6c9d4da/benchstat

# The data of servers that end with their tests is in memory where there is room, in a folder that goes with the recipe, or in the
# one that DUALWRITE_TEST_DATA names.
IN_MEMORY = if [ -z "$${DUALWRITE_TEST_DATA:-}" ]; then \
	DUALWRITE_TEST_DATA=$$(mktemp -d "$$(bash internal/servers/datafolder.sh)/dualwrite-data-XXXXXX"); export DUALWRITE_TEST_DATA; \
	trap 'rm -rf "$$DUALWRITE_TEST_DATA"' EXIT; fi

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: check
check: build fmt vet lint tidy ## start here, Go only: build, fmt, vet, lint, tidy, short tests without servers; under two minutes
	@DUALWRITE_SKIP_SERVERS=1 go test -short $(TESTFLAGS) $(PACKAGES)

.PHONY: test
test: servers ## all tests of both modules, with the real servers
	@$(IN_MEMORY); go test -timeout 15m $(SIDE_BY_SIDE) $(TESTFLAGS) $(PACKAGES)
	@go run ./internal/servers/install -check

# What dynalite can be asked: it has no transactions, no PartiQL and no Time to Live, and other limits than DynamoDB.
DYNALITE := ^(TestConformance(OfItems|OfViews|OfCompositeKeys|OfALesserServer)?|TestBatchesWithoutPartiQL|TestRefusalsThat.*|TestExp.*|TestScan.*|TestGuard.*)$$

.PHONY: test-dynalite
test-dynalite: ## opt-in: the tests of dynamostore on another server, dynalite; needs node and npm, and says so where they are not
	@go run ./internal/servers/install dynalite
	@go run ./internal/servers/with -optional dynalite -- go test -count=1 -timeout 25m -short $(TESTFLAGS) -run '$(DYNALITE)' ./stores/dynamostore

.PHONY: race
race: servers ## all tests under the race detector; those over real databases in their short form
	@go test -race -timeout 25m $(TESTFLAGS) $$(go list $(PACKAGES) | grep -vE '$(DATABASES)|$(TOGETHER)')
	@$(IN_MEMORY); go test -race -short -timeout 25m $(TESTFLAGS) $$(go list $(PACKAGES) | grep -E '$(DATABASES)')

.PHONY: servers
servers: ## build the real servers that tests use: once per machine, about ten minutes (DUALWRITE_SKIP_SERVERS=1: not)
	@go run ./internal/servers/install

.PHONY: build
build: ## compile everything, also without the workspace
	@go build $(PACKAGES)
	@for m in $(MODULES); do (cd $$m && GOWORK=off go build ./...); done

.PHONY: vet
vet: ## go vet
	@go vet $(PACKAGES)

.PHONY: fmt
fmt: ## fail on files that gofmt would change, and name them
	@files=$$(gofmt -l .); \
	if [ -n "$$files" ]; then echo "$$files"; echo 'not formatted: run gofmt -w on these'; exit 1; fi

.PHONY: lint
lint: $(LINT) ## golangci-lint over both modules
	@code=0; for m in $(MODULES); do (cd $$m && $(LINT) run --config $(CURDIR)/.golangci.yml ./...) || code=1; done; exit $$code

.PHONY: tidy
tidy: ## fail if a go.mod or go.sum is not tidy, and show how
	@code=0; for m in $(MODULES); do (cd $$m && go mod tidy -diff) || code=1; done; exit $$code

.PHONY: vuln
vuln: $(GOVULNCHECK) ## known vulnerabilities in code that is called; needs the database on the network
	@for m in $(MODULES); do \
		code=0; out=$$(cd $$m && $(GOVULNCHECK) ./... 2>&1) || code=$$?; \
		if [ $$code -ne 0 ] && grep -q 'fetching vulnerabilities' <<< "$$out"; then \
			echo '!!! the vulnerability database can not be reached: NOT CHECKED'; echo "$$out"; exit 0; fi; \
		echo "$$out"; if [ $$code -ne 0 ]; then exit $$code; fi; \
	done

.PHONY: examples
examples: servers ## run every example program; each checks itself. Those on databases get a server, or use MONGODB_URI and DYNAMODB_ENDPOINT
	@$(IN_MEMORY); for dir in $$(cd examples && go list -f '{{if eq .Name "main"}}{{.Dir}}{{end}}' ./...); do \
		example=./examples/$${dir#$(CURDIR)/examples/}; with=; flags='$(EXAMPLEFLAGS)'; \
		case $$example in \
			./examples/mongodb/*) with='go run ./internal/servers/with -optional mongodb --'; flags=;; \
			./examples/dynamodb/thereandback) with='go run ./internal/servers/with -optional mongodb,dynamodb --'; flags=;; \
			./examples/dynamodb/*) with='go run ./internal/servers/with -optional dynamodb --'; flags=;; esac; \
		echo "$$with go run $$example $$flags"; $$with go run $$example $$flags; done
	go run ./copier/cmd/copier --help

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME
	@{ grep -rl --include='*_test.go' '^func Fuzz' . || echo 'no fuzz target' >&2; } | while read -r file; do \
		sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file" | while read -r target; do \
			go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=1s "$$(dirname "$$file")" < /dev/null; done; done

.PHONY: mutants
mutants: ## break the code on purpose, one mutant at a time: a test has to notice each
	@go run ./internal/mutants

.PHONY: pairwise
pairwise: ## all schedules of scenarios that have every two values of two columns of the tables, faults included
	@go test ./internal/interleave -count=1 -v -timeout 20m -run '^TestPairwise$$' -pairwise -seed $(SEED)

.PHONY: explore
explore: ## schedules of real repositories, as many as fit into EXPLORE; goes on where the run before was
	@go test ./internal/interleave -count=1 -v -timeout 0 -run '^TestExplore$$' -explore $(EXPLORE) -seed $(SEED) \
		-journal $(CURDIR)/.cache/explore $(if $(TABLE),-table $(TABLE)) $(if $(CUT),-cut $(CUT))

.PHONY: bench
bench: $(BENCHSTAT) ## benchmarks (BENCH=REGEXP); BASE=FILE compares with an earlier run, say BASE=.cache/bench.txt
	@mkdir -p .cache
	@$(if $(BASE),test -r '$(BASE)')
	@go test -run='^$$' -bench='$(BENCH)' -benchmem -count=$(BENCHCOUNT) $(PACKAGES) | tee .cache/bench.new
	@$(BENCHSTAT) $(if $(BASE),'$(BASE)') .cache/bench.new
	@mv .cache/bench.new .cache/bench.txt

.PHONY: ci
ci: ## what CI runs
	@bash .ci/run

.PHONY: clean
clean: ## remove what these targets left in the checkout; the servers and tools of the machine stay
	@rm -rf .cache bin
	@find . -name '*.test' -not -path './.git/*' -delete

# The folder of a tool ends in the version that is installed.
define tool
	@echo "installing $(notdir $(@D)), once per machine"
	@mkdir -p $(@D)
	@GOBIN=$(@D) GOWORK=off GOFLAGS= go install $(1)@$(subst $(notdir $@)-,,$(notdir $(@D)))
endef

$(LINT):
	$(call tool,github.com/golangci/golangci-lint/v2/cmd/golangci-lint)
$(GOVULNCHECK):
	$(call tool,golang.org/x/vuln/cmd/govulncheck)
$(BENCHSTAT):
	$(call tool,golang.org/x/perf/cmd/benchstat)
