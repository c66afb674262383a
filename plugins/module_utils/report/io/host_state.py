# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compares a host's files and containers with its plan. Read-only."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils import contract
from ansible_collections.waba.cluster.plugins.module_utils.compose import host_files
from ansible_collections.waba.cluster.plugins.module_utils.compose.convergence import Action
from ansible_collections.waba.cluster.plugins.module_utils.compose.io import live_nodes
from ansible_collections.waba.cluster.plugins.module_utils.compose.io.command import Compose
from ansible_collections.waba.cluster.plugins.module_utils.compose.io.project import Project
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import engine
from ansible_collections.waba.cluster.plugins.module_utils.docker.io.install import RunCommand
from ansible_collections.waba.cluster.plugins.module_utils.errors import DockerUnavailable, HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files
from ansible_collections.waba.cluster.plugins.module_utils.report import drift

ENVIRONMENTS = {
    contract.NODE_ENVIRONMENT_FILE: "environment",
    contract.DATABASE_ENVIRONMENT_FILE: "database_environment",
}


def observe(
    run_command: RunCommand,
    params: Mapping[str, Any],
    planned: Sequence[Mapping[str, Any]],
    environments: Mapping[str, Mapping[str, str] | None],
) -> dict[str, Any]:
    """Return the {"services", "files", "error"} of a host. Raises HostError.

    services: as from `drift.service_drift`. files: as from `drift.file_drift`. error: the reason why the engine does not answer, "" if it does.
    params: values of `argspec.PLAN_OPTIONS`. planned: as from `nodes.plan_nodes`. environments: {"environment", "database_environment"}; the file of an
    environment that is None is not compared.
    """
    cluster, path = params["cluster_name"], params["path"]
    wanted = host_files.host_files(planned, params, *((environments[name] or {}) for name in environments))
    found = {name: files.read(os.path.join(path, name)) for name in contract.ALL_FILES}
    found = {name: state for name, state in found.items() if state and contract.is_managed(state[0], cluster)}
    differences = drift.file_drift(wanted, found, os.geteuid())
    unknown = [file for file, name in ENVIRONMENTS.items() if environments[name] is None and file in found]
    observed: list[dict[str, Any]] = []
    actions: list[Action] = []
    error = ""
    try:
        client = engine.connect()
        observed = live_nodes.observed(client, cluster, path, (*live_nodes.NODES, "mysql"))
        for name in (name for name in found if name.endswith(".yml")):
            actions += Project(client, Compose(run_command, os.path.join(path, name)), None).actions("present")
    except DockerUnavailable as failure:
        error = str(failure)
    except HostError as failure:
        differences.setdefault("(Compose)", str(failure))
    services = drift.service_drift(planned, observed, actions)
    return {
        "services": [{**service, "state": "not known", "drift": []} for service in services] if error else services,
        "files": {name: difference for name, difference in differences.items() if name not in unknown},
        "error": error,
    }
