# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import datetime
import importlib.util
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.certificates import expiry
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "api.example.org")])
START = datetime.datetime(1960, 1, 1)
NOW = 1_800_000_000.0
ATTENTION = Path(__file__).parents[6] / "roles/images/files/node/src/waba_node/webapp/console/attention.py"


def pem(end: datetime.datetime, begin: datetime.datetime = START) -> str:
    builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(KEY.public_key())
    builder = builder.serial_number(7).not_valid_before(begin).not_valid_after(end)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def moment(days: float) -> datetime.datetime:
    """Return the time some days after NOW."""
    return datetime.datetime.fromtimestamp(NOW + days * 86400, datetime.timezone.utc).replace(tzinfo=None)


def in_days(days: float) -> str:
    return pem(moment(days))


@given(st.datetimes(datetime.datetime(1961, 1, 1), datetime.datetime(2199, 12, 31)))
def test_the_validity_is_that_of_the_library_cryptography(end: datetime.datetime) -> None:
    """UTCTime until 2049, GeneralizedTime from 2050."""
    begin, end = (one.replace(microsecond=0, tzinfo=datetime.timezone.utc) for one in (START, end))
    assert expiry.validities(pem(end)) == [(begin.timestamp(), end.timestamp())]


def test_the_first_certificate_of_a_chain_to_expire_counts() -> None:
    (row,) = described("a comment\n" + in_days(90) + in_days(10) + in_days(50))
    assert row["days"] == 10


@pytest.mark.parametrize(
    "text",
    ["", "no certificate", "-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----"]
    + [f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----" for body in ("MAA=", "MIIB", "AAAA", "")],
)
def test_another_text_is_no_certificate(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it(s| )"):
        expiry.validities(text)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_damaged_certificate_never_crashes(position: int, damage: bytes) -> None:
    import base64

    der = bytearray(base64.b64decode("".join(in_days(10).splitlines()[1:-1])))
    der[position : position + len(damage)] = damage
    text = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(der).decode()}\n-----END CERTIFICATE-----"
    (row,) = expiry.described([("certificate", "/a.pem", text)], NOW)
    assert row["problem"] or row["expires"]


def described(*texts: Any) -> list[dict[str, Any]]:
    return expiry.described([("certificate", "/etc/ssl/api.pem", text) for text in texts], NOW)


def test_certificates_are_described_by_their_setting_and_the_days_left() -> None:
    rows = described(in_days(40.5), in_days(-0.5), None)
    assert [row["days"] for row in rows] == [40, -1, None]
    assert {row["setting"] for row in rows} == {"waba_webapp_certificate"}
    assert [row["problem"] for row in rows] == ["", f"it expired on {rows[1]['expires']}", "it cannot be read"]


def test_warnings_name_the_setting_and_the_fix() -> None:
    found = expiry.warnings(described(in_days(40), in_days(29.5), in_days(-3), None))
    assert [one.problem.split(",")[0].partition(" on ")[0] for one in found] == [
        "it expires in 29 day(s)",
        "it expired",
        "it cannot be read",
    ]
    assert {one.variable for one in found} == {"waba_webapp_certificate"}
    assert all("rotate_secrets.yml" in one.fix for one in found)


@pytest.mark.parametrize(("days", "soon"), [(31, False), (29, True)])
def test_certificate_warns_thirty_days_ahead(days: float, soon: bool) -> None:
    assert described(in_days(days))[0]["soon"] is soon


@pytest.mark.parametrize(("age", "soon"), [(6.5, False), (7.6, True)])
def test_certificate_for_ten_days_warns_in_its_last_quarter(age: float, soon: bool) -> None:
    """One that is renewed at a third of its validity never warns."""
    assert described(pem(moment(10 - age), moment(-age)))[0]["soon"] is soon


def test_preflight_warns_when_the_console_of_the_node_does() -> None:
    """The node is no part of the collection."""
    specification = importlib.util.spec_from_file_location("waba_node_attention", ATTENTION)
    assert specification is not None
    assert specification.loader is not None
    attention = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(attention)
    for validity in (6, 47, 90, 119, 121, 365):
        for left in range(4 * min(validity, 40)):
            remaining = left / 4 + 1 / 16  # days; never exactly at the limit
            (row,) = described(pem(moment(remaining), moment(remaining - validity)))
            severity = attention.certificate_severity(remaining * expiry.DAY, validity * expiry.DAY)
            assert row["soon"] is (severity is not None), (validity, remaining)


def test_table_has_a_row_for_each_certificate_of_each_host() -> None:
    rows = expiry.table_rows({"node1": described(in_days(40)), "node2": described(None)})
    assert [row[0] for row in rows] == ["node1", "node2"]
    assert all(len(row) == len(expiry.HEADINGS) for row in rows)
