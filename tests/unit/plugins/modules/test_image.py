# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images in archives and from a registry, with the engine of this machine and a real registry. The images are tiny."""

from __future__ import annotations

import io
import os
import shutil
import socket
import stat
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.modules import image, image_archive_info

docker = pytest.importorskip("docker")
bcrypt = pytest.importorskip("bcrypt")
PASSWORD = "one-secret"

Run = Callable[..., dict[str, Any]]
MakeImage = Callable[..., str]


@pytest.fixture(scope="module")
def engine() -> docker.DockerClient:
    try:
        return docker.from_env(version="auto")
    except docker.errors.DockerException:
        pytest.skip("needs a Docker engine: tests/run.py images units")


@pytest.fixture
def make_image(engine: docker.DockerClient) -> Iterator[MakeImage]:
    """Import an image with random content and these files under a name. The images are removed after the test."""
    names = []

    def make(name: str, files: dict[str, bytes] | None = None) -> str:
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            for path, content in {"content": uuid.uuid4().bytes, **(files or {})}.items():
                entry = tarfile.TarInfo(path)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        repository, _colon, tag = name.rpartition(":")
        engine.api.import_image_from_data(tar.getvalue(), repository=repository, tag=tag)
        names.append(name)
        return engine.images.get(name).id

    yield make
    for name in names:
        remove(engine, name)


def remove(engine: docker.DockerClient, name: str) -> None:
    try:
        engine.images.remove(name, force=True)
    except docker.errors.ImageNotFound:
        return


def has(engine: docker.DockerClient, name: str) -> bool:
    return bool(engine.images.list(name=name))


@pytest.fixture
def name() -> str:
    return f"waba-test/{uuid.uuid4().hex[:12]}:v1"


def test_an_archived_image_is_loaded_once(
    run: Run, engine: docker.DockerClient, make_image: MakeImage, name: str, tmp_path: Path
) -> None:
    made = make_image(name)
    first = run(image, state="archived", archive=str(tmp_path), name=[name])
    assert (first["changed"], first["images"][name]["id"]) == (True, made)
    assert not run(image, state="archived", archive=str(tmp_path), name=[name])["changed"]
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path, check=True, capture_output=True)
    remove(engine, name)
    known = run(image_archive_info, archive=str(tmp_path), name=[name])["images"]
    wanted = {"name": [name], "expected": known, "archive": str(tmp_path)}
    check = run(image, check_mode=True, **wanted)
    assert (check["changed"], check["missing"], has(engine, name)) == (True, [name], False)
    assert run(image, **wanted)["provided"] == [name]
    assert engine.images.get(name).id == made
    assert not run(image, **wanted)["changed"]


@pytest.fixture
def debsbom(tmp_path: Path) -> str:
    """A program with the command line of debsbom. It writes the package status that it reads."""
    program = tmp_path / "debsbom"
    program.write_text(
        "#!/bin/sh\nwhile [ $# -gt 0 ]; do case $1 in --root) root=$2;; --out) out=$2;; esac; shift; done\n"
        'cp "$root/var/lib/dpkg/status" "$out.cdx.json"\n'
    )
    program.chmod(0o755)
    return str(program)


def test_a_saved_image_with_debian_packages_has_a_bill_of_materials(
    run: Run, engine: docker.DockerClient, make_image: MakeImage, name: str, debsbom: str, tmp_path: Path
) -> None:
    status = b"Package: tini\nStatus: install ok installed\nVersion: 0.19\n"
    made = make_image(name)
    with_packages = make_image(f"{name}-debian", {"var/lib/dpkg/status": status})
    folder = tmp_path / "images"
    wanted = {"state": "archived", "archive": str(folder), "name": [name, f"{name}-debian"], "sbom": debsbom}
    answer = run(image, **wanted)
    assert answer["described"] == [f"{name}-debian"]
    (described,) = folder.glob("*.cdx.json")
    assert described.name == Path(answer["images"][f"{name}-debian"]["file"]).stem + ".cdx.json"
    assert described.read_bytes() == status
    assert stat.S_IMODE(described.stat().st_mode) == 0o644
    again = run(image, **wanted)
    assert (again["changed"], again["described"]) == (False, [])
    assert made != with_packages


def test_a_bill_of_materials_is_removed_with_the_former_image(
    run: Run, engine: docker.DockerClient, make_image: MakeImage, name: str, debsbom: str, tmp_path: Path
) -> None:
    wanted = {"state": "archived", "archive": str(tmp_path / "images"), "name": [name], "sbom": debsbom}
    former = make_image(name, {"var/lib/dpkg/status": b"1"})
    run(image, **wanted)
    make_image(name, {"var/lib/dpkg/status": b"2"})
    engine.images.remove(former)
    run(image, **wanted)
    (described,) = (tmp_path / "images").glob("*.cdx.json")
    assert described.read_bytes() == b"2"


def test_a_missing_program_for_the_bill_of_materials_is_named(
    run: Run, make_image: MakeImage, name: str, tmp_path: Path
) -> None:
    make_image(name)
    answer = run(image, state="archived", archive=str(tmp_path), name=[name], sbom="/nowhere/debsbom")
    assert "images_sbom is /nowhere/debsbom: there is no such program" in answer["msg"]


