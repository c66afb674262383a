# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a run: every change on every host, from one observation of each host.

`site.yml` shows the plan, then applies it on the hosts that differ; `--check` shows the same plan and ends. See docs/adr/0015-plan-then-apply.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.image_archive import missing_images
from ansible_collections.waba.cluster.plugins.module_utils._internal.table import table

# The steps of a run, in the order in which site.yml applies them. The hosts of a step are in the group waba_apply_STEP.
STEPS = (
    "secrets",
    "docker",
    "images",
    "firewall",
    "export",
    "mount",
    "files",
    "database",
    "arbitrator",
    "proxies",
    "masters",
    "coreapps",
    "webapps",
    "api_proxies",
    "account",
    "backup",
    "cluster",
)
# Steps whose change and diff the observation has under their own names.
PARTS = ("firewall", "export", "mount", "backup")
ROLE_STEPS = {
    "mysql": "database",
    "guard": "database",
    "arbitrator": "arbitrator",
    "proxy": "proxies",
    "master": "masters",
    "coreapp": "coreapps",
    "webapp": "webapps",
    "api_proxy": "api_proxies",
    "api_address": "api_proxies",
}
# After these steps a container can differ in ways that the observation could not see yet.
PRECEDE_CONTAINERS = ("docker", "images", "mount", "files")
API_FOLLOWS = "Once a webapp answers: the password of admin and the number of shards, where they differ."
HEADINGS = ("host", "object", "action", "reason")
CONTROLLER = "(controller)"


class Change(NamedTuple):
    """One change: the step that makes it, the object that changes, the action, and the reason for it."""

    host: str
    step: str
    object: str
    action: str
    reason: str


def host_changes(
    host: str, seen: Mapping[str, Any], known_images: Mapping[str, Any], wanted: Iterable[str]
) -> list[Change]:
    """Return the changes of one host, in the order of STEPS.

    seen: the result of the module `host_info`. known_images: {image name: {"id", "source_hash"}} as far as they are known before the run. wanted: names
    of the images that the host needs.
    """
    changes = [*_docker(host, seen["docker"])]
    absent = absent_images(seen, known_images, wanted)
    for name in absent:
        reason = "it was made from other sources" if name in seen["images"] else "the host does not have it"
        changes.append(Change(host, "images", f"image {name}", "provide", reason))
    changes += [Change(host, step, *seen[step]["change"]) for step in PARTS if _differs(seen, step)]
    for change in seen.get("file_changes", []):
        reason = seen["files"].get(change["name"], "it is not there")
        changes.append(Change(host, "files", change["name"], change["action"], reason))
    for name in seen["single_connect"]:
        reason = "a second connection for the number gets the account banned"
        changes.append(Change(host, "files", f"container {name}", "stop", reason))
    return changes + _containers(host, seen, {name for name in absent if name in seen["images"]})


def absent_images(seen: Mapping[str, Any], known_images: Mapping[str, Any], wanted: Iterable[str]) -> list[str]:
    """Return the wanted images that a host lacks, or has with other content. Arguments: see `host_changes`."""
    return missing_images([{"name": name, **known_images.get(name, {})} for name in wanted], seen["images"])


