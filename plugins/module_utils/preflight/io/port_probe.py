# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stands in for containers that do not run yet, so that other hosts can try to reach them; and tries to reach those of others.

Who stands in sends a line with its name, and hears one with the caller's. So a name that leads to the wrong machine is found too.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import selectors
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.waba.cluster.plugins.module_utils.io import processes

PROCESS_NAME = "waba-preflight"
GREETING = "waba-preflight "
ANSWER_PATIENCE = 3  # seconds for the other side's line
LONGEST_LINE = 300


def stop_stand_in():
    """End what an earlier, interrupted check may have left standing in, and wait until its ports are free."""
    deadline = time.monotonic() + 2
    for pid in processes.find(PROCESS_NAME):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGTERM)
    while processes.find(PROCESS_NAME) and time.monotonic() < deadline:
        time.sleep(0.05)


def open_ports(wanted):
    """Return (list of listening sockets, {port: why it cannot be listened on}). wanted: list of {"address", "port"}; "" is every address."""
    opened, failed = [], {}
    for one in wanted:
        try:
            opened.append(_listen(one["address"], one["port"]))
        except OSError as error:
            failed[one["port"]] = error.strerror or str(error)
    return opened, failed


def _listen(address, port):
    if not address and socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
    family = socket.AF_INET6 if address and ipaddress.ip_address(address).version == 6 else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=64)


def stand_in(sockets, name, peers, seconds):
    """Serve the sockets from a process of its own, which outlives this one: until every peer has come to every port, at most for some seconds.

    name: str, the host's. peers: list of str.
    """
    child = os.fork()
    if child:
        for one in sockets:
            one.close()
        os.waitpid(child, 0)
        return
    try:  # from here on in the other process; nothing may be imported any more
        os.setsid()
        if os.fork():  # nobody's child: nobody has to wait for its end
            os._exit(0)
        processes.rename(PROCESS_NAME)
        silent = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silent, descriptor)
        _serve(sockets, name, {(peer, one.getsockname()[1]) for peer in peers for one in sockets}, seconds)
    finally:
        os._exit(0)


def _serve(sockets, name, awaited, seconds):
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for one in sockets:
            selector.register(one, selectors.EVENT_READ, None)
        while awaited and time.monotonic() < deadline:
            for key, _events in selector.select(timeout=max(deadline - time.monotonic(), 0)):
                with contextlib.suppress(OSError):
                    _step(selector, key, name, awaited)


def _step(selector, key, name, awaited):
    if key.data is None:
        connection, _peer = key.fileobj.accept()
        connection.settimeout(ANSWER_PATIENCE)
        connection.sendall(f"{GREETING}{name}\n".encode())
        selector.register(connection, selectors.EVENT_READ, key.fileobj.getsockname()[1])
        return
    said = b""
    try:
        said = key.fileobj.recv(LONGEST_LINE)
    finally:
        selector.unregister(key.fileobj)
        key.fileobj.close()
    awaited.discard((said.decode("utf-8", "replace").rstrip("\n"), key.data))


def try_all(targets, name, timeout):
    """Return targets (as of `preflight.reachability.plan`), each with what trying met: "error" (str or None), "refused" and "in_hosts_file" (bool)."""
    local = _names_in_hosts_file()
    with ThreadPoolExecutor(max_workers=min(64, len(targets) or 1)) as pool:
        met = list(pool.map(lambda target: _try(target, name, timeout), targets))
    return [
        {**target, "error": error, "refused": refused, "in_hosts_file": target["name"].lower() in local}
        for target, (error, refused) in zip(targets, met)
    ]


def _try(target, name, timeout):
    try:
        return _fault(target, name, timeout), False
    except socket.timeout:
        return "no answer", False
    except ConnectionRefusedError as error:
        return None if target["may_refuse"] else error.strerror, True
    except OSError as error:
        return error.strerror or str(error), False


def _fault(target, name, timeout):
    with socket.create_connection((target["name"], target["port"]), timeout=timeout) as connection:
        if target["runs"]:
            return None
        connection.settimeout(ANSWER_PATIENCE)
        said = _line(connection)
        connection.sendall(f"{name}\n".encode())
    if not said.startswith(GREETING):
        return "another program answers there"
    answering = said[len(GREETING) :]
    return None if answering == target["peer"] else f"the name leads to {answering}"


def _line(connection):
    said = b""
    while b"\n" not in said and len(said) < LONGEST_LINE:
        more = connection.recv(LONGEST_LINE)
        if not more:
            break
        said += more
    return said.partition(b"\n")[0].decode("utf-8", "replace")


def _names_in_hosts_file():
    names = set()
    with contextlib.suppress(OSError), open("/etc/hosts", encoding="utf-8", errors="replace") as file:
        for line in file:
            names.update(word.lower() for word in line.partition("#")[0].split()[1:])
    return names
