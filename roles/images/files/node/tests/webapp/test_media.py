"""Media with real processes: upload and download at any webapp, and failures of disks and clients."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from api_support import Client, Cluster, error_of, wait_until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from message_support import message
from test_envelope import connection
from test_messages import answers_to, deliver_to
from tests.media_support import files, small_disk

if TYPE_CHECKING:
    from tests.conftest import Receiver

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
MIB = 1 << 20
TYPES = {"Content-Type": "application/pdf"}

__all__ = ["deliver_to"]


def upload(client: Client, content: object, content_type: str = "application/pdf", **options: Any) -> requests.Response:
    return client.call("POST", "/v1/media", data=content, headers={"Content-Type": content_type}, **options)


def uploaded(client: Client, content: bytes, content_type: str = "application/pdf") -> str:
    answer = upload(client, content, content_type)
    assert answer.status_code == 200, answer.text
    (entry,) = answer.json()["media"]
    return entry["id"]


def get(client: Client, name: str) -> requests.Response:
    return client.call("GET", f"/v1/media/{name}")


@pytest.mark.parametrize("size", [1, 100, 3 * MIB + 5])
def test_every_webapp_serves_an_uploaded_file(admin: Client, second_webapp: Client, size: int) -> None:
    content = os.urandom(size)
    name = uploaded(admin, content, "Audio/AAC; codecs=x")
    there = second_webapp.as_caller(admin.session.headers["Authorization"])
    answer = get(there, name)
    assert answer.content == content
    assert answer.headers["Content-Type"] == "audio/aac"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert there.call("DELETE", f"/v1/media/{name}").status_code == 200
    assert error_of(get(admin, name)) == (404, 1006)
    assert error_of(admin.call("DELETE", f"/v1/media/{name}")) == (404, 1006)


def test_deleted_file_is_removed_from_the_folder(admin: Client, cluster: Cluster) -> None:
    name = uploaded(admin, b"x")
    assert f"outgoing/{name}" in files(cluster.folder / "media")
    admin.call("DELETE", f"/v1/media/{name}")
    assert not [file for file in files(cluster.folder / "media") if name in file]


def test_chunked_upload_is_accepted(admin: Client) -> None:
    answer = upload(admin, iter([b"one", b"two"]))
    assert get(admin, answer.json()["media"][0]["id"]).content == b"onetwo"


@pytest.fixture
def nothing_is_left(cluster: Cluster) -> Iterator[None]:
    before = files(cluster.folder / "media")
    yield
    wait_until(lambda: files(cluster.folder / "media") == before)


@pytest.mark.usefixtures("nothing_is_left")
@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"", TYPES, 400, 1009),
        (b"x", {}, 400, 1008),
        (b"x", {"Content-Type": "nonsense"}, 400, 1009),
        (b"x", {"Content-Type": "image/" + "x" * 200}, 400, 1009),
        (b"x", {"Content-Type": "multipart/form-data; boundary=x"}, 400, 1009),
        (b"x", {"Content-Type": "application/x-www-form-urlencoded"}, 400, 1009),
        (b"GIF89a" + bytes(50), {"Content-Type": "image/png"}, 400, 1009),
        (PNG[:5], {"Content-Type": "image/png"}, 400, 1009),
        (b"x" * 50, {**TYPES, "Content-Encoding": "gzip"}, 400, 1025),
    ],
)
def test_invalid_upload_is_refused(admin: Client, content: bytes, headers: dict, status: int, code: int) -> None:
    assert error_of(admin.call("POST", "/v1/media", data=content, headers=headers)) == (status, code)


@pytest.mark.usefixtures("nothing_is_left")
def test_announced_size_above_the_limit_is_refused_before_the_body(admin: Client) -> None:
    with connection(admin) as stream:
        stream.sendall(head(admin, f"Content-Length: {100 * MIB + 1}"))
        assert b" 413 " in stream.recv(1000)


@pytest.mark.usefixtures("nothing_is_left")
def test_chunked_upload_above_the_limit_is_refused(admin: Client) -> None:
    chunk = bytes(MIB)
    piece = b"%x\r\n%b\r\n" % (len(chunk), chunk)
    with connection(admin) as stream:
        stream.settimeout(60)
        stream.sendall(head(admin, "Transfer-Encoding: chunked"))
        for _rest in range(101):
            stream.sendall(piece)
        assert b" 413 " in stream.recv(1000)


@pytest.mark.usefixtures("nothing_is_left")
def test_aborted_upload_leaves_no_file(admin: Client, cluster: Cluster) -> None:
    with connection(admin) as stream:
        stream.sendall(head(admin, f"Content-Length: {10 * MIB}") + bytes(MIB))
        wait_until(lambda: any(name.endswith(".part") for name in files(cluster.folder / "media")))


def head(client: Client, *lines: str) -> bytes:
    place, authorization = urlsplit(client.url), client.session.headers["Authorization"]
    head_lines = [
        "POST /v1/media HTTP/1.1",
        f"Host: {place.netloc}",
        f"Authorization: {authorization}",
        "Content-Type: video/mp4",
        *lines,
    ]
    return "\r\n".join([*head_lines, "", ""]).encode()


@pytest.mark.usefixtures("nothing_is_left")
def test_media_require_a_login(anonymous: Client) -> None:
    assert error_of(upload(anonymous, b"x")) == (401, 1005)
    assert error_of(get(anonymous, "x")) == (401, 1005)


@pytest.mark.parametrize("name", ["x", "..%2f..%2fetc%2fpasswd", "%00", "x" * 300, "%F0%9F%98%80"])
def test_unknown_media_id_is_404(admin: Client, name: str) -> None:
    assert error_of(get(admin, name)) == (404, 1006)
    assert error_of(admin.call("DELETE", f"/v1/media/{name}")) == (404, 1006)


def test_missing_file_is_404(admin: Client, cluster: Cluster) -> None:
    name = uploaded(admin, b"x")
    (cluster.folder / "media" / "outgoing" / name).unlink()
    assert error_of(get(admin, name)) == (404, 1006)
    assert admin.call("DELETE", f"/v1/media/{name}").status_code == 200


@pytest.fixture(scope="module")
def small(cluster: Cluster, admin: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Path]]:
    """A webapp with a disk of 4 MiB."""
    with small_disk(tmp_path_factory.mktemp("small") / "media", "4m") as disk:
        cluster.environment["WABA_MEDIA"] = str(disk)
        try:
            cluster.start_webapp("small")
        finally:
            cluster.environment["WABA_MEDIA"] = str(cluster.folder / "media")
        certificate = cluster.folder / "small" / "web.pem"
        wait_until(certificate.exists)
        client = Client(cluster.urls[-1], certificate, admin.session.headers["Authorization"])
        wait_until(lambda: answers(client))
        yield client, disk
        cluster.stop_webapp("small")


def answers(client: Client) -> bool:
    try:
        return client.login("wrong").status_code == 401
    except requests.ConnectionError:
        return False


def test_full_disk_is_507_and_a_later_upload_succeeds(small: tuple[Client, Path]) -> None:
    client, disk = small
    for content in (bytes(8 * MIB), iter([bytes(MIB)] * 8)):
        assert error_of(upload(client, content)) == (507, 1014)
        assert files(disk) == []
    name = uploaded(client, bytes(MIB))
    assert len(get(client, name).content) == MIB
    client.call("DELETE", f"/v1/media/{name}")


def test_missing_media_folder_is_503(small: tuple[Client, Path]) -> None:
    client, disk = small
    name = uploaded(client, b"x")
    subprocess.run(["umount", "--lazy", disk], check=True)
    disk.rmdir()
    assert error_of(upload(client, b"x")) == (503, 1014)
    assert error_of(get(client, name)) == (404, 1006)
    assert client.call("GET", "/").status_code == 200
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=True)
    uploaded(client, b"x")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=64), st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40))
def test_no_upload_causes_a_server_error(admin: Client, content: bytes, content_type: str) -> None:
    answer = upload(admin, content, content_type)
    assert answer.status_code < 500
    if answer.status_code == 200:
        assert get(admin, answer.json()["media"][0]["id"]).content == content


def test_uploaded_file_is_sent_and_received_file_is_downloaded(
    admin: Client, second_webapp: Client, deliver_to: Any, receiver: Receiver
) -> None:
    deliver_to(receiver.url)
    picture = {"id": uploaded(admin, PNG, "image/png"), "caption": "me"}
    sent = admin.call("POST", "/v1/messages", message("image", picture, biz_opaque_callback_data="loopback:answer"))
    name = sent.json()["messages"][0]["id"]
    receiver.wait(lambda: answers_to(receiver, name))
    (answer,) = answers_to(receiver, name)
    assert set(answer["image"]) == {"id", "mime_type", "sha256", "caption"}
    there = second_webapp.as_caller(admin.session.headers["Authorization"])
    fetched = get(there, answer["image"]["id"])
    assert fetched.headers["Content-Type"] == answer["image"]["mime_type"] == "image/png"
    assert hashlib.sha256(fetched.content).hexdigest() == answer["image"]["sha256"]
    assert get(admin, answer["image"]["id"]).content == fetched.content


@pytest.mark.parametrize(
    ("kind", "content_type", "code"),
    [("audio", "image/png", 1009), ("image", "image/png", None), ("document", "x/y", None)],
)
def test_file_is_sent_only_as_a_kind_that_allows_its_type(
    admin: Client, kind: str, content_type: str, code: int | None
) -> None:
    name = uploaded(admin, PNG, content_type)
    answer = admin.call("POST", "/v1/messages", message(kind, {"id": name}))
    if code is None:
        assert answer.status_code == 200
    else:
        assert error_of(answer) == (400, code)
