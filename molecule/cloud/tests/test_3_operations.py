"""Status reports the upstream; secrets are exchanged without losing a message."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from conftest import SETTINGS, USER, Api, Cluster, Receiver, Standin, changed, one_line, play, started, wait_for

STATUS, ROTATE = "playbooks/status.yml", "playbooks/rotate_cloud_secrets.yml"


def test_status_has_a_row_for_the_upstream(tmp_path: Path) -> None:
    result = play(STATUS, "-e", f"waba_status_json={tmp_path}/status.json")
    assert changed(result) == 0
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


def test_app_secret_is_exchanged_without_losing_a_message(
    cluster: Cluster, api: Api, standin: Standin, receiver: Receiver, tmp_path: Path
) -> None:
    given = tmp_path / "secrets.yml"
    former = SETTINGS["waba_cloud_app_secret"]
    given.write_text(
        json.dumps({"waba_cloud_app_secret": "the-new-secret", "waba_cloud_previous_app_secret": former}),
        encoding="utf-8",
    )
    ended, accepted, injected = threading.Event(), list[str](), list[str]()

    def exchange() -> None:
        while not ended.wait(0.5):
            for number, base in enumerate((api.base, api.base.replace("25190", "25191"))):
                url = f"{base}/v1/messages"
                body = {"to": USER, "type": "text", "text": {"body": f"message {len(accepted)}.{number}"}}
                try:
                    answer = api.session.post(url, json=body, timeout=10)
                except OSError:
                    continue
                if answer.status_code == 200:
                    accepted.append(answer.json()["messages"][0]["id"])
                    break
            text = f"answer {len(injected)}"
            standin.post("inbound", {"type": "text", "from": USER, "text": text, "name": "Ada"})
            injected.append(text)

    thread = threading.Thread(target=exchange, daemon=True)
    before, received = started(cluster), standin.state()["messages"]["accepted"]
    thread.start()
    try:
        standin.post("credentials", {"app_secret": "the-new-secret"})
        assert changed(play(ROTATE, "-e", f"@{given}")) > 0
    finally:
        ended.set()
        thread.join(30)
    after = started(cluster)
    database = str(cluster.container("db").id)
    assert set(before) & set(after) == {database}, "every node is replaced, and the database is not"
    texts, statuses = collected(receiver, set(accepted), set(injected))
    assert set(accepted) - statuses == set(), "a message was not delivered"
    assert set(injected) - texts == set(), "an answer was lost"
    assert standin.state()["messages"]["accepted"] - received == len(accepted), "a message was sent twice"
    assert changed(play(ROTATE, "-e", f"@{given}")) == 0
    assert started(cluster) == after, "a second exchange restarts nothing"
    standin.post("credentials", {"app_secret": former})
    changed(play("playbooks/site.yml"))


def collected(receiver: Receiver, messages: set[str], texts: set[str]) -> tuple[set[str], set[str]]:
    """Return (texts, messages with the status delivered) that the client received, once all have arrived or no more do."""
    found: tuple[set[str], set[str]] = (set(), set())

    def arrived() -> bool:
        while not receiver.bodies.empty():
            body: dict[str, Any] = receiver.bodies.get()
            found[0].update(one["text"]["body"] for one in body.get("messages", []) if one["type"] == "text")
            found[1].update(one["id"] for one in body.get("statuses", []) if one["status"] == "delivered")
        return texts <= found[0] and messages <= found[1]

    wait_for(arrived, 180, "not every message and answer arrives")
    return found
