# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Environment files that Docker Compose reads back without changing a character.

Compose v2 reads them as dotenv: nothing is special between single quotes, but neither a single quote nor a closing backslash can be written
there; between double quotes a backslash escapes itself, the double quote and the dollar sign.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def quoted(value):
    """Return value (str, without newline and NUL) as dotenv text."""
    if "'" not in value and "\\" not in value:
        return f"'{value}'"
    escaped = re.sub(r'[\\"$]', r"\\\g<0>", value)
    return f'"{escaped}"'


def render(environment, header):
    """Return the text of an environment file: a comment, then one variable a line, in the order given.

    environment: {str: str}, checked. header: str, one line.
    """
    return "".join([f"# {header}\n", *(f"{name}={quoted(value)}\n" for name, value in environment.items())])


def parsed(text):
    """Return {name: value} of an environment file as `render` makes it; a value that somebody wrote without quotes is taken as it stands."""
    found = {}
    for line in text.split("\n"):
        name, equals, value = line.partition("=")
        if equals and NAME.fullmatch(name):
            is_quoted = len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]
            inner = value[1:-1] if is_quoted else value
            found[name] = re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL) if value[:1] == '"' and is_quoted else inner
    return found


def checked(environment, option):
    """Return ({name: str}, list of Problem) for the values that a user gave in an option. Values never appear in a problem."""
    values, problems = {}, []
    for name, value in environment.items():
        problem, fix = _fault(str(name), value)
        if problem:
            problems.append(Problem(f"{option}.{name}", "(not shown)", problem, fix))
        else:
            values[str(name)] = str(value)
    return values, problems


def _fault(name, value):
    if not NAME.fullmatch(name):
        return "it is no name for an environment variable", "Use letters, digits and underscores, and no digit first"
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return f"its value is not text but {type(value).__name__}", "Put the value in quotes"
    if any(character in str(value) for character in "\n\0"):
        return "its value holds a newline or a NUL, which an environment file cannot carry", "Use a value of one line"
    return None, None


def masked(text, key):
    """Return the text of an environment file with every value replaced by a marker.

    text: str. key: bytes, random, used for one comparison only. Equal values of one variable get equal markers under one key, so a
    diff shows that a value changed, and nothing of it.
    """
    lines = []
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if line.lstrip().startswith("#") or not equals:
            lines.append(line if not line.strip() or line.lstrip().startswith("#") else "(not shown)")
            continue
        digest = hmac.new(key, f"{name}={value}".encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
        lines.append(f"{name}=(hidden, {digest[:8]})")
    return "\n".join(lines) + ("\n" if lines else "")
