# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import dotenv
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.io import log_archive, log_files
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.stream_redaction import Redactor
from docker.errors import APIError
from hypothesis import given
from hypothesis import strategies as st

AT = b"2026-01-31T12:00:00.123456789Z "
HEADER = "Managed by Ansible, waba.cluster (cluster waba); changes by hand are overwritten"


@given(st.lists(st.sampled_from([b"", b"one", b"one\n", b"\n", b"a\nb", b"\n\n", b"x\n\ny\n"]), max_size=8))
def test_every_line_gets_the_prefix_and_nothing_else(pieces: list[bytes]) -> None:
    lines = b"".join(pieces).split(b"\n")
    lines = lines[:-1] if lines[-1] == b"" else lines
    assert b"".join(log_files.prefixed(pieces, "a| ")) == b"".join(b"a| " + line + b"\n" for line in lines)


def test_a_secret_that_the_engine_splits_is_redacted() -> None:
    frames = [AT + b"x" * 20 + b"se", AT + b"cret\n", AT + b"next\n"]
    text = b"".join(log_files.redacted(log_files.join_frames(frames), Redactor(["secret"])))
    assert text == AT + b"x" * 20 + b"********\n" + AT + b"next\n"


def test_a_log_that_cannot_be_read_does_not_keep_the_others_out(tmp_path: Path) -> None:
    def logs(container: str, **options: object) -> Iterator[bytes]:
        if container == "2":
            raise APIError("configured logging driver does not support reading")
        assert options == {"stream": True, "follow": False, "timestamps": True, "tail": 5, "since": 10.0}
        yield AT + b"password is hunter2\n"

    client = SimpleNamespace(api=SimpleNamespace(logs=logs))
    inspected = [{"Id": "2", "Name": "/waba-b-1"}, {"Id": "1", "Name": "/waba-a-1"}]
    window = {"since": 10.0, "until": None, "tail": 5}
    rows = log_files.write_logs(client, inspected, str(tmp_path), window, lambda: Redactor(["hunter2"]))
    text = (tmp_path / "debug_output.txt").read_text(encoding="utf-8")
    assert text.splitlines()[0] == f"waba-a-1 | {AT.decode()}password is ********"
    assert [(row["container"], row["lines"]) for row in rows] == [("waba-a-1", 1), ("waba-b-1", 0)]
    assert "does not support reading" in rows[1]["note"]
    assert "does not support reading" in text


def test_environment_files_are_copied_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    environment = {"WA_DB_HOSTNAME": "db1", "WA_DB_PASSWORD": "it's secret", "EXTRA": "x"}
    (tmp_path / "db.env").write_text(dotenv.render(environment, HEADER), encoding="utf-8")
    (tmp_path / "mysql.env").write_text("# another program's file\nA='b'\n", encoding="utf-8")
    assert log_files.write_files(str(tmp_path), "waba", str(tmp_path / "out"), lambda: Redactor([])) == ["db.env"]
    text = (tmp_path / "out/db.env").read_text(encoding="utf-8")
    assert text == f"# {HEADER}\nWA_DB_HOSTNAME=db1\nWA_DB_PASSWORD=********\nEXTRA=********\n"


def test_secrets_of_files_containers_and_the_caller_are_known(tmp_path: Path) -> None:
    (tmp_path / "db.env").write_text("WA_DB_PASSWORD=by-hand\nWA_SECRET='it''s'\n", encoding="utf-8")
    container = {"Config": {"Env": ["WA_API_KEY=of-an-older-file", "WA_DB_HOSTNAME=database.example"]}}
    secrets = log_files.known_secrets(str(tmp_path), [container], ["given", ""])
    assert {"by-hand", "of-an-older-file", "given"} <= secrets
    assert "database.example" not in secrets
    assert "" not in secrets


def test_an_archive_has_a_private_folder_and_a_later_run_removes_old_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_archive, "PLACE", str(tmp_path))
    with log_archive.private_folder("waba") as first:
        assert stat.S_IMODE((tmp_path / first).stat().st_mode) == 0o700
    with log_archive.private_folder("waba-b") as other, log_archive.private_folder("waba") as second:
        assert (tmp_path / other).exists(), "another cluster's folder stays"
        content = tmp_path / "content"
        content.mkdir()
        (content / "debug_output.txt").write_text("one line\n", encoding="utf-8")
        log_archive.pack(str(content), f"{second}/logs.tar.gz", ".")
        assert stat.S_IMODE((tmp_path / second / "logs.tar.gz").stat().st_mode) == 0o600
        with tarfile.open(f"{second}/logs.tar.gz") as archive:
            assert "./debug_output.txt" in archive.getnames()
    assert not (tmp_path / first).exists()
    with pytest.raises(ZeroDivisionError), log_archive.private_folder("waba") as third:
        1 / 0  # noqa: B018
    assert not (tmp_path / third).exists()
