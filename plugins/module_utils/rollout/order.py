# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""In which order the nodes of a cluster get another version, and why it may not be done now. Pure (order: the mission's; refusals: ours)."""

from __future__ import annotations

import re

from ansible_collections.waba.cluster.plugins.module_utils.database.backup import version_key
from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils.report.health import judge

VERSION = re.compile(r"v?(\d+(?:\.\d+)*)")
LACKS = "lacks it"
VARIABLES = {"master": "waba_coreapp_image", "coreapp": "waba_coreapp_image", "webapp": "waba_webapp_image"}


def version_of(image):
    """Return the version (str, as in "1.0.0") that an image's tag names, "" where it names none."""
    _name, colon, tag = image.partition("@")[0].rpartition(":")
    found = VERSION.match(tag) if colon and "/" not in tag else None
    return found[1] if found else ""


def is_older(version, other):
    """Return whether a version is older than another; one that nobody knows is neither older nor newer."""
    return bool(version and other) and version_key(version) < version_key(other)


def version_problems(nodes, images, accepted):
    """Return a Problem for each image that would change the version of running nodes all at once.

    nodes: list of {"service", "role", "image"}. images: {"coreapp", "webapp"}. accepted: bool, the outage is.
    """
    changes = {}
    for node in nodes:
        wanted = images["webapp" if node["role"] == "webapp" else "coreapp"]
        running, target = version_of(node["image"]), version_of(wanted)
        if running != target and running and target:
            changes.setdefault((VARIABLES[node["role"]], wanted, running), []).append(node["service"])
    if accepted:
        return []
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


def due(node, images, image_ids):
    """Return whether a node has another image than it should. images: None where every node's turn comes. image_ids: {image: id} of its host."""
    if images is None:
        return True
    wanted = images["webapp" if node["role"] == "webapp" else "coreapp"]
    return node["image"] != wanted or node["image_id"] != image_ids.get(wanted)


def is_left_halfway(node, images):
    """Return whether an interrupted run left a node like this: its file speaks of the new image, and its container is another's or does not work.

    images: None where every node is restarted as it is; then one that stands still is one that such a run stopped and did not start again.
    """
    if images is None:
        return bool(node["file_image"]) and not is_sound(node)
    wanted = images["webapp" if node["role"] == "webapp" else "coreapp"]
    return node["file_image"] == wanted and not (is_sound(node) and node["image"] == wanted)


def is_sound(node):
    """Return whether a node's container runs, and nothing is said against its health; right after a start nothing is said at all."""
    return node["state"] == "running" and node["health"] != "unhealthy"


def batches(found, health, images, serial, outage):
    """Return the steps, in order: list of {"phase", "members": [{"host", "service", "role", "from", "to"}]}; empty when nothing is due.

    found: {host: {"nodes", "images"}} as `cluster_nodes_info` returns them. health: nodes as `cluster_health` returns them.
    serial: int, how many nodes of a phase at once; a webapp and a spare coreapp always stay. outage: bool, each role at once; when one node is due,
    every node that has a file takes its turn, since all of them are stopped before.
    """
    roles = {node["container"]: node for node in health}
    phases = {
        name: []
        for name in (
            "unfinished",
            "secondary masters",
            "primary master",
            "spare coreapps",
            "connected coreapps",
            "webapps",
        )
    }
    totals = {"master": 0, "coreapp": 0, "webapp": 0}
    all_stop = outage and any(
        _has_its_turn(node, images, facts["images"]) for facts in found.values() for node in facts["nodes"]
    )
    for host, facts in found.items():
        for node in facts["nodes"]:
            totals[node["role"]] += 1
            if _has_its_turn(node, images, facts["images"]) or (all_stop and node["file_image"]):
                wanted = images["webapp" if node["role"] == "webapp" else "coreapp"] if images else node["image"]
                member = {"host": host, "service": node["service"], "role": node["role"]}
                phases[_phase(node, roles.get(node["container"], {}), images)].append(
                    {**member, "from": node["image"], "to": wanted}
                )
    if outage:
        everything = [member for members in phases.values() for member in members]
        steps = [(f"all {role}s", [one for one in everything if one["role"] == role]) for role in totals]
        return [{"phase": phase, "members": members} for phase, members in steps if members]
    most = {
        "primary master": 1,
        "connected coreapps": 1,
        "secondary masters": serial,
        "spare coreapps": max(1, min(serial, totals["coreapp"] - 2)),
        "webapps": max(1, min(serial, totals["webapp"] - 1)),
        "unfinished": 1,  # their roles differ
    }
    return [
        {"phase": phase, "members": members[first : first + most[phase]]}
        for phase, members in phases.items()
        for first in range(0, len(members), most[phase])
    ]


def _has_its_turn(node, images, image_ids):
    return due(node, images, image_ids) or is_left_halfway(node, images)


