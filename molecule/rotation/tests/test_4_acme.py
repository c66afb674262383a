"""A certificate of a real ACME server, Pebble, that is obtained and renewed under traffic."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import INVENTORY, SETTINGS, Cluster, are_healthy, play, rotating, secrets
from flow import Flow
from killed_runs import GROUP, Kill, run_and_kill
from pebble import Pebble, ReverseProxy, free_port
from plays import changed

PORTS = [webapp["port"] for webapp in SETTINGS["waba_webapp_instances"]]
PLAYBOOK = "renew_certificates.yml"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The settings of certificates for API and database from Pebble."""
    folder, http_address = tmp_path_factory.mktemp("acme"), f"127.0.0.1:{free_port()}"
    proxy = ReverseProxy(http_address)
    server = Pebble(folder, proxy.port)
    yield {
        "waba_acme_certificates": {
            "waba_webapp_certificate": ["api.example.com"],
            "waba_mysql_certificate": ["db.example.com"],
        },
        "waba_acme_directory": server.directory,
        "waba_acme_ca": server.ca,
        "waba_acme_email": "ops@example.com",
        "waba_acme_accept_terms": True,
        "waba_acme_http_address": http_address,
        "waba_acme_dir": str(folder / "store"),
        **{
            f"waba_{one}_certificate{suffix}": str(folder / f"{one}.{kind}")
            for one in ("webapp", "mysql")
            for suffix, kind in (("", "pem"), ("_key", "key"))
        },
    }
    server.stop()
    proxy.server.shutdown()


def given(settings: dict[str, Any], **changed_settings: Any) -> tuple[str, str]:
    return ("-e", json.dumps({**settings, **changed_settings}))


def served() -> set[str]:
    return {ssl.get_server_certificate(("127.0.0.1", port)).strip() for port in PORTS}


def stored(settings: dict[str, Any]) -> set[str]:
    """Return the certificate of the webapps' file, without its chain."""
    text = Path(settings["waba_webapp_certificate"]).read_text(encoding="ascii")
    return {text[: text.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----"}


def test_certificate_is_obtained_and_comes_into_use_without_an_outage(
    cluster: Cluster, flow: Flow, settings: dict[str, Any]
) -> None:
    before = served()
    with flow:
        assert changed(play(PLAYBOOK, *given(settings))) > 0
    assert flow.refused == []
    assert served() == stored(settings)
    assert served() != before
    assert changed(play(PLAYBOOK, *given(settings))) == 0


def test_renewed_certificate_replaces_the_webapps_only(cluster: Cluster, flow: Flow, settings: dict[str, Any]) -> None:
    assert changed(play(PLAYBOOK, *given(settings))) == 0
    before, former = served(), set(cluster.started().items())
    with flow:
        assert changed(play(PLAYBOOK, *given(settings, waba_acme_renew_percent=100))) > 0
    assert flow.refused == []
    assert served() == stored(settings)
    assert served() != before
    assert len(set(cluster.started().items()) - former) == 2, "the database reads its certificate without a restart"
    code, output = cluster.database().exec_run(["cat", "/run/mysqld/server-cert.pem"])
    assert (code, output.decode()) == (0, Path(settings["waba_mysql_certificate"]).read_text(encoding="ascii"))


@pytest.mark.parametrize(("mark", "delay"), [("Write the certificates", 0.5), ("Drain and stop", 1.0)])
def test_killed_renewal_is_continued(
    cluster: Cluster, flow: Flow, settings: dict[str, Any], mark: str, delay: float
) -> None:
    arguments = given(settings, waba_acme_renew_percent=100)
    with flow:
        killed = run_and_kill(INVENTORY, PLAYBOOK, *arguments, kill=Kill(0, delay, GROUP, mark))
        assert killed.task, killed.output
        # The certificates are not due, but not in use everywhere either.
        assert changed(play(PLAYBOOK, *given(settings))) > 0
    assert flow.refused == []
    assert served() == stored(settings)
    assert are_healthy()
    assert changed(play(PLAYBOOK, *given(settings))) == 0


def test_renewal_does_not_finish_a_rotation_that_was_stopped(cluster: Cluster, settings: dict[str, Any]) -> None:
    assert changed(play("rotate_secrets.yml", *rotating("waba_api_key", waba_rotate_finish=False, **settings))) > 0
    assert changed(play(PLAYBOOK, *given(settings, waba_acme_renew_percent=100))) > 0
    assert "waba_previous_api_key" in secrets()
    assert changed(play("rotate_secrets.yml", *rotating(**settings))) > 0
    assert "waba_previous_api_key" not in secrets()
    # Back to the settings of the inventory.
    assert changed(play("rotate_secrets.yml", *rotating())) > 0
