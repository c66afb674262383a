# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Server options of the database container. They become arguments of the server, as the official images accept them."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

NAME = re.compile(r"[a-z][a-z0-9_-]*")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
RESERVED = {  # options that the container's mounts, ports and health check depend on: the variable to use instead
    "bind_address": "waba_publish_address",
    "datadir": "waba_volumes.database",
    "port": "waba_database_port",
    "socket": None,
    "ssl_cert": "waba_mysql_certificate",
    "ssl_key": "waba_mysql_certificate_key",
    "user": None,
}


def arguments(options: dict[str, Any]) -> list[str]:
    """Return the server's arguments for {name: value}; true and false become ON and OFF."""
    return [f"--{name}={_text(value)}" for name, value in options.items()]


def problems(options: dict[str, Any]) -> list[Problem]:
    """Return the problems with {name: value}."""
    found = []
    for name, value in options.items():
        variable, plain = f"database_options.{name}", str(name).replace("-", "_")
        if not NAME.fullmatch(str(name)):
            fix = "Write it in lower case, for example innodb_buffer_pool_size"
            found.append(Problem(variable, value, "it is not the name of a server option", fix))
        elif plain in RESERVED:
            fix = f"Use {RESERVED[plain]}" if RESERVED[plain] else "Remove it"
            found.append(Problem(variable, value, "the collection sets it itself", fix))
        elif not isinstance(value, (str, int, float)):
            kind = type(value).__name__
            found.append(
                Problem(variable, f"({kind})", f"its value has the type {kind}, not text", "Set a single value")
            )
        elif CONTROL.search(_text(value)):
            found.append(Problem(variable, value, "its value contains a control character", "Use one line of text"))
    return found


def _text(value: Any) -> str:
    return ("ON" if value else "OFF") if isinstance(value, bool) else str(value)
