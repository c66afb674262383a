# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host's Docker engine as a program: is it there, does it run, start it. Works before anything is installed."""

from __future__ import annotations

import fcntl
import glob
import importlib.util
import os
import shutil
import socket
import subprocess
import time

from ansible_collections.waba.cluster.plugins.module_utils.docker.io.command import SOCKET, run_docker
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError

NOTE = "/var/lib/waba-docker-host"  # role docker_host writes it: the packages that its installations brought
LOG = "/var/log/dockerd.log"
INIT_PATIENCE = 15  # seconds that an init script gets
DPKG_LOCK = "/var/lib/dpkg/lock-frontend"
DPKG_PATIENCE = 600  # seconds that an installation gets which another run began


def os_release():
    """Return /etc/os-release as a dict; {} where there is none."""
    try:
        with open("/etc/os-release", encoding="utf-8") as file:
            pairs = [line.strip().split("=", 1) for line in file if "=" in line]
    except OSError:
        return {}
    return {name: value.strip('"') for name, value in pairs}


def apt_sources():
    """Return the texts of the host's apt sources, the main list first."""
    texts = []
    for path in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*"))]:
        if path.endswith((".list", ".sources")) and os.path.isfile(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                texts.append(file.read())
    return texts


def installed_by_us():
    """Return the packages (sorted list of str) that came when the collection installed Docker; none where it did not."""
    try:
        with open(NOTE, encoding="utf-8") as file:
            return sorted({word for line in file if not line.startswith("#") for word in line.split()})
    except FileNotFoundError:
        return []


def removable(run_command, packages):
    """Return those of some packages (sorted list of str) that apt would remove without any other: all, or else Docker's own alone, or none."""
    for wanted in (packages, [name for name in packages if "docker" in name]):
        status, out, _error = run_command(["apt-get", "--simulate", "remove", *wanted]) if wanted else (1, "", "")
        gone = {line.split()[1] for line in out.splitlines() if line.startswith("Remv ")}
        if status == 0 and gone <= set(wanted):
            return sorted(gone)
    return []


def answers():
    """Return whether an engine answers on the socket."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(SOCKET)
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def missing(run_command):
    """Return what the host lacks (list of str, as in docker.packages). run_command: AnsibleModule.run_command."""
    lacks = []
    if not (answers() or shutil.which("dockerd")):
        lacks.append("engine")
    if not shutil.which("docker"):
        lacks.append("cli")
    if not shutil.which("docker") or run_docker(run_command, ["compose", "version"])[0] != 0:
        lacks.append("compose")
    lacks += [
        need for need, module in (("docker_sdk", "docker"), ("yaml", "yaml")) if not importlib.util.find_spec(module)
    ]
    return lacks


def finish_packages(run_command):
    """Finish what an interrupted installation left half done: apt refuses to do anything before. Return whether there was such a thing.

    One that still goes on, since it outlived the run that began it, is waited for. Raises HostError.
    """
    if not shutil.which("dpkg") or not _unfinished(run_command):
        return False
    deadline = time.monotonic() + DPKG_PATIENCE
    with open(DPKG_LOCK, "ab") as lock:
        while not _locked(lock):
            if time.monotonic() > deadline:
                raise HostError(
                    f"Another program has been installing packages for {DPKG_PATIENCE} s. Run again when it is done."
                )
            time.sleep(0.5)
    if _unfinished(run_command):
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        status, out, error = run_command(["dpkg", "--configure", "-a", "--force-confold"], environ_update=environment)
        if status != 0:
            raise HostError(
                f"dpkg --configure -a cannot finish an interrupted installation: {(error or out).strip()[-500:]}"
            )
    return True


def _unfinished(run_command):
    return bool(glob.glob("/var/lib/dpkg/updates/[0-9]*") or run_command(["dpkg", "--audit"])[1].strip())


def _locked(file):
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def start(run_command, timeout):
    """Start the engine and wait until it answers. Return how: "systemd", "init script" or "detached". Raises HostError."""
    if os.path.isdir("/run/systemd/system"):
        status, out, error = run_command(["systemctl", "enable", "--now", "docker"])
        if status != 0:
            raise HostError(f"systemd could not start Docker: {(error or out).strip()}. See: journalctl -u docker")
        return _awaited("systemd", timeout)
    if os.access("/etc/init.d/docker", os.X_OK) and run_command(["/etc/init.d/docker", "start"])[0] == 0:
        if _answers_within(INIT_PATIENCE):
            return "init script"
        run_command(["/etc/init.d/docker", "stop"])
    # No service manager could: the engine then runs by itself, with its own pid file, until the machine stops.
    with open(LOG, "ab") as log:
        subprocess.Popen(  # pylint: disable=ansible-bad-function
            ["/usr/bin/env", "dockerd"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
        )
    return _awaited("detached", timeout)


def _awaited(how, timeout):
    if not _answers_within(timeout):
        raise HostError(
            f"Docker was started ({how}) and does not answer after {timeout} s. Its last words:\n{_last_words()}"
        )
    return how


def _answers_within(seconds):
    deadline = time.monotonic() + seconds
    while not answers():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True


def _last_words(lines=15):
    try:
        with open(LOG, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError:
        return "(no log)"
