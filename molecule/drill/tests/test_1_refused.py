"""A drill that must not take place is refused before anything is touched."""

from __future__ import annotations

import pytest
from api import Api
from conftest import CONFIRMED, NAME, RECOVERY_LIMIT, REPORTS, drill, traces
from live import Cluster
from plays import Result, changed, one_line, refusal
from waiting import wait_for

UNTOUCHED = "Nothing was touched"


@pytest.mark.parametrize("confirmation", ["", "waba", NAME.upper()])
def test_drill_without_the_name_of_the_cluster_is_refused(cluster: Cluster, api: Api, confirmation: str) -> None:
    before = cluster.started()
    answer = ("-e", f"waba_drill_confirmation={confirmation}") if confirmation else ()
    assert f"the confirmation is '{confirmation}' and not the cluster's name" in refusal(
        drill("coreapp", "kill", *answer)
    )
    assert (cluster.started(), traces(cluster), api.is_healthy()) == (before, [], True)


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({"target": "webapp"}, ["waba_drill_target", "there is no target 'webapp'"]),
        ({"fault": "burn"}, ["waba_drill_fault", "there is no fault 'burn'"]),
        ({"duration": "4"}, ["waba_drill_duration", "a fault cannot last for so many seconds"]),
        ({"duration": "8"}, ["waba_drill_duration", "the fault would end before the takeover"]),
        ({"duration": "soon"}, ["waba_drill_duration"]),
        ({"interval": "0.01"}, ["waba_drill_interval", "it is out of range"]),
        ({"recipient": "nobody"}, ["waba_drill_recipient", "it is not a phone number"]),
        ({"host": "other"}, ["waba_drill_host", "this host does not run a connected coreapp"]),
        ({"target": "host", "host": "localhost"}, ["waba_drill_target", "no webapp outside of localhost answers"]),
    ],
    ids=str,
)
def test_bad_setting_is_refused_by_name(cluster: Cluster, api: Api, settings: dict[str, str], parts: list[str]) -> None:
    before = cluster.started()
    given = {"target": "coreapp", "fault": "kill", **settings}
    options = [option for name, value in given.items() for option in ("-e", f"waba_drill_{name}={value}")]
    output = refusal(drill(given["target"], given["fault"], *options, *CONFIRMED))
    assert [part for part in parts if part not in output] == [], output
    assert (cluster.started(), traces(cluster), api.is_healthy()) == (before, [], True)


def test_drill_with_limit_is_refused() -> None:
    assert f"{UNTOUCHED}: with --limit" in refusal(drill("coreapp", "kill", "--limit", "localhost", *CONFIRMED))


@pytest.mark.usefixtures("api")
def test_check_mode_prints_the_plan_and_touches_nothing(cluster: Cluster) -> None:
    before, reports = cluster.started(), list(REPORTS.glob("*"))
    result: Result = drill("coreapp", "kill", "--check")
    assert changed(result) == 0
    assert "a connected coreapp (wacore" in one_line(result.stdout)
    assert (cluster.started(), traces(cluster), list(REPORTS.glob("*"))) == (before, [], reports)


def test_drill_on_an_unhealthy_cluster_is_refused(cluster: Cluster, api: Api) -> None:
    (standby,) = api.nodes(role="coreapp", gateway_status="disconnected")
    stopped = cluster.engine.containers.get(standby)
    stopped.kill()
    try:
        output = refusal(drill("master", "kill", *CONFIRMED))
        assert f"{UNTOUCHED}: a drill needs a healthy cluster" in output
        assert stopped.labels["waba.cluster.instance"] in output
    finally:
        stopped.start()
    wait_for(api.is_healthy, RECOVERY_LIMIT, "the cluster is healthy again")
