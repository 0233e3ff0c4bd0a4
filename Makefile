.DEFAULT_GOAL := help
SHELL := bash

# Decisions are promised byte for byte at this level.
export GOAMD64 := v1

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
GO_TEST ?= go test

# RACE=1 asks for the race detector, which needs a C compiler.
CC_FOUND := $(shell command -v cc 2>/dev/null || command -v gcc 2>/dev/null)
RACE_FLAG := $(if $(filter 1,$(RACE)),$(if $(CC_FOUND),-race,$(warning RACE=1 without a C compiler: no race detector)))

# Tests against real servers run where the servers are (see tools), else skip.
SERVERS = KUBEBUILDER_ASSETS="$$(.ci/tools/build --cached envtest)" PROMETHEUS_BIN="$$(.ci/tools/build --cached prometheus)" HELM_BIN="$$(.ci/tools/build --cached helm)" AXE_JS="$$(.ci/tools/build --cached axe)"

.PHONY: help
help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: generate
generate: ## Generate deepcopy functions and CRDs
	go generate ./engine/api/...

.PHONY: build
build: ## Build bin/karpenter and bin/controller
	CGO_ENABLED=0 go build -trimpath -ldflags "-X main.release=$(VERSION)" -o bin/ ./cmd/karpenter ./cmd/controller

.PHONY: unit
unit: ## Run the fast tests
	$(GO_TEST) -short ./...

.PHONY: test
test: ## Run all tests; RACE=1 adds the race detector
	$(SERVERS) $(GO_TEST) $(RACE_FLAG) -timeout 60m ./...

.PHONY: hpa
hpa: ## Play Kubernetes' own HPA controller beside ours in one scenario (builds k8s.io/kubernetes: five minutes at first)
	cd sim/hpa && go test -count=1 ./...

.PHONY: tools
tools: ## Build the API server, etcd, Prometheus and helm that tests use (once, ten minutes)
	@.ci/tools/build envtest prometheus helm axe

.PHONY: bench
bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

RECORD ?= decisions,predictions

.PHONY: sim-to-real
sim-to-real: ## Play policies against a real control plane and compare with what the simulator says (40 minutes; RECORD=none compares what is there)
	KUBEBUILDER_ASSETS="$$(.ci/tools/build envtest)" PROMETHEUS_BIN="$$(.ci/tools/build prometheus)" \
		go run ./scenarios/recordings/simtoreal/record --controlplane "$$(.ci/tools/build controlplane)" --record $(RECORD) --out out/sim-to-real

.PHONY: keda-check
keda-check: ## Record what KEDA's own operator makes of ScaledObjects on a real control plane, and hold the engine to it (builds KEDA: ten minutes at first)
	KUBEBUILDER_ASSETS="$$(.ci/tools/build envtest)" PROMETHEUS_BIN="$$(.ci/tools/build prometheus)" \
		go run ./scenarios/recordings/simtoreal/record --controlplane "$$(.ci/tools/build controlplane)" --keda "$$(.ci/tools/build keda)" --record keda --out out/keda-check
	go test -count=1 ./sim -run '^TestKEDA$$' -keda "$(CURDIR)/out/keda-check/keda.jsonl"

FUZZTIME ?= 10s

.PHONY: fuzz
fuzz: ## Fuzz every target for FUZZTIME (10s)
	@git grep -oE '^func Fuzz\w+' -- '*_test.go' | sed 's/:func / /' | while read -r file target; do \
		echo "$$target ($$file)"; \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "./$$(dirname "$$file")" </dev/null || exit 1; \
	done

SEED ?= 1
RUNS ?= 1000

.PHONY: soak
soak: ## Check the invariants on RUNS (1000) random cases from SEED (1) on; FILE=x.yaml checks one scenario
	go test -v -count=1 -timeout 0 ./sim/soak -run '^TestSoak$$' -soak.seed=$(SEED) -soak.runs=$(RUNS) -soak.out=out/soak $(if $(FILE),-soak.file=$(FILE))

.PHONY: mutate
mutate: ## Break the engine in one place at a time and see whether the corpus notices (five minutes)
	go run ./.ci/mutate

.PHONY: lint
lint: ## Check formatting, go vet, staticcheck, and that the mutations fit
	@unformatted=$$(git ls-files -z '*.go' | xargs -0 gofmt -l); \
	if [[ -n $$unformatted ]]; then echo "gofmt -w is due for:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	"$$(.ci/tools/build staticcheck)" ./...
	go run ./.ci/mutate -check

.PHONY: verify
verify: generate ## Fail if generated files, or any others, are not committed
	@changed=$$(git status --porcelain) || exit 1; \
	if [[ -n $$changed ]]; then echo "commit these files:"; echo "$$changed"; git --no-pager diff --stat; exit 1; fi

.PHONY: demo
demo: ## Replay the project's recording; prints where the report is
	rm -rf out/demo
	go run ./cmd/karpenter replay -f scenarios/recordings/checkout.yaml --recording scenarios/recordings/checkout.om.gz --out out/demo

