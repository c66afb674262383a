"""A TCP proxy whose connections can be severed."""

from __future__ import annotations

import contextlib
import socket
import threading


class SeverableProxy:
    """Forwards `port` on this machine to a server until it is severed."""

    def __init__(self, host: str, port: int) -> None:
        self.server = host, port
        self.ends: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.intact = True
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                near, _address = self.listener.accept()
                if not self.intact:
                    near.close()
                    continue
                far = socket.create_connection(self.server)
                self.ends += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def sever(self) -> None:
        """Close every connection and refuse new ones."""
        self.intact = False
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.ends.clear()

    def restore(self) -> None:
        self.intact = True

    def close(self) -> None:
        self.sever()
        self.listener.close()
