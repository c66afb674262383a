# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

FIXTURES = Path(__file__).parents[2] / "fixtures"

SINGLE_SERVER = {
    "path": "/opt/waba",
    "cluster_name": "waba",
    "layout": "single_server",
    "external_hostname": "host1",
    "masters": [{"name": "master1", "ports": None}, {"name": "master2", "ports": None}],
    "coreapps": [{"name": "wacore1", "ports": None}, {"name": "wacore2", "ports": "26300-26303"}],
    "webapps": [{"name": "waweb", "port": None}],
    "database": {"name": "db", "image": "waba/mariadb:v1.0.0", "port": None, "member": None},
    "arbitrator": None,
    "proxy": None,
    "api_proxy": None,
    "api_proxy_publish_address": "",
    "webapps_behind_proxies": False,
    "database_options": {},
    "images": {"coreapp": "waba/node:v1.0.0", "webapp": "waba/node:v1.0.0"},
    "volumes": None,
    "node_memory": "512m",
    "node_processes": 256,
    "database_memory": "",
    "log_max_size": "10m",
    "log_max_files": 5,
    "ipv6": False,
    "publish_address": "127.0.0.1",
    "webapp_publish_address": "",
    "webhook_port": None,
    "webhook_publish_address": "",
    "certificate": None,
    "certificate_key": None,
    "database_tls_ca": None,
    "database_tls_certificate": None,
    "database_tls_key": None,
    "database_certificate": None,
    "database_certificate_key": None,
    "member_ca": None,
    "member_certificate": None,
    "member_certificate_key": None,
    "webhook_certificate": None,
    "webhook_certificate_key": None,
    "api_proxy_certificate": None,
    "api_proxy_certificate_key": None,
    "api_proxy_webapp_ca": None,
}


@pytest.fixture
def params() -> dict[str, Any]:
    """The options of a single server, as a module receives them."""
    return copy.deepcopy(SINGLE_SERVER)


@pytest.fixture(scope="session")
def recorded() -> dict[str, Any]:
    """Answers of Compose 2.26 and engine 20.10 about a single server. Containers contain only the fields that are read."""
    return {
        name: json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("compose_config", "containers", "images")
    }
