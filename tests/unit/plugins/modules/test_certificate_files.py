# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import datetime
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.modules import certificate_files
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Run = Callable[..., dict[str, Any]]
PEM = serialization.Encoding.PEM
KEY = ec.generate_private_key(ec.SECP256R1())
KEY_TEXT = KEY.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
NOW = datetime.datetime.now(datetime.timezone.utc)
BUILDER = x509.CertificateBuilder(x509.Name([]), x509.Name([]), KEY.public_key(), 7, NOW, NOW)
CERTIFICATE = BUILDER.sign(KEY, hashes.SHA256()).public_bytes(PEM).decode()


@pytest.fixture
def options(tmp_path: Path) -> dict[str, str]:
    paths = {name: str(tmp_path / "ssl" / name) for name in ("certificate", "key")}
    return {**paths, "content": KEY_TEXT + CERTIFICATE}


def test_both_files_are_written_once(run: Run, options: dict[str, str]) -> None:
    assert run(certificate_files, **options)["changed"]
    certificate, key = Path(options["certificate"]), Path(options["key"])
    assert (certificate.read_text(encoding="ascii"), key.read_text(encoding="ascii")) == (CERTIFICATE, KEY_TEXT)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (certificate, key)] == [0o644, 0o600]
    assert not run(certificate_files, **options)["changed"]


def test_key_that_others_may_read_is_protected_again(run: Run, options: dict[str, str]) -> None:
    run(certificate_files, **options)
    Path(options["key"]).chmod(0o644)
    assert run(certificate_files, **options)["changed"]
    assert stat.S_IMODE(Path(options["key"]).stat().st_mode) == 0o600


def test_pair_of_which_a_killed_run_wrote_one_file_is_completed(run: Run, options: dict[str, str]) -> None:
    run(certificate_files, **options)
    Path(options["certificate"]).write_text("former\n", encoding="ascii")
    answer = run(certificate_files, **options)
    assert answer["diff"]["after"] == f"{options['certificate']} (certificate)\n"
    assert not run(certificate_files, **options)["changed"]


def test_check_mode_writes_nothing(run: Run, options: dict[str, str]) -> None:
    assert run(certificate_files, check_mode=True, **options)["changed"]
    assert not Path(options["key"]).parent.exists()


@pytest.mark.parametrize("content", [KEY_TEXT, CERTIFICATE, ""])
def test_content_without_certificate_or_key_is_refused(run: Run, options: dict[str, str], content: str) -> None:
    answer = run(certificate_files, **{**options, "content": content})
    assert answer["msg"].startswith("The content is refused: it contains no ")


def test_result_has_no_key(run: Run, options: dict[str, str]) -> None:
    assert KEY_TEXT.splitlines()[1] not in str(run(certificate_files, **options))
