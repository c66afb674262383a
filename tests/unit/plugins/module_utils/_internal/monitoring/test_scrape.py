# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.monitoring import scrape

SETTINGS = {
    "monitoring_dir": "/opt/waba-monitoring",
    "monitoring_owner": "prometheus",
    "monitoring_ca": "",
    "monitoring_scrape_interval": "15s",
    "monitoring_database_statistics": True,
    "monitoring_host_exporter_port": 0,
    "monitoring_database_exporter_port": 0,
}


def topology(**urls: str) -> dict[str, Any]:
    """Return the topology of a cluster with webapps on these hosts, and its database on db1. urls: {host: public URL}."""
    names = ["waweb", "waweb2"]
    nodes = [
        {"host": host, "role": "webapp", "name": name, "ports": [9090 + number]}
        for host in urls
        for number, name in enumerate(names)
    ]
    nodes.append({"host": "db1", "role": "master", "name": "master", "ports": [6250, 6251, 6252, 6253]})
    return {
        "cluster_name": "blue",
        "nodes": nodes,
        "hosts": {
            **{host: {"public_api_url": url, "external_hostname": f"{host}.example.com"} for host, url in urls.items()},
            "db1": {"public_api_url": "", "external_hostname": "2001:db8::1"},
        },
        "totals": {"webapps": 2 * len(urls)},
        "expected": {"masters": 2, "coreapps": 3, "shards": 2},
        "database": {"hosts": ["db1"], "members": []},
    }


TWO_HOSTS = topology(web1="https://web1.example.com:9090", web2="https://web2.example.com:9090")


def jobs(built: dict[str, Any], **settings: Any) -> dict[str, dict[str, Any]]:
    configs = scrape.scrape_configs(built, {**SETTINGS, **settings}, "monitor", "/opt/waba-monitoring/api_key-blue")
    return {config["job_name"]: config for config in configs}


def addresses(job: dict[str, Any]) -> list[str]:
    return [target for one in job["static_configs"] for target in one["targets"]]


def test_every_webapp_is_scraped_for_its_own_metrics() -> None:
    job = jobs(TWO_HOSTS)["waba-webapp-blue"]
    assert addresses(job) == [f"web{host}.example.com:{port}" for host in (1, 2) for port in (9090, 9091)]
    assert job["static_configs"][1]["labels"] == {
        "job": "waba-webapp",
        "cluster": "blue",
        "host": "web1",
        "webapp": "waweb2",
    }
    assert (job["metrics_path"], job["params"], job["scheme"]) == ("/metrics", {"format": ["prometheus"]}, "https")


def test_two_webapps_on_different_hosts_report_about_the_cluster() -> None:
    for kind in ("cluster", "nodes", "processes", "database", "tables"):
        job = jobs(TWO_HOSTS)[f"waba-{kind}-blue"]
        assert addresses(job) == ["web1.example.com:9090", "web2.example.com:9090"]
        assert {one["labels"]["job"] for one in job["static_configs"]} == {f"waba-{kind}"}


def test_both_webapps_of_one_host_report_where_there_is_one_host() -> None:
    job = jobs(topology(web1="https://web1.example.com:9090"))["waba-cluster-blue"]
    assert addresses(job) == ["web1.example.com:9090", "web1.example.com:9091"]


def test_api_key_is_a_file_and_never_part_of_the_configuration() -> None:
    for job in jobs(TWO_HOSTS).values():
        assert job["authorization"] == {"type": "Apikey", "credentials_file": "/opt/waba-monitoring/api_key-blue"}


@pytest.mark.parametrize(
    ("ca", "expected"), [("", {"insecure_skip_verify": True}), ("/etc/ca.pem", {"ca_file": "/etc/ca.pem"})]
)
def test_certificates_are_verified_where_their_authority_is_known(ca: str, expected: dict[str, Any]) -> None:
    assert {str(job["tls_config"]) for job in jobs(TWO_HOSTS, monitoring_ca=ca).values()} == {str(expected)}


@pytest.mark.parametrize(
    ("interval", "cluster", "database", "timeout"),
    [("15s", "15s", "60s", "10s"), ("5s", "5s", "60s", "5s"), ("2m", "120s", "120s", "10s")],
)
def test_database_is_asked_once_a_minute_at_the_most(interval: str, cluster: str, database: str, timeout: str) -> None:
    found = jobs(TWO_HOSTS, monitoring_scrape_interval=interval)
    assert found["waba-cluster-blue"]["scrape_interval"] == cluster
    assert found["waba-cluster-blue"]["scrape_timeout"] == timeout
    assert found["waba-database-blue"]["scrape_interval"] == database


