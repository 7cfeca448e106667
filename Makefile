# Tasks of a contributor. `make` lists the targets; each target first sets up the machine if necessary.

UV_VERSION := 0.13.9
MUTMUT_VERSION := 3.8.1
PIP_AUDIT_VERSION := 2.10.1
AUDIT_IGNORED :=
ACTIONLINT_VERSION := 1.7.12
ACTIONLINT := .tools/actionlint-$(ACTIONLINT_VERSION)
UV ?= $(or $(shell command -v uv 2>/dev/null),.tools/bin/uv)
PY := .venv/bin/python
PACKAGES := common auth tickets orders expiration payments client infra examples/blog
SERVICES := auth tickets orders expiration payments client
# Packages with an image: the services, and the small blog.
SHIPPED := $(SERVICES) examples/blog
LOCKS := requirements.lock $(SHIPPED:%=%/requirements.lock)
MANIFESTS := pyproject.toml $(PACKAGES:%=%/pyproject.toml)
# uv resolves for projects that it manages, and ours are marked `managed = false`: a copy of the manifests is not.
RESOLVED := .tools/lock
EXPORT = $(UV) export --project $(RESOLVED) --locked --no-emit-workspace --no-header --no-annotate --quiet
# The root's lock holds all packages; the lock of a shipped package holds those that its image needs at run time.
define export_locks
$(EXPORT) --all-packages --all-groups --output-file requirements.lock > /dev/null
@for at in $(SHIPPED); do $(EXPORT) --package $$(basename $$at) --no-dev --output-file $$at/requirements.lock > /dev/null || exit 1; done
endef
N ?= 400
# The services of a test log only errors, unless LOG_LEVEL asks for more.
QUIET = LOG_LEVEL=$${LOG_LEVEL:-ERROR}

export UV_PYTHON_PREFERENCE ?= system

.DEFAULT_GOAL := help
.PHONY: help setup lock run test check workflows fmt e2e flows chaos mutants audit reconcile trace crashes expiry money rollout live weight catalogues bench blog blog-test blog-k8s-test k8s-secrets k8s-test k8s-short clean suites connected system $(PACKAGES:%=suite/%) $(PACKAGES:%=connected/%) $(PACKAGES:%=types/%)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.ready ## install the locked dependencies into .venv

# Exactly the locked packages are installed, also if the registry has newer ones: docs/decisions/0010-install-from-the-lock.md
.venv/.ready: $(MANIFESTS) requirements.lock | $(UV)
	@test -x $(PY) || $(UV) venv --quiet .venv
	@$(UV) pip sync --quiet --require-hashes requirements.lock
	@$(UV) pip install --quiet --no-deps $(PACKAGES:%=--editable ./%)
	@$(UV) pip check --quiet 2> .venv/conflicts || { cat .venv/conflicts; \
	  echo "The locked packages differ from the manifests: run 'make lock'."; exit 1; }
	@touch $@

# uv.lock records the registry's addresses, so it stays on this machine (in .tools) and the repo has only hashes.
lock: $(UV) ## resolve again and record the hashes, after a change of dependencies
	@for at in $(MANIFESTS); do mkdir -p $(RESOLVED)/$$(dirname $$at) && sed '/^managed = false/d' $$at > $(RESOLVED)/$$at || exit 1; done
	@$(UV) lock --project $(RESOLVED)
	@$(export_locks)
	@echo "written: $(LOCKS)"

.tools/bin/uv:
	@python3 -m venv .tools
	@.tools/bin/pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"

run: setup ## run the whole marketplace on this machine (DEMO=1 adds demo users and listings)
	@exec $(PY) -m infra.dev $(if $(filter-out 0,$(DEMO)),--demo)

test: setup ## run every package's tests, then those that need real servers
	@$(MAKE) --no-print-directory -j2 -Otarget suites
	@$(MAKE) --no-print-directory -j3 -Otarget system connected

# Its tests wait for clocks as often as they work: three jobs keep two processors busy.
system:
	@echo "── the whole system" && cd infra && $(QUIET) ../$(PY) -m infra.dev.testing --system -- ../$(PY) -m pytest -q -m connected tests/system

suites: $(PACKAGES:%=suite/%)

