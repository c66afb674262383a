# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that a user gives to the server in the database container: words of its command line, which the official images take too (rules: ours)."""

from __future__ import annotations

import re

from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem

NAME = re.compile(r"[a-z][a-z0-9_-]*")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
OURS = {  # what the container's mounts, ports and health check stand on -> what to use instead
    "bind_address": "waba_publish_address",
    "datadir": "waba_volumes.database",
    "port": "waba_database_port",
    "socket": None,
    "ssl_cert": "waba_mysql_certificate",
    "ssl_key": "waba_mysql_certificate_key",
    "user": None,
}


def words(options):
    """Return the server's words (list of str) for {name: value}; true and false are ON and OFF."""
    return [f"--{name}={_text(value)}" for name, value in options.items()]


def problems(options):
    """Return what is wrong with {name: value}, as a list of Problem."""
    found = []
    for name, value in options.items():
        variable, plain = f"database_options.{name}", str(name).replace("-", "_")
        if not NAME.fullmatch(str(name)):
            found.append(
                Problem(
                    variable, value, "it is no name for a server's option", "Write it as in innodb_buffer_pool_size"
                )
            )
        elif plain in OURS:
            fix = f"Use {OURS[plain]}" if OURS[plain] else "Take it out"
            found.append(Problem(variable, value, "the collection sets it itself", fix))
        elif not isinstance(value, (str, int, float)):
            kind = type(value).__name__
            found.append(Problem(variable, f"({kind})", f"its value is not text but {kind}", "Give one value"))
        elif CONTROL.search(_text(value)):
            found.append(Problem(variable, value, "its value holds a control character", "Use a value of one line"))
    return found


def _text(value):
    return ("ON" if value else "OFF") if isinstance(value, bool) else str(value)
