"""What a cluster is at a moment: files, containers, what lies about on the hosts. Taken from outside, compared purely."""

from __future__ import annotations

import contextlib
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from hosts import Hosts

# Runs on a host. Litter: what is where programs leave temporary files. `open_to_all` and `secret` are about the secrets on its standard input.
LOOK = r"""
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
                if name.startswith("runc-process"):  # the engine's own, for the moment in which a health check begins
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
    "litter": sorted(path for path, *_ in found if not path.startswith(FILES)),
    "secret": sorted(path for path, mode, owner, text in found if any(secret in text for secret in secrets)),
    "open_to_all": sorted(path for path, mode, owner, text in [*found, *walk("/var/log", "/run/log", "/etc")]
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
# Of a container's, what another one in its place has too.
KEPT = ("image", "tag", "state", "definition")


def look(hosts: Hosts) -> dict[str, dict]:
    """Return the state of each host, with the cluster's secrets by name where files have them; and of this machine under ""."""
    secrets = known_secrets(hosts)

    def look_at(name: str) -> dict:
        words = ["docker", "exec", "-i", f"{hosts.lab}-{name}", "python3", "-c", LOOK]
        said = subprocess.run(
            words, input=json.dumps(list(secrets.values())), capture_output=True, text=True, check=True
        ).stdout
        return json.loads(said)

    with ThreadPoolExecutor() as pool:
        found = dict(zip(hosts.addresses, pool.map(look_at, hosts.addresses), strict=True))
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


def differences(before: dict[str, dict], after: dict[str, dict]) -> list[str]:
    """Return what differs between two states (str a difference), but for what no two runs have in common. Empty when both are one state."""
    told = []
    for host, wanted in before.items():
        found = after[host]
        for kind in ("networks", "volumes"):
            told += [f"{host}: {kind} {wanted[kind]} -> {found[kind]}"] if wanted[kind] != found[kind] else []
        for kind in ("files", "containers"):
            for name in sorted(set(wanted[kind]) | set(found[kind])):
                one, other = (essence(kind, facts[kind].get(name)) for facts in (wanted, found))
                told += [f"{host}: {name}: {one} -> {other}"] if one != other else []
    return told


def essence(kind: str, entry) -> object:
    return {key: entry[key] for key in KEPT} if entry and kind == "containers" else entry


def litter(before: dict[str, dict], after: dict[str, dict]) -> list[str]:
    """Return the locks, and the files with a secret in them, that lie about after, and did not before."""
    told = []
    for host, found in after.items():
        for path in sorted(set(found["litter"]) - set(before[host]["litter"])):
            if path in found["secret"]:
                told.append(f"{host}: {path} (with a secret)")
            elif "lock" in path:
                told.append(f"{host}: {path}")
    return told


def exposed(state: dict[str, dict]) -> list[str]:
    """Return where somebody else than root could read a secret."""
    return [f"{host}: {path}" for host, facts in state.items() for path in facts["open_to_all"]]


def restarted(before: dict[str, dict], after: dict[str, dict], wanted: dict[str, dict]) -> list[str]:
    """Return the containers that ran before just as they are wanted in the end, and were stopped or replaced all the same."""
    told = []
    for host, facts in before.items():
        for name, one in facts["containers"].items():
            other, right = after[host]["containers"].get(name), wanted[host]["containers"].get(name)
            kept = other and all(one[key] == other[key] for key in ("id", "started", "restarts"))
            if right and essence("containers", one) == essence("containers", right) and not kept:
                told.append(f"{host}: {name}")
    return told


def controller_litter(hosts: Hosts) -> list[str]:
    """Return the files on this machine that hold one of the cluster's secrets, where a run may have left one, but for the file of secrets."""
    values, found = [value.encode() for value in known_secrets(hosts).values()], []
    for place in (hosts.folder, Path.home() / ".ansible/tmp", Path.home() / ".ansible_async"):
        for path in place.rglob("*"):
            with contextlib.suppress(OSError):  # other runs come and go
                if (
                    path.is_file()
                    and path.name != "waba_secrets.yml"
                    and any(one in path.read_bytes() for one in values)
                ):
                    found.append(f"controller: {path}")
    return found
