# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The certificate that a webapp of this host serves: a self-signed, an uploaded or the operator's own one.

It is read inside the container, where no other program can answer on the webapp's port.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.command import run_docker
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

NO_PYTHON = 127
SCRIPT = f"import ssl; print(ssl.get_server_certificate(('127.0.0.1', {contract.WEBAPP_PORT}), timeout=5))"
COMMAND = ("sh", "-c", f'command -v python3 >/dev/null || exit {NO_PYTHON}; exec python3 -c "$0"', SCRIPT)


def read(run_command: Callable[..., tuple[int, str, str]], cluster: str, port: int) -> bytes | None:
    """Return the certificate (DER) of the webapp that publishes a port of this host; None if its image has no Python, as the vendor's.

    run_command: that of AnsibleModule. The docker command takes less time here than the import of the Docker SDK.
    Raises HostError if no running webapp of the cluster publishes the port, or if it serves no certificate yet.
    """
    filters = (
        f"label={contract.LABEL_CLUSTER}={cluster}",
        f"label={contract.LABEL_ROLE}=webapp",
        f"publish={port}",
        "status=running",
    )
    options = [option for one in filters for option in ("--filter", one)]
    status, output, errors = run_docker(run_command, ["ps", *options, "--format", "{{.Names}}"])
    if status != 0:
        raise HostError(f"the Docker engine of this host does not answer: {errors.strip()}")
    if not output.strip():
        raise HostError(f"no running webapp of the cluster {cluster} publishes the port {port} on this host")
    name = output.split()[0]
    status, output, _errors = run_docker(run_command, ["exec", name, *COMMAND])
    if status == NO_PYTHON:
        return None
    try:
        return ssl.PEM_cert_to_DER_cert(output)
    except ValueError as error:
        raise HostError(f"{name} serves no certificate yet") from error
