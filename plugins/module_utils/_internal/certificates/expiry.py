# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When the certificates of a host expire. Pure.

Reads the validity from the DER structure itself, because a host need have neither OpenSSL's command nor the library cryptography.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import ROLE_VARIABLES
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem

BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
DAY = 86400.0
WARNING_DAYS = 30
WARNING_SHARE = 4  # of a certificate that is valid for less than WARNING_SHARE * WARNING_DAYS, the last part warns
# DER tags: docs of X.690 and RFC 5280, section 4.1.
SEQUENCE, VERSION, UTC_TIME, GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
BEFORE_VALIDITY = 3  # fields of a TBSCertificate between its version and its validity: serial number, signature, issuer

HEADINGS = ("host", "setting", "file", "expires", "days", "problem")


def validities(pem: str) -> list[tuple[float, float]]:
    """Return when each certificate of a PEM text begins and ends, in seconds since 1970. Raises ValueError if there is none."""
    try:
        found = [_validity(base64.b64decode("".join(block.split()), validate=True)) for block in BLOCK.findall(pem)]
    except (binascii.Error, IndexError) as error:
        raise ValueError("it is not a certificate in PEM") from error
    if not found:
        raise ValueError("it contains no certificate in PEM")
    return found


def _validity(der: bytes) -> tuple[float, float]:
    certificate = _content(der, SEQUENCE)
    fields = _elements(_content(certificate, SEQUENCE))
    if fields and fields[0][0] == VERSION:
        fields = fields[1:]
    tag, content = fields[BEFORE_VALIDITY]
    if tag != SEQUENCE:
        raise ValueError("its validity is not where RFC 5280 has it")
    moments = _elements(content)
    return _moment(*moments[0]), _moment(*moments[1])


def _moment(tag: int, content: bytes) -> float:
    text = content.decode("ascii")
    if tag == UTC_TIME:  # two digits of the year: 50 to 99 are those of the 20th century
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != GENERALIZED_TIME:
        raise ValueError("its validity is no time")
    moment = datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ")
    return moment.replace(tzinfo=datetime.timezone.utc).timestamp()


def _content(der: bytes, tag: int) -> bytes:
    """Return the content of the first element. Raises ValueError if it has another tag."""
    found, content, _rest = _element(der)
    if found != tag:
        raise ValueError("it is not a certificate")
    return content


def _elements(der: bytes) -> list[tuple[int, bytes]]:
    """Return the elements, (tag, content) each."""
    found = []
    while der:
        tag, content, der = _element(der)
        found.append((tag, content))
    return found


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """Return the tag and the content of the first element, and the rest."""
    tag, length, start = der[0], der[1], 2
    if length & 0x80:  # the length itself has this number of bytes
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    if len(der) < start + length:
        raise ValueError("it ends early")
    return tag, der[start : start + length], der[start + length :]


def described(certificates: Iterable[tuple[str, str, str | None]], now: float) -> list[dict[str, Any]]:
    """Return {"setting", "path", "expires", "days", "soon", "problem"} of each certificate.

    certificates: (option, path, text), the text is None if the file cannot be read. now: seconds since 1970. days: whole days until the first
    certificate of the file expires, negative after that, None if that is not known. soon: whether it expires soon: in WARNING_DAYS, or within the last
    part of a short validity. problem: "" where there is none.
    """
    rows = []
    for option, path, text in certificates:
        row: dict[str, Any] = {
            "setting": ROLE_VARIABLES[option],
            "path": path,
            "expires": "",
            "days": None,
            "soon": False,
            "problem": "",
        }
        try:
            if text is None:
                raise ValueError("it cannot be read")
            begin, end = min(validities(text), key=lambda validity: validity[1])
            days = int((end - now) // DAY)
            soon = end - now < min(WARNING_DAYS * DAY, (end - begin) / WARNING_SHARE)
            row.update(expires=date(end), days=days, soon=soon)
            if days < 0:
                row["problem"] = f"it expired on {row['expires']}"
        except ValueError as error:
            row["problem"] = str(error)
        rows.append(row)
    return rows


def date(moment: float) -> str:
    """Return the day, in UTC, of a time in seconds since 1970."""
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc).strftime("%Y-%m-%d")


def warnings(rows: Iterable[Mapping[str, Any]]) -> list[Problem]:
    """Return a warning for each certificate that has expired, expires soon, or cannot be read. rows: as from `described`."""
    found = []
    for row in rows:
        problem = row["problem"]
        if not problem and row["soon"]:
            problem = f"it expires in {row['days']} day(s), on {row['expires']}"
        if problem:
            fix = "Replace the file, and run rotate_secrets.yml, which brings it into use"
            found.append(Problem(row["setting"], row["path"], problem, fix))
    return found


def table_rows(certificates: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[list[str]]:
    """Return the rows of a table with HEADINGS. certificates: {host: rows as from `described`}."""
    return [
        [
            host,
            row["setting"],
            row["path"],
            row["expires"],
            "" if row["days"] is None else str(row["days"]),
            row["problem"],
        ]
        for host, rows in certificates.items()
        for row in rows
    ]
