# The commands of the README and of docs/contribute. Everything is written to .venv and .build of this folder.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
TREE := .build/ansible_collections/waba
INVENTORY ?= inventories/single_server
# More options for ansible-playbook, e.g. make site ARGS="--ask-become-pass -e waba_version=1.0.0"
ARGS ?=
ONLY ?=
EXAMPLES ?= 100
DEBIAN ?= 13
LAB ?= lab
HOSTS ?= 8
MINUTES ?= 30
UPGRADES ?= 10
SEED ?=

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

.PHONY: help site preflight rehearse uninstall status logs test test-cores test-bare lint release lab lab-down soak-simulation fuzz clean soak soak-killed soak-alerts bench-upgrade bench-backup bench-node bench-cloud bench-deploy
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

site: $(VENV)/run.stamp ## Deploy the cluster of INVENTORY (ARGS: more options for ansible-playbook)
	ansible-playbook playbooks/site.yml -i $(INVENTORY) $(ARGS)

preflight: $(VENV)/run.stamp ## Check the hosts of INVENTORY and every setting; read-only
	ansible-playbook playbooks/preflight.yml -i $(INVENTORY) $(ARGS)

rehearse: $(VENV)/run.stamp ## Send and receive through the whole path with the stand-in of the Cloud API, without an account at Meta
	ansible-playbook playbooks/rehearse.yml -i inventories/rehearsal $(ARGS)

uninstall: $(VENV)/run.stamp ## Remove the cluster of INVENTORY; volumes are retained unless ARGS="-e waba_wipe_volumes=true"
	ansible-playbook playbooks/uninstall.yml -i $(INVENTORY) $(ARGS)

status: $(VENV)/run.stamp ## Report the state of the cluster of INVENTORY; fails if it is unhealthy or differs from the inventory
	ansible-playbook playbooks/status.yml -i $(INVENTORY) $(ARGS)

logs: $(VENV)/run.stamp ## Collect the logs, files and versions of every host of INVENTORY into one archive (ARGS="-e waba_logs_since=2h")
	ansible-playbook playbooks/logs.yml -i $(INVENTORY) $(ARGS)

test: $(VENV)/test.stamp ## Run the tests (ONLY="units node": these stages alone)
	python3 tests/run.py $(ONLY)

test-cores: $(VENV)/test.stamp ## Run sanity and units on each supported ansible-core, where its Python is installed
	python3 tests/run.py $(foreach core,2.19 2.20 2.21,units-core-$(core) sanity-core-$(core)) units-core-prerelease sanity-core-prerelease

test-bare: $(VENV)/test.stamp ## Run the tests of HEAD on a new Debian (DEBIAN=12 or 13) in a container
	tests/tools/bare_machine $(DEBIAN) $(ONLY)

lint: $(VENV)/test.stamp ## Run the quick checks alone
	python3 tests/run.py ruff mypy words imports ansible-lint changelog

release: $(VENV)/test.stamp ## Prepare release VERSION: versions, changelog, artifact, checks (NODE, DATABASE: new versions of their images)
	python3 tests/tools/release.py "$(VERSION)" $(if $(NODE),--node $(NODE)) $(if $(DATABASE),--database $(DATABASE))

fuzz: $(VENV)/test.stamp ## Fuzz the API with EXAMPLES random requests for each call, and with requests at the bounds of its document
	WABA_FUZZ_EXAMPLES=$(EXAMPLES) PYTHONPATH=images/node/src tests/tools/with_database $(VENV)/bin/python -m pytest -s images/node/tests/webapp/test_fuzz.py

lab: $(VENV)/test.stamp ## Start the lab LAB: HOSTS containers that act as hosts, each with an address and an engine of its own
	ansible-playbook -i localhost, tests/lab/prepare.yml
	python3 tests/lab/lab.py up --name $(LAB) --hosts $(HOSTS) $(ARGS)

lab-down: $(VENV)/test.stamp ## Remove the lab LAB
	python3 tests/lab/lab.py down --name $(LAB)

