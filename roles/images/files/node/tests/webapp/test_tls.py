"""TLS and response headers of both listeners of a webapp, with a real TLS client."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web
from cloud_support import MemoryDatabase, StubWebapp, cloud_config, listening
from pem_support import Authority
from waba_node.webapp import tls
from waba_node.webapp.certificate import ServedCertificate
from waba_node.webapp.https_listener import HttpsListener

AUTHORITY = Authority("waba test authority")
CERTIFICATE, KEY = AUTHORITY.server()
REFUSED = (ssl.SSLError, ConnectionError)  # an alert, or without one where the event loop sends none
MALFORMED = b"GET / HTTP/1.1\r\nBad header\r\n\r\n"

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")


def client(
    lowest: ssl.TLSVersion = ssl.TLSVersion.TLSv1,
    highest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    ciphers: str = "ALL",
) -> ssl.SSLContext:
    """Return a client that accepts any certificate, and obsolete versions and ciphers where the server does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = lowest, highest
    return context


async def handshake(port: int, context: ssl.SSLContext) -> tuple[str, str]:
    """Return the version and the cipher of a connection. Raises ssl.SSLError if the server refuses it."""
    _reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    line: ssl.SSLObject = writer.get_extra_info("ssl_object")
    found = line.version(), line.cipher()[0]
    writer.close()
    return found


async def answer(port: int, request: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client())
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return head.decode()


@pytest.fixture(params=["self-signed", "uploaded", "webhooks"])
async def port(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    free_ports: Callable[[int], tuple[int, ...]],
    tasks: asyncio.TaskGroup,
) -> AsyncIterator[int]:
    """The port of a listener: the API with an ECDSA or an RSA certificate, or the webhook listener."""
    tls.hide_versions()
    (chosen,) = free_ports(1)
    if request.param == "webhooks":
        (tmp_path / "hook.pem").write_bytes(CERTIFICATE + KEY)
        config = cloud_config(chosen, webhook_certificate=str(tmp_path / "hook.pem"))
        async with listening(StubWebapp(MemoryDatabase(), tasks), config):
            yield chosen
        return

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    certificate = ServedCertificate(str(tmp_path), "127.0.0.1")
    if request.param == "uploaded":
        certificate.serve({"chain": CERTIFICATE.decode(), "key": KEY.decode()})
    application = web.Application()
    application.router.add_get("/", answer)
    runner = web.AppRunner(application, access_log=None, handle_signals=False)
    await runner.setup()
    listener = HttpsListener(runner.server, certificate.front, lambda _host: b"", tasks)
    await listener.start(chosen)
    yield chosen
    await listener.stop()
    await runner.cleanup()


async def test_tls_1_2_and_1_3_with_forward_secrecy_are_accepted(port: int) -> None:
    version, cipher = await handshake(port, client(highest=ssl.TLSVersion.TLSv1_2))
    assert version == "TLSv1.2"
    assert cipher.startswith("ECDHE-")
    assert "GCM" in cipher or "CHACHA20" in cipher
    assert (await handshake(port, client(lowest=ssl.TLSVersion.TLSv1_3)))[0] == "TLSv1.3"


async def test_older_versions_of_tls_are_refused(port: int) -> None:
    with pytest.raises(REFUSED):
        await handshake(port, client(highest=ssl.TLSVersion.TLSv1_1))


@pytest.mark.parametrize("ciphers", ["kRSA", "kDHE", "ECDHE+SHA1", "ECDHE+SHA256+AES", "aNULL"])
async def test_ciphers_without_forward_secrecy_or_authenticated_encryption_are_refused(port: int, ciphers: str) -> None:
    chosen = f"{ciphers}:!AESGCM:!CHACHA20" if "ECDHE" in ciphers else ciphers
    with pytest.raises(REFUSED):
        await handshake(port, client(highest=ssl.TLSVersion.TLSv1_2, ciphers=chosen))


@pytest.mark.parametrize("request_text", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", MALFORMED])
async def test_no_response_header_names_a_version(port: int, request_text: bytes) -> None:
    head = await answer(port, request_text)
    assert "\r\nServer: waba\r\n" in head
    assert "Python" not in head
    assert "aiohttp" not in head
