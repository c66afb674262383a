# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.planner import removal

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
