"""Exchange messages with the stand-in of the Cloud API, as an application and as a user, and print what happened as JSON.

Runs in a container of the node's image, on the host's network. Reads {"api", "password", "standin", "address", "port"} as JSON from standard
input: the URL of the API, the password of its user admin, the URL of the stand-in, and the address and the port of the application's webhooks.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import queue
import ssl
import struct
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from typing import Any

from waba_node.webapp.certificate import context_from_folder

USER = "15551234567"
PATIENCE = 60.0  # seconds for anything to arrive

Json = dict[str, Any]


class Failed(Exception):
    """A step did not have its effect."""


class Receiver:
    """The application: an HTTPS server that stores the webhooks of the cluster."""

    def __init__(self, address: str, port: int) -> None:
        self.bodies: queue.Queue[Json] = queue.Queue()
        bodies = self.bodies

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Print nothing."""

        server = http.server.ThreadingHTTPServer((address, port), Handler)
        server.socket = context_from_folder(tempfile.mkdtemp(), address).wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"https://{address}:{port}/application"

    def message(self) -> Json:
        """Return the next inbound message. Raises Failed."""
        return self._next("messages", lambda _entry: True, "the application received no message")

    def statuses(self, message: str, wanted: list[str]) -> list[str]:
        """Return the wanted statuses of a message in the order of their arrival. Raises Failed when one does not arrive."""
        found: list[str] = []
        while not set(wanted) <= set(found):
            entry = self._next(
                "statuses", lambda one: one["id"] == message, f"after {found or 'no status'}, no other one arrived"
            )
            found.append(entry["status"])
        return found

    def _next(self, kind: str, matches: Callable[[Json], bool], failure: str) -> Json:
        deadline = time.monotonic() + PATIENCE
        while (left := deadline - time.monotonic()) > 0:
            try:
                body = self.bodies.get(timeout=left)
            except queue.Empty:
                break
            for entry in body.get(kind, []):
                if matches(entry):
                    return entry
        raise Failed(failure)


class Client:
    """Calls of the API and of the stand-in."""

    def __init__(self, base: str, authorization: str = "") -> None:
        self.base, self.authorization = base, authorization
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = (
            False,
            ssl.CERT_NONE,
        )  # a self-signed certificate, on this machine

    def call(self, method: str, path: str, body: object = None, content_type: str = "application/json") -> bytes:
        """Return the body of the answer. Raises Failed for an error."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        headers = {
            "Content-Type": content_type,
            **({"Authorization": self.authorization} if self.authorization else {}),
        }
        request = urllib.request.Request(self.base + path, data, headers, method=method)  # noqa: S310 - the URLs are those of the rehearsal
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE, context=self.context) as answer:  # noqa: S310
                return answer.read()
        except urllib.error.HTTPError as error:
            raise Failed(
                f"{method} {path} answered HTTP {error.code}: {error.read().decode(errors='replace')[:300]}"
            ) from error
        except OSError as error:
            raise Failed(f"{method} {self.base}{path}: {error}") from error

    def json(self, method: str, path: str, body: object = None, content_type: str = "application/json") -> Json:
        return json.loads(self.call(method, path, body, content_type))


class Exchange:
    """The steps of the rehearsal. rows: (what happened, detail, seconds) of the steps that are done."""

    def __init__(self, given: Json) -> None:
        self.rows: list[tuple[str, str, str]] = []
        self.receiver = Receiver(given["address"], given["port"])
        self.standin = Client(given["standin"])
        basic = base64.b64encode(f"admin:{given['password']}".encode()).decode()
        login = Client(given["api"], f"Basic {basic}").json("POST", "/v1/users/login")
        self.api = Client(given["api"], f"Bearer {login['users'][0]['token']}")

    def run(self) -> None:
        """Run every step. Raises Failed at the first one that has no effect."""
        settings = {"webhooks": {"url": self.receiver.url}}
        self.api.call("PATCH", "/v1/settings/application", settings)
        self.rows.append(("the application set its webhook URL", self.receiver.url, ""))
        for title, step in (
            ("a text went out", self.text_out),
            ("a text came in", self.text_in),
            ("a picture went out", self.picture_out),
            ("a picture came in", self.picture_in),
        ):
            began = time.monotonic()
            for number, (what, detail) in enumerate(step()):
                seconds = f"{time.monotonic() - began:.1f}"
                self.rows.append((title if number == 0 else f"  {what}", detail, seconds))

    def text_out(self) -> list[tuple[str, str]]:
        body = {"to": USER, "type": "text", "text": {"body": "Hello from the rehearsal"}}
        return self._sent(body, "text")

    def picture_out(self) -> list[tuple[str, str]]:
        picture = png(16, 16)
        uploaded = self.api.json("POST", "/v1/media", picture, "image/png")["media"][0]["id"]
        return self._sent({"to": USER, "type": "image", "image": {"id": uploaded, "caption": "A square"}}, "image")

    def _sent(self, body: Json, kind: str) -> list[tuple[str, str]]:
        message = self.api.json("POST", "/v1/messages", body)["messages"][0]["id"]
        statuses = self.receiver.statuses(message, ["sent", "delivered"])
        found = [
            one
            for one in self.standin.json("GET", f"/control/messages?to={USER}")["messages"]
            if kind in json.dumps(one)
        ]
        if not found:
            raise Failed(f"the stand-in of Meta has no {kind} for {USER}")
        return [("", f"POST /v1/messages accepted it as {message}"), ("its statuses came back", ", ".join(statuses))]

    def text_in(self) -> list[tuple[str, str]]:
        self.standin.call(
            "POST", "/control/inbound", {"type": "text", "from": USER, "text": "Hello yourself", "name": "Ada"}
        )
        message = self.receiver.message()
        if message["text"]["body"] != "Hello yourself":
            raise Failed(f"the application received another text: {message}")
        self.api.call("PUT", f"/v1/messages/{message['id']}", {"status": "read"})
        return [
            ("", f"webhook from {message['from']}: {message['text']['body']}"),
            ("it was marked as read", message["id"]),
        ]

    def picture_in(self) -> list[tuple[str, str]]:
        self.standin.call("POST", "/control/inbound", {"type": "image", "from": USER, "name": "Ada"})
        image = self.receiver.message()["image"]
        content = self.api.call("GET", f"/v1/media/{image['id']}")
        digest = hashlib.sha256(content).hexdigest()
        if image.get("sha256") not in (None, digest):
            raise Failed(f"the picture has the digest {digest}, not {image['sha256']}")
        return [
            ("", f"webhook with the media id {image['id']}"),
            ("it was downloaded", f"{len(content)} bytes, {image['mime_type']}"),
        ]


def png(width: int, height: int) -> bytes:
    """Return a grey picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x80" * width * 3 for _row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def main() -> int:
    rows: list[tuple[str, str, str]] = []
    failure = ""
    try:
        exchange = Exchange(json.load(sys.stdin))
        rows = exchange.rows
        exchange.run()
    except (Failed, OSError, LookupError, ValueError) as error:
        failure = f"{type(error).__name__}: {error}" if not isinstance(error, Failed) else str(error)
    print(
        json.dumps(
            {"rows": [dict(zip(("event", "detail", "seconds"), row, strict=True)) for row in rows], "failure": failure}
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
