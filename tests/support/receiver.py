"""A webhook receiver."""

from __future__ import annotations

import contextlib
import datetime
import http.server
import json
import queue
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from api import Api
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Receiver:
    """An HTTPS server on this machine that stores the bodies of the webhooks it gets, and answers each with `answer`."""

    def __init__(self, folder: Path, address: str) -> None:
        self.bodies: queue.Queue[dict[str, Any]] = queue.Queue()
        self.answer = 200
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.answer == 200:
                    receiver.bodies.put(json.loads(body))
                self.send_response(receiver.answer)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self.server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self_signed_certificate(folder, address))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://{address}:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def statuses_of(self, message: str, count: int, seconds: float = 20) -> list[str]:
        """Return the first `count` statuses that arrive for a message, in order of arrival."""
        statuses: list[str] = []
        deadline = time.monotonic() + seconds
        while len(statuses) < count and time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                body = self.bodies.get(timeout=0.2)
                statuses += [status["status"] for status in body.get("statuses", []) if status["id"] == message]
        return statuses

    def undelivered(self, accepted: Iterable[str], seconds: float = 60) -> set[str]:
        """Return the messages for which no status `delivered` arrives within some seconds."""
        missing, deadline = set(accepted), time.monotonic() + seconds
        while missing and time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                body = self.bodies.get(timeout=0.5)
                missing -= {status["id"] for status in body.get("statuses", []) if status["status"] == "delivered"}
        return missing


@contextlib.contextmanager
def configured_receiver(folder: Path, address: str, api: Api, **settings: Any) -> Iterator[Receiver]:
    """Yield a receiver that is configured in the cluster of the API, with a short backoff and other application settings."""
    receiver = Receiver(folder, address)
    settings = {"webhooks": {"url": receiver.url}, "callback_backoff_delay_ms": 500, **settings}
    assert api.call("PATCH", "settings/application", settings).status_code == 200
    try:
        yield receiver
    finally:
        receiver.server.shutdown()


def self_signed_certificate(folder: Path, address: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, address)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "receiver.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