def test_database_statistics_can_be_left_out() -> None:
    assert not {"waba-database-blue", "waba-tables-blue"} & set(jobs(TWO_HOSTS, monitoring_database_statistics=False))


def test_exporters_are_scraped_on_the_hosts_that_have_them() -> None:
    found = jobs(TWO_HOSTS, monitoring_host_exporter_port=9100, monitoring_database_exporter_port=9104)
    assert addresses(found["waba-host-blue"]) == [
        "web1.example.com:9100",
        "web2.example.com:9100",
        "[2001:db8::1]:9100",
    ]
    assert addresses(found["waba-database-server-blue"]) == ["[2001:db8::1]:9104"]
    assert "authorization" not in found["waba-host-blue"]
    assert not {"waba-host-blue", "waba-database-server-blue"} & set(jobs(TWO_HOSTS))


def test_webapp_with_an_ipv6_address_is_written_in_brackets() -> None:
    assert scrape.webapps(topology(web1="https://[2001:db8::2]:9090"), "monitor")[0].address == "[2001:db8::2]:9090"


def test_local_webapps_are_scraped_on_their_own_host_only() -> None:
    local = topology(web1="https://localhost:9090", web2="https://web2.example.com:9090")
    assert [one.host for one in scrape.webapps(local, "web1")] == ["web1", "web1", "web2", "web2"]
    assert [one.host for one in scrape.webapps(local, "monitor")] == ["web2", "web2"]
    assert scrape.target_problems(local, "monitor") == []
    [problem] = scrape.target_problems(topology(web1="https://localhost:9090"), "monitor")
    assert (problem.variable, problem.value) == ("waba_webapp_publish_address", "127.0.0.1")
    assert "monitor reaches no webapp" in problem.problem


def test_cluster_without_webapps_is_refused() -> None:
    assert [problem.variable for problem in scrape.target_problems(topology(), "monitor")] == ["waba_group_webapps"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("monitoring_scrape_interval", "4s"),
        ("monitoring_scrape_interval", "3m"),
        ("monitoring_scrape_interval", "15"),
        ("monitoring_scrape_interval", "1h"),
        ("monitoring_scrape_interval", ""),
        ("monitoring_host_exporter_port", 65536),
        ("monitoring_database_exporter_port", -1),
        ("monitoring_dir", "monitoring"),
        ("monitoring_ca", "ca.pem"),
        ("monitoring_owner", ""),
        ("monitoring_owner", "a b"),
    ],
)
def test_invalid_setting_is_refused_by_its_name(name: str, value: object) -> None:
    assert [(one.variable, one.value) for one in scrape.problems({**SETTINGS, name: value})] == [(name, value)]


@pytest.mark.parametrize("interval", ["5s", "15s", "120s", "1m", "2m"])
def test_valid_intervals_are_accepted(interval: str) -> None:
    assert scrape.problems({**SETTINGS, "monitoring_scrape_interval": interval}) == []


def test_expected_numbers_are_rules_with_the_name_of_the_cluster() -> None:
    [group] = scrape.expected_rules(TWO_HOSTS)["groups"]
    assert group["name"] == "waba-expected-blue"
    assert {rule["record"]: rule["expr"] for rule in group["rules"]} == {
        "waba:masters:expected": "vector(2)",
        "waba:coreapps:expected": "vector(3)",
        "waba:shards:expected": "vector(2)",
    }
    assert {rule["labels"]["cluster"] for rule in group["rules"]} == {"blue"}


def test_database_members_are_expected_where_there_are_several() -> None:
    members = {**TWO_HOSTS, "database": {"hosts": ["a", "b", "c"], "members": [{"host": host} for host in "abc"]}}
    rules = scrape.expected_rules(members)["groups"][0]["rules"]
    assert ("waba:database_members:expected", "vector(3)") in [(rule["record"], rule["expr"]) for rule in rules]


def test_files_carry_the_name_of_the_cluster() -> None:
    found = scrape.documents(TWO_HOSTS, {**SETTINGS, "monitoring_dir": "/srv/monitoring/"}, "monitor")
    assert list(found) == ["scrape-blue.yml", "expected-blue.yml"]
    [key_file] = {config["authorization"]["credentials_file"] for config in found["scrape-blue.yml"]["scrape_configs"]}
    assert key_file == "/srv/monitoring/api_key-blue"


def test_an_arbitrator_is_expected_as_a_member_of_the_group() -> None:
    database = {"hosts": ["a", "b"], "members": [{"host": host} for host in "ab"], "arbitrator": "c"}
    rules = scrape.expected_rules({**TWO_HOSTS, "database": database})["groups"][0]["rules"]
    assert ("waba:database_members:expected", "vector(3)") in [(rule["record"], rule["expr"]) for rule in rules]
