# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The order in which the nodes of a cluster get another version, and the reasons against doing it now. Pure.

docs/adr/0021-rolling-order.md describes the order.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.database.backup import version_key
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.health import assess

VERSION = re.compile(r"v?(\d+(?:\.\d+)*)")
NO_IMAGE = "lacks it"
DRAINED = "draining"  # begins the problem of a drained node in /v1/health
IMAGE_ID = "sha256:"  # begins the id of an image
VARIABLES = {"master": "waba_coreapp_image", "coreapp": "waba_coreapp_image", "webapp": "waba_webapp_image"}
PHASES = (
    "unfinished",
    "secondary masters",
    "primary master",
    "spare coreapps",
    "connected coreapps",
    "webapps",
)

Node = Mapping[str, Any]
HealthNode = dict[str, str]  # as from cluster_health_info
Hosts = Mapping[str, Mapping[str, Any]]  # {host: {"nodes", "images"}} as from cluster_nodes_info
Images = Mapping[str, str]  # {"coreapp", "webapp"}
Batch = dict[str, Any]


def version_of(image: str) -> str:
    """Return the version that an image's tag names, as in "1.0.0"; "" if it names none, as an image id."""
    if image.startswith(IMAGE_ID):
        return ""
    _name, colon, tag = image.partition("@")[0].rpartition(":")
    match = VERSION.match(tag) if colon and "/" not in tag else None
    return match[1] if match else ""


def is_older(version: str, other: str) -> bool:
    """Return whether a version is older than another. An unknown version ("") is neither older nor newer."""
    return bool(version and other) and version_key(version) < version_key(other)


def version_problems(nodes: Sequence[Node], images: Images, accepted: bool) -> list[Problem]:
    """Return a problem for each image that would change the version of running nodes all at once.

    nodes: {"service", "role", "image"} each. accepted: whether the operator accepts the outage.
    """
    if accepted:
        return []
    changes: dict[tuple[str, str, str], list[str]] = {}
    for node in nodes:
        wanted = _image_for(node, images)
        running, target = version_of(node["image"]), version_of(wanted)
        if running != target and running and target:
            changes.setdefault((VARIABLES[node["role"]], wanted, running), []).append(node["service"])
    return [
        Problem(
            variable,
            wanted,
            f"{', '.join(sorted(services))} would go from version {running} to {version_of(wanted)} all at once",
            f"Set waba_version to {running}, or run rollback.yml to go back"
            if is_older(version_of(wanted), running)
            else "Run upgrade.yml, or set waba_upgrade_outage to true",
        )
        for (variable, wanted, running), services in sorted(changes.items())
    ]


def _image_for(node: Node, images: Images) -> str:
    return images["webapp" if node["role"] == "webapp" else "coreapp"]


def has_other_image(node: Node, images: Images | None, image_ids: Mapping[str, str]) -> bool:
    """Return whether a node has another image than it should. images: None if every node is due. image_ids: {image: id} of its host."""
    if images is None:
        return True
    wanted = _image_for(node, images)
    return bool(node["image"] != wanted or node["image_id"] != image_ids.get(wanted))


def is_unfinished(node: Node, images: Images | None) -> bool:
    """Return whether an interrupted run left this node unfinished: its file names the new image, but its container has another or does not work.

    images: None if every node is restarted as it is; a node that does not run is then one that such a run stopped and did not start.
    """
    if images is None:
        return bool(node["file_image"]) and not is_sound(node)
    wanted = _image_for(node, images)
    return bool(node["file_image"] == wanted and not (is_sound(node) and node["image"] == wanted))


def is_sound(node: Node) -> bool:
    """Return whether a node's container runs and is not unhealthy. Right after a start its health is unknown."""
    return bool(node["state"] == "running" and node["health"] != "unhealthy")


def _is_drained(observed: Node) -> bool:
    """Return whether a node reports that it was drained, as by an interrupted run that has not replaced it yet."""
    return str(observed.get("problem", "")).startswith(DRAINED)


