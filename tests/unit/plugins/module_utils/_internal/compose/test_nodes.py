# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.waba.cluster.plugins.module_utils._internal import problems
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import host_files
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.nodes import plan_nodes


def documents(params: dict[str, Any]) -> dict[str, Any]:
    files = host_files.host_files(plan_nodes(params), params, {}, {})
    return {name: yaml.safe_load(text) for name, (text, _mode) in files.items() if name.endswith(".yml")}


def test_on_a_single_server_nodes_reach_each_other_inside_the_network(params: dict[str, Any]) -> None:
    master = documents(params)["multiconnect-compose.yml"]["services"]["master2"]
    assert master["environment"]["COREAPP_HOSTNAME"] == "master2"
    assert master["environment"]["COREAPP_EXTERNAL_PORTS"] == "6250,6251,6252,6253"
    assert master["environment"]["WA_MASTER_NODE"] == "1"
    assert master["ports"] == ["127.0.0.1:6262-6265:6250-6253"]


def test_with_one_file_per_role_nodes_reach_each_other_by_host_and_published_ports(params: dict[str, Any]) -> None:
    params.update(layout="role", publish_address="")
    found = documents(params)
    assert {name: document["name"] for name, document in found.items()} == {
        "multiconnect-db.yml": "waba-db",
        "multiconnect-master.yml": "waba-master",
        "multiconnect-coreapp.yml": "waba-coreapp",
        "multiconnect-webapp.yml": "waba-webapp",
    }
    coreapp = found["multiconnect-coreapp.yml"]["services"]["wacore2"]
    assert coreapp["environment"]["COREAPP_HOSTNAME"] == "host1"
    assert coreapp["environment"]["COREAPP_EXTERNAL_PORTS"] == "26300,26301,26302,26303"
    assert coreapp["ports"] == ["26300-26303:6250-6253"]
    media = {document["volumes"]["whatsappMedia"]["name"] for name, document in found.items() if "db" not in name}
    assert media == {"waba_whatsappMedia"}


def test_services_volumes_and_networks_have_the_clusters_label(params: dict[str, Any]) -> None:
    document = documents(params)["multiconnect-compose.yml"]
    labelled = [*document["services"].values(), *document["volumes"].values(), *document["networks"].values()]
    assert {item["labels"]["waba.cluster.name"] for item in labelled} == {"waba"}


def test_secrets_are_only_in_the_environment_files(params: dict[str, Any]) -> None:
    files = host_files.host_files(
        plan_nodes(params), params, {"WA_DB_PASSWORD": "sesame1"}, {"MYSQL_ROOT_PASSWORD": "sesame2"}
    )
    holding = {name: mode for name, (text, mode) in files.items() if "sesame" in text}
    assert holding == {"db.env": 0o600, "mysql.env": 0o600}


def test_existing_sources_are_mounted_and_never_created(params: dict[str, Any]) -> None:
    params["volumes"] = {
        "media": {"type": "bind", "source": "/mnt/$media"},
        "data": {"type": "external", "source": "old_data"},
        "database": None,
    }
    document = documents(params)["multiconnect-compose.yml"]
    bind = next(mount for mount in document["services"]["waweb"]["volumes"] if isinstance(mount, dict))
    assert bind == {
        "type": "bind",
        "source": "/mnt/$$media",  # a literal dollar sign, to Compose
        "target": "/usr/local/wamedia",
        "bind": {"create_host_path": False},
    }
    assert document["volumes"]["whatsappData"] == {"name": "old_data", "external": True}
    assert document["volumes"]["mysqlData"]["name"] == "waba_mysqlData"


def test_all_problems_are_reported_together_with_value_and_host(params: dict[str, Any]) -> None:
    params.update(
        cluster_name="My Cluster", external_hostname="host1 ", publish_address="here", certificate="/x.pem", images=None
    )
    params["masters"][1] = {"name": "master1", "ports": "6300-6302"}
    params["webapps"][0]["port"] = 70000
    params["volumes"] = {"media": {"type": "bind", "source": "media"}}
    with pytest.raises(problems.InputError) as caught:
        plan_nodes(params)
    assert {problem.variable for problem in caught.value.problems} == {
        "cluster_name",
        "external_hostname",
        "publish_address",
        "certificate_key",
        "images",
        "masters[1].name",
        "masters[1].ports",
        "webapps[0].port",
        "volumes.media.source",
    }
    message = problems.message(caught.value.problems, "host1", "Nothing was written")
    assert "on host1" in message
    assert "waba_webapp_instances (webapps[0].port)" in message
    assert "70000" in message


