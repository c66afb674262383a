# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.planner import removal, requirements, secrecy, volumes
from hypothesis import given
from hypothesis import strategies as st


@given(st.integers(0, 10), st.integers(0, 40), st.sampled_from([1, 2, 4, 8, 16, 32]), st.booleans())
def test_high_availability_needs_a_second_master_and_a_spare_coreapp(masters, coreapps, shards, ha):
    problems = requirements.cluster_problems(masters, coreapps, shards, ha)
    wrong = {"masters_total"} if masters < 2 else set()
    wrong |= {"coreapps_total"} if coreapps < shards + 1 else set()
    assert {problem.variable for problem in problems} == (wrong if ha else set())


def test_two_masters_on_one_of_many_hosts_are_worth_a_warning(params):
    assert requirements.gathering_warnings(params) == []
    params["layout"] = "role"
    assert len(requirements.gathering_warnings(params)) == 2


OBJECTS = {
    "containers": [{"name": "waba-waweb-1"}, {"name": "waba-db-1"}],
    "networks": [{"name": "waba_default", "used_by": []}, {"name": "shared", "used_by": ["stranger"]}],
    "volumes": [
        {"name": "waba_mysqlData", "used_by": []},
        {"name": "adopted", "used_by": []},
        {"name": "waba_whatsappMedia", "used_by": ["stranger"]},
    ],
}


@pytest.mark.parametrize(("remove_volumes", "volumes_gone"), [(False, []), (True, ["waba_mysqlData"])])
def test_an_uninstall_takes_only_what_nobody_else_needs(remove_volumes, volumes_gone):
    remove, keep = removal.plan_removal(OBJECTS, remove_volumes, keep_volumes=["adopted"])
    assert [item["name"] for item in remove] == ["waba-waweb-1", "waba-db-1", "waba_default", *volumes_gone]
    assert len(remove) + len(keep) == 7
    assert all(item["reason"] for item in keep)


def test_a_secret_is_hidden_and_an_ordinary_word_is_not():
    environment = {
        "WA_DB_HOSTNAME": "database.example",
        "WA_DB_PASSWORD": "a",
        "EXTRA": "1",
        "PROXY": "http://u:p@proxy",
    }
    assert secrecy.secret_values(environment) == {"a", "http://u:p@proxy"}


@given(st.sets(st.text("ab", min_size=1, max_size=6), max_size=5), st.text("abc", max_size=40))
def test_no_secret_survives_redaction(secrets, text):
    shown = secrecy.redacted(text, secrets)
    assert not any(secret in shown for secret in secrets)


def test_a_container_never_loses_sight_of_its_data_unasked():
    containers = [{"name": "waba-db-1", "mounts": {"/var/lib/mysql": ("volume", "waba_mysqlData")}}]

    def behind(volume):
        return volumes.left_behind("waba", {"database": volume}, containers)

    assert behind({"type": "named", "source": "mysqlData"}) == []
    assert behind({"type": "external", "source": "waba_mysqlData"}) == []
    assert "waba_mysqlData" in behind({"type": "bind", "source": "/srv/mysql"})[0].wrong