def batches(
    found: Hosts,
    health: Sequence[HealthNode],
    images: Images | None,
    serial: int,
    outage: bool,
    services: Mapping[str, Collection[str]] | None = None,
) -> list[Batch]:
    """Return the batches in order: {"phase", "members": [{"host", "service", "role", "from", "to"}]} each; empty when no node is due.

    found: as from `cluster_nodes_info`. health: nodes as from `cluster_health_info`. images: None if their images stay. serial: the number of nodes of a phase
    that change at once; one webapp and one spare coreapp always stay. outage: each role changes at once; if one node is due, every node
    with a file is a member, since all of them are stopped before. services: {host: services} that are due, None for all; those that an interrupted run
    left unfinished are due too.
    """
    observed = {node["container"]: node for node in health}
    phases: dict[str, list[dict[str, str]]] = {name: [] for name in PHASES}
    totals = {"master": 0, "coreapp": 0, "webapp": 0}
    all_stop = outage and any(
        _is_due(node, images, facts["images"]) for facts in found.values() for node in facts["nodes"]
    )
    for host, facts in found.items():
        for node in facts["nodes"]:
            totals[node["role"]] += 1
            is_selected = services is None or node["service"] in services.get(host, ()) or is_unfinished(node, images)
            if (is_selected and _is_due(node, images, facts["images"])) or (all_stop and node["file_image"]):
                phase = _phase(node, observed.get(node["container"], {}), images)
                phases[phase].append(
                    {
                        "host": host,
                        "service": node["service"],
                        "role": node["role"],
                        "from": _former_image(node, images, facts["images"]),
                        "to": _image_for(node, images) if images else node["image"],
                    }
                )
    if outage:
        everything = [member for members in phases.values() for member in members]
        steps = [(f"all {role}s", [one for one in everything if one["role"] == role]) for role in totals]
        return [{"phase": phase, "members": members} for phase, members in steps if members]
    sizes = {
        "unfinished": 1,  # their roles differ
        "secondary masters": serial,
        "primary master": 1,
        "spare coreapps": max(1, min(serial, totals["coreapp"] - 2)),
        "connected coreapps": 1,
        "webapps": max(1, min(serial, totals["webapp"] - 1)),
    }
    return [
        {"phase": phase, "members": members[first : first + sizes[phase]]}
        for phase, members in phases.items()
        for first in range(0, len(members), sizes[phase])
    ]


def _former_image(node: Node, images: Images | None, image_ids: Mapping[str, str]) -> str:
    """Return the image to which a node is restored if its step fails: the name, or the id where the name already means a newer build of the version."""
    if images is None or node["image"] != _image_for(node, images):
        return str(node["image"])
    return str(node["image_id"] if has_other_image(node, images, image_ids) else node["image"])


def _is_due(node: Node, images: Images | None, image_ids: Mapping[str, str]) -> bool:
    return has_other_image(node, images, image_ids) or is_unfinished(node, images)


def _phase(node: Node, observed: Node, images: Images | None) -> str:
    # The image of a node that is restarted does not change, so the image does not show that an interrupted run has drained it.
    if (is_unfinished(node, images) and not is_sound(node)) or (images is None and _is_drained(observed)):
        return "unfinished"
    if node["role"] == "master":
        return "primary master" if observed.get("role") == "primary_master" else "secondary masters"
    if node["role"] == "coreapp":
        return "connected coreapps" if observed.get("gateway_status") == "connected" else "spare coreapps"
    return "webapps"


def plan_problems(
    found: Hosts,
    health: Sequence[HealthNode],
    images: Images | None,
    schema: Mapping[str, Any],
    expected: Mapping[str, int],
    options: Mapping[str, Any],
    services: Mapping[str, Collection[str]] | None = None,
) -> list[Problem]:
    """Return every problem with giving the cluster these images now.

    found, health, images: as for `batches`. schema: the answer of the module `schema` for the target image. expected: {"masters", "coreapps",
    "shards"}. services: as for `batches`. options: {"back": whether an older version is requested; "outage": whether the operator accepts an outage}.
    """
    if images is None:
        return list(_health_problems(found, health, images, expected, services))
    target = version_of(images["coreapp"])
    return [
        *_image_problems(found, images, target, schema),
        *_direction_problems(found, target, options["back"]),
        *_schema_problems(schema, target, options),
        *([] if options["outage"] else _health_problems(found, health, images, expected)),
    ]


