"""Signatures of calls between nodes: each is valid for one call, one node and a few seconds. No I/O, no clock of its own.

The vendor uses WA_SECRET for the same purpose and requires synchronized hosts. Here the time is the database's, which every node reads
regularly; while the database is unreachable, a node continues with its own clock (docs/adr/0006-signed-rpc-between-nodes.md).
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable

FRESH = 15.0  # seconds by which a call's time may differ from the receiver's: more than the timeout of any call
LARGEST_CACHE = 500_000  # calls; reached only after the database's clock was set back by minutes
FORM = re.compile(r"(\d{1,16})-([0-9a-f]{16})-([0-9a-f]{64})", re.ASCII)


class NotTrusted(Exception):
    """A call or an answer is not this cluster's, or cannot be verified. The message says why."""


class ClusterTime:
    """The database's time as one node knows it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """clock: seconds by the node's own clock."""
        self.clock = clock
        self.ahead: float | None = None  # seconds by which the database's time is ahead of the node's clock
        self.since = float("inf")  # the database's time of the first synchronization

    def synchronize(self, sent_at: float, answered_at: float, seconds: float) -> None:
        """Record the database's time, `seconds` since 1970, that answered a query. sent_at, answered_at: by the node's clock."""
        if self.ahead is None:
            self.since = seconds
        self.ahead = seconds - (sent_at + answered_at) / 2

    def now(self) -> float:
        """Return the database's time, seconds since 1970. Raises NotTrusted before the first synchronization."""
        if self.ahead is None:
            raise NotTrusted("this node does not know the database's time yet")
        return self.clock() + self.ahead


class NonceCache:
    """The nonces of received calls, for as long as a replayed call would still be fresh."""

    def __init__(self) -> None:
        self.recent: set[bytes] = set()
        self.former: set[bytes] = set()
        self.rotated_at = 0.0

    def add(self, nonce: bytes, now: float) -> bool:
        """Store a nonce. Return False when it is stored already."""
        if now - self.rotated_at > 2 * FRESH or len(self.recent) > LARGEST_CACHE:
            self.recent, self.former, self.rotated_at = set(), self.recent, now
        if nonce in self.recent or nonce in self.former:
            return False
        self.recent.add(nonce)
        return True


class Trust:
    """One node's part: signs its calls and answers, and verifies those of others.

    A second secret is accepted, but signs no call, while the secret is rotated (docs/adr/0033-rotation-in-three-phases.md).
    """

    def __init__(self, node_id: str, secret: str, time: ClusterTime, second_secret: str = "") -> None:
        """secret: "" while it is unknown; then nothing can be signed or verified. second_secret: "" for none."""
        self.node_id, self.time = node_id, time
        self.secret, self.second_secret = secret, second_secret
        self.nonces = NonceCache()

    def sign(self, target: str, method: str, body: bytes) -> str:
        """Return the signature of a call of a node's method. Raises NotTrusted while the secret or the time is unknown."""
        moment, nonce = f"{self.time.now() * 1000:.0f}", secrets.token_hex(8)
        return f"{moment}-{nonce}-{self._digest(self.secret, 'call', target, method, moment, nonce, body=body)}"

    def admit(self, signature: str) -> None:
        """Refuse, before the body is read, a signature that cannot be valid. Raises NotTrusted."""
        self._check_freshness(self._parts(signature)[0])

    def verify(self, signature: str, method: str, body: bytes) -> str:
        """Return the secret that signed a call. Raises NotTrusted unless it is the cluster's, for this node and method, fresh, and no replay."""
        moment, nonce, digest = self._parts(signature)
        secret = self._signer(digest, "call", self.node_id, method, moment, nonce, body=body)
        if secret is None:
            raise NotTrusted("the call is not signed with the secret of this cluster, or was meant for another node")
        now = self._check_freshness(moment)
        if not self.nonces.add(bytes.fromhex(nonce), now):
            raise NotTrusted("the call is a replay")
        return secret

    def sign_answer(self, signature: str, body: bytes, secret: str) -> str:
        """Return the signature of the answer to a verified call. secret: from `verify`; the caller knows it."""
        return self._digest(secret, "answer", signature, body=body)

    def verify_answer(self, signature: str, answer_signature: str, body: bytes) -> None:
        """Raise NotTrusted unless an answer is the cluster's, to the call with `signature`."""
        if self._signer(answer_signature, "answer", signature, body=body) is None:
            raise NotTrusted("the answer is not signed with the secret of this cluster")

    def fingerprint(self, owner: str) -> str:
        """Return a digest that only nodes with the same secret can compute. owner: the node that publishes it."""
        return self._digest(self.secret, "fingerprint", owner)

    def recognizes(self, owner: str, fingerprint: str) -> bool:
        """Return whether `owner` computed a fingerprint with a secret that this node accepts. Raises NotTrusted while the secret is unknown."""
        return self._signer(fingerprint, "fingerprint", owner) is not None

    def _parts(self, signature: str) -> tuple[str, str, str]:
        parts = FORM.fullmatch(signature)
        if parts is None:
            raise NotTrusted("the call is not signed")
        return parts[1], parts[2], parts[3]

    def _check_freshness(self, moment: str) -> float:
        now, then = self.time.now(), int(moment) / 1000
        if abs(then - now) > FRESH:
            ahead = "ahead of" if then > now else "behind"
            raise NotTrusted(f"the time of the call is {abs(then - now):.0f} s {ahead} the database's")
        if then < self.time.since:  # an earlier process of this node may have received it, and its nonces are lost
            raise NotTrusted("the call is older than this node's process")
        return now

    def _signer(self, digest: str, *fields: str, body: bytes = b"") -> str | None:
        """Return the accepted secret with which a digest was made, None if there is none."""
        given = digest.encode(errors="replace")
        for secret in (self.secret, self.second_secret) if self.second_secret else (self.secret,):
            if hmac.compare_digest(self._digest(secret, *fields, body=body).encode(), given):
                return secret
        return None

    @staticmethod
    def _digest(secret: str, *fields: str, body: bytes = b"") -> str:
        if not secret:
            raise NotTrusted("this node does not know the secret of this cluster yet")
        return hmac.digest(secret.encode(), "\n".join((*fields, "")).encode() + body, "sha256").hex()
