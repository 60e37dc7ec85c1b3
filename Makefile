# Everything a newcomer or a pipeline needs, each as one command that does its own set-up. `make help` lists them.
# What is made lies in git-ignored folders below this one and in podman's store; `make clean` takes it away.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:

# The first Python that is new enough. The lab and the scanner need no more than that.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$python >/dev/null && $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	&& { echo $$python; break; }; done)
VENV ?= .venv
BIN = $(VENV)/bin
COLLECTION = .ansible/collections/ansible_collections/encryption/in_transit
VERSION = $(shell sed -n 's/^version: //p' galaxy.yml)
TARBALL = build/encryption-in_transit-$(VERSION).tar.gz

# A stamp's name carries the hash of its recipe: a changed recipe is a missing stamp.
hash = $(shell cat $(1) | sha256sum | cut -c1-12)
RUNTIME = $(VENV)/.runtime-$(call hash,requirements.txt)
DEV = $(VENV)/.dev-$(call hash,requirements-dev.txt)
CORES = 2.17 2.18
# These begin with Python 3.12, and run on a lab host that has 3.13.
CORES_NEXT = 2.20 2.21
core = .cache/core-$(1)/.made-$(call hash,tests/cores/$(1).txt)

PACKAGES_LAB = podman runc netavark iptables nftables mmdebstrap debian-archive-keyring openssh-client openssl
PACKAGES_DEMO = sslscan
PACKAGES_TEST = git shellcheck strace gcc libc6-dev gnutls-bin curl wget postgresql-client
# Daemons that unit tests run on their own files and ports. A pipeline gets them; on a machine of yours they would also
# start at the next boot, so their tests are skipped there until you install them.
PACKAGES_DAEMONS = default-jre-headless nginx libnginx-mod-mail libnginx-mod-stream apache2 postfix vsftpd haproxy \
	dovecot-imapd dovecot-pop3d dovecot-managesieved openssh-server postgresql mariadb-server prosody lua-sec slapd systemd
# Wine stands in for Windows in tests of registry and Schannel, the compiler makes a server for it.
PACKAGES_WINDOWS = wine wine64 libwine gcc-mingw-w64-x86-64

# Colours and progress bars have no place in a log.
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: help
help: ## list the commands
	@echo 'Usage: make COMMAND'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | while IFS=$$'\t' read -r name text; do \
		printf '  %-14s %s\n' "$$name" "$$text"; done

## --- set-up ---------------------------------------------------------------------------------------------------------

.PHONY: python
python:
	@[ -n '$(PYTHON)' ] || { echo 'Python 3.11 or newer is needed: apt-get install python3, or make PYTHON=/path/to/python3' >&2; exit 1; }

# Checked against pip's own Python: Debian ships venv without ensurepip until python3-venv is there.
$(VENV)/bin/pip: | python
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || hacking/apt-install.sh 'the Python environment' python3-venv \
		"python$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
	@echo 'Making the Python environment $(VENV)'
	@$(PYTHON) -m venv $(VENV)

# $(call install,FILE): exactly the locked versions, checked against their hashes.
define install
	@echo "Installing $$(grep -c == $(1)) Python packages into $(VENV) from $(1) (up to a minute)"
	@$(BIN)/python -m pip install -qq --require-hashes --requirement $(1)
	@rm -f $(basename $@)-* && touch $@
endef

$(VENV)/.runtime-%: | $(VENV)/bin/pip $(COLLECTION)
	$(call install,requirements.txt)

$(VENV)/.dev-%: | $(VENV)/bin/pip $(COLLECTION)
	$(call install,requirements-dev.txt)

# Ansible and Python find the collection by its name, whatever the checkout is called.
$(COLLECTION):
	@mkdir -p $(@D)
	@ln -sfn ../../../.. $@

.PHONY: setup
setup: $(DEV) ## make the Python environment for development

.PHONY: packages-lab packages-demo packages-test
packages-lab:
	@hacking/apt-install.sh 'the lab' $(PACKAGES_LAB)

packages-demo:
	@hacking/apt-install.sh 'the demonstration' $(PACKAGES_LAB) $(PACKAGES_DEMO)

packages-test:
	@hacking/apt-install.sh 'the tests' $(PACKAGES_LAB) $(PACKAGES_DEMO) $(PACKAGES_TEST)
	@[ "$${CI:-}" != true ] || DORMANT=yes hacking/apt-install.sh 'the tests of daemons' $(PACKAGES_DAEMONS) $(PACKAGES_WINDOWS)

.PHONY: lock
lock: $(DEV) ## renew requirements*.txt and tests/cores/*.txt from their .in files
	@$(BIN)/python -m pip install --quiet uv
	@hacking/lock.sh $(CORES) $(CORES_NEXT)

## --- see it work ----------------------------------------------------------------------------------------------------

.PHONY: demo
demo: packages-demo $(RUNTIME) ## lab hosts from weak to proved, with sealed evidence
	@$(BIN)/python lab/demo.py

