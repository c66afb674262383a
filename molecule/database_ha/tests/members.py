"""Three database members with their guards, each pair in a network namespace of its own, as on a host of its own.

A container that only sleeps holds the namespace, so that its address and firewall rules survive the member.
WABA_TEST_DATABASE_IMAGE, WABA_TEST_NODE_IMAGE and WABA_TEST_PROXY_IMAGE name other images.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from waiting import wait_for

PREFIX = "waba-database-ha"
SUBNET = "10.213.77"
ADDRESSES = {f"db{number}": f"{SUBNET}.{10 + number}" for number in (1, 2, 3)}
DATABASE_IMAGE = os.environ.get("WABA_TEST_DATABASE_IMAGE", "waba/mariadb:v1.0.0")
NODE_IMAGE = os.environ.get("WABA_TEST_NODE_IMAGE", "waba/node:v1.0.0")
PROXY_IMAGE = os.environ.get("WABA_TEST_PROXY_IMAGE", "waba/haproxy:v1.0.0")
# Seconds after which a silent member is suspected; "" for the default. On a machine that starves the members, none would stay in the group.
SUSPECT = os.environ.get("WABA_TEST_SUSPECT_SECONDS", "")
ZERO = "00000000-0000-0000-0000-000000000000"
GUARD_PORT = 3309
GUARD = ("python3", "-m", "waba_node", "database-guard")
INIT = ("/usr/bin/tini", "--")  # instead of the image's entrypoint, which changes the user: the guard logs in as root
SETTLED = 600  # seconds for a member to join, on a busy machine


def docker(*arguments: str, check: bool = True) -> str:
    """Run a command of the engine; return its output without the last line break. Raises RuntimeError with its messages."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"docker {' '.join(arguments)}: {done.stderr}")
    return done.stdout.strip()


