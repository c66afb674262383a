"""The console: its files, their headers, and the call that its page reads. tests/console tests the page in a browser."""

from __future__ import annotations

import re
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from api_support import SECRETS, Client, Cluster, error_of, wait_until
from pem_support import Authority
from waba_node.webapp.certificate import context_from_folder
from waba_node.webapp.console import attention, files
from waba_node.webapp.console.certificates import first_validity
from waba_node.webapp.console.reader import merge_histories, problem_of

NAMES = sorted(files.load_files())
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
}
HOLDER = "127.0.0.1:coreapp"


def get(client: Client, path: str, **options: Any) -> requests.Response:
    """Return an answer that the OpenAPI document does not describe."""
    return client.session.get(client.url + path, timeout=20, allow_redirects=False, **options)


def raw_status(client: Client, target: str) -> int:
    """Return the status of a request whose target is sent as it is."""
    place = urlsplit(client.url)
    context = ssl.create_default_context(cafile=str(client.certificate))
    with (
        socket.create_connection((place.hostname or "", place.port or 0), 10) as plain,
        context.wrap_socket(plain, server_hostname=place.hostname) as connection,
    ):
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: console\r\nConnection: close\r\n\r\n".encode())
        return int(connection.makefile("rb").readline().split()[1])


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/console/", *(f"/console/{name}" for name in NAMES)])
def test_every_file_has_the_protecting_headers(anonymous: Client, path: str) -> None:
    answer = get(anonymous, path)
    assert answer.status_code == 200
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy == POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("", "text/html"), ("console.js", "text/javascript"), ("console.css", "text/css"), ("icon.svg", "image/svg+xml")],
)
def test_files_have_their_media_types(anonymous: Client, name: str, media_type: str) -> None:
    assert get(anonymous, f"/console/{name}").headers["Content-Type"] == f"{media_type}; charset=utf-8"


def test_path_without_a_slash_leads_to_the_page(anonymous: Client) -> None:
    answer = get(anonymous, "/console")
    assert (answer.status_code, answer.headers["Location"]) == (308, "console/")


def test_unchanged_file_is_not_sent_again(anonymous: Client) -> None:
    first = get(anonymous, "/console/view.js")
    assert first.headers["Cache-Control"] == "no-cache"
    again = get(anonymous, "/console/view.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert get(anonymous, "/console/view.js", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "/console/../../../../etc/passwd",
        "/console/..%2f..%2freader.py",
        "/console/%2e%2e/reader.py",
        "/console/%2e%2e%2freader.py",
        "/console/static/console.js",
        "/console//etc/passwd",
        "/console/.%00/console.js",
        "/console/console.js%00",
        "/console/..\\reader.py",
        "/console/CONSOLE.JS",
        "/console/nothing.js",
    ],
)
def test_only_the_files_of_the_page_are_served(anonymous: Client, target: str) -> None:
    assert raw_status(anonymous, target) in (400, 404)


def test_files_cannot_be_written(anonymous: Client) -> None:
    answer = anonymous.call("POST", "/console/console.js")
    assert error_of(answer) == (405, 1006)