$(PACKAGES:%=suite/%): suite/%:
	@echo "── $*" && cd $* && $(CURDIR)/$(PY) -m pytest -q || [ $$? -eq 5 ]

connected: $(PACKAGES:%=connected/%)

# Each package has servers of its own, so that two can run side by side.
$(PACKAGES:%=connected/%): connected/%:
	@echo "── $*, connected" && cd $* && $(CURDIR)/$(PY) -m infra.dev.testing -- \
	  $(CURDIR)/$(PY) -m pytest -q -m connected --ignore=tests/system --ignore=tests/browser || [ $$? -eq 5 ]

check: setup ## lint, formatting, types, import borders and the Kubernetes manifests
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check --quiet .
	@$(MAKE) --no-print-directory -j2 -Otarget $(PACKAGES:%=types/%)
	@.venv/bin/lint-imports
	@echo "── manifests" && cd infra && ../$(PY) -m pytest -q tests/deploy/manifests
	@$(MAKE) --no-print-directory workflows

# Go builds the linter, which is then reused; not every machine has Go.
workflows: ## lint the workflows of CI, if Go is installed
	@echo "── workflows"; if [ -x $(ACTIONLINT)/actionlint ] || GOBIN="$(CURDIR)/$(ACTIONLINT)" \
	  go install github.com/rhysd/actionlint/cmd/actionlint@v$(ACTIONLINT_VERSION) 2> /dev/null; \
	then $(ACTIONLINT)/actionlint; else echo "SKIPPED: no Go to build actionlint with, or no module proxy in reach"; fi

$(PACKAGES:%=types/%): types/%:
	@echo "── types of $*" && cd $* && MYPYPATH=src $(CURDIR)/$(PY) -m mypy --config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache/$* src $(notdir $(wildcard $*/tests))

fmt: setup ## format, and fix what the linter can
	@$(PY) -m ruff check --fix --quiet . || true
	@$(PY) -m ruff format .

e2e: setup ## drive the pages in a real Chromium, the small blog's too; pictures in .screenshots (SHORT=1: fewer windows)
	@cd infra && SCREENSHOTS=../.screenshots $(QUIET) ../$(PY) -m infra.dev.testing --system -- ../$(PY) -m pytest -q -m "connected$(if $(filter-out 0,$(SHORT)), and not thorough)" tests/browser
	@cd examples/blog && SCREENSHOTS=../../.screenshots $(QUIET) ../../$(PY) -m pytest -q -m connected tests/browser

flows: setup ## the headline test: N flows at once (N=400), with processes killed meanwhile (KILL=tickets,nats)
	@$(PY) -m infra.verify.flows $(N) --kill "$(KILL)"

chaos: setup ## random users and random faults, then a check for losses (DURATION=300 SEED=...)
	@$(PY) -m infra.verify.chaos --duration $(or $(DURATION),300) $(if $(SEED),--seed $(SEED))

# A tool of its own, beside the project's packages and able to import them and to start their NATS server. PATH, by which one would name the source, is the shell's.
.tools/mutmut/bin/mutmut-$(MUTMUT_VERSION):
	@python3 -m venv .tools/mutmut
	@.tools/mutmut/bin/pip install --quiet --disable-pip-version-check "mutmut==$(MUTMUT_VERSION)"
	@echo 'import site; site.addsitedir("$(CURDIR)/'$$(echo .venv/lib/python3*/site-packages)'")' > $$(echo .tools/mutmut/lib/python3*/site-packages)/project.pth
	@ln -sf "$(CURDIR)/.venv/bin/nats-server" .tools/mutmut/bin/nats-server
	@ln -sf mutmut $@

mutants: setup .tools/mutmut/bin/mutmut-$(MUTMUT_VERSION) ## change one thing of SOURCE at a time, and see whether its tests notice (TESTS=tests/test_domain.py CONNECTED=1)
	@$(PY) -m infra.verify.mutants $(SOURCE) $(if $(TESTS),--tests $(TESTS)) $(if $(CONNECTED),--connected)

