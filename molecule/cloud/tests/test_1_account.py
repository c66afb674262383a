"""site.yml sets the account up, once; invalid settings are refused by name; no secret is exposed."""

from __future__ import annotations

from pathlib import Path

import yaml
from conftest import (
    FOLDER,
    SECRETS_FILE,
    SETTINGS,
    WEBHOOK_URL,
    Cluster,
    Standin,
    changed,
    one_line,
    play,
    refusal,
    started,
)
from secret_places import places_of

SITE = "playbooks/site.yml"


def test_number_is_registered_and_its_webhook_leads_to_the_webapps(standin: Standin) -> None:
    state = standin.state()
    assert state["number"]["status"] == "CONNECTED"
    assert state["number"]["webhook_configuration"]["phone_number"] == WEBHOOK_URL
    assert state["webhooks"]["subscribed"]


def test_second_run_and_check_mode_change_nothing(cluster: Cluster) -> None:
    before = started(cluster)
    assert changed(play(SITE)) == 0
    assert changed(play(SITE, "--check", "--diff")) == 0
    assert started(cluster) == before


def test_lost_subscription_is_planned_and_restored(cluster: Cluster, standin: Standin) -> None:
    before = started(cluster)
    standin.post("callback", {"subscribed": False})
    planned = play(SITE, "--check")
    assert changed(planned) == 1
    assert "app of WhatsApp Business Account 800000000000001 subscribe it is not subscribed" in one_line(planned.stdout)
    assert not standin.state()["webhooks"]["subscribed"], "check mode changes nothing"
    assert changed(play(SITE)) == 1
    assert standin.state()["webhooks"]["subscribed"]
    assert started(cluster) == before, "no container restarts"


def test_refused_token_is_named_before_anything_is_touched(cluster: Cluster, tmp_path: Path) -> None:
    before, files = started(cluster), (FOLDER / "db.env").read_bytes()
    given = tmp_path / "token.yml"
    given.write_text("waba_cloud_token: a-token-that-meta-refuses\n", encoding="utf-8")
    output = refusal(play(SITE, "-e", f"@{given}"))
    assert "waba_cloud_token (redacted) Meta does not accept the token" in output
    assert "a-token-that-meta-refuses" not in output
    assert (started(cluster), (FOLDER / "db.env").read_bytes()) == (before, files)


def test_number_that_meta_does_not_know_is_named(cluster: Cluster) -> None:
    before = started(cluster)
    output = refusal(play(SITE, "-e", "waba_cloud_phone_number_id=700000000000009"))
    assert "waba_cloud_phone_number_id" in output
    assert started(cluster) == before


def test_secrets_appear_in_no_output_argument_log_or_readable_file(cluster: Cluster) -> None:
    generated = yaml.safe_load(SECRETS_FILE.read_text(encoding="utf-8"))
    assert "waba_cloud_verify_token" in generated
    issued = [SETTINGS[name] for name in ("waba_cloud_token", "waba_cloud_app_secret")]
    secrets = [str(value) for value in [*generated.values(), *issued]]
    outputs = {
        f"{playbook} --diff -vvv": play(f"playbooks/{playbook}.yml", "--check", "--diff", "-vvv").stdout
        for playbook in ("site", "rotate_cloud_secrets")
    }
    assert places_of(secrets, cluster, FOLDER, outputs) == []
