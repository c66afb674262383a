"""Media of inbound messages: they get an id at once, are fetched on request, verified, and stored completely or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from claiming_support import ScriptedUpstream
from messaging_support import DirectedSession, until, webhooks
from tests.media_support import files
from waba_node.control.ownership import Grant
from waba_node.coreapp.attachments import Attachments, assign_media_ids
from waba_node.coreapp.claiming import Claiming
from waba_node.coreapp.connection import Connection, Environment
from waba_node.rpc import RpcError
from waba_node.settings import ApplicationSettings
from waba_node.store import media
from waba_node.store.engine import Database
from waba_node.store.media_folder import MediaFolder
from waba_node.upstream.base import UpstreamError, UpstreamEvent

CONTENT = b"a picture"


class SessionWithFiles(DirectedSession):
    """The other end has one file, `there`."""

    downloads = 0

    async def download(self, reference: str) -> AsyncIterator[bytes]:
        self.downloads += 1
        yield CONTENT[:3]
        if reference != "there":
            raise UpstreamError("the file was deleted")
        yield CONTENT[3:]


def incoming(reference: str = "there", content: bytes = CONTENT, name: str = "ABGGone") -> UpstreamEvent:
    digest = hashlib.sha256(content).hexdigest()
    image = {"reference": reference, "mime_type": "image/png", "sha256": digest, "caption": "me"}
    message = {"from": "49151", "id": name, "timestamp": "1", "type": "image", "image": image}
    return UpstreamEvent(name, "inbound", 1, {"messages": [message]})


def test_a_file_has_the_same_id_each_time_and_its_event_is_not_changed() -> None:
    event = incoming()
    (result,), ((kind, entry),) = assign_media_ids([event])
    assert kind == "image"
    assert result.payload["messages"][0]["image"] == {
        "id": entry.media_id,
        "mime_type": "image/png",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "caption": "me",
    }
    assert (entry.sender, entry.reference, entry.file) == ("49151", "there", None)
    assert assign_media_ids([event]) == ([result], [(kind, entry)])


def test_events_without_files_are_not_changed() -> None:
    events = [
        UpstreamEvent("x", "sent", 1),
        UpstreamEvent(
            "y", "inbound", 1, {"messages": [{"from": "1", "id": "y", "type": "text", "text": {"body": "x"}}]}
        ),
        UpstreamEvent("z", "inbound", 1, {"errors": [{"code": 1}]}),
    ]
    assert assign_media_ids(events) == (events, [])


@pytest.fixture
def session() -> SessionWithFiles:
    return SessionWithFiles()


@pytest.fixture
def attachments(database: Database, tmp_path: Path, session: SessionWithFiles) -> Attachments:
    return Attachments(database, MediaFolder(str(tmp_path)), lambda _bucket: session)


async def known(database: Database, event: UpstreamEvent) -> media.StoredMedia:
    _events, ((_kind, entry),) = assign_media_ids([event])
    async with database.begin() as connection:
        await media.store_media(connection, [entry])
        return await media.read_media(connection, entry.media_id)


async def test_concurrent_requests_share_one_download(
    database: Database, attachments: Attachments, session: SessionWithFiles, tmp_path: Path
) -> None:
    entry = await known(database, incoming())
    wanted = {"bucket": 0, "media_id": entry.media_id}
    await asyncio.gather(*(attachments.fetch(wanted) for _rest in range(5)))
    await attachments.fetch(wanted)
    assert session.downloads == 1
    assert files(tmp_path) == [f"shared/{entry.media_id}"]
    async with database.begin() as connection:
        stored = await media.read_media(connection, entry.media_id)
    assert (stored.file, stored.size) == (f"shared/{entry.media_id}", len(CONTENT))


@pytest.mark.parametrize(
    ("event", "reason"),
    [(incoming("gone"), "the file was deleted"), (incoming(content=b"another"), "is not the one of the message")],
)
async def test_a_failed_download_leaves_no_file(
    database: Database, attachments: Attachments, tmp_path: Path, event: UpstreamEvent, reason: str
) -> None:
    entry = await known(database, event)
    with pytest.raises(RpcError, match=reason):
        await attachments.fetch({"bucket": 0, "media_id": entry.media_id})
    assert files(tmp_path) == []
    async with database.begin() as connection:
        assert (await media.read_media(connection, entry.media_id)).file is None


@pytest.mark.parametrize("auto_download", [[], ["image"]])
async def test_auto_download_fetches_the_configured_kinds(
    database: Database,
    attachments: Attachments,
    session: SessionWithFiles,
    tmp_path: Path,
    tasks: asyncio.TaskGroup,
    auto_download: list[str],
) -> None:
    settings = msgspec.convert({"media": {"auto_download": auto_download}}, ApplicationSettings)
    environment = Environment(database, lambda: settings, tasks, fetch_media=attachments.fetch_later)
    connection = Connection(Grant(0, 1), session, environment, lambda: True)
    connection.start()
    for _twice in range(2):
        session.queue.put_nowait(incoming())

    async def reported() -> bool:
        return len(await webhooks(database)) == 1

    await until(reported)
    ((image,),) = [json.loads(hook.payload)["messages"] for hook in await webhooks(database)]
    if auto_download:
        await until(lambda: files(tmp_path) == [f"shared/{image['image']['id']}"])
    await asyncio.gather(*attachments.downloads.values())
    assert bool(files(tmp_path)) == bool(auto_download)
    await connection.close(drain=False, timeout=5)


async def test_files_that_were_not_fetched_are_fetched_when_a_cloud_connection_begins(
    database: Database, attachments: Attachments, tmp_path: Path, tasks: asyncio.TaskGroup
) -> None:
    entry = await known(database, incoming())
    fetched = await known(database, incoming(name="ABGGtwo"))
    await attachments.fetch({"bucket": 0, "media_id": fetched.media_id})
    upstream = ScriptedUpstream()
    environment = Environment(
        database,
        ApplicationSettings,
        tasks,
        fetch_media=attachments.fetch_later,
        claiming=Claiming(upstream, "c1", "c1"),
    )
    connection = Connection(Grant(0, 1), await upstream.connect(0, 1), environment, lambda: True)
    connection.start()
    names = sorted(f"shared/{one.media_id}" for one in (entry, fetched))
    await until(lambda: sorted(files(tmp_path)) == names)
    await connection.close(drain=False, timeout=5)


async def test_missing_files_are_those_of_the_shard_that_the_upstream_still_stores(database: Database) -> None:
    entry = await known(database, incoming())
    async with database.begin() as connection:
        assert await media.read_unfetched(connection, 3600, 10) == [(entry.media_id, "49151")]
        await connection.execute(sa.update(media.media).values(used_at=sa.text("UTC_TIMESTAMP(6) - INTERVAL 8 DAY")))
        assert await media.read_unfetched(connection, 7 * 24 * 3600, 10) == []
