# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare the files and containers of a host with those that its settings define. Read-only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.module_utils._internal.certificates.io import host_certificates
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import convergence, host_files
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.documents import compose_documents
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io import live_nodes
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io.project import Project
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.resolved import resolved
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import engine
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import DockerUnavailable
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.report import drift

ROLES = (*live_nodes.NODES, "mysql", "guard", "arbitrator", "proxy", "api_proxy", "api_address")
ENVIRONMENTS = {  # file: the option with its variables
    contract.NODE_ENVIRONMENT_FILE: "environment",
    contract.DATABASE_ENVIRONMENT_FILE: "database_environment",
}


def observe(
    params: Mapping[str, Any],
    planned: list[dict[str, Any]],
    environments: Mapping[str, Mapping[str, str] | None],
    diff_key: bytes = b"",
) -> dict[str, Any]:
    """Return how a host's files and containers differ from the planned ones.

    params: the options `argspec.PLAN_OPTIONS`. planned: as from `compose.nodes.plan_nodes`. environments: {"environment", "database_environment"}: checked
    variables, None if unknown; files and variables that depend on an unknown one are not compared. diff_key: see `dotenv.masked`;
    empty for no diff.

    `services`: `drift.service_drift`. `files`: `drift.file_drift`. `file_changes`: the files that would be written, with Ansible diffs. `actions`: the
    `convergence.Action`s as dicts, with the service's `role` and `image`. `error`: why the engine did not answer, "" if it did. Raises HostError.
    """
    cluster, path = params["cluster_name"], params["path"]
    documents = compose_documents(planned, params, engine.features(), host_certificates.digests(params))
    known = {file: environments.get(option) for file, option in ENVIRONMENTS.items()}
    wanted = host_files.host_files(
        planned,
        params,
        environments.get("environment") or {},
        environments.get("database_environment") or {},
        documents,
    )
    found = {name: files.read(os.path.join(path, name)) for name in contract.ALL_FILES}
    present = {name: state for name, state in found.items() if state and contract.is_managed(state[0], cluster)}
    uncompared = {file for file, values in known.items() if values is None}
    changes = [
        {
            "name": name,
            "action": "update" if found[name] else "create",
            # The text of a file with unknown variables cannot be rendered.
            "diff": {}
            if name in uncompared
            else host_files.file_diff(os.path.join(path, name), found[name], state, diff_key),
        }
        for name, state in wanted.items()
        if (found[name] is None if name in uncompared else found[name] != (*state, os.geteuid()))
    ]
    result: dict[str, Any] = {
        "files": {
            name: problem
            for name, problem in drift.file_drift(wanted, present, os.geteuid()).items()
            if name not in uncompared
        },
        "file_changes": changes,
        "error": "",
    }
    observed: list[dict[str, Any]] = []
    try:
        client = engine.connect()
        observed = live_nodes.observed(client, cluster, path, ROLES)
        actions = _actions(client, documents, known)
    except DockerUnavailable as error:
        result["error"] = str(error)
        actions = [convergence.Action(node["name"], "create", "it has no container") for node in planned]
    rows = drift.service_drift(planned, observed, actions)
    if result["error"]:
        rows = [{**row, "state": "not known", "drift": []} for row in rows]
    by_name = {node["name"]: node for node in planned}
    roles = {node["service"]: node["role"] for node in observed}
    return {
        **result,
        "services": rows,
        "actions": [
            {
                **action._asdict(),
                "role": by_name[action.service]["role"] if action.service in by_name else roles.get(action.service, ""),
                "image": by_name[action.service]["image"] if action.service in by_name else "",
            }
            for action in actions
        ],
    }


def _actions(
    client: Any,
    documents: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, Mapping[str, str] | None],
) -> list[convergence.Action]:
    """Return the actions that make the containers match the documents. Raises HostError."""
    actions: list[convergence.Action] = []
    for document in documents.values():
        definition = resolved(document, {file: values or {} for file, values in known.items()})
        found = Project(client, None, list(document["services"]), definition)
        for service, aspects in found.wanted.items():
            needed = [file[len("./") :] for file in document["services"][service].get("env_file", [])]
            unknown = any(known[file] is None for file in needed)
            aspects["environment"] = None if unknown else aspects["environment"]
        actions += found.actions("present")
    return actions
