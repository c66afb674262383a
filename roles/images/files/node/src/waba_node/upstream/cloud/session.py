"""The connection of one shard to the Cloud API: it exists while the number can be used with the token."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any

from ...config import CloudConfig
from ...control.sharding import bucket_of
from ..base import (
    HandedOver,
    Library,
    NotSent,
    Refused,
    Scope,
    Uncertain,
    Unusable,
    UpstreamError,
    UpstreamEvent,
)
from .graph import CloudError, GraphClient, NoAnswer, NotWritten
from .links import LinkFailed, LinkFetcher, LinkRefused, provider_authorization
from .translation import number
from .translation.errors import TITLES, Untranslatable, Verdict, code_of, onprem_error, verdict
from .translation.messages import MediaReference, media_references, quoted_message, to_cloud
from .translation.webhooks import correlation_id

log = logging.getLogger(__name__)

PROBE_INTERVAL = 60.0  # seconds
PROBE_TIMEOUT = 10.0  # seconds
# Meta documents no list of a number's statuses. These say that it cannot send.
UNUSABLE_STATUSES = ("BANNED", "DELETED", "DISCONNECTED", "MIGRATED", "PENDING", "UNVERIFIED", "RESTRICTED")
WITHOUT_CLOUD_API = "NOT_APPLICABLE"  # the platform of a number that is not registered
UPLOAD_LIFE = 29 * 24 * 3600  # seconds for which an upload is used; Meta keeps it for 30 days
LINK_LIFE = 600  # seconds for which an upload from a link is used, as long as Meta itself would
UPLOADS = DOWNLOADS = 8  # at the same time, so that messages find a free connection
LINK_ATTEMPTS = 3
CONNECTION_PAUSE = 1.0  # seconds, if Meta cannot be reached
LONGEST_ID = 4096  # characters of the id of a message
LONGEST_WA_ID = 32  # characters of a WhatsApp ID that the database can store
LARGEST = {"image": 5 << 20, "audio": 16 << 20, "video": 16 << 20, "document": 100 << 20, "sticker": 500 << 10}  # bytes
DOWNLOAD_ERROR, MISSING, INTERNAL = 400, 1006, 1014  # on-premises codes
INVALID_PARAMETER = 100  # the Cloud API's code for, among others, the id of a file that does not exist (any more)

Media = dict[MediaReference, Mapping[str, str]]
Upload = tuple[str, str]  # source, id at Meta


async def probe(client: GraphClient) -> dict[str, Any]:
    """Return the fields of a number that can be used with the token. Raises Unusable if it cannot, UpstreamError if that is not known."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT):
            info = await client.number_info(number.FIELDS)
    except CloudError as error:
        if verdict(error.http_status, error.error) in (Verdict.UNUSABLE, Verdict.FINAL):
            raise Unusable(f"the number cannot be used: {error}") from error
        raise UpstreamError(f"the number cannot be probed: {error}") from error
    except (NotWritten, NoAnswer, TimeoutError) as error:
        raise UpstreamError(f"the Cloud API cannot be reached: {error or 'no answer in time'}") from error
    status = str(info.get("status", "")).upper()
    if status in UNUSABLE_STATUSES:
        raise Unusable(f"the number cannot be used: its status is {status}")
    if info.get("platform_type") == WITHOUT_CLOUD_API:
        raise Unusable("the number cannot be used: it is not registered with the Cloud API")
    return info


def error_of(code: int, details: str) -> dict[str, Any]:
    """Return an on-premises error."""
    return {"code": code, "title": TITLES[code], "details": details}