soak-simulation: $(VENV)/test.stamp ## Simulate a million clusters under faults, continuing an interrupted run (ARGS="--schedules 100 --first 4711")
	@mkdir -p .build
	cd images/node && PYTHONPATH=src $(CURDIR)/$(VENV)/bin/python -m tests.simulation $(or $(ARGS),--schedules 1000000 --state $(CURDIR)/.build/soak-simulation.json)

soak: $(VENV)/test.stamp ## Inject random faults into a real cluster under traffic for MINUTES, from SEED
	molecule destroy --scenario-name chaos && molecule converge --scenario-name chaos
	WABA_CHAOS_SECONDS=$$(( 60 * $(MINUTES) )) WABA_CHAOS_SEED=$(SEED) python3 -m pytest -s molecule/chaos/tests
	molecule destroy --scenario-name chaos

bench-upgrade: $(VENV)/test.stamp ## Measure UPGRADES rolling upgrades under traffic, and a plain restart beside them
	molecule destroy --scenario-name upgrade && molecule converge --scenario-name upgrade
	WABA_UPGRADES=$(UPGRADES) python3 -m pytest -s molecule/upgrade/tests/test_3_many.py
	molecule destroy --scenario-name upgrade

soak-killed: $(VENV)/test.stamp ## Kill runs at each boundary between two tasks (ARGS="--playbook upgrade --minutes 30 --seed 7")
	molecule destroy --scenario-name killed && molecule create --scenario-name killed
	PYTHONPATH=tests/support python3 molecule/killed/tests/soak.py $(ARGS)
	molecule destroy --scenario-name killed

soak-alerts: $(VENV)/test.stamp ## Expect that no alert fires for MINUTES, except with the one that reports the failover in the middle
	PYTHONPATH=tests/support:.build:images/node/src tests/tools/with_database python3 tests/monitoring/soak.py --minutes $(MINUTES)

bench-deploy: $(VENV)/test.stamp ## Measure site.yml beside a plain playbook and docker compose, and its cost per host (about 15 minutes)
	ansible-playbook -i localhost, tests/lab/prepare.yml
	PYTHONPATH=tests/support python3 tests/bench/deploy.py $(ARGS)

bench-node: $(VENV)/test.stamp ## Measure messages per second and seconds of failover of the installed images (needs wrk)
	PYTHONPATH=tests/support python3 tests/bench/node.py messages
	PYTHONPATH=tests/support python3 tests/bench/node.py members
	PYTHONPATH=tests/support python3 tests/bench/node.py failover --kills 30
	PYTHONPATH=tests/support python3 tests/bench/node.py failover --kills 3 --monitor database
	PYTHONPATH=tests/support python3 tests/bench/node.py moves

bench-backup: $(VENV)/test.stamp ## Measure the seconds of a backup and of a restore for each GB of the database (about 10 minutes)
	molecule destroy --scenario-name default && molecule create --scenario-name default && molecule converge --scenario-name default
	PYTHONPATH=tests/support python3 tests/bench/backup.py $(ARGS)
	molecule destroy --scenario-name default

bench-cloud: $(VENV)/test.stamp ## Measure messages per second through the Cloud API upstream beside a floor, and webhooks of users
	PYTHONPATH=tests/support python3 tests/bench/cloud.py $(ARGS)

clean: ## Remove the environment and the build output of this folder, never a cluster
	rm -rf $(VENV) .build

$(VENV)/run.stamp: requirements/run.txt | $(TREE)/cluster
	tests/tools/make_venv "$(PYTHON)" $(VENV)
	$(VENV)/bin/pip install --quiet --requirement $<
	touch $@

$(VENV)/test.stamp: requirements/test.txt images/node/requirements-test.txt images/node/requirements.txt $(VENV)/run.stamp
	$(VENV)/bin/pip install --quiet --requirement $<
	touch $@

# Ansible resolves waba.cluster by this path.
$(TREE)/cluster:
	mkdir -p $(TREE)
	ln -sfn $(CURDIR) $@
