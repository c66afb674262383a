"""An HTTP proxy with a password, as the only way out of a network."""

from __future__ import annotations

import base64
import http.client
import http.server
import shutil
import socket
import threading
from typing import cast
from urllib.parse import urlsplit

TIMEOUT = 60  # seconds for an answer of the origin
# Headers of one connection, and those that the proxy writes itself.
OWN_HEADERS = (
    "connection",
    "date",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "server",
    "transfer-encoding",
    "upgrade",
)


class ForwardProxy(http.server.ThreadingHTTPServer):
    """Forwards requests for `http://` URLs, and refuses tunnels. requests: method and URL, or host and port of a tunnel, of those with the password."""

    def __init__(self, address: str, user: str, password: str) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, 0), Handler)
        self.requests: list[str] = []
        self.credentials = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
        host = f"[{address}]" if ":" in address else address
        self.url = f"http://{user}:{password}@{host}:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if not self._is_allowed():
            return
        place = urlsplit(self.path)
        origin = http.client.HTTPConnection(place.hostname or "", place.port or 80, timeout=TIMEOUT)
        path = f"{place.path}?{place.query}" if place.query else place.path
        headers = {name: value for name, value in self.headers.items() if name.lower() not in OWN_HEADERS}
        try:
            origin.request(self.command, path, headers=headers)
            answer = origin.getresponse()
        except OSError as error:
            self.send_error(502, str(error))
        else:
            self._pass_on(answer)
        finally:
            origin.close()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_CONNECT(self) -> None:
        if self._is_allowed():
            self._answer(403)

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def _is_allowed(self) -> bool:
        proxy = cast("ForwardProxy", self.server)
        if self.headers.get("Proxy-Authorization") != proxy.credentials:
            self._answer(407)
            return False
        proxy.requests.append(f"{self.command} {self.path}")
        return True

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Proxy-Authenticate", 'Basic realm="lab"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _pass_on(self, answer: http.client.HTTPResponse) -> None:
        """Pass an answer on. One without a length ends with its connection."""
        self.send_response(answer.status)
        self.close_connection = answer.length is None
        for name, value in answer.getheaders():
            if name.lower() not in OWN_HEADERS:
                self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            shutil.copyfileobj(answer, self.wfile)