class Members:
    """The members db1, db2 and db3 of one cluster."""

    def __init__(self, tls: Path | None = None) -> None:
        """tls: a folder with ca.pem, and <name>-cert.pem and <name>-key.pem for each member."""
        self.tls = tls
        self.password, self.root_password = secrets.token_hex(16), secrets.token_hex(16)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.environment = self.folder / "environment"
        self.environment.write_text(
            f"MYSQL_ROOT_PASSWORD={self.root_password}\nMYSQL_DATABASE=waba\nMYSQL_USER=waba\nMYSQL_PASSWORD={self.password}\n",
            encoding="utf-8",
        )

    # -- life ----------------------------------------------------------------------------------------------------------

    def create(self) -> None:
        """Create the network and the namespaces."""
        remove()
        docker("network", "create", "--subnet", f"{SUBNET}.0/24", "--label", PREFIX, PREFIX)
        for name, address in ADDRESSES.items():
            options = ["--network", PREFIX, "--ip", address, "--no-healthcheck"]
            self._run(f"{name}-net", NODE_IMAGE, "sleep", "infinity", options=options)
            folder = self.folder / name
            folder.mkdir()
            (folder / "members").write_text("\n".join(ADDRESSES.values()) + "\n", encoding="utf-8")
            if self.tls is not None:
                for part, source in {"ca": "ca", "cert": f"{name}-cert", "key": f"{name}-key"}.items():
                    (folder / f"{part}.pem").write_bytes((self.tls / f"{source}.pem").read_bytes())

    def begin(self, name: str = "db1") -> None:
        """Start a new cluster with one member, and join the others one by one."""
        self.write_bootstrap_file(name, ZERO, -1)
        for member in [name, *(other for other in ADDRESSES if other != name)]:
            self.start_member(member)
            self.start_guard(member)
            wait_for(partial(self.is_synced, member), SETTLED, f"{member} has joined")

    def start_member(self, name: str, *command: str) -> None:
        """Create and start the container of a member."""
        settings = {
            "WABA_GALERA_CLUSTER": "test",
            "WABA_GALERA_NODE": name,
            "WABA_GALERA_ADDRESS": ADDRESSES[name],
            "WABA_GALERA_TLS": "1" if self.tls else "",
            "WABA_GALERA_SUSPECT_SECONDS": SUSPECT,
        }
        variables = [part for item in settings.items() for part in ("--env", "=".join(item))]
        options = [f"--env-file={self.environment}", f"--volume={self.folder / name}:/etc/waba/galera:ro", *variables]
        self._run(
            name,
            DATABASE_IMAGE,
            *command,
            options=[*self._shared(name), *options, f"--volume={PREFIX}-{name}:/var/lib/mysql"],
        )

    def start_guard(self, name: str) -> None:
        """Create and start the guard of a member."""
        self._run(
            f"{name}-guard",
            NODE_IMAGE,
            *INIT[1:],
            *GUARD,
            options=[*self._shared(name), "--no-healthcheck", f"--entrypoint={INIT[0]}"],
        )

    @staticmethod
    def _shared(name: str) -> list[str]:
        """Return the options of a container in a member's namespace, with the folder of its socket."""
        return [f"--network=container:{PREFIX}-{name}-net", f"--volume={PREFIX}-{name}-socket:/run/mysqld"]

    @staticmethod
    def _run(name: str, image: str, *command: str, options: list[str]) -> None:
        docker(
            *(
                "run",
                "--detach",
                "--name",
                f"{PREFIX}-{name}",
                "--label",
                PREFIX,
                "--restart",
                "always",
                "--stop-timeout",
                "60",
            ),
            *options,
            image,
            *command,
        )

    def volume_command(self, name: str, *command: str, check: bool = True) -> str:
        """Run a command of the image on the volume of a member."""
        volume = f"--volume={PREFIX}-{name}:/var/lib/mysql"
        return docker("run", "--rm", "--network=none", volume, DATABASE_IMAGE, *command, check=check)

    def position(self, name: str) -> dict[str, Any]:
        return json.loads(self.volume_command(name, "position"))

    def write_bootstrap_file(self, name: str, uuid: str, seqno: int) -> None:
        self.volume_command(name, "bootstrap-file", uuid, str(seqno), "test")

    # -- state ---------------------------------------------------------------------------------------------------------

    def sql(self, name: str, statement: str, seconds: float = 20) -> str:
        """Run a statement as root through the socket of a member; return the rows, without headings. Raises RuntimeError."""
        return docker(
            *("exec", f"{PREFIX}-{name}", "timeout", str(seconds)),
            *("mariadb", "--skip-column-names", "--batch", f"--execute={statement}"),
        )

    def wsrep(self, name: str, variable: str) -> str:
        return self.sql(name, f"SHOW STATUS LIKE 'wsrep_{variable}'").partition("\t")[2]

    def is_synced(self, name: str) -> bool:
        with contextlib.suppress(RuntimeError):
            return self.wsrep(name, "local_state_comment") == "Synced"
        return False

    def status(self, name: str) -> dict[str, Any]:
        """Return what the guard of a member reports; {} when it does not answer."""
        url = f"http://{ADDRESSES[name]}:{GUARD_PORT}/status"
        done = subprocess.run(
            ["curl", "-s", "-m", "2", "--noproxy", "*", url], capture_output=True, text=True, check=False
        )
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def writer(self) -> str:
        """Return the member that accepts writes; "" unless there is exactly one."""
        found = [name for name in ADDRESSES if self.status(name).get("is_writer")]
        return found[0] if len(found) == 1 else ""

    def is_whole(self) -> bool:
        """Return whether every member is Synced in one group of three, and one of them is the writer."""
        statuses = [self.status(name) for name in ADDRESSES]
        return all(status.get("state") == "Synced" and status["size"] == 3 for status in statuses) and bool(
            self.writer()
        )

    def memory(self, container: str) -> float:
        """Return the memory of a container in MiB, as the engine reports it."""
        value = (
            docker("stats", "--no-stream", "--format", "{{.MemUsage}}", f"{PREFIX}-{container}").split("/")[0].strip()
        )
        units = {"KiB": 1 / 1024, "MiB": 1.0, "GiB": 1024.0}
        return float(value[:-3]) * units[value[-3:]]

    # -- the network of a member ---------------------------------------------------------------------------------------

    def firewall(self, name: str, *rule: str) -> None:
        """Run the iptables of this machine in the namespace of a member."""
        pid = docker("inspect", "--format", "{{.State.Pid}}", f"{PREFIX}-{name}-net")
        subprocess.run(["nsenter", "--target", pid, "--net", "iptables", "-w", *rule], check=True)

    def pid(self, container: str) -> int:
        """Return the process of a container on this machine."""
        return int(docker("inspect", "--format", "{{.State.Pid}}", f"{PREFIX}-{container}"))


def remove() -> None:
    """Remove everything that this scenario created."""
    for container in docker("ps", "--all", "--quiet", "--filter", f"label={PREFIX}").split():
        docker("rm", "--force", "--volumes", container, check=False)
    for volume in docker("volume", "ls", "--quiet", "--filter", f"name={PREFIX}").split():
        docker("volume", "rm", volume, check=False)
    docker("network", "rm", PREFIX, check=False)
