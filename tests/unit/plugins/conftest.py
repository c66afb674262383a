# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An HTTPS server with a self-signed certificate, whose answers a test determines."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, settings

# The speed of the machine must not make a test fail.
settings.register_profile("units", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("units")


def no_answer(*_call: object) -> tuple[int, Any, dict[str, str]] | None:
    """Close the connection without an answer."""
    return None


class Server:
    """calls: (method, path, authorization, body) of each. answer: from such a call to (status, body, headers), or None to disconnect."""

    def __init__(self, url: str, ca_path: str) -> None:
        self.url, self.ca_path = url, ca_path
        self.calls: list[tuple[str, str, str | None, Any]] = []
        self.answer: Callable[..., tuple[int, Any, dict[str, str]] | None] = no_answer

    @property
    def connection(self) -> dict[str, Any]:
        """Options of the modules that call the server."""
        return {"url": self.url, "validate_certs": True, "ca_path": self.ca_path}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a file with a key and a self-signed certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "web.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return str(path)


@pytest.fixture
def serve(certificate: str) -> Callable[[], AbstractContextManager[Server]]:
    """A context manager that starts a Server."""

    @contextlib.contextmanager
    def started() -> Iterator[Server]:
        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                call = (self.command, self.path, self.headers.get("Authorization"), json.loads(content or b"null"))
                server.calls.append(call)
                answer = server.answer(*call)
                if answer is None:
                    return
                status, body, headers = tuple(answer)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

            do_GET = do_POST = do_PATCH = do_DELETE = handle_one

            def log_message(self, *_arguments: object) -> None:
                """Print nothing."""

        listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
        server = Server(f"https://127.0.0.1:{listener.server_port}", certificate)
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            listener.server_close()
            thread.join()

    return started


@pytest.fixture
def server(serve: Callable[[], AbstractContextManager[Server]]) -> Iterator[Server]:
    with serve() as started:
        yield started


@pytest.fixture(scope="session")
def real_compose() -> None:
    """Docker Compose v2 itself, which reads files without an engine. `make test` installs it before this stage."""
    try:
        subprocess.run(["docker", "compose", "version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the real Docker Compose: tests/run.py images units")
