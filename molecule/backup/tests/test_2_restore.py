"""The restore of an encrypted, scheduled backup, with the private key on the control node only; a moved schedule; the uninstall."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from conftest import FOLDER, Backups, Hosts, api, changed, play, refusal, sql, wait_for
from figures import figure
from plays import one_line


@pytest.fixture(scope="module")
def backups(hosts: Hosts) -> Backups:
    return Backups(hosts, "db1")


@pytest.fixture(scope="module")
def archive(hosts: Hosts, backups: Backups, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The newest scheduled backup, and the id of a message in it."""
    message = api(hosts).send("in the scheduled backup").json()["messages"][0]["id"]
    assert backups.make(), backups.journal()
    return backups.fetch(backups.state()["good"]["name"], tmp_path_factory.mktemp("archive")), message


def test_an_encrypted_archive_is_refused_without_the_right_key(hosts: Hosts, archive: tuple[Path, str]) -> None:
    given = ("-e", f"waba_restore_archive={archive[0]}")
    assert "is encrypted, waba_restore_key is ''" in refusal(play(hosts, "restore.yml", *given))
    other = ("-e", f"waba_restore_key={hosts.folder / 'other.key'}")
    assert "no identity matched any of the recipients" in refusal(play(hosts, "restore.yml", *given, *other))


def test_the_restore_brings_everything_back(hosts: Hosts, archive: tuple[Path, str]) -> None:
    path, message = archive
    assert changed(play(hosts, "stop.yml")) > 0
    sql(hosts, "DROP DATABASE waba; CREATE DATABASE waba CHARACTER SET utf8mb4")
    began = time.monotonic()
    key = hosts.folder / "age.key"
    assert (
        changed(play(hosts, "restore.yml", "-e", f"waba_restore_archive={path}", "-e", f"waba_restore_key={key}")) > 0
    )
    figure("seconds of restore.yml with an encrypted archive", f"{time.monotonic() - began:.0f}")
    assert changed(play(hosts, "start.yml")) > 0
    wait_for(lambda: api(hosts).accepts("after the restore"), 120, "the cluster accepts messages after the restore")
    assert sql(hosts, f"SELECT COUNT(*) FROM message WHERE message_id = '{message}'") == "1"


def test_the_private_key_and_the_plain_archive_are_on_no_host(hosts: Hosts) -> None:
    for host in hosts.addresses:
        script = "grep -rlE 'AGE-SECRET-KEY-1[A-Z0-9]' /etc /opt /root /run /srv /tmp /var/backups /var/tmp 2>/dev/null || true"
        assert hosts.run(host, script) == ""
        assert hosts.run(host, "ls -d /opt/waba/.restore* /opt/waba/.backup* 2>/dev/null || true") == ""
    assert list(Path("/tmp").glob("waba-restore-*")) == []


def test_the_schedule_moves_to_another_host(hosts: Hosts, backups: Backups) -> None:
    """It dumps the database over the network there."""
    result = play(hosts, "site.yml", "-e", "waba_backup_host=master2")
    assert changed(result) > 0
    assert backups.run("ls /etc/systemd/system | grep waba-backup || true; ls /srv/metrics") == ""
    there = Backups(hosts, "master2")
    assert there.make(), there.journal()
    assert len(there.archives()) == 1
    assert len(backups.archives()) == 2, "archives are not moved and not removed"
    assert changed(play(hosts, "site.yml", "-e", "waba_backup_host=master2")) == 0


def test_a_host_that_cannot_make_backups_is_refused_by_name(hosts: Hosts) -> None:
    output = refusal(play(hosts, "preflight.yml", "-e", "waba_backup_host=nowhere"))
    assert "it runs neither the database nor a master" in output


def test_uninstall_removes_the_timer_and_retains_the_backups(hosts: Hosts) -> None:
    result = play(hosts, "uninstall.yml", "-e", "waba_backup_host=master2")
    assert changed(result) > 0
    assert f"folder {FOLDER} retained backups are never removed" in one_line(result.stdout)
    assert hosts.run("master2", "ls /etc/systemd/system /opt/waba 2>/dev/null | grep backup || true") == ""
    assert len(Backups(hosts, "master2").archives()) == 1