def test_tls_files_are_mounted_only_into_the_containers_that_use_them(params: dict[str, Any]) -> None:
    params.update(
        database_tls_ca="/etc/tls/ca.pem",
        database_tls_certificate="/etc/tls/node.pem",
        database_tls_key="/etc/tls/node.key",
        database_certificate="/etc/tls/db.pem",
        database_certificate_key="/etc/tls/db.key",
    )
    services = documents(params)["multiconnect-compose.yml"]["services"]
    read_only = {
        name: {mount["source"]: mount["target"] for mount in service["volumes"] if "read_only" in mount}
        for name, service in services.items()
    }
    assert read_only.pop("db") == {
        "/etc/tls/db.pem": "/opt/certs/server-cert.pem",
        "/etc/tls/db.key": "/opt/certs/server-key.pem",
    }
    nodes = {"ca.pem": "db-ca.pem", "node.pem": "db-cert.pem", "node.key": "db-key.pem"}
    expected = {f"/etc/tls/{source}": f"/run/certificates/opt/certs/{target}" for source, target in nodes.items()}
    assert set(read_only) == {"master1", "master2", "wacore1", "wacore2", "waweb"}
    assert all(found == expected for found in read_only.values())


def test_the_vendors_images_mount_tls_files_where_they_read_them(params: dict[str, Any]) -> None:
    params["images"] = dict.fromkeys(("coreapp", "webapp"), "docker.whatsapp.biz/coreapp:v2.53.0")
    params["database_tls_ca"] = "/etc/tls/ca.pem"
    services = documents(params)["multiconnect-compose.yml"]["services"]
    (target,) = (mount["target"] for mount in services["master1"]["volumes"] if "read_only" in mount)
    assert target == "/opt/certs/db-ca.pem"


def test_media_that_must_belong_to_root_are_refused_except_with_the_vendors_images(params: dict[str, Any]) -> None:
    params["volumes"] = {"media": {"type": "bind", "source": "/srv/media", "owner": 0}}
    with pytest.raises(problems.InputError) as caught:
        plan_nodes(params)
    assert [(one.variable, one.value) for one in caught.value.problems] == [("volumes.media.owner", 0)]
    params["images"] = dict.fromkeys(("coreapp", "webapp"), "docker.whatsapp.biz/coreapp:v2.53.0")
    assert plan_nodes(params)


@pytest.mark.parametrize("size", ["10", "10M", "10 m", "0m", "1.5g", "ten"])
def test_a_log_size_that_docker_cannot_parse_is_refused(params: dict[str, Any], size: str) -> None:
    params["log_max_size"] = size
    with pytest.raises(problems.InputError) as caught:
        plan_nodes(params)
    assert [problem.variable for problem in caught.value.problems] == ["log_max_size"]


def test_a_single_log_file_is_refused(params: dict[str, Any]) -> None:
    params["log_max_files"] = 1
    with pytest.raises(problems.InputError) as caught:
        plan_nodes(params)
    assert "waba_log_max_files (log_max_files)" in problems.message(caught.value.problems, "host1", "")


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"database_tls_certificate": "/a.pem", "database_tls_ca": "/ca.pem"}, "database_tls_key"),
        ({"database_tls_certificate": "/a.pem", "database_tls_key": "/a.key"}, "database_tls_ca"),
        ({"database_certificate": "/a.pem"}, "database_certificate_key"),
        ({"member_ca": "/ca.pem"}, "member_certificate"),
        ({"member_certificate": "/a.pem", "member_certificate_key": "/a.key"}, "member_ca"),
        ({"database_tls_ca": "ca.pem"}, "database_tls_ca"),
    ],
)
def test_incomplete_tls_settings_are_refused(
    params: dict[str, Any], given: dict[str, Any] | None, variable: str
) -> None:
    params.update(given)
    with pytest.raises(problems.InputError) as caught:
        plan_nodes(params)
    assert [problem.variable for problem in caught.value.problems] == [variable]
