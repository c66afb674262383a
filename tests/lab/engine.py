"""A lab on the Docker engine of this machine: containers that act as hosts, each with its own engine."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import socket
import subprocess
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, ContainerError, NotFound
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool
from layout import Host, private_ipv6_subnet

BOOT = Path(__file__).resolve().parent / "boot"
LABEL, SEED_LABEL = "waba.lab.name", "waba.lab.seed"
HOST_IMAGE = "waba/lab-docker:latest"
BARE_IMAGE = "waba/lab-bare:latest"
STORE = "/var/lib/docker"
BOOT_TIMEOUT = 90  # seconds; eight hosts take about 15 on two cores
WORKERS = 4
IPV6_ENGINE = {"experimental": True, "ip6tables": True}  # as waba_ipv6 needs it before Docker 27
COMPLETE = "seed-is-complete"
SEED_LOCK = Path("/tmp/waba-lab-seed.lock")

# The equivalent of --privileged, which an engine without CAP_SYS_RESOURCE cannot grant.
RIGHTS: dict[str, Any] = {
    "cap_add": ["ALL"],
    "cap_drop": ["SYS_RESOURCE"],
    "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
    "device_cgroup_rules": ["a *:* rwm"],
}
PROCESS_ROOM: dict[str, Any] = {"cgroupns": "private", "tmpfs": {"/run": "", "/run/lock": "", "/tmp": ""}}


class Lab:
    """The containers, volumes and the network of one lab, all named and labelled after it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.network = f"waba-lab-{name}"
        self.labels: dict[str, str] = {LABEL: name}
        self.client = docker.from_env(timeout=300)

    def container(self, host: str) -> Container:
        """Return the container of a host. Raises NotFound."""
        return self.client.containers.get(f"{self.name}-{host}")

    def create_network(self, *, ipv6: bool = False) -> str:
        """Create the network of the lab; return its subnet, that of IPv6 if it has IPv6 as well.

        Docker chooses a free subnet. The network is then created again with it, since fixed addresses need an explicit subnet.
        """
        picked = self.client.networks.create(self.network, labels=self.labels)
        picked.reload()
        subnet = picked.attrs["IPAM"]["Config"][0]["Subnet"]
        picked.remove()
        subnets = [subnet, *([private_ipv6_subnet(self.name)] if ipv6 else [])]
        pools = IPAMConfig(pool_configs=[IPAMPool(subnet=one) for one in subnets])
        self.client.networks.create(self.network, labels=self.labels, enable_ipv6=ipv6, ipam=pools)
        return subnets[-1]

    def start_hosts(self, members: list[Host], public_key: str, images: list[str]) -> None:
        """Start the hosts, each with the images in its Docker store, and wait until they answer. Raises TimeoutError."""
        stores = {
            host.name: self.client.volumes.create(f"{self.name}-{host.name}-docker", labels=self.labels)
            for host in members
        }
        self._fill(self._seed(images), [store.name for store in stores.values()])
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda host: self._start(host, public_key, stores[host.name].name), members))

    def wait(self, host: Host) -> None:
        """Wait until SSH and, except on a bare host, the engine answer. Raises TimeoutError."""
        deadline = time.monotonic() + BOOT_TIMEOUT
        while not ssh_answers(host.address):
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{self.name}-{host.name} does not answer after {BOOT_TIMEOUT} s; docker exec it to see why"
                )
            time.sleep(0.2)
        if not host.bare:
            start_engine(self.container(host.name))

    def remove(self) -> int:
        """Remove the hosts, their volumes and the network; return the number of hosts."""
        labelled: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={self.name}"}
        containers = self.client.containers.list(all=True, filters=labelled)
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda container: container.remove(force=True), containers))
        for volume in self.client.volumes.list(filters=labelled):
            volume.remove()
        for network in self.client.networks.list(filters=labelled):
            network.remove()
        return len(containers)

    def _start(self, host: Host, public_key: str, store: str) -> None:
        """Start a host and wait until it answers, so that no more hosts boot at the same time than there are workers."""
        container = self._create(host.name, BARE_IMAGE if host.bare else HOST_IMAGE, store, host)
        write_file(container, "/root/.ssh/authorized_keys", public_key)
        write_file(container, "/etc/apt/apt.conf.d/99lab", apt_settings())
        if host.has_ipv6_only:
            write_file(container, "/etc/docker/daemon.json", json.dumps(IPV6_ENGINE))
        container.start()
        self.wait(host)

    def _create(self, name: str, image: str, store: str, host: Host | None = None) -> Container:
        api: Any = self.client.api
        config = api.create_host_config(
            binds=[f"{store}:{STORE}", f"{BOOT}:/boot-host:ro"],
            network_mode=self.network if host else "none",
            **RIGHTS,
            **PROCESS_ROOM,
        )
        config.update(MaskedPaths=[], ReadonlyPaths=[])  # systempaths=unconfined, which only the command line offers
        end = self._endpoint(host) if host else None
        created = api.create_container(
            image,
            name=f"{self.name}-{name}",
            hostname=name,
            entrypoint=["/boot-host"],
            # systemd reads the first one.
            environment={"container": "docker", "WABA_LAB_IPV6": "1" if host and host.has_ipv6_only else "0"},
            labels=self.labels,
            stop_signal="RTMIN+3",  # systemd shuts down
            host_config=config,
            networking_config=api.create_networking_config({self.network: end}) if end else None,
        )
        return self.client.containers.get(created["Id"])

    def _endpoint(self, host: Host) -> dict[str, Any]:
        """Return the connection of a host to the network. Docker gives a host of IPv6 an IPv4 address too, which its first process removes."""
        api: Any = self.client.api
        family = "ipv6_address" if host.has_ipv6_only else "ipv4_address"
        end: dict[str, Any] = api.create_endpoint_config(**{family: host.address}, aliases=[host.hostname])
        return end

    def _seed(self, images: list[str]) -> str:
        """Return the name of a volume with a Docker store that contains the images; it is created once for each set of images."""
        ids = [self.client.images.get(image).id for image in images]
        name = f"waba-lab-seed-{hashlib.sha256(json.dumps([images, ids]).encode()).hexdigest()[:12]}"
        with SEED_LOCK.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._is_complete(name):
                self._drop_seeds(images)
                self._make_seed(name, images)
        return name

    def _is_complete(self, seed: str) -> bool:
        try:
            self.client.volumes.get(seed)
            self._in_volumes(f"test -e {seed}/_data/{COMPLETE}")
        except (NotFound, ContainerError):
            return False
        return True

    def _fill(self, seed: str, stores: list[str]) -> None:
        """Copy the seed to the stores. Layers of images are read-only, so they are linked instead."""
        commands = [
            f"cp -a $(ls -d {seed}/_data/* | grep -v -e overlay2 -e {COMPLETE}) {store}/_data/ && cp -al {seed}/_data/overlay2 {store}/_data/"
            for store in stores
        ]
        # The container also mounts the seed, so that it is not removed meanwhile; hard links need one mount for both ends.
        self._in_volumes(" && ".join(commands), {seed: {"bind": "/seed", "mode": "ro"}})

    def _make_seed(self, name: str, images: list[str]) -> None:
        self.client.volumes.create(name, labels={SEED_LABEL: ",".join(images)})
        container = self._create("seed", HOST_IMAGE, name)
        try:
            container.start()
            start_engine(container)
            load(container, images)
            # Two engines must not have the same id.
            script = (
                f"systemctl stop docker.socket docker containerd && rm -f {STORE}/engine-id && touch {STORE}/{COMPLETE}"
            )
            status, output = container.exec_run(["sh", "-c", script])
            if status != 0:
                raise RuntimeError(f"the engine of the seed could not be stopped: {output.decode()}")
        finally:
            container.remove(force=True)

    def _in_volumes(self, script: str, used: dict[str, Any] | None = None) -> None:
        """Run a shell script in the folder of this engine's volumes. used: further volumes, as the SDK takes them. Raises ContainerError."""
        folder = f"{self.client.info()['DockerRootDir']}/volumes"
        containers: Any = self.client.containers
        containers.run(
            HOST_IMAGE,
            ["sh", "-euc", f"cd /volumes; {script}"],
            volumes={folder: {"bind": "/volumes", "mode": "rw"}, **(used or {})},
            network_mode="none",
            labels=self.labels,
            remove=True,
            **RIGHTS,
        )

    def _drop_seeds(self, images: list[str]) -> None:
        for volume in self.client.volumes.list(filters={"label": f"{SEED_LABEL}={','.join(images)}"}):
            try:
                volume.remove()
            except APIError:  # another lab copies it now
                continue


