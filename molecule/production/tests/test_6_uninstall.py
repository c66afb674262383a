"""Uninstalling on all hosts: nothing of ours is left, what was there before stays. These tests end the scenario's cluster."""

from __future__ import annotations

from conftest import HOSTS, Lab, changed, play

ARGUMENTS = ("-e", "waba_wipe_volumes=true")


def test_uninstall_leaves_nothing_but_what_was_there_before(lab: Lab) -> None:
    assert changed(play("playbooks/uninstall.yml", *ARGUMENTS)) > 0
    for name in HOSTS:
        script = "for kind in 'ps -aq' 'volume ls -q' 'network ls -q'; do docker $kind --filter label=waba.cluster.name=waba; done; ls /opt"
        assert lab.run(name, script) in ("", "containerd\n"), name
    for volume in ("old_media", "old_data"):
        assert lab.run("coreapp2", f"docker run --rm -v {volume}:/old waba/node:v1.0.0 cat /old/before") == "kept\n"
    assert lab.run("coreapp3", "cat /srv/wamedia/before") == "kept\n"


def test_uninstalling_again_changes_nothing() -> None:
    assert changed(play("playbooks/uninstall.yml", *ARGUMENTS)) == 0