def test_page_has_no_inline_code_and_nothing_of_another_origin() -> None:
    page = (files.FOLDER / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", page) == []
    for name in NAMES:
        text = (files.FOLDER / name).read_text(encoding="utf-8")
        assert re.findall(r"(?:https?:)?//[\w.]+\.\w+/", text.replace("http://www.w3.org/", "")) == [], name
        assert (
            re.findall(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|localStorage|sessionStorage|indexedDB|cookie=",
                text,
            )
            == []
        )


def test_references_of_the_files_resolve() -> None:
    page = (files.FOLDER / "index.html").read_text(encoding="utf-8")
    referenced = set(re.findall(r'(?:src|href)="([^#"]+)"', page)) | {"index.html"}
    for name in NAMES:
        referenced |= set(re.findall(r'from "\./([^"]+)"', (files.FOLDER / name).read_text(encoding="utf-8")))
    assert referenced == set(NAMES)


def test_load_balancers_still_get_the_root(anonymous: Client) -> None:
    assert anonymous.call("GET", "/").text == "waba node\n"


# -- the call ----------------------------------------------------------------------------------------------------------


def read(admin: Client) -> dict[str, Any]:
    answer = admin.call("GET", "/v1/console")
    assert answer.status_code == 200
    return answer.json()["console"]


def test_state_names_primary_master_owner_and_queues(admin: Client, cluster: Cluster) -> None:
    state = read(admin)
    assert state["problems"] == {}
    roles = {node["name"]: node["role"] for node in state["nodes"]}
    assert roles == {f"{HOLDER}1": "coreapp", f"{HOLDER}2": "coreapp", "127.0.0.1:master1": "primary_master"}
    assert {node["version"] for node in state["nodes"]} == {"1.0.0"}
    assert all(node["uptime"] > 0 for node in state["nodes"])
    (shard,) = state["shards"]
    assert (shard["shard"], shard["connected"]) == (0, True)
    (connected,) = [node["name"] for node in state["nodes"] if node["status"] == "connected"]
    assert shard["owner"] == connected
    assert set(state["queues"]) == {"outbox", "uncertain", "webhooks", "updates", "set_aside"}
    (certificate,) = state["certificates"]
    assert 1800 < certificate["days"] < 1830
    assert certificate["severity"] is None
    assert state["webapp"]["name"] == "127.0.0.1:webapp1"
    assert state["webapp"]["problem"] == ""
    assert [item for item in state["attention"] if item["severity"] == "problem"] == []
    assert not [secret for secret in (*SECRETS, cluster.database.password) if secret in str(state)]


def test_answer_is_not_stored_by_browsers_and_caches(admin: Client) -> None:
    headers = admin.call("GET", "/v1/console").headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Access-Control-Allow-Origin" not in headers


def test_refusal_of_a_login_starts_no_dialog_of_the_browser(anonymous: Client) -> None:
    assert "WWW-Authenticate" not in anonymous.login("wrong").headers
    assert "WWW-Authenticate" not in anonymous.call("GET", "/v1/console").headers


def test_many_readers_cost_as_much_as_one(admin: Client, monitor: Client) -> None:
    def calls_of_nodes() -> float:
        stats = monitor.call("GET", "/v1/stats/app").json()["stats"].values()
        samples = [sample for node in stats for sample in node["app"]["endpoint_requests"]["data"]]
        return sum(sample["value"] for sample in samples if sample["labels"].get("endpoint") == "history")

    before, began = calls_of_nodes(), time.monotonic()
    for _reader in range(20):
        read(admin)
    assert 0 <= calls_of_nodes() - before <= time.monotonic() - began + 1


def test_move_of_a_shard_is_reported_with_both_owners(admin: Client, cluster: Cluster) -> None:
    former = read(admin)["shards"][0]["owner"]
    cluster.nodes[former.split(":")[1]].stop()
    cluster.start_node(former.split(":")[1])

    def moved() -> bool:
        state = read(admin)
        return state["shards"][0]["connected"] and state["shards"][0]["owner"] != former

    wait_until(moved)
    state = read(admin)
    epoch, owner = state["shards"][0]["epoch"], state["shards"][0]["owner"]
    wait_until(lambda: any(change["epoch"] == epoch for change in read(admin)["changes"]["latest"]))
    changes = [change for change in read(admin)["changes"]["latest"] if change["shard"] == 0]
    assert (changes[0]["former"], changes[0]["holder"], changes[0]["epoch"]) == (former, owner, epoch)
    wait_until(lambda: len([node for node in read(admin)["nodes"] if node["status"] == "disconnected"]) == 2)


@pytest.fixture
def third(admin: Client, cluster: Cluster) -> Iterator[Callable[..., Client]]:
    """A function that starts a third webapp with some variables and returns the administrator's session there."""

    def start(**environment: str) -> Client:
        cluster.start_webapp("webapp3", **environment)
        client = Client(cluster.urls[2], cluster.folder / "webapp3" / "web.pem", admin.session.headers["Authorization"])
        wait_until(lambda: client.certificate.exists() and cluster.nodes["webapp3"].health_line() == "ok")
        return client

    yield start
    cluster.stop_webapp("webapp3")


@pytest.fixture
def account_without(cluster: Cluster) -> Iterator[Callable[[str], dict[str, str]]]:
    """A function that returns the variables of a database account which can read every table but one."""
    user, password = "partial_" + secrets.token_hex(4), secrets.token_hex(16)

    def create(missing: str) -> dict[str, str]:
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
        tables = [name for (name,) in cluster.rows(query) if name != missing]
        cluster.execute(
            f"CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'",
            *(f"GRANT SELECT, INSERT, UPDATE, DELETE ON `{name}` TO '{user}'@'%'" for name in tables),
        )
        return {"WA_DB_USERNAME": user, "WA_DB_PASSWORD": password}

    yield create
    cluster.execute(f"DROP USER '{user}'@'%'")


def test_part_that_cannot_be_read_fails_alone(
    third: Callable[..., Client], account_without: Callable[[str], dict[str, str]]
) -> None:
    state = read(third(**account_without("webhook")))
    assert state["queues"] is None
    assert list(state["problems"]) == ["queues"]
    assert state["problems"]["queues"].startswith("the database failed: ")
    assert state["shards"][0]["connected"]
    assert state["certificates"]
    assert state["attention"][0]["text"].startswith("Not read: queues: the database failed: ")


def test_console_that_is_switched_off_does_not_exist(third: Callable[..., Client]) -> None:
    client = third(WABA_CONSOLE="0")
    for path in ("/console", "/console/", "/console/console.js"):
        assert error_of(client.call("GET", path)) == (404, 1006)
    assert error_of(client.call("GET", "/v1/console")) == (404, 1006)
    assert client.call("GET", "/").status_code == 200


# -- pure parts --------------------------------------------------------------------------------------------------------


def node(name: str, role: str, status: str = "disconnected", problem: str = "") -> dict[str, Any]:
    return {"name": name, "role": role, "status": status, "problem": problem}


def certificate(expires_at: str | None, days: int | None, severity: str | None, problem: str = "") -> dict[str, Any]:
    return {"name": "API", "expires_at": expires_at, "days": days, "severity": severity, "problem": problem}


def healthy() -> dict[str, Any]:
    queue = {"waiting": 0, "more": False, "oldest": None}
    return {
        "webapp": {"problem": ""},
        "nodes": [
            node("m1", "primary_master"),
            node("m2", "secondary_master"),
            node("c1", "coreapp", "connected"),
            node("c2", "coreapp"),
        ],
        "shards": [{"shard": 0, "owner": "c1", "connected": True, "epoch": 3}],
        "queues": dict.fromkeys(("outbox", "uncertain", "webhooks", "updates", "set_aside"), queue),
        "certificates": [certificate("2030-01-01T00:00:00Z", 100, None)],
        "problems": {},
    }


def test_healthy_cluster_needs_no_attention() -> None:
    assert attention.find_attention(healthy()) == []


def test_parts_that_could_not_be_read_do_not_hide_the_others() -> None:
    state = {**healthy(), "nodes": None, "shards": None, "queues": None, "certificates": None}
    state["problems"] = {"nodes": "no answer", "queues": "too slow", "shards": "no answer"}
    texts = [item["text"] for item in attention.find_attention(state)]
    assert texts == ["Not read: nodes, shards: no answer.", "Not read: queues: too slow."]


@pytest.mark.parametrize(
    ("part", "value", "severity", "text"),
    [
        ("webapp", {"problem": "the shard map cannot be read"}, "problem", "This webapp: the shard map cannot be read."),
        ("nodes", [node("m1", "secondary_master"), node("m2", "secondary_master"), node("c2", "coreapp")], "problem", "No primary master"),
        ("nodes", [node("m1", "primary_master"), node("c2", "coreapp")], "notice", "There is one master"),
        ("nodes", [*healthy()["nodes"][:2], node("c1", "coreapp", "connected")], "notice", "No coreapp is on standby"),
        ("nodes", [*healthy()["nodes"], node("c3", "coreapp", "unreachable", "no route")], "problem", "c3: no route."),
        ("nodes", [*healthy()["nodes"], node("c3", "coreapp", problem="draining")], "problem", "c3: draining."),
        ("shards", [{"shard": 1, "owner": None, "connected": False, "epoch": 3}], "problem", "Shard 1 has no owner"),
        ("shards", [{"shard": 1, "owner": "c1", "connected": False, "epoch": 3}], "problem", "Shard 1: its owner c1 is not"),
        ("certificates", [certificate("2030", 20, "notice")], "notice", "Certificate (API) expires in 20 days"),
        ("certificates", [certificate("2030", 6, "problem")], "problem", "Certificate (API) expires in 6 days"),
        ("certificates", [certificate("2030", -1, "problem")], "problem", "Certificate (API) expired on 2030."),
        ("certificates", [certificate(None, None, "problem", "is no file")], "problem", "Certificate (API) is no file."),
    ],
)  # fmt: skip
def test_each_problem_needs_attention(part: str, value: object, severity: str, text: str) -> None:
    (item,) = attention.find_attention({**healthy(), part: value})
    assert item["severity"] == severity
    assert item["text"].startswith(text)


@pytest.mark.parametrize(
    ("queue", "value", "severity"),
    [
        ("outbox", {"waiting": 1, "more": False, "oldest": 61.0}, "problem"),
        ("webhooks", {"waiting": 1, "more": False, "oldest": 301.0}, "problem"),
        ("updates", {"waiting": 1, "more": False, "oldest": 61.0}, "problem"),
        ("uncertain", {"waiting": 1, "more": False, "oldest": 1.0}, "problem"),
        ("set_aside", {"waiting": 1, "more": False, "oldest": 1.0}, "notice"),
    ],
)
def test_each_queue_that_waits_too_long_needs_attention(queue: str, value: dict, severity: str) -> None:
    state = healthy()
    state["queues"] = {**state["queues"], queue: value}
    (item,) = attention.find_attention(state)
    assert item["severity"] == severity


@pytest.mark.parametrize(
    ("health", "problem"),
    [
        ("ok", ""),
        ("ok (database: acknowledged by one member only)", "database: acknowledged by one member only"),
        ("unhealthy: starting; report is 20 s late", "starting; report is 20 s late"),
    ],
)
def test_problem_of_a_node_is_that_of_its_health_line(health: str, problem: str) -> None:
    assert problem_of(health) == problem


def test_problems_come_before_notices() -> None:
    state = {**healthy(), "problems": {"queues": "no answer in time"}, "nodes": healthy()["nodes"][:3]}
    assert [item["severity"] for item in attention.find_attention(state)] == ["problem", "notice"]


def change(epoch: int, age: float, **fields: Any) -> dict[str, Any]:
    return {"shard": 0, "holder": "c2", "former": None, "epoch": epoch, "age": age, "vacancy": None, **fields}


def test_change_that_two_masters_observed_is_listed_once_with_all_that_is_known() -> None:
    first = {"observed": 10.0, "changes": [change(5, 3.0, former="c1"), change(4, 8.0)]}
    second = {"observed": 90.0, "changes": [change(5, 3.4, vacancy=6.0)]}
    merged = merge_histories([first, second])
    assert merged is not None
    assert merged["observed"] == 90.0
    assert merged["latest"] == [change(5, 3.4, former="c1", vacancy=6.0), change(4, 8.0)]
    assert merge_histories([]) is None


def test_validity_of_a_chain_is_that_of_its_first_certificate_to_expire(tmp_path: Path) -> None:
    context_from_folder(str(tmp_path), "localhost")
    own, authority = (tmp_path / "web.pem").read_text(encoding="ascii"), Authority("authority").pem.decode()
    begin, end = first_validity(own)
    assert (end - begin).days in (1825, 1826)
    assert first_validity(own + authority) == first_validity(authority) != (begin, end)
    with pytest.raises(ValueError, match="PEM"):
        first_validity("no certificate")


@pytest.mark.parametrize(
    ("validity", "remaining", "severity"),
    [
        (365, 30.1, None),
        (365, 29.9, "notice"),
        (365, 7.1, "notice"),
        (365, 6.9, "problem"),
        (47, 11.8, None),
        (47, 11.7, "notice"),
        (47, 3, "notice"),
        (47, 2.9, "problem"),
        (6, 1.6, None),
        (6, 1.4, "notice"),
        (6, 0.3, "problem"),
        (6, -0.1, "problem"),
    ],
)
def test_severity_of_an_expiry_depends_on_the_validity(validity: float, remaining: float, severity: str | None) -> None:
    """In days."""
    assert attention.certificate_severity(remaining * attention.DAY, validity * attention.DAY) == severity
