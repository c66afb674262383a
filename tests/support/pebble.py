"""A real ACME server (Pebble) with its stand-in for the DNS, and a reverse proxy in front of the ACME client."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import re
import socket
import subprocess
import threading
from pathlib import Path

from authority import Authority
from cryptography import x509
from waiting import wait_for

CHALLENGE_PATH = "/.well-known/acme-challenge/"


def free_port() -> int:
    """Return a TCP port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


class ReverseProxy:
    """Answers for every name on one port, and passes on challenges only."""

    def __init__(self, target: str) -> None:
        """target: HOST:PORT of lego."""

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = 404, b""
                if self.path.startswith(CHALLENGE_PATH):
                    connection = http.client.HTTPConnection(target, timeout=10)
                    connection.request("GET", self.path, headers={"Host": self.headers["Host"]})
                    answer = connection.getresponse()
                    status, body = answer.status, answer.read()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Pebble:
    """The ACME server, with a certificate of a private authority. Each name resolves to this machine."""

    def __init__(self, folder: Path, challenge_port: int) -> None:
        """challenge_port: where it verifies challenges of http-01."""
        self.folder, self.log = folder, folder / "pebble.log"
        authority = Authority(folder, "acme")
        self.ca = authority.ca
        certificate, key = authority.sign(x509.DNSName("localhost"))
        port, dns, self.management = free_port(), free_port(), f"127.0.0.1:{free_port()}"
        self.directory = f"https://localhost:{port}/dir"
        settings = {
            "listenAddress": f"127.0.0.1:{port}",
            "managementListenAddress": f"127.0.0.1:{free_port()}",
            "certificate": certificate,
            "privateKey": key,
            "httpPort": challenge_port,
            "tlsPort": free_port(),
            "domainBlocklist": ["blocked.example"],
            "certificateValidityPeriod": 90 * 24 * 3600,
        }
        (folder / "pebble.json").write_text(json.dumps({"pebble": settings}), encoding="utf-8")
        resolver = ["-dns01", f"127.0.0.1:{dns}", "-management", self.management, "-defaultIPv6", ""]
        unused = [word for kind in ("http01", "https01", "tlsalpn01") for word in (f"-{kind}", "")]
        with (folder / "dns.log").open("w") as log:
            self.dns = subprocess.Popen(["pebble-challtestsrv", *resolver, *unused], stdout=log, stderr=log)
        # No pauses and no random refusals; every challenge is verified anew.
        variables = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
        command = ["pebble", "-strict", "-config", str(folder / "pebble.json"), "-dnsserver", f"127.0.0.1:{dns}"]
        with self.log.open("w") as log:
            self.server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **variables})
        wait_for(lambda: "ACME directory available" in self.log.read_text(), 10, "Pebble listens")

    def requests(self) -> int:
        """Return how many requests it has received."""
        return len(re.findall(r"-> calling handler", self.log.read_text()))

    def issued(self) -> int:
        """Return how many certificates it has issued."""
        return self.log.read_text().count("Issued certificate serial")

    def stop(self) -> None:
        for process in (self.server, self.dns):
            process.terminate()
            process.wait(10)