.PHONY: lab
lab: packages-lab python $(COLLECTION) ## (re)start the lab hosts in their neglected state; inventory: inventories/lab
	@$(PYTHON) lab/lab.py reset

.PHONY: lab-down
lab-down: python ## remove the lab hosts; their images stay
	@command -v podman >/dev/null || { echo 'No podman, so no lab hosts.'; exit 0; }; $(PYTHON) lab/lab.py down

# Endpoints hold ? and &: they reach the program by the environment, unread by make's shell.
.PHONY: scan
scan: python ## judge endpoints by handshake: make scan ENDPOINTS='https://host:443 smtp://host:25'
	@[ -n "$${ENDPOINTS:-}" ] || { echo "make scan ENDPOINTS='https://127.0.10.11:443 ...'" >&2; exit 1; }
	@set -f; $(PYTHON) -I -S plugins/module_utils/run/command.py $$ENDPOINTS

.PHONY: bench
bench: servers ## measure against others, print a table, write build/bench.json; ONLY=name runs one
	@$(BIN)/python tests/bench/run.py $${ONLY:-}

## --- prove it works -------------------------------------------------------------------------------------------------

CHECKS = sanity test-core docs lint fuzz-short

# Hosts of molecule and daemons of tests wait more than they work: three lanes side by side keep the processors busy.
# Tests that take longest come first, so that none of them ends alone.
.PHONY: test
test: packages-test $(DEV) ## every check and test there is: what the pipeline runs
	@status=0; \
	{ $(PYTHON) lab/lab.py --fleet test images && $(MAKE) molecule STEP=1; } & molecule=$$!; \
	$(MAKE) --keep-going $(CHECKS) STEP=1 & checks=$$!; \
	$(MAKE) servers && $(PYTEST) --no-loadscope-reorder tests/integration tests/wire tests/unit || status=1; \
	wait $$checks || status=1; \
	wait $$molecule || status=1; \
	[ $$status -eq 0 ] || echo 'make test: something above failed'; \
	exit $$status

PYTEST = $(BIN)/python -m pytest --numprocesses auto --dist loadgroup
# Not for `make test`: to trace every line costs a good part of the time it traces.
COVERAGE = --cov plugins --cov-report term:skip-covered

# Run by `make test`, a check speaks only when it fails; on its own it is not silenced.
step = $(if $(STEP),@hacking/step.sh $(1),)

.PHONY: lint
lint: packages-test $(DEV) ## style and types: ruff, mypy, yamllint, shellcheck, ansible-lint (production profile)
	$(call step,lint) hacking/lint.sh

.PHONY: unit
unit: $(DEV) ## unit tests with coverage
	@$(PYTEST) $(COVERAGE) tests/unit

# Releases of node are the only servers with SSL 3.0 left; they come from npm, which not every machine has.
.PHONY: servers
servers: packages-test $(DEV) ## fetch the TLS servers and scanners that tests/wire and the benchmarks run against
	@tests/servers/install.sh bullseye bookworm trixie python $$(command -v npm >/dev/null && echo node || true) || \
		{ [ "$${CI:-}" != true ] && echo 'Without them, their tests are skipped.'; }

.PHONY: wire
wire: servers ## the wire engine against real servers
	@$(PYTEST) $(COVERAGE) tests/wire

# Wine 10 is the first whose Schannel can serve; below Debian 13 it lives in a folder of its own (three minutes, 1.1 GB).
.PHONY: wine
wine: packages-test $(DEV) ## a server whose TLS is Schannel's, scanned before and after (as root)
	@hacking/apt-install.sh 'the tests of Windows' $(PACKAGES_WINDOWS)
	@tests/windows/wine10.sh .cache/wine
	@$(BIN)/python -m pytest -q tests/integration/test_schannel_server.py

