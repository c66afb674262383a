"""An unsuitable database is refused before any change, for a running cluster and for a first deployment."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import BLUE_OPTIONS, ClusterOnServer, play, refusal
from plays import Result

ADDRESS = "172.17.0.1:29306"
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "wrong password": (
        {"waba_database_password": "wrong"},
        ["waba_database_user", "the server does not accept this account with its password: ", "Fix the user or the password, or create the account"],
    ),
    "too few privileges": (
        {"waba_database_user": "reader"},
        [
            "waba_database_user",
            "the account lacks INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP on waba",
            "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP ON waba.* TO this account",
        ],
    ),
    "no server": (
        {"waba_database_port": 1},
        ["waba_database_host", "'172.17.0.1'", "nothing answers at port 1: Connection refused", "fix the address"],
    ),
    "no TLS although the server requires it": (
        {"waba_database_tls_ca": ""},
        ["waba_database_tls_ca", ADDRESS, "the server requires TLS: ", "Set it to the authority that signed the server's certificate"],
    ),
    "another authority": (
        {"waba_database_tls_ca": "/tmp/waba-database/untrusted-ca.pem"},
        [
            "waba_database_tls_ca",
            ADDRESS,
            "the server's certificate does not identify this host: ",
            "CERTIFICATE_VERIFY_FAILED",
            "Set it to the authority that signed the certificate, and waba_database_host to a name in the certificate",
        ],
    ),
    "missing file of the authority": (
        {"waba_database_tls_ca": "/nowhere/db-ca.pem"},
        ["waba_database_tls_ca", "/nowhere/db-ca.pem", "there is no such file"],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def refused(green: ClusterOnServer) -> dict[str, Result]:
    """The result of site.yml for each case; the running cluster is unchanged."""
    before = green.state()
    with ThreadPoolExecutor(2) as pool:
        runs = dict(zip(CASES, pool.map(lambda case: play("site.yml", "-e", json.dumps(CASES[case][0])), CASES)))
    assert green.state() == before
    return runs


@pytest.mark.parametrize("case", CASES)
def test_unsuitable_database_is_refused_with_variable_and_fix(refused: dict[str, Result], case: str) -> None:
    output = refusal(refused[case])
    assert [part for part in CASES[case][1] if part not in output] == [], refused[case].stdout


def test_refused_first_deployment_leaves_the_host_untouched(blue: ClusterOnServer) -> None:
    result = play("site.yml", *BLUE_OPTIONS, "-e", "waba_database_user=reader")
    assert result.returncode != 0
    assert "the account lacks SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP on blue_waba" in result.stdout
    assert blue.state() == ({}, {}, set(), set())
    assert not blue.folder.exists()