def load(container: Container, images: list[str]) -> None:
    """Load images of this machine into the engine of a host. Raises CalledProcessError."""
    saved = subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE)
    subprocess.run(
        ["docker", "exec", "-i", str(container.name), "docker", "load", "--quiet"], stdin=saved.stdout, check=True
    )
    if saved.wait() != 0:
        raise subprocess.CalledProcessError(saved.returncode, "docker save")


def ssh_answers(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def start_engine(container: Container) -> None:
    """Wait until the engine of a host runs: systemd merges this with the start at boot. Raises RuntimeError."""
    script = "until systemctl start docker 2>/dev/null; do sleep 0.3; done"  # systemd itself may not answer yet
    status, output = container.exec_run(["timeout", str(BOOT_TIMEOUT), "sh", "-c", script])
    if status != 0:
        raise RuntimeError(f"{container.name} has no engine: {output.decode()}")


def write_file(container: Container, path: str, text: str) -> None:
    """Write a file, owned by root, to a container that need not run."""
    content, packed = text.encode(), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.size, entry.mode = len(content), 0o644
        archive.addfile(entry, io.BytesIO(content))
    container.put_archive("/", packed.getvalue())


def apt_settings() -> str:
    """Return the apt settings of this machine for its mirror (proxy, certificates, retries), for the hosts."""
    dumped = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    wanted = ("Acquire::http", "Acquire::https", "Acquire::Check-", "Acquire::Retries")
    return "".join(f"{line}\n" for line in dumped.splitlines() if line.startswith(wanted) and not line.endswith('"";'))
