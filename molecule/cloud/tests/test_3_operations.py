"""Status reports the upstream; secrets are exchanged without losing a message."""

from __future__ import annotations

import json
import time
from pathlib import Path

import requests
from cloud_traffic import Traffic
from conftest import (
    SETTINGS,
    WEBHOOK_URL,
    Api,
    Cluster,
    Receiver,
    Standin,
    changed,
    one_line,
    play,
    started,
    verify_token,
    wait_for,
)
from figures import figure

STATUS, ROTATE, SITE = "playbooks/status.yml", "playbooks/rotate_cloud_secrets.yml", "playbooks/site.yml"
NEW = {
    "waba_cloud_token": "the-new-token",
    "waba_cloud_app_secret": "the-new-secret",
    "waba_cloud_verify_token": "the-new-verify-token",
}


def test_status_has_a_row_for_the_upstream(tmp_path: Path) -> None:
    result = play(STATUS, "-e", f"waba_status_json={tmp_path}/status.json")
    assert result.returncode == 0, result.stdout
    state = json.loads((tmp_path / "status.json").read_text(encoding="utf-8"))
    (row,) = [one for one in state["nodes"] if one["host"] == "(upstream)"]
    assert (row["service"], row["gateway"], row["problem"]) == ("Cloud API", "connected", "")
    assert "last webhook" in row["state"]
    assert "at most 80 messages/s (STANDARD)" in row["state"]
    assert state["upstream"]["uncertain"] == 0


def test_dead_token_is_an_unhealthy_cluster_with_the_reason(api: Api, standin: Standin) -> None:
    standin.post("behaviour", {"dead_tokens": True})
    try:
        wait_for(lambda: not api.is_healthy(), 180, "the cluster stays healthy")
        output = one_line(play(STATUS).stdout)
        assert "not connected" in output
        assert "190" in output
    finally:
        standin.post("behaviour", {"dead_tokens": False})
    wait_for(api.is_healthy, 180, "the cluster does not recover")


def test_secrets_are_exchanged_without_losing_doubling_or_refusing_a_message(
    cluster: Cluster, apis: list[Api], standin: Standin, receiver: Receiver, tmp_path: Path
) -> None:
    exchanged = given(tmp_path, **NEW, waba_cloud_previous_app_secret=SETTINGS["waba_cloud_app_secret"])
    before = started(cluster)
    with Traffic(apis, standin, receiver) as traffic:
        refused_tokens = refusals(standin)
        # As at Meta: a new token beside the former one, then a new secret, which signs every webhook from now on.
        standin.post("credentials", {"tokens": [SETTINGS["waba_cloud_token"], NEW["waba_cloud_token"]]})
        standin.post("credentials", {"app_secret": NEW["waba_cloud_app_secret"]})
        assert changed(play(ROTATE, "-e", exchanged)) > 0
        standin.post("credentials", {"tokens": [NEW["waba_cloud_token"]]})
        time.sleep(10)
    traffic.settle(180)
    figure("exchange of token, app secret and verify token", traffic.summary())
    after = started(cluster)
    assert set(before) & set(after) == {str(cluster.container("db").id)}, (
        "every node is replaced, and the database is not"
    )
    assert traffic.refused == []
    assert traffic.forgotten() == set(), "messages were lost"
    assert traffic.lost() == set(), "texts of users were lost"
    assert set(traffic.posted().values()) == {1}, "a message was sent twice"
    assert set(traffic.posted()) >= set(traffic.accepted)
    assert set(traffic.accepted) <= traffic.outcome.with_status("delivered")
    assert traffic.doubled() == set(), "a text of a user counts for two"
    assert refusals(standin) == refused_tokens, "a node used the revoked token"
    assert changed(play(ROTATE, "-e", exchanged)) == 0
    assert started(cluster) == after, "a second exchange restarts nothing"


def test_new_verify_token_is_used_when_the_webhook_is_set(standin: Standin, tmp_path: Path) -> None:
    exchanged = given(tmp_path, **NEW, waba_cloud_previous_app_secret=SETTINGS["waba_cloud_app_secret"])
    query = {"hub.mode": "subscribe", "hub.challenge": "7"}
    for token, status in ((NEW["waba_cloud_verify_token"], 200), (verify_token(), 403)):
        answer = requests.get(WEBHOOK_URL, params={**query, "hub.verify_token": token}, timeout=10)
        assert answer.status_code == status
    standin.set_webhook("", NEW["waba_cloud_token"], "")
    assert changed(play(SITE, "-e", exchanged)) == 1
    assert standin.state()["number"]["webhook_configuration"]["phone_number"] == WEBHOOK_URL


def test_token_that_died_before_its_exchange_loses_no_accepted_message(
    cluster: Cluster, api: Api, apis: list[Api], standin: Standin, receiver: Receiver
) -> None:
    """No coreapp is connected then, so site.yml replaces the nodes at once. Returns to the settings of the inventory."""
    with Traffic(apis, standin, receiver) as traffic:
        standin.post("credentials", {"tokens": [SETTINGS["waba_cloud_token"]]})
        wait_for(lambda: not api.is_healthy(), 180, "the cluster stays healthy")
        assert changed(play(SITE)) > 0
        # From now on the nodes know the former secret alone.
        standin.post("credentials", {"app_secret": SETTINGS["waba_cloud_app_secret"]})
        wait_for(api.is_healthy, 180, "the cluster does not recover")
        time.sleep(5)
    traffic.settle(240)
    figure("token that died before its exchange", traffic.summary())
    assert traffic.forgotten() == set(), "messages were lost"
    assert traffic.lost() == set(), "texts of users were lost"
    assert set(traffic.posted().values()) == {1}, "a message was sent twice"
    assert traffic.doubled() == set(), "a text of a user counts for two"


def given(folder: Path, **secrets: str) -> str:
    """Return the argument of `-e` for secrets, which are not on the command line."""
    file = folder / "secrets.yml"
    file.write_text(json.dumps(secrets), encoding="utf-8")
    return f"@{file}"


def refusals(standin: Standin) -> int:
    """Return how many calls the stand-in has refused for their token."""
    return int(standin.state()["refused"].get("190", 0))
