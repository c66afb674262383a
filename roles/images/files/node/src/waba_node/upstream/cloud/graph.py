"""A client of Meta's Graph API: one method per call.

The Cloud API has no idempotency key, so the caller must know whether a request that failed can have had an effect:

CloudError   a complete answer came, and it is an error
NotWritten   not a byte of the request was written: it can be repeated
NoAnswer     the request was written, perhaps in part, and no complete answer came: it may have had its effect

A connection of the pool that the server has closed is found in two ways before the first byte is written: the event loop has seen the end, or
the socket is readable although no answer is due. Such a connection is discarded, and the request takes another one. If the server closes the
connection later, nothing distinguishes a request that it never read from one that it executed: that is NoAnswer.

The token goes to the host of the base URL and to Meta's own hosts only. It is in no log, exception or repr: exceptions of aiohttp, which can
contain the headers of the request, are neither the cause nor the context of those raised here.
"""

from __future__ import annotations

import contextvars
import select
import time
import warnings
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp
import msgspec
from aiohttp.payload import AsyncIterablePayload
from yarl import URL

from ...config import VERSION, CloudConfig

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ClientResponse
    from aiohttp.connector import Connection

CONNECT_TIMEOUT = 10.0  # seconds for the name, the connection and TLS
TIMEOUT = 30.0  # seconds for a call; Meta reckons with 0.35 for a message
FILE_TIMEOUT = 300.0  # seconds for a file of up to 100 MB
READ_TIMEOUT = 30.0  # seconds without a byte of a download
CONNECTIONS = 300  # more than the messages that are sent at the same time
KEEP_ALIVE = 10.0  # seconds without use; shorter than a server's own limit, so that the client is the side that closes
LARGEST_ANSWER = 4 << 20  # bytes of a JSON answer
LONGEST_ID = 255  # characters of the id of a file
LONGEST_RETRY = 3600.0  # seconds for which an answer can hold calls back
REDIRECTS = 5
ATTEMPTS = 5  # connections of the pool that the server has closed, in a row
USER_AGENT = f"waba-cluster/{VERSION}"  # downloads without a User-Agent fail
TOKEN_HOSTS = ("facebook.com", "fbsbx.com", "fbcdn.net")  # and their subdomains: the Graph API and its media
REDACTED = b"[token]"
EXTENSIONS = {  # of the types that Meta accepts (https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media)
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "application/pdf": "pdf",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "text/plain": "txt",
    "video/3gpp": "3gp",
    "video/mp4": "mp4",
}

# RuntimeError: the client is closed. AssertionError: a new connection ended before aiohttp used it.
FAILURES = (aiohttp.ClientError, OSError, TimeoutError, RuntimeError, ValueError, AssertionError)


class CloudError(Exception):
    """The API answered with an error.

    error: Meta's object (`code`, `message`, `error_data`, ...), None if the answer has none, as from a proxy.
    retry_after: seconds, where the answer names them.
    """

    def __init__(self, http_status: int, error: dict[str, Any] | None, retry_after: float | None = None) -> None:
        self.http_status, self.error, self.retry_after = http_status, error, retry_after
        text = f"HTTP {http_status}"
        if error is not None:
            data = error.get("error_data")
            details = data.get("details") if isinstance(data, dict) else None
            parts = (error.get("message"), details or error.get("error_user_msg"))
            text += f", code {error.get('code')}: " + ": ".join(str(part) for part in parts if part)
            text += f" (trace {self.trace_id})" if self.trace_id else ""
        super().__init__(text)

    @property
    def trace_id(self) -> str | None:
        """Return Meta's id of the request, for its support."""
        trace = self.error.get("fbtrace_id") if self.error else None
        return str(trace) if trace else None


class NotWritten(Exception):
    """Not a byte of the request was written."""


class NoAnswer(Exception):
    """The request was written, perhaps in part, and no complete answer came."""


@dataclass
class _Attempt:
    """How far one request came."""

    written: bool = False  # perhaps only in part


class _ClosedByServer(aiohttp.ClientConnectionError):
    """The connection from the pool cannot be used; nothing was written to it."""


_attempt: contextvars.ContextVar[_Attempt] = contextvars.ContextVar("_attempt")
_used: weakref.WeakSet[ResponseHandler] = weakref.WeakSet()  # connections that have carried a request


