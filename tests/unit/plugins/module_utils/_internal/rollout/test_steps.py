# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils._internal.rollout import steps

BATCHES = [
    {
        "phase": "secondary masters",
        "members": [
            {
                "host": "node1",
                "service": "master1",
                "role": "master",
                "from": "waba/node:v1.0.0",
                "to": "waba/node:v1.1.0",
            },
            {"host": "node1", "service": "master2", "role": "master", "from": "", "to": "waba/node:v1.1.0"},
            {
                "host": "node2",
                "service": "master3",
                "role": "master",
                "from": "waba/node:v1.0.0",
                "to": "waba/node:v1.1.0",
            },
        ],
    },
    {"phase": "webapps", "members": [{"host": "node2", "service": "waweb", "role": "webapp", "from": "a", "to": "b"}]},
]


def test_step_groups_its_services_by_host() -> None:
    first, second = steps.steps(BATCHES)
    assert (first["number"], first["phase"], first["services"]) == (1, "secondary masters", "master1, master2, master3")
    assert first["hosts"] == {
        "node1": {
            "role": "master",
            "services": ["master1", "master2"],
            "former": {"master1": {"image": "waba/node:v1.0.0"}},
        },
        "node2": {"role": "master", "services": ["master3"], "former": {"master3": {"image": "waba/node:v1.0.0"}}},
    }
    assert (second["number"], list(second["hosts"])) == (2, ["node2"])


def test_rows_number_the_steps() -> None:
    assert [(row["step"], row["service"]) for row in steps.rows(BATCHES)] == [
        (1, "master1"),
        (1, "master2"),
        (1, "master3"),
        (2, "waweb"),
    ]


def test_no_batches_give_no_steps() -> None:
    assert (steps.steps([]), steps.rows([])) == ([], [])
