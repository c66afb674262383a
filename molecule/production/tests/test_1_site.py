"""A deployed cluster serves at both webapps; a second run and check mode change nothing; the files work without Ansible."""

from __future__ import annotations

import re
import time
from collections import Counter

import pytest
import yaml
from conftest import CLUSTER_HOSTS, COREAPPS, FOLDER, HOSTS, INVENTORY, Api, Lab, changed, play, wait_for, webapp
from figures import figure
from plays import one_line, refusal
from steps import READ_HEALTH

REMOTE_TASKS, REMOTE_TASKS_HEALTH = 2, 3  # on a host, and on the host that is asked for the health of the cluster
UNUSED_ADDRESS = HOSTS["db1"]["ansible_host"].rpartition(".")[0] + ".77"  # an unused address of the lab's network


def test_cluster_is_healthy_and_both_webapps_accept_messages(api: Api) -> None:
    seconds = float((FOLDER / "ended").read_text()) - float((FOLDER / "began").read_text())
    figure("site.yml on bare hosts, images present", f"{seconds:.0f} s")
    wait_for(lambda: api.is_healthy(COREAPPS), 60, "the cluster is healthy")
    for name in ("webapp1", "webapp2"):
        assert webapp(name).send(f"through {name}").status_code == 200


def test_second_run_restarts_nothing_and_uses_few_remote_tasks(lab: Lab) -> None:
    before = lab.started()
    began = time.monotonic()
    result = play("playbooks/site.yml", "-vvv")
    seconds = time.monotonic() - began
    assert changed(result) == 0, result.stdout
    assert lab.started() == before
    names = {host["ansible_host"]: name for name, host in HOSTS.items()}
    tasks = Counter(names[address] for address in re.findall(r"<([\d.]+)> SSH: EXEC ", result.stdout))
    figure("site.yml again", f"{seconds:.0f} s, changed=0, remote tasks by host: {dict(sorted(tasks.items()))}")
    assert set(tasks) == set(CLUSTER_HOSTS)
    most, *others = sorted(tasks.values(), reverse=True)
    assert most <= REMOTE_TASKS_HEALTH, tasks
    assert max(others) <= REMOTE_TASKS, tasks


def test_run_without_the_first_webapp_checks_health_at_the_next(lab: Lab) -> None:
    result = play("playbooks/site.yml", "--limit", "all:!webapp1")
    assert changed(result) == 0
    _before, _task, checked = result.stdout.partition(READ_HEALTH)
    assert "ok: [webapp2]" in checked, result.stdout
    assert "Healthy: 1 primary and 1 secondary masters" in one_line(checked)


@pytest.mark.parametrize("host", ["coreapp3", "db1"])
def test_unreachable_external_hostname_is_refused_on_a_running_cluster(lab: Lab, host: str) -> None:
    before = lab.started(), lab.files()
    typo = INVENTORY / "3-typo.yml"
    mistyped = {"hosts": {host: {"waba_external_hostname": UNUSED_ADDRESS}}}
    typo.write_text(yaml.safe_dump({"all": mistyped}), encoding="utf-8")
    try:
        output = refusal(play("playbooks/site.yml"))
    finally:
        typo.unlink()
    assert f"webapp1 cannot reach {host} ({UNUSED_ADDRESS}:" in output
    assert (lab.started(), lab.files()) == before


def test_check_mode_on_deployed_hosts_changes_nothing(lab: Lab) -> None:
    before = lab.started(), lab.files()
    assert changed(play("playbooks/site.yml", "--check", "--diff")) == 0
    assert (lab.started(), lab.files()) == before


def test_two_coreapps_on_one_host_have_separate_ports(lab: Lab, api: Api) -> None:
    script = "docker port waba-coreapp-wacore-1 6250; docker port waba-coreapp-wacore-b-1 6250"
    assert lab.run("coreapp1", script).split() == ["0.0.0.0:6250", "0.0.0.0:6300"]
    assert sum(name.startswith("coreapp1.") for name in api.health()) == 2


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("coreapp2", "/usr/local/wamedia/before"),
        ("coreapp2", "/usr/local/waent/data/before"),
        ("coreapp3", "/usr/local/wamedia/before"),
    ],
)
def test_existing_data_is_in_the_container(lab: Lab, host: str, path: str) -> None:
    assert lab.run(host, f"docker exec waba-coreapp-wacore-1 cat {path}") == "saved\n"


def test_files_of_a_host_name_no_other_host(lab: Lab) -> None:
    """Otherwise a host that joins or leaves would change the others."""
    database = HOSTS["db1"]["waba_external_hostname"]
    for name in CLUSTER_HOSTS:
        text = lab.run(name, "cat /opt/waba/*").replace(database, "")
        others = {host["waba_external_hostname"] for other, host in HOSTS.items() if other != name}
        assert [other for other in others if other in text] == []


def test_compose_files_work_without_ansible_and_variables(lab: Lab) -> None:
    compose = "env -i PATH=/usr/bin:/bin docker compose -f /opt/waba/multiconnect-coreapp.yml"
    assert lab.run("coreapp1", f"{compose} ps --services").split() == ["wacore", "wacore-b"]
    assert "wacore-b-1" in lab.run("coreapp1", f"{compose} logs --tail 5")


def test_only_root_can_read_secrets(lab: Lab) -> None:
    secrets = yaml.safe_load((FOLDER / "waba_secrets.yml").read_text(encoding="utf-8")).values()
    for name in CLUSTER_HOSTS:
        readable = lab.run(name, "find /opt/waba -type f -perm /044 -exec cat {} +")
        assert [secret for secret in secrets if secret in readable] == []
    assert not (INVENTORY / "group_vars/all/waba_secrets.yml").exists()
