# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Cause a fault on this host and undo it. A timer undoes it when this process is killed (docs/adr/0032-drill-armed-before-the-fault.md)."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import LABEL_CLUSTER, LABEL_ROLE
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.command import SOCKET
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.engine import engine_errors
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill import undo
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files

if TYPE_CHECKING:
    from docker import DockerClient

FOLDER = "/var/lib/waba-drill"
GRACE = 30  # seconds between the end of the fault and the moment at which the timer undoes it
SYSTEMD = "/run/systemd/system"  # exists where systemd is the service manager

RunCommand = Callable[..., tuple[int, str, str]]


def victims(client: DockerClient, cluster: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return {"id", "pid", "versions", "name", "shares_network"} of running containers of a cluster. names: ids or their beginnings. Raises HostError."""
    found = containers.with_labels(client, f"{LABEL_CLUSTER}={cluster}")
    return [_victim(name, found) for name in names]


def _victim(name: str, found: Sequence[containers.Inspected]) -> dict[str, Any]:
    matching = [one for one in found if name and one["Id"].startswith(name)]
    if len(matching) != 1 or matching[0]["State"]["Status"] != "running":
        raise HostError(f"The container {name} does not run any more. Nothing was touched. Run the drill again.")
    inspected = matching[0]
    networks = inspected["NetworkSettings"]["Networks"].values()
    return {
        "id": inspected["Id"],
        "name": containers.name_of(inspected),
        "role": inspected["Config"]["Labels"].get(LABEL_ROLE, ""),
        "pid": inspected["State"]["Pid"],
        "versions": [undo.IPV4, *([undo.IPV6] if any(one.get("GlobalIPv6Address") for one in networks) else [])],
        "shares_network": inspected["HostConfig"]["NetworkMode"] == "host",
    }


def local_addresses(client: DockerClient, cluster: str, run_command: RunCommand) -> list[str]:
    """Return the networks of a cluster on this host, and the addresses of the host. Raises HostError."""
    with engine_errors("list the networks"):
        networks = client.api.networks(filters={"label": f"{LABEL_CLUSTER}={cluster}"})
    subnets = [part["Subnet"] for one in networks for part in (one.get("IPAM") or {}).get("Config") or []]
    return [*subnets, *_run(run_command, ["hostname", "-I"]).split()]


def cause(
    run_command: RunCommand,
    cluster: str,
    fault: str,
    targets: Sequence[dict[str, Any]],
    duration: float,
    local: Sequence[str] = (),
) -> dict[str, float]:
    """Cause a fault, undo it after `duration` seconds, and return {"began", "ended"} by the clock of this host.

    targets: as from `victims`, in the order in which they start. local: as for `undo.commands`. Raises HostError: nothing was touched if the fault
    cannot be undone by a timer, or if it shares the network of the host; otherwise the fault is undone.
    """
    _refuse(cluster, fault, targets)
    path = os.path.join(FOLDER, f"{cluster}-{secrets.token_hex(4)}.sh")
    files.create_folder(FOLDER)
    files.write(path, undo.script(cluster, fault, targets), 0o700)
    with _armed(run_command, path, int(duration) + GRACE):
        began = time.time()
        try:
            for command in undo.commands(fault, targets, local):
                _run(run_command, command)
            time.sleep(duration)
        finally:
            _run(run_command, ["/bin/sh", path])
            ended = time.time()
    return {"began": began, "ended": ended}


def _refuse(cluster: str, fault: str, targets: Sequence[dict[str, Any]]) -> None:
    """Raise HostError if the fault cannot be caused safely."""
    former = glob.glob(os.path.join(FOLDER, f"{glob.escape(cluster)}-*.sh"))
    if former:
        raise HostError(
            f"Another drill works on this host, or was killed and is not undone yet: {', '.join(former)}. Nothing was touched. "
            f"Wait until the file is gone; or undo the fault now with: sh {former[0]}"
        )
    if fault == "isolate":
        sharing = [one["name"] for one in targets if one["shares_network"]]
        if sharing:
            raise HostError(
                f"{', '.join(sharing)} uses the network of the host, which cannot be cut off. Nothing was touched."
            )
        needed = ["nsenter", *{undo.TOOLS[version] for one in targets for version in one["versions"]}]
        missing = [tool for tool in needed if not shutil.which(tool)]
        if missing:
            raise HostError(
                f"This host lacks {', '.join(sorted(missing))}. Nothing was touched. Install util-linux and iptables."
            )


@contextlib.contextmanager
def _armed(run_command: RunCommand, path: str, seconds: int) -> Iterator[None]:
    """Make a timer of the host run the script after some seconds, unless the block ends earlier. Raises HostError.

    The timer stays when the block fails, because the fault may not be undone.
    """
    if os.path.isdir(SYSTEMD):
        unit = f"waba-drill-{os.path.basename(path)[: -len('.sh')]}"
        try:
            _run(run_command, undo.armed_command(unit, path, seconds))
        except HostError as error:
            files.remove(path)
            raise HostError(f"No timer can be set that undoes the fault, so nothing was touched: {error}") from error
        yield
        run_command(["systemctl", "stop", f"{unit}.timer"])
        return
    sleeper = subprocess.Popen(  # noqa: S603 - a command of this collection  # pylint: disable=ansible-bad-function
        undo.sleeper_command(path, seconds),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    yield
    with contextlib.suppress(ProcessLookupError):
        os.killpg(sleeper.pid, signal.SIGTERM)
    sleeper.wait()


def _run(run_command: RunCommand, command: Sequence[str]) -> str:
    """Return the output of a command. Raises HostError with its errors."""
    status, output, errors = run_command(list(command), environ_update={"DOCKER_HOST": f"unix://{SOCKET}"})
    if status != 0:
        raise HostError(f"{' '.join(command)} failed with status {status}: {(errors or output).strip()}")
    return output
