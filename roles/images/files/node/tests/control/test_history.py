"""A master reports the changes of the primary master and of owners that it has observed."""

from __future__ import annotations

from waba_node.control.history import MOST, PRIMARY_MASTER, History


def test_first_reading_is_no_change() -> None:
    history = History(0.0)
    history.observe(0, "c1", 4, 1.0)
    history.observe(PRIMARY_MASTER, "m1", 2, 1.0)
    history.observe(0, "c1", 4, 2.0)
    assert history.report(3.0) == {"observed": 3.0, "changes": []}


def test_new_owner_is_reported_with_its_age_and_the_vacancy_before_it() -> None:
    history = History(0.0)
    history.observe(0, "c1", 4, 1.0)
    history.observe(0, None, 4, 2.0)
    history.observe(0, None, 4, 5.0)
    history.observe(0, "c2", 5, 8.5)
    change = {"shard": 0, "holder": "c2", "former": "c1", "epoch": 5, "age": 1.5, "vacancy": 6.5}
    assert history.report(10.0)["changes"] == [change]


def test_vacancy_that_began_before_the_first_reading_is_not_known() -> None:
    history = History(0.0)
    history.observe(PRIMARY_MASTER, None, 0, 1.0)
    history.observe(PRIMARY_MASTER, "m1", 1, 2.0)
    (change,) = history.report(2.0)["changes"]
    assert (change["holder"], change["former"], change["vacancy"]) == ("m1", None, None)


def test_same_owner_with_another_epoch_is_a_change() -> None:
    history = History(0.0)
    history.observe(1, "c1", 4, 1.0)
    history.observe(1, "c1", 5, 2.0)
    assert [(change["former"], change["holder"]) for change in history.report(2.0)["changes"]] == [("c1", "c1")]


def test_shards_are_observed_apart_from_each_other() -> None:
    history = History(0.0)
    for shard in (0, 1):
        history.observe(shard, f"c{shard}", 1, 1.0)
    history.observe(1, "c9", 2, 2.0)
    assert [change["shard"] for change in history.report(2.0)["changes"]] == [1]


def test_only_the_latest_changes_are_retained() -> None:
    history = History(0.0)
    for epoch in range(MOST + 11):
        history.observe(0, "c1", epoch, float(epoch))
    epochs = [change["epoch"] for change in history.report(100.0)["changes"]]
    assert epochs == list(range(11, MOST + 11))
