"""Two clusters of one inventory share a host and a database server without affecting each other."""

from __future__ import annotations

from conftest import BLUE_OPTIONS, ClusterOnServer, changed, play, root, wait_for


def test_second_cluster_is_deployed_without_touching_the_first(green: ClusterOnServer, blue: ClusterOnServer) -> None:
    before = green.state()
    assert changed(play("site.yml", *BLUE_OPTIONS)) > 0
    assert green.state() == before
    assert len(blue.cluster.started()) == 3
    green_api, blue_api = green.log_in(), blue.log_in()
    assert not set(green_api.secrets.values()) & set(blue_api.secrets.values())
    wait_for(green_api.is_healthy, 30, "the first cluster is whole")
    assert len(blue_api.health()) == 2, "the second cluster reports only its master and its coreapp"
    sent = [api.send("to one of two").json()["messages"][0]["id"] for api in (green_api, blue_api)]
    found = [
        [row[0] for row in root(f"SELECT message_id FROM {database}.message WHERE message_id IN {tuple(sent)}")]
        for database in ("waba", "blue_waba")
    ]
    assert found == [sent[:1], sent[1:]]


def test_second_run_for_each_cluster_changes_nothing(green: ClusterOnServer, blue: ClusterOnServer) -> None:
    before = green.state(), blue.state()
    assert changed(play("site.yml", *BLUE_OPTIONS)) == 0
    assert changed(play("site.yml")) == 0
    assert (green.state(), blue.state()) == before


def test_uninstall_of_one_cluster_does_not_touch_the_other(green: ClusterOnServer, blue: ClusterOnServer) -> None:
    before = green.state()
    assert changed(play("uninstall.yml", *BLUE_OPTIONS)) > 0
    assert blue.state() == ({}, {}, set(), set())
    assert green.state() == before
    assert green.log_in().accepts("after the other cluster was uninstalled")
    assert root("SELECT COUNT(*) FROM blue_waba.message") == ((1,),), "uninstall does not touch the external server"
