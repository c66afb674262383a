# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""With the vendor's images, each rendered production file is equivalent to the vendor's published file.

Compose itself resolves both. The vendor's file is reconstructed from docs/reference/vendor-contract.md#compose-files, without
WA_RUNNING_ENV_VERSION, which is the version of the vendor's own template.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import host_files
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import plan_nodes

VERSION, HOSTNAME = "2.53.0", "node1.example.com"
COMMAND = ["/opt/whatsapp/bin/wait_on_mysql.sh", "/opt/whatsapp/bin/launch_within_docker.sh"]
DATABASE = {
    "WA_DB_ENGINE": "MYSQL",
    "WA_DB_HOSTNAME": "db.example.com",
    "WA_DB_PORT": "3306",
    "WA_DB_USERNAME": "waba",
    "WA_DB_PASSWORD": "sesame",
    "WA_DB_CONNECTION_IDLE_TIMEOUT": "180000",
}


def ports(kind: str, first: int) -> list[str]:
    return [f"${{EXTERNAL_{kind}_PORT{index}:-{first + index}}}" for index in range(4)]


def published(kind: str, first: int) -> list[str]:
    return [f"{port}:{6250 + index}" for index, port in enumerate(ports(kind, first))]


# role: image, environment, published ports
VENDOR = {
    "webapp": (
        "web",
        {"WEBAPP_HOSTNAME": "${EXTERNAL_HOSTNAME:?}", "WEBAPP_EXTERNAL_PORTS": "${EXTERNAL_WEBAPP_PORT:-9090}"},
        ["${EXTERNAL_WEBAPP_PORT:-9090}:443"],
    ),
    "coreapp": (
        "coreapp",
        {"COREAPP_HOSTNAME": "${EXTERNAL_HOSTNAME:?}", "COREAPP_EXTERNAL_PORTS": ",".join(ports("COREAPP", 6250))},
        published("COREAPP", 6250),
    ),
    "master": (
        "coreapp",
        {
            "WA_MASTER_NODE": "1",
            "COREAPP_HOSTNAME": "${EXTERNAL_HOSTNAME:?}",
            "COREAPP_EXTERNAL_PORTS": ",".join(ports("MASTER", 6254)),
        },
        published("MASTER", 6254),
    ),
}
SERVICES = {"webapp": "waweb", "coreapp": "wacore", "master": "master"}


def vendors_file(role: str) -> dict[str, Any]:
    image, environment, role_ports = VENDOR[role]
    return {
        "services": {
            SERVICES[role]: {
                "image": f"docker.whatsapp.biz/{image}:v${{WA_API_VERSION:?}}",
                "command": COMMAND,
                "env_file": ["./db.env"],
                "environment": {"WA_APP_MULTICONNECT": "1", "ORCHESTRATION": "DOCKER-COMPOSE", **environment},
                "ports": role_ports,
                "volumes": ["whatsappMedia:/usr/local/wamedia"],
                "restart": "unless-stopped",
                "cap_drop": ["MKNOD"],
            }
        },
        "volumes": {"whatsappMedia": {"driver": "local"}},
    }


def rendered_files(role: str, params: dict[str, Any]) -> dict[str, tuple[str, int]]:
    service = {"name": SERVICES[role], "ports": None, "port": None}
    params.update(
        layout="role",
        external_hostname=HOSTNAME,
        masters=[],
        coreapps=[],
        webapps=[],
        database=None,
        publish_address="",
        images={
            name: f"docker.whatsapp.biz/{image}:v{VERSION}"
            for name, image in (("coreapp", "coreapp"), ("webapp", "web"))
        },
    )
    params[f"{role}s"] = [service]
    return host_files.host_files(plan_nodes(params), params, DATABASE, {})


def meaning(folder: Path, file: str, environment: dict[str, str]) -> dict[str, Any]:
    """Return the service of a file as Compose resolves it, without the names and settings that the cluster adds to the vendor's."""
    output = subprocess.run(
        ["docker", "compose", "--file", str(folder / file), "config", "--format", "json"],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    document = json.loads(output)
    (service,) = document["services"].values()
    return {
        "image": service["image"],
        "command": service["command"],
        "environment": service["environment"],
        "ports": sorted((port["target"], port["published"], port.get("host_ip", "")) for port in service["ports"]),
        "volumes": [
            (volume["type"], volume["target"], document["volumes"][volume["source"]].get("driver", "local"))
            for volume in service["volumes"]
        ],
        "restart": service["restart"],
        "cap_drop": service["cap_drop"],
        "privileged": service.get("privileged", False),
        "network_mode": service.get("network_mode"),
    }


@pytest.mark.parametrize("role", sorted(VENDOR))
def test_the_rendered_file_is_equivalent_to_the_vendors(
    role: str, params: dict[str, Any], real_compose: None, tmp_path: Path
) -> None:
    vendors, rendered = tmp_path / "vendor", tmp_path / "rendered"
    for folder in (vendors, rendered):
        folder.mkdir()
    (vendors / "production.yml").write_text(yaml.safe_dump(vendors_file(role)), encoding="utf-8")
    files = rendered_files(role, params)
    for name, (text, _mode) in files.items():
        (rendered / name).write_text(text, encoding="utf-8")
    (vendors / "db.env").write_text(files["db.env"][0], encoding="utf-8")
    assert set(files) == {"db.env", f"multiconnect-{role}.yml"}
    expected = meaning(vendors, "production.yml", {"EXTERNAL_HOSTNAME": HOSTNAME, "WA_API_VERSION": VERSION})
    assert meaning(rendered, f"multiconnect-{role}.yml", {}) == expected


def test_a_second_coreapp_of_a_host_has_its_own_host_port_range(params: dict[str, Any]) -> None:
    params.update(layout="role", publish_address="", masters=[{"name": "master", "ports": None}])
    params["coreapps"] = [
        {"name": "wacore", "ports": None},
        {"name": "wacore-b", "ports": None},
        {"name": "wacore-c", "ports": "7000-7003"},
    ]
    files = host_files.host_files(plan_nodes(params), params, {}, {})
    services = yaml.safe_load(files["multiconnect-coreapp.yml"][0])["services"]
    assert {name: service["ports"] for name, service in services.items()} == {
        "wacore": ["6250-6253:6250-6253"],
        "wacore-b": ["6258-6261:6250-6253"],
        "wacore-c": ["7000-7003:6250-6253"],
    }
    assert services["wacore-b"]["environment"]["COREAPP_EXTERNAL_PORTS"] == "6258,6259,6260,6261"
    master = yaml.safe_load(files["multiconnect-master.yml"][0])["services"]["master"]
    assert master["ports"] == ["6254-6257:6250-6253"]
