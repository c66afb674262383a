# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.compose.io.command import Compose
from ansible_collections.waba.cluster.plugins.module_utils.errors import DockerUnavailable, HostError


def run(command, **_options):
    """Stand where AnsibleModule.run_command stands: the real command, its answer as three values."""
    done = subprocess.run(command, input="n", capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.usefixtures("real_compose")
@pytest.mark.parametrize("line", ["B@X=sesame open", "C='sesame open", 'D="sesame open'])
def test_a_file_that_cannot_be_read_is_told_without_its_secrets(tmp_path, line):
    (tmp_path / "db.env").write_text(f"A='ok'\n{line}\n")
    (tmp_path / "compose.yml").write_text("name: broken\nservices: {one: {image: none, env_file: [./db.env]}}\n")
    with pytest.raises(HostError) as caught:
        Compose(run, str(tmp_path / "compose.yml")).definition()
    assert "not shown" in str(caught.value)
    assert "sesame" not in str(caught.value)


def test_without_docker_the_message_says_what_to_run():
    def missing(_command, **_options):
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(DockerUnavailable, match="docker_host"):
        Compose(missing, "/opt/waba/multiconnect-compose.yml").definition()
