# Gennaker. `make help` lists the targets.

GO ?= go
BIN := bin/gennaker
STORM_KILLS ?= 40
FUZZ ?= ./...
FUZZTIME ?= 60s

.PHONY: help build demo up check test race e2e e2e-node kubelab storm lint bench bench-kubernetes fuzz gen fmt clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/gennaker
	$(GO) build -trimpath -o $(BIN) ./cmd/gennaker

demo: build ## watch deployments happen under load, about a minute
	@$(BIN) demo

up: build ## start the server
	@$(BIN) up

check: ## the loop while writing: house rules, vet, fast tests
	$(GO) test .
	$(GO) vet ./...
	$(GO) test -short ./...

test: ## everything; what CI runs
	$(GO) test .
	$(GO) vet ./...
	$(GO) fix -diff ./...
	$(MAKE) kubelab
	$(GO) test -timeout 15m ./internal/flow ./internal/strategy
	$(MAKE) race
	$(MAKE) fuzz FUZZTIME=30000x FUZZ='. ./internal/expr/... ./internal/artifact/match ./internal/template'
	$(MAKE) e2e
	$(MAKE) storm

race: ## all tests with the race detector; long properties in fewer cases
	$(GO) test -race -short -timeout 15m ./internal/flow ./internal/strategy
	$(GO) test -race -timeout 15m $$($(GO) list ./... | grep -v -e /internal/flow$$ -e /internal/strategy$$ -e /internal/app/storm$$ -e /e2e/)

e2e: kubelab ## the product against a real Kubernetes control plane
	$(GO) test -timeout 20m ./e2e/...

e2e-node: kubelab ## the product on a real node: needs root, containerd and what it says is missing
	GENNAKER_E2E_NODE=1 $(GO) test -count=1 -timeout 60m -v -run Real ./e2e/...

kubelab: ## build the control plane of the tests, once; ten minutes with an empty build cache
	$(GO) test -timeout 60m -run '^TestDeployment$$' ./e2e/lab

storm: ## kill the server and the node at random moments of deployments
	$(GO) test -run Storm -timeout 20m ./internal/app/storm -storm.kills=$(STORM_KILLS)

lint: bin/golangci-lint ## run the linter, which is built once
	bin/golangci-lint run ./...

bin/golangci-lint: tools/go.mod
	cd tools && $(GO) build -o ../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint

bench: bench-kubernetes ## the figures of docs/reference/benchmarks.md
	$(GO) run ./internal/bench

bench-kubernetes: kubelab ## those of deployments to Kubernetes
	$(GO) test -timeout 60m -run '^$$' -bench . -benchtime 5x ./e2e/figures

fuzz: ## every fuzz test for a while
	@for p in $$($(GO) list $(FUZZ)); do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; \
		done; \
	done

gen: ## rewrite the transcripts and reference pages that tests compare
	$(GO) test ./internal/api ./internal/flow ./internal/lint ./internal/app ./internal/observe ./cmd/gennaker -update

fmt: ## format the code
	gofmt -w .
	$(GO) fix ./...

clean: ## remove what was built
	rm -rf bin
