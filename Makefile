# Gennaker. `make help` lists the targets.

GO ?= go
BIN := bin/gennaker
STORM_KILLS ?= 40
FUZZ ?= ./...
FUZZTIME ?= 60s
CHROMIUM ?= /usr/bin/chromium
# What the pages are made of. The types of the API are made anew by the build.
UI := $(shell find ui/src ui/public ui/index.html ui/package.json ui/tsconfig.json ui/vite.config.ts -type f ! -name '*.test.*' ! -name schema.d.ts) internal/api/openapi.json

.PHONY: help build pages ui ui-test screenshots bench-ui demo up check test race e2e e2e-node kubelab storm lint bench bench-kubernetes fuzz gen fmt clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: pages ## build bin/gennaker, with the pages if npm is there
	$(GO) build -trimpath -o $(BIN) ./cmd/gennaker

# A program without pages is a program still: it says how to get them.
ifeq ($(shell command -v npm),)
pages:
	@echo "npm is missing: building without the pages; see CONTRIBUTING.md" >&2
else
pages: ui
endif

ui: ui/dist/index.html ## build the pages, which bin/gennaker contains

ui/dist/index.html: ui/node_modules/.package-lock.json $(UI)
	npm run --prefix ui build
	@touch $@

ui/node_modules/.package-lock.json: ui/package-lock.json
	@command -v npm >/dev/null || { echo "The pages need Node.js 20 and npm: apt-get install nodejs npm" >&2; exit 1; }
	npm ci --prefix ui --no-audit --no-fund
	@touch $@

ui-test: ui build $(CHROMIUM) ## the pages in a browser, against bin/gennaker
	npm run --prefix ui unit
	cd ui && CHROMIUM=$(CHROMIUM) npx playwright test --project journeys

screenshots: ui build $(CHROMIUM) ## every page in both themes and widths, into ui/shots
	cd ui && CHROMIUM=$(CHROMIUM) npx playwright test --project shots

bench-ui: ui build $(CHROMIUM) ## the figures of the pages
	cd ui && CHROMIUM=$(CHROMIUM) npx playwright test --project figures

$(CHROMIUM):
	@test "$$(id -u)" = 0 && command -v apt-get >/dev/null || { echo "$@ is missing. As root: apt-get install -y --no-install-recommends chromium fonts-dejavu-core; or say where it is: make $(MAKECMDGOALS) CHROMIUM=path" >&2; exit 1; }
	apt-get update -q && apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core

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
	$(MAKE) ui-test
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
	rm -rf bin ui/node_modules ui/test-results
	find ui/dist -mindepth 1 ! -name .gitkeep -delete
