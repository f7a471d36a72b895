# Leaseholder: `make` alone lists what can be made.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

# VERSION is what the commands and images say they are.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
# CLUSTER_DIR holds everything of the cluster that `make cluster` starts.
CLUSTER_DIR ?= $(CURDIR)/bin/cluster
# NODES is how many nodes `make cluster` starts.
NODES ?= 3

# The commands need no cgo, and so run in an image from scratch.
export CGO_ENABLED := 0
# One way of building everywhere, so that the commands, the tests and Kubernetes
# share what is compiled.
export GOFLAGS := -trimpath -buildvcs=false
# Where tests find kube-apiserver, etcd and kubectl.
export KUBEBUILDER_ASSETS := $(CURDIR)/bin/k8s
# How long kube-apiserver and etcd may take to start and to stop, several at a time on a busy machine.
export KUBEBUILDER_CONTROLPLANE_START_TIMEOUT := 3m
export KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT := 3m

# How long the tests of one package may take: some compile Kubernetes first.
PATIENCE := 30m
# How many packages are tested at once: most of a test's time is spent waiting.
TESTED_AT_ONCE := 4

GO_BUILD := go build -ldflags "-s -w -X main.version=$(VERSION)"
COMMANDS := leaseholder-webhook leaseholder-sidecar kubectl-leaseholder
TOOLS := helm helm-unittest golangci-lint

##@ Use

.PHONY: help
help: ## List the targets.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build tools ## Show Leaseholder on a real cluster, step by step. DEMO_KEEP=0 takes it down at the end. (root)
	cd test && go run ./cmd/demo --root $(CURDIR) --dir $(CLUSTER_DIR) --keep=$(if $(filter 0,$(DEMO_KEEP)),false,true)

##@ Build

.PHONY: build
build: ## Build the three commands into bin/.
	for c in $(COMMANDS); do $(GO_BUILD) -o bin/$$c ./cmd/$$c; done

.PHONY: tools
tools: $(TOOLS:%=bin/tools/%) ## Build the pinned tools (helm, helm-unittest, golangci-lint) into bin/tools/.

bin/tools/%: test/tools/go.mod test/tools/go.sum test/tools/build.sh
	test/tools/build.sh $* $@

.PHONY: images
images: ## Build the two images with docker (or DOCKER=podman, "buildah bud").
	$(DOCKER) build --target webhook --build-arg VERSION=$(VERSION) -t leaseholder-webhook:$(VERSION) .
	$(DOCKER) build --target sidecar --build-arg VERSION=$(VERSION) -t leaseholder-sidecar:$(VERSION) .
images: DOCKER ?= docker

##@ A real cluster

.PHONY: control-plane
control-plane: ## Build kube-apiserver, etcd and kubectl into bin/k8s/ (usable as KUBEBUILDER_ASSETS).
	cd test && go run ./cmd/cluster binaries --dir $(CURDIR)/bin/k8s

.PHONY: cluster
cluster: ## Start a cluster of NODES=3 nodes and print its kubeconfig. (root)
	cd test && go run ./cmd/cluster up --nodes $(NODES) --dir $(CLUSTER_DIR)

.PHONY: cluster-down
cluster-down: ## Take down the cluster of `make cluster` or `make demo`. (root)
	cd test && go run ./cmd/cluster down --dir $(CLUSTER_DIR)

##@ Check

.PHONY: test
test: lint test-go test-chart ## Everything that CI runs. (root)
	# The model computes while the end-to-end tests wait.
	$(MAKE) -j2 --output-sync=line model test-e2e

.PHONY: lint
lint: bin/tools/golangci-lint ## Check the Go code's style and likely faults.
	bin/tools/golangci-lint run --allow-parallel-runners ./...
	cd test && ../bin/tools/golangci-lint run --allow-parallel-runners ./...

.PHONY: test-go
test-go: control-plane ## Test all packages, against a real kube-apiserver and etcd where one matters.
	go test -timeout $(PATIENCE) -p $(TESTED_AT_ONCE) ./...
	cd test && go test -count=1 -timeout $(PATIENCE) -p $(TESTED_AT_ONCE) ./bench/... ./cluster/... ./contender/... ./docs/... ./footprint/... ./layout/... ./mixed/...

.PHONY: simulate
simulate: ## Simulate SEEDS=100000 elections with faults, from seed FIRST=0 on (about 500 a second).
	go test -count=1 -timeout 24h -v -run 'TestSimulation' ./sidecar/election -seeds=$(or $(SEEDS),100000) -first-seed=$(or $(FIRST),0)

.PHONY: fuzz
fuzz: control-plane ## Fuzz the injector and offline injection, each part for FUZZTIME=10m, then create PODS=10000 random pods, from seed FIRST=0 on (about 30 a second).
	go test -run '^$$' -fuzz FuzzDecide -fuzztime $(or $(FUZZTIME),10m) ./injector
	go test -run '^$$' -fuzz FuzzApply -fuzztime $(or $(FUZZTIME),10m) ./cmd/kubectl-leaseholder/inject/edit
	go test -run '^$$' -fuzz FuzzSplit -fuzztime $(or $(FUZZTIME),10m) ./cmd/kubectl-leaseholder/inject
	go test -count=1 -timeout 24h -v -run TestRandomPods ./webhook/acceptance -pods=$(or $(PODS),10000) -first-seed=$(or $(FIRST),0)

.PHONY: model
model: ## Check the model of the rules with spin, which is installed if it is missing.
	{ command -v spin && command -v cc; } >/dev/null || { apt-get update -q && apt-get install -qy --no-install-recommends spin gcc libc6-dev; }
	cd test && go test -count=1 -timeout $(PATIENCE) -v ./model/...

.PHONY: footprint
footprint: ## Print what the sidecar's program is made of, and judge its size. WRITE=1 writes docs/footprint.md.
	cd test && go run ./cmd/footprint --root $(CURDIR) $(if $(WRITE),--write)

.PHONY: test-chart
test-chart: bin/tools/helm bin/tools/helm-unittest ## Test the chart's templates and schema.
	bin/tools/helm lint --strict --namespace leaseholder-system charts/leaseholder
	bin/tools/helm-unittest --strict charts/leaseholder

.PHONY: test-e2e
test-e2e: build bin/tools/helm ## Test the whole product on a real cluster. (root)
	cd test && go test -count=1 -timeout $(PATIENCE) -v ./e2e/...

.PHONY: bench
bench: control-plane ## Measure elections (10 min), admission (4 min) and grants (1 min). PARTS=grants is one alone; WRITE=1 writes the figures of the last two into docs/injection.md.
	cd test && go run ./cmd/bench $(if $(PARTS),--parts $(PARTS)) --dir $(CURDIR)/bin/bench --out $(CURDIR)/bin/bench/$(or $(PARTS),all).json \
		--svg $(CURDIR)/docs/failover.svg $(if $(WRITE),--document $(CURDIR)/docs/injection.md)

.PHONY: clean
clean: ## Remove what was built. Caches and a running cluster stay.
	rm -rf $(addprefix bin/,$(COMMANDS) tools k8s bench)
