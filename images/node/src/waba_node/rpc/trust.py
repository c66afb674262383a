"""What makes a call one of this cluster's: a signature that holds for one call, one node and a few seconds. No I/O, no clock of its own.

Both are ours; the vendor has WA_SECRET for the same end and wants the hosts' clocks in sync for it. Here the time is the database's, which
every node knows from its regular look at it; while the database is away a node goes on with its own clock from there.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable

FRESH = 15.0  # seconds that the time of a call may differ from that of the node it reaches: more than a call may take
LARGEST_MEMORY = 500_000  # calls; reached only when the database's clock was set back by minutes
FORM = re.compile(r"(\d{1,16})-([0-9a-f]{16})-([0-9a-f]{64})", re.ASCII)


class NotTrusted(Exception):
    """A call or an answer is not this cluster's, or cannot be told to be. The message says why."""


class ClusterTime:
    """The database's time as one node knows it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """clock: seconds by the node's own clock."""
        self.clock = clock
        self.ahead: float | None = None  # seconds by which the database's time is ahead of our clock
        self.since = float("inf")  # the database's time when we first heard of it

    def heard(self, sent_at: float, answered_at: float, seconds: float) -> None:
        """Take the database's answer, `seconds` since 1970, to a question sent and answered at moments of our clock."""
        if self.ahead is None:
            self.since = seconds
        self.ahead = seconds - (sent_at + answered_at) / 2

    def now(self) -> float:
        """Return the database's time, seconds since 1970. Raises NotTrusted while it is not known."""
        if self.ahead is None:
            raise NotTrusted("this node does not know the database's time yet")
        return self.clock() + self.ahead


class NonceCache:
    """Which calls have come, for as long as one could come again and still be fresh."""

    def __init__(self) -> None:
        self.recent: set[bytes] = set()
        self.former: set[bytes] = set()
        self.turned = 0.0

    def is_new(self, nonce: bytes, now: float) -> bool:
        """Return whether a call has not come before, and remember it."""
        if now - self.turned > 2 * FRESH or len(self.recent) > LARGEST_MEMORY:
            self.recent, self.former, self.turned = set(), self.recent, now
        if nonce in self.recent or nonce in self.former:
            return False
        self.recent.add(nonce)
        return True


class Trust:
    """One node's part: signs its calls and answers, tells those of others from a stranger's."""

    def __init__(self, node_id: str, secret: str, time: ClusterTime) -> None:
        """secret: "" while it is not known, in which case nothing is signed and nobody trusted."""
        self.node_id, self.time = node_id, time
        self.secret = secret
        self.nonces = NonceCache()

    def signed(self, target: str, method: str, body: bytes) -> str:
        """Return the signature of a call of a node's method. Raises NotTrusted while the secret or the time is not known."""
        moment, nonce = f"{self.time.now() * 1000:.0f}", secrets.token_hex(8)
        return f"{moment}-{nonce}-{self._digest('call', target, method, moment, nonce, body=body)}"

    def admit(self, signature: str) -> None:
        """Refuse at sight, before the body is read, what cannot be right. Raises NotTrusted."""
        self._fresh(self._parts(signature)[0])

    def check(self, signature: str, method: str, body: bytes) -> None:
        """Take a call of one of our methods, once. Raises NotTrusted unless it is the cluster's, for us, fresh, and new."""
        moment, nonce, given = self._parts(signature)
        if not hmac.compare_digest(self._digest("call", self.node_id, method, moment, nonce, body=body), given):
            raise NotTrusted("the call is not signed with the secret of this cluster, or was meant for another node")
        now = self._fresh(moment)
        if not self.nonces.is_new(bytes.fromhex(nonce), now):
            raise NotTrusted("the call has come before")

    def signed_answer(self, signature: str, body: bytes) -> str:
        """Return the signature of the answer to a call that was taken."""
        return self._digest("answer", signature, body=body)

    def check_answer(self, signature: str, given: str, body: bytes) -> None:
        """Raise NotTrusted unless an answer is the cluster's, to the call with that signature."""
        if not hmac.compare_digest(self.signed_answer(signature, body).encode(), given.encode(errors="replace")):
            raise NotTrusted("the answer is not signed with the secret of this cluster")

    def fingerprint(self, of: str) -> str:
        """Return what shows to a node with the same secret, and to no other, that both have the same. of: whose it is."""
        return self._digest("fingerprint", of)

    def _parts(self, signature: str) -> tuple[str, str, str]:
        parts = FORM.fullmatch(signature)
        if parts is None:
            raise NotTrusted("the call is not signed")
        return parts[1], parts[2], parts[3]

    def _fresh(self, moment: str) -> float:
        now, then = self.time.now(), int(moment) / 1000
        if abs(then - now) > FRESH:
            ahead = "ahead of" if then > now else "behind"
            raise NotTrusted(f"the time of the call is {abs(then - now):.0f} s {ahead} the database's")
        if then < self.time.since:  # our former process may have taken it, and took its memory along
            raise NotTrusted("the call is older than this node's process")
        return now

    def _digest(self, *fields: str, body: bytes = b"") -> str:
        if not self.secret:
            raise NotTrusted("this node does not know the secret of this cluster yet")
        return hmac.digest(self.secret.encode(), "\n".join((*fields, "")).encode() + body, "sha256").hex()