# In an environment of its own: what it depends on is nothing of ours, and its answer needs a service of the network.
.PHONY: audit
audit: python ## known vulnerabilities in the locked Python packages; needs the network, so `make test` goes without
	@$(PYTHON) -m venv .cache/audit
	@.cache/audit/bin/python -m pip install -qq pip-audit==2.10.1
	@for locked in requirements.txt requirements-dev.txt tests/cores/*.txt; do \
		echo "-- $$locked"; \
		.cache/audit/bin/pip-audit --require-hashes --disable-pip --strict --progress-spinner off -r "$$locked"; \
	done

.PHONY: sanity
sanity: $(DEV) ## ansible-test sanity
	$(call step,sanity) hacking/sanity.sh $(BIN)

.PHONY: test-core
test-core: $(DEV) $(foreach version,$(CORES),$(call core,$(version))) ## tests, documentation and playbooks under every supported ansible-core
	$(call step,test-core) hacking/cores.sh $(BIN) $(foreach version,$(CORES),.cache/core-$(version)/bin)

.PHONY: test-core-next
test-core-next: packages-lab $(DEV) $(foreach version,$(CORES),$(call core,$(version))) ## the playbooks on a lab host by every ansible-core, those that need Python 3.12 or newer included
	@hacking/cores_next.sh $(CORES_NEXT) -- $(foreach version,$(CORES),.cache/core-$(version)/bin) $(BIN)

.PHONY: molecule
molecule: packages-test $(DEV) ## the roles on real hosts of three Debian generations
	$(call step,molecule) molecule test --all --report

.PHONY: fuzz
fuzz: $(DEV) ## search by coverage for bytes that break a reader (FUZZ_SECONDS=600), then random testing with a hundred times the usual examples (FUZZ_FACTOR=100)
	@$(BIN)/python tests/fuzz/fuzz.py search "$${FUZZ_SECONDS:-600}"
	@$(BIN)/python -m pytest --numprocesses auto --hypothesis-profile fuzz -m hypothesis tests

.PHONY: fuzz-short
fuzz-short: $(DEV) ## the beginning of that search: the same few thousand inputs every time
	$(call step,fuzz-short) $(BIN)/python tests/fuzz/fuzz.py repeat 2000

# Some hours on two cores: each of some 130 points of each stack, with the daemon left running, with the power cut, and
# failing; and each of some 60 with the connection cut. Every worker has processes, mounts and loopback ports of its own, so they share nothing but the machine.
JOBS ?= 4
FAULTS = $(addprefix tests/unit/plugins/module_utils/stacks/test_,kill_matrix.py connection_cut.py stack_faults.py \
	availability.py canaries.py)
.PHONY: faults
faults: packages-test $(DEV) ## kill runs over real daemons at every system call; reboots, load, faults, planted secrets (as root; JOBS=4)
	@$(PYTHON) lab/lab.py --fleet test images
	@status=0; \
	FAULTS=all $(BIN)/python -m pytest -v --dist load --maxschedchunk 1 \
		--tx '$(JOBS)*popen//python=hacking/isolated.sh $(BIN)/python' $(FAULTS) || status=1; \
	FAULTS=all $(BIN)/python -m pytest -v $(addprefix tests/integration/test_,reboot.py continuous.py) || status=1; \
	exit $$status

.PHONY: soak
soak: packages-lab $(DEV) ## wear out lab hosts with random faults for an hour (SOAK_SECONDS=3600); SOAK_SEED repeats one
	@$(BIN)/python tests/soak/soak.py

.PHONY: axe
axe: $(DEV) ## the report's accessibility in headless Chromium; needs npm and Chromium
	@npm install --silent --no-save --prefix .cache/axe axe-core@4.14.1
	@$(BIN)/python -m pytest -q tests/unit/plugins/plugin_utils/evidence/test_evidence_browser.py

define core_rule
$(call core,$(1)): | $(VENV)/bin/pip $(COLLECTION)
	@echo 'Installing tests/cores/$(1).txt into .cache/core-$(1)'
	@$(PYTHON) -m venv .cache/core-$(1)
	@.cache/core-$(1)/bin/python -m pip install -qq --require-hashes --requirement tests/cores/$(1).txt
	@rm -f .cache/core-$(1)/.made-* && touch $$@
endef
$(foreach version,$(CORES) importer,$(eval $(call core_rule,$(version))))

## --- hand it on -----------------------------------------------------------------------------------------------------

.PHONY: package
package: $(RUNTIME) ## build the collection's tarball below build/
	@hacking/stage.sh build/package
	@ansible-galaxy collection build --force --output-path build build/package

# From elsewhere: here, ansible.cfg names a path where the collection is this checkout itself.
.PHONY: install
install: package ## build the collection and install it where your Ansible looks, by default in ~/.ansible/collections
	@cd && ansible-galaxy collection install --offline --force $(abspath $(TARBALL))

.PHONY: importer
importer: package $(call core,importer) ## let Galaxy's own importer look at the tarball; a warning is an error
	@hacking/importer.sh .cache/core-importer/bin $(TARBALL)

.PHONY: release
release: importer $(DEV) ## tarball, bill of materials and checksums of a tagged version; REHEARSAL=1 for any commit
	@hacking/release.sh $(TARBALL)

.PHONY: docs
docs: $(DEV) ## check the documentation, and build the site: guides, and the reference of all plugins and roles
	$(call step,docs) hacking/docs.sh

.PHONY: readmes
readmes: $(DEV) ## write the tables of variables in the roles' READMEs from their argument_specs and defaults
	@$(BIN)/python hacking/role_readmes.py

.PHONY: clean
clean: ## remove lab hosts, images, environments and caches; system packages stay
	@if command -v podman >/dev/null && [ -n '$(PYTHON)' ]; then $(PYTHON) lab/lab.py destroy; fi
	@rm -rf .ansible .cache .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage* build inventories/lab
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo 'Clean. What stays: system packages apt installed, and the caches pip and ansible-test keep in your home.'
