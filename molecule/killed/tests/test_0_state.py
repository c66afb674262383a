"""Comparisons of states find each kind of damage."""

from __future__ import annotations

import copy

import pytest
import state

CONTAINER = {
    "image": "sha256:1",
    "tag": "node:v1",
    "state": "running",
    "definition": "[]",
    "id": "a",
    "started": "10:00",
    "restarts": 0,
}
INTACT: state.State = {
    "db1": {
        "files": {"/opt/waba/db.env": ["0o600", 0, "A=<waba_api_key>"]},
        "containers": {"waba-db-db-1": CONTAINER},
        "networks": ["waba-db_default"],
        "volumes": ["waba_mysqlData"],
        "leftovers": [],
        "secret": [],
        "exposed": [],
    }
}


def damaged(kind: str, name: str, value: object) -> state.State:
    found = copy.deepcopy(INTACT)
    if isinstance(found["db1"][kind], list):
        found["db1"][kind] = value
    else:
        found["db1"][kind][name] = value
    return found


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("files", "/opt/waba/db.env", ["0o644", 0, "A=<waba_api_key>"]),
        ("files", "/opt/waba/.db.env.new", ["0o600", 0, "A=<waba_api_key>"]),
        ("containers", "waba-db-db-1", {**CONTAINER, "state": "exited"}),
        ("containers", "waba-dbupgrade", CONTAINER),
        ("networks", "", []),
        ("volumes", "", []),
    ],
)
def test_each_difference_is_found(kind: str, name: str, value: object) -> None:
    assert state.differences(INTACT, INTACT) == []
    assert len(state.differences(INTACT, damaged(kind, name, value))) == 1


@pytest.mark.parametrize("change", [{"id": "b"}, {"started": "10:01"}, {"restarts": 1}])
def test_needless_restart_is_found(change: dict[str, object]) -> None:
    after = damaged("containers", "waba-db-db-1", {**CONTAINER, **change})
    assert state.restarted(INTACT, after, INTACT) == ["db1: waba-db-db-1"]
    stopped = damaged("containers", "waba-db-db-1", {**CONTAINER, "state": "exited"})
    assert state.restarted(stopped, after, INTACT) == [], "a stopped container may be started"


def test_leftover_is_found_if_it_is_a_lock_or_contains_a_secret() -> None:
    after = damaged("leftovers", "", ["/root/.ansible/tmp/x"])
    assert state.leftovers(INTACT, after) == [], "a leftover without a secret is tolerated"
    after["db1"]["secret"] = ["/root/.ansible/tmp/x"]
    assert state.leftovers(INTACT, after) == ["db1: /root/.ansible/tmp/x (with a secret)"]
    assert state.leftovers(INTACT, damaged("leftovers", "", ["/run/lock/waba"])) == ["db1: /run/lock/waba"]
    assert state.exposed(damaged("exposed", "", ["/etc/x"])) == ["db1: /etc/x"]
