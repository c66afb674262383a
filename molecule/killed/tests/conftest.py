"""The hosts of the scenario, and their states after undisturbed runs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

import pytest
import state
from api import Api
from figures import figure
from flow import Flow
from hosts import Hosts
from killed_runs import Run
from lab_runs import run
from state import State
from trials import remove_cluster

SEED = int(os.environ.get("WABA_KILLED_SEED", "1"))
NEXT = ("-e", "waba_version=1.1.0")
COREAPPS = 2


@dataclass(frozen=True)
class Undisturbed:
    """A run without a kill or an accident, and the state after it."""

    run: Run
    state: State


def undisturbed(hosts: Hosts, playbook: str, *arguments: str) -> Undisturbed:
    done = run(hosts, playbook, *arguments)
    assert done.status == 0, done.output
    figure(f"{playbook} {' '.join(arguments)}, undisturbed", f"{done.seconds:.0f} s, {len(done.tasks)} tasks")
    return Undisturbed(done, state.observe(hosts))


def webapp(hosts: Hosts, name: str) -> Api:
    return Api(f"https://{hosts.addresses[name]['ansible_host']}:9090", hosts.folder / "waba_secrets.yml")


def lost(hosts: Hosts, flow: Flow) -> set[str]:
    """Return the ids of accepted messages that are not in the database."""
    stored = hosts.run("db1", "docker exec waba-db-db-1 mariadb waba -Ne 'SELECT message_id FROM message'")
    return set(flow.accepted) - set(stored.split())


def no_logs() -> list[list[str]]:
    """Return no log: these tests examine messages and not connections."""
    return []


@pytest.fixture(scope="session")
def hosts() -> Hosts:
    return Hosts("killed")


@pytest.fixture(scope="session")
def site(hosts: Hosts) -> Undisturbed:
    """site.yml on hosts that have Docker and the images only."""
    remove_cluster(hosts)
    return undisturbed(hosts, "site.yml")


def upgraded_state(hosts: Hosts, before: State) -> State:
    """Return the state after upgrade.yml: the former state with the next image."""
    old, new = "waba/node:v1.0.0", "waba/node:v1.1.0-rehearsal"
    old_id, new_id = (
        hosts.run("master1", f"docker image inspect --format '{{{{.Id}}}}' {image}").strip() for image in (old, new)
    )
    return json.loads(json.dumps(before).replace(old, new).replace(old_id, new_id))
