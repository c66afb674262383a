# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker import image_packages
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.image_packages import Mirrors, Update
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import image_packages as io_packages
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError

MIRROR, SECURITY = "http://mirror.example.org/debian", "http://security.example.org/debian-security"


@pytest.mark.parametrize(
    ("given", "own", "expected"),
    [
        (None, None, f"{MIRROR}-security"),
        (None, SECURITY, SECURITY),
        ("http://given.example.org/s", SECURITY, "http://given.example.org/s"),
        ("none", SECURITY, None),
    ],
)
def test_the_security_mirror_is_the_given_one_or_the_hosts_or_beside_the_mirror(
    given: str | None, own: str | None, expected: str | None
) -> None:
    assert image_packages.with_security(MIRROR, given, own) == Mirrors(MIRROR, expected)


def test_a_stable_suite_includes_its_updates_and_security_updates() -> None:
    assert image_packages.apt_sources("trixie", Mirrors(MIRROR, SECURITY), "/k.gpg") == [
        f"deb [signed-by=/k.gpg] {MIRROR} trixie main",
        f"deb [signed-by=/k.gpg] {MIRROR} trixie-updates main",
        f"deb [signed-by=/k.gpg] {SECURITY} trixie-security main",
    ]


def test_a_rolling_suite_and_a_missing_security_mirror_add_no_source() -> None:
    assert image_packages.apt_sources("sid", Mirrors(MIRROR, SECURITY), None) == [f"deb {MIRROR} sid main"]
    assert len(image_packages.apt_sources("trixie", Mirrors(MIRROR, None), None)) == 2


def test_updates_are_parsed_without_added_packages() -> None:
    output = """Reading package lists...
Inst passwd [1:4.17.4-2] (1:4.17.4-2+deb13u1 Debian-Security:13/stable-security [amd64])
Inst libk5crypto3 [1.21.3-5+deb13u1] (1.21.3-5+deb13u2 Debian-Security:13/stable-security [amd64]) []
Inst libadded1 (1.0 Debian:13/stable [amd64])
Conf passwd (1:4.17.4-2+deb13u1 Debian-Security:13/stable-security [amd64])
"""
    assert image_packages.parse_updates(output) == [
        Update("libk5crypto3", "1.21.3-5+deb13u1", "1.21.3-5+deb13u2"),
        Update("passwd", "1:4.17.4-2", "1:4.17.4-2+deb13u1"),
    ]


def test_the_lists_are_fetched_once_for_all_images_of_a_suite() -> None:
    commands = []

    def run_command(command: list[str]) -> tuple[int, str, str]:
        commands.append(command)
        (status,) = [word.partition("=")[2] for word in command if word.startswith("Dir::State::status=")]
        package = Path(status).read_text()
        return 0, f"Inst {package} [1] (2 Debian:13/stable [amd64])\n" if "--simulate" in command else "", ""

    found = io_packages.updates(run_command, "trixie", Mirrors(MIRROR, SECURITY), {"one": b"a", "other": b"b"})
    assert found == {"one": [Update("a", "1", "2")], "other": [Update("b", "1", "2")]}
    assert [command[-1] for command in commands] == ["update", "dist-upgrade", "dist-upgrade"]


def test_a_mirror_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(HostError, match="apt-get could not read the package lists of trixie"):
        io_packages.updates(lambda _command: (100, "", "Err: 404"), "trixie", Mirrors(MIRROR, SECURITY), {"one": b""})


def test_apt_reads_nothing_of_the_hosts_own_configuration() -> None:
    command = image_packages.private_apt("/folder", "trixie")
    assert "Dir::Etc::sourceparts=/dev/null" in command
    assert "Dir::Etc::preferencesparts=/dev/null" in command
    assert "Dir::State::status=/folder/status" in command
    assert "Acquire::Check-Valid-Until=false" not in command
    assert "Acquire::Check-Valid-Until=false" in image_packages.private_apt("/folder", "sid")


def test_a_bill_of_materials_has_the_name_of_its_image_file() -> None:
    assert image_packages.sbom_file("waba_node_v1.0.0-0123.tar") == "waba_node_v1.0.0-0123.cdx.json"
    command = image_packages.sbom_command("/bin/debsbom", "reg:5000/waba/node:v1", "abc", "/root", "/out/x")
    assert command[command.index("--distro-name") + 1] == "reg:5000/waba/node"
    assert command[command.index("--distro-version") + 1] == "v1"
    assert "waba.image.source-hash=abc" in command
