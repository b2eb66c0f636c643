# Type make to see what there is. Every target first looks whether Go and the C libraries are there
# (scripts/deps.sh) and compiles with the tags and flags of scripts/build-env.sh.

GO       = scripts/build-env.sh go
VERSION  = $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BUILD    = build -buildvcs=false -ldflags '-X main.version=$(VERSION)'
CHECKED  = TAGS=matprofile $(GO)
FUZZTIME = 30s
PREFIX   = /usr/local
DESTDIR  =
DOCKER   = docker
SUITE    = trixie
LINTER   = v2.12.2

.NOTPARALLEL:
.PHONY: dist/picam-race help build install uninstall demo test test-cameras test-debian lint bench microbench fuzz corpora docs pictures pi cross debs image deps test-deps env clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { gsub(/\$$\$$/, "$$"); printf "  make %-12s %s\n", $$1, $$2 }' Makefile

build: deps ## compile ./picam
	$(GO) $(BUILD) -o picam .

install: ## picam, its manual page, completions and services into PREFIX=/usr/local; DESTDIR for packagers
	@[ -x picam ] || $(MAKE) build
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/install.sh install

uninstall: ## take away what make install has put there
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/install.sh uninstall

demo: build ## a drawn scene through the whole way, until Ctrl-C or for SECONDS=10
	@scripts/demo.sh $(SECONDS)

test: dist/picam-race ## all tests, with the race detector; TESTFLAGS='-run Name' for some
	PICAM_BINARY=$(CURDIR)/dist/picam-race $(CHECKED) test -race -timeout 25m $(TESTFLAGS) ./...

test-cameras: dist/picam-race ## the tests with V4L2 cameras, on a virtual machine, at length: half an hour
	PICAM_CAMERAS=1 PICAM_BINARY=$(CURDIR)/dist/picam-race $(CHECKED) test -v -timeout 90m -run V4L2 $(TESTFLAGS) ./e2e

test-debian: ## all tests in another Debian; SUITE=bookworm; needs root and debootstrap
	scripts/test-in-debian.sh $(SUITE)

dist/picam-race: test-deps
	$(CHECKED) build -race -buildvcs=false -o $@ .

# golangci-lint remembers paths, so each checkout has a cache of its own.
lint: deps dist/golangci-lint-$(LINTER) ## golangci-lint with .golangci.yml; go vet of what needs no C
	GOLANGCI_LINT_CACHE=$(CURDIR)/dist/golangci-lint-cache scripts/build-env.sh dist/golangci-lint-$(LINTER) run --allow-parallel-runners ./...
	CGO_ENABLED=0 go vet $$(CGO_ENABLED=0 go list -deps . | grep '^picam')
	@! command -v shellcheck >/dev/null || shellcheck scripts/*.sh e2e/v4l2vm/*.sh .ci/run

# A program of its own, so that its modules are none of picam's. Go checks it against the checksum database.
dist/golangci-lint-$(LINTER):
	GOFLAGS= CGO_ENABLED=0 GOBIN=$(CURDIR)/dist go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINTER)
	mv dist/golangci-lint $@

bench: build ## picam beside its peers, on the same frames; BENCHFLAGS='-only chain -rounds 3'
	$(GO) run ./scripts/bench $(BENCHFLAGS)

microbench: deps ## the benchmarks of all packages
	$(GO) test -run '^$$' -bench . -benchmem $(TESTFLAGS) ./...

fuzz: deps ## every fuzz test for FUZZTIME=30s
	@scripts/build-env.sh scripts/fuzz.sh $(FUZZTIME)

corpora: deps ## picam's decoder beside OpenCV's on JPEG files: DIR=folder; CORPORAFLAGS='-bound 2 -damage 30'
	$(GO) run ./scripts/corpora $(CORPORAFLAGS) $(DIR)

docs: build ## write config.example.yaml, docs/filters.md and its schema anew, from the filters' declarations
	./picam filters --yaml >config.example.yaml.new && mv config.example.yaml.new config.example.yaml
	./picam filters --markdown >docs/filters.md.new && mv docs/filters.md.new docs/filters.md
	./picam filters --json >docs/filters.schema.json.new && mv docs/filters.schema.json.new docs/filters.schema.json

pictures: deps ## draw the pictures of docs/filters.md anew, by the chains that stand below them
	$(GO) run ./scripts/pictures

pi: ## picam that only sends and needs no C library, for every Pi, PCs, macOS and Windows, into dist/
	@scripts/deps.sh go
	VERSION=$(VERSION) scripts/static.sh dist

cross: ## picam with the receiver for arm64 too, into dist/, for make debs; needs Debian, root and debootstrap
	@scripts/deps.sh go
	VERSION=$(VERSION) scripts/cross.sh dist

debs: build pi ## Debian packages into dist/: picam-send for a Pi or a PC, picam with the receiver for this computer
	VERSION=$(VERSION) scripts/debs.sh dist

image: ## the Docker image picam; DOCKER=podman makes it with podman
	$(DOCKER) build --build-arg VERSION=$(VERSION) -t picam .

deps: ## install the C libraries, if missing
	@scripts/deps.sh

test-deps: ## and the programs that the tests talk to
	@scripts/deps.sh test

env: ## tags and flags for plain go commands: eval "$$(make env)"
	@scripts/build-env.sh

clean: ## remove what make has made
	rm -rf picam dist demo.mjpeg
