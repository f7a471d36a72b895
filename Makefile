# Leaseholder: `make` alone lists what can be made.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

# VERSION is what the commands and images say they are. Whole hashes, because how short one
# can be depends on what else is in the clone; which tags are in it still matters.
VERSION ?= $(shell git describe --tags --always --dirty --abbrev=40 2>/dev/null || echo devel)
# CLUSTER_DIR holds everything of the cluster that `make cluster` starts.
CLUSTER_DIR ?= $(CURDIR)/bin/cluster
# SOURCE_DATE_EPOCH is the time that images bear, in seconds since 1970: that of the commit.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
# TOOLCHAIN is the Go release that images are compiled with, and so that is looked for vulnerabilities.
TOOLCHAIN := $(shell sed -n 's/^toolchain //p' go.mod)
# ARCHITECTURES are what images are made for, comma-separated: this machine's.
ARCHITECTURES ?= $(shell go env GOARCH)
comma := ,
EACH_ARCHITECTURE = $(subst $(comma), ,$(ARCHITECTURES))
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
# What computes beside the end-to-end tests leaves the processors to them.
GIVE_WAY := nice -n 19
# Another apt-get may be at work: the cluster's nodes need packages too. It waits to
# install, but never to fetch lists: `make test` has all fetched before it does two things at once.
APT := apt-get -o DPkg::Lock::Timeout=300

GO_BUILD := go build -ldflags "-s -w -X main.version=$(VERSION)"
COMMANDS := leaseholder-webhook leaseholder-sidecar leaseholder-sidecar-cloud kubectl-leaseholder
TOOLS := helm helm-unittest golangci-lint cyclonedx-gomod govulncheck

##@ Use

.PHONY: help
help: ## List the targets.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build tools ## Show Leaseholder on a real cluster, step by step. DEMO_KEEP=0 takes it down at the end. (root)
	cd test && go run ./cmd/demo --root $(CURDIR) --dir $(CLUSTER_DIR) --keep=$(if $(filter 0,$(DEMO_KEEP)),false,true)

##@ Build

.PHONY: build
build: ## Build the four commands into bin/.
	for c in $(COMMANDS); do $(GO_BUILD) -o bin/$$c ./cmd/$$c; done

.PHONY: tools
tools: $(TOOLS:%=bin/tools/%) ## Build the pinned tools (helm, golangci-lint and more) into bin/tools/.

bin/tools/%: test/tools/go.mod test/tools/go.sum test/tools/build.sh
	test/tools/build.sh $* $@

.PHONY: image-files
image-files: bin/tools/cyclonedx-gomod ## Build what goes into the images into bin/images/, and print the programs' sizes, for ARCHITECTURES=amd64,arm64, with the Go that go.mod names.
	cd test && go run ./cmd/images --root $(CURDIR) --version $(VERSION) --epoch $(SOURCE_DATE_EPOCH) --architectures $(ARCHITECTURES)

.PHONY: images
images: image-files ## Build the three images for each of ARCHITECTURES with docker (or DOCKER=podman, DOCKER=buildah): the same digests from the same commit and VERSION.
	for image in webhook sidecar sidecar-cloud; do \
		for architecture in $(EACH_ARCHITECTURE); do \
			$(DOCKER) build $(IMAGE_FLAGS) --target $$image --platform linux/$$architecture --build-arg VERSION=$(VERSION) -t leaseholder-$$image:$(VERSION)$(if $(word 2,$(EACH_ARCHITECTURE)),-$$architecture) .; \
		done; \
	done
images: DOCKER ?= docker
# docker takes the time from SOURCE_DATE_EPOCH, and must be told not to attest when and where
# it was run; the others must be told the time, and to leave out their own version.
images: IMAGE_FLAGS = $(if $(findstring docker,$(DOCKER)),--provenance=false --sbom=false,--timestamp $(SOURCE_DATE_EPOCH) --identity-label=false)

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
test: tools lint test-go test-chart spin buildah ## Everything that CI runs. (root)
	# The others compute while the end-to-end tests wait, and give way to them, for a
	# webhook that is slow to answer refuses pods. What is known of vulnerabilities is what
	# was known on a fixed day, so that the same commit passes tomorrow.
	$(MAKE) -j2 --output-sync=line test-e2e model test-images vulncheck VULNDB=pinned

.PHONY: lint
lint: bin/tools/golangci-lint ## Check the Go code's style and likely faults.
	bin/tools/golangci-lint run --allow-parallel-runners ./...
	cd test && ../bin/tools/golangci-lint run --allow-parallel-runners ./...
	cd test/clouds/s3server && ../../../bin/tools/golangci-lint run --allow-parallel-runners ./...
	cd test/elector2016 && ../../bin/tools/golangci-lint run --allow-parallel-runners ./...

.PHONY: test-go
test-go: control-plane bin/tools/helm azurite ## Test all packages, against a real kube-apiserver and etcd where one matters.
	go test -timeout $(PATIENCE) -p $(TESTED_AT_ONCE) ./...
	cd test && go test -count=1 -timeout $(PATIENCE) -p $(TESTED_AT_ONCE) ./bench/... ./clouds/... ./cluster/... ./conformance/... ./contender/... ./docs/... ./footprint/... ./installed/... ./layout/... ./mixed/... ./product/...

