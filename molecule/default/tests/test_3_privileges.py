"""The entrypoint of the node's image gives up the rights of root before the node starts (docs/configure/containers.md#rights)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container

IMAGE = "waba/node:v1.0.0"
MEDIA = "/usr/local/wamedia"
KEY = "/opt/certs/db-key.pem"
WABA, ANOTHER = 10002, 65534
# As in the Compose files.
CONFINED: dict[str, Any] = {
    "cap_drop": ["ALL"],
    "cap_add": ["CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"],
    "security_opt": ["no-new-privileges:true"],
    "read_only": True,
    "tmpfs": {"/tmp": "", "/opt/certs": "", "/var/lib/whatsapp": ""},
}
# Succeeds if the node can read its key, write its media, and generate a certificate.
READY = f"grep --quiet secret {KEY} && touch {MEDIA}/shared/file /var/lib/whatsapp/web.pem && echo ready && exec sleep infinity"


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """A media folder with a file that only its owner can read."""
    folder = tmp_path / "media"
    (folder / "shared").mkdir(parents=True)
    (folder / "shared/before").write_text("saved", encoding="utf-8")
    (folder / "shared/before").chmod(0o600)
    return folder


@pytest.fixture
def node(tmp_path: Path, media: Path) -> Iterator[Container]:
    """A created container with a key that root of the host can read."""
    key = tmp_path / "key.pem"
    key.write_text("secret", encoding="utf-8")
    key.chmod(0o600)
    volumes: dict[str, Any] = {
        str(media): {"bind": MEDIA, "mode": "rw"},
        str(key): {"bind": f"/run/certificates{KEY}", "mode": "ro"},
    }
    container = docker.from_env().containers.create(IMAGE, ["sh", "-c", READY], volumes=volumes, **CONFINED)
    yield container
    container.remove(force=True)


def give(media: Path, owner: int) -> None:
    """Change the owner of a folder and its content, as root of the host can."""
    volumes = {str(media): {"bind": MEDIA, "mode": "rw"}}
    command = ["--recursive", f"{owner}:{owner}", MEDIA]
    docker.from_env().containers.run(IMAGE, command, entrypoint="chown", volumes=volumes, remove=True)


def start(node: Container) -> dict[str, str]:
    """Start the container; return the state of its first process, as in /proc/1/status, once it is ready."""
    seen = node.logs().count(b"ready")
    node.start()
    for line in node.logs(stream=True, follow=True):
        seen -= line.strip() == b"ready"
        if seen < 0:
            break
    assert seen < 0, node.logs().decode()
    text = node.exec_run(["cat", "/proc/1/status"]).output.decode()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_a_folder_of_root_is_taken_over_and_the_node_has_no_rights_of_root(node: Container, media: Path) -> None:
    give(media, 0)
    for _start in range(2):  # a container that starts again has the same rights
        status = start(node)
        assert status["Uid"].split() == [str(WABA)] * 4
        assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
        assert node.exec_run(["cat", f"{MEDIA}/shared/before"], user=str(WABA)).output == b"saved"
        node.stop(timeout=0)
    assert {path.stat().st_uid for path in (media, *media.rglob("*"))} == {WABA}


def test_a_node_runs_as_the_owner_of_its_media_folder(node: Container, media: Path) -> None:
    give(media, ANOTHER)
    assert start(node)["Uid"].split() == [str(ANOTHER)] * 4
    assert (media / "shared/file").stat().st_uid == ANOTHER
