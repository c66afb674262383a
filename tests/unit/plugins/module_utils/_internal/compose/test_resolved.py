# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import host_files, services
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.documents import compose_documents
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import plan_nodes
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.resolved import resolved

NODE = {"WA_DB_PASSWORD": 'p"a w{x}ö#', "WA_DB_HOSTNAME": "db"}
DATABASE = {"MYSQL_PASSWORD": "it's", "MYSQL_DATABASE": "waba"}


@pytest.mark.parametrize("address", ["", "127.0.0.1", "::1"])
@pytest.mark.parametrize(
    "media",
    [{"type": "named", "source": "m"}, {"type": "external", "source": "m"}, {"type": "bind", "source": "/mnt/a$b"}],
)
def test_a_resolved_document_equals_the_output_of_compose(
    params: dict[str, Any], real_compose: None, tmp_path: Path, address: str, media: dict[str, str]
) -> None:
    params |= {
        "publish_address": address,
        "ipv6": ":" in address,
        "volumes": {"media": media},
        "certificate": "/c.pem",
        "certificate_key": "/k.pem",
    }
    params["database_options"] = {"innodb_buffer_pool_size": "64M"}
    nodes = plan_nodes(params)
    for name, (text, _mode) in host_files.host_files(nodes, params, NODE, DATABASE).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name, document in compose_documents(nodes, params).items():
        command = ["docker", "compose", "--file", str(tmp_path / name), "config", "--format", "json"]
        answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        expected = resolved(document, {"db.env": NODE, "mysql.env": DATABASE})
        assert services.wanted_services(expected, {}) == services.wanted_services(answer, {})