class _Request(aiohttp.ClientRequest):
    """A request that records when its writing begins, which it does not on a connection that the server has closed."""

    async def send(self, conn: Connection) -> ClientResponse:
        protocol = conn.protocol
        # A new TLS connection is readable without being closed: the server may have sent a session ticket.
        if protocol is None or (protocol in _used and _is_readable(conn)):
            raise _ClosedByServer("the server closed the connection")
        _used.add(protocol)
        attempt = _attempt.get()
        attempt.written = True
        try:
            return await super().send(conn)
        except aiohttp.ClientConnectionResetError as error:  # raised instead of the first write
            attempt.written = False
            raise _ClosedByServer("the connection is closed") from error


def _is_readable(conn: Connection) -> bool:
    """Return whether bytes or the end of the stream wait in the socket."""
    transport = conn.transport
    socket = transport.get_extra_info("socket") if transport is not None else None
    if socket is None or socket.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(socket.fileno(), select.POLLIN)
    return bool(poll.poll(0))


class _Content(AsyncIterablePayload):
    """The content of an upload. It stores the failure of its source, of which aiohttp would report only that there was one."""

    def __init__(self, content: AsyncIterator[bytes], content_type: str, file_name: str, size: int | None) -> None:
        self.failure: BaseException | None = None
        super().__init__(self._read(content), content_type=content_type, filename=file_name)
        self.set_content_disposition("form-data", name="file", filename=file_name)
        self._size = size

    async def _read(self, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            async for chunk in content:
                yield chunk
        except BaseException as error:
            self.failure = error
            raise


class GraphClient:
    """See the module. A client belongs to one event loop; it opens connections when it first needs them."""

    def __init__(
        self,
        *,
        base_url: str,
        version: str,
        phone_number_id: str,
        waba_id: str,
        token: str,
        proxy: str = "",
        timeout: float = TIMEOUT,
    ) -> None:
        """base_url: without the version. proxy: `http://host:port`, empty for none. timeout: seconds for a call without a file."""
        self.base, self.version = URL(base_url.rstrip("/")), version
        self.phone_number_id, self.waba_id = phone_number_id, waba_id
        self.timeout = timeout
        self._dated = ("", 0.0)  # the Date header of the last answer, and this machine's time when it came
        self._token, self._proxy = token, proxy or None
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def configured(cls, config: CloudConfig) -> GraphClient:
        """Return a client for the configured number."""
        return cls(
            base_url=config.base_url,
            version=config.version,
            phone_number_id=config.phone_number_id,
            waba_id=config.waba_id,
            token=config.token,
            proxy=config.proxy,
        )

    def __repr__(self) -> str:
        return f"<GraphClient {self.base.host} {self.version} {self.phone_number_id}>"

    @property
    def clock_offset(self) -> float | None:
        """Return the seconds by which the server's clock was ahead of this machine's in the last answer, None if that is not known."""
        date, received_at = self._dated
        try:
            return parsedate_to_datetime(date).timestamp() - received_at
        except ValueError:
            return None

    async def close(self) -> None:
        """Close every connection. A call under way ends with NotWritten or NoAnswer."""
        if self._session is not None:
            await self._session.close()

    # -- messages ------------------------------------------------------------------------------------------------------

    async def send(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Post a message; return the answer, which has its `wamid`. Raises CloudError, NotWritten, NoAnswer, as every call does."""
        return await self.post(f"{self.phone_number_id}/messages", body)

    async def mark_read(self, wamid: str) -> None:
        """Mark a received message, and those before it, as read."""
        await self.send({"messaging_product": "whatsapp", "status": "read", "message_id": wamid})

    async def number_info(self, fields: str) -> dict[str, Any]:
        """Return fields (comma-separated) of the phone number."""
        return await self.get(self.phone_number_id, {"fields": fields})

    # -- media ---------------------------------------------------------------------------------------------------------

    async def upload(
        self, file_name: str, content_type: str, content: AsyncIterator[bytes], size: int | None = None
    ) -> str:
        """Upload a file; return its id at Meta. Raises the error of `content` too.

        file_name: its extension must be that of the content type, because Meta otherwise fails the message later; empty for a name made of
        the type. size: bytes, if known; without it the request is sent in chunks.
        """
        file_name = file_name or f"file.{EXTENSIONS.get(content_type.partition(';')[0].strip().lower(), 'bin')}"
        payload = _Content(content, content_type, file_name, size)
        form = aiohttp.MultipartWriter("form-data")
        for name, value in (("messaging_product", "whatsapp"), ("type", content_type)):
            form.append(value).set_content_disposition("form-data", name=name)
        form.append_payload(payload)
        try:
            answer = await self._call("POST", f"{self.phone_number_id}/media", data=form, timeout=FILE_TIMEOUT)
        except (NotWritten, NoAnswer):
            if payload.failure is not None:
                raise payload.failure from None
            raise
        media_id = answer.get("id")
        if not isinstance(media_id, str) or not 0 < len(media_id) <= LONGEST_ID:
            raise NoAnswer("the answer to an upload has no usable id")
        return media_id

    async def media_info(self, media_id: str) -> dict[str, Any]:
        """Return `url` (for five minutes), `mime_type`, `sha256`, `file_size` and `id` of a file.

        The optional `phone_number_id` is left out: for files of users Meta refuses some numbers' own id
        (https://github.com/chatwoot/chatwoot/pull/13319).
        """
        return await self.get(quote(media_id, safe=""))

    async def download(self, url: str) -> AsyncGenerator[bytes]:
        """Yield the content behind a URL from `media_info` or a webhook. The caller bounds the size. Raises CloudError, NotWritten, NoAnswer."""
        timeout = aiohttp.ClientTimeout(FILE_TIMEOUT, sock_connect=CONNECT_TIMEOUT, sock_read=READ_TIMEOUT)
        attempt, failure = _Attempt(), None
        try:
            target = URL(url)
            for _hop in range(REDIRECTS + 1):
                if target.scheme not in ("http", "https") or not target.host:
                    raise NoAnswer("the file is redirected to an address that is not http or https")
                _attempt.set(attempt)
                async with self._open().get(
                    target, headers=self._headers(target), timeout=timeout, allow_redirects=False, proxy=self._proxy
                ) as response:
                    if response.status in (301, 302, 303, 307, 308) and "Location" in response.headers:
                        target = target.join(URL(response.headers["Location"]))
                        continue
                    if response.status != 200:
                        raise await self._error(response)
                    async for chunk in response.content.iter_any():
                        yield chunk
                    return
        except FAILURES as error:
            failure = _failure(error, attempt)
        raise failure or NoAnswer(f"the file is redirected more than {REDIRECTS} times")

    # -- account -------------------------------------------------------------------------------------------------------

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return a node or an edge. path: below the version, encoded, without a leading slash."""
        return await self._call("GET", path, params)

    async def post(
        self, path: str, body: Mapping[str, Any] | None = None, params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Post a JSON object, or nothing."""
        data = msgspec.json.encode(body) if body is not None else None
        return await self._call("POST", path, params, data, {"Content-Type": "application/json"} if data else None)

    async def delete(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Delete a node or an edge."""
        return await self._call("DELETE", path, params)

    async def upload_to_session(self, session_id: str, content: bytes) -> dict[str, Any]:
        """Post a whole file to a session of the Resumable Upload API; return the answer, which has its handle in `h`.

        session_id: `upload:...`, as `POST /<app id>/uploads` returned it.
        """
        headers = {"Authorization": f"OAuth {self._token}", "file_offset": "0"}
        return await self._call("POST", session_id, data=content, headers=headers, timeout=FILE_TIMEOUT)

    async def debug_token(self) -> dict[str, Any]:
        """Return what Meta knows about the token: `app_id`, `scopes`, `expires_at`, `is_valid`, ..."""
        answer = await self.get("debug_token", {"input_token": self._token})
        data = answer.get("data")
        return data if isinstance(data, dict) else {}

    # -- requests ------------------------------------------------------------------------------------------------------

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # aiohttp takes any proxy for an HTTPS one if the event loop is not asyncio's own.
            warnings.filterwarnings("ignore", "An HTTPS request is being sent through an HTTPS proxy", RuntimeWarning)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEP_ALIVE),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
                request_class=_Request,
            )
        return self._session

    def _headers(self, target: URL) -> dict[str, str]:
        """Return the Authorization header if the target may receive the token."""
        return {"Authorization": f"Bearer {self._token}"} if self._is_trusted(target) else {}

    def _is_trusted(self, target: URL) -> bool:
        host = target.host or ""
        if host == self.base.host:
            return target.scheme in ("https", self.base.scheme)
        return target.scheme == "https" and any(host == known or host.endswith(f".{known}") for known in TOKEN_HOSTS)

    async def _call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 0.0,
    ) -> dict[str, Any]:
        """Make a call, and return the object that it answers. timeout: seconds, 0 for that of the client."""
        target = URL(f"{self.base}/{self.version}/{path}", encoded=True)
        limits = aiohttp.ClientTimeout(total=timeout or self.timeout, sock_connect=CONNECT_TIMEOUT)
        attempts = 0
        failure: Exception | None = None
        while failure is None:
            attempts += 1
            attempt = _Attempt()
            _attempt.set(attempt)
            try:
                async with self._open().request(
                    method,
                    target,
                    params=params,
                    data=data,
                    headers={**self._headers(target), **(headers or {})},
                    timeout=limits,
                    allow_redirects=False,
                    proxy=self._proxy,
                ) as response:
                    self._dated = response.headers.get("Date", ""), time.time()
                    if response.status // 100 != 2:
                        raise await self._error(response)
                    return await self._answer(response)
            except FAILURES as error:
                if not isinstance(error, _ClosedByServer) or attempts == ATTEMPTS:
                    failure = _failure(error, attempt)
        raise failure  # outside of the handler, so that it has no cause

    async def _answer(self, response: aiohttp.ClientResponse) -> dict[str, Any]:
        """Return the object of a successful answer."""
        answer = _decode(await _read(response))
        if answer is None:
            raise NoAnswer(f"HTTP {response.status} without a JSON object")
        if isinstance(answer.get("error"), dict):  # as some gateways in front of the API answer
            raise CloudError(response.status, answer["error"])
        return answer

    async def _error(self, response: aiohttp.ClientResponse) -> CloudError:
        """Return the error of an answer. Meta quotes a malformed token in its message."""
        answer = _decode((await _read(response)).replace(self._token.encode(), REDACTED)) or {}
        error = answer.get("error")
        return CloudError(response.status, error if isinstance(error, dict) else None, _retry_after(response))


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body of a JSON answer."""
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > LARGEST_ANSWER:
            raise NoAnswer(f"the answer has more than {LARGEST_ANSWER} bytes")
    return bytes(content)


def _decode(content: bytes) -> dict[str, Any] | None:
    """Return the JSON object of an answer, None if it is none."""
    try:
        answer = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return answer if isinstance(answer, dict) else None


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Return the seconds after which a throttled call is worth repeating, None where the answer does not name them."""
    value = response.headers.get("Retry-After", "")
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_RETRY)
    try:
        usage = msgspec.json.decode(response.headers.get("X-Business-Use-Case-Usage", ""), type=dict[str, list[_Usage]])
    except msgspec.DecodeError:
        return None
    minutes = max((entry.estimated_time_to_regain_access for entries in usage.values() for entry in entries), default=0)
    return min(minutes * 60.0, LONGEST_RETRY) if minutes > 0 else None


class _Usage(msgspec.Struct):
    """An entry of X-Business-Use-Case-Usage."""

    estimated_time_to_regain_access: float = 0  # minutes


def _failure(error: BaseException, attempt: _Attempt) -> NotWritten | NoAnswer:
    """Return the exception for a failed request. Its text has neither the URL nor the headers, which can contain the token."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = f"the certificate of {error.host} is not valid: {error.certificate_error}"
    elif isinstance(error, aiohttp.ClientConnectorError):
        reason = f"no connection to {error.host}:{error.port}: {error.os_error.strerror or error.os_error}"
    elif isinstance(error, aiohttp.ClientHttpProxyError):
        reason = f"the proxy answers HTTP {error.status}"
    elif isinstance(error, aiohttp.ConnectionTimeoutError):
        reason = f"no connection within {CONNECT_TIMEOUT:.0f} s"
    elif isinstance(error, TimeoutError):
        reason = "no answer in time"
    elif isinstance(error, aiohttp.ServerDisconnectedError):
        reason = "the server closed the connection without an answer"
    elif isinstance(error, OSError) and error.strerror:
        reason = error.strerror
    else:
        reason = type(error).__name__
    return NoAnswer(reason) if attempt.written else NotWritten(reason)
