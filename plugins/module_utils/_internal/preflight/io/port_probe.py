# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Listens on the ports of containers that do not run yet, so that other hosts can probe them, and probes the ports of other hosts.

The listener sends a line with its name and receives one with the name of the caller, so a name that leads to the wrong machine is detected.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import selectors
import signal
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, cast

from ansible_collections.waba.cluster.plugins.module_utils._internal.io import processes

PROCESS_NAME = "waba-preflight"
GREETING = "waba-preflight "
ANSWER_TIMEOUT = 3  # seconds to wait for the line of the other side
LONGEST_LINE = 300


def stop_listeners() -> None:
    """Stop the listeners that an interrupted check left behind, and wait until their ports are free."""
    deadline = time.monotonic() + 2
    for pid in processes.find(PROCESS_NAME):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGTERM)
    while processes.find(PROCESS_NAME) and time.monotonic() < deadline:
        time.sleep(0.05)


class Listener(NamedTuple):
    """A listening socket, and the hosts that will connect to it."""

    socket: socket.socket
    peers: Sequence[str]


def open_ports(wanted: Iterable[Mapping[str, Any]]) -> tuple[list[Listener], dict[int, str]]:
    """Return (listeners, {port: reason why it cannot be opened}). wanted: {"address", "port", "peers"} of each; "" is every address."""
    opened: list[Listener] = []
    failed: dict[int, str] = {}
    for one in wanted:
        try:
            opened.append(Listener(_listen(one["address"], one["port"]), one["peers"]))
        except OSError as error:
            failed[one["port"]] = error.strerror or str(error)
    return opened, failed


def _listen(address: str, port: int) -> socket.socket:
    if not address and socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
    family = socket.AF_INET6 if address and ipaddress.ip_address(address).version == 6 else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=64)


def serve_in_background(listeners: Sequence[Listener], name: str, seconds: float) -> None:
    """Serve the listeners from a process that outlives this one, until each has heard from all of its peers, or for some seconds.

    name: the name of this host.
    """
    child = os.fork()
    if child:
        for one in listeners:
            one.socket.close()
        os.waitpid(child, 0)
        return
    try:  # in the other process; nothing may be imported from here on
        os.setsid()
        if os.fork():  # the parent exits, so that init reaps the child
            os._exit(0)
        processes.rename(PROCESS_NAME)
        silent = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silent, descriptor)
        awaited = {(peer, one.socket.getsockname()[1]) for one in listeners for peer in one.peers}
        _serve([one.socket for one in listeners], name, awaited, seconds)
    finally:
        os._exit(0)


def _serve(sockets: Sequence[socket.socket], name: str, awaited: set[tuple[str, int]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for one in sockets:
            selector.register(one, selectors.EVENT_READ, None)
        while awaited and time.monotonic() < deadline:
            for key, _events in selector.select(timeout=max(deadline - time.monotonic(), 0)):
                with contextlib.suppress(OSError):
                    _step(selector, key, name, awaited)


def _step(
    selector: selectors.BaseSelector, key: selectors.SelectorKey, name: str, awaited: set[tuple[str, int]]
) -> None:
    ready = cast("socket.socket", key.fileobj)  # only sockets are registered
    if key.data is None:
        connection, _peer = ready.accept()
        connection.settimeout(ANSWER_TIMEOUT)
        connection.sendall(f"{GREETING}{name}\n".encode())
        selector.register(connection, selectors.EVENT_READ, ready.getsockname()[1])
        return
    received = b""
    try:
        received = ready.recv(LONGEST_LINE)
    finally:
        selector.unregister(ready)
        ready.close()
    awaited.discard((received.decode("utf-8", "replace").rstrip("\n"), key.data))


def probe_all(targets: Sequence[Mapping[str, Any]], name: str, timeout: float) -> list[dict[str, Any]]:
    """Return targets (as of `preflight.reachability.plan`) with the result of each probe: "error" (or None), "refused", "ipv6_only" and "in_hosts_file"."""
    local = _names_in_hosts_file()
    with ThreadPoolExecutor(max_workers=min(64, len(targets) or 1)) as pool:
        results = list(pool.map(lambda target: _probe(target, name, timeout), targets))
        names = list(dict.fromkeys(target["name"] for target in targets))
        ipv6_only = dict(zip(names, pool.map(_has_ipv6_only, names)))
    return [
        {
            **target,
            "error": error,
            "refused": refused,
            "ipv6_only": ipv6_only[target["name"]],
            "in_hosts_file": target["name"].lower() in local,
        }
        for target, (error, refused) in zip(targets, results)
    ]


def _has_ipv6_only(name: str) -> bool:
    try:
        return {answer[0] for answer in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)} == {socket.AF_INET6}
    except (OSError, UnicodeError):
        return False


def _probe(target: Mapping[str, Any], name: str, timeout: float) -> tuple[str | None, bool]:
    try:
        return _answer_problem(target, name, timeout), False
    except socket.timeout:
        return "no answer", False
    except ConnectionRefusedError as error:
        return None if target["may_refuse"] else error.strerror, True
    except OSError as error:
        return error.strerror or str(error), False


def _answer_problem(target: Mapping[str, Any], name: str, timeout: float) -> str | None:
    with socket.create_connection((target["name"], target["port"]), timeout=timeout) as connection:
        if target["runs"]:
            return None
        connection.settimeout(ANSWER_TIMEOUT)
        line = _line(connection)
        connection.sendall(f"{name}\n".encode())
    if not line.startswith(GREETING):
        return "another program answers there"
    answering = line[len(GREETING) :]
    return None if answering == target["peer"] else f"the name leads to {answering}"


def _line(connection: socket.socket) -> str:
    received = b""
    while b"\n" not in received and len(received) < LONGEST_LINE:
        more = connection.recv(LONGEST_LINE)
        if not more:
            break
        received += more
    return received.partition(b"\n")[0].decode("utf-8", "replace")


def _names_in_hosts_file() -> set[str]:
    names: set[str] = set()
    with contextlib.suppress(OSError), open("/etc/hosts", encoding="utf-8", errors="replace") as file:
        for line in file:
            names.update(word.lower() for word in line.partition("#")[0].split()[1:])
    return names