.PHONY: s3server
s3server: ## Build the S3 server of the tests, which build it themselves too (two minutes for the first time).
	go -C test/clouds/s3server build -o $(CURDIR)/bin/clouds/s3server .

.PHONY: conformance
conformance: control-plane azurite s3server ## Print which lock keeps which promise, backend by backend. WRITE=1 writes it into docs/locks.md.
	cd test && go run ./cmd/conformance --root $(CURDIR) $(if $(WRITE),--write)

.PHONY: simulate
simulate: ## Simulate SEEDS=100000 elections with faults, from seed FIRST=0 on, beside servers of the KIND watched, polled, leased or endpoints (all, a quarter each; about 200 a second).
	go test -count=1 -timeout 24h -v -run 'TestSimulation' ./sidecar/election -seeds=$(or $(SEEDS),100000) -first-seed=$(or $(FIRST),0) -kind=$(KIND)

.PHONY: fuzz
fuzz: control-plane ## Fuzz the injector and offline injection, each part for FUZZTIME=10m, then create PODS=10000 random pods, from seed FIRST=0 on (about 30 a second).
	go test -run '^$$' -fuzz FuzzDecide -fuzztime $(or $(FUZZTIME),10m) ./injector
	go test -run '^$$' -fuzz FuzzApply -fuzztime $(or $(FUZZTIME),10m) ./cmd/kubectl-leaseholder/inject/edit
	go test -run '^$$' -fuzz FuzzSplit -fuzztime $(or $(FUZZTIME),10m) ./cmd/kubectl-leaseholder/inject
	go test -count=1 -timeout 24h -v -run TestRandomPods ./webhook/acceptance -pods=$(or $(PODS),10000) -first-seed=$(or $(FIRST),0)

.PHONY: azurite
azurite: ## Install Azurite, the emulator of Azure Blob Storage, for tests; first npm and node, if they are missing, from Debian's packages.
	{ command -v node && command -v npm; } >/dev/null || { $(APT) update -q && $(APT) install -qy --no-install-recommends npm; }
	test/clouds/azurite/install.sh >/dev/null

# The packages of Debian that the tests need.
.PHONY: spin buildah
spin:
	{ command -v spin && command -v cc; } >/dev/null || { $(APT) update -q && $(APT) install -qy --no-install-recommends spin gcc libc6-dev; }
buildah:
	command -v buildah >/dev/null || { $(APT) update -q && $(APT) install -qy --no-install-recommends buildah; }

.PHONY: model
model: spin ## Check the model of the rules with spin, which is installed if it is missing.
	cd test && $(GIVE_WAY) go test -count=1 -timeout $(PATIENCE) -v ./model/...

.PHONY: test-images
test-images: bin/tools/cyclonedx-gomod buildah ## Build the images twice and compare them, with buildah, which is installed if it is missing.
	cd test && $(GIVE_WAY) go test -count=1 -timeout $(PATIENCE) -v ./images/...

.PHONY: vulncheck
vulncheck: bin/tools/govulncheck ## Look for vulnerable packages in what the product, its tests and its tools import. VULNDB=pinned asks a database in test/vulndb, or another URL; SCAN=symbol says what calls them.
	db=$(if $(filter pinned,$(VULNDB)),$$(test/vulndb/url.sh),$(or $(VULNDB),https://vuln.go.dev)); \
	for scan in "-test -C . ./..." "-test -C test ./..." "-C test/clouds/s3server ." "-C test/tools tool"; do \
		GOTOOLCHAIN=$(TOOLCHAIN) $(GIVE_WAY) bin/tools/govulncheck -db $$db -scan $(or $(SCAN),package) $$scan; \
	done

.PHONY: footprint
footprint: ## Print what the sidecar's program is made of, judge its size, and print that of the other one. WRITE=1 writes docs/footprint.md.
	cd test && go run ./cmd/footprint --root $(CURDIR) $(if $(WRITE),--write)

.PHONY: test-chart
test-chart: bin/tools/helm bin/tools/helm-unittest ## Test the chart's templates and schema.
	bin/tools/helm lint --strict --namespace leaseholder-system charts/leaseholder
	bin/tools/helm-unittest --strict charts/leaseholder

.PHONY: test-cert-manager
test-cert-manager: control-plane bin/tools/helm ## Test the chart with cert-manager's own controllers, which are compiled first (some minutes).
	cd test && go test -count=1 -timeout $(PATIENCE) -v ./certmanager/...

.PHONY: test-e2e
test-e2e: build bin/tools/helm ## Test the whole product on a real cluster. (root)
	cd test && go test -count=1 -timeout $(PATIENCE) -v ./e2e/...

.PHONY: bench
bench: control-plane ## Measure elections (10 min), admission (4 min), grants (1 min) and the webhook beside ELECTIONS=10000 (10 min). PARTS=grants is one alone; WRITE=1 writes the figures of admission and grants into docs/injection.md.
	cd test && go run ./cmd/bench $(if $(PARTS),--parts $(PARTS)) $(if $(ELECTIONS),--elections $(ELECTIONS)) --dir $(CURDIR)/bin/bench --out $(CURDIR)/bin/bench/$(or $(PARTS),all).json \
		--svg $(CURDIR)/docs/failover.svg $(if $(WRITE),--document $(CURDIR)/docs/injection.md)

.PHONY: clean
clean: ## Remove what was built. Caches and a running cluster stay.
	rm -rf $(addprefix bin/,$(COMMANDS) tools k8s bench images clouds)
