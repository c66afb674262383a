# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.compose import dotenv
from ansible_collections.waba.cluster.plugins.module_utils.database.io.client import password_of
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError

SECRET = "a'b\\c$d\"e"


def from_file(path):
    return password_of({"password": None, "password_file": str(path)})


@pytest.mark.parametrize("name", ["MYSQL_PASSWORD", "WA_DB_PASSWORD"])
def test_the_password_is_read_as_compose_reads_it(tmp_path, name):
    path = tmp_path / "one.env"
    path.write_text(dotenv.render({"MYSQL_ROOT_PASSWORD": "another", name: SECRET}, "ours"), encoding="utf-8")
    assert from_file(path) == SECRET


def test_a_file_that_is_not_there_or_has_none_is_told_with_what_makes_it(tmp_path):
    path = tmp_path / "one.env"
    with pytest.raises(HostError, match=r"There is no .*one\.env, .* Run the playbook site\.yml first\."):
        from_file(path)
    path.write_text("TZ=UTC\n", encoding="utf-8")
    with pytest.raises(HostError, match="has neither MYSQL_PASSWORD nor WA_DB_PASSWORD"):
        from_file(path)
