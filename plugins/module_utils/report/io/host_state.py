# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host's files and containers held against its plan. Only looks."""

from __future__ import annotations

import os

from ansible_collections.waba.cluster.plugins.module_utils import contract
from ansible_collections.waba.cluster.plugins.module_utils.compose import host_files
from ansible_collections.waba.cluster.plugins.module_utils.compose.io import live_nodes as nodes
from ansible_collections.waba.cluster.plugins.module_utils.compose.io.command import Compose
from ansible_collections.waba.cluster.plugins.module_utils.compose.io.project import Project
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import engine as docker_engine
from ansible_collections.waba.cluster.plugins.module_utils.errors import DockerUnavailable, HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files
from ansible_collections.waba.cluster.plugins.module_utils.report import drift


def observe(run_command, params, planned, environments):
    """Return {"services", "files", "error"} of a host: `drift.service_drift`, `drift.file_drift`, and why the engine could not be asked ("" where it could).

    params: `options.PLAN_OPTIONS`. planned: as from `nodes.plan_nodes`. environments: {"environment", "database_environment": {str: str} or None}; files of
    those that are None are not compared. Raises HostError.
    """
    cluster, path = params["cluster_name"], params["path"]
    wanted = host_files.host_files(planned, params, *((environments[name] or {}) for name in environments))
    found = {name: files.read(os.path.join(path, name)) for name in contract.ALL_FILES}
    found = {name: state for name, state in found.items() if state and contract.is_ours(state[0], cluster)}
    wrong = drift.file_drift(wanted, found, os.geteuid())
    unknown = [file for file, name in _ENVIRONMENTS.items() if environments[name] is None and file in found]
    observed, actions, error = [], [], ""
    try:
        client = docker_engine.connect()
        observed = nodes.observed(client, cluster, path, (*nodes.NODES, "mysql"))
        for name in (name for name in found if name.endswith(".yml")):
            actions += Project(client, Compose(run_command, os.path.join(path, name)), None).actions("present")
    except DockerUnavailable as failure:
        error = str(failure)
    except HostError as failure:
        wrong.setdefault("(Compose)", str(failure))
    services = drift.service_drift(planned, observed, actions)
    return {
        "services": [{**service, "state": "not known", "drift": []} for service in services] if error else services,
        "files": {name: fault for name, fault in wrong.items() if name not in unknown},
        "error": error,
    }


_ENVIRONMENTS = {
    contract.NODE_ENVIRONMENT_FILE: "environment",
    contract.DATABASE_ENVIRONMENT_FILE: "database_environment",
}
