"""A host joins with --limit and without a change on any other host. It gets the image of the node from the controller."""

from __future__ import annotations

import yaml
from conftest import COREAPPS, FOLDER, INVENTORY, Api, Lab, changed, play, wait_for
from figures import figure

IMAGE = "waba/node:v1.0.0"


def test_host_is_added_without_a_restart_elsewhere(lab: Lab, api: Api) -> None:
    added = INVENTORY / "3-added.yml"
    added.write_text(yaml.safe_dump({"waba_coreapps": {"hosts": {"spare1": {}}}}), encoding="utf-8")
    before = lab.started(), lab.files()
    lab.run("spare1", f"docker image rm {IMAGE}")
    from_controller = ["-e", "images_source=build", "-e", f"images_archive={FOLDER / 'images'}"]
    assert changed(play("playbooks/site.yml", "--limit", "spare1", *from_controller)) > 0
    seconds = wait_for(lambda: api.is_healthy(COREAPPS + 1), 30, "the new coreapp stands by")
    figure("host added", f"its coreapp stands by {seconds:.1f} s after the run")
    assert changed(play("playbooks/site.yml")) == 0, "a run on the whole cluster changes nothing"
    assert (lab.started(), lab.files()) == before


def test_image_was_copied_over_ssh_and_the_copy_is_deleted(lab: Lab) -> None:
    command = f"docker image inspect --format '{{{{.Id}}}}' {IMAGE}"
    assert lab.run("spare1", command) == lab.run("coreapp1", command)
    assert [path.name.partition("-")[0] for path in (FOLDER / "images").glob("*.tar")] == ["waba_node_v1.0.0"]
    lab.run("spare1", "test ! -e /var/tmp/waba-images")