def test_an_image_with_unexpected_content_is_replaced(
    run: Run, engine: docker.DockerClient, make_image: MakeImage, name: str, tmp_path: Path
) -> None:
    wanted = make_image(name)
    known = run(image, state="archived", archive=str(tmp_path), name=[name])["images"]
    other = make_image(name)
    assert run(image, name=[name], expected=known, required=False)["missing"] == [name]
    run(image, name=[name], expected=known, archive=str(tmp_path))
    assert engine.images.get(name).id == wanted
    engine.images.remove(other)


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("strict_umask")
def test_every_user_can_read_the_archive(run: Run, make_image: MakeImage, name: str, tmp_path: Path) -> None:
    make_image(name)
    folder = tmp_path / "cache" / "waba-images"
    run(image, state="archived", archive=str(folder), name=[name])
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)} == {0o755}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_new_folders_belong_to_the_owner_of_their_parent(
    run: Run, make_image: MakeImage, name: str, tmp_path: Path
) -> None:
    make_image(name)
    user = 4711
    os.chown(tmp_path, user, user)
    given = tmp_path / "given"
    given.mkdir(mode=0o700)
    for folder in (tmp_path / "cache" / "waba-images", given):
        run(image, state="archived", archive=str(folder), name=[name])
    assert {path.stat().st_uid for path in (tmp_path / "cache", tmp_path / "cache" / "waba-images")} == {user}
    assert (given.stat().st_uid, stat.S_IMODE(given.stat().st_mode)) == (0, 0o700), "an existing folder is not changed"


def test_a_folder_that_cannot_be_created_is_named(run: Run, make_image: MakeImage, name: str, tmp_path: Path) -> None:
    make_image(name)
    (tmp_path / "file").touch()
    answer = run(image, state="archived", archive=str(tmp_path / "file" / "images"), name=[name])
    assert "file/images: Not a directory" in answer["msg"]


def test_a_damaged_file_is_not_loaded(
    run: Run, engine: docker.DockerClient, make_image: MakeImage, name: str, tmp_path: Path
) -> None:
    make_image(name)
    known = run(image, state="archived", archive=str(tmp_path), name=[name])["images"]
    remove(engine, name)
    os.truncate(tmp_path / known[name]["file"], 1000)
    answer = run(image, name=[name], expected=known, archive=str(tmp_path))
    assert "is damaged" in answer["msg"]
    assert not has(engine, name)
    assert "has no complete" in run(image_archive_info, archive=str(tmp_path), name=[name])["msg"]


def test_a_missing_archive_is_named(run: Run, name: str, tmp_path: Path) -> None:
    answer = run(image_archive_info, archive=str(tmp_path / "nowhere"), name=[name])
    assert "There is no archive of images" in answer["msg"]
    assert "waba.cluster.images" in answer["msg"]


def test_an_image_without_a_source_is_refused(run: Run, name: str) -> None:
    answer = run(image, name=[name])
    assert answer["failed"]
    assert f"This host lacks {name}" in answer["msg"]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a real registry with one account, on the loopback interface."""
    folder = tmp_path_factory.mktemp("registry")
    if not shutil.which("docker-registry"):
        fetched = subprocess.run(
            ["apt-get", "download", "docker-registry"], cwd=folder, capture_output=True, check=False
        )
        if fetched.returncode != 0:
            pytest.skip("needs the Debian package docker-registry")
        (package,) = folder.glob("*.deb")
        subprocess.run(["dpkg", "-x", package, folder], check=True)
    program = shutil.which("docker-registry") or str(folder / "usr/bin/docker-registry")
    (folder / "htpasswd").write_text(f"deploy:{bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()}\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    (folder / "config.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder / 'store'}}}}}\n"
        f"http: {{addr: '{address}'}}\nauth: {{htpasswd: {{realm: test, path: {folder / 'htpasswd'}}}}}\n"
    )
    with open(folder / "log", "w") as log:
        # ansible-test forks for each test and does not tear down the fork's fixtures: the registry ends with its parent.
        command = ["setpriv", "--pdeathsig", "TERM", program, "serve", folder / "config.yml"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    deadline = time.monotonic() + 30
    while not answers(address):
        assert process.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield address
    process.terminate()
    process.wait()


def answers(address: str) -> bool:
    try:
        urllib.request.urlopen(f"http://{address}/v2/", timeout=1)
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False
    return False


@pytest.fixture
def offered(registry: str, engine: docker.DockerClient, make_image: Callable[[str], str]) -> str:
    """Return the name of an image that the registry has and this engine lacks."""
    name = f"{registry}/waba/node:v{uuid.uuid4().hex[:8]}"
    make_image(name)
    pushed = engine.api.push(name, auth_config={"username": "deploy", "password": PASSWORD})
    assert "error" not in pushed, pushed
    remove(engine, name)
    return name


def test_images_are_pulled_only_on_request(run: Run, engine: docker.DockerClient, offered: str) -> None:
    account = {"username": "deploy", "password": PASSWORD}
    assert run(image, name=[offered], **account)["failed"]
    assert not has(engine, offered)
    assert run(image, name=[offered], pull=True, **account)["provided"] == [offered]
    assert has(engine, offered)
    assert not run(image, name=[offered], pull=True, **account)["changed"]


def test_credentials_are_neither_reported_nor_stored(
    run: Run, offered: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    answer = run(image, name=[offered], pull=True, username="deploy", password="another-secret")
    assert answer["failed"]
    assert "another-secret" not in str(answer["msg"])
    assert run(image, name=[offered], pull=True, username="deploy", password=PASSWORD)["changed"]
    assert list(tmp_path.rglob("*")) == []
