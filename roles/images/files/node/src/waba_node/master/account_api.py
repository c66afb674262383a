"""RPC methods of the primary master for profile and PIN, where the upstream stores them.

One node makes the calls, so that they do not overtake each other, and no webapp needs a way out to the upstream
(docs/adr/0028-cloud-webhooks-and-account.md).
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ..rpc import Payload, RpcError
from ..store import documents
from ..upstream.account import Photo, UpstreamAccount
from ..upstream.base import Refused, UpstreamError

if TYPE_CHECKING:
    from .process import Master


def register(master: Master) -> None:
    """Answer the methods, if the upstream has an account."""
    if master.upstream.account is not None:
        api = AccountApi(master.upstream.account)
        master.add_leader_method("account.read", api.read)
        master.add_leader_method("account.change", api.change)


class AccountApi:
    """Reads and changes what other upstreams leave to the documents of the database, under the same names and with the same content."""

    def __init__(self, account: UpstreamAccount) -> None:
        self.account = account
        self.readers: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
            documents.BUSINESS_PROFILE: account.read_profile,
            documents.COMPLIANCE: account.read_compliance,
            documents.ABOUT: self._read_about,
            documents.PHOTO: self._read_photo,
        }
        self.writers: dict[str, Callable[[dict[str, Any]], Awaitable[None]]] = {
            documents.BUSINESS_PROFILE: account.change_profile,
            documents.COMPLIANCE: account.set_compliance,
            documents.ABOUT: lambda content: account.set_about(content["text"]),
            documents.PHOTO: self._set_photo,
            documents.TWO_STEP: lambda content: account.set_pin(content["pin"]),
        }
        self.removers: dict[str, Callable[[], Awaitable[None]]] = {
            documents.PHOTO: account.remove_photo,
            documents.TWO_STEP: account.remove_pin,
        }

    async def read(self, payload: Payload) -> Payload:
        """Return the `content` of a document; with `link`, only the address of the photo. Raises RpcError."""
        if payload.get("link"):
            link = await answered(self.account.read_photo_link())
            return {"content": {"link": link} if link else {}}
        return {"content": await answered(self.readers[payload["document"]]())}

    async def change(self, payload: Payload) -> Payload:
        """Set the content of a document, or with an empty one remove it. Raises RpcError."""
        name, content = payload["document"], payload.get("set", {})
        await answered(self.writers[name](content) if content else self.removers[name]())
        return {}

    async def _read_about(self) -> dict[str, Any]:
        return {"text": await self.account.read_about()}

    async def _read_photo(self) -> dict[str, Any]:
        photo = await self.account.read_photo()
        if photo is None:
            return {}
        return {"type": photo.content_type, "data": base64.b64encode(photo.content).decode()}

    async def _set_photo(self, content: dict[str, Any]) -> None:
        await self.account.set_photo(Photo(content["type"], base64.b64decode(content["data"])))


def refusal(error: Refused) -> RpcError:
    """Return the refusal of a call that the upstream refused."""
    first = error.errors[0]
    return RpcError(first["code"], first["title"], first.get("details", ""))


async def answered(call: Awaitable[Any]) -> Any:
    """Return the result of a call of the upstream. Raises RpcError instead of its errors."""
    try:
        return await call
    except Refused as error:
        raise refusal(error) from error
    except UpstreamError as error:
        raise RpcError(1011, "Service not ready", str(error)) from error  # 1014 means that this node does not answer