# No known vulnerability is accepted, whatever its severity; one that does not concern us is named in AUDIT_IGNORED, with its reason.
audit: .tools/audit/bin/pip-audit-$(PIP_AUDIT_VERSION) ## look the locked packages up in the index's list of vulnerabilities
	@.tools/audit/bin/pip-audit --strict --requirement requirements.lock --disable-pip --require-hashes --progress-spinner off $(AUDIT_IGNORED:%=--ignore-vuln %)

.tools/audit/bin/pip-audit-$(PIP_AUDIT_VERSION):
	@python3 -m venv .tools/audit
	@.tools/audit/bin/pip install --quiet --disable-pip-version-check "pip-audit==$(PIP_AUDIT_VERSION)"
	@ln -sf pip-audit $@

reconcile: setup ## name every disagreement between databases, timers, payments and events (SETTLE=0)
	@$(PY) -m infra.verify.reconcile --settle $(or $(SETTLE),0)

trace: setup ## the journey of one order over all services, and who waits for whom (ORDER=id)
	@$(PY) -m infra.verify.journey $(or $(ORDER),--help)

crashes: setup ## kill processes between a write, its publication and its ack, and at the provider's calls (RUNS=250)
	@$(PY) -m infra.verify.faults.crashes --runs $(or $(RUNS),250)

expiry: setup ## many orders due in one second (ORDERS=500, KILL=worker|redis|nats)
	@$(PY) -m infra.verify.faults.expiry --orders $(or $(ORDERS),500) $(if $(KILL),--kill $(KILL))

money: setup ## payments race with expiry and cancelling (RACES=1000)
	@$(PY) -m infra.verify.faults.money --races $(or $(RACES),1000)

rollout: setup ## the last release beside this tree, and this tree beside a newer one (LEGS=release,tomorrow SHORT=1 SEED=...)
	@UV="$(UV)" $(PY) -m infra.verify.rollout $(if $(LEGS),--legs $(LEGS)) $(if $(SEED),--seed $(SEED)) $(if $(filter-out 0,$(SHORT)),--short)

live: setup ## open pages receive other users' changes within a second (PAGES=200)
	@$(PY) -m infra.verify.load.live --pages $(or $(PAGES),200)

weight: setup ## bytes, requests and paint times of each page on a slow phone
	@$(PY) -m infra.verify.weight

# New messages have no translation yet; a test of client fails until they have one.
catalogues: setup ## take the words of the pages into their catalogues
	@mkdir -p .tools && cd client && ../.venv/bin/pybabel -q extract -F babel.cfg -k gettext_noop --no-location --no-wrap -o ../.tools/messages.pot src/client
	@for file in client/src/client/translations/*.po; do .venv/bin/pybabel -q update --no-fuzzy-matching --ignore-obsolete \
	  --ignore-pot-creation-date --no-wrap -i .tools/messages.pot -l $$(basename $$file .po) -o $$file; done

bench: setup ## measure the system
	@$(PY) -m infra.verify.bench

blog: setup ## run the small blog of examples/blog (EDGE_PORT=8180)
	@exec $(PY) -m blog.run

blog-test: setup ## the small blog's tests, and how fast it replays
	@cd examples/blog && ../../$(PY) -m pytest -q -m "connected or not connected" && ../../$(PY) -m blog.run.rate

blog-k8s-test: setup ## the small blog's tests on a real Kubernetes (KUBECONFIG: infra/verify/kubernetes/hosts.py)
	@$(PY) -m blog.run.cluster

k8s-secrets: setup ## create the namespace and its secrets in the current Kubernetes context (STRIPE_KEY, STRIPE_WEBHOOK_SECRET, KUBECTL)
	@infra/k8s/secrets.sh

k8s-test: setup ## the suite on a real Kubernetes, part by part (PARTS=system,rollouts KEEP=1; KUBECONFIG: infra/verify/kubernetes/hosts.py)
	@$(PY) -m infra.verify.kubernetes $(if $(PARTS),--parts $(PARTS))

k8s-short: setup ## the quick parts of k8s-test, then blog-k8s-test, on one cluster
	@$(PY) -m infra.verify.kubernetes.trial $(MAKE) --no-print-directory -k k8s-test blog-k8s-test PARTS=flows,policies,production,secret

clean: setup ## delete the data of `make run`
	@$(PY) -m infra.dev --clean
