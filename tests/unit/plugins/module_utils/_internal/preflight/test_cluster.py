# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight.cluster import judge
from hypothesis import given
from hypothesis import strategies as st

SOUND = {"problems": [], "risks": []}


def report(host: str, ahead: tuple[float, float] = (-0.5, 0.5), **facts: Any) -> dict[str, Any]:
    facts = {"external_hostname": host, "layout": "role", "cluster_name": "waba", "machine_id": host, **facts}
    return {"settings": SOUND, "checks": {**SOUND, "facts": facts, "nodes": [], "clock_ahead": list(ahead)}}


def lines(verdict: dict[str, Any], kind: str = "problems") -> list[str]:
    return [" ".join(line.split()) for line in verdict[kind][2:]]


def test_a_cluster_without_problems_has_an_empty_table() -> None:
    verdict = judge({host: report(host) for host in ("a", "b")}, 2)
    assert verdict == {"problems": [], "warnings": [], "count": 0, "hosts": 0}


def test_one_table_has_the_problems_of_all_hosts_and_merges_equal_ones() -> None:
    reports = {host: report(host) for host in ("a", "b", "c")}
    alike = {"variable": "masters_total", "value": 1, "problem": "too few", "fix": "Add one"}
    for one in reports.values():
        one["checks"] = {**one["checks"], "problems": [alike]}
    reports["b"]["settings"] = {"problems": [{**alike, "variable": "waba_x"}], "risks": [{**alike, "variable": "y"}]}
    verdict = judge(reports, 2)
    assert lines(verdict) == [
        "every host waba_master_instances (masters_total) 1 too few Add one",
        "b waba_x 1 too few Add one",
    ]
    assert lines(verdict, "warnings") == ["b y 1 too few Add one"]
    assert (verdict["count"], verdict["hosts"]) == (2, 3)


def test_an_unreachable_host_is_one_row_and_hides_no_other_problem() -> None:
    gone = {"settings": SOUND, "checks": {"unreachable": True, "msg": "Task failed: no route"}}
    broken = {"settings": SOUND, "checks": {"failed": False, "msg": "no Python\nhere"}}
    wrong = {"settings": {"problems": [{"variable": "v", "value": 1, "problem": "w", "fix": "m"}], "risks": []}}
    assert lines(judge({"a": gone, "b": broken, "c": {**gone, **wrong}, "d": wrong}, 2)) == [
        "a, c ansible_host (as in the inventory) it cannot be reached: no route Start it, or fix how Ansible connects to it",
        "b (the check itself) (no answer) no Python here Fix that on the host, then run again",
        "c, d v 1 w m",
    ]


@pytest.mark.parametrize("setting", ["cluster_name", "layout"])
def test_a_host_whose_setting_differs_from_most_hosts_is_named(setting: str) -> None:
    reports = {"a": report("a"), "b": report("b"), "c": report("c", **{setting: "other"})}
    (line,) = [one for one in lines(judge(reports, 2)) if "most hosts" in one]
    assert line.startswith("c ")
    assert "'other'" in line


def test_shared_settings_must_be_equal_on_all_hosts_and_secrets_are_redacted() -> None:
    port, password = "waba_database_port", "waba_admin_password"
    shared = {
        "a": {port: 3306, password: "one-Secret-1"},
        "b": {port: "3306", password: "one-Secret-1"},
        "c": {port: 3307, password: "other-Secret-2"},
        "d": {},
    }
    fix = "Give all hosts of a cluster the same, as in group_vars/all"
    assert lines(judge({}, 2, shared, [password])) == [
        f"c waba_admin_password (redacted) most hosts of the cluster have another {fix}",
        f"d waba_admin_password (not set) most hosts of the cluster have another {fix}",
        f"c waba_database_port 3307 most hosts of the cluster have '3306' {fix}",
        f"d waba_database_port (not set) most hosts of the cluster have '3306' {fix}",
    ]
    (alone,) = lines(judge({}, 2, {"a": {}, "b": {}, "c": {password: "one-Secret-1"}}, [password]))
    assert alone == f"c waba_admin_password (redacted) most hosts of the cluster have none {fix}"


def test_every_host_needs_a_name_of_its_own() -> None:
    found = lines(judge({"a": report("a"), "b": report("b", external_hostname="a")}, 2))
    assert found == ["b waba_external_hostname (external_hostname) 'a' a has the same name Give every host its own"]
    for own in ("localhost", "127.0.1.1", "::1"):
        (line,) = lines(judge({"a": report("a"), "b": report("b", external_hostname=own)}, 2))
        assert "the other hosts find themselves" in line
    assert judge({"a": report("a", external_hostname="localhost", layout="single_server")}, 2)["count"] == 0


def test_the_layout_single_server_is_refused_on_several_hosts() -> None:
    found = judge({host: report(host, layout="single_server") for host in ("a", "b")}, 2)
    assert found["count"] == 1
    assert "on 2 hosts the nodes cannot find each other by service name" in lines(found)[0]


@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(0, 20), st.floats(0, 20)), min_size=1, max_size=6))
def test_the_duration_of_a_call_is_no_clock_difference(asked: Any) -> None:
    reports = {str(i): report(str(i), (true - a, true + b)) for i, (true, a, b) in enumerate(asked)}
    spread = max(asked)[0] - min(asked)[0]
    assert judge(reports, spread)["count"] == 0


def test_a_differing_clock_is_reported_with_its_difference() -> None:
    reports = {"a": report("a"), "b": report("b", (3599, 3601)), "c": report("c")}
    (line,) = lines(judge(reports, 2))
    assert line.startswith("b clock (now) it is 3598 s ahead of ")


def test_hosts_on_one_machine_and_a_single_webapp_are_warnings() -> None:
    reports = {"a": report("a", machine_id="x"), "b": report("b", machine_id="x")}
    reports["a"]["checks"]["nodes"] = [{"role": "webapp"}]
    found = lines(judge(reports, 2), "warnings")
    assert found[0].startswith("every host /etc/machine-id 'a, b'")
    assert found[1].startswith("a waba_webapp_instances (webapps) 1 the loss of this one webapp")


def test_the_clocks_of_database_members_may_not_differ_by_more_than_two_seconds() -> None:
    reports = {name: report(name) for name in ("a", "b", "c")}
    reports["c"]["checks"]["clock_ahead"] = [3.4, 3.6]
    assert judge(reports, 10)["count"] == 0
    for one in reports.values():
        one["checks"]["nodes"] = [{"role": "mysql"}, {"role": "guard"}]
    assert lines(judge(reports, 10)) == [
        "c clock (now) it is 3 s ahead of b's Let NTP set the clocks of all hosts (timedatectl set-ntp true)"
    ]
