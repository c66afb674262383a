"""Calls the methods of other nodes."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping

import aiohttp
import msgspec

from ..address import NodeAddress, PortName
from .protocol import INTERNAL_ERROR, LARGEST_BODY, SIGNATURE, Payload, RpcError
from .trust import NotTrusted, Trust

log = logging.getLogger(__name__)

# A call to an address without a host would otherwise wait for its whole timeout, and containers that are replaced together swap addresses.
CONNECT_TIMEOUT = 1.0  # seconds
DNS_CACHE = 1  # seconds
LONGEST_REASON = 200  # characters of a refusal that a stranger may have written


class RpcClient:
    """Calls other nodes over persistent connections."""

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        self.session: aiohttp.ClientSession | None = None
        self.refusals: dict[str, str] = {}  # node -> the reason that was logged last, so that it is logged once

    async def call(
        self, address: NodeAddress, port: PortName, method: str, payload: Mapping[str, object], timeout: float
    ) -> Payload:
        """Call a method of a node and return its answer.

        timeout: seconds for the whole call. Raises RpcError: the node's own, or 1014 without an answer that the cluster signed.
        """
        if self.session is None:
            connector = aiohttp.TCPConnector(limit=0, limit_per_host=64, ttl_dns_cache=DNS_CACHE)
            self.session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        body = msgspec.json.encode(payload)
        try:
            signature = self.trust.sign(address.node_id, method, body)
            async with self.session.post(
                f"http://{address.at(port)}/{method}",
                data=body,
                headers={SIGNATURE: signature},
                timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=CONNECT_TIMEOUT),
                allow_redirects=False,
            ) as response:
                content = await _read(response)
                self._verify(address, response, signature, content)
        except NotTrusted as error:
            self._log_once(address, str(error))
            raise RpcError(INTERNAL_ERROR, "Internal error", f"{address.at(port)}: {error}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
            raise RpcError(INTERNAL_ERROR, "Internal error", f"{address.at(port)} does not answer: {reason}") from error
        self.refusals.pop(address.node_id, None)
        answer: Payload = msgspec.json.decode(content)
        if "error" in answer:
            raise RpcError(**answer["error"])
        return answer

    async def close(self) -> None:
        """Close every connection."""
        if self.session is not None:
            await self.session.close()

    def _verify(self, address: NodeAddress, response: aiohttp.ClientResponse, signature: str, content: bytes) -> None:
        """Raise NotTrusted unless the answer is the node's. The error contains the refusal of a node that did not trust the call."""
        try:
            self.trust.verify_answer(signature, response.headers.get(SIGNATURE, ""), content)
        except NotTrusted:
            if not (reason := _details(content)):
                raise
            raise NotTrusted(f"{address.node_id} refuses the calls of this node: {reason}") from None

    def _log_once(self, address: NodeAddress, reason: str) -> None:
        if self.refusals.get(address.node_id) != reason:
            self.refusals[address.node_id] = reason
            log.warning("calling %s: %s", address.node_id, reason)


def _details(content: bytes) -> str:
    """Return the details of an unsigned refusal, "" where there are none."""
    with contextlib.suppress(msgspec.DecodeError, LookupError, TypeError):
        details = msgspec.json.decode(content)["error"]["details"]
        return "".join(character for character in details if character.isprintable())[:LONGEST_REASON]
    return ""


async def _read(response: aiohttp.ClientResponse) -> bytes:
    if response.content_length is None or response.content_length > LARGEST_BODY:
        raise NotTrusted("the answer announces no length, or one that is too large")
    return await response.read()
