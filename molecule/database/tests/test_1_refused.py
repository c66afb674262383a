"""A database that will not do is refused by what is wrong with it, before any host is touched: neither a cluster that runs nor one that is to come."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import BLUE_OPTIONS, Side, play, refusal

ADDRESS = "172.17.0.1:29306"
CASES = {
    "wrong password": (
        {"waba_database_password": "wrong"},
        ["waba_database_user", "the server does not accept this account with its password: ", "Fix either, or make the account"],
    ),
    "too few privileges": (
        {"waba_database_user": "reader"},
        [
            "waba_database_user",
            "the account lacks INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP on waba",
            "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP ON waba.* TO this account",
        ],
    ),
    "nobody there": (
        {"waba_database_port": 1},
        ["waba_database_host", "'172.17.0.1'", "nothing answers at port 1: Connection refused", "fix the address"],
    ),
    "no TLS where the server wants it": (
        {"waba_database_tls_ca": ""},
        ["waba_database_tls_ca", ADDRESS, "the server wants TLS: ", "Name the authority that signed its certificate"],
    ),
    "another authority": (
        {"waba_database_tls_ca": "/tmp/waba-database/strangers-ca.pem"},
        [
            "waba_database_tls_ca",
            ADDRESS,
            "the server's certificate does not prove that it is this host: ",
            "CERTIFICATE_VERIFY_FAILED",
            "Name the authority that signed it, and the host by a name that it has",
        ],
    ),
    "an authority that is no file": (
        {"waba_database_tls_ca": "/nowhere/db-ca.pem"},
        ["waba_database_tls_ca", "/nowhere/db-ca.pem", "there is no such file"],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def refused(green: Side) -> dict:
    """What site.yml says of each, and whether the cluster that runs is as it was."""
    before = green.state()
    with ThreadPoolExecutor(2) as pool:
        runs = dict(zip(CASES, pool.map(lambda case: play("site.yml", "-e", json.dumps(CASES[case][0])), CASES)))
    assert green.state() == before
    return runs


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_by_name_and_mend_and_the_running_cluster_is_as_before(refused: dict, case: str) -> None:
    said = refusal(refused[case])
    assert [part for part in CASES[case][1] if part not in said] == [], refused[case].stdout


def test_before_the_first_deployment_nothing_is_put_on_the_host(blue: Side) -> None:
    result = play("site.yml", *BLUE_OPTIONS, "-e", "waba_database_user=reader")
    assert result.returncode != 0
    assert "the account lacks SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP on blue_waba" in result.stdout
    assert blue.state() == ({}, {}, set(), set())
    assert not blue.folder.exists()
