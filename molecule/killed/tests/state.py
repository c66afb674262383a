"""The state of a cluster at a moment: files, containers and leftovers on the hosts; and pure comparisons of two states."""

from __future__ import annotations

import contextlib
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from hosts import Hosts

State = dict[str, dict[str, Any]]  # by host: the result of OBSERVE

# Runs on a host, with the secrets on its standard input. `leftovers` are the files in the places of temporary files; `secret` are the
# files with a secret; `exposed` are those of them that other users than root can read.
OBSERVE = r"""
import json, os, stat, subprocess, sys
secrets = [text.encode() for text in json.load(sys.stdin)]
FILES = "/opt/waba"
PLACES = (FILES, "/root", "/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/etc/exports.d")
def docker(*words):
    return subprocess.run(["docker", *words], capture_output=True, text=True).stdout
def walk(*places):
    for place in places:
        for folder, folders, names in os.walk(place):
            for name in names:
                if name.startswith("runc-process"):  # written by the engine when a health check begins
                    continue
                path = os.path.join(folder, name)
                try:
                    status = os.lstat(path)
                    text = open(path, "rb").read() if stat.S_ISREG(status.st_mode) else b""
                except OSError:
                    continue
                yield path, stat.S_IMODE(status.st_mode), status.st_uid, text
ids = docker("ps", "--all", "--quiet", "--no-trunc", "--filter", "label=waba.cluster.name").split()
containers = json.loads(docker("inspect", *ids)) if ids else []
def labelled(kind):
    return sorted(docker(kind, "ls", "--format", "{{.Name}}", "--filter", "label=waba.cluster.name").split())
found = list(walk(*PLACES))
json.dump({
    "files": {path: [oct(mode), owner, text.decode("utf-8", "replace")] for path, mode, owner, text in found if path.startswith(FILES)},
    "leftovers": sorted(path for path, *_ in found if not path.startswith(FILES)),
    "secret": sorted(path for path, mode, owner, text in found if any(secret in text for secret in secrets)),
    "exposed": sorted(path for path, mode, owner, text in [*found, *walk("/var/log", "/run/log", "/etc")]
                          if any(secret in text for secret in secrets) and (mode & 0o044 or "/log/" in path)),
    "containers": {one["Name"].lstrip("/"): {
        "image": one["Image"], "tag": one["Config"]["Image"], "state": one["State"]["Status"],
        "definition": json.dumps([
            sorted(one["Config"]["Env"]), one["Config"]["Cmd"], one["HostConfig"]["RestartPolicy"],
            one["HostConfig"]["PortBindings"], sorted(mount["Destination"] + mount.get("Name", "") for mount in one["Mounts"]),
            sorted(label for label in one["Config"]["Labels"].items() if label[0].startswith("waba.cluster."))]),
        "id": one["Id"], "started": one["State"]["StartedAt"], "restarts": one["RestartCount"]} for one in containers},
    "networks": labelled("network"), "volumes": labelled("volume"),
}, sys.stdout)
"""
# The properties of a container that its replacement has too.
LASTING = ("image", "tag", "state", "definition")


def observe(hosts: Hosts) -> State:
    """Return the state of each host, with the name of each secret instead of its value."""
    secrets = known_secrets(hosts)

    def observe_host(name: str) -> dict[str, Any]:
        command = ["docker", "exec", "-i", f"{hosts.lab}-{name}", "python3", "-c", OBSERVE]
        output = subprocess.run(
            command, input=json.dumps(list(secrets.values())), capture_output=True, text=True, check=True
        ).stdout
        return json.loads(output)

    with ThreadPoolExecutor() as pool:
        found = dict(zip(hosts.addresses, pool.map(observe_host, hosts.addresses), strict=True))
    for facts in found.values():
        for name, value in secrets.items():
            for entry in facts["files"].values():
                entry[2] = entry[2].replace(value, f"<{name}>")
            for entry in facts["containers"].values():
                entry["definition"] = entry["definition"].replace(value, f"<{name}>")
    return found


def known_secrets(hosts: Hosts) -> dict[str, str]:
    path = hosts.folder / "waba_secrets.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def differences(before: State, after: State) -> list[str]:
    """Return the differences between two states, except for the properties that differ between any two runs."""
    found_differences: list[str] = []
    for host, wanted in before.items():
        found = after[host]
        for kind in ("networks", "volumes"):
            found_differences += (
                [f"{host}: {kind} {wanted[kind]} -> {found[kind]}"] if wanted[kind] != found[kind] else []
            )
        for kind in ("files", "containers"):
            for name in sorted(set(wanted[kind]) | set(found[kind])):
                one, other = (lasting(kind, facts[kind].get(name)) for facts in (wanted, found))
                found_differences += [f"{host}: {name}: {one} -> {other}"] if one != other else []
    return found_differences


def lasting(kind: str, entry: Any) -> object:
    return {key: entry[key] for key in LASTING} if entry and kind == "containers" else entry


def leftovers(before: State, after: State) -> list[str]:
    """Return the new leftovers that are locks or contain a secret."""
    found_leftovers = []
    for host, found in after.items():
        for path in sorted(set(found["leftovers"]) - set(before[host]["leftovers"])):
            if path in found["secret"]:
                found_leftovers.append(f"{host}: {path} (with a secret)")
            elif "lock" in path:
                found_leftovers.append(f"{host}: {path}")
    return found_leftovers


def exposed(state: State) -> list[str]:
    """Return the files in which other users than root can read a secret."""
    return [f"{host}: {path}" for host, facts in state.items() for path in facts["exposed"]]


def restarted(before: State, after: State, wanted: State) -> list[str]:
    """Return the containers that were in their final state before, and were stopped or replaced nevertheless."""
    names = []
    for host, facts in before.items():
        for name, former in facts["containers"].items():
            other, final = after[host]["containers"].get(name), wanted[host]["containers"].get(name)
            unaffected = other and all(former[key] == other[key] for key in ("id", "started", "restarts"))
            if final and lasting("containers", former) == lasting("containers", final) and not unaffected:
                names.append(f"{host}: {name}")
    return names


def controller_leftovers(hosts: Hosts) -> list[str]:
    """Return the files on this machine, in the places of temporary files, that contain a secret of the cluster."""
    values, found = [value.encode() for value in known_secrets(hosts).values()], []
    for place in (hosts.folder, Path.home() / ".ansible/tmp", Path.home() / ".ansible_async"):
        for path in place.rglob("*"):
            with contextlib.suppress(OSError):  # other runs create and delete files
                if (
                    path.is_file()
                    and path.name != "waba_secrets.yml"
                    and any(one in path.read_bytes() for one in values)
                ):
                    found.append(f"controller: {path}")
    return found
