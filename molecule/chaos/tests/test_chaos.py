"""Faults under traffic: every accepted message arrives, and the account is never banned.

With WABA_CHAOS_SECONDS the test is a soak: random faults for that time, from the seed WABA_CHAOS_SEED.
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

RECOVERY_LIMIT = 180  # seconds: the fence, the next promotion, the recovery of the database, and the start of a container on a busy machine
ARRIVAL_LIMIT = 60  # seconds
SECONDS = float(os.environ.get("WABA_CHAOS_SECONDS") or 0)
SEED = int(os.environ.get("WABA_CHAOS_SEED") or random.randrange(10**6))


def schedule() -> Iterator[Fault]:
    """Yield one fault after the other."""
    if not SECONDS:
        yield from SHORT
        return
    print(f"seed {SEED}", flush=True)
    chosen, until = random.Random(SEED), time.monotonic() + SECONDS
    while time.monotonic() < until:
        yield chosen.choice(ALL)


@pytest.fixture
def cluster() -> Cluster:
    """The cluster, after the lowered intervals have taken full effect."""
    cluster = Cluster()
    cluster.register()
    wait_for(cluster.is_healthy, RECOVERY_LIMIT, "the cluster is healthy at first")
    cluster.call("PATCH", "settings/application", {"heartbeat_interval": HEARTBEAT, "unhealthy_interval": UNHEALTHY})
    time.sleep(DEFAULT_UNHEALTHY)
    return cluster


def test_no_accepted_message_is_lost_and_the_account_is_never_banned(cluster: Cluster) -> None:
    began = time.monotonic()

    def report(event: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {event}", flush=True)

    report("traffic starts")
    with Traffic(cluster) as traffic:
        for fault in schedule():
            before, refused = len(traffic.accepted()), traffic.refused()
            fault(cluster)
            seconds = wait_for(cluster.is_healthy, RECOVERY_LIMIT, f"the cluster is healthy after {fault.__name__}")
            state = cluster.upstream()
            meanwhile = len(traffic.accepted()) - before
            report(
                f"{fault.__name__.replace('_', ' ')}: healthy {seconds:.1f} s after its end, "
                f"{meanwhile} accepted meanwhile, {traffic.refused() - refused} refused"
            )
            assert state["banned"] is None
        wait_for(lambda: len(traffic.accepted()) > before + meanwhile, 30, "messages are accepted after the last fault")
    accepted = traffic.accepted()

    def missing() -> set[str]:
        return set(accepted) - cluster.received().keys()

    wait_for(lambda: not missing(), ARRIVAL_LIMIT, "every accepted message has arrived")
    state = cluster.upstream()
    report(
        f"{len(accepted)} accepted, all arrived; {state['duplicates']} came more than once; {traffic.refused()} refused, "
        f"{traffic.unanswered()} unanswered; {state['connections']} connections, {state['refused']} refused, no ban"
    )
    assert len(set(accepted)) == len(accepted)
    assert state["banned"] is None
    assert state["received"] >= len(accepted) > 0
