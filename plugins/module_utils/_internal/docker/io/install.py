# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The installation of Docker on a host: what is missing, does the engine run, start it. Works before anything is installed."""

from __future__ import annotations

import fcntl
import glob
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.command import SOCKET, run_docker
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.packages import DOCKER_CE
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

RunCommand = Callable[..., "tuple[int, str, str]"]  # AnsibleModule.run_command

DAEMON_OPTIONS = "/etc/docker/daemon.json"
NOTE = "/var/lib/waba-docker-host"  # the role docker_host lists in it the packages that its installation added
LOG = "/var/log/dockerd.log"
INIT_TIMEOUT = 15  # seconds for an init script
DPKG_LOCK = "/var/lib/dpkg/lock-frontend"
DPKG_TIMEOUT = 600  # seconds for an installation that another run started


def os_release() -> dict[str, str]:
    """Return the variables of /etc/os-release; {} where there is none."""
    try:
        with open("/etc/os-release", encoding="utf-8") as file:
            pairs = [line.strip().split("=", 1) for line in file if "=" in line]
    except OSError:
        return {}
    return {name: value.strip('"') for name, value in pairs}


def apt_sources() -> list[str]:
    """Return the texts of the host's apt sources, the main list first."""
    texts = []
    for path in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*"))]:
        if path.endswith((".list", ".sources")) and os.path.isfile(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                texts.append(file.read())
    return texts


def daemon_options() -> dict[str, Any]:
    """Return the options in the engine's daemon.json; {} where there is none, or an invalid one."""
    try:
        with open(DAEMON_OPTIONS, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def noted_packages() -> list[str]:
    """Return the sorted packages that the collection's installation of Docker added; none where it did not install Docker."""
    try:
        with open(NOTE, encoding="utf-8") as file:
            return sorted({word for line in file if not line.startswith("#") for word in line.split()})
    except FileNotFoundError:
        return []


def removable_packages(run_command: RunCommand, packages: Sequence[str]) -> list[str]:
    """Return the sorted packages that apt would remove without removing any other: all of them, or those named after Docker, or none."""
    for wanted in (packages, [name for name in packages if "docker" in name]):
        status, output, _errors = run_command(["apt-get", "--simulate", "remove", *wanted]) if wanted else (1, "", "")
        removed = {line.split()[1] for line in output.splitlines() if line.startswith("Remv ")}
        if status == 0 and removed <= set(wanted):
            return sorted(removed)
    return []


def engine_answers() -> bool:
    """Return whether an engine answers on the socket."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(SOCKET)
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def compose_version(run_command: RunCommand) -> str | None:
    """Return the version of Docker Compose, None if the host has none."""
    if not shutil.which("docker"):
        return None
    status, output, _errors = run_docker(run_command, ["compose", "version", "--short"])
    return output.strip() or None if status == 0 else None


def missing_software(compose: str | None) -> list[str]:
    """Return the requirements that the host lacks, as keys of `docker.packages.PACKAGES`. compose: as from `compose_version`."""
    missing = []
    if not (engine_answers() or shutil.which("dockerd")):
        missing.append("engine")
    if not shutil.which("docker"):
        missing.append("cli")
    if not compose:
        missing.append("compose")
    missing += [
        need for need, module in (("docker_sdk", "docker"), ("yaml", "yaml")) if not importlib.util.find_spec(module)
    ]
    return missing


def has_docker_ce(run_command: RunCommand) -> bool:
    """Return whether the host has packages of Docker's own repository."""
    if not shutil.which("dpkg-query"):
        return False
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}\n", *DOCKER_CE.values()]
    return "installed" in run_command(query)[1].split()


def finish_installation(run_command: RunCommand) -> bool:
    """Configure the packages of an interrupted installation, without which apt refuses to work. Return whether there were any.

    An installation that still runs, since it outlived the run that started it, is awaited. Raises HostError.
    """
    if not shutil.which("dpkg") or not _is_interrupted(run_command):
        return False
    deadline = time.monotonic() + DPKG_TIMEOUT
    with open(DPKG_LOCK, "ab") as lock:
        while not _try_lock(lock):
            if time.monotonic() > deadline:
                raise HostError(
                    f"Another program has been installing packages for {DPKG_TIMEOUT} s. Run the playbook again when it ends."
                )
            time.sleep(0.5)
    if _is_interrupted(run_command):
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        status, output, errors = run_command(
            ["dpkg", "--configure", "-a", "--force-confold"], environ_update=environment
        )
        if status != 0:
            raise HostError(
                f"dpkg --configure -a cannot finish an interrupted installation: {(errors or output).strip()[-500:]}"
            )
    return True


def _is_interrupted(run_command: RunCommand) -> bool:
    return bool(glob.glob("/var/lib/dpkg/updates/[0-9]*") or run_command(["dpkg", "--audit"])[1].strip())


def _try_lock(file: IO[bytes]) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def start(run_command: RunCommand, timeout: int, variables: Mapping[str, str]) -> str:
    """Start the engine and wait up to timeout seconds until it answers. Raises HostError.

    variables: its proxy settings. systemd reads them from a file (`docker.engine_proxy`) instead.
    Return the method: "systemd", "init script" or "detached" (a process of its own with a pid file, where no service manager can start it).
    """
    if has_systemd():
        status, output, errors = run_command(["systemctl", "enable", "--now", "docker"])
        if status != 0:
            raise HostError(f"systemd could not start Docker: {(errors or output).strip()}. See: journalctl -u docker")
        return _wait_until_started("systemd", timeout)
    if os.access("/etc/init.d/docker", os.X_OK) and _start_by_script(run_command, variables):
        if _answers_within(INIT_TIMEOUT):
            return "init script"
        run_command(["/etc/init.d/docker", "stop"])
    with open(LOG, "ab") as log:
        subprocess.Popen(  # pylint: disable=ansible-bad-function
            ["/usr/bin/env", "dockerd"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={**os.environ, **variables},
            start_new_session=True,
        )
    return _wait_until_started("detached", timeout)


def _start_by_script(run_command: RunCommand, variables: Mapping[str, str]) -> bool:
    return run_command(["/etc/init.d/docker", "start"], environ_update=dict(variables))[0] == 0


def has_systemd() -> bool:
    """Return whether systemd manages the services of this host."""
    return os.path.isdir("/run/systemd/system")


def reload_units(run_command: RunCommand) -> None:
    """Make systemd read the changed configuration of the engine. Raises HostError."""
    if has_systemd():
        status, output, errors = run_command(["systemctl", "daemon-reload"])
        if status != 0:
            raise HostError(f"systemd could not read its configuration: {(errors or output).strip()}")


def restart(run_command: RunCommand, timeout: int) -> str:
    """Restart a running engine, so that it uses the proxy, and wait up to timeout seconds until it answers; return the method.

    Raises HostError if containers would stop, or if no systemd can restart it.
    """
    template = "{{.ContainersRunning}} {{.LiveRestoreEnabled}}"
    status, output, errors = run_docker(run_command, ["info", "--format", template])
    if status != 0:
        raise HostError(f"The Docker engine of this host does not answer: {errors.strip()}.")
    refusal = "The Docker engine of this host reads waba_proxy only when it starts, and is not restarted here"
    if not has_systemd():
        fix = "Stop it when its containers may stop, then run the playbook again, which starts it"
        raise HostError(f"{refusal}: this host has no systemd. {fix}.")
    containers, survive = output.split()
    if containers != "0" and survive != "true":
        fix = "Restart it with systemctl restart docker when they may stop, then run the playbook again"
        raise HostError(f"{refusal}: it runs {containers} containers. {fix}.")
    status, output, errors = run_command(["systemctl", "restart", "docker"])
    if status != 0:
        raise HostError(f"systemd could not restart Docker: {(errors or output).strip()}. See: journalctl -u docker")
    return _wait_until_started("systemd", timeout)


def _wait_until_started(method: str, timeout: int) -> str:
    if not _answers_within(timeout):
        raise HostError(
            f"Docker was started ({method}) but does not answer after {timeout} s. Its last log lines:\n{_last_log_lines()}"
        )
    return method


def _answers_within(seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not engine_answers():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True


def _last_log_lines(lines: int = 15) -> str:
    try:
        with open(LOG, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError:
        return "(no log)"