def _phase(node, seen, images):
    if is_left_halfway(node, images) and not is_sound(node):
        return "unfinished"
    if node["role"] == "master":
        return "primary master" if seen.get("role") == "primary_master" else "secondary masters"
    if node["role"] == "coreapp":
        return "connected coreapps" if seen.get("gateway_status") == "connected" else "spare coreapps"
    return "webapps"


def plan_problems(found, health, images, schema, expected, options):
    """Return everything (list of Problem) that speaks against giving the cluster these images now.

    images: {"coreapp", "webapp"}, None where they stay as they are. schema: what `waba.cluster.schema` tells of the target's image.
    expected: {"masters", "coreapps", "shards"}. options: {"back": bool, going back is what was asked for; "outage": bool, an outage is accepted}.
    """
    if images is None:
        return list(_health_problems(found, health, images, expected))
    target = version_of(images["coreapp"])
    return [
        *_image_problems(found, images, target, schema),
        *_direction_problems(found, target, options["back"]),
        *_schema_problems(schema, target, options),
        *([] if options["outage"] else _health_problems(found, health, images, expected)),
    ]


def _image_problems(found, images, target, schema):
    if target != version_of(images["webapp"]):
        problem = f"webapps would have version {version_of(images['webapp'])}, masters and coreapps {target}"
        yield Problem("waba_webapp_image", images["webapp"], problem, "Name images of one version")
    if schema.get("version") and target and schema["version"] != target:
        problem = f"the node in it says that it is version {schema['version']}"
        yield Problem("waba_coreapp_image", images["coreapp"], problem, "Make or load the image of that version")
    for host, facts in found.items():
        roles = {"webapp" if node["role"] == "webapp" else "coreapp" for node in facts["nodes"]}
        for image in sorted({images[role] for role in roles} - set(facts["images"])):
            fix = "Let the role waba.cluster.images deliver it, or fix the name"
            yield Problem("waba_coreapp_image", image, f"{host} {LACKS}", fix)


def _direction_problems(found, target, back):
    running = sorted(
        {version_of(node["image"]) for facts in found.values() for node in facts["nodes"]} - {""}, key=version_key
    )
    if not running:
        yield Problem("waba_version", target, "no node of the cluster was found", "Run site.yml first")
    elif not back and is_older(target, running[-1]):
        problem = f"nodes run version {running[-1]}: this would go back"
        yield Problem("waba_version", target, problem, "Run rollback.yml, if that is what you want")
    elif back and is_older(running[-1], target):
        yield Problem(
            "waba_version", target, f"nodes run version {running[-1]}: this would not go back", "Run upgrade.yml"
        )


def _schema_problems(schema, target, options):
    too_old = schema.get("misfit") and not schema.get("pending")
    if too_old:
        fix = "Restore a backup of that time with restore.yml, or stay"
        yield Problem("waba_version", target, schema["misfit"], fix)
    for migration in schema.get("pending", []):
        if options["back"]:
            problem = (
                f"the schema lacks its migration {migration['revision']}, so it is not where the cluster came from"
            )
            yield Problem("waba_version", target, problem, "Name the version to go back to")
        elif migration["blockers"] and not options["outage"]:
            problem = f"with migration {migration['revision']} the nodes {', '.join(migration['blockers'])} cannot go on working"
            fix = "Set waba_upgrade_outage to true, which stops them meanwhile; or go to a version between first"
            yield Problem("waba_version", target, problem, fix)


def _health_problems(found, health, images, expected):
    halfway = {
        node["container"]
        for facts in found.values()
        for node in facts["nodes"]
        if node["container"] and is_left_halfway(node, images)
    }
    known = {node["container"] for facts in found.values() for node in facts["nodes"]}
    lost = sum(
        1
        for facts in found.values()
        for node in facts["nodes"]
        if is_left_halfway(node, images) and node["role"] != "webapp"
    )
    reasons, _summary = judge(health, **expected)
    if lost:  # what an interrupted run left is fixed first; the others must serve
        sound = [node for node in health if node["container"] in known - halfway and not node["problem"]]
        serving = any(node["role"] == "primary_master" for node in sound)
        connected = sum(node["gateway_status"] == "connected" for node in sound if node["role"] == "coreapp")
        reasons = [] if serving and connected == expected["shards"] else reasons
    webapps = [
        f"{node['service']} on {host} is {node['state'] or 'gone'} {node['health']}".strip()
        for host, facts in found.items()
        for node in facts["nodes"]
        if node["role"] == "webapp" and not is_sound(node) and not is_left_halfway(node, images)
    ]
    for reason in [*reasons, *webapps]:
        yield Problem(
            "(the cluster's health)", "not healthy", reason, "Fix that first: start.yml starts what stands still"
        )
