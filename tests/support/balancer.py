"""A load balancer in front of the webhook listeners, as an operator would have a reverse proxy."""

from __future__ import annotations

import http.server
import itertools
import threading
from collections import Counter
from collections.abc import Sequence

import requests

FORWARDED = ("Content-Type", "X-Hub-Signature-256")
TRY_NEXT = (502, 503)


class Balancer:
    """Passes each request on to the next listener, and to another one if that does not answer or is not available.

    served: how many requests each listener has answered.
    """

    def __init__(self, address: str, listeners: Sequence[str]) -> None:
        """address: on which it listens. listeners: URLs."""
        self.listeners, self.served = list(listeners), Counter[str]()
        turn = itertools.count()
        balancer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name: self.headers[name] for name in FORWARDED if name in self.headers}
                status, text = balancer.forward(next(turn), self.command, self.path, headers, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://{address}:{self.server.server_address[1]}/webhooks"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def forward(self, turn: int, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Return status and body of the first listener that answers, 502 if none does."""
        for number in range(len(self.listeners)):
            listener = self.listeners[(turn + number) % len(self.listeners)]
            try:
                answer = requests.request(method, f"{listener}{path}", headers=headers, data=body, timeout=(2, 10))
            except requests.RequestException:
                continue
            if answer.status_code not in TRY_NEXT:
                self.served[listener] += answer.status_code == 200
                return answer.status_code, answer.content
        return 502, b""

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
