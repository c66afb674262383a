"""The webhook listener gets arbitrary bytes, signed and unsigned: no server error, no traceback, and it keeps answering."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
import uvloop
from cloud_support import (
    SECRET,
    VERIFY_TOKEN,
    MemoryDatabase,
    StubWebapp,
    cloud_config,
    listening,
    message,
    status,
    webhook,
)
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from waba_node.webapp.cloud_signature import HEADER, sign

quick = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


class Problems(logging.Handler):
    """Collects errors and tracebacks of the node's log."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            self.found.append(record.getMessage())


@pytest.fixture(scope="module")
def problems() -> Iterator[Problems]:
    handler, logger = Problems(), logging.getLogger("waba_node")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


@pytest.fixture(scope="module")
def port(free_ports: Callable[[int], tuple[int, ...]], problems: Problems) -> Iterator[int]:
    """The port of a listener on an event loop of its own."""
    (free,) = free_ports(1)
    started, stopping = threading.Event(), asyncio.Event()

    async def run() -> None:
        async with (
            asyncio.TaskGroup() as tasks,
            listening(StubWebapp(MemoryDatabase(), tasks), cloud_config(free)),
        ):
            loops.append(asyncio.get_running_loop())
            started.set()
            await stopping.wait()

    loops: list[asyncio.AbstractEventLoop] = []
    thread = threading.Thread(target=uvloop.run, args=(run(),))
    thread.start()
    assert started.wait(10)
    yield free
    loops[0].call_soon_threadsafe(stopping.set)
    thread.join(20)
    assert not problems.found


def send(port: int, raw: bytes, *, close: bool = False) -> list[int]:
    """Send bytes; return the statuses of the answers until the connection is closed. close: as soon as the bytes are sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        answer = b""
        try:
            connection.sendall(raw)
            if close:
                connection.shutdown(socket.SHUT_WR)
            while received := connection.recv(65536):
                answer += received
        except ConnectionError:  # refused before everything was read
            pass
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:] if part[:3].isdigit()]


def post(port: int, body: bytes, header: str | None = None) -> int:
    """Post a body, signed unless a signature is given. Return the status."""
    signature = sign(body, SECRET) if header is None else header
    head = f"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{HEADER}: {signature}\r\n\r\n"
    (answered,) = send(port, head.encode() + body)
    return answered


@quick
@given(st.binary(max_size=2000))
@example(b"GET / HTTP/9.9\r\n\r\n")
@example(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nzz\r\n")
@example(b"POST / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n" + bytes(100))
@example(b"GET /?" + b"%" * 100 + b"&hub.mode=\xff HTTP/1.1\r\nHost: x\r\n\r\n")
@example(b"GET http://[/ HTTP/1.1\r\nHost: x\r\n\r\n")
@example(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
@example(b"A" * 100_000)
def test_any_bytes_on_a_connection_cause_no_server_error(port: int, problems: Problems, raw: bytes) -> None:
    assert all(answered < 500 for answered in send(port, raw, close=True))
    assert not problems.found


@quick
@given(st.text(max_size=200), st.text(max_size=100), st.text(max_size=300))
def test_any_verification_with_a_wrong_token_is_refused(port: int, mode: str, token: str, challenge: str) -> None:
    query = urlencode({"hub.mode": mode, "hub.verify_token": token, "hub.challenge": challenge}, errors="replace")
    statuses = send(port, f"GET /?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert statuses == [403] or token == VERIFY_TOKEN


@quick
@given(st.binary(max_size=3000), st.one_of(st.none(), st.text(st.characters(codec="ascii", categories=["L", "N"]))))
def test_any_body_is_refused_unless_it_is_signed_json(
    port: int, problems: Problems, body: bytes, header: str | None
) -> None:
    signed = header is None
    assert post(port, body, header) in ({400, 200} if signed else {403})
    assert not problems.found


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
NAMES = [
    "object",
    "entry",
    "changes",
    "value",
    "field",
    "metadata",
    "phone_number_id",
    "messages",
    "statuses",
    "contacts",
    "errors",
    "id",
    "from",
    "timestamp",
    "type",
    "text",
    "body",
    "image",
    "audio",
    "context",
    "status",
    "recipient_id",
    "biz_opaque_callback_data",
    "code",
    "title",
    "user_id",
    "wa_id",
    "profile",
    "name",
    "system",
    "interactive",
]


@st.composite
def distorted(draw: st.DrawFn) -> object:
    """A webhook in which some values are replaced."""
    content: object = webhook(messages=[message("wamid.1")], statuses=[status("wamid.2", callback_data="3:x")])
    for _change in range(draw(st.integers(1, 3))):
        parent = content
        while True:
            keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if not isinstance(parent[key], (dict, list)) or draw(st.integers(0, 3)) == 0:
                parent[key] = draw(values)
                break
            parent = parent[key]
        if isinstance(parent, dict):
            parent[draw(st.sampled_from(NAMES))] = draw(values)
    return content


@quick
@given(st.one_of(distorted(), values, st.dictionaries(st.sampled_from(NAMES), values)))
def test_any_signed_json_object_is_accepted(port: int, problems: Problems, content: object) -> None:
    expected = 200 if isinstance(content, dict) else 400
    assert post(port, json.dumps(content).encode()) == expected
    assert not problems.found
