# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A database server that lives as long as the verification of one backup: without a network, and without data of the cluster."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterator
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import LABEL_CLUSTER, LABEL_ROLE
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.io.client import DatabaseClient
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers, engine
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.subprocess_timeout import RunCommand

ROLE = "backup-check"
USER = "waba"
START = 300  # seconds for the first start of a server on a busy host
POLL = 1  # seconds
# The data is thrown away, so no write needs to reach the disk.
OPTIONS = ("--innodb-flush-log-at-trx-commit=0", "--skip-log-bin", "--innodb-buffer-pool-size=64M")
LOG_LINES = 10


@contextlib.contextmanager
def running(
    run_command: RunCommand, cluster: str, image: str, database: str
) -> Iterator[tuple[DatabaseClient, dict[str, str], str]]:
    """Yield (client, environment of a node, container id) of a new server with an empty database, and remove the server at the end.

    Raises HostError. The server of a killed run is removed first.
    """
    remove(cluster)
    client, password = engine.connect(), secrets.token_hex(16)
    environment = {
        "MYSQL_ROOT_PASSWORD": secrets.token_hex(16),
        "MYSQL_DATABASE": database,
        "MYSQL_USER": USER,
        "MYSQL_PASSWORD": password,
    }
    try:
        with engine.engine_errors(f"start the server {image} that verifies the backup"):
            container = client.api.create_container(
                image,
                command=list(OPTIONS),
                name=f"{cluster}-{ROLE}",
                labels={LABEL_CLUSTER: cluster, LABEL_ROLE: ROLE},
                environment=environment,
                host_config=client.api.create_host_config(cap_drop=["MKNOD"], network_mode="none"),
                use_config_proxy=False,
            )["Id"]
            client.api.start(container)
        inspected = containers.inspect(client, container)
        unset = dict.fromkeys(("host", "password_file", "tls_ca", "tls_certificate", "tls_key"))
        account: dict[str, Any] = {**unset, "name": database, "user": USER, "password": password}
        server = DatabaseClient(run_command, cluster, account, inspected)
        _await(server, container)
        node = {"WA_DB_HOSTNAME": "127.0.0.1", "WA_DB_USERNAME": USER, "WA_DB_PASSWORD": password}
        yield server, {**node, "WA_DB_NAME_PREFIX": database[: -len("waba")]}, container
    finally:
        remove(cluster)


def remove(cluster: str) -> None:
    """Remove the server with its data, also that of a killed run. Raises HostError."""
    client = engine.connect()
    for container in containers.with_labels(client, f"{LABEL_CLUSTER}={cluster}", f"{LABEL_ROLE}={ROLE}"):
        with engine.engine_errors("remove the server that verified a backup"):
            client.api.remove_container(container["Id"], force=True, v=True)


def _await(server: DatabaseClient, container: str) -> None:
    """Wait until the server answers. Raises HostError with the last lines of its log."""
    client, deadline = engine.connect(), time.monotonic() + START
    while True:
        try:
            server.rows("SELECT 1;")
            return
        except HostError as error:
            inspected = containers.inspect(client, container)
            if time.monotonic() > deadline or not inspected or inspected["State"]["Status"] != "running":
                log = "\n".join(containers.last_lines(client, container, LOG_LINES))
                raise HostError(f"The server that verifies the backup does not start: {error}\n{log}") from error
        time.sleep(POLL)