def diffs(host: str, seen: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the differences of one host's parts and files, before and after, with the host and the object as headers."""
    found = [(seen[step]["change"][0], seen[step]["diff"]) for step in PARTS if _differs(seen, step)]
    found += [(change["name"], change["diff"]) for change in seen.get("file_changes", [])]
    return [
        {
            "before": diff["before"],
            "after": diff["after"],
            "before_header": f"{host}: {diff.get('before_header') or name}",
            "after_header": f"{host}: {diff.get('after_header') or name}",
        }
        for name, diff in found
        if diff
    ]


def cluster_changes(host: str, health: Mapping[str, Any], shards: int) -> list[Change]:
    """Return the changes that the cluster's own API makes. host: the host that was asked. health: the result of `cluster_health_info`, {} if not asked."""
    changes = []
    if health.get("login") == "initial":
        changes.append(Change(host, "cluster", "password of admin", "set", "it is the initial one"))
    served = health.get("shards", 0)
    if served and not health["healthy"]:
        changes.append(Change(host, "cluster", "number of shards", "change", f"it is {served}, not {shards}"))
    return changes


def account_changes(host: str, account: Mapping[str, Any]) -> list[Change]:
    """Return the changes of the account of the Cloud API. host: the host that asked. account: the result of `cloud_account_info`, {} if not asked."""
    return [Change(host, "account", *change) for change in account.get("changes", [])]


def _docker(host: str, docker: Mapping[str, Any]) -> list[Change]:
    if docker["missing_packages"]:
        return [Change(host, "docker", "Docker", "install", f"missing: {', '.join(docker['missing_packages'])}")]
    if not docker["running"]:
        return [Change(host, "docker", "Docker Engine", "start", "it does not run")]
    return [Change(host, "docker", "Docker Engine", "configure", docker["proxy"])] if docker["proxy"] else []


def _differs(seen: Mapping[str, Any], step: str) -> bool:
    return bool((seen.get(step) or {}).get("change"))


def _containers(host: str, seen: Mapping[str, Any], replaced_images: set[str]) -> list[Change]:
    """Return the changes of containers: those that differ now, and those that will once an image is replaced or the share is mounted."""
    actions = [dict(action) for action in seen.get("actions", [])]
    acted = {action["service"] for action in actions}
    actions += _joins(seen, acted)
    for service in seen.get("services", []):
        if service["service"] in acted or not service["container"]:
            continue
        reasons = ["image"] if service["image"] in replaced_images else []
        if _differs(seen, "mount") and service["role"] in ("master", "coreapp", "webapp"):
            reasons.append("media (the share is mounted over its folder)")
        if reasons:
            actions.append({**service, "action": "recreate", "reason": f"changed: {', '.join(reasons)}"})
    order = list(ROLE_STEPS)
    actions = [action for action in actions if action["role"] in ROLE_STEPS]
    return [
        Change(host, ROLE_STEPS[action["role"]], f"container {action['service']}", action["action"], action["reason"])
        for action in sorted(actions, key=lambda action: order.index(action["role"]))
    ]


def _joins(seen: Mapping[str, Any], acted: set[str]) -> list[dict[str, Any]]:
    """Return the actions of a database member or arbitrator that runs and has not joined the others, as a killed run may leave it.

    A member has a guard on its host. A single server has none, and nothing to join.
    """
    services = seen.get("services", [])
    joining = ("mysql", "arbitrator") if any(service["role"] == "guard" for service in services) else ("arbitrator",)
    return [
        {**service, "action": "wait for", "reason": "it has not joined the other members"}
        for service in services
        if service["role"] in joining
        and service["service"] not in acted
        and service["container"]
        and service["health"] != "healthy"
    ]


def steps(changes: Iterable[Change], parts: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return {host: its steps in the order of STEPS}.

    parts: {part: hosts} of the topology. A host whose Docker, images, files or share change takes part in the steps of its containers too: they compare
    again, on the host as it is then. Files with secrets that this run generates are compared after it has them. Where one host mounts the share, every
    client verifies it. Where one of several database members changes, all of them are observed before each step; so is their arbitrator, which may have to
    stop and start.
    """
    changes = list(changes)
    found: dict[str, set[str]] = {}
    if any(change.step == "secrets" for change in changes):
        found = {host: {"files"} for step in ROLE_STEPS.values() for host in parts.get(step, ())}
    for change in changes:
        if change.host != CONTROLLER:
            found.setdefault(change.host, set()).add(change.step)
    if any("mount" in given for given in found.values()):
        for host in parts["nfs_clients"]:
            found.setdefault(host, set()).add("mount")
    for host, given in found.items():
        if given.intersection(PRECEDE_CONTAINERS):
            given.update(step for step in ROLE_STEPS.values() if host in parts.get(step, ()))
    if len(parts["database"]) > 1 and any("database" in given for given in found.values()):
        for host in parts["database"]:
            found.setdefault(host, set()).add("database")
        for host in parts.get("arbitrator", ()):
            found.setdefault(host, set()).update(("database", "arbitrator"))
    return {host: [step for step in STEPS if step in given] for host, given in found.items()}


def lines(changes: list[Change], *, api_follows: bool = False) -> list[str]:
    """Return the lines of the plan as a table; one sentence where nothing changes. A change that several hosts share is one row.

    api_follows: no webapp answers yet, so the changes that `cluster_changes` returns are not known.
    """
    if not changes:
        return ["Nothing to change: every host is as its settings say."]
    merged: dict[tuple[str, ...], list[str]] = {}
    for step in STEPS:
        for change in changes:
            if change.step == step:
                merged.setdefault((change.object, change.action, change.reason), []).append(change.host)
    rows = [(", ".join(dict.fromkeys(hosts)), *cells) for cells, hosts in merged.items()]
    return [*table(rows, HEADINGS), *([API_FOLLOWS] if api_follows else [])]