def _image_problems(found: Hosts, images: Images, target: str, schema: Mapping[str, Any]) -> Iterator[Problem]:
    if target != version_of(images["webapp"]):
        problem = f"webapps would have version {version_of(images['webapp'])}, masters and coreapps {target}"
        yield Problem("waba_webapp_image", images["webapp"], problem, "Name images of one version")
    if schema.get("version") and target and schema["version"] != target:
        problem = f"the node in it reports version {schema['version']}"
        yield Problem("waba_coreapp_image", images["coreapp"], problem, "Build or load the image of that version")
    for host, facts in found.items():
        wanted = {_image_for(node, images) for node in facts["nodes"]}
        for image in sorted(wanted - set(facts["images"])):
            fix = "Provide it with the role waba.cluster.images, or fix the name"
            yield Problem("waba_coreapp_image", image, f"{host} {NO_IMAGE}", fix)


def _direction_problems(found: Hosts, target: str, back: bool) -> Iterator[Problem]:
    versions = {version_of(node["image"]) for facts in found.values() for node in facts["nodes"]} - {""}
    running = sorted(versions, key=version_key)
    if not running:
        yield Problem("waba_version", target, "no node of the cluster was found", "Run site.yml first")
    elif not back and is_older(target, running[-1]):
        problem = f"nodes run version {running[-1]}: this would go back"
        yield Problem("waba_version", target, problem, "Run rollback.yml to go back")
    elif back and is_older(running[-1], target):
        problem = f"nodes run version {running[-1]}: this would not go back"
        yield Problem("waba_version", target, problem, "Run upgrade.yml")


def _schema_problems(schema: Mapping[str, Any], target: str, options: Mapping[str, Any]) -> Iterator[Problem]:
    if schema.get("mismatch") and not schema.get("pending"):
        fix = "Restore a backup of that time with restore.yml, or keep the running version"
        yield Problem("waba_version", target, schema["mismatch"], fix)
    for migration in schema.get("pending", []):
        revision, blockers = migration["revision"], migration["blockers"]
        if options["back"]:
            problem = f"the schema lacks its migration {revision}, so the cluster never ran this version"
            yield Problem("waba_version", target, problem, "Name a version that the cluster has run")
        elif blockers and not options["outage"]:
            problem = f"with migration {revision} the nodes {', '.join(blockers)} cannot go on working"
            fix = "Set waba_upgrade_outage to true, which stops them during the upgrade; or upgrade to a version in between first"
            yield Problem("waba_version", target, problem, fix)


def _health_problems(
    found: Hosts,
    health: Sequence[HealthNode],
    images: Images | None,
    expected: Mapping[str, int],
    services: Mapping[str, Collection[str]] | None = None,
) -> Iterator[Problem]:
    nodes = [(host, node) for host, facts in found.items() for node in facts["nodes"]]
    drained = {node["container"] for node in health if images is None and _is_drained(node)}
    left = [
        node
        for host, node in nodes
        if is_unfinished(node, images)
        or (node["container"] in drained and (services is None or node["service"] in services.get(host, ())))
    ]
    unfinished = {node["container"] for node in left if node["container"]}
    known = {node["container"] for _host, node in nodes}
    reasons, _summary = assess(health, **expected)
    if any(node["role"] != "webapp" for node in left):
        # The unfinished nodes of an interrupted run come first, provided that the others serve.
        sound = [node for node in health if node["container"] in known - unfinished and not node["problem"]]
        serving = any(node["role"] == "primary_master" for node in sound)
        connected = sum(node["gateway_status"] == "connected" for node in sound if node["role"] == "coreapp")
        reasons = [] if serving and connected == expected["shards"] else reasons
    webapps = [
        f"{node['service']} on {host} is {node['state'] or 'absent'} {node['health']}".strip()
        for host, node in nodes
        if node["role"] == "webapp" and not is_sound(node) and not is_unfinished(node, images)
    ]
    for reason in [*reasons, *webapps]:
        yield Problem(
            "(the cluster's health)", "not healthy", reason, "Fix that first: start.yml starts stopped containers"
        )
