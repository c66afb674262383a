# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images as files and through a registry, with the engine of this machine and a real registry; the images themselves are tiny."""

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

import pytest
from ansible_collections.waba.cluster.plugins.modules import host_images, image_archive

docker = pytest.importorskip("docker")
bcrypt = pytest.importorskip("bcrypt")
PASSWORD = "one-secret"


@pytest.fixture(scope="module")
def engine():
    try:
        return docker.from_env(version="auto")
    except docker.errors.DockerException:
        pytest.skip("needs a Docker engine: tests/run.py images units")


@pytest.fixture
def make_image(engine):
    """Make an image with content of its own under a name; all of them go with the test."""
    names = []

    def make(name):
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            content = uuid.uuid4().bytes
            entry = tarfile.TarInfo("content")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        repository, _colon, tag = name.rpartition(":")
        engine.api.import_image_from_data(tar.getvalue(), repository=repository, tag=tag)
        names.append(name)
        return engine.images.get(name).id

    yield make
    for name in names:
        forget(engine, name)


def forget(engine, name):
    try:
        engine.images.remove(name, force=True)
    except docker.errors.ImageNotFound:
        return


def has(engine, name):
    return bool(engine.images.list(name=name))


@pytest.fixture
def name():
    return f"waba-test/{uuid.uuid4().hex[:12]}:v1"


def test_an_image_travels_as_a_file_and_a_second_time_nothing_does(run, engine, make_image, name, tmp_path):
    made = make_image(name)
    first = run(image_archive, path=str(tmp_path), images=[name])
    assert (first["changed"], first["images"][name]["id"]) == (True, made)
    assert not run(image_archive, path=str(tmp_path), images=[name])["changed"]
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path, check=True, capture_output=True)
    forget(engine, name)
    known = run(image_archive, path=str(tmp_path), images=[name], state="read")["images"]
    wanted = {"images": [name], "known": known, "archives": str(tmp_path)}
    check = run(host_images, check_mode=True, **wanted)
    assert (check["changed"], check["missing"], has(engine, name)) == (True, [name], False)
    assert run(host_images, **wanted)["brought"] == [name]
    assert engine.images.get(name).id == made
    assert not run(host_images, **wanted)["changed"]


def test_another_image_of_the_same_name_is_replaced_by_the_one_that_is_meant(run, engine, make_image, name, tmp_path):
    meant = make_image(name)
    known = run(image_archive, path=str(tmp_path), images=[name])["images"]
    other = make_image(name)
    assert run(host_images, images=[name], known=known, required=False)["missing"] == [name]
    run(host_images, images=[name], known=known, archives=str(tmp_path))
    assert engine.images.get(name).id == meant
    engine.images.remove(other)


@pytest.fixture
def strict_umask():
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_whoever_runs_ansible_can_read_what_root_saved(run, make_image, name, tmp_path, strict_umask):
    make_image(name)
    folder = tmp_path / "cache" / "waba-images"
    run(image_archive, path=str(folder), images=[name])
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)} == {0o755}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_takes_no_folder_of_a_users_home_for_itself(run, make_image, name, tmp_path):
    make_image(name)
    user = 4711
    os.chown(tmp_path, user, user)
    given = tmp_path / "given"
    given.mkdir(mode=0o700)
    for folder in (tmp_path / "cache" / "waba-images", given):
        run(image_archive, path=str(folder), images=[name])
    assert {path.stat().st_uid for path in (tmp_path / "cache", tmp_path / "cache" / "waba-images")} == {user}
    assert (given.stat().st_uid, stat.S_IMODE(given.stat().st_mode)) == (0, 0o700), "what is there is left as it is"


def test_a_folder_that_cannot_be_made_is_said_by_name(run, make_image, name, tmp_path):
    make_image(name)
    (tmp_path / "file").touch()
    answer = run(image_archive, path=str(tmp_path / "file" / "images"), images=[name])
    assert "file/images: Not a directory" in answer["msg"]


def test_an_interrupted_copy_leaves_no_image_and_says_so(run, engine, make_image, name, tmp_path):
    make_image(name)
    known = run(image_archive, path=str(tmp_path), images=[name])["images"]
    forget(engine, name)
    os.truncate(tmp_path / known[name]["file"], 1000)
    answer = run(host_images, images=[name], known=known, archives=str(tmp_path))
    assert "did not arrive as it was saved" in answer["msg"]
    assert not has(engine, name)
    assert "or not all of it" in run(image_archive, path=str(tmp_path), images=[name], state="read")["msg"]


def test_an_archive_that_is_not_there_is_said_by_name(run, name, tmp_path):
    answer = run(image_archive, path=str(tmp_path / "nowhere"), images=[name], state="read")
    assert "There is no archive of images" in answer["msg"]
    assert "waba.cluster.images" in answer["msg"]


def test_what_nobody_brings_is_refused_by_name(run, engine, name):
    answer = run(host_images, images=[name])
    assert answer["failed"]
    assert f"This host lacks {name}" in answer["msg"]


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A real registry with one account, on this machine alone."""
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
        # ansible-test forks for a test, and what the fork has set up is never torn down: so it ends with it.
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


def answers(address):
    try:
        urllib.request.urlopen(f"http://{address}/v2/", timeout=1)
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False
    return False


@pytest.fixture
def offered(registry, engine, make_image):
    """The name of an image that the registry has and this engine has not."""
    name = f"{registry}/waba/node:v{uuid.uuid4().hex[:8]}"
    make_image(name)
    pushed = engine.api.push(name, auth_config={"username": "deploy", "password": PASSWORD})
    assert "error" not in pushed, pushed
    forget(engine, name)
    return name


def test_a_registry_is_asked_only_when_told_so(run, engine, offered):
    account = {"username": "deploy", "password": PASSWORD}
    assert run(host_images, images=[offered], **account)["failed"]
    assert not has(engine, offered)
    assert run(host_images, images=[offered], pull=True, **account)["brought"] == [offered]
    assert has(engine, offered)
    assert not run(host_images, images=[offered], pull=True, **account)["changed"]


def test_a_wrong_login_is_said_without_the_password_and_nothing_is_kept_of_a_right_one(
    run, engine, offered, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    answer = run(host_images, images=[offered], pull=True, username="deploy", password="another-secret")
    assert answer["failed"]
    assert "another-secret" not in str(answer["msg"])
    assert run(host_images, images=[offered], pull=True, username="deploy", password=PASSWORD)["changed"]
    assert list(tmp_path.rglob("*")) == []
