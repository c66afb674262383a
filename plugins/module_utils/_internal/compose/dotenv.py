# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Environment files that Docker Compose and `docker run --env-file` read with the same result.

`docker run` takes the text after "=" as it is. Compose removes quotes and comments, expands "$" and trims whitespace. Values are
therefore written without quotes, and a value that Compose would change is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# The first pattern that a value contains is the reason to refuse it.
CONTROL_CHARACTER = (re.compile(r"[\x00-\x1f\x7f-\x9f]"), "contains a newline or another control character")
UNSUPPORTED = (
    CONTROL_CHARACTER,
    (re.compile(r"[\ud800-\udfff]"), "contains text that is not valid Unicode"),
    (re.compile(r"\$"), "contains $, which Docker Compose expands in an environment file"),
    (re.compile(r"\A\s|\s\Z"), "begins or ends with whitespace, which Docker Compose removes from an environment file"),
    (re.compile(r"\A['\"]"), "begins with a quote, which Docker Compose removes from an environment file"),
    (re.compile(r"\A#|\s#"), "contains a comment for Docker Compose: # at the beginning or after whitespace"),
)
LONGEST_VALUE = 60_000  # bytes; `docker run` reads lines of up to 64 KiB
FIX = "Use one line of text without it; letters, digits and - _ . + are always possible"


def unsupported(value: str) -> str | None:
    """Return why an environment file cannot contain a value, as a predicate such as "contains $", or None."""
    for pattern, reason in UNSUPPORTED:
        if pattern.search(value):
            return reason
    return f"is longer than {LONGEST_VALUE} bytes" if len(value.encode()) > LONGEST_VALUE else None


def render(environment: Mapping[str, str], header: str) -> str:
    """Return the text of an environment file: a comment, then one variable per line.

    environment: validated by `checked`. header: one line.
    """
    return "".join([f"# {header}\n", *(f"{name}={value}\n" for name, value in environment.items())])


def parsed(text: str) -> dict[str, str]:
    """Return {name: value} of an environment file, also of one with quotes that was written by hand."""
    found = {}
    for line in text.split("\n"):
        name, equals, value = line.partition("=")
        if equals and NAME.fullmatch(name):
            is_quoted = len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]
            inner = value[1:-1] if is_quoted else value
            found[name] = re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL) if value[:1] == '"' and is_quoted else inner
    return found


def checked(environment: Mapping[Any, Any], option: str) -> tuple[dict[str, str], list[Problem]]:
    """Return the valid variables with their values as text, and the problems with the others.

    option: the option that contains the environment. A problem never contains a value.
    """
    values, problems = {}, []
    for name, value in environment.items():
        problem, fix = _problem(str(name), value)
        if problem:
            problems.append(Problem(f"{option}.{name}", "(redacted)", problem, fix))
        else:
            values[str(name)] = str(value)
    return values, problems


def _problem(name: str, value: Any) -> tuple[str | None, str]:
    if not NAME.fullmatch(name):
        fix = "Use letters, digits and underscores, and do not begin with a digit"
        return "it is not a name for an environment variable", fix
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return f"its value has the type {type(value).__name__}, not text", "Put the value in quotes"
    reason = unsupported(str(value))
    return reason and f"its value {reason}", FIX


def masked(text: str, key: bytes) -> str:
    """Return the text of an environment file with every value replaced by a marker, for a diff.

    Equal values of one variable have equal markers, so a diff shows which values changed. key: random bytes for one comparison.
    """
    lines = []
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if line.lstrip().startswith("#") or not equals:
            lines.append(line if not line.strip() or line.lstrip().startswith("#") else "(redacted)")
            continue
        digest = hmac.new(key, f"{name}={value}".encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
        lines.append(f"{name}=(redacted, {digest[:8]})")
    return "\n".join(lines) + ("\n" if lines else "")