.PHONY: pictures
pictures: ## Take the README's pictures of a report, with Chromium
	rm -rf out/pictures
	go run ./cmd/karpenter replay -f scenarios/recordings/checkout.yaml --recording scenarios/recordings/checkout.om.gz \
		--variant larger=spec.maxReplicas=32 --out out/pictures
	for scheme in 1:light 0:dark; do \
		chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=880,846 --force-device-scale-factor=1.5 \
			--blink-settings=preferredColorScheme=$${scheme%:*} --screenshot=cmd/docs/pictures/report-$${scheme#*:}.png \
			"file://$(CURDIR)/out/pictures/checkout/report.html" 2>/dev/null; done

.PHONY: docs
docs: ## Write the book as a site into out/docs
	go run ./cmd/docs --out out/docs

CLOUD_PROVIDER ?= none
RELEASES ?= releases

.PHONY: release
release: ## Write releases/CLOUD_PROVIDER/VERSION.yaml and the Helm chart (see cmd/docs/howto/install.md)
	@go run ./cmd/controller/manifests --out $(RELEASES) --provider $(CLOUD_PROVIDER) --version $(VERSION) $(if $(filter 1,$(DRY_RUN)),--dry-run) \
		$(if $(IMAGE),--set 'image=$(IMAGE)') $(if $(PROMETHEUS_URI),--set 'prometheus.uri=$(PROMETHEUS_URI)') \
		$(if $(JOURNAL_RETENTION),--set 'journal.retention=$(JOURNAL_RETENTION)') $(if $(JOURNAL_MIB),--set 'journal.sizeMiB=$(JOURNAL_MIB)') \
		$(foreach setting,$(SET),--set '$(setting)')

KO ?= "$$(.ci/tools/build ko)"
KO_DOCKER_REPO ?= ghcr.io/karpenter-sim/karpenter

# BASE_IMAGE is what the images stand on, by its digest: a tag moves, and so would
# what is shipped.
BASE_IMAGE ?=

.PHONY: base
base:
	@if [[ ! "$(BASE_IMAGE)" =~ @sha256:[0-9a-f]{64}$$ ]]; then \
		echo "BASE_IMAGE=$(BASE_IMAGE): want the base by its digest, as in gcr.io/distroless/static@sha256:...;"; \
		echo "crane digest gcr.io/distroless/static:nonroot prints today's (see cmd/docs/howto/install.md)"; exit 2; fi >&2

# A fixed date makes the bytes depend on nothing but the source and the base.
BUILD_IMAGE = VERSION=$(VERSION) KO_DOCKER_REPO=$(KO_DOCKER_REPO) KO_DEFAULTBASEIMAGE=$(BASE_IMAGE) SOURCE_DATE_EPOCH=0 KO_DATA_DATE_EPOCH=0 \
	$(KO) build --base-import-paths --sbom none --platform linux/amd64,linux/arm64 --tags $(VERSION)

# The names are KO_DOCKER_REPO/controller and KO_DOCKER_REPO/karpenter.
.PHONY: images
images: base ## Build the images of controller and karpenter on BASE_IMAGE with ko, publish them to KO_DOCKER_REPO, write SBOMs and digests to releases
	@rm -rf releases/.images && mkdir -p releases/sbom releases/.images
	@$(BUILD_IMAGE) --oci-layout-path releases/.images/controller --image-refs releases/.images/refs-controller ./cmd/controller
	@$(BUILD_IMAGE) --oci-layout-path releases/.images/karpenter --image-refs releases/.images/refs-karpenter ./cmd/karpenter
	@for image in controller karpenter; do \
		go run ./.ci/sbom -layout releases/.images/$$image -out releases/sbom $$image:$(VERSION) >/dev/null || exit 1; \
	done
	@cat releases/.images/refs-* >releases/images-$(VERSION).txt && rm -rf releases/.images
	@cd releases && sha256sum images-$(VERSION).txt sbom/image-*-$(VERSION)-* | tee images-$(VERSION).sha256

.PHONY: layout
layout: base
	@mkdir -p $(LAYOUT)/sbom
	@$(BUILD_IMAGE) --push=false --oci-layout-path $(LAYOUT)/layout ./cmd/$(IMAGE_NAME) >/dev/null
	@go run ./.ci/sbom -layout $(LAYOUT)/layout -out $(LAYOUT)/sbom $(IMAGE_NAME):$(VERSION)

PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64
BINARIES = $(foreach platform,$(PLATFORMS),karpenter-$(VERSION)-$(subst /,-,$(platform)))

# BINARY_BYTES is how large a binary may be.
BINARY_BYTES := 50000000

# DIST has the files of a release, all in one folder, as a release on GitHub has them.
DIST ?= releases/$(VERSION)

.PHONY: binaries
binaries: ## Build static binaries of karpenter into releases/VERSION with SBOMs (SPDX) and checksums, the same bytes each time
	@mkdir -p $(DIST)
	@for platform in $(PLATFORMS); do \
		CGO_ENABLED=0 GOOS=$${platform%/*} GOARCH=$${platform#*/} go build -trimpath -buildvcs=false -ldflags "-s -w -X main.release=$(VERSION)" \
			-o "$(DIST)/karpenter-$(VERSION)-$${platform/\//-}" ./cmd/karpenter || exit 1; \
	done
	@find $(DIST) -name 'karpenter-$(VERSION)-*' -size +$(BINARY_BYTES)c | while read -r binary; do \
		echo "$$binary has more than $(BINARY_BYTES) bytes: find what it imports as a whole (go tool nm -size -sort size)"; false; done >&2
	@go run ./.ci/sbom $(addprefix $(DIST)/,$(BINARIES))
	@cd $(DIST) && sha256sum $(foreach binary,$(BINARIES),$(binary) $(binary).spdx.json) | tee karpenter-$(VERSION).sha256

.PHONY: dist
dist: base ## Write a whole release into releases/VERSION, the same bytes each time: binaries, images, chart, manifests, SBOMs, checksums
	@.ci/dist "$(VERSION)" "$(DIST)"

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin out
