"""Another source of a volume is refused unless it is accepted; the documented procedure copies the data (docs/configure/volumes.md)."""

from __future__ import annotations

import json

from conftest import Api, Lab, changed, play

MOVED = {"waba_volumes": {"media": {"type": "bind", "source": "/srv/media"}}}
FILE = "/usr/local/wamedia/of-a-customer"
NODE = "waba-webapp-waweb-1"


def test_changed_source_is_refused_before_any_change(lab: Lab) -> None:
    lab.run("webapp2", f"docker exec {NODE} sh -c 'echo picture > {FILE}'; mkdir -p /srv/media")
    before = lab.started(), lab.files()
    result = play("playbooks/site.yml", "--limit", "webapp2", "-e", json.dumps(MOVED))
    assert result.returncode != 0
    message = f"the media of {NODE} is in waba_whatsappMedia, which the new containers would not mount"
    assert message in result.stdout + result.stderr
    assert (lab.started(), lab.files()) == before


def test_data_is_moved_by_the_documented_procedure(lab: Lab, api: Api) -> None:
    assert changed(play("playbooks/stop.yml", "--limit", "webapp2")) > 0
    lab.run(
        "webapp2",
        "docker run --rm -v waba_whatsappMedia:/from:ro -v /srv/media:/to --entrypoint cp waba/node:v1.0.0 -a /from/. /to/",
    )
    accepted = json.dumps({**MOVED, "waba_allow_source_change": True})
    assert changed(play("playbooks/site.yml", "--limit", "webapp2", "-e", accepted)) > 0
    assert lab.run("webapp2", f"docker exec {NODE} cat {FILE}") == "picture\n"
    # From now on another source than the new one is refused.
    result = play("playbooks/preflight.yml", "--limit", "webapp2")
    assert f"the media of {NODE} is in /srv/media" in result.stdout + result.stderr
    back = json.dumps({"waba_allow_source_change": True})
    assert changed(play("playbooks/site.yml", "--limit", "webapp2", "-e", back)) > 0
    assert lab.run("webapp2", f"docker exec {NODE} cat {FILE}") == "picture\n"
