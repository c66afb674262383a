"""Faults strike a real cluster while messages flow; afterwards every accepted message has arrived, and the account was never banned.

WABA_CHAOS_SECONDS makes a soak of it: faults at random for so long, from the seed WABA_CHAOS_SEED.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator

import pytest
from cluster import DEFAULT_UNHEALTHY, HEARTBEAT, UNHEALTHY, Cluster
from faults import ALL, SHORT, Fault
from traffic import Traffic
from waiting import wait_for

RECOVERY_LIMIT = 180  # seconds: the fence, the next promotion, what the database needs to come back, and a busy machine to start a container
ARRIVED = 60  # seconds
SECONDS = float(os.environ.get("WABA_CHAOS_SECONDS") or 0)
SEED = int(os.environ.get("WABA_CHAOS_SEED") or random.randrange(10**6))


def schedule() -> Iterator[Fault]:
    """Yield what strikes next."""
    if not SECONDS:
        yield from SHORT
        return
    print(f"seed {SEED}", flush=True)
    chosen, until = random.Random(SEED), time.monotonic() + SECONDS
    while time.monotonic() < until:
        yield chosen.choice(ALL)


@pytest.fixture
def cluster() -> Cluster:
    """The cluster with intervals that keep this short, once they count in full."""
    made = Cluster()
    made.register()
    wait_for(made.is_healthy, RECOVERY_LIMIT, "the cluster is healthy at first")
    made.call("PATCH", "settings/application", {"heartbeat_interval": HEARTBEAT, "unhealthy_interval": UNHEALTHY})
    time.sleep(DEFAULT_UNHEALTHY)
    return made


def test_no_accepted_message_is_lost_and_the_account_is_never_banned(cluster: Cluster) -> None:
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {what}", flush=True)

    say("messages flow")
    with Traffic(cluster) as traffic:
        for strike in schedule():
            before, refused = len(traffic.accepted()), traffic.refused()
            strike(cluster)
            seconds = wait_for(cluster.is_healthy, RECOVERY_LIMIT, f"the cluster is healthy after {strike.__name__}")
            state = cluster.upstream()
            accepted = len(traffic.accepted()) - before
            say(
                f"{strike.__name__.replace('_', ' ')}: whole {seconds:.1f} s after it was fixed, "
                f"{accepted} accepted meanwhile, {traffic.refused() - refused} refused"
            )
            assert state["banned"] is None
        wait_for(lambda: len(traffic.accepted()) > before + accepted, 30, "messages are accepted in the end")
    accepted = traffic.accepted()

    def missing() -> set[str]:
        return set(accepted) - cluster.received().keys()

    wait_for(lambda: not missing(), ARRIVED, "every accepted message has arrived")
    state = cluster.upstream()
    say(
        f"{len(accepted)} accepted, all arrived; {state['duplicates']} came more than once; {traffic.refused()} refused, "
        f"{traffic.unanswered()} unanswered; {state['connections']} connections, {state['refused']} refused, no ban"
    )
    assert len(set(accepted)) == len(accepted)
    assert state["banned"] is None
    assert state["received"] >= len(accepted) > 0
