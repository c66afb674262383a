"""The schedule, the run of its unit, and each way in which a run fails."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest
import yaml
from conftest import FOLDER, UNIT, Backups, Hosts, api, changed, play, provide_copy_command, refusal, wait_for
from figures import figure
from plays import ROOT, one_line


@pytest.fixture(scope="module")
def backups(hosts: Hosts) -> Backups:
    return Backups(hosts, "db1")


@pytest.fixture(scope="module", autouse=True)
def site(hosts: Hosts) -> None:
    refused = refusal(play(hosts, "site.yml"))
    assert "waba_backup_copy_command" in refused
    assert "there is no such program on this host" in refused
    provide_copy_command(hosts, "db1", "master1", "master2")
    assert changed(play(hosts, "site.yml")) > 0


def test_a_second_run_changes_nothing_and_has_no_further_play(hosts: Hosts) -> None:
    result = play(hosts, "site.yml")
    assert changed(result) == 0
    assert "Nothing to change: every host is as its settings say." in result.stdout
    assert "backup_schedule" not in result.stdout


def test_only_the_host_of_the_database_has_the_timer(hosts: Hosts) -> None:
    for host, timers in (("db1", 1), ("master1", 0), ("master2", 0)):
        listed = hosts.run(host, "systemctl list-timers --all --no-pager | grep -c waba-backup-waba.timer || true")
        assert int(listed) == timers
    assert "master" not in hosts.run("db1", "docker ps --format '{{.Names}}' | grep waba-master || true")


def test_the_unit_makes_a_good_backup_without_a_secret_on_a_command_line(hosts: Hosts, backups: Backups) -> None:
    secrets = yaml.safe_load((hosts.folder / "waba_secrets.yml").read_text())
    assert api(hosts).send("backed up").status_code == 200
    backups.run(f"systemctl start --no-block {UNIT}")
    began, lines = time.monotonic(), set()
    while "activating" in backups.run(f"systemctl is-active {UNIT} || true"):
        lines |= set(backups.run("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '").splitlines())
    figure("seconds of a scheduled backup", f"{time.monotonic() - began:.0f}")
    assert backups.state()["last"]["good"], backups.journal()
    assert any("scheduled-backup.pyz" in line for line in lines)
    assert [name for name, secret in secrets.items() for line in lines if secret in line] == []
    (name,) = backups.archives()
    assert backups.run(f"cd {FOLDER} && sha256sum --check --quiet {name}.sha256; stat -c %a {name} .").split() == [
        "600",
        "700",
    ]
    assert backups.run(f"cmp {FOLDER}/{name} /srv/copies/{name}; head -c 21 {FOLDER}/{name}") == "age-encryption.org/v1"
    assert backups.leftovers() == ""
    assert f"The backup {name} is good" in backups.journal()
    assert 'waba_backup_last_run_success{cluster="waba"} 1' in backups.run("cat /srv/metrics/waba_backup_waba.prom")


def test_status_reports_the_age_of_the_last_good_backup(hosts: Hosts) -> None:
    result = play(hosts, "status.yml")
    assert changed(result) == 0
    assert re.search(r"db1 +\(scheduled backups\) +\(backup\) +last good backup \d+ (s|min) ago", result.stdout)


def test_a_backup_that_was_not_copied_is_not_good(backups: Backups) -> None:
    before = backups.archives(), backups.state()["good"]
    backups.run("touch /run/copy-fails")
    assert not backups.make()
    backups.run("rm /run/copy-fails")
    assert (backups.archives(), backups.state()["good"]) == before
    assert "failed with status 7: no route to host" in backups.state()["last"]["reason"]


@pytest.mark.parametrize("moment", ["dump", "verification"])
def test_a_killed_run_leaves_nothing_that_counts_as_good(backups: Backups, moment: str) -> None:
    before = backups.archives(), backups.state()["good"]
    backups.run(f"systemctl start --no-block {UNIT}")
    sign = (
        "docker ps --quiet --filter label=waba.cluster.role=backup-check"
        if moment == "verification"
        else f"ls -d {FOLDER}/.work || true"
    )
    wait_for(lambda: backups.run(sign) != "", 60, f"the {moment} began")
    backups.run(f"systemctl kill --signal=KILL {UNIT}")
    wait_for(lambda: "activating" not in backups.run(f"systemctl is-active {UNIT} || true"), 60, "the unit ended")
    assert (backups.archives(), backups.state()["good"]) == before
    assert backups.make(), backups.journal()
    assert backups.state()["good"] != before[1]
    assert len(backups.archives()) == 2, "the retention allows two"
    assert backups.leftovers() == ""


def test_a_full_disk_fails_the_run_and_is_reported(backups: Backups) -> None:
    # An archive of this cluster has 10 kB.
    backups.run(f"mount -t tmpfs -o size=8k tmpfs {FOLDER}")
    try:
        assert not backups.make()
        assert backups.archives() == []
    finally:
        backups.run(f"umount {FOLDER}")
    assert "No space left on device" in backups.journal()
    assert len(backups.archives()) == 2
    assert backups.leftovers() == ""


def test_cron_runs_the_same_program_and_logs_to_syslog(backups: Backups) -> None:
    """The entry of a host without systemd, run by cron itself."""
    script = (
        "from ansible_collections.waba.cluster.plugins.module_utils._internal.backup.units import texts;"
        "print(*texts('waba', '* * * * *', '/usr/bin/python3', '/opt/waba', systemd=False).values(), end='')"
    )
    path = {"PYTHONPATH": str(ROOT / ".build")}
    text = subprocess.run([sys.executable, "-c", script], env=path, capture_output=True, text=True, check=True).stdout
    backups.run("apt-get install --yes --quiet --no-install-recommends cron >/dev/null 2>&1; systemctl stop cron")
    before = backups.state()["good"]
    backups.run(f"cat > /etc/cron.d/waba-backup-waba <<'END'\n{text}END\nchmod 644 /etc/cron.d/waba-backup-waba")
    backups.run("systemctl start cron")  # it misses a file of the second in which it started
    try:
        wait_for(lambda: backups.state()["good"] != before, 240, "cron made a good backup")
    finally:
        backups.run("rm /etc/cron.d/waba-backup-waba; systemctl stop cron; pkill -f [s]cheduled-backup.pyz || true")
    assert "is good" in backups.run("journalctl --no-pager --identifier waba-backup-waba")


def test_an_old_backup_makes_status_fail(hosts: Hosts, backups: Backups) -> None:
    backups.run(
        f'cp -p {FOLDER}/state.json /root/state.json; sed -i \'s/"finished": [0-9.]*/"finished": 1000000000/\' {FOLDER}/state.json'
    )
    result = play(hosts, "status.yml")
    backups.run(f"cp -p /root/state.json {FOLDER}/state.json")
    assert result.returncode != 0
    assert "more than waba_backup_max_age (26 h)" in one_line(result.stdout)