class CloudSession:
    """See the module."""

    def __init__(
        self,
        config: CloudConfig,
        client: GraphClient,
        library: Library,
        links: LinkFetcher,
        observe: Callable[[Mapping[str, Any]], None],
    ) -> None:
        """observe: called with the fields of the number after each probe."""
        self.config, self.client, self.library, self.links, self.observe = config, client, library, links, observe
        self.ended, self.closed, self.reason = asyncio.Event(), False, ""
        self.uploads: dict[str, asyncio.Task[tuple[str, str]]] = {}
        self.uploading, self.downloading = asyncio.Semaphore(UPLOADS), asyncio.Semaphore(DOWNLOADS)
        self.link_failures: dict[str, int] = {}  # message id -> attempts in a row whose link failed

    # -- the life of the session ---------------------------------------------------------------------------------------

    async def events(self) -> AsyncIterator[UpstreamEvent]:
        """Yield nothing, since Meta posts its updates to the webapps. Raises UpstreamError when the number cannot be used any more."""
        while not self.ended.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PROBE_INTERVAL):
                    await self.ended.wait()
            if not self.ended.is_set():
                await self.probe()
        if not self.closed:
            raise UpstreamError(self.reason)
        return
        yield  # an iterator needs one

    async def probe(self) -> None:
        """End the session if the number cannot be used any more."""
        try:
            self.observe(await probe(self.client))
        except Unusable as error:
            self.end(str(error))
        except UpstreamError as error:
            log.warning("%s", error)

    def end(self, reason: str) -> None:
        """End the session for a reason."""
        self.reason = self.reason or reason
        self.ended.set()

    async def disconnect(self) -> None:
        """Close every connection. A message under way is uncertain."""
        self.closed = True
        self.ended.set()
        for upload in self.uploads.values():
            upload.cancel()
        await self.client.close()

    def require_open(self) -> None:
        """Raise NotSent unless the session is open."""
        if self.ended.is_set():
            raise NotSent(self.reason or "the connection is closed")

    # -- messages ------------------------------------------------------------------------------------------------------

    async def send(self, message_id: str, payload: dict[str, Any]) -> HandedOver:
        """Post a message. Raises Refused, NotSent, Uncertain, Unusable."""
        body, reused = await self.prepare(message_id, payload)
        try:
            return handed_over(await self.post(body))
        except CloudError as error:
            if not reused or code_of(error.error) != INVALID_PARAMETER:
                raise self.outcome_of(error) from error
            log.warning("message %s: uploading its files again, which Meta may have deleted: %s", message_id, error)
        # Nothing was sent, so a second request is safe.
        body, _reused = await self.prepare(message_id, payload, stale=reused)
        try:
            return handed_over(await self.post(body))
        except CloudError as error:
            raise self.outcome_of(error) from error

    async def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Post a message; return the answer. Raises CloudError, NotSent, Uncertain."""
        self.require_open()
        try:
            answer = await self.client.send(body)
        except CloudError as error:
            self.count("messages", error)
            raise
        except NotWritten as error:
            self.count("messages", error)
            raise NotSent(f"Meta cannot be reached: {error}", Scope.NUMBER, CONNECTION_PAUSE) from error
        except NoAnswer as error:
            self.count("messages", error)
            raise Uncertain(str(error)) from error
        self.count("messages")
        return answer

    async def prepare(
        self, message_id: str, payload: dict[str, Any], stale: Collection[Upload] = ()
    ) -> tuple[dict[str, Any], set[Upload]]:
        """Return the body of a message, after its files were uploaded, and the earlier uploads that it refers to.

        Nothing is sent by that. stale: uploads that are not used any more. Raises Refused, NotSent, Unusable.
        """
        self.require_open()
        reused: set[Upload] = set()
        try:
            for source, upstream_id in stale:
                await self.library.forget_upload(source, upstream_id)
            media: Media = {}
            for reference in media_references(payload):
                media[reference] = await self.resolve(message_id, reference, reused)
            quoted = await self.find_quoted(payload)
        except (Refused, NotSent, Unusable):
            raise
        except Exception as error:  # of the database, the media folder or the network
            raise NotSent(f"the message cannot be prepared: {type(error).__name__}: {error}") from error
        self.link_failures.pop(message_id, None)
        try:
            callback_data = correlation_id(bucket_of(payload["to"]), message_id)
            return to_cloud(payload, callback_data=callback_data, media=media, quoted=quoted), reused
        except Untranslatable as error:
            raise Refused(error.errors) from error
        except Exception as error:  # would be the same in every attempt
            log.exception("message %s cannot be translated", message_id)
            raise Refused([error_of(INTERNAL, "the message cannot be translated for the Cloud API")]) from error

    def outcome_of(self, error: CloudError) -> UpstreamError:
        """Return what an error of the API means for a message or an upload."""
        found = verdict(error.http_status, error.error)
        if found is Verdict.UNUSABLE:
            self.end(f"the number cannot be used: {error}")
            return Unusable(str(error))
        if found is Verdict.FINAL:
            return Refused([onprem_error(error.error or {"message": str(error)})])
        if found is Verdict.UNCERTAIN:
            return Uncertain(str(error))
        scopes = {Verdict.NUMBER_THROTTLED: Scope.NUMBER, Verdict.RECIPIENT_THROTTLED: Scope.RECIPIENT}
        return NotSent(str(error), scopes.get(found, Scope.MESSAGE), error.retry_after)

    async def find_quoted(self, payload: dict[str, Any]) -> str | None:
        """Return the id at Meta of the message that a message replies to, None without one: the reply is then sent as a new message."""
        message_id = quoted_message(payload)
        if message_id is None:
            return None
        found = await self.library.find_upstream_id(message_id)
        return found or (message_id if message_id.startswith("wamid.") else None)

    # -- files ---------------------------------------------------------------------------------------------------------

    async def resolve(self, message_id: str, reference: MediaReference, reused: set[Upload]) -> Mapping[str, str]:
        """Return the id of a file at Meta, or its link where links are passed on. Raises Refused, NotSent, Unusable.

        reused: gets the upload if it is an earlier one.
        """
        if reference.media_id is not None:
            return await self.uploaded(f"media:{reference.media_id}", UPLOAD_LIFE, reference, reused)
        if reference.provider is None and self.config.pass_links:
            return {"link": str(reference.link)}
        digest = hashlib.sha256(f"{reference.provider or ''} {reference.link}".encode()).hexdigest()
        try:
            return await self.uploaded(f"link:{reference.kind}:{digest}", LINK_LIFE, reference, reused)
        except LinkRefused as error:
            raise Refused([error_of(DOWNLOAD_ERROR, str(error))]) from error
        except LinkFailed as error:
            failures = self.link_failures[message_id] = self.link_failures.get(message_id, 0) + 1
            if failures < LINK_ATTEMPTS:
                raise NotSent(str(error)) from error
            del self.link_failures[message_id]
            raise Refused([error_of(DOWNLOAD_ERROR, str(error))]) from error

    async def uploaded(
        self, source: str, seconds: int, reference: MediaReference, reused: set[Upload]
    ) -> Mapping[str, str]:
        """Return id and content type of a file, which is uploaded unless that was done. Concurrent calls for a file share one upload."""
        known = await self.library.find_upload(source, seconds)
        if known is not None:
            reused.add((source, known[0]))
        else:
            if source not in self.uploads:
                task = self.uploads[source] = asyncio.create_task(self.upload(source, reference))
                task.add_done_callback(lambda _done: self.uploads.pop(source, None))
            known = await asyncio.shield(self.uploads[source])
        return {"id": known[0], "mime_type": known[1]}

    async def upload(self, source: str, reference: MediaReference) -> tuple[str, str]:
        """Upload a file; return its id and content type."""
        async with self.uploading:
            if reference.media_id is not None:
                async with self.library.open_file(reference.media_id) as opened:
                    if opened is None:
                        raise Refused([error_of(MISSING, f"the media {reference.media_id} does not exist any more")])
                    uploaded = await self.post_file(opened.mime_type, opened.content, opened.size), opened.mime_type
            else:
                authorization = await self.authorization_of(reference)
                largest = LARGEST.get(reference.kind, LARGEST["document"])
                async with self.links.open(str(reference.link), largest=largest, authorization=authorization) as linked:
                    uploaded = (
                        await self.post_file(linked.content_type, linked.content, linked.size),
                        linked.content_type,
                    )
        await self.library.record_upload(source, *uploaded)
        return uploaded

    async def authorization_of(self, reference: MediaReference) -> str:
        """Return the Authorization header for a link, "" without a media provider."""
        if reference.provider is None:
            return ""
        provider = await self.library.find_provider(reference.provider)
        if provider is None:
            raise Refused([error_of(MISSING, f"the settings have no media provider {reference.provider} any more")])
        return provider_authorization(provider.get("config", {}))

    async def post_file(self, mime_type: str, content: AsyncIterator[bytes], size: int | None) -> str:
        """Upload content; return its id. A second upload after a lost answer does no harm."""
        try:
            media_id = await self.client.upload("", mime_type, content, size)
        except CloudError as error:
            self.count("media", error)
            outcome = self.outcome_of(error)
            raise NotSent(str(error)) if isinstance(outcome, Uncertain) else outcome from error
        except (NotWritten, NoAnswer) as error:
            self.count("media", error)
            raise NotSent(f"the file was not uploaded: {error}") from error
        self.count("media")
        self.library.count("media_uploads")
        return media_id

    async def download(self, reference: str) -> AsyncIterator[bytes]:
        """Yield the content of a received file. reference: its id at Meta."""
        try:
            async with self.downloading:
                info = await self.client.media_info(reference)
                async for chunk in self.client.download(str(info.get("url", ""))):
                    yield chunk
        except (CloudError, NotWritten, NoAnswer) as error:
            self.count("download", error)
            raise UpstreamError(f"the download of the file failed: {error}") from error
        self.count("download")
        self.library.count("media_downloads")

    # -- other calls ---------------------------------------------------------------------------------------------------

    async def mark_read(self, message_id: str) -> None:
        """Mark a received message as read, and all before it."""
        try:
            await self.client.mark_read(message_id)
        except (CloudError, NotWritten, NoAnswer) as error:
            self.count("mark_read", error)
            raise UpstreamError(str(error)) from error
        self.count("mark_read")

    async def check_contacts(self, numbers: list[str]) -> dict[str, str | None]:
        """Report every number as valid, as the vendor's client did since v2.43. The WhatsApp ID is the one that an answer has taught, if any."""
        known = await self.library.find_wa_ids(numbers)
        return {number: known.get(number) or number for number in numbers}

    async def identity(self, wa_id: str) -> str | None:
        """Return the hash of a user's identity in the user's last update: Meta cannot be asked for it."""
        return await self.library.find_identity(wa_id)

    def count(self, call: str, error: Exception | None = None) -> None:
        """Count a call, and the code of its error."""
        result = "success" if error is None else type(error).__name__
        self.library.count("upstream_calls", call=call, result=result)
        if isinstance(error, CloudError):
            code = code_of(error.error)
            self.library.count("upstream_errors", code=f"http_{error.http_status}" if code is None else str(code))


def handed_over(answer: Mapping[str, Any]) -> HandedOver:
    """Return the result of an answer to a message. Raises Uncertain if it has no usable id."""
    messages, contacts = answer.get("messages"), answer.get("contacts")
    first = messages[0] if isinstance(messages, list) and messages else None
    wamid = first.get("id") if isinstance(first, dict) else None
    if not isinstance(wamid, str) or not 0 < len(wamid) <= LONGEST_ID:
        raise Uncertain("the answer has no usable message id")
    contact = contacts[0] if isinstance(contacts, list) and contacts else None
    wa_id = contact.get("wa_id") if isinstance(contact, dict) else None
    return HandedOver(wamid, wa_id if isinstance(wa_id, str) and len(wa_id) <= LONGEST_WA_ID else None)
