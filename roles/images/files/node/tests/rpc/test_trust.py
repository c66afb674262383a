"""Signatures of calls and answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waba_node.rpc import trust as module
from waba_node.rpc.trust import FRESH, ClusterTime, NotTrusted, Trust

CALLER, CALLED = "host1:webapp", "host2:coreapp"
METHOD, BODY = "messages.accept", b'{"shard":0}'


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def node(
    node_id: str, clock: Clock, secret: str = "secret", database_time: float = 1_700_000_000.0, second_secret: str = ""
) -> Trust:
    time = ClusterTime(clock)
    time.synchronize(clock.now, clock.now, database_time)
    return Trust(node_id, secret, time, second_secret)


def refusal(called: Trust, signature: str, method: str = METHOD, body: bytes = BODY) -> str:
    with pytest.raises(NotTrusted) as error:
        called.verify(signature, method, body)
    return str(error.value)


def test_a_call_of_the_cluster_and_its_answer_are_trusted(clock: Clock) -> None:
    caller, called = node(CALLER, clock), node(CALLED, clock)
    signature = caller.sign(CALLED, METHOD, BODY)
    called.admit(signature)
    secret = called.verify(signature, METHOD, BODY)
    caller.verify_answer(signature, called.sign_answer(signature, b"{}", secret), b"{}")


@given(method=st.text(), body=st.binary(), other_method=st.text(), other_body=st.binary())
def test_a_signature_is_valid_for_its_method_and_body_only(
    method: Any, body: Any, other_method: Any, other_body: Any
) -> None:
    clock = Clock()
    signature = node(CALLER, clock).sign(CALLED, method, body)
    if (method, body) == (other_method, other_body):
        node(CALLED, clock).verify(signature, other_method, other_body)
    else:
        assert "not signed with the secret" in refusal(node(CALLED, clock), signature, other_method, other_body)


def test_a_replayed_call_is_refused(clock: Clock) -> None:
    called, signature = node(CALLED, clock), node(CALLER, clock).sign(CALLED, METHOD, BODY)
    called.verify(signature, METHOD, BODY)
    assert refusal(called, signature) == "the call is a replay"


@given(pauses=st.lists(st.floats(0.01, 3 * FRESH), max_size=30))
def test_a_replayed_call_is_refused_after_any_number_of_other_calls(pauses: list[int]) -> None:
    clock = Clock()
    caller, called = node(CALLER, clock), node(CALLED, clock)
    signatures = []
    for pause in pauses:
        clock.now += pause
        signatures.append(caller.sign(CALLED, METHOD, BODY))
        called.verify(signatures[-1], METHOD, BODY)
        for signature in signatures:
            refusal(called, signature)


def test_a_call_to_another_node_is_refused(clock: Clock) -> None:
    signature = node(CALLER, clock).sign("host3:coreapp", METHOD, BODY)
    assert refusal(node(CALLED, clock), signature).endswith("or was meant for another node")


def test_a_call_with_another_secret_is_refused(clock: Clock) -> None:
    signature = node(CALLER, clock, secret="another").sign(CALLED, METHOD, BODY)
    assert "not signed with the secret" in refusal(node(CALLED, clock), signature)


@pytest.mark.parametrize(
    "signature", ["", "x", "1700000000000", f"1-{'0' * 16}-{'0' * 63}", f"\u0661-{'0' * 16}-{'0' * 64}"]
)
def test_a_malformed_signature_is_refused_before_the_body_is_read(clock: Clock, signature: str) -> None:
    with pytest.raises(NotTrusted, match="the call is not signed"):
        node(CALLED, clock).admit(signature)


@pytest.mark.parametrize(("shift", "words"), [(-3600, "3600 s behind"), (FRESH + 1, "16 s ahead of")])
def test_a_stale_call_is_refused_before_the_body_is_read(clock: Clock, shift: float, words: str) -> None:
    signature = node(CALLER, clock, database_time=1_700_000_000.0 + shift).sign(CALLED, METHOD, BODY)
    with pytest.raises(NotTrusted, match=f"the time of the call is {words} the database's"):
        node(CALLED, clock).admit(signature)


def test_a_small_clock_difference_is_accepted(clock: Clock) -> None:
    caller, called = node(CALLER, clock, database_time=1_700_000_000.0 + FRESH - 1), node(CALLED, clock)
    called.verify(caller.sign(CALLED, METHOD, BODY), METHOD, BODY)


def test_a_replayed_call_is_refused_after_a_restart(clock: Clock) -> None:
    signature = node(CALLER, clock).sign(CALLED, METHOD, BODY)
    clock.now += 1
    restarted = node(CALLED, clock, database_time=1_700_000_001.0)
    assert refusal(restarted, signature) == "the call is older than this node's process"


def test_the_time_continues_by_the_nodes_own_clock_without_the_database(clock: Clock) -> None:
    caller, called = node(CALLER, clock), node(CALLED, clock)
    clock.now += 3600
    called.verify(caller.sign(CALLED, METHOD, BODY), METHOD, BODY)


def test_the_database_answered_in_the_middle_of_the_query(clock: Clock) -> None:
    time = ClusterTime(clock)
    time.synchronize(90.0, 92.0, 5000.0)
    assert time.now() == 5009.0


def test_nothing_is_signed_or_trusted_before_the_time_and_the_secret_are_known(clock: Clock) -> None:
    signature = node(CALLER, clock).sign(CALLED, METHOD, BODY)
    timeless = Trust(CALLED, "secret", ClusterTime(clock))
    for attempt in (lambda: timeless.sign(CALLER, METHOD, BODY), lambda: timeless.admit(signature)):
        with pytest.raises(NotTrusted, match="does not know the database's time yet"):
            attempt()
    without = node(CALLED, clock, secret="")
    for attempt in (lambda: without.sign(CALLER, METHOD, BODY), lambda: without.verify(signature, METHOD, BODY)):
        with pytest.raises(NotTrusted, match="does not know the secret of this cluster yet"):
            attempt()


def test_an_answer_is_valid_for_its_call_and_body_only(clock: Clock) -> None:
    caller, called = node(CALLER, clock), node(CALLED, clock)
    first, second = (caller.sign(CALLED, METHOD, BODY) for _call in range(2))
    answer = called.sign_answer(first, b'{"holds":true}', called.secret)
    for signature, given_answer, body in [
        (second, answer, b'{"holds":true}'),
        (first, answer, b"{}"),
        (first, "\u00e9", b""),
    ]:
        with pytest.raises(NotTrusted, match="the answer is not signed"):
            caller.verify_answer(signature, given_answer, body)


def test_signatures_of_calls_answers_and_fingerprints_differ(clock: Clock) -> None:
    caller = node(CALLER, clock)
    signature = caller.sign(CALLED, METHOD, BODY)
    digests = {
        signature.rpartition("-")[2],
        caller.sign_answer(signature, BODY, caller.secret),
        caller.fingerprint(signature),
    }
    assert len(digests) == 3


def test_fingerprints_are_equal_for_the_same_secret_only(clock: Clock) -> None:
    assert node(CALLER, clock).fingerprint("m1") == node(CALLED, clock).fingerprint("m1")
    assert node(CALLER, clock).fingerprint("m1") != node(CALLED, clock, secret="another").fingerprint("m1")


# The secrets of a node in each phase of a rotation: the one that signs, and the one that is accepted too.
PHASES = [("old", ""), ("old", "new"), ("new", "old"), ("new", "")]


@pytest.mark.parametrize("caller_phase", range(len(PHASES)))
@pytest.mark.parametrize("called_phase", range(len(PHASES)))
def test_nodes_in_the_same_or_neighbouring_phases_of_a_rotation_trust_each_other(
    clock: Clock, caller_phase: int, called_phase: int
) -> None:
    secret, second = PHASES[caller_phase]
    caller = node(CALLER, clock, secret=secret, second_secret=second)
    secret, second = PHASES[called_phase]
    called = node(CALLED, clock, secret=secret, second_secret=second)
    signature = caller.sign(CALLED, METHOD, BODY)
    if PHASES[caller_phase][0] not in PHASES[called_phase]:
        assert abs(caller_phase - called_phase) > 1
        assert "not signed with the secret" in refusal(called, signature)
        return
    answer = called.sign_answer(signature, b"{}", called.verify(signature, METHOD, BODY))
    caller.verify_answer(signature, answer, b"{}")
    if abs(caller_phase - called_phase) <= 1:
        assert caller.recognizes("m1", called.fingerprint("m1"))


def test_a_replay_is_refused_for_either_secret(clock: Clock) -> None:
    called = node(CALLED, clock, secret="new", second_secret="old")
    for secret in ("old", "new"):
        signature = node(CALLER, clock, secret=secret).sign(CALLED, METHOD, BODY)
        assert called.verify(signature, METHOD, BODY) == secret
        assert refusal(called, signature) == "the call is a replay"


def test_an_empty_second_secret_is_never_accepted(clock: Clock) -> None:
    called = node(CALLED, clock, secret="new")
    signature = node(CALLER, clock, secret="old", second_secret="new").sign(CALLED, METHOD, BODY)
    assert "not signed with the secret" in refusal(called, signature)
    assert not called.recognizes("m1", node(CALLER, clock, secret="old").fingerprint("m1"))


def test_the_nonce_cache_is_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_CACHE", 10)
    caller, called = node(CALLER, clock), node(CALLED, clock)
    for _call in range(100):
        called.verify(caller.sign(CALLED, METHOD, BODY), METHOD, BODY)
    assert len(called.nonces.recent) + len(called.nonces.former) <= 22
