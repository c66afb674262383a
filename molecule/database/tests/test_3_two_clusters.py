"""A second cluster in the same inventory, on the same host and the same database server: neither sees the other."""

from __future__ import annotations

from conftest import BLUE_OPTIONS, Side, changed, play, root, wait_for


def test_both_work_side_by_side_and_the_first_is_not_touched(green: Side, blue: Side) -> None:
    before = green.state()
    assert changed(play("site.yml", *BLUE_OPTIONS)) > 0
    assert green.state() == before
    assert len(blue.cluster.started()) == 3
    ours, theirs = green.log_in(), blue.log_in()
    assert not set(ours.secrets.values()) & set(theirs.secrets.values())
    wait_for(ours.is_healthy, 30, "the first cluster is whole")
    assert len(theirs.health()) == 2, "its master and its coreapp"
    sent = [one.send("to one of two").json()["messages"][0]["id"] for one in (ours, theirs)]
    found = [
        [row[0] for row in root(f"SELECT message_id FROM {database}.message WHERE message_id IN {tuple(sent)}")]
        for database in ("waba", "blue_waba")
    ]
    assert found == [sent[:1], sent[1:]]


def test_a_second_run_for_either_changes_nothing(green: Side, blue: Side) -> None:
    before = green.state(), blue.state()
    assert changed(play("site.yml", *BLUE_OPTIONS)) == 0
    assert changed(play("site.yml")) == 0
    assert (green.state(), blue.state()) == before


def test_uninstalling_one_leaves_the_other_as_it_is(green: Side, blue: Side) -> None:
    before = green.state()
    assert changed(play("uninstall.yml", *BLUE_OPTIONS)) > 0
    assert blue.state() == ({}, {}, set(), set())
    assert green.state() == before
    assert green.log_in().accepts("after the other is gone")
    assert root("SELECT COUNT(*) FROM blue_waba.message") == ((1,),), "the server is somebody else's"
