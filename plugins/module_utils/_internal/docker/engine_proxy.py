# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The HTTP proxy through which the engine of a host pulls images. Pure.

systemd passes the variables from a file that only root can read: every user can read the option Environment of a unit. The option `proxies`
of daemon.json is not used, because Docker 20.10 does not have it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.waba.cluster.plugins.module_utils._internal.egress import Proxy, variables

ENVIRONMENT_FILE = "/etc/waba-docker-proxy.env"
DROP_IN = "/etc/systemd/system/docker.service.d/waba-proxy.conf"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY")


def files(proxy: Proxy | None) -> dict[str, tuple[str, int] | None]:
    """Return {path: (text, mode)} of the files that pass the variables to the engine, None for a file that must not exist."""
    if not proxy:
        return {ENVIRONMENT_FILE: None, DROP_IN: None}
    text = "".join(f'{name}="{value}"\n' for name, value in variables(proxy).items())
    return {ENVIRONMENT_FILE: (text, 0o600), DROP_IN: (f"[Service]\nEnvironmentFile={ENVIRONMENT_FILE}\n", 0o644)}


def is_stale(running: Mapping[str, str], proxy: Proxy | None) -> bool:
    """Return whether a running engine must be restarted to use the proxy. running: its environment.

    The names of the cluster's hosts are no reason, since each host that joins would restart the engines of all others, which pull no image from it.
    """
    if not proxy:
        return False
    wanted, direct = variables(proxy), running.get("NO_PROXY", "").split(",")
    return any(running.get(name) != wanted[name] for name in PROXIES) or not set(proxy["direct"]).issubset(direct)
