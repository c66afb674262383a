"""A host joins, by --limit, and no other host notices."""

from __future__ import annotations

import yaml
from conftest import COREAPPS, INVENTORY, Api, Lab, changed, figure, play, wait_for


def test_a_host_is_added_without_a_restart_elsewhere(lab: Lab, api: Api) -> None:
    added = INVENTORY / "3-added.yml"
    added.write_text(yaml.safe_dump({"waba_coreapps": {"hosts": {"spare1": {}}}}), encoding="utf-8")
    before = lab.started(), lab.files()
    assert changed(play("playbooks/site.yml", "--limit", "spare1")) > 0
    seconds = wait_for(lambda: api.is_whole(COREAPPS + 1), 30, "the new coreapp stands by")
    figure("host added", f"its coreapp stands by {seconds:.1f} s after the run")
    assert changed(play("playbooks/site.yml")) == 0, "the whole cluster has nothing to do for it"
    assert (lab.started(), lab.files()) == before
