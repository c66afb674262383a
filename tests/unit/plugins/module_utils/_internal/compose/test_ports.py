# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import ports
from hypothesis import given
from hypothesis import strategies as st

PINNED_RANGE = st.integers(0, 66000).flatmap(
    lambda first: st.integers(-2, 6).map(lambda length: f"{first}-{first + length}")
)
RANGED = st.none() | PINNED_RANGE | st.text(max_size=8)
SINGLE = st.none() | st.integers(-5, 66000)


def holders_of(masters: list[Any], coreapps: list[Any], webapps: list[Any]) -> list[dict[str, Any]]:
    pins = {"master": masters, "coreapp": coreapps, "webapp": webapps}
    return [
        {"role": role, "index": index, "name": f"{role}{index}", "variable": f"{role}s[{index}]", "pinned": pin}
        for role, listed in pins.items()
        for index, pin in enumerate(listed)
    ]


@given(st.lists(RANGED, max_size=5), st.lists(RANGED, max_size=5), st.lists(SINGLE, max_size=4))
def test_a_port_is_never_allocated_twice(masters: list[Any], coreapps: list[Any], webapps: list[Any]) -> None:
    found, problems = ports.allocate(holders_of(masters, coreapps, webapps))
    given_away = [port for holder in found.values() for port in holder]
    assert problems or len(given_away) == len(set(given_away))
    assert all(1 <= port <= 65535 for port in given_away)
    assert all(len(found[name]) == (1 if name.startswith("webapp") else 4) for name in found)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_default_ports_have_no_problems(masters: int, coreapps: int, webapps: int) -> None:
    found, problems = ports.allocate(holders_of([None] * masters, [None] * coreapps, [None] * webapps))
    assert problems == []
    assert len(found) == masters + coreapps + webapps


@given(st.lists(RANGED, max_size=4), st.lists(RANGED, max_size=4), RANGED)
def test_a_new_last_instance_changes_no_other_ports(masters: list[Any], coreapps: list[Any], another: Any) -> None:
    before, _problems = ports.allocate(holders_of(masters, coreapps, []))
    after, _problems = ports.allocate(holders_of([*masters, another], [*coreapps, another], [None]))
    assert {name: after[name] for name in before} == before


def test_the_first_instance_of_each_role_has_the_vendors_ports() -> None:
    found, _problems = ports.allocate(holders_of([None], [None], [None]))
    assert found == {
        "masters[0]": (6254, 6255, 6256, 6257),
        "coreapps[0]": (6250, 6251, 6252, 6253),
        "webapps[0]": (9090,),
    }


def test_an_overlap_is_reported_with_both_instances() -> None:
    _found, problems = ports.allocate(holders_of([None, "6256-6259"], [], []))
    assert [problem.variable for problem in problems] == ["masters[1]"]
    assert "master master1" in problems[0].problem
    assert "master master0" in problems[0].problem
