"""Uninstall removes the cluster and the stand-in, and nothing at Meta."""

from __future__ import annotations

from conftest import FOLDER, Cluster, changed, play

UNINSTALL = "playbooks/uninstall.yml"


def test_uninstall_leaves_nothing(cluster: Cluster) -> None:
    assert changed(play(UNINSTALL)) > 0
    assert [*cluster.containers(), *cluster.networks(), *cluster.volumes(), *FOLDER.glob("*")] == []
    assert changed(play(UNINSTALL)) == 0
