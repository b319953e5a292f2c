# "make" alone lists the targets. Only Go, git and make are needed, and for
# "make test" a C compiler, which the race detector asks for.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
GOBUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)"

MODULE := github.com/seedproof/seedproof
# Packages without a goroutine, and with very many cases: the race detector has
# nothing to find there, and makes them up to ten times slower. The matrix of
# faults is run in the same way; a sample of it has the race detector too.
PURE := ./internal/proof ./internal/etcd/decide ./internal/kops/decide ./internal/svm/decide ./internal/etcd/snapshot

# Prints each package's line, what failed, the ten slowest tests and the count.
REPORT := go run ./test/slowest

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Start an etcd cluster on loopback and keep it; Ctrl-C stops it, again resumes it
	@exec bin/seedproof up

.PHONY: build
build: ## Build the programs into bin/
	@mkdir -p bin
	$(GOBUILD) -o bin/ ./cmd/...

.PHONY: test
test: check-cc vet servers ## What CI runs: gofmt, vet, every test, the race detector on (25 min at most)
	@( status=0; \
	   go test -vet=off -timeout 40m -json $(PURE) || status=$$?; \
	   go test -vet=off -timeout 40m -json -run '^TestKth|^TestStateMatrix' ./internal/etcd/controller ./internal/svm ./internal/svm/credential || status=$$?; \
	   CGO_ENABLED=1 go test -race -vet=off -timeout 40m -json $$(go list ./... $(PURE:./%=| grep -vx '$(MODULE)/%')) || status=$$?; \
	   go test -C api/gen -json ./... || status=$$?; \
	   go test -C test/ontapgo -vet=off -json ./... || status=$$?; \
	   exit $$status ) | $(REPORT)

.PHONY: test-short
test-short: vet servers ## The quick tests, without the race detector (about a minute)
	@go test -short -vet=off -timeout 5m -json ./... | $(REPORT)

.PHONY: test-imports
test-imports: ## Only the rules of who may import whom (part of test)
	go test ./test/imports

.PHONY: test-azure
test-azure: ## The Azure driver on Azurite; needs npm and node, and installs it into the cache at first use
	go test -tags azure -race -count=1 -timeout 10m -run Azurite ./internal/store/azblob

.PHONY: test-ontap-conformance
test-ontap-conformance: ## The ONTAP suite on a real array: ONTAP_URL, ONTAP_USER, ONTAP_PASSWORD_FILE, ONTAP_CA_FILE or ONTAP_FINGERPRINT
	go test -tags array -count=1 -v -timeout 3h -run '^TestArray$$' ./test/ontap

.PHONY: chaos
chaos: ## The long random runs and the full fault matrices (up to two hours)
	@go test -tags chaos -vet=off -count=1 -timeout 120m -json ./... | $(REPORT)

.PHONY: bench
bench: ## The measurements of docs/performance.md
	go test -run xxx -bench . -timeout 60m ./test/bench/... ./internal/etcd/snapshot

.PHONY: drill
drill: build ## The incidents as stories: kops 16416 under Seedproof and at the kops gate, and the missing seed secret (a minute)
	@bin/seedproof demo reseed
	@bin/seedproof demo kops
	@go run ./internal/testenv/build kube-apiserver >/dev/null
	@bin/seedproof demo seed-secret

.PHONY: lint
lint: ## golangci-lint, built from its pinned version at first use
	@linter=$$(go run ./internal/testenv/build golangci-lint); "$$linter" run

.PHONY: vet
vet:
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "not formatted; run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go vet -tags chaos ./...
	go vet -C api/gen ./...

.PHONY: check-cc
check-cc:
	@cc=$$(go env CC); command -v "$${cc%% *}" >/dev/null || { \
	  echo "make test needs a C compiler, for Go's race detector, and there is no $$cc here."; \
	  echo "Install one (Debian: apt-get install gcc libc6-dev), or run \"make test-short\", which needs none."; \
	  exit 1; }

.PHONY: generate
generate: ## Make api/ anew from its .proto files
	go run -C api/gen .

.PHONY: servers
servers: ## Build the foreign servers of the tests beforehand (else at first use)
	@go run ./internal/testenv/build

.PHONY: clean
clean: ## Remove bin/; built servers stay in their cache, clusters in their folders
	rm -rf bin
