"""drill.yml cuts off a whole host: the other hosts take over, and the host is put back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import COREAPPS, Api, Lab, connected, host_of, play, wait_for
from figures import figure


@pytest.mark.usefixtures("healthy")
def test_host_of_the_connected_coreapp_is_cut_off_measured_and_put_back(lab: Lab, api: Api, tmp_path: Path) -> None:
    (victim,) = connected(api)
    host = host_of(victim)
    before = lab.started()
    settings = {
        "target": "host",
        "host": host,
        "fault": "isolate",
        "confirmation": "waba",
        "dir": str(tmp_path),
    }
    options = [option for name, value in settings.items() for option in ("-e", f"waba_drill_{name}={value}")]
    result = play("playbooks/drill.yml", *options)
    assert result.returncode == 0, result.stdout + result.stderr
    assert lab.started() == before, "a host that was cut off restarts nothing"
    assert lab.run(host, "ls /var/lib/waba-drill 2>/dev/null || :") == ""
    wait_for(lambda: api.is_healthy(COREAPPS), 60, "the cluster is healthy after the drill")
    (successor,) = connected(api)
    assert host_of(successor) != host
    (page,) = tmp_path.glob("*.html")
    for row in re.findall(r"<tr><td>(.+?)</td><td>(.+?)</td>", page.read_text(encoding="utf-8")):
        figure("drill, host cut off", ": ".join(row))
