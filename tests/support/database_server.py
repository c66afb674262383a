"""A database server in a container of its own, with a certificate of the tests' authority."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

import docker
from authority import Authority
from cryptography import x509

IMAGE = os.environ.get("WABA_TEST_DATABASE_IMAGE", "waba/mariadb:v1.0.0")
PRIVILEGES = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP"  # the documented ones
PATIENCE = 120  # seconds for the first start; it takes 3 to 10


def start_server(
    authority: Authority,
    names: Iterable[x509.GeneralName],
    publish: tuple,
    environment: dict[str, str],
    **more: object,
) -> docker.models.containers.Container:
    """Start a server and wait until it is healthy.

    names: of its certificate. publish: (address, port or None) of this machine. environment: as the image takes it. more: for docker run.
    """
    certificate, key = authority.sign(*names)
    container = docker.from_env().containers.run(
        IMAGE,
        detach=True,
        environment=environment,
        mounts=[
            docker.types.Mount(f"/opt/certs/server-{part}.pem", path, "bind", read_only=True)
            for part, path in (("cert", certificate), ("key", key))
        ],
        ports={"3306/tcp": publish},
        **more,
    )
    deadline = time.monotonic() + PATIENCE
    while container.attrs["State"].get("Health", {}).get("Status") != "healthy":
        if time.monotonic() > deadline or container.status == "exited":
            said = container.logs().decode()
            container.remove(force=True, v=True)
            raise TimeoutError(f"{IMAGE} is not healthy:\n{said}")
        time.sleep(0.5)
        container.reload()
    return container
