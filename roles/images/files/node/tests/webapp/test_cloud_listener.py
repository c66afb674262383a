"""The webhook listener with real sockets and a real database."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
from cloud_support import (
    FORMER_SECRET,
    NUMBER_ID,
    OWNER,
    SECRET,
    VERIFY_TOKEN,
    MemoryDatabase,
    Router,
    Sender,
    StubWebapp,
    cloud_config,
    eventually,
    listening,
    message,
    sending,
    status,
    stored,
    webhook,
)
from pem_support import Authority
from severable_proxy import SeverableProxy
from waba_node.control.sharding import BUCKETS, bucket_of
from waba_node.store import deliveries
from waba_node.store.deliveries import Sent
from waba_node.store.engine import Database
from waba_node.upstream.cloud.translation.webhooks import Update
from waba_node.webapp import cloud_listener, cloud_webhooks
from waba_node.webapp.cloud_signature import HEADER, sign
from waba_node.webapp.cloud_updates import OwnerNotifier, UpdateWriter, split
from waba_node.webapp.cloud_webhooks import CloudWebhooks

VERIFICATION = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": VERIFY_TOKEN}


@pytest.fixture
def port(free_ports: Callable[[int], tuple[int, ...]]) -> int:
    return free_ports(1)[0]


@pytest.fixture
def webapp(tasks: asyncio.TaskGroup) -> StubWebapp:
    """A webapp without a database: every update counts as stored."""
    return StubWebapp(MemoryDatabase(), tasks)


@pytest.fixture
async def webhooks(webapp: StubWebapp, port: int) -> AsyncIterator[CloudWebhooks]:
    """A listener that accepts two app secrets."""
    async with listening(webapp, cloud_config(port, app_secrets=(SECRET, FORMER_SECRET))) as made:
        yield made


@pytest.fixture
async def sender(webhooks: CloudWebhooks, port: int) -> AsyncIterator[Sender]:
    """A sender to `webhooks`."""
    async with sending(port) as made:
        yield made


@pytest.fixture
async def storing(database: Database, tasks: asyncio.TaskGroup, port: int) -> AsyncIterator[Sender]:
    """A sender to a listener with a database."""
    async with listening(StubWebapp(database, tasks), cloud_config(port)), sending(port) as made:
        yield made


async def get(sender: Sender, **query: str) -> tuple[int, str]:
    async with sender.session.get(sender.url, params=query) as answer:
        return answer.status, await answer.text()


async def connect(port: int, first: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)
    return reader, writer


def head(body: bytes, length: int | None = None, secret: str = SECRET) -> bytes:
    """Return the head of a signed POST."""
    size = len(body) if length is None else length
    return f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n{HEADER}: {sign(body, secret)}\r\n\r\n".encode()


# -- verification ------------------------------------------------------------------------------------------------------


async def test_verification_returns_the_challenge(sender: Sender) -> None:
    assert await get(sender, **VERIFICATION) == (200, "1158201444")


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"hub.verify_token": "wrong"}, 403),
        ({"hub.verify_token": ""}, 403),
        ({"hub.verify_token": VERIFY_TOKEN + "x"}, 403),
        ({"hub.verify_token": "tökén"}, 403),
        ({"hub.mode": "unsubscribe"}, 400),
        ({"hub.challenge": "x" * 300}, 400),
        ({"hub.challenge": "é"}, 400),
    ],
)
async def test_invalid_verification_is_refused(sender: Sender, change: dict[str, str], refusal: int) -> None:
    answer = await get(sender, **{**VERIFICATION, **change})
    assert answer[0] == refusal
    assert VERIFY_TOKEN not in answer[1]


async def test_load_balancer_can_probe_the_listener(sender: Sender, webapp: StubWebapp) -> None:
    assert (await get(sender))[0] == 200
    webapp.draining = True
    assert (await get(sender))[0] == 503


# -- accepted webhooks -------------------------------------------------------------------------------------------------


async def test_updates_are_committed_before_the_answer(storing: Sender, database: Database) -> None:
    body = webhook(messages=[message("wamid.1", text="Grüße 😀 / @"), message("wamid.2", user="15550000002")])
    assert await storing.post(body) == 200
    rows = await stored(database)
    assert [(row.kind, row.bucket) for row in rows] == [
        ("message", bucket_of("15551234567")),
        ("message", bucket_of("15550000002")),
    ]
    first = Update(**json.loads(rows[0].content))
    assert (first.wamid, first.content["message"]["text"]["body"]) == ("wamid.1", "Grüße 😀 / @")


async def test_former_secret_is_accepted_during_an_exchange(sender: Sender, webapp: StubWebapp) -> None:
    for number, secret in enumerate((SECRET, FORMER_SECRET)):
        assert await sender.post(webhook(messages=[message(f"wamid.{number}")]), secret) == 200
    assert webapp.database.transactions == 2


async def test_update_that_arrives_twice_is_stored_once(storing: Sender, database: Database) -> None:
    body = webhook(messages=[message("wamid.1")], statuses=[status("wamid.2"), status("wamid.2", "delivered")])
    assert await storing.post(body) == 200
    both = webhook(messages=[message("wamid.1"), message("wamid.3")])
    assert await asyncio.gather(*(storing.post(content) for content in [body, both] * 10)) == [200] * 20
    assert [(row.kind, json.loads(row.content)["wamid"]) for row in await stored(database)] == [
        ("message", "wamid.1"),
        ("status", "wamid.2"),
        ("status", "wamid.2"),
        ("message", "wamid.3"),
    ]


async def test_status_belongs_to_the_bucket_of_its_message(storing: Sender, database: Database) -> None:
    async with database.begin() as connection:
        await deliveries.record_sent(connection, {"wamid.known": Sent("id-1", 7)})
    statuses = [
        status("wamid.a", callback_data="5:id-1"),
        status("wamid.known"),
        status("wamid.unknown"),
        status("wamid.b", callback_data=f"{BUCKETS}:no bucket"),
        status("wamid.c", callback_data="of another program"),
    ]
    assert await storing.post(webhook(statuses=statuses)) == 200
    user = bucket_of("15551234567")
    assert [row.bucket for row in await stored(database)] == [5, 7, user, user, user]


async def test_webhook_of_another_number_is_ignored(sender: Sender, webapp: StubWebapp) -> None:
    assert await sender.post(webhook(messages=[message("wamid.1")], number_id="1")) == 200
    assert await sender.post({"object": "page"}) == 200
    assert webapp.database.transactions == 0


async def test_half_of_a_surrogate_pair_does_not_lose_the_message(storing: Sender, database: Database) -> None:
    raw = json.dumps(webhook(messages=[message("wamid.1", text="cut off: X")])).replace("X", "\\ud83d").encode()
    assert await storing.post(raw) == 200
    (row,) = await stored(database)
    assert json.loads(row.content)["content"]["message"]["text"]["body"] in ("cut off: ?", "cut off: \ufffd")


async def test_largest_webhook_is_stored_while_the_event_loop_stays_responsive(
    storing: Sender, database: Database
) -> None:
    """The bound is generous for a busy machine: the test names the longest pause in its failure."""
    messages = [message(f"wamid.{number}", str(15550000000 + number), "x" * 2900) for number in range(1000)]
    raw = json.dumps(webhook(messages=messages)).encode()
    assert len(raw) > 3_000_000
    pauses: list[float] = []

    async def measure() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.001)
            pauses.append(time.monotonic() - began)

    measuring = asyncio.create_task(measure())
    assert await storing.post(raw) == 200
    measuring.cancel()
    assert len(await stored(database)) == 1000
    assert max(pauses) < 2.0
    print(f"longest pause {max(pauses) * 1000:.0f} ms, of {len(pauses)}")


# -- refused requests --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["", "sha256=", "sha1=" + "0" * 40, "sha256=" + "g" * 64])
async def test_unsigned_body_is_not_read(sender: Sender, webhooks: CloudWebhooks, header: str, port: int) -> None:
    reader, writer = await connect(
        port, f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n{HEADER}: {header}\r\n\r\n".encode()
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 403 ")
    writer.close()
    assert webhooks.metrics.requests == {"unsigned": 1}


async def test_wrong_signature_is_refused_without_parsing(
    sender: Sender, webhooks: CloudWebhooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud_webhooks, "split", None)
    assert await sender.post(webhook(messages=[message("wamid.1")]), "wrong") == 403
    assert webhooks.metrics.requests == {"wrong_signature": 1}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": "\xff"}',
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        "{}".encode("utf-16"),
    ],
    ids=range(13),
)
async def test_signed_body_without_a_json_object_is_refused_with_a_log_line(
    sender: Sender, raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assert await sender.post(raw) == 400
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "refused a signed webhook" in caplog.text


async def test_body_that_is_too_large_is_refused(sender: Sender, webhooks: CloudWebhooks, port: int) -> None:
    too_large = cloud_webhooks.LARGEST_BODY + 1
    reader, writer = await connect(port, head(b"", too_large))
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    writer.close()

    async def chunks() -> AsyncIterator[bytes]:
        for _chunk in range(too_large // 65536 + 1):
            yield bytes(65536)

    headers = {HEADER: sign(b"", SECRET)}
    async with sender.session.post(sender.url, data=chunks(), headers=headers) as answer:
        assert answer.status == 413
    assert webhooks.metrics.requests == {"too_large": 2}
    assert webhooks.buffered == 0


async def test_compressed_body_is_not_decompressed(sender: Sender) -> None:
    assert await sender.post(b"\x1f\x8b" + bytes(100), headers={"Content-Encoding": "gzip"}) == 400


async def test_other_methods_are_refused(sender: Sender) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        async with sender.session.request(method, sender.url, data=b"x") as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, POST")


# -- the database ------------------------------------------------------------------------------------------------------


async def test_webhook_is_refused_with_503_while_the_database_is_away(
    database: Database, tasks: asyncio.TaskGroup, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud_webhooks, "FAILOVER_PATIENCE", 0.5)
    proxy = SeverableProxy(database.config.host, database.config.port)
    away = Database(dataclasses.replace(database.config, host="127.0.0.1", port=proxy.port))
    webapp, body = StubWebapp(away, tasks), webhook(messages=[message("wamid.1")])
    async with listening(webapp, cloud_config(port)) as webhooks, sending(port) as sender:
        assert await sender.post(webhook(messages=[message("wamid.0")])) == 200
        proxy.sever()
        assert await asyncio.gather(*(sender.post(body) for _repetition in range(3))) == [503] * 3
        assert "database" in webapp.health.problems
        proxy.restore()
        assert await sender.post(body) == 200
        webapp.schema_ready = False
        assert await sender.post(body) == 503
        assert webhooks.metrics.requests == {"accepted": 2, "unavailable": 4}
        assert webhooks.buffered == 0
    await away.close()
    proxy.close()
    assert [json.loads(row.content)["wamid"] for row in await stored(database)] == ["wamid.0", "wamid.1"]


async def test_body_that_the_database_refuses_does_not_fail_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bucket that does not fit its column stands for any lasting failure of one body."""
    router = Router()
    writer = UpdateWriter(database, OwnerNotifier(router))
    rows = {
        name: split(json.dumps(webhook(messages=[message(name)])).encode(), NUMBER_ID).rows for name in ("a", "b", "c")
    }
    rows["b"] = [dataclasses.replace(rows["b"][0], bucket=2**40)]
    results = await asyncio.gather(*(writer.store(each) for each in rows.values()), return_exceptions=True)
    assert [result is None for result in results] == [True, False, True]
    assert [json.loads(row.content)["wamid"] for row in await stored(database)] == ["a", "c"]
    await eventually(lambda: bool(router.notified))
    assert router.notified[0] == (OWNER, "updates.stored", {"bucket": bucket_of("15551234567")})
    assert {method for _owner, method, _payload in router.notified} == {"updates.stored"}


