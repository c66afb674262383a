from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from waba_node.messaging.routing import shard_of

recipients = st.from_regex(r"\A[0-9]{5,15}\Z")
shard_counts = st.sampled_from([1, 2, 4, 8, 16, 32])


@given(recipients, shard_counts)
def test_every_recipient_has_a_shard(recipient: str, shards: int) -> None:
    assert 0 <= shard_of(recipient, shards) < shards


@given(recipients, shard_counts)
def test_twice_the_shards_split_each_shard_in_two(recipient: str, shards: int) -> None:
    assert shard_of(recipient, 2 * shards) % shards == shard_of(recipient, shards)


def test_the_hash_never_changes() -> None:
    # What is stored belongs to these shards: another hash would tear conversations apart.
    assert [shard_of(str(491510000000 + n), 32) for n in range(8)] == [9, 24, 1, 22, 1, 16, 11, 30]


def test_recipients_spread_evenly() -> None:
    counts = [0] * 32
    for n in range(32_000):
        counts[shard_of(str(491510000000 + n), 32)] += 1
    assert 850 < min(counts) <= max(counts) < 1150
