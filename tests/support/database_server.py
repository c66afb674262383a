"""A database server in a container, with a certificate of the tests' authority."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Any

import docker
from authority import Authority
from cryptography import x509
from docker.models.containers import Container

IMAGE = os.environ.get("WABA_TEST_DATABASE_IMAGE", "waba/mariadb:v1.0.0")
PRIVILEGES = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP"  # docs/reference/vendor-contract.md#database-account
)
START_TIMEOUT = 120  # seconds; the first start takes 3 to 10


def start_server(
    authority: Authority,
    names: Iterable[x509.GeneralName],
    publish: Any,
    environment: dict[str, str],
    **options: Any,
) -> Container:
    """Start a server and wait until it is healthy.

    names: of its certificate. publish: address and port (None: a free one) on this machine. environment: of the image.
    options: further arguments of docker run. Raises TimeoutError.
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
        **options,
    )
    deadline = time.monotonic() + START_TIMEOUT
    while container.attrs["State"].get("Health", {}).get("Status") != "healthy":
        if time.monotonic() > deadline or container.status == "exited":
            log = container.logs().decode()
            container.remove(force=True, v=True)
            raise TimeoutError(f"{IMAGE} is not healthy:\n{log}")
        time.sleep(0.5)
        container.reload()
    return container