# -- connections -------------------------------------------------------------------------------------------------------


async def test_slow_and_many_connections_hold_up_neither_webhooks_nor_other_work(
    sender: Sender, webhooks: CloudWebhooks, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud_listener, "MOST_CONNECTIONS", 20)
    beginnings = [b"", b"POST / HTTP/1.1\r\nHost:", head(b"x" * 1000, 1000) + b"x", b"\x16\x03\x01"]
    slow = [await connect(port, beginnings[number % 4]) for number in range(100)]
    for number in range(5):
        assert await sender.post(webhook(messages=[message(f"wamid.{number}")])) == 200
    assert len(webhooks.server.connections) <= 20
    assert webhooks.listener.evicted >= 40
    for _reader, writer in slow:
        writer.close()


async def test_connection_without_a_complete_request_is_closed(
    sender: Sender, webhooks: CloudWebhooks, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (cloud_listener, cloud_webhooks):
        monkeypatch.setattr(module, "REQUEST_TIMEOUT", 0.2)
    for beginning in (b"", b"POST / HTTP/1.1\r\nHost: x", head(b"x" * 1000) + b"x"):
        reader, writer = await connect(port, beginning)
        await asyncio.sleep(0.25)
        await webhooks.check()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        writer.close()
    assert await sender.post(webhook(messages=[message("wamid.1")])) == 200
    await eventually(lambda: webhooks.processing == 0 and webhooks.buffered == 0)


async def test_connection_of_an_accepted_webhook_stays_open(webhooks: CloudWebhooks, port: int) -> None:
    raw = json.dumps(webhook(messages=[message("wamid.1")])).encode()
    reader, writer = await connect(port)
    for _repetition in range(2):
        writer.write(head(raw) + raw)
        answer = await reader.readuntil(b"ok\n")
        assert answer.startswith(b"HTTP/1.1 200 ")
    writer.write(head(raw, secret="wrong") + raw)
    assert (await reader.read()).startswith(b"HTTP/1.1 403 ")  # until the end: the connection is closed
    writer.close()


async def test_bodies_in_memory_are_bounded(
    webhooks: CloudWebhooks, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud_webhooks, "MOST_BUFFERED", 100_000)
    body = b"x" * 90_000
    _reader, writer = await connect(port, head(body) + body[:-1])
    await eventually(lambda: webhooks.buffered > 80_000)
    reader, other = await connect(port, head(body) + body)
    assert (await reader.readline()).startswith(b"HTTP/1.1 503 ")
    assert webhooks.metrics.requests == {"busy": 1}
    for each in (writer, other):
        each.close()
    await eventually(lambda: webhooks.buffered == 0)


async def test_requests_in_progress_are_answered_when_the_listener_stops(webapp: StubWebapp, port: int) -> None:
    raw = json.dumps(webhook(messages=[message("wamid.1")])).encode()
    async with listening(webapp, cloud_config(port)) as webhooks:
        reader, writer = await connect(port, head(raw) + raw[:-1])
        await eventually(lambda: webhooks.processing == 1)
        stopping = asyncio.create_task(webhooks.stop())
        await asyncio.sleep(0.1)
        with pytest.raises(ConnectionRefusedError):
            await connect(port)
        writer.write(raw[-1:])
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        await stopping
        writer.close()
    assert webapp.database.transactions == 1


# -- metrics and TLS ---------------------------------------------------------------------------------------------------


async def test_metrics_count_requests_updates_and_their_age(sender: Sender, webhooks: CloudWebhooks) -> None:
    then = {"timestamp": str(int(time.time()) - 30)}
    recent = {**message("wamid.1"), **then}
    assert await sender.post(webhook(messages=[recent], statuses=[{**status("wamid.2"), **then}])) == 200
    assert await sender.post(webhook(messages=[recent]), "wrong") == 403
    samples = {
        (name, *sample["labels"].values()): sample["value"]
        for name, each in webhooks.metrics.collect(("node", "w1"), 3).items()
        for sample in each["data"]
    }
    assert samples["cloud_webhook_requests", "w1", "accepted"] == 1
    assert samples["cloud_webhook_requests", "w1", "wrong_signature"] == 1
    assert samples["cloud_webhook_updates", "w1", "message"] == 1
    assert samples["cloud_webhook_age_seconds_count", "w1"] == 2
    assert 60 <= samples["cloud_webhook_age_seconds_sum", "w1"] < 90
    assert samples["cloud_webhook_last_received_seconds", "w1"] < 10
    assert samples["cloud_webhook_connections_closed", "w1"] == 3


async def test_refusals_are_summed_up_in_the_log(
    sender: Sender, webhooks: CloudWebhooks, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud_webhooks, "REPORT_INTERVAL", 0.0)
    for _repetition in range(3):
        assert await sender.post({}, "wrong") == 403
    await webhooks.check()
    await webhooks.check()
    assert caplog.text.count("refused webhooks: 3 wrong_signature") == 1


async def test_exchanged_certificate_is_served_and_a_broken_one_is_not(
    webapp: StubWebapp, port: int, tmp_path: Path
) -> None:
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    config = cloud_config(port, webhook_certificate=str(chain), webhook_key=str(key))
    async with listening(webapp, config) as webhooks:
        assert "chain.pem cannot be used" in webapp.health.problems["webhooks"]
        authorities = [Authority("first"), Authority("second")]
        for authority in authorities:
            certificate, private = authority.server()
            chain.write_bytes(certificate)
            key.write_bytes(private)
            await webhooks.check()
            assert "webhooks" not in webapp.health.problems
            trusting = ssl.create_default_context(cadata=authority.pem.decode())
            async with sending(port, scheme="https") as sender:
                assert await sender.post(webhook(messages=[message("wamid.1")]), ssl=trusting) == 200
        chain.write_text("no certificate")
        await webhooks.check()
        async with sending(port, scheme="https") as sender:
            assert await sender.post(webhook(), ssl=trusting) == 200
            with pytest.raises(aiohttp.ClientError):
                await sender.post(webhook(), ssl=ssl.create_default_context(cadata=authorities[0].pem.decode()))


async def test_port_in_use_makes_the_webapp_unhealthy_until_it_is_free(webapp: StubWebapp, port: int) -> None:
    with socket.create_server(("", port)):
        webhooks = CloudWebhooks(webapp, cloud_config(port))
        await webhooks.start()
        assert f"the webhook port {port} cannot be used" in webapp.health.problems["webhooks"]
    await webhooks.check()
    assert "webhooks" not in webapp.health.problems
    async with sending(port) as sender:
        assert (await get(sender))[0] == 200
    await webhooks.stop()
