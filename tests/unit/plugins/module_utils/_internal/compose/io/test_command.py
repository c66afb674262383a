# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io.command import Compose
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import DockerUnavailable, HostError

HOSTILE = {
    "COMPOSE_PROJECT_NAME": "other",
    "COMPOSE_FILE": "/nonexistent.yml",
    "COMPOSE_ENV_FILES": "/nonexistent.env",
    "DOCKER_HOST": "tcp://127.0.0.1:1",
    "DOCKER_CONFIG": "/nonexistent",
}


def run(
    command: Sequence[str], environ_update: Mapping[str, str] | None = None, **_options: object
) -> tuple[int, str, str]:
    """Run a command as AnsibleModule.run_command does."""
    environment = {**os.environ, **(environ_update or {})}
    done = subprocess.run(command, input="n", capture_output=True, text=True, check=False, env=environment)
    return done.returncode, done.stdout, done.stderr


def write_project(folder: Path, name: str = "name: waba") -> str:
    """Write a Compose file with one service; return its path."""
    file = folder / "compose.yml"
    file.write_text(f"{name}\nservices: {{one: {{image: none, env_file: [./db.env]}}}}\n", encoding="utf-8")
    (folder / "db.env").write_text("A='ok'\n", encoding="utf-8")
    return str(file)


@pytest.mark.usefixtures("real_compose")
@pytest.mark.parametrize("line", ["B@X=sesame open", "C='sesame open", 'D="sesame open'])
def test_an_unreadable_environment_file_is_reported_without_its_secrets(tmp_path: Path, line: str) -> None:
    file = write_project(tmp_path)
    (tmp_path / "db.env").write_text(f"A='ok'\n{line}\n", encoding="utf-8")
    with pytest.raises(HostError) as caught:
        Compose(run, file).definition()
    assert "redacted" in str(caught.value)
    assert "sesame" not in str(caught.value)


@pytest.mark.usefixtures("real_compose")
def test_the_file_alone_decides_on_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_project(tmp_path)
    expected = Compose(run, file).definition()
    (tmp_path / ".env").write_text("COMPOSE_PROJECT_NAME=stray\nCOMPOSE_PROFILES=x\n", encoding="utf-8")
    monkeypatch.chdir("/")
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    assert expected["name"] == "waba"
    assert Compose(run, file).definition() == expected


@pytest.mark.parametrize(("line", "project"), [("name: waba", "waba"), ("name: '0815'", "0815"), ('name: "on"', "on")])
def test_the_name_of_the_project_is_passed_explicitly(tmp_path: Path, line: str, project: str) -> None:
    def answer(command: Sequence[str], **_options: object) -> tuple[int, str, str]:
        assert command[command.index("--project-name") + 1] == project
        assert command[command.index("--project-directory") + 1] == str(tmp_path)
        assert command[command.index("--env-file") + 1] == "/dev/null"
        return 0, "{}", ""

    Compose(answer, write_project(tmp_path, line)).definition()


def test_a_file_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="has no line 'name: PROJECT'"):
        Compose(run, write_project(tmp_path, "# no name")).definition()


def test_proxies_and_context_of_the_user_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(json.dumps({"currentContext": "remote"}), encoding="utf-8")

    def answer(_command: Sequence[str], environ_update: Mapping[str, str], **_options: object) -> tuple[int, str, str]:
        config = json.loads(Path(environ_update["DOCKER_CONFIG"], "config.json").read_text(encoding="utf-8"))
        assert config == {"cliPluginsExtraDirs": [f"{tmp_path}/.docker/cli-plugins"]}
        assert environ_update["DOCKER_HOST"] == "unix:///var/run/docker.sock"
        return 0, "{}", ""

    Compose(answer, write_project(tmp_path)).definition()


def test_a_missing_docker_command_is_reported_with_the_role_to_run(tmp_path: Path) -> None:
    def missing(_command: Sequence[str], **_options: object) -> tuple[int, str, str]:
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(DockerUnavailable, match="docker_host"):
        Compose(missing, write_project(tmp_path)).definition()
