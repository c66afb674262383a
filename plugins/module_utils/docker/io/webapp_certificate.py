# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The certificate that a webapp of this host serves: a self-signed, an uploaded or the operator's own one.

It is read inside the container, where no other program can answer on the webapp's port.
"""

from __future__ import annotations

import ssl

from ansible_collections.waba.cluster.plugins.module_utils import contract
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import containers, engine
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError

NO_PYTHON = 127
SCRIPT = f"import ssl; print(ssl.get_server_certificate(('127.0.0.1', {contract.WEBAPP_PORT}), timeout=5))"
COMMAND = ("sh", "-c", f'command -v python3 >/dev/null || exit {NO_PYTHON}; exec python3 -c "$0"', SCRIPT)


def read(cluster: str, port: int) -> bytes | None:
    """Return the certificate (DER) of the webapp that publishes a port of this host; None if its image has no Python, as the vendor's.

    Raises HostError if no running webapp of the cluster publishes the port, or if it serves no certificate yet.
    """
    client = engine.connect()
    labels = (f"{contract.LABEL_CLUSTER}={cluster}", f"{contract.LABEL_ROLE}=webapp")
    for container in containers.with_labels(client, *labels):
        bindings = (container["HostConfig"].get("PortBindings") or {}).get(f"{contract.WEBAPP_PORT}/tcp") or []
        if container["State"]["Status"] != "running" or str(port) not in [one["HostPort"] for one in bindings]:
            continue
        status, output = containers.execute(client, container["Id"], COMMAND)
        if status == NO_PYTHON:
            return None
        try:
            return ssl.PEM_cert_to_DER_cert(output)
        except ValueError as error:
            raise HostError(f"{containers.name_of(container)} serves no certificate yet") from error
    raise HostError(f"no running webapp of the cluster {cluster} publishes the port {port} on this host")
