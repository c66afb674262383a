"""The judge sees what it is there for: each kind of damage, done to a state by hand."""

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
WHOLE = {
    "db1": {
        "files": {"/opt/waba/db.env": ["0o600", 0, "A=<waba_api_key>"]},
        "containers": {"waba-db-db-1": CONTAINER},
        "networks": ["waba-db_default"],
        "volumes": ["waba_mysqlData"],
        "litter": [],
        "secret": [],
        "open_to_all": [],
    }
}


def damaged(kind: str, name: str, value: object) -> dict:
    found = copy.deepcopy(WHOLE)
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
def test_what_differs_is_told(kind: str, name: str, value: object) -> None:
    assert state.differences(WHOLE, WHOLE) == []
    assert len(state.differences(WHOLE, damaged(kind, name, value))) == 1


@pytest.mark.parametrize("change", [{"id": "b"}, {"started": "10:01"}, {"restarts": 1}])
def test_a_needless_restart_is_told(change: dict) -> None:
    after = damaged("containers", "waba-db-db-1", {**CONTAINER, **change})
    assert state.restarted(WHOLE, after, WHOLE) == ["db1: waba-db-db-1"]
    stopped = damaged("containers", "waba-db-db-1", {**CONTAINER, "state": "exited"})
    assert state.restarted(stopped, after, WHOLE) == [], "what did not run may be started"


def test_litter_is_told_and_whether_a_secret_is_in_it() -> None:
    after = damaged("litter", "", ["/root/.ansible/tmp/x"])
    assert state.litter(WHOLE, after) == [], "what holds no secret harms nobody"
    after["db1"]["secret"] = ["/root/.ansible/tmp/x"]
    assert state.litter(WHOLE, after) == ["db1: /root/.ansible/tmp/x (with a secret)"]
    assert state.litter(WHOLE, damaged("litter", "", ["/run/lock/waba"])) == ["db1: /run/lock/waba"]
    assert state.exposed(damaged("open_to_all", "", ["/etc/x"])) == ["db1: /etc/x"]
